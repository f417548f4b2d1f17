//! `quota`: has the agent run into its limit? Then it is paused until the limit is lifted. Takes no options.
//!
//! | evidence, the first that there is | |
//! |---|---|
//! | the agent's own structured output | a rejected `rate_limit_event`, an error of its provider |
//! | the job | `failure_kind` is `quota` |
//! | standard error | a line that begins with one of the phrases in `agents/words.rs` |
//!
//! What an agent writes to standard output in prose counts for nothing, and neither does anything that a job which succeeded
//! has written. A limit of which nobody says when it is lifted is taken to last 5 hours; none is believed to last longer than a
//! day. While an agent is paused `mission` waits, or ends with 75, and steps that would call it are skipped.

use std::path::Path;
use std::time::Duration;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::pause::{ANY_AGENT, LONGEST, Pause, PauseError, Pauses};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::agents::{AgentKind, Reading, try_read, words};

/// How long a limit lasts of which nobody says when it is lifted.
pub const UNKNOWN: Duration = Duration::from_hours(5);

/// The step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota;

impl Quota {
    /// The step; every option is unknown.
    ///
    /// # Errors
    /// [`ConfigErrors`] with all options that were given.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|_| Self)
    }
}

impl Step for Quota {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let limit = match look(context.job) {
            Looked::Limit(limit) => limit,
            Looked::None => {
                return Ok(Answer::Done(Told::detail("no limit").with(json!({ "limit": false }))));
            }
            Looked::Unreliable(why) => return Err(StepError::new(format!("unreliable: {why}"))),
        };
        let evidence = context.redactor.redact(&limit.evidence).into_owned();
        let output = |until: Option<Stamp>| {
            json!({
                "limit": true,
                "agent": limit.agent,
                "evidence": evidence,
                "resets_at": limit.resets_at,
                "paused_until": until,
                "phrases": words::VERSION,
            })
        };
        let pause = limit.pause(context.run, evidence.clone());
        if pause.until <= now() {
            let told = format!("the limit that {} ran into is lifted already: {evidence}", limit.agent);
            return Ok(Answer::Done(Told::detail(told).with(output(None))));
        }
        begin(context.state_folder, &pause).map_err(|error| StepError::new(error.to_string()))?;
        let told = format!("{} is paused until {}: {evidence}", limit.agent, pause.until);
        Ok(Answer::Done(Told::detail(told).with(output(Some(pause.until)))))
    }
}

/// Pauses the agent of a job that ran into its limit, as this step does.
///
/// # Errors
/// [`PauseError`]: it is not paused.
pub fn pause_after(
    job: &Job,
    run: &str,
    state_folder: &Path,
    redactor: &Redactor,
) -> Result<Option<Pause>, PauseError> {
    let Looked::Limit(limit) = look(job) else { return Ok(None) };
    let pause = limit.pause(run, redactor.redact(&limit.evidence).into_owned());
    if pause.until <= now() {
        return Ok(None);
    }
    begin(state_folder, &pause).map(|()| Some(pause))
}

fn begin(state_folder: &Path, pause: &Pause) -> Result<(), PauseError> {
    Pauses::in_state_folder(state_folder).begin(pause)
}

/// A limit that an agent ran into.
struct Limit {
    agent: String,
    at: Stamp,
    resets_at: Option<Stamp>,
    evidence: String,
}

impl Limit {
    fn pause(&self, run: &str, why: String) -> Pause {
        let until = self.resets_at.unwrap_or_else(|| self.at.after(UNKNOWN)).min(self.at.after(LONGEST));
        Pause { agent: self.agent.clone(), since: self.at, until, why, run: run.to_owned() }
    }
}

enum Looked {
    Limit(Limit),
    None,
    /// What there is to look at cannot be read.
    Unreliable(String),
}

fn look(job: &Job) -> Looked {
    if job.succeeded {
        return Looked::None;
    }
    let at = job.ended_at.unwrap_or_else(now);
    let kind = job.agent.as_deref().map_or(AgentKind::Auto, |word| word.parse().unwrap_or(AgentKind::None));
    let mut trouble = None;
    let unreadable = |path: &Path, error| format!("{} cannot be read: {error}", path.display());
    let reading = match job.stdout_path.as_deref().map(|path| (path, try_read(kind, path))) {
        Some((_, Ok(reading))) => reading,
        Some((path, Err(error))) => {
            trouble = Some(unreadable(path, error));
            Reading::default()
        }
        None => Reading::default(),
    };
    let said = match job.stderr_path.as_deref().map(|path| (path, words::in_file(path, at))) {
        Some((_, Ok(said))) => said.filter(|said| said.failure == JobFailure::Quota),
        Some((path, Err(error))) => {
            trouble = Some(unreadable(path, error));
            None
        }
        None => None,
    };
    let agent = job.agent.clone().filter(|agent| agent.parse().is_ok_and(|kind| matches!(kind, AgentKind::Is(_))));
    let agent = agent.or_else(|| reading.agent.map(|agent| agent.to_string())).unwrap_or_else(|| ANY_AGENT.to_owned());
    let in_words = || words::reset_in(reading.error.as_deref()?, at);
    let resets_at = reading.limit_resets_at.or_else(in_words).or_else(|| said.as_ref()?.resets_at);
    let evidence = if reading.failure == Some(JobFailure::Quota) {
        reading.error.unwrap_or_else(|| "the agent says that it ran into its limit".to_owned())
    } else if let Some(said) = said {
        said.line
    } else if job.failure_kind == Some(JobFailure::Quota) {
        "the job is said to have failed by its limit".to_owned()
    } else {
        return trouble.map_or(Looked::None, Looked::Unreliable);
    };
    Looked::Limit(Limit { agent, at, resets_at, evidence })
}

fn now() -> Stamp {
    SystemClock.wall().into()
}
