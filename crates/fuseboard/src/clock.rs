//! Time, as a trait: the system's clock, and a fake one for tests.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// A moment in milliseconds on one clock's axis. Only differences mean something: two moments of one store
/// can be compared, a moment of one store and one of another cannot. What a person sees is computed when it
/// is shown ([`Clock::wall`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Moment(pub i64);

impl Moment {
    /// This moment and `by` later; stops at the axis' end.
    #[must_use]
    pub fn after(self, by: Duration) -> Self {
        Self(self.0.saturating_add(millis(by)))
    }

    /// The time from `earlier` to this moment; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// This moment moved by so many milliseconds, for another axis.
    #[must_use]
    pub fn shifted(self, by: i64) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// A duration in whole milliseconds, at most `i64::MAX`.
pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// A duration as people write it: `350ms`, `4.2s`, `5m`, `2h 30m`, `3d 4h`; at most two units.
///
/// ```
/// use std::time::Duration;
/// use fuseboard::clock::Human;
///
/// assert_eq!(Human(Duration::from_secs(9000)).to_string(), "2h 30m");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Human(pub Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, millis) = (self.0.as_secs(), self.0.subsec_millis());
        let pair = |big: u64, small: u64, units: [&str; 2]| match small {
            0 => format!("{big}{}", units[0]),
            _ => format!("{big}{} {small}{}", units[0], units[1]),
        };
        let text = match seconds {
            0 => format!("{millis}ms"),
            1..10 if millis >= 100 => format!("{seconds}.{}s", millis / 100),
            1..60 => format!("{seconds}s"),
            60..3600 => pair(seconds / 60, seconds % 60, ["m", "s"]),
            3600..86400 => pair(seconds / 3600, seconds % 3600 / 60, ["h", "m"]),
            _ => pair(seconds / 86400, seconds % 86400 / 3600, ["d", "h"]),
        };
        f.pad(&text)
    }
}

/// Identity of the period since the machine started; moments of [`Clock::now`] are comparable only within one.
pub type BootId = Arc<str>;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Time since the machine started. It never goes back and counts while the machine is suspended.
    fn now(&self) -> Moment;
    /// The same at less cost, for where 20 ms do not matter: it may lag behind by so much, and is never ahead. When the
    /// machine wakes up it may for a tenth of a second more lag behind by the time that it was suspended.
    fn coarse(&self) -> Moment {
        self.now()
    }

    /// What a clock on the wall shows. It may jump.
    fn wall(&self) -> SystemTime;
    /// In which boot [`Clock::now`] counts.
    fn boot(&self) -> BootId;
}

/// The machine's own clocks: `CLOCK_BOOTTIME`, the wall clock, the kernel's boot id.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        crate::sys::since_boot()
    }

    fn coarse(&self) -> Moment {
        crate::sys::since_boot_coarse()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn boot(&self) -> BootId {
        crate::sys::boot_id()
    }
}

/// A clock for tests that moves only when told to. Clones share one time.
///
/// ```
/// use std::time::Duration;
/// use fuseboard::clock::{Clock, FakeClock};
///
/// let clock = FakeClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(5));
/// assert_eq!(clock.now().since(before), Duration::from_secs(5));
/// ```
#[derive(Clone, Debug)]
pub struct FakeClock(Arc<Mutex<FakeTime>>);

#[derive(Debug)]
struct FakeTime {
    since_boot: Moment,
    wall: SystemTime,
    boots: u32,
}

impl FakeClock {
    /// A clock one hour after its machine's start, on 2026-01-01 at midnight UTC.
    pub fn new() -> Self {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        Self(Arc::new(Mutex::new(FakeTime { since_boot: Moment(3_600_000), wall, boots: 1 })))
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.with(|time| {
            time.since_boot = time.since_boot.after(by);
            time.wall += by;
        });
    }

    /// Sets the wall clock, as an administrator or NTP may do; no time passes.
    pub fn set_wall(&self, wall: SystemTime) {
        self.with(|time| time.wall = wall);
    }

    /// Starts the machine anew: another boot, its clock at zero, the wall clock `pause` later.
    pub fn reboot(&self, pause: Duration) {
        self.with(|time| {
            time.boots += 1;
            time.since_boot = Moment(0);
            time.wall += pause;
        });
    }

    fn with<T>(&self, change: impl FnOnce(&mut FakeTime) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Moment {
        self.with(|time| time.since_boot)
    }

    fn wall(&self) -> SystemTime {
        self.with(|time| time.wall)
    }

    fn boot(&self) -> BootId {
        self.with(|time| format!("fake-boot-{}", time.boots).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_goes_forward_and_knows_its_boot() {
        let clock = SystemClock;
        let first = clock.now();
        assert!(first.0 > 0 && clock.now() >= first);
        for _ in 0..1000 {
            let (before, coarse, after) = (clock.now(), clock.coarse(), clock.now());
            assert!(coarse <= after && before.since(coarse) <= Duration::from_millis(20), "{before:?} {coarse:?}");
        }
        assert!(!clock.boot().is_empty());
        assert_eq!(clock.boot(), clock.boot());
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let shown = |ms| Human(Duration::from_millis(ms)).to_string();
        let cases = [(0, "0ms"), (350, "350ms"), (4_250, "4.2s"), (9_050, "9s"), (59_999, "59s"), (300_000, "5m")];
        for (ms, text) in cases.into_iter().chain([(90_000, "1m 30s"), (9_000_000, "2h 30m"), (273_600_000, "3d 4h")]) {
            assert_eq!(shown(ms), text);
        }
    }

    #[test]
    fn a_moment_stops_at_the_ends_of_its_axis() {
        assert_eq!(Moment(i64::MAX - 1).after(Duration::MAX), Moment(i64::MAX));
        assert_eq!(Moment(5).since(Moment(7)), Duration::ZERO);
    }
}
