//! The library's default store: this process's memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Listed, Loaded, Store, StoreError, Swap, Version};
use crate::clock::{Clock, SystemClock};
use crate::event::Row;
use crate::name::CircuitName;
use crate::record::Record;

/// Records in memory, gone with the process. Keeps no events and no outcomes.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    records: Mutex<BTreeMap<CircuitName, (Version, Record)>>,
}

impl MemoryStore {
    /// An empty store on the system's clock.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store on this clock.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { clock, records: Mutex::default() }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<CircuitName, (Version, Record)>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn loaded(&self, stored: Option<&(Version, Record)>) -> Loaded {
        let (version, record) =
            stored.cloned().map_or_else(Default::default, |(version, record)| (Some(version), record));
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
        Ok(self.loaded(self.records().get(name)))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        _rows: &[Row],
    ) -> Result<Swap, StoreError> {
        let mut records = self.records();
        let stored = records.get(name);
        let version = stored.map(|(version, _)| *version);
        if version != expected {
            return Ok(Swap::Conflict(Box::new(self.loaded(stored))));
        }
        let version = Version(version.map_or(1, |v| v.0 + 1));
        records.insert(name.clone(), (version, next.clone()));
        Ok(Swap::Done(version))
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        Ok(self.records().iter().map(|(name, stored)| (name.clone(), Ok(self.loaded(Some(stored))))).collect())
    }
}
