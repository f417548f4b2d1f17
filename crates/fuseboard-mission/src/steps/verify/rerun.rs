//! The re-run that a gate which blocks may ask for. Somebody else acts on it: here it is only asked for, and counted.

use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::step::StepContext;
use serde_json::{Value, json};

/// How many of the newest runs are searched for re-runs that were asked for.
const RUNS: usize = 200;

/// So many bytes of two titles are compared: the middle of a longer one may be cut in the ledger.
const COMPARED: usize = 120;

/// Whether a re-run is asked for.
pub(super) enum Rerun {
    /// The how manieth of this mission it is.
    Asked(usize),
    /// Why it is not.
    NotAsked(String),
}

impl Rerun {
    /// Asks unless so many were asked for already. The row in which it is asked is in the ledger before anybody
    /// can act on it, so that whoever counts next counts it.
    pub(super) fn ask(context: &StepContext<'_>, most: usize) -> Self {
        let Some(title) = context.job.title.as_deref().filter(|title| !title.trim().is_empty()) else {
            return Self::NotAsked("a mission without a title is not known again".to_owned());
        };
        let runs = match context.ledger.runs(RUNS) {
            Ok(runs) => runs,
            Err(error) => return Self::NotAsked(format!("how many were asked for cannot be read: {error}")),
        };
        // One that cannot be read may have asked, too.
        match runs.whole.iter().filter(|run| asked(run, context, title)).count() + runs.damaged.len() {
            before if before < most => Self::Asked(before + 1),
            before => Self::NotAsked(format!("{before} were asked for already")),
        }
    }

    /// For people.
    pub(super) fn in_words(&self, most: usize) -> String {
        match self {
            Self::Asked(number) => format!("asks for re-run {number} of {most}"),
            Self::NotAsked(why) => format!("asks for no re-run: {why}"),
        }
    }

    pub(super) fn to_json(&self, why: &str) -> Value {
        match self {
            Self::Asked(number) => json!({"asked": true, "number": number, "why": why}),
            Self::NotAsked(why) => json!({"asked": false, "number": null, "why": why}),
        }
    }
}

/// Whether this step asked for a re-run of this mission in an earlier run.
fn asked(run: &StoredRun, context: &StepContext<'_>, title: &str) -> bool {
    let beginning = |title: &str| title[..title.floor_char_boundary(COMPARED)].to_owned();
    let same_title = run.job.as_ref().and_then(|job| job.title.as_deref()).map(beginning) == Some(beginning(title));
    let is_earlier = run.head.id != context.run && run.head.project == context.job.project.name;
    let asks = |output: &Value| output["rerun"]["asked"] == true;
    let mut rows = run.steps.iter().filter(|row| row.name == context.name);
    is_earlier && same_title && rows.any(|row| row.output.as_ref().is_some_and(asks))
}
