//! `session`: what came of the mission, with the evidence for it. Takes no options.
//!
//! The first that applies:
//!
//! | outcome | when |
//! |---|---|
//! | `stuck` | the job failed because the agent ran out of turns or of money |
//! | `failed` | the job failed in any other way: a failed job is never productive |
//! | `productive` | a step named `merge` merged it, or its commit is not the base's |
//! | `stuck` | nothing is committed, and tools were denied or the agent says that it is stuck |
//! | `productive` | nothing is known to be committed, the agent says that it opened a pull request, and gives its address |
//! | `empty` | otherwise |
//!
//! What the agent says stands last: `outcome/phrases.rs` holds the words that count.

use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::report::{Status, StepRow};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::outcome::{Found, Outcome, checks, phrases, reading_of};

/// How many of the newest runs are looked through for earlier missions of the project.
const LOOKED_BACK: usize = 200;

/// So many unproductive missions of a project in a row are a warning.
const WARNING: usize = 3;

/// So many are critical.
const CRITICAL: usize = 5;

/// The step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Session;

impl Session {
    /// The step; every option is unknown.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all options that were given.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|_| Self)
    }
}

impl Step for Session {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let job = context.job;
        let reading = reading_of(job);
        let found = Found::new(context, &reading);
        let (outcome, evidence) = found.judge();
        let evidence = context.redactor.redact(&evidence);
        let runs = context.ledger.runs(LOOKED_BACK);
        let runs = runs.map_err(|error| StepError::new(format!("cannot tell how earlier missions went: {error}")))?;
        let in_a_row = match outcome {
            Outcome::Productive => 0,
            Outcome::Empty | Outcome::Stuck | Outcome::Failed => {
                1 + unproductive_before(&runs.whole, context.run, context.name, &job.project.name)
            }
        };
        let staleness = match in_a_row {
            CRITICAL.. => Some("critical"),
            WARNING.. => Some("warning"),
            _ => None,
        };
        let mut detail = format!("{outcome}: {evidence}");
        if let Some(staleness) = staleness {
            detail = format!("{detail}; {staleness}: {in_a_row} unproductive missions in a row");
        }
        let output = json!({
            "outcome": outcome.as_str(),
            "kind": phrases::kind_of(job.title.as_deref(), job.mode.as_deref()),
            "evidence": evidence,
            "committed": found.committed,
            "merge": found.merge.map(merge_word),
            "pr_url": found.pr_url,
            "checks": checks(context.ended),
            "unproductive_in_a_row": in_a_row,
            "staleness": staleness,
            "phrases": phrases::VERSION,
        });
        Ok(Answer::Done(Told::detail(detail).with(output)))
    }
}

/// What became of the merge, in one word.
fn merge_word(row: &StepRow) -> &'static str {
    match (row.status, row.reason) {
        (Status::Skipped, Some(reason)) => reason.as_str(),
        (status, _) => status.as_str(),
    }
}

/// How many missions of the project before this run were unproductive without one in between that was not.
/// Runs that do not tell are passed over.
fn unproductive_before(runs: &[StoredRun], run: &str, step: &str, project: &str) -> usize {
    let earlier = runs.iter().rev().filter(|stored| stored.head.id.as_str() < run && stored.head.project == project);
    let outcome = |stored: &StoredRun| {
        let row = stored.steps.iter().find(|row| row.name == step)?;
        Some(row.output.as_ref()?.get("outcome")?.as_str()? == Outcome::Productive.as_str())
    };
    earlier.filter_map(outcome).take_while(|is_productive| !is_productive).count()
}
