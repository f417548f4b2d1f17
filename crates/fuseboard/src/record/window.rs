//! The calls of the last while, counted in a few buckets of time.

use std::fmt;
use std::time::Duration;

use crate::clock::{Human, Moment, millis};
use crate::outcome::Outcome;

/// How many buckets a window has. More would forget more smoothly, and make each record longer.
const BUCKETS: usize = 10;

/// What a failure rate goes by: the calls of the last while, in ten buckets. Buckets fall out by time alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Window {
    /// When the youngest bucket began.
    since: Moment,
    /// How long all buckets together are.
    within: Duration,
    /// The youngest first.
    buckets: [Tally; BUCKETS],
}

/// The calls of one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
struct Tally {
    successes: u32,
    failures: u32,
}

/// How many calls of a time failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sample {
    /// Those that failed.
    pub failures: u32,
    /// All that were counted.
    pub calls: u32,
    /// The time.
    pub within: Duration,
}

impl Window {
    /// The window after one more call. `within` is the length that the caller's rule asks for; without one a window
    /// that is there keeps its own, and none is begun.
    pub(crate) fn after(
        window: Option<&Self>,
        within: Option<Duration>,
        outcome: &Outcome,
        at: Moment,
    ) -> Option<Self> {
        let within = within.or(window.map(|window| window.within))?;
        let mut next = window.map_or(Self::new(within, at), |window| window.resized(within).at(at));
        next.buckets[0].count(outcome);
        Some(next)
    }

    /// The window with so many more successes, of a moment ago. Older than its youngest bucket they count as of that.
    pub(crate) fn and_successes(self, successes: u32, at: Moment) -> Self {
        let mut next = if at > self.since { self.at(at) } else { self };
        next.buckets[0].successes = next.buckets[0].successes.saturating_add(successes);
        next
    }

    /// What it holds, seen from its last call.
    pub fn sample(&self) -> Sample {
        let all = self.buckets.iter().fold(Tally::default(), |all, bucket| all.and(*bucket));
        Sample { failures: all.failures, calls: all.failures.saturating_add(all.successes), within: self.within }
    }

    /// The window as it is at this moment.
    ///
    /// A clock that went back by less than the window's length leaves it as it is; after a longer leap it holds
    /// nothing that means something, and begins anew.
    #[must_use]
    pub fn at(self, at: Moment) -> Self {
        let steps = millis(at.since(self.since)).unsigned_abs() / self.width();
        let places = usize::try_from(steps).unwrap_or(BUCKETS);
        if places >= BUCKETS || self.since.since(at) >= self.within {
            return Self::new(self.within, at);
        }
        let mut next = Self { since: self.since.after(Duration::from_millis(steps * self.width())), ..self };
        next.buckets.rotate_right(places);
        next.buckets[..places].fill(Tally::default());
        next
    }

    fn new(within: Duration, since: Moment) -> Self {
        Self { since, within, buckets: [Tally::default(); BUCKETS] }
    }

    /// The same calls in a window of another length. Each bucket's calls count as old as the oldest of them may be.
    fn resized(self, within: Duration) -> Self {
        if within == self.within {
            return self;
        }
        let mut next = Self::new(within, self.since);
        for (age, bucket) in (0_u64..).zip(self.buckets) {
            let place = age.saturating_mul(self.width()).div_ceil(next.width());
            if let Some(there) = usize::try_from(place).ok().and_then(|place| next.buckets.get_mut(place)) {
                *there = there.and(bucket);
            }
        }
        next
    }

    /// How long one bucket is, in milliseconds. What was read from a store may be any length.
    fn width(&self) -> u64 {
        (millis(self.within).unsigned_abs() / BUCKETS as u64).max(1)
    }

    /// The same window on another axis, whose moments are so many milliseconds away.
    #[must_use]
    pub fn shifted(self, by: i64) -> Self {
        Self { since: self.since.shifted(by), ..self }
    }
}

impl Tally {
    fn count(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Success => &mut self.successes,
            Outcome::Failure(_) => &mut self.failures,
            Outcome::Ignored => return,
        };
        *count = count.saturating_add(1);
    }

    fn and(self, other: Self) -> Self {
        Self {
            successes: self.successes.saturating_add(other.successes),
            failures: self.failures.saturating_add(other.failures),
        }
    }
}

