//! What a circuit does when: plain data, checked when it is built.

mod trip;

use std::num::NonZeroU32;
use std::time::Duration;

pub use trip::{FailureRate, TripRule};

/// Longest duration that a policy takes: 365 days.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// When a circuit opens, how long it stays open and how it closes again.
///
/// A policy is made by [`Policy::builder`], which refuses values that cannot work, so that a `Policy`
/// in hand always can.
///
/// # Defaults
///
/// | setting | default | range |
/// |---|---|---|
/// | `trip_after` | 2 consecutive failures | 1 … 2³²−1 |
/// | `rate` | off; replaces `trip_after` | see [`FailureRate`] |
/// | `slow_after` | off | 1 ms … 365 days |
/// | `cool_down` | 5 min | 1 ms … 365 days, or `never` |
/// | `cool_down_factor` | 2.0 | 1.0 … 100.0 |
/// | `cool_down_max` | 6 h, or `cool_down` where that is longer | `cool_down` … 365 days |
/// | `jitter` | 0.1 | 0.0 … 0.9 |
/// | `probes` | 1 | 1 … 1000 |
/// | `lease` | 10 min | 10 ms … 365 days |
/// | `mode` | enforce | enforce, observe |
///
/// ```
/// use std::time::Duration;
/// use fuseboard::Policy;
///
/// let policy = Policy::builder().trip_after(3).cool_down(Duration::from_secs(30)).build()?;
/// assert_eq!(policy.trip_after(), Some(3));
/// assert!(Policy::builder().trip_after(0).build().is_err());
/// # Ok::<(), fuseboard::PolicyError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Policy {
    #[cfg_attr(feature = "serde", serde(flatten))]
    trip: TripRule,
    slow_after: Option<Duration>,
    cool_down: Option<Duration>,
    cool_down_factor: f64,
    cool_down_max: Duration,
    jitter: f64,
    probes: NonZeroU32,
    lease: Duration,
    mode: Mode,
}

/// Whether an open circuit skips calls or only says that it would.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// An open circuit skips calls.
    #[default]
    Enforce,
    /// Every call runs; what would have been skipped is counted and said.
    Observe,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            trip: TripRule::TripAfter(2),
            slow_after: None,
            cool_down: Some(Duration::from_mins(5)),
            cool_down_factor: 2.0,
            cool_down_max: Duration::from_hours(6),
            jitter: 0.1,
            probes: NonZeroU32::MIN,
            lease: Duration::from_mins(10),
            mode: Mode::Enforce,
        }
    }
}

impl Policy {
    /// For calls that are made often, such as requests to a service: [`FailureRate::default`] in place of
    /// `trip_after`, a cool-down of 5 s that grows to 1 min at most, 3 probes; everything else as in the defaults.
    ///
    /// ```
    /// use fuseboard::{FailureRate, Policy};
    ///
    /// assert_eq!(Policy::for_requests().rate(), Some(FailureRate::default()));
    /// ```
    pub fn for_requests() -> Self {
        Self {
            trip: TripRule::Rate(FailureRate::default()),
            cool_down: Some(Duration::from_secs(5)),
            cool_down_max: Duration::from_mins(1),
            probes: NonZeroU32::MIN.saturating_add(2),
            ..Self::default()
        }
    }

    /// A builder that starts from the defaults.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder { policy: Self::default(), probes: 1, cool_down_max: None }
    }

    /// A builder that starts from this policy.
    pub fn to_builder(self) -> PolicyBuilder {
        PolicyBuilder { policy: self, probes: self.probes.get(), cool_down_max: Some(self.cool_down_max) }
    }

    /// By which rule failures open the circuit.
    pub fn trip(&self) -> TripRule {
        self.trip
    }

    /// Consecutive failures that open the circuit; `None` if a rate does.
    pub fn trip_after(&self) -> Option<u32> {
        match self.trip {
            TripRule::TripAfter(failures) => Some(failures),
            TripRule::Rate(_) => None,
        }
    }

    /// The share of failures that opens the circuit; `None` if consecutive ones do.
    pub fn rate(&self) -> Option<FailureRate> {
        match self.trip {
            TripRule::TripAfter(_) => None,
            TripRule::Rate(rate) => Some(rate),
        }
    }

    /// A call that took longer than this counts as a failure, even if it succeeded.
    pub fn slow_after(&self) -> Option<Duration> {
        self.slow_after
    }

    /// How long the first opening lasts; `None` is *never*: only an operator or mended work ends it.
    pub fn cool_down(&self) -> Option<Duration> {
        self.cool_down
    }

    /// By how much each further opening in a row is longer.
    pub fn cool_down_factor(&self) -> f64 {
        self.cool_down_factor
    }

    /// The longest that one opening lasts.
    pub fn cool_down_max(&self) -> Duration {
        self.cool_down_max
    }

    /// By which share a cool-down is randomly longer or shorter.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// Successful probes in a row that close the circuit.
    pub fn probes(&self) -> NonZeroU32 {
        self.probes
    }

    /// How long a probe without a timeout of its own may stay unanswered before it counts as lost.
    /// A living holder renews it every third of this.
    pub fn lease(&self) -> Duration {
        self.lease
    }

    /// Whether calls are skipped at all.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// How long the `trips`-th opening in a row lasts (`trips` counts from 1), for a die in `0.0..1.0`:
    /// `min(cool_down · factor^(trips − 1) · (1 ± jitter), max)`; `None` is *never*.
    pub fn cool_down_of(&self, trips: u32, dice: f64) -> Option<Duration> {
        let first = self.cool_down?;
        let growth = self.cool_down_factor.powf(f64::from(trips.saturating_sub(1)));
        let spread = 1.0 + self.jitter * (2.0 * dice - 1.0);
        let seconds = first.as_secs_f64() * growth * spread;
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(self.cool_down_max).min(self.cool_down_max))
    }
}

