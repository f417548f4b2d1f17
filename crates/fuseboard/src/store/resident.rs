//! One circuit in this process's memory: its record behind a lock of its own, and beside it what is read and counted
//! without that lock.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Loaded, Swap, Version};
use crate::clock::{Clock, Moment};
use crate::decision::{Change, Step};
use crate::record::{Record, State};
use crate::state;

/// A circuit that lives in this process's memory. A call of one that is well, and stays so while it succeeds, has
/// nothing to write; neither has a call that is skipped. What they count is counted beside the record, and added to it
/// before anybody looks at it.
///
/// Its beat changes under the lock of the record that it tells of, so that whoever finds the same beat before and after
/// reading the record has read the record of that beat.
pub struct Resident {
    clock: Arc<dyn Clock>,
    /// A count of the circuit's periods, and in the lowest bits its [`Health`].
    beat: AtomicU64,
    /// When a probe is due, for a circuit that waits.
    due: AtomicI64,
    /// Successes that are not in the record yet: their number in the lower bits, in the upper ones their slot of time.
    successes: AtomicU64,
    /// Skips that are not in the record yet.
    skips: AtomicU64,
    /// `None` until something is stored.
    stored: Mutex<Option<Box<Stored>>>,
}

#[derive(Default)]
struct Stored {
    version: u64,
    record: Record,
}

/// The beat of a circuit at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Beat(u64);

/// What a call can know of a circuit without its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Closed, without a failure, a window and a switch.
    Well = 0,
    /// The same with a window.
    Windowed = 1,
    /// Closed after a failure, without a switch.
    Failing = 2,
    /// Open until a moment, without a switch.
    Waiting = 3,
    /// Anything else: the record has to be asked.
    Unwell = 4,
}

const HEALTH_BITS: u32 = 3;
/// So many bits hold the number of unwritten successes; half of that many is enough to write them.
const COUNT_BITS: u32 = 24;
const ENOUGH: u64 = 1 << (COUNT_BITS - 1);
/// Length of a slot of time, in milliseconds: how much older than they are unwritten successes may count.
const SLOT_MS: i64 = 10;
/// A coarse clock lags behind by no more than this.
const LAG: Duration = Duration::from_millis(20);
/// No probe will be due by itself.
const NEVER: i64 = i64::MAX;

