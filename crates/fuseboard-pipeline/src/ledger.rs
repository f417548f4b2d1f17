//! What is written down of runs, as a trait: the pipeline tells, the store keeps.

use fuseboard::record::Holder;
use serde::{Deserialize, Serialize};

use crate::job::{Job, JobFailure, ModelUsage};
use crate::report::{Report, StepRow};
use crate::stamp::Stamp;

/// The book of runs. Each call is stored when it returns. A replay of a run's id changes nothing that is there.
pub trait Ledger: Send + Sync {
    /// A run begins.
    ///
    /// # Errors
    /// It cannot be written down; the run goes on without.
    fn begin(&self, run: &RunHead) -> Result<(), LedgerError>;

    /// The job of a run has ended.
    ///
    /// # Errors
    /// As for [`Ledger::begin`].
    fn job_ended(&self, run: &str, job: &Job) -> Result<(), LedgerError>;

    /// A step has another status.
    ///
    /// # Errors
    /// As for [`Ledger::begin`].
    fn step(&self, run: &str, row: &StepRow) -> Result<(), LedgerError>;

    /// A run is over.
    ///
    /// # Errors
    /// As for [`Ledger::begin`].
    fn end(&self, run: &str, report: &Report) -> Result<(), LedgerError>;

    /// What a run's agent used: one row per model, in place of what was there for this run.
    ///
    /// # Errors
    /// As for [`Ledger::begin`].
    fn record_usage(&self, run: &str, usage: &[ModelUsage]) -> Result<(), LedgerError>;

    /// What was recorded as used at `since` or later, oldest first.
    ///
    /// # Errors
    /// It cannot be read.
    fn usage_since(&self, since: Stamp) -> Result<Vec<StoredUsage>, LedgerError>;

    /// Runs that began and never ended, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    fn unfinished(&self) -> Result<Rows<RunHead>, LedgerError>;

    /// A run that never ended is over: its running steps and itself are interrupted.
    ///
    /// # Errors
    /// As for [`Ledger::begin`].
    fn interrupted(&self, run: &str, at: Stamp) -> Result<(), LedgerError>;

    /// The newest `limit` runs, oldest first.
    ///
    /// # Errors
    /// They cannot be read.
    fn runs(&self, limit: usize) -> Result<Rows<StoredRun>, LedgerError>;

    /// One run by its id, or by the beginning of it if only one has that.
    ///
    /// # Errors
    /// It cannot be read, or more than one run is meant.
    fn run(&self, id: &str) -> Result<Option<StoredRun>, LedgerError>;
}

/// What was read. What alone is damaged hides nothing else, and does not go missing itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows<T> {
    /// What is whole, in the order that was asked for.
    pub whole: Vec<T>,
    /// What is not, in the same order.
    pub damaged: Vec<Damaged>,
}

/// A run that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Damaged {
    /// Its id, as far as there is one.
    pub run: String,
    /// What is wrong with it; this names the run.
    pub error: LedgerError,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self { whole: Vec::new(), damaged: Vec::new() }
    }
}

impl<T> From<Vec<T>> for Rows<T> {
    fn from(whole: Vec<T>) -> Self {
        Self { whole, damaged: Vec::new() }
    }
}

/// What is known of a run when it begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunHead {
    /// The run's id, a UUID of version 7: sortable by time.
    pub id: String,
    /// The project's name.
    pub project: String,
    /// When it began.
    pub started_at: Stamp,
    /// The process that runs it, so that its death can be proved.
    pub holder: Holder,
}

/// A run as it was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// How it began.
    pub head: RunHead,
    /// When it ended; `None` if it is under way, or was killed.
    pub ended_at: Option<Stamp>,
    /// The job, once it has ended.
    pub job: Option<Job>,
    /// The report, once the run is over.
    pub report: Option<Report>,
    /// The steps as they were told last, in the order in which they were first told.
    pub steps: Vec<StepRow>,
    /// Whether the run never ended and was found so later.
    pub was_interrupted: bool,
}

impl StoredRun {
    /// Whether its agent may have used something: it is over, and was started.
    pub fn may_have_used(&self) -> bool {
        let was_started = |job: &Job| job.failure_kind != Some(JobFailure::Spawn);
        self.was_interrupted || self.job.as_ref().is_some_and(was_started)
    }
}

/// What a run used of one model, as it was written down.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredUsage {
    /// When it was first recorded.
    pub at: Stamp,
    /// The run's id.
    pub run: String,
    /// The run's project; `None` if the run itself was never written down.
    pub project: Option<String>,
    /// The figures.
    pub usage: ModelUsage,
}

/// A ledger that cannot be written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LedgerError(pub String);

/// A ledger that keeps nothing: for runs whose store is memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoLedger;

fn nothing_kept() -> LedgerError {
    LedgerError("there is no ledger in memory; give --store sqlite:PATH".to_owned())
}

impl Ledger for NoLedger {
    fn begin(&self, _: &RunHead) -> Result<(), LedgerError> {
        Ok(())
    }

    fn job_ended(&self, _: &str, _: &Job) -> Result<(), LedgerError> {
        Ok(())
    }

    fn step(&self, _: &str, _: &StepRow) -> Result<(), LedgerError> {
        Ok(())
    }

    fn end(&self, _: &str, _: &Report) -> Result<(), LedgerError> {
        Ok(())
    }

    fn record_usage(&self, _: &str, _: &[ModelUsage]) -> Result<(), LedgerError> {
        Err(nothing_kept())
    }

    fn usage_since(&self, _: Stamp) -> Result<Vec<StoredUsage>, LedgerError> {
        Err(nothing_kept())
    }

    fn unfinished(&self) -> Result<Rows<RunHead>, LedgerError> {
        Ok(Rows::default())
    }

    fn interrupted(&self, _: &str, _: Stamp) -> Result<(), LedgerError> {
        Ok(())
    }

    fn runs(&self, _: usize) -> Result<Rows<StoredRun>, LedgerError> {
        Ok(Rows::default())
    }

    fn run(&self, _: &str) -> Result<Option<StoredRun>, LedgerError> {
        Ok(None)
    }
}
