//! The library's default store: this process's memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Listed, Loaded, Pulse, Store, StoreError, Swap, Version};
use crate::clock::{Clock, SystemClock};
use crate::event::Row;
use crate::name::CircuitName;
use crate::record::Record;

/// Records in memory, gone with the process. Keeps no events and no outcomes.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    circuits: Mutex<BTreeMap<CircuitName, Stored>>,
}

/// One circuit. Asking for its pulse makes an entry, which is none of the store's until something is stored in it.
#[derive(Default)]
struct Stored {
    version: Option<Version>,
    record: Record,
    pulse: Arc<Pulse>,
}

impl MemoryStore {
    /// An empty store on the system's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store on this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock, circuits: Mutex::default() }
    }

    fn circuits(&self) -> MutexGuard<'_, BTreeMap<CircuitName, Stored>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loaded(&self, stored: Option<&Stored>) -> Loaded {
        let (version, record) = stored.map(|stored| (stored.version, stored.record.clone())).unwrap_or_default();
        Loaded { record, version, now: self.clock.now() }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError> {
        Ok(self.loaded(self.circuits().get(name)))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        _rows: &[Row],
    ) -> Result<Swap, StoreError> {
        let mut circuits = self.circuits();
        let there = circuits.get(name);
        let version = there.and_then(|stored| stored.version);
        if version != expected {
            return Ok(Swap::Conflict(Box::new(self.loaded(there))));
        }
        let version = Version(version.map_or(1, |version| version.0 + 1));
        let stored = circuits.entry(name.clone()).or_default();
        stored.pulse.follow(&stored.record, next);
        (stored.version, stored.record) = (Some(version), next.clone());
        Ok(Swap::Done(version))
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let circuits = self.circuits();
        let stored = circuits.iter().filter(|(_, stored)| stored.version.is_some());
        Ok(stored.map(|(name, stored)| (name.clone(), Ok(self.loaded(Some(stored))))).collect())
    }

    fn pulse(&self, name: &CircuitName) -> Option<Arc<Pulse>> {
        Some(self.circuits().entry(name.clone()).or_default().pulse.clone())
    }
}
