//! `tests`: a gate that runs the project's tests.
//!
//! | the command | verdict |
//! |---|---|
//! | exits with 0 | pass |
//! | exits with a code that means "tests failed" | block, with its last telling line |
//! | anything else: another code, a signal, not started, cut | none: a failure of this step, or nobody's |
//! | is not given, and the base declares none | not applicable |

use std::time::Duration;

use fuseboard_pipeline::config::{Spanned, TableReader};
use fuseboard_pipeline::exit_codes::ExitCodes;
use fuseboard_pipeline::process::{Ended, plain_text};
use fuseboard_pipeline::report::VerdictWord;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::checker::{self, Ruling, Said, millis, whole};
use crate::git::GitError;
use crate::judged::{Judged, go_on};
use crate::test_changes::{self, TestChanges};

mod command;

use command::TestCommand;

/// How many of the newest runs are searched for the last one whose tests passed.
const RUNS: usize = 100;

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `command` | the command, as a list of words; no shell | the first that the base declares: `make test`, `npm test`, `pytest`, `cargo test`, `go test ./...` |
/// | `fail_codes` | the exit codes that mean "tests failed" | make 2, cargo 101, all others 1 |
/// | `base` | what the work is compared with, as for `diff-scan` | the base that the job recorded |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tests {
    command: Option<Vec<String>>,
    fail_codes: Option<ExitCodes>,
    base: Option<String>,
}

impl Tests {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let command = checker::command(options, "[\"make\", \"test\"]");
        let command = command.map(|words| words.into_inner().into_iter().map(Spanned::into_inner).collect());
        let fail_codes = checker::fail_codes(options, "all tests passed");
        Self { command, fail_codes, base: options.filled_text("base").map(Spanned::into_inner) }
    }

    /// The command, and what the work does to it and to the tests; why that cannot be told, if it does not decide.
    fn prepare(&self, context: &StepContext<'_>) -> Result<Option<Prepared>, GitError> {
        let changes_to = |judged: &Judged, command: &TestCommand| {
            let defined_by = test_changes::below(&judged.folder()?, command.defined_by());
            Ok(TestChanges::of(&judged.diff()?, &defined_by))
        };
        if let Some(argv) = &self.command {
            let command = TestCommand::given(argv, self.fail_codes.as_ref());
            let judged = Judged::of(context, self.base.as_deref());
            return match judged.and_then(|judged| changes_to(&judged, &command)) {
                Err(cut @ GitError::Cut(_)) => Err(cut),
                changes => Ok(Some(Prepared { command, changes })),
            };
        }
        let judged = Judged::of(context, self.base.as_deref())?;
        let Some(command) = TestCommand::found(&judged, self.fail_codes.as_ref())? else { return Ok(None) };
        let changes = Ok(changes_to(&judged, &command)?);
        Ok(Some(Prepared { command, changes }))
    }
}

/// A command that is about to be run.
struct Prepared {
    command: TestCommand,
    changes: Result<TestChanges, GitError>,
}

impl Step for Tests {
    fn names_files(&self) -> Vec<String> {
        self.command.clone().unwrap_or_default()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let Some(prepared) = self.prepare(context)? else {
            let why = "no test command: none is given, and the base has no Makefile with a target `test`, no npm \
                       script, no pytest, Cargo.toml or go.mod";
            return Ok(Answer::NotApplicable(why.to_owned()));
        };
        go_on(context)?;
        let (program, arguments) = prepared.command.argv.split_first().ok_or_else(|| StepError::new("no command"))?;
        let ended = context.run(&context.command(program)?.args(arguments));
        prepared.judge(context, &ended)
    }
}

impl Prepared {
    fn judge(&self, context: &StepContext<'_>, ended: &Ended) -> Result<Answer, StepError> {
        let said = Said::of(ended, context.redactor);
        let shown = plain_text(&context.redactor.redact(&self.command.shown()));
        match Ruling::of(ended, &said, &self.command.fail_codes) {
            Some(Ruling::Yes) => Ok(Answer::Pass(self.told(&shown, ended, &said, 0))),
            Some(Ruling::No(code)) => {
                let summary = said.summary().unwrap_or_else(|| format!("{shown} exited with code {code}"));
                let why = std::iter::once(summary).chain(self.remarks()).collect::<Vec<_>>().join("; ");
                Ok(Answer::Block { why, told: self.told(&shown, ended, &said, code) })
            }
            None => Err(checker::no_verdict(&shown, ended, &said, || {
                let green = last_green(context).map(|took| format!("; the last run that passed took {}", whole(took)));
                green.unwrap_or_default()
            })),
        }
    }

    /// What is to be said beside the outcome.
    fn remarks(&self) -> Vec<String> {
        match &self.changes {
            Ok(changes) => changes.clauses(),
            Err(error) => vec![format!("whether the diff changes the tests is not known: {error}")],
        }
    }

    fn told(&self, shown: &str, ended: &Ended, said: &Said, code: i32) -> Told {
        let found = self.command.found_in.map(|file| format!(", found in the base's {file}")).unwrap_or_default();
        let ran = format!("{shown} ran for {}{found}", whole(ended.duration));
        let detail = std::iter::once(ran).chain(self.remarks()).collect::<Vec<_>>().join("; ");
        Told::detail(detail).with(json!({
            "command": shown,
            "found_in": self.command.found_in,
            "exit_code": code,
            "duration_ms": millis(ended.duration),
            "diff": self.changes.as_ref().ok().map(TestChanges::to_json),
            "stdout": said.stdout,
            "stderr": said.stderr,
        }))
    }
}

/// How long this step took when it last passed in this project, as far as the ledger knows.
fn last_green(context: &StepContext<'_>) -> Option<Duration> {
    let runs = context.ledger.runs(RUNS).ok()?.whole;
    let of_project = runs.iter().rev().filter(|run| run.head.project == context.job.project.name);
    let mut rows = of_project.flat_map(|run| &run.steps);
    rows.find_map(|row| {
        let passed = row.name == context.name && row.verdict == Some(VerdictWord::Pass) && row.evaluated == Some(true);
        passed.then_some(row.duration_ms).flatten().map(Duration::from_millis)
    })
}