impl Resident {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let (beat, due, successes) = (AtomicU64::new(0), AtomicI64::new(NEVER), AtomicU64::new(0));
        Self { clock, beat, due, successes, skips: AtomicU64::new(0), stored: Mutex::new(None) }
    }

    #[inline]
    pub(crate) fn beat(&self) -> Beat {
        Beat(self.beat.load(Ordering::Acquire))
    }

    /// Counts a success of a circuit that is well.
    #[inline]
    pub(crate) fn count_success(&self) {
        let before = self.successes.fetch_add(1, Ordering::Relaxed);
        if number(before) >= ENOUGH {
            self.catch_up();
        }
    }

    /// Counts a success of a circuit that is well and has a window, in which it counts by its time.
    #[inline]
    pub(crate) fn count_success_by_time(&self) {
        if slot(self.clock.coarse()) > self.successes.load(Ordering::Relaxed) >> COUNT_BITS {
            self.catch_up();
        }
        self.count_success();
    }

    /// Skips a call, if the circuit waits and will for a while.
    #[inline]
    pub(crate) fn skip(&self) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        let skips = due == NEVER || self.clock.coarse().after(LAG) < Moment(due);
        if skips {
            self.skips.fetch_add(1, Ordering::Relaxed);
        }
        skips
    }

    /// Shows the record as it is, and when it is. Skips since it was written are counted besides.
    pub(crate) fn show<T>(&self, show: impl FnOnce(&Record, u64, Moment) -> T) -> T {
        let at = self.clock.coarse();
        let stored = self.stored();
        let skips = self.skips.load(Ordering::Relaxed);
        match &*stored {
            Some(stored) => show(&stored.record, skips, at),
            None => show(&Record::default(), skips, at),
        }
    }

    pub(crate) fn load(&self) -> Loaded {
        let now = self.clock.now();
        let mut stored = self.stored();
        self.write_counts(&mut stored, now);
        loaded(stored.as_deref(), now)
    }

    pub(crate) fn swap(&self, expected: Option<Version>, next: &Record) -> Swap {
        let now = self.clock.now();
        let mut stored = self.stored();
        if stored.as_deref().map(|stored| Version(stored.version)) != expected {
            self.write_counts(&mut stored, now);
            return Swap::Conflict(Box::new(loaded(stored.as_deref(), now)));
        }
        let stored = &mut **stored.get_or_insert_default();
        let mut next = next.clone();
        self.take_counts(now, |successes, since, skips| {
            state::catch_up(&mut next, stored.record.outage(), successes, since, skips);
        });
        self.keep(stored, next);
        Swap::Done(Version(stored.version))
    }

    /// Decides on the record and keeps the decision. It must not take long: the record is locked meanwhile.
    pub(crate) fn decide<T>(&self, decide: impl FnOnce(&Record, Moment) -> Step<T>) -> (T, Vec<Change>, Loaded) {
        let now = self.clock.now();
        let mut stored = self.stored();
        self.write_counts(&mut stored, now);
        let Step { next, changes, answer } = match stored.as_deref() {
            Some(stored) => decide(&stored.record, now),
            None => decide(&Record::default(), now),
        };
        if let Some(next) = next {
            self.keep(stored.get_or_insert_default(), next);
        }
        (answer, changes, loaded(stored.as_deref(), now))
    }

    /// Whether nothing would be lost with it but totals: closed, without a failure that counts, and without a switch.
    pub(crate) fn is_idle(&self) -> bool {
        let now = self.clock.now();
        let mut stored = self.stored();
        self.write_counts(&mut stored, now);
        match stored.as_deref().map(|stored| &stored.record) {
            None => true,
            Some(record) if record.switch_at(now).is_some() => false,
            Some(Record { state: State::Closed { failures: 0, window }, .. }) => {
                window.is_none_or(|window| window.at(now).sample().calls == 0)
            }
            Some(_) => false,
        }
    }

    pub(super) fn is_stored(&self) -> bool {
        self.stored().is_some() || number(self.successes.load(Ordering::Relaxed)) > 0
    }

    fn stored(&self) -> MutexGuard<'_, Option<Box<Stored>>> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cold]
    #[inline(never)]
    fn catch_up(&self) {
        let now = self.clock.now();
        self.write_counts(&mut self.stored(), now);
    }

    /// Adds to the record what was counted beside it.
    fn write_counts(&self, stored: &mut Option<Box<Stored>>, now: Moment) {
        self.take_counts(now, |successes, since, skips| {
            let Stored { version, record } = &mut **stored.get_or_insert_default();
            let outage = record.outage().copied();
            state::catch_up(record, outage.as_ref(), successes, since, skips);
            *version += 1;
        });
    }

    /// Takes what was counted beside the record, and begins a slot. The caller holds the lock.
    fn take_counts(&self, now: Moment, write: impl FnOnce(u32, Moment, u64)) {
        let taken = self.successes.swap(slot(now) << COUNT_BITS, Ordering::Relaxed);
        let skips = self.skips.swap(0, Ordering::Relaxed);
        let successes = u32::try_from(number(taken)).unwrap_or(u32::MAX);
        if successes > 0 || skips > 0 {
            write(successes, moment(taken >> COUNT_BITS).min(now), skips);
        }
    }

    /// Replaces the record. The caller holds the lock.
    fn keep(&self, stored: &mut Stored, next: Record) {
        let renewed = stored.record.epoch != next.epoch;
        stored.record = next;
        stored.version += 1;
        self.follow(&stored.record, renewed);
    }

    /// Tells without a lock what is known of the record now. The caller holds the lock.
    fn follow(&self, record: &Record, renewed: bool) {
        let Beat(word) = self.beat();
        let health = match record {
            Record { switch: None, state: State::Closed { failures: 0, window: None }, .. } => Health::Well,
            Record { switch: None, state: State::Closed { failures: 0, window: Some(_) }, .. } => Health::Windowed,
            Record { switch: None, state: State::Closed { .. }, .. } => Health::Failing,
            Record { switch: None, state: State::Open { until, .. }, .. } => {
                self.due.store(until.map_or(NEVER, |until| until.0), Ordering::Relaxed);
                Health::Waiting
            }
            Record { .. } => Health::Unwell,
        };
        let period = (word >> HEALTH_BITS).wrapping_add(u64::from(renewed));
        self.beat.store(period << HEALTH_BITS | health as u64, Ordering::Release);
    }
}

