//! The one loop in which a decision is made and stored.

use std::sync::Arc;

use crate::circuit::{Circuit, Home};
use crate::clock::Moment;
use crate::decision::{Chance, Change, Now, Step};
use crate::event::{Event, Notice, Row};
use crate::record::{Epoch, Record};
use crate::store::{Loaded, Resident, Store, StoreError, StoreTrouble, Swap};

/// How often a swap is tried again when others were faster. Each round somebody gets ahead, so that even a
/// thousand callers at once come through.
const ROUNDS: u32 = 2_000;

/// In whose name a transaction is made, for its events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Context<'a> {
    pub(crate) run: Option<&'a Arc<str>>,
    pub(crate) by: Option<&'a Arc<str>>,
}

/// A record as it was read, and when that was on the board's clock: the store's clock goes on from there.
#[derive(Clone, Debug)]
pub(crate) struct Snapshot {
    pub(crate) loaded: Loaded,
    pub(crate) seen: Moment,
}

impl Circuit {
    pub(crate) fn load(&self, home: Home) -> Result<Snapshot, StoreError> {
        let loaded = match &self.shared.resident {
            Some(resident) if home == Home::Store => resident.load(),
            _ => self.store(home).load(self.name())?,
        };
        Ok(Snapshot { loaded, seen: self.board().clock.now() })
    }

    /// Decides on what was loaded and stores the decision; if somebody else was faster, decides anew on what
    /// is there then. Nothing is held meanwhile. What happened is told after it is stored.
    pub(crate) fn transact<T>(
        &self,
        home: Home,
        mut snapshot: Snapshot,
        context: Context<'_>,
        row: impl Fn(&T, Moment) -> Option<Row>,
        decide: impl Fn(&Record, &Now) -> Step<T>,
    ) -> Result<(T, Snapshot), StoreError> {
        if let (Home::Store, Some(resident)) = (home, &self.shared.resident) {
            let (answer, loaded) = self.transact_here(resident, context, decide);
            return Ok((answer, Snapshot { loaded, seen: self.board().clock.now() }));
        }
        for _ in 0..ROUNDS {
            let now = self.now(&snapshot);
            let Step { next, changes, answer } = decide(&snapshot.loaded.record, &now);
            let next = match next {
                Some(next) => next,
                // Reading proves little: whether a store that failed can be used again shows when it is written.
                None if home == Home::Store && self.board().is_degraded() => snapshot.loaded.record.clone(),
                None => return Ok((answer, snapshot)),
            };
            let mut rows: Vec<Row> =
                changes.into_iter().map(|change| Row::Event(self.event(change, context, now.at))).collect();
            rows.extend(row(&answer, now.at));
            match self.store(home).swap(self.name(), snapshot.loaded.version, &next, &rows)? {
                Swap::Done(version) => {
                    if home == Home::Store {
                        self.board().store_worked();
                    }
                    for row in rows {
                        if let Row::Event(event) = row {
                            self.board().tell(&Notice::Event(event));
                        }
                    }
                    snapshot.loaded = Loaded { record: next, version: Some(version), now: now.at };
                    snapshot.seen = self.board().clock.now();
                    return Ok((answer, snapshot));
                }
                Swap::Conflict(fresh) => snapshot = Snapshot { loaded: *fresh, seen: self.board().clock.now() },
            }
        }
        Err(StoreError::new(
            StoreTrouble::Busy,
            format!("circuit {} changed {ROUNDS} times while it was asked; try again", self.name()),
        ))
    }

    /// The same for a circuit in this process's memory, where nobody can get ahead: it is decided where it lives.
    pub(crate) fn transact_here<T>(
        &self,
        resident: &Resident,
        context: Context<'_>,
        decide: impl FnOnce(&Record, &Now) -> Step<T>,
    ) -> (T, Loaded) {
        let (answer, changes, loaded) = resident.decide(|record, at| decide(record, &now(record, at)));
        for change in changes {
            self.board().tell(&Notice::Event(self.event(change, context, loaded.now)));
        }
        (answer, loaded)
    }

    fn store(&self, home: Home) -> &dyn Store {
        match home {
            Home::Store => &*self.board().store,
            Home::Memory => &self.board().memory,
        }
    }

    pub(crate) fn now(&self, snapshot: &Snapshot) -> Now {
        let elapsed = self.board().clock.now().since(snapshot.seen);
        now(&snapshot.loaded.record, snapshot.loaded.now.after(elapsed))
    }

    fn event(&self, change: Change, context: Context<'_>, at: Moment) -> Event {
        let Change { kind, cause, failures, sample, probe_at } = change;
        let (by, run) = (context.by.cloned(), context.run.cloned());
        Event { at, circuit: Some(self.name().clone()), kind, cause, failures, sample, probe_at, by, run }
    }
}

/// What a decision on this record needs from outside.
fn now(record: &Record, at: Moment) -> Now {
    let holder_dead = record.lease().is_some_and(|lease| lease.holder.proved_dead());
    Now { at, chance: Chance::Drawn(draw), holder_dead }
}

/// A fresh epoch, and a die in `0.0..1.0`.
fn draw() -> (Epoch, f64) {
    let mut bytes = [0; 20];
    if getrandom::fill(&mut bytes).is_err() {
        // No randomness to be had: the address space, the clock and the standard library's keys must do.
        use std::hash::{BuildHasher, RandomState};
        for (i, chunk) in bytes.chunks_mut(4).enumerate() {
            chunk.copy_from_slice(&RandomState::new().hash_one(i).to_le_bytes()[..4]);
        }
    }
    let [epoch @ .., a, b, c, d] = bytes;
    let dice = u32::from_le_bytes([a, b, c, d]);
    (Epoch(u128::from_le_bytes(epoch)), f64::from(dice) / 2.0_f64.powi(32))
}
