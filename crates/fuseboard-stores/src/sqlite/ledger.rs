//! The ledger in the same file: what the pipeline tells of its runs.
//!
//! | table | one row for | written by |
//! |---|---|---|
//! | `runs` | each run, numbered as they began | begin, job, end, interrupted |
//! | `steps` | each step of a run, in the order in which they were first told | step, end, interrupted |
//! | `usage` | each model that a run used | usage |
//!
//! A report is stored without the job and the steps that have rows of their own, and put together when it is
//! read. Whatever is read is untrusted: it is bounded before it is fetched, and garbage is an error that names
//! the run.

mod retention;
mod runs;
mod steps;
mod stored;
mod text;
mod usage;

use fuseboard_pipeline::job::{Job, ModelUsage};
use fuseboard_pipeline::ledger::{Ledger, LedgerError, Rows, RunHead, StoredRun, StoredUsage};
use fuseboard_pipeline::report::{Report, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::SqliteStore;
use super::connection::Fault;
use crate::format::Stamp as Now;

impl SqliteStore {
    /// Reads as of one moment, whatever others write meanwhile; nothing if there is no file.
    fn look<T: Default>(&self, act: impl Fn(&Connection) -> Result<T, Fault>) -> Result<T, LedgerError> {
        let moment = |database: &Connection, _: &Now| {
            act(&*Transaction::new_unchecked(database, TransactionBehavior::Deferred)?)
        };
        Ok(self.read(moment).map_err(told)?.unwrap_or_default())
    }

    /// Writes all of it or nothing.
    fn tell(&self, act: impl Fn(&Connection, &Now) -> Result<(), Fault>) -> Result<(), LedgerError> {
        self.write(false, act, |()| true).map_err(told)
    }
}

/// Runs, steps and usage in the store's own file.
///
/// # Bounds
///
/// | what | is kept |
/// |---|---|
/// | a step's output, and the rest of its row | 64 KiB each; longer texts lose their middle, which says how much; 14 days (output) |
/// | a job | 256 KiB, likewise |
/// | steps of a run | 256; models of a run: 256; a run's id: 128 visible ASCII characters |
/// | runs with their steps | 400 days, at most 50 000; of a file beyond 400 MB the oldest outputs go, then the oldest runs, but never the newest 100 |
/// | usage | 400 days, at most 500 000 rows |
///
/// A figure that is no amount (negative, infinite, not a number) is stored as unmeasured.
impl Ledger for SqliteStore {
    fn begin(&self, run: &RunHead) -> Result<(), LedgerError> {
        self.tell(|database, _| runs::begin(database, run))
    }

    fn job_ended(&self, run: &str, job: &Job) -> Result<(), LedgerError> {
        self.tell(|database, _| match runs::open(database, run)? {
            Some(key) => runs::set_job(database, &key, job),
            None => Ok(()),
        })
    }

    fn step(&self, run: &str, row: &StepRow) -> Result<(), LedgerError> {
        self.tell(|database, now| match runs::open(database, run)? {
            Some(key) => steps::tell(database, &key, row, None, now),
            None => Ok(()),
        })
    }

    /// A run whose beginning could not be written down begins here, so that its report is not lost.
    fn end(&self, run: &str, report: &Report) -> Result<(), LedgerError> {
        self.tell(|database, now| {
            runs::begin_late(database, run, report)?;
            let Some(key) = runs::open(database, run)? else { return Ok(()) };
            for (place, row) in (0..).zip(&report.steps) {
                steps::tell(database, &key, row, Some(place), now)?;
            }
            runs::set_job(database, &key, &report.job)?;
            runs::end(database, &key, report)?;
            retention::prune(database, now)
        })
    }

    fn record_usage(&self, run: &str, usage: &[ModelUsage]) -> Result<(), LedgerError> {
        self.tell(|database, now| usage::record(database, run, usage, now))
    }

    /// At most the 1000 oldest.
    fn usage_since(&self, since: Stamp) -> Result<Vec<StoredUsage>, LedgerError> {
        self.look(|database| usage::since(database, since))
    }

    fn unfinished(&self) -> Result<Rows<RunHead>, LedgerError> {
        self.look(runs::unfinished)
    }

    /// A gate that was at it gave no verdict: it blocks. A run that has ended stays as it is.
    fn interrupted(&self, run: &str, at: Stamp) -> Result<(), LedgerError> {
        self.tell(|database, now| {
            let Some(key) = runs::open(database, run)? else { return Ok(()) };
            steps::interrupt(database, &key)?;
            runs::interrupt(database, &key, at)?;
            retention::prune(database, now)
        })
    }

    fn runs(&self, limit: usize) -> Result<Rows<StoredRun>, LedgerError> {
        self.look(|database| runs::newest(database, limit))
    }

    fn run(&self, id: &str) -> Result<Option<StoredRun>, LedgerError> {
        self.look(|database| runs::find(database, id))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it stands in `map_err`")]
fn told(error: fuseboard::store::StoreError) -> LedgerError {
    LedgerError(error.to_string())
}
