//! A store in memory whose trouble is written down beforehand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use fuseboard::CircuitName;
use fuseboard::clock::FakeClock;
use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Deferred, Listed, Loaded, MemoryStore, Store, StoreError, StoreTrouble, Swap, Version};

/// What somebody else does between a load and a swap.
type Meanwhile = Box<dyn FnOnce() + Send>;

/// What happens at the next swap.
pub(crate) enum AtSwap {
    /// It fails.
    Fail(StoreTrouble),
    /// Somebody else is faster: this is run first, then the swap is made.
    Meanwhile(Meanwhile),
}

pub(crate) struct ScriptedStore {
    pub(crate) memory: Arc<MemoryStore>,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    load_fails: Option<StoreTrouble>,
    swap_fails: Option<StoreTrouble>,
    at_swaps: VecDeque<AtSwap>,
    defers: bool,
    deferred: Vec<Deferred>,
    swaps: u32,
}

impl ScriptedStore {
    pub(crate) fn new(clock: &FakeClock) -> Arc<Self> {
        let memory = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
        Arc::new(Self { memory, script: Mutex::default() })
    }

    /// From now on every load fails like this, or works again.
    pub(crate) fn load_fails(&self, trouble: impl Into<Option<StoreTrouble>>) {
        self.with(|script| script.load_fails = trouble.into());
    }

    /// From now on every swap fails like this, or works again.
    pub(crate) fn swap_fails(&self, trouble: impl Into<Option<StoreTrouble>>) {
        self.with(|script| script.swap_fails = trouble.into());
    }

    /// One more swap that goes like this, before everything else.
    pub(crate) fn at_swap(&self, what: AtSwap) {
        self.with(|script| script.at_swaps.push_back(what));
    }

    pub(crate) fn defers(&self) {
        self.with(|script| script.defers = true);
    }

    pub(crate) fn deferred(&self) -> Vec<Deferred> {
        self.with(|script| script.deferred.clone())
    }

    /// How many swaps were tried.
    pub(crate) fn swaps(&self) -> u32 {
        self.with(|script| script.swaps)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().unwrap())
    }
}

fn trouble(trouble: StoreTrouble) -> StoreError {
    StoreError::new(trouble, "the store /state.db cannot be used: as scripted; mend the script")
}

impl Store for ScriptedStore {
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError> {
        self.with(|script| script.load_fails).map_or_else(|| self.memory.load(name), |kind| Err(trouble(kind)))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        rows: &[Row],
    ) -> Result<Swap, StoreError> {
        let scripted = self.with(|script| {
            script.swaps += 1;
            script.at_swaps.pop_front().or_else(|| script.swap_fails.map(AtSwap::Fail))
        });
        match scripted {
            Some(AtSwap::Fail(kind)) => return Err(trouble(kind)),
            Some(AtSwap::Meanwhile(act)) => act(),
            None => {}
        }
        self.memory.swap(name, expected, next, rows)
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        self.with(|script| script.load_fails).map_or_else(|| self.memory.list(), |kind| Err(trouble(kind)))
    }

    fn defer(&self, report: &Deferred) -> Result<(), StoreError> {
        self.with(|script| {
            if !script.defers {
                return Err(trouble(StoreTrouble::Unreachable));
            }
            script.deferred.push(report.clone());
            Ok(())
        })
    }
}
