//! The trip rule: how many failures open a closed circuit.

use std::fmt;
use std::time::Duration;

use super::PolicyError;
use crate::record::Sample;

/// When a closed circuit opens: one of two rules, since one fuse cannot go by both. A failure to start opens it
/// under either ([`FailureKind::trips_at_once`](crate::FailureKind::trips_at_once)).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum TripRule {
    /// At so many failures in a row: for work that runs seldom.
    TripAfter(u32),
    /// At a share of failures among the calls of a time: for work that runs often.
    Rate(FailureRate),
}

/// A share of failures among the calls of a time. A failure opens the circuit if then at least [`of`](Self::of)
/// calls were counted within the last [`within`](Self::within), and at least [`failures`](Self::failures) of them failed.
///
/// The time is counted in ten buckets, so that a record stays small: a call older than `within` never counts, one
/// younger than nine tenths of it always does. Successes count too, so under a rate each of them is written to the
/// store, in memory as in a file.
///
/// # Defaults
///
/// A rate is off by default. `FailureRate::default()` is that of [`Policy::for_requests`](crate::Policy::for_requests).
///
/// | setting | default | range |
/// |---|---|---|
/// | `failures` | 0.5 | above 0.0, at most 1.0 |
/// | `of` | 20 calls | 1 … 1000 |
/// | `within` | 10 s | 1 s … 24 h |
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FailureRate {
    /// The share of failures that opens the circuit.
    pub failures: f64,
    /// With fewer calls than this, a share says nothing yet.
    pub of: u32,
    /// How long a call counts.
    pub within: Duration,
}

impl Default for FailureRate {
    fn default() -> Self {
        Self { failures: 0.5, of: 20, within: Duration::from_secs(10) }
    }
}

impl TripRule {
    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let refuse = |setting, range| Err(PolicyError { setting, range });
        match self {
            Self::TripAfter(0) => refuse("trip_after", "at least 1"),
            Self::Rate(rate) if !(rate.failures > 0.0 && rate.failures <= 1.0) => {
                refuse("rate.failures", "above 0.0 and at most 1.0")
            }
            Self::Rate(rate) if !(1..=1000).contains(&rate.of) => refuse("rate.of", "1 to 1000"),
            Self::Rate(rate) if !(Duration::from_secs(1)..=Duration::from_hours(24)).contains(&rate.within) => {
                refuse("rate.within", "1s to 24h")
            }
            Self::TripAfter(_) | Self::Rate(_) => Ok(()),
        }
    }
}

impl FailureRate {
    /// Whether these calls are enough, and enough of them failed.
    pub fn is_met_by(&self, sample: &Sample) -> bool {
        // Divided, not multiplied: 7 of 10 calls are the very number that 0.7 is written for.
        sample.calls >= self.of && f64::from(sample.failures) / f64::from(sample.calls) >= self.failures
    }
}

/// `50% of at least 20 calls within 10s`.
impl fmt::Display for FailureRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Four decimals of a percentage: what a floating-point share has beyond them nobody wrote.
        let percent = (self.failures * 1e6).round() / 1e4;
        let calls = if self.of == 1 { "call" } else { "calls" };
        write!(f, "{percent}% of at least {} {calls} within {}", self.of, crate::clock::Human(self.within))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, PolicyBuilder};

    const WITHIN: Duration = Duration::from_secs(10);

    #[test]
    fn a_rate_needs_its_calls_and_its_share_of_failures() {
        let sample = |failures, calls| Sample { failures, calls, within: WITHIN };
        let met = |share, failures, calls| {
            FailureRate { failures: share, of: 10, within: WITHIN }.is_met_by(&sample(failures, calls))
        };
        assert!(met(0.5, 5, 10) && !met(0.5, 4, 10) && !met(0.5, 9, 9));
        assert!(met(1.0, 10, 10) && !met(1.0, 10, 11));
        for failures in 1..=10_u32 {
            assert!(met(f64::from(failures) / 10.0, failures, 10), "{failures} of 10");
        }
        assert!(met(0.7, 7, 10) && met(0.3, 3, 10) && met(0.1, 3, 30));
        assert!(met(0.5, u32::MAX, u32::MAX));
    }

    #[test]
    fn of_two_rules_the_one_given_last_holds() {
        let rate = FailureRate { of: 5, ..FailureRate::default() };
        let built = |builder: PolicyBuilder| builder.build().unwrap().trip();
        assert_eq!(built(Policy::builder().trip_after(3).rate(rate)), TripRule::Rate(rate));
        assert_eq!(built(Policy::builder().rate(rate).trip_after(3)), TripRule::TripAfter(3));
    }

    #[test]
    fn a_rate_may_reach_the_ends_of_its_ranges_and_not_leave_them() {
        let built = |failures, of, within| Policy::builder().rate(FailureRate { failures, of, within }).build();
        let (second, day, milli) = (Duration::from_secs(1), Duration::from_hours(24), Duration::from_millis(1));
        assert!(built(f64::MIN_POSITIVE, 1, second).is_ok());
        assert!(built(1.0, 1000, day).is_ok());
        for (failures, of, within, setting) in [
            (0.0, 20, WITHIN, "rate.failures"),
            (1.01, 20, WITHIN, "rate.failures"),
            (f64::NAN, 20, WITHIN, "rate.failures"),
            (0.5, 0, WITHIN, "rate.of"),
            (0.5, 1001, WITHIN, "rate.of"),
            (0.5, 20, milli * 999, "rate.within"),
            (0.5, 20, day + milli, "rate.within"),
        ] {
            assert_eq!(built(failures, of, within).map_err(|error| error.setting()), Err(setting));
        }
    }

    #[test]
    fn a_rate_is_said_in_words() {
        let said = |failures, of| FailureRate { failures, of, within: WITHIN }.to_string();
        assert_eq!(FailureRate::default().to_string(), "50% of at least 20 calls within 10s");
        assert_eq!(said(0.29, 1), "29% of at least 1 call within 10s");
        assert_eq!(said(0.0004, 1000), "0.04% of at least 1000 calls within 10s");
    }
}
