//! `lint`: a gate that runs the project's linter over the files that the work changes.
//!
//! The command is run once for each batch of files, all of them, so that all findings are told:
//!
//! | it ends | verdict |
//! |---|---|
//! | always with 0 | pass |
//! | sometimes with a code that means "found something", else with 0 | block, with the last telling lines of the first such run |
//! | once in any other way: another code, a signal, not started, cut | none |
//! | it is not run, since no file is changed that is meant | pass |

use std::ffi::OsString;

use fuseboard_pipeline::config::{Help, Spanned, TableReader};
use fuseboard_pipeline::exit_codes::ExitCodes;
use fuseboard_pipeline::process::{Command, plain_text};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError};

use crate::checker::{self, Ruling, Said};
use crate::judged::{Judged, go_on};

mod batches;
mod files;
mod linted;
mod rules;

use files::Files;
use linted::{Linted, Run};

/// The word in whose place the files are put.
const FILES: &str = "{files}";

/// The codes that mean "found something", unless told otherwise.
const FAIL_CODES: [u8; 1] = [1];

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `command` | the linter, as a list of words; no shell. The files are put in the place of the word `{files}`; without it the command runs once | required |
/// | `fail_codes` | the exit codes that mean "found something" | 1 |
/// | `files` | patterns of the changed files that are meant: `*` is any text, `?` one character; one without `/` is for a file's name, one with it for the path below the job's folder | all |
/// | `rules` | files, such as the linter's configuration, that must be what they were before the job began | none |
/// | `base` | what the work is compared with, as for `diff-scan` | the base that the job recorded |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    command: Vec<String>,
    fail_codes: ExitCodes,
    files: Vec<String>,
    rules: Vec<String>,
    base: Option<String>,
}

impl Lint {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let example = "[\"ruff\", \"check\", \"--\", \"{files}\"]";
        let command = checker::command(options, example);
        let command = options.required("command", command, Help::advice(format!("write command = {example}")));
        let command = command.map(Spanned::into_inner).unwrap_or_default();
        check_command(options, &command);
        let texts = |texts: Option<Spanned<Vec<Spanned<String>>>>| {
            texts.into_iter().flat_map(Spanned::into_inner).map(Spanned::into_inner).collect()
        };
        Self {
            command: command.into_iter().map(Spanned::into_inner).collect(),
            fail_codes: checker::fail_codes(options, "nothing was found")
                .unwrap_or_else(|| FAIL_CODES.into_iter().collect()),
            files: texts(patterns(options)),
            rules: texts(options.texts("rules")),
            base: options.filled_text("base").map(Spanned::into_inner),
        }
    }

    /// The command for one batch.
    fn over(&self, context: &StepContext<'_>, batch: &[OsString]) -> Result<Command, StepError> {
        let (program, words) = self.command.split_first().ok_or_else(|| StepError::new("no command"))?;
        let words = words.iter().flat_map(|word| match word.as_str() {
            FILES => batch.to_vec(),
            word => vec![word.into()],
        });
        Ok(context.command(program)?.args(words))
    }

    /// A folder has no content that could have been compared.
    fn refuse_folders(&self, context: &StepContext<'_>) -> Result<(), StepError> {
        match self.rules.iter().find(|rule| context.job.project.path.join(rule).is_dir()) {
            Some(folder) => Err(StepError::new(format!(
                "`rules` names the folder {folder}, whose files cannot be compared; name the files"
            ))),
            None => Ok(()),
        }
    }
}

/// Where the files are to stand must be plain.
fn check_command(options: &TableReader<'_>, words: &[Spanned<String>]) {
    for word in words.iter().filter(|word| word.contains(FILES) && word.as_str() != FILES) {
        let help = Help::advice("put them in the place of a whole word: \"{files}\"");
        options.refuse(word, "`{files}` stands within a word, which can hold no list of files", help);
    }
    for word in words.iter().filter(|word| word.as_str() == "{file}") {
        options.refuse(word, "`{file}` stands for nothing", Help::advice("write \"{files}\""));
    }
    let mut places = words.iter().enumerate().filter(|(_, word)| word.as_str() == FILES);
    if let Some((0, word)) = places.next() {
        options.refuse(word, "`{files}` stands in the place of the program", Help::advice("put the linter before it"));
    }
    if let Some((_, word)) = places.next() {
        options.refuse(word, "`{files}` stands there twice", Help::advice("leave one out"));
    }
}

/// Patterns that fit nothing would let everything pass.
fn patterns(options: &mut TableReader<'_>) -> Option<Spanned<Vec<Spanned<String>>>> {
    let patterns = options.texts("files")?;
    if patterns.is_empty() {
        let help = Help::advice("leave it out for all files, or write [\"*.py\"]");
        options.refuse(&patterns, "`files` is empty: nothing would be looked at", help);
    }
    let is_other = |pattern: &str| {
        let leads_away = ["/", "./", "../", "!"].iter().any(|start| pattern.starts_with(start));
        leads_away || pattern.contains(['[', '{', '\\']) || pattern.contains("**")
    };
    for pattern in patterns.iter().filter(|pattern| is_other(pattern)) {
        let help = Help::advice("only `*`, which is any text, `/` included, and `?` have a meaning");
        options.refuse(pattern, format!("`files` knows no pattern such as {:?}", pattern.as_str()), help);
    }
    Some(patterns)
}

impl Step for Lint {
    fn names_files(&self) -> Vec<String> {
        self.command.iter().filter(|word| *word != FILES).chain(&self.rules).cloned().collect()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        self.refuse_folders(context)?;
        let judged = Judged::of(context, self.base.as_deref())?;
        let diff = judged.diff()?;
        let files = Files::of(&judged, &diff, &self.files)?;
        let takes_files = self.command.iter().any(|word| word == FILES);
        let batches = match takes_files {
            true => batches::of(&files.meant, &self.command),
            false if files.meant.len() + files.links.len() + files.gone > 0 => vec![&[][..]],
            false => Vec::new(),
        };
        let shown = context.redactor.redact(&plain_text(&self.command.join(" "))).into_owned();
        let mut runs = Vec::new();
        for (batch, number) in batches.iter().zip(1..) {
            go_on(context)?;
            let ended = context.run(&self.over(context, batch)?);
            let said = Said::of(&ended, context.redactor);
            let Some(ruling) = Ruling::of(&ended, &said, &self.fail_codes) else {
                let part =
                    if batches.len() > 1 { format!(" (batch {number} of {})", batches.len()) } else { String::new() };
                return Err(checker::no_verdict(&format!("{shown}{part}"), &ended, &said, String::new));
            };
            runs.push(Run { batch: number, ruling, took: ended.duration, said });
        }
        let linted = Linted {
            shown,
            base: &judged.base,
            head: &judged.head,
            changed: diff.files.len(),
            files: &files,
            rules: rules::changed_by(&diff, &self.command),
            runs,
        };
        Ok(linted.answer(context.redactor))
    }
}
