//! What came of a mission, by the evidence that there is: `session` says it, and `bandit` learns from it.

pub(crate) mod phrases;

use std::fmt;

use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow, VerdictWord};
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::step::StepContext;
use serde_json::{Map, Value};

use crate::agents::{AgentKind, Reading, read};
use crate::git::Git;

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

/// What the agent's output tells beyond the job; a job without output tells nothing more.
pub(crate) fn reading_of(job: &Job) -> Reading {
    let kind = match job.agent.as_deref().map(str::parse::<AgentKind>) {
        None => AgentKind::Auto,
        Some(kind) => kind.unwrap_or(AgentKind::None),
    };
    job.stdout_path.as_deref().map_or_else(Reading::default, |path| read(kind, path))
}

/// What there is to judge by.
pub(crate) struct Found<'a> {
    job: &'a Job,
    reading: &'a Reading,
    /// `None` if git could not tell.
    pub(crate) committed: Option<bool>,
    pub(crate) merge: Option<&'a StepRow>,
    words: Option<&'a str>,
    pub(crate) pr_url: Option<String>,
}

impl<'a> Found<'a> {
    pub(crate) fn new(context: &StepContext<'a>, reading: &'a Reading) -> Self {
        let (job, rows) = (context.job, context.ended);
        let words = job.result_text.as_deref().or(reading.result_text.as_deref());
        Self {
            job,
            reading,
            committed: committed(context),
            merge: rows.iter().find(|row| row.kind == Kind::Action && row.name == "merge"),
            words,
            pr_url: words.and_then(phrases::pull_request),
        }
    }

    /// The outcome, and the evidence for it.
    pub(crate) fn judge(&self) -> (Outcome, String) {
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

/// Whether there are commits that the base has not; `None` if that cannot be told. What is told of a place that is no
/// repository here is believed as it stands.
fn committed(context: &StepContext<'_>) -> Option<bool> {
    let project = &context.job.project;
    let (commit, base) = project.commit.as_ref().zip(project.base.as_ref())?;
    if commit == base || Repository::containing(&project.path).is_none() {
        return Some(commit != base);
    }
    let git = Git::of(context);
    let resolve = |commit: &str| git.resolve(commit).ok().flatten();
    Some(git.ahead(&resolve(base)?, &resolve(commit)?).ok()? > 0)
}

/// Each gate's verdict; `none` if it gave none itself. Gates that were not due are left out.
pub(crate) fn checks(rows: &[StepRow]) -> Map<String, Value> {
    let was_due =
        |row: &&StepRow| row.kind == Kind::Gate && !matches!(row.reason, Some(Reason::Disabled | Reason::NotSelected));
    let word = |row: &StepRow| match (row.evaluated, row.verdict) {
        (Some(true), Some(VerdictWord::Pass)) => "pass",
        (Some(true), Some(VerdictWord::Block)) => "block",
        _ => "none",
    };
    rows.iter().filter(was_due).map(|row| (row.name.clone(), Value::from(word(row)))).collect()
}
