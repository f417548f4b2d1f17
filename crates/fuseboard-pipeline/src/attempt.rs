//! What came of running one step, and what that means: for its circuit, for its row, for what waits for it.
//! The table of the contract, in one place.

use fuseboard::{Failure, FailureKind, Outcome};
use serde_json::json;

use crate::duration;
use crate::pipeline::PlannedStep;
use crate::process::{Ended, How, Survivor};
use crate::redact::Redactor;
use crate::report::{Kind, Reason, Status, StepRow, VerdictWord};
use crate::step::{Answer, StepError, Told};

/// How many of a command's last lines are a gate's reason.
const REASON_LINES: usize = 3;

/// What came of running a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Attempt {
    /// It gave an answer.
    Answered(Answer),
    /// It failed.
    Failed(Failure, Told),
    /// Its own timeout ended it.
    TimedOut(Told),
    /// The pipeline's deadline ended it.
    Cut(Told),
    /// A signal to the program ended it.
    Interrupted(Told),
}

impl Attempt {
    /// What a command's end says.
    pub(crate) fn of_command(ended: &Ended, step: &PlannedStep, redactor: &Redactor) -> Self {
        let gate = step.declaration.kind == Kind::Gate;
        let last = ended.stderr.last_error(redactor).or_else(|| ended.stdout.last_error(redactor));
        let told = Told { detail: detail(&ended.left_behind), output: Some(kept_output(ended, redactor)) };
        let failed = |kind, told: Told| {
            let words = last.as_ref().map_or_else(|| ended.how.to_string(), |said| format!("{}: {said}", ended.how));
            Self::Failed(Failure::new(kind, &words), told)
        };
        match &ended.how {
            How::Exited(0) if gate => Self::Answered(Answer::Pass(told)),
            How::Exited(0) => Self::Answered(Answer::Done(told)),
            How::Exited(code) if gate && step.settings.block_codes.contains(*code) => {
                let lines =
                    [ended.stdout.last_lines(REASON_LINES, redactor), ended.stderr.last_lines(REASON_LINES, redactor)];
                let said = lines.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default().join("; ");
                let why = if said.is_empty() { format!("exited with code {code} and said nothing") } else { said };
                Self::Answered(Answer::Block { why, told })
            }
            How::Exited(_) => failed(FailureKind::Exit, told),
            How::Signalled(_) => failed(FailureKind::Signal, told),
            How::NotStarted(why) => {
                failed(if why.is_permanent() { FailureKind::Spawn } else { FailureKind::Error }, told)
            }
            How::OutputTooLarge | How::Lost => failed(FailureKind::Error, told),
            How::TimedOut => Self::TimedOut(told),
            How::Cut => Self::Cut(told),
            How::Interrupted(_) => Self::Interrupted(told),
        }
    }

    /// What a built-in step's end says. Who was cut by whom is told by the one who cut.
    pub(crate) fn of_built_in(
        result: Result<Answer, StepError>,
        kind: Kind,
        timed_out: bool,
        interrupted: bool,
    ) -> Self {
        match result {
            Ok(answer) if answer.is_of(kind) => Self::Answered(answer),
            Ok(_) => {
                let bug = format!("a bug of this step: that is no answer of {}", kind.described());
                Self::Failed(Failure::new(FailureKind::Error, &bug), Told::default())
            }
            Err(StepError { kind: None | Some(FailureKind::Timeout), message }) if timed_out => {
                Self::TimedOut(Told::detail(message))
            }
            Err(StepError { kind: None, message }) if interrupted => Self::Interrupted(Told::detail(message)),
            Err(StepError { kind: None, message }) => Self::Cut(Told::detail(message)),
            Err(StepError { kind: Some(kind), message }) => Self::Failed(Failure::new(kind, &message), Told::default()),
        }
    }

    /// Whether a gate said pass: only such a verdict has to be bound to a commit.
    pub(crate) fn is_pass(&self) -> bool {
        matches!(self, Self::Answered(Answer::Pass(_)))
    }