/// Builds a [`Policy`]; see there for units, ranges and defaults.
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct PolicyBuilder {
    policy: Policy,
    probes: u32,
    cool_down_max: Option<Duration>,
}

impl PolicyBuilder {
    /// By which rule failures open the circuit, in place of the rule given before.
    pub fn trip(mut self, rule: TripRule) -> Self {
        self.policy.trip = rule;
        self
    }

    /// Consecutive failures that open the circuit, in place of a rate.
    pub fn trip_after(self, failures: u32) -> Self {
        self.trip(TripRule::TripAfter(failures))
    }

    /// The share of failures that opens the circuit, in place of `trip_after`.
    pub fn rate(self, rate: FailureRate) -> Self {
        self.trip(TripRule::Rate(rate))
    }

    /// Counts a call that took longer as a failure; `None` switches that off.
    pub fn slow_after(mut self, limit: impl Into<Option<Duration>>) -> Self {
        self.policy.slow_after = limit.into();
        self
    }

    /// How long the first opening lasts.
    pub fn cool_down(mut self, cool_down: Duration) -> Self {
        self.policy.cool_down = Some(cool_down);
        self
    }

    /// An open circuit never comes due by itself.
    pub fn cool_down_never(mut self) -> Self {
        self.policy.cool_down = None;
        self
    }

    /// By how much each further opening in a row is longer.
    pub fn cool_down_factor(mut self, factor: f64) -> Self {
        self.policy.cool_down_factor = factor;
        self
    }

    /// The longest that one opening lasts.
    pub fn cool_down_max(mut self, max: Duration) -> Self {
        self.cool_down_max = Some(max);
        self
    }

    /// By which share a cool-down is randomly longer or shorter.
    pub fn jitter(mut self, share: f64) -> Self {
        self.policy.jitter = share;
        self
    }

    /// Successful probes in a row that close the circuit.
    pub fn probes(mut self, probes: u32) -> Self {
        self.probes = probes;
        self
    }

    /// How long a probe without a timeout of its own may stay unanswered.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.policy.lease = lease;
        self
    }

    /// Whether calls are skipped at all.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.policy.mode = mode;
        self
    }

    /// Checks every setting and makes the policy.
    ///
    /// # Errors
    /// [`PolicyError`] names the first setting that cannot work and the range it must lie in.
    pub fn build(self) -> Result<Policy, PolicyError> {
        const MILLI: Duration = Duration::from_millis(1);
        let mut policy = self.policy;
        let refuse = |setting, range| Err(PolicyError { setting, range });
        policy.trip.check()?;
        let Some(probes) = NonZeroU32::new(self.probes) else { return refuse("probes", "at least 1") };
        if probes.get() > 1000 {
            return refuse("probes", "1 to 1000");
        }
        if policy.slow_after.is_some_and(|limit| !(MILLI..=LONGEST).contains(&limit)) {
            return refuse("slow_after", "1ms to 365 days");
        }
        if policy.cool_down.is_some_and(|first| !(MILLI..=LONGEST).contains(&first)) {
            return refuse("cool_down", "1ms to 365 days, or \"never\"");
        }
        if !(1.0..=100.0).contains(&policy.cool_down_factor) {
            return refuse("cool_down_factor", "1.0 to 100.0");
        }
        if !(0.0..=0.9).contains(&policy.jitter) {
            return refuse("jitter", "0.0 to 0.9");
        }
        if !(Duration::from_millis(10)..=LONGEST).contains(&policy.lease) {
            return refuse("lease", "10ms to 365 days");
        }
        let first = policy.cool_down.unwrap_or_default();
        let max = self.cool_down_max.unwrap_or_else(|| Policy::default().cool_down_max.max(first));
        if max < first || max > LONGEST || max.is_zero() {
            return refuse("cool_down_max", "cool_down to 365 days");
        }
        policy.probes = probes;
        policy.cool_down_max = max;
        Ok(policy)
    }
}