fn loaded(stored: Option<&Stored>, now: Moment) -> Loaded {
    match stored {
        Some(Stored { version, record }) => Loaded { record: record.clone(), version: Some(Version(*version)), now },
        None => Loaded { record: Record::default(), version: None, now },
    }
}

/// The number of unwritten successes in their word.
fn number(successes: u64) -> u64 {
    successes & ((1 << COUNT_BITS) - 1)
}

/// The slot of time that a moment lies in. Before the axis' zero there is but one.
fn slot(at: Moment) -> u64 {
    u64::try_from(at.0 / SLOT_MS).unwrap_or(0)
}

/// When a slot of time begins.
fn moment(slot: u64) -> Moment {
    Moment(i64::try_from(slot).map_or(i64::MAX, |slot| slot.saturating_mul(SLOT_MS)))
}

impl Beat {
    #[inline]
    pub(crate) fn to_bits(self) -> u64 {
        self.0
    }

    #[inline]
    pub(crate) fn from_bits(word: u64) -> Self {
        Self(word)
    }

    #[inline]
    pub(crate) fn health(self) -> Health {
        match self.0 & ((1 << HEALTH_BITS) - 1) {
            0 => Health::Well,
            1 => Health::Windowed,
            2 => Health::Failing,
            3 => Health::Waiting,
            _ => Health::Unwell,
        }
    }

    /// Whether both are of one period: no report of the one is late in the other.
    pub(crate) fn is_of_period(self, other: Self) -> bool {
        self.0 >> HEALTH_BITS == other.0 >> HEALTH_BITS
    }
}

impl fmt::Debug for Resident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resident").field("beat", &self.beat()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::FakeClock;

    #[test]
    fn a_counter_that_is_nearly_full_is_written_and_begins_anew() {
        let resident = Resident::new(Arc::new(FakeClock::new()));
        resident.successes.store(ENOUGH - 1, Ordering::Relaxed);
        for _ in 0..3 {
            resident.count_success();
        }
        assert!(resident.successes.load(Ordering::Relaxed) & (ENOUGH - 1) < 3, "it was written meanwhile");
        assert_eq!(resident.load().record.totals.success, ENOUGH + 2);
    }

    #[test]
    fn each_health_is_read_as_it_was_told() {
        for health in [Health::Well, Health::Windowed, Health::Failing, Health::Waiting, Health::Unwell] {
            for period in [0, 1, 7, u64::MAX >> HEALTH_BITS] {
                assert_eq!(Beat(period << HEALTH_BITS | health as u64).health(), health);
            }
        }
    }

    #[test]
    fn a_call_is_skipped_until_shortly_before_its_probe_is_due_and_for_ever_if_none_is() {
        let clock = FakeClock::new();
        let resident = Resident::new(Arc::new(clock.clone()));
        assert!(resident.skip(), "never due");
        resident.due.store(clock.now().after(LAG * 2).0, Ordering::Relaxed);
        assert!(resident.skip());
        clock.advance(LAG);
        assert!(!resident.skip(), "a coarse clock may lag behind: now the record is asked");
        assert_eq!(resident.skips.load(Ordering::Relaxed), 2);
    }
}
