//! The library's default store: this process's memory.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Listed, Loaded, Resident, Store, StoreError, Swap, Version};
use crate::clock::{Clock, SystemClock};
use crate::event::Row;
use crate::name::CircuitName;
use crate::record::Record;

/// Records in memory, gone with the process. Keeps no events and no outcomes.
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    /// One that was only asked for is none of the store's until something is stored in it.
    circuits: Mutex<HashMap<CircuitName, Arc<Resident>>>,
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

    fn circuits(&self) -> MutexGuard<'_, HashMap<CircuitName, Arc<Resident>>> {
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn home_of(&self, name: &CircuitName) -> Arc<Resident> {
        let mut circuits = self.circuits();
        if let Some(there) = circuits.get(name) {
            return there.clone();
        }
        circuits.entry(name.clone()).or_insert_with(|| Arc::new(Resident::new(self.clock.clone()))).clone()
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
        let there = self.circuits().get(name).cloned();
        let unknown = || Loaded { record: Record::default(), version: None, now: self.clock.now() };
        Ok(there.map_or_else(unknown, |there| there.load()))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        _rows: &[Row],
    ) -> Result<Swap, StoreError> {
        Ok(self.home_of(name).swap(expected, next))
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let circuits = self.circuits();
        let stored = circuits.iter().filter(|(_, there)| there.is_stored());
        let mut all: Vec<Listed> = stored.map(|(name, there)| (name.clone(), Ok(there.load()))).collect();
        drop(circuits);
        all.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }

    fn resident(&self, name: &CircuitName) -> Option<Arc<Resident>> {
        Some(self.home_of(name))
    }

    fn evict(&self, name: &CircuitName) {
        let mut circuits = self.circuits();
        // Under this lock nobody takes it that does not hold it already.
        if circuits.get(name).is_some_and(|there| Arc::strong_count(there) == 1 && there.is_idle()) {
            circuits.remove(name);
        }
    }
}
