//! A step, from the inside: what a built-in one is given, and what it may answer.

use std::collections::BTreeMap;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::{Path, PathBuf};

use fuseboard::{Failure, FailureKind};
use serde_json::Value;

use crate::job::Job;
use crate::ledger::Ledger;
use crate::process::{Command, Deadline, Ended, How, Interrupt, Marker, Output, Stdin};
use crate::redact::Redactor;
use crate::report::{CircuitChanges, Kind, StepRow};

/// How much of a command's output is kept, in bytes.
pub const KEPT_OUTPUT: usize = 64 * 1024;

/// A built-in step, made from its options.
///
/// It reports errors instead of swallowing them, runs programs only by [`StepContext::run`], so that they end at
/// the deadline, and looks at [`StepContext::deadline`] itself where it works for long.
pub trait Step: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Does the step's work for one job.
    ///
    /// # Errors
    /// [`StepError`] for every fault; a negative answer ("tests failed", "nothing to merge") is none.
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError>;

    /// Its circuit, or the deadline, lets it not run: keeps what must not be lost, and answers with what there is to say of
    /// that.
    fn left_out(&self, _: &StepContext<'_>) -> Option<String> {
        None
    }

    /// Whether it must not be cut once it has begun: it starts only if its timeout fits before the deadline, and
    /// neither the deadline nor a signal cuts it.
    fn is_atomic(&self) -> bool {
        false
    }

    /// Whether it has the agent do something: it does not start while the agent is paused.
    fn calls_agent(&self) -> bool {
        false
    }

    /// A folder, relative to the configuration's, whose programs run in place of it, each as a step of its own.
    fn stands_for_programs_in(&self) -> Option<PathBuf> {
        None
    }

    /// Words of its options that may name files of the repository: they are pinned before the agent starts.
    fn names_files(&self) -> Vec<String> {
        Vec::new()
    }

    /// Files that it writes: the tree to be judged may hold them from an earlier run, although git does not know them.
    fn writes_files(&self) -> Vec<Written> {
        Vec::new()
    }

    /// Files that decide what it says, relative to the configuration's folder: they are pinned before the agent starts.
    fn reads_files(&self) -> Vec<PathBuf> {
        Vec::new()
    }
}

/// Files that a step writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// This one, relative to the configuration's folder.
    File(PathBuf),
    /// This one, relative to the job's folder.
    InProject(PathBuf),
    /// One for each day in this folder, relative to the configuration's.
    DaysIn(PathBuf),
}

/// What a step is given.
#[derive(Clone, Copy)]
pub struct StepContext<'a> {
    /// The step's name.
    pub name: &'a str,
    /// The id of the run.
    pub run: &'a str,
    /// The job that has ended.
    pub job: &'a Job,
    /// When the step will be cut: its own timeout or the pipeline's deadline.
    pub deadline: Deadline,
    /// Whether somebody stops the program.
    pub interrupt: &'a Interrupt,
    /// The user's state folder.
    pub state_folder: &'a Path,
    /// The folder of the configuration, against which relative paths count.
    pub config_folder: &'a Path,
    /// The steps that have ended before this one started, in order.
    pub ended: &'a [StepRow],
    /// What has become of this run's circuits so far.
    pub circuits: &'a CircuitChanges,
    /// How the repository stood before the job began.
    pub before: &'a Before,
    /// What earlier runs left, and where this one is written down.
    pub ledger: &'a dyn Ledger,
    /// Takes secrets out of what is kept.
    pub redactor: &'a Redactor,
}

/// How the job's repository stood before the job began, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Where the base would have been published.
    pub publishing: Option<String>,
    /// The commit at which each branch stood, by the branch's full name, such as `refs/heads/main`.
    pub branches: Option<BTreeMap<String, String>>,
}

impl StepContext<'_> {
    /// A command in the job's folder, with the job as variables and on standard input, marked as this step's.
    ///
    /// # Errors
    /// There is no place for the job's file.
    pub fn command(&self, program: &str) -> Result<Command, StepError> {
        let input = self
            .job
            .to_file()
            .map_err(|error| StepError::new(format!("cannot write the job for {program}: {error}")))?;
        let mut command = Command::new(program)
            .cwd(&self.job.project.path)
            .stdin(Stdin::File(input))
            .stdout(Output::keep(KEPT_OUTPUT))
            .stderr(Output::keep(KEPT_OUTPUT))
            .env("FUSEBOARD_RUN", self.run)
            .marker(self.marker())
            .end_all(true);
        for (name, value) in self.job.variables() {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        Ok(command)
    }

    /// Runs a command until its end, this step's end, or a signal.
    pub fn run(&self, command: &Command) -> Ended {
        crate::process::run(command, self.interrupt, self.deadline)
    }

    /// The mark that everything started by this step carries.
    pub fn marker(&self) -> Marker {
        Marker::new("FUSEBOARD_STEP", format!("{}/{}", self.run, self.name))
    }
}

/// What a step answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A recorder or an action: done.
    Done(Told),
    /// A gate: pass.
    Pass(Told),
    /// A gate: block, and why.
    Block {
        /// The reason, for people.
        why: String,
        /// What else it has to say.
        told: Told,
    },
    /// There is nothing to do for it here, and why.
    NotApplicable(String),
    /// An action: it will not, and why. An answer, not a fault.
    Refused(String),
}

impl Answer {
    /// Whether a step of this kind may answer so.
    pub(crate) fn is_of(&self, kind: Kind) -> bool {
        match self {
            Self::Done(_) => kind != Kind::Gate,
            Self::Pass(_) | Self::Block { .. } => kind == Kind::Gate,
            Self::NotApplicable(_) => true,
            Self::Refused(_) => kind == Kind::Action,
        }
    }
}

/// What a step has to say beside its answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// A line for people.
    pub detail: Option<String>,
    /// Its result as data.
    pub output: Option<Value>,
}

impl Told {
    /// A line for people.
    pub fn detail(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), output: None }
    }

    /// The same with data.
    #[must_use]
    pub fn with(mut self, output: Value) -> Self {
        self.output = Some(output);
        self
    }
}

/// A fault of a step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// How it failed. `None`: it was cut by the deadline or a signal, which is nobody's fault.
    pub kind: Option<FailureKind>,
    /// What, why, what to do.
    pub message: String,
}

impl StepError {
    /// An error.
    pub fn new(message: impl Into<String>) -> Self {
        Self { kind: Some(FailureKind::Error), message: message.into() }
    }

    /// An error of this kind.
    pub fn of(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind: Some(kind), message: message.into() }
    }

    /// The step was cut by its deadline or a signal.
    pub fn cut(message: impl Into<String>) -> Self {
        Self { kind: None, message: message.into() }
    }

    /// What it means for a step that a command which it ran ended so, and no answer came of that.
    pub fn of_end(how: &How, message: impl Into<String>) -> Self {
        match how {
            How::Exited(_) => Self::of(FailureKind::Exit, message),
            How::Signalled(_) => Self::of(FailureKind::Signal, message),
            How::NotStarted(why) if why.is_permanent() => Self::of(FailureKind::Spawn, message),
            How::TimedOut => Self::of(FailureKind::Timeout, message),
            How::Cut | How::Interrupted(_) => Self::cut(message),
            How::NotStarted(_) | How::OutputTooLarge | How::Lost => Self::new(message),
        }
    }

    /// The failure that the circuit counts, if any.
    pub fn failure(&self) -> Option<Failure> {
        self.kind.map(|kind| Failure::new(kind, &self.message))
    }
}