/// `12 of 20 calls failed within 10s`.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = if self.calls == 1 { "call" } else { "calls" };
        write!(f, "{} of {} {calls} failed within {}", self.failures, self.calls, Human(self.within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{Failure, FailureKind};

    /// Buckets of one second.
    const WITHIN: Duration = Duration::from_secs(10);

    fn bad() -> Outcome {
        Outcome::Failure(Failure::new(FailureKind::Error, "it broke"))
    }

    /// A window of 10 s with a failure at each of these moments, in milliseconds.
    fn failed_at(moments: &[i64]) -> Window {
        let count =
            |window: Option<Window>, at: &i64| Window::after(window.as_ref(), Some(WITHIN), &bad(), Moment(*at));
        moments.iter().fold(None, count).unwrap()
    }

    fn failures(window: Window, at: i64) -> u32 {
        window.at(Moment(at)).sample().failures
    }

    #[test]
    fn a_call_counts_for_nine_to_ten_tenths_of_the_time_and_never_longer() {
        // The first call is at the very beginning of its bucket, the second at its very end.
        let window = failed_at(&[0, 999]);
        assert_eq!(failures(window, 9_999), 2);
        assert_eq!(failures(window, 10_000), 0, "9.001 s after the second, 10 s after the first");
        let window = failed_at(&[0, 1_000]);
        assert_eq!([9_999, 10_000, 10_999, 11_000].map(|at| failures(window, at)), [2, 1, 1, 0]);
    }

    #[test]
    fn looking_at_it_step_by_step_or_at_once_shows_the_same() {
        let window = failed_at(&[0, 700, 1_400, 5_000]);
        for until in 5_000..20_000_i64 {
            let in_steps = (5_000..=until).step_by(700).fold(window, |window, at| window.at(Moment(at)));
            assert_eq!(failures(in_steps, until), failures(window, until), "at {until}");
        }
    }

    #[test]
    fn after_a_leap_forward_nothing_is_left_and_counting_goes_on() {
        for leap in [20_000, i64::MAX] {
            let window = failed_at(&[0, 1, leap]);
            assert_eq!(failures(window, leap), 1);
        }
        assert_eq!(failures(failed_at(&[i64::MIN, i64::MAX]), i64::MAX), 1);
    }

    #[test]
    fn a_clock_that_goes_back_a_little_loses_nothing_and_keeps_nothing_for_long() {
        let window = failed_at(&[0, 8_500, 3_000, 1]);
        assert_eq!(failures(window, 1), 4);
        // What was counted meanwhile lies where the clock had been.
        assert_eq!([9_999, 10_000, 17_999, 18_000].map(|at| failures(window, at)), [4, 3, 3, 0]);
    }

    #[test]
    fn a_clock_that_goes_back_by_more_than_the_window_begins_it_anew() {
        let window = failed_at(&[100_000, 100_000, 90_000]);
        assert_eq!([90_000, 99_999, 100_000].map(|at| failures(window, at)), [1, 1, 0]);
        assert_eq!(failures(failed_at(&[i64::MAX, i64::MIN]), i64::MIN), 1);
    }

    #[test]
    fn a_window_of_another_length_takes_over_what_lies_within_it() {
        let within = |window: &Window, seconds, at| {
            let resized =
                Window::after(Some(window), Some(Duration::from_secs(seconds)), &Outcome::Success, Moment(at));
            resized.unwrap().sample().failures
        };
        let window = failed_at(&[0, 5_000, 9_000]);
        assert_eq!([1, 4, 5, 10, 3600].map(|seconds| within(&window, seconds, 9_000)), [1, 1, 2, 3, 3]);
        let longer = Window::after(Some(&window), Some(Duration::from_secs(100)), &bad(), Moment(9_000)).unwrap();
        // Into buckets of ten seconds: the older ones count as a bucket older, never as younger than they are.
        assert_eq!([9_000, 98_000, 99_000, 109_000].map(|at| failures(longer, at)), [4, 4, 2, 0]);
    }

    #[test]
    fn on_another_axis_it_is_as_old_as_before() {
        let window = failed_at(&[0, 5_000]).shifted(1_000_000);
        assert_eq!([1_009_999, 1_010_000, 1_015_000].map(|at| failures(window, at)), [2, 1, 0]);
    }

    #[test]
    fn successes_of_a_moment_ago_count_in_their_bucket_and_never_as_older_than_the_youngest() {
        let window = failed_at(&[0, 9_000]).and_successes(3, Moment(10_500)).and_successes(2, Moment(1));
        let calls = |at| window.at(Moment(at)).sample().calls;
        assert_eq!([10_500, 18_999, 19_000, 19_999, 20_000].map(calls), [6, 6, 5, 5, 0]);
    }

    #[test]
    fn counts_stop_at_their_end() {
        let full = Tally { successes: u32::MAX, failures: u32::MAX };
        let window = Window { buckets: [full; BUCKETS], ..Window::new(WITHIN, Moment(0)) };
        let window = Window::after(Some(&window), Some(WITHIN), &bad(), Moment(0)).unwrap();
        assert_eq!(window.sample(), Sample { failures: u32::MAX, calls: u32::MAX, within: WITHIN });
    }

    #[test]
    fn a_stored_length_that_cannot_be_harms_nothing() {
        for within in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
            let window = Window { within, ..failed_at(&[0, 1]) };
            for at in [i64::MIN, 0, 1, i64::MAX] {
                let kept = Window::after(Some(&window), None, &bad(), Moment(at)).unwrap();
                assert!(kept.sample().failures >= 1);
                let resized = Window::after(Some(&window), Some(WITHIN), &bad(), Moment(at)).unwrap();
                assert_eq!(resized.sample().within, WITHIN);
            }
        }
    }
}
