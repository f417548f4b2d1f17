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
//! What the agent says stands last: `phrases.rs` holds the words that count.

mod phrases;

use std::fmt;

use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow, VerdictWord};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::{Map, Value, json};

use crate::agents::{AgentKind, Reading, read};

/// How many of the newest runs are looked through for earlier missions of the project.
const LOOKED_BACK: usize = 200;

/// So many unproductive missions of a project in a row are a warning.
const WARNING: usize = 3;

/// So many are critical.
const CRITICAL: usize = 5;

/// What came of a mission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It made something.
    Productive,
    /// It made nothing, and there may have been nothing to make.
    Empty,
    /// It could not go on.
    Stuck,
    /// Its job failed.
    Failed,
}

impl Outcome {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Productive => "productive",
            Self::Empty => "empty",
            Self::Stuck => "stuck",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

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
        let found = Found::new(job, &reading, context.ended);
        let (outcome, evidence) = found.outcome();
        let evidence = context.redactor.redact(&evidence);
        let runs = context.ledger.runs(LOOKED_BACK);
        let runs = runs.map_err(|error| StepError::new(format!("cannot tell how earlier missions went: {error}")))?;
        let in_a_row = match outcome {
            Outcome::Productive => 0,
            Outcome::Empty | Outcome::Stuck | Outcome::Failed => {
                1 + unproductive_before(&runs, context.run, context.name, &job.project.name)
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

/// What the agent's output tells beyond the job; a job without output tells nothing more.
fn reading_of(job: &Job) -> Reading {
    let kind = match job.agent.as_deref().map(str::parse::<AgentKind>) {
        None => AgentKind::Auto,
        Some(kind) => kind.unwrap_or(AgentKind::None),
    };
    job.stdout_path.as_deref().map_or_else(Reading::default, |path| read(kind, path))
}

/// What there is to judge by.
struct Found<'a> {
    job: &'a Job,
    reading: &'a Reading,
    /// `None` if git could not tell.
    committed: Option<bool>,
    merge: Option<&'a StepRow>,
    words: Option<&'a str>,
    pr_url: Option<String>,
}

impl<'a> Found<'a> {
    fn new(job: &'a Job, reading: &'a Reading, rows: &'a [StepRow]) -> Self {
        let words = job.result_text.as_deref().or(reading.result_text.as_deref());
        let project = &job.project;
        Self {
            job,
            reading,
            committed: project.commit.as_ref().zip(project.base.as_ref()).map(|(commit, base)| commit != base),
            merge: rows.iter().find(|row| row.kind == Kind::Action && row.name == "merge"),
            words,
            pr_url: words.and_then(phrases::pull_request),
        }
    }

    fn outcome(&self) -> (Outcome, String) {
        if !self.job.succeeded {
            return self.of_failure();
        }
        // One that is only armed at a platform may never come: the commits speak for themselves then.
        let is_armed = |row: &StepRow| row.output.as_ref().is_some_and(|output| output["armed"] == true);
        if self.merge.is_some_and(|row| row.status == Status::Success && !is_armed(row)) {
            return (Outcome::Productive, "it was merged".to_owned());
        }
        if self.committed == Some(true) {
            return (Outcome::Productive, "there are commits that the base has not".to_owned());
        }
        let nothing = match self.committed {
            Some(_) => "nothing is committed",
            None => "git cannot tell what is committed",
        };
        if !self.reading.denied.is_empty() {
            return (Outcome::Stuck, format!("{nothing}, and tools were denied: {}", self.reading.denied.join(", ")));
        }
        if let Some(phrase) = self.words.and_then(phrases::says_stuck) {
            return (Outcome::Stuck, format!("{nothing}, and the agent says {phrase:?}"));
        }
        if let (Some(_), Some(phrase)) = (&self.pr_url, self.words.and_then(phrases::says_opened)) {
            return (Outcome::Productive, format!("the agent says {phrase:?}, with the pull request's address"));
        }
        (Outcome::Empty, nothing.to_owned())
    }

    fn of_failure(&self) -> (Outcome, String) {
        match self.reading.ending.as_deref() {
            Some("error_max_turns") => return (Outcome::Stuck, "the agent ran out of turns".to_owned()),
            Some("error_max_budget_usd") => return (Outcome::Stuck, "the agent ran out of its budget".to_owned()),
            _ => {}
        }
        let why = self.job.failure_kind.map_or("the job failed", |kind| kind.as_str());
        let evidence = match (&self.reading.error, self.job.exit_code) {
            (Some(error), _) => format!("{why}: {error}"),
            (None, Some(code)) => format!("{why}, exit code {code}"),
            (None, None) => why.to_owned(),
        };
        (Outcome::Failed, evidence)
    }
}

/// What became of the merge, in one word.
fn merge_word(row: &StepRow) -> &'static str {
    match (row.status, row.reason) {
        (Status::Skipped, Some(reason)) => reason.as_str(),
        (status, _) => status.as_str(),
    }
}

/// Each gate's verdict; `none` if it gave none itself. Gates that were not due are left out.
fn checks(rows: &[StepRow]) -> Map<String, Value> {
    let was_due =
        |row: &&StepRow| row.kind == Kind::Gate && !matches!(row.reason, Some(Reason::Disabled | Reason::NotSelected));
    let word = |row: &StepRow| match (row.evaluated, row.verdict) {
        (Some(true), Some(VerdictWord::Pass)) => "pass",
        (Some(true), Some(VerdictWord::Block)) => "block",
        _ => "none",
    };
    rows.iter().filter(was_due).map(|row| (row.name.clone(), Value::from(word(row)))).collect()
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
