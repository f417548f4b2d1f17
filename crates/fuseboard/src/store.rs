//! Where records live, as a trait: load, compare-and-swap, list.

#[cfg(feature = "store-contract")]
pub mod contract;
mod memory;
mod resident;

use std::sync::Arc;
use std::time::Duration;

pub use memory::MemoryStore;
pub use resident::Resident;
pub(crate) use resident::{Beat, Health};

use crate::clock::Moment;
use crate::event::Row;
use crate::name::CircuitName;
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::record::{Epoch, Record};

/// A home of circuit records. Implementations only load and swap; every decision is made by
/// [`Circuit`](crate::Circuit), which holds nothing open while it decides.
///
/// What an implementation owes is checked by `store::contract` (feature `store-contract`).
pub trait Store: Send + Sync {
    /// Reads one record. A circuit that was never stored is not an error: it has the default record and no
    /// version.
    ///
    /// # Errors
    /// "Cannot read" is always an error, never an absent record.
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError>;

    /// Stores `next` and `rows` together, if the record still has the version `expected` (`None`: is still
    /// absent); otherwise stores nothing and answers with what is there now.
    ///
    /// A damaged record ([`StoreTrouble::BadRecord`]) has no version and is replaced by a swap that expects
    /// `None`: that is how a reset mends it.
    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        rows: &[Row],
    ) -> Result<Swap, StoreError>;

    /// Every stored circuit, by name. A record that alone is damaged is an error in its own place, so that it
    /// neither hides the others nor goes missing itself.
    fn list(&self) -> Result<Vec<Listed>, StoreError>;

    /// The circuit itself, for a store in this process's memory, where healthy calls and skips need write nothing. By
    /// default there is none, and each call asks the store.
    fn resident(&self, name: &CircuitName) -> Option<Arc<Resident>> {
        let _ = name;
        None
    }

    /// Forgets a circuit that is idle, for a store in this process's memory: closed, without a failure that counts and
    /// without a switch, and in nobody's hands. By default, and if it is not idle, nothing is forgotten.
    fn evict(&self, name: &CircuitName) {
        let _ = name;
    }

    /// Keeps a report that could not be stored in time, for [`Store::take_deferred`].
    ///
    /// # Errors
    /// The default keeps nothing and says so.
    fn defer(&self, report: &Deferred) -> Result<(), StoreError> {
        let _ = report;
        Err(StoreError::new(StoreTrouble::Unreachable, "this store keeps no reports for later"))
    }

    /// Takes the deferred reports out, oldest first, for one caller at a time. They are gone when that caller
    /// says [`Taken::done`]; if it never does, whoever asks next gets them.
    fn take_deferred(&self) -> Result<Taken, StoreError> {
        Ok(Taken::default())
    }

    /// The reports that are still waiting, without taking them: for who only looks.
    fn deferred(&self) -> Result<Vec<Deferred>, StoreError> {
        Ok(Vec::new())
    }
}

/// One stored circuit, as [`Store::list`] tells of it.
pub type Listed = (CircuitName, Result<Loaded, StoreError>);

/// Deferred reports in the hands of the one caller that applies them.
#[must_use = "reports that are not settled with `done` are given to the next caller too"]
#[derive(Default)]
pub struct Taken {
    /// The reports, oldest first.
    pub reports: Vec<Deferred>,
    /// How many more there were that cannot be read, torn by a crash or a full disk.
    pub unreadable: usize,
    forget: Option<Box<dyn FnOnce() -> Result<(), StoreError> + Send>>,
}

impl Taken {
    /// Reports that `forget` removes from where they were kept. Dropping it without a call must release them.
    pub fn new(
        reports: Vec<Deferred>,
        unreadable: usize,
        forget: impl FnOnce() -> Result<(), StoreError> + Send + 'static,
    ) -> Self {
        Self { reports, unreadable, forget: Some(Box::new(forget)) }
    }

    /// Says that every report was applied; they are forgotten.
    ///
    /// # Errors
    /// They could not be removed, and will be taken again.
    pub fn done(self) -> Result<(), StoreError> {
        self.forget.map_or(Ok(()), |forget| forget())
    }
}

impl std::fmt::Debug for Taken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Taken")
            .field("reports", &self.reports)
            .field("unreadable", &self.unreadable)
            .finish_non_exhaustive()
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The record; the default one if there is none yet.
    pub record: Record,
    /// Tag for the swap; `None` if there is no record yet.
    pub version: Option<Version>,
    /// The store's clock at that moment, on the axis of all moments in the record.
    pub now: Moment,
}

/// A store's tag of one stored state of a record. Two states of one record never share a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(pub u64);

/// What a swap came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Swap {
    /// Stored; the record has this version now.
    Done(Version),
    /// Somebody else was faster; nothing was stored. This is what is there.
    Conflict(Box<Loaded>),
}

/// A report that found its store busy or unreachable.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Deferred {
    /// The circuit's name.
    pub circuit: String,
    /// The epoch of the permit; `None` for a permit given by a switch, or an outcome recorded without one.
    pub epoch: Option<Epoch>,
    /// Whether the outcome was recorded without a permit.
    pub unpermitted: bool,
    /// What the work came to.
    pub outcome: Outcome,
    /// How long it took.
    pub duration: Duration,
    /// The caller's policy.
    pub policy: Policy,
    /// When it was reported, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
    /// The run that it happened in.
    pub run: Option<String>,
}

/// A store that cannot do what it was asked.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    /// What kind of trouble it is.
    pub trouble: StoreTrouble,
    message: String,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StoreError {
    /// An error of this kind; the message names the store, the reason and one remedy.
    pub fn new(trouble: StoreTrouble, message: impl Into<String>) -> Self {
        Self { trouble, message: message.into(), source: None }
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Whether the same call may succeed a little later.
    pub fn may_pass(&self) -> bool {
        self.trouble == StoreTrouble::Busy
    }
}

/// Kinds of store trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreTrouble {
    /// Others hold it longer than the busy limit.
    Busy,
    /// It cannot be opened, read or written: permissions, full disk, no connection.
    Unreachable,
    /// What it holds is no store, or damaged as a whole.
    Corrupt,
    /// One circuit's record is damaged while the rest is sound.
    BadRecord,
    /// It was written by a newer version: it can be read but not written.
    Newer,
}
