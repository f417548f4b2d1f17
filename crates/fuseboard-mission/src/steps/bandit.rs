//! `bandit`: learns which projects, agents, models or modes are worth choosing; `fuseboard pick` draws the next ([`crate::arms`]).
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `arm` | what names the arm of this run: `project`, `agent`, `model` or `mode` | `project` |
//! | `name` | the set of arms that learns | the word of `arm` |
//! | `discount` | what is left of everything learned before, each time something is learned: above 0, at most 1 | 1.0 |
//!
//! | the mission | teaches |
//! |---|---|
//! | was productive, by the judgement of `session` | a success |
//! | was empty or stuck, or failed by the agent's own fault: exit code, its own word | a failure |
//! | failed for what no arm can help: login, quota, spawn, signal, timeout, interrupted; the exit codes 124, 126, 127, by which `timeout` and shells say the same | nothing |
//! | left nothing to judge by: git cannot tell what is committed, and nothing else speaks for or against it | nothing |

use std::time::Duration;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, Help, StepOptions, TableReader, Word};
use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::agents::Reading;
use crate::arms::{ArmSets, Learned, Lesson, SetName, Taught, arm_name};
use crate::outcome::{Found, Outcome, reading_of};

/// How long it waits for other runs that learn at the same time.
const PATIENCE: Duration = Duration::from_secs(10);

/// What names the arm of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArmOf {
    /// The project.
    #[default]
    Project,
    /// The agent.
    Agent,
    /// The model that wrote most, by the usage that the job or its output tells.
    Model,
    /// The mode, which is free text of the caller: a prompt can be named there.
    Mode,
}

impl Word for ArmOf {
    const WORDS: &'static [(&'static str, Self)] =
        &[("project", Self::Project), ("agent", Self::Agent), ("model", Self::Model), ("mode", Self::Mode)];
}

impl ArmOf {
    fn as_str(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Agent => "agent",
            Self::Model => "model",
            Self::Mode => "mode",
        }
    }

    fn of(self, job: &Job, reading: &Reading) -> Option<String> {
        match self {
            Self::Project => Some(job.project.name.clone()),
            Self::Agent => job.agent.clone(),
            Self::Model => {
                let usage = job.usage.as_ref().or(reading.usage.as_ref())?;
                let named = usage.iter().filter(|row| row.model.is_some());
                named.max_by_key(|row| row.output)?.model.clone()
            }
            Self::Mode => job.mode.clone(),
        }
    }
}

/// The step.
#[derive(Clone, Debug, PartialEq)]
pub struct Bandit {
    arm: ArmOf,
    set: SetName,
    discount: f64,
}

impl Bandit {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    fn read(options: &mut TableReader<'_>) -> Self {
        let arm = options.word::<ArmOf>("arm").map(|arm| *arm).unwrap_or_default();
        let set = options.filled_text("name").and_then(|name| {
            let set = name.parse::<SetName>();
            set.map_err(|error| options.refuse(&name, format!("`name` names no set: {error}"), None)).ok()
        });
        let discount = options.number("discount").map_or(1.0, |discount| {
            if *discount <= 0.0 || *discount > 1.0 {
                let help = Help::advice("write 1.0 to forget nothing, 0.98 to forget slowly");
                options.refuse(&discount, "`discount` must be above 0 and at most 1", help);
            }
            *discount
        });
        Self { arm, set: set.unwrap_or_else(|| SetName::of_word(arm.as_str())), discount }
    }
}

impl Step for Bandit {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let job = context.job;
        let reading = reading_of(job);
        let Some(arm) = self.arm.of(job, &reading).and_then(|arm| arm_name(&context.redactor.redact(&arm))) else {
            return Ok(Answer::NotApplicable(format!("the job names no {}", self.arm.as_str())));
        };
        let (judged, lesson, why) = lesson(context, &reading);
        let told = |detail: String, taught: Option<Taught>| {
            let output = json!({
                "set": self.set.to_string(),
                "arm": arm,
                "judged": judged.as_str(),
                "lesson": lesson.map(Lesson::as_str),
                "alpha": taught.map(|taught| taught.arm.alpha),
                "beta": taught.map(|taught| taught.arm.beta),
                "replay": taught.is_some_and(|taught| taught.is_replay),
            });
            Ok(Answer::Done(Told::detail(detail).with(output)))
        };
        let Some(lesson) = lesson else { return told(format!("nothing learned of {arm}: {why}"), None) };
        let learned = Learned {
            run: context.run,
            arm: &arm,
            lesson,
            discount: self.discount,
            at: Stamp::from(SystemClock.wall()),
        };
        let deadline = Deadline::after(PATIENCE).or_earlier(context.deadline);
        let taught = ArmSets::in_state_folder(context.state_folder).learn(&self.set, &learned, deadline);
        let taught = taught.map_err(|error| StepError::new(format!("cannot learn: {error}")))?;
        let (alpha, beta) = (taught.arm.alpha, taught.arm.beta);
        let known = if taught.is_replay { "; known already" } else { "" };
        let detail = format!("{arm}: {} ({why}), now {alpha:.1} to {beta:.1}{known}", lesson.as_str());
        told(detail, Some(taught))
    }
}

/// What the mission teaches, and why.
fn lesson(context: &StepContext<'_>, reading: &Reading) -> (Outcome, Option<Lesson>, String) {
    let job = context.job;
    let found = Found::new(context, reading);
    let (outcome, evidence) = found.judge();
    let evidence = context.redactor.redact(&evidence);
    let lesson = match outcome {
        Outcome::Productive => Some(Lesson::Success),
        Outcome::Empty if found.committed.is_none() => None,
        Outcome::Stuck | Outcome::Failed if is_nobodys_fault(job) => None,
        Outcome::Empty | Outcome::Stuck | Outcome::Failed => Some(Lesson::Failure),
    };
    (outcome, lesson, format!("{outcome}: {evidence}"))
}

/// Whether the job failed for what another arm would not have helped.
fn is_nobodys_fault(job: &Job) -> bool {
    match job.failure_kind {
        _ if job.succeeded => false,
        Some(
            JobFailure::Login
            | JobFailure::Quota
            | JobFailure::Spawn
            | JobFailure::Signal
            | JobFailure::Timeout
            | JobFailure::Interrupted,
        ) => true,
        Some(JobFailure::Exit) | None => matches!(job.exit_code, Some(124 | 126 | 127)),
        Some(JobFailure::AgentError) => false,
    }
}