    /// The circuit's outcome. `unbound`: a verdict that cannot be bound to the commit tells nothing of the gate.
    pub(crate) fn outcome(&self, step: &PlannedStep, unbound: bool) -> Outcome {
        match self {
            Self::Answered(_) if unbound => Outcome::Ignored,
            Self::Answered(Answer::NotApplicable(_)) | Self::Cut(_) | Self::Interrupted(_) => Outcome::Ignored,
            Self::Answered(Answer::Done(_) | Answer::Pass(_) | Answer::Block { .. } | Answer::Refused(_)) => {
                Outcome::Success
            }
            Self::Failed(failure, _) => Outcome::Failure(failure.clone()),
            Self::TimedOut(told) => Outcome::Failure(Failure::new(FailureKind::Timeout, &timed_out(step, told))),
        }
    }

    /// Writes into the row what this means. `unbound`: why a verdict cannot be bound to the commit.
    pub(crate) fn write(self, row: &mut StepRow, step: &PlannedStep, unbound: Option<String>) {
        if let Some(problem) = unbound {
            (row.status, row.failure) = (Status::Failed, Some(FailureKind::Error.to_string()));
            no_verdict(row, &problem);
            row.detail = Some(problem);
            return;
        }
        match self {
            Self::Answered(answer) => write_answer(answer, row, step),
            Self::Failed(failure, told) => {
                (row.status, row.failure) = (Status::Failed, Some(failure.kind.to_string()));
                no_verdict(row, &failure.message);
                tell(row, Told { detail: Some(failure.message.to_string()), ..told });
            }
            Self::TimedOut(told) => {
                (row.status, row.failure) = (Status::TimedOut, Some(FailureKind::Timeout.to_string()));
                let words = timed_out(step, &told);
                no_verdict(row, &words);
                tell(row, Told { detail: Some(words), ..told });
            }
            Self::Cut(told) => {
                (row.status, row.reason) = (Status::TimedOut, Some(Reason::Deadline));
                no_verdict(row, "cut by the deadline");
                tell(row, told);
            }
            Self::Interrupted(told) => {
                row.status = Status::Interrupted;
                no_verdict(row, "interrupted");
                tell(row, told);
            }
        }
    }
}

fn write_answer(answer: Answer, row: &mut StepRow, step: &PlannedStep) {
    row.status = Status::Success;
    match answer {
        Answer::Done(told) => tell(row, told),
        Answer::Pass(told) => {
            (row.verdict, row.evaluated) = (Some(VerdictWord::Pass), Some(true));
            tell(row, told);
        }
        Answer::Block { why, told } => {
            (row.verdict, row.evaluated, row.why) = (Some(VerdictWord::Block), Some(true), Some(why));
            tell(row, told);
        }
        Answer::Refused(why) => {
            (row.status, row.reason, row.detail) = (Status::Skipped, Some(Reason::Refused), Some(why));
        }
        Answer::NotApplicable(why) => {
            row.status = Status::NotApplicable;
            if step.declaration.kind == Kind::Gate && step.declaration.if_absent == crate::config::IfAbsent::Pass {
                (row.verdict, row.evaluated) = (Some(VerdictWord::Pass), Some(true));
                row.why = Some("not applicable, declared to pass".to_owned());
            } else {
                no_verdict(row, &format!("not applicable: {why}"));
            }
            row.detail = Some(why);
        }
    }
}

/// Of a gate: it blocks, since it said nothing. Of any other step nothing.
pub(crate) fn no_verdict(row: &mut StepRow, why: &str) {
    if row.kind == Kind::Gate {
        (row.verdict, row.evaluated) = (Some(VerdictWord::Block), Some(false));
        row.why = Some(format!("no verdict: {why}"));
    }
}

fn timed_out(step: &PlannedStep, told: &Told) -> String {
    let after =
        step.settings.timeout.map(|timeout| format!(" after {}", duration::format(timeout))).unwrap_or_default();
    let said = told.detail.as_ref().map(|said| format!(" ({said})")).unwrap_or_default();
    format!("timed out{after}{said}")
}

fn tell(row: &mut StepRow, told: Told) {
    row.detail = told.detail;
    row.output = told.output;
}

fn detail(left_behind: &[Survivor]) -> Option<String> {
    let told: Vec<String> = left_behind.iter().map(|survivor| format!("{survivor} {}", survivor.remedy())).collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn kept_output(ended: &Ended, redactor: &Redactor) -> serde_json::Value {
    let text = |kept: &crate::process::Kept| redactor.redact(&String::from_utf8_lossy(&kept.excerpt())).into_owned();
    json!({"exit_code": ended.how.child_code(), "stdout": text(&ended.stdout), "stderr": text(&ended.stderr)})
}