/// A policy that cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{setting} must be {range}")]
pub struct PolicyError {
    setting: &'static str,
    range: &'static str,
}

impl PolicyError {
    /// The setting that is wrong, as it is spelled in `fuseboard.toml`: `jitter`, `rate.failures`.
    pub fn setting(&self) -> &'static str {
        self.setting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let policy = Policy::default();
        assert_eq!(Policy::builder().build(), Ok(policy));
        assert_eq!((policy.trip_after(), policy.rate()), (Some(2), None));
        assert_eq!(policy.slow_after(), None);
        assert_eq!(policy.cool_down(), Some(Duration::from_secs(300)));
        assert!((policy.cool_down_factor() - 2.0).abs() < f64::EPSILON);
        assert_eq!(policy.cool_down_max(), Duration::from_secs(6 * 3600));
        assert!((policy.jitter() - 0.1).abs() < f64::EPSILON);
        assert_eq!(policy.probes().get(), 1);
        assert_eq!(policy.lease(), Duration::from_secs(600));
        assert_eq!(policy.mode(), Mode::Enforce);
    }

    #[test]
    fn requests_have_a_rate_short_cool_downs_and_three_probes() {
        let policy = Policy::for_requests();
        let rate = FailureRate { failures: 0.5, of: 20, within: Duration::from_secs(10) };
        assert_eq!((policy.rate(), policy.trip_after()), (Some(rate), None));
        assert_eq!(policy.cool_down(), Some(Duration::from_secs(5)));
        assert_eq!((policy.cool_down_max(), policy.probes().get()), (Duration::from_secs(60), 3));
        assert_eq!(policy.to_builder().build(), Ok(policy), "it can work");
        let Policy { trip, cool_down, cool_down_max, probes, .. } = Policy::default();
        assert_eq!(Policy { trip, cool_down, cool_down_max, probes, ..policy }, Policy::default());
    }

    #[test]
    fn a_policy_that_cannot_work_is_refused_and_named() {
        let ms = Duration::from_millis;
        let cases: [(PolicyBuilder, &str); 10] = [
            (Policy::builder().trip_after(0), "trip_after"),
            (Policy::builder().probes(0), "probes"),
            (Policy::builder().probes(1001), "probes"),
            (Policy::builder().slow_after(Duration::ZERO), "slow_after"),
            (Policy::builder().cool_down(Duration::ZERO), "cool_down"),
            (Policy::builder().cool_down_factor(f64::NAN), "cool_down_factor"),
            (Policy::builder().cool_down_factor(0.5), "cool_down_factor"),
            (Policy::builder().jitter(1.0), "jitter"),
            (Policy::builder().lease(ms(1)), "lease"),
            (Policy::builder().cool_down(ms(500)).cool_down_max(ms(400)), "cool_down_max"),
        ];
        for (builder, setting) in cases {
            assert_eq!(builder.build().map_err(|e| e.setting()), Err(setting));
        }
    }

    #[test]
    fn cool_downs_grow_up_to_the_maximum_and_never_overflow() {
        let policy = Policy::builder().cool_down(Duration::from_secs(60)).jitter(0.0).build().unwrap();
        let minutes = |trips| policy.cool_down_of(trips, 0.5).unwrap().as_secs() / 60;
        assert_eq!([1, 2, 3, 9, 10, u32::MAX].map(minutes), [1, 2, 4, 256, 360, 360]);
    }

    #[test]
    fn jitter_spreads_a_cool_down_to_both_sides() {
        let policy = Policy::default();
        assert_eq!(policy.cool_down_of(1, 0.0), Some(Duration::from_secs(270)));
        assert_eq!(policy.cool_down_of(1, 0.5), Some(Duration::from_secs(300)));
        assert!(policy.cool_down_of(1, 0.999).unwrap() > Duration::from_secs(329));
    }

    #[test]
    fn a_first_cool_down_above_the_default_maximum_raises_it() {
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(Policy::builder().cool_down(day).build().unwrap().cool_down_max(), day);
    }
}
