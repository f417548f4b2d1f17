//! The run in one word and one exit code, from its rows: the table of the contract.

use crate::config::StepDeclaration;
use crate::pipeline::Pipeline;
use crate::report::{Kind, Reason, RunResult, Status, StepRow, VerdictWord};

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) result: RunResult,
    pub(crate) exit_code: u8,
}

/// Sums up; what stands first counts: a signal, a block, the deadline, a required step.
pub(crate) fn summarise(rows: &[StepRow], pipeline: &Pipeline, signal: Option<i32>) -> Summary {
    let declared =
        |row: &&StepRow| pipeline.steps.iter().find(|step| step.name() == row.name).map(|step| &step.declaration);
    let with = |test: fn(&StepRow, &StepDeclaration) -> bool| {
        rows.iter().filter_map(|row| Some((row, declared(&row)?))).any(|(row, declaration)| test(row, declaration))
    };
    let (result, exit_code) = if let Some(signal) = signal {
        (RunResult::Interrupted, u8::try_from(128 + signal).unwrap_or(u8::MAX))
    } else if with(blocks) {
        (RunResult::Blocked, 77)
    } else if with(|row, _| row.reason == Some(Reason::Deadline)) {
        (RunResult::TimedOut, 124)
    } else if with(|row, declaration| declaration.required && is_undone(row)) {
        (RunResult::Failed, 1)
    } else if rows.iter().all(|row| row.status == Status::Skipped) && !rows.is_empty() {
        (RunResult::Skipped, 0)
    } else {
        (RunResult::Success, 0)
    };
    Summary { result, exit_code }
}

/// A gate that was due and did not pass, or an action that one held back. Gates that were left out do not count;
/// whether an action waited for them shows in the action's row.
fn blocks(row: &StepRow, declaration: &StepDeclaration) -> bool {
    let left_out =
        matches!(row.reason, Some(Reason::Disabled | Reason::NotSelected | Reason::JobFailed | Reason::JobSucceeded));
    match declaration.kind {
        Kind::Gate => !declaration.advisory && !left_out && row.verdict != Some(VerdictWord::Pass),
        Kind::Action => row.reason == Some(Reason::GateBlocked),
        Kind::Recorder => false,
    }
}

/// A step that was due and is not done.
fn is_undone(row: &StepRow) -> bool {
    let stands_back =
        matches!(row.reason, Some(Reason::Disabled | Reason::NotSelected | Reason::JobFailed | Reason::JobSucceeded));
    match row.status {
        Status::Success | Status::NotApplicable => false,
        Status::Failed | Status::TimedOut | Status::Interrupted | Status::Running => true,
        Status::Skipped => !stands_back,
    }
}
