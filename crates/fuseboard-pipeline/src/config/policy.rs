//! The policy's keys as a layer: what one table says about it, to be laid over what others say.

use std::time::Duration;

use fuseboard::{FailureRate, Mode, Policy, PolicyBuilder, PolicyError, TripRule};

use super::error::{Help, Sink};
use super::spanned::Spanned;
use super::table::TableReader;
use crate::duration;

/// The longest cool-down of a gate, unless a table says otherwise: 30 min, or `cool_down` where that is longer.
/// A gate that stays open holds back actions, so it is asked again sooner than other work.
pub const GATE_COOL_DOWN_MAX: Duration = Duration::from_mins(30);

/// A duration, or none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `"never"` for a cool-down, `"off"` for `slow_after`.
    Never,
    /// So long.
    After(Duration),
}

impl From<Option<Duration>> for Limit {
    fn from(duration: Option<Duration>) -> Self {
        duration.map_or(Self::Never, Self::After)
    }
}

/// What one table, or a command line, says about a policy; `None` leaves it to the layer below.
/// For ranges and defaults see [`Policy`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PolicyKeys {
    /// By which rule failures open the circuit: `trip_after` or `rate`, so that a nearer one replaces either.
    pub trip: Option<TripRule>,
    /// A call that took longer counts as a failure.
    pub slow_after: Option<Limit>,
    /// How long the first opening lasts.
    pub cool_down: Option<Limit>,
    /// By how much each further opening in a row is longer.
    pub cool_down_factor: Option<f64>,
    /// The longest that one opening lasts.
    pub cool_down_max: Option<Duration>,
    /// By which share a cool-down is randomly longer or shorter.
    pub jitter: Option<f64>,
    /// Successful probes in a row that close the circuit.
    pub probes: Option<u32>,
    /// How long a probe without a timeout may stay unanswered.
    pub lease: Option<Duration>,
    /// Whether an open circuit skips calls or only says that it would.
    pub observe: Option<bool>,
}

impl PolicyKeys {
    /// This layer over a lower one: for each key the upper one that says something decides.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            trip: self.trip.or(lower.trip),
            slow_after: self.slow_after.or(lower.slow_after),
            cool_down: self.cool_down.or(lower.cool_down),
            cool_down_factor: self.cool_down_factor.or(lower.cool_down_factor),
            cool_down_max: self.cool_down_max.or(lower.cool_down_max),
            jitter: self.jitter.or(lower.jitter),
            probes: self.probes.or(lower.probes),
            lease: self.lease.or(lower.lease),
            observe: self.observe.or(lower.observe),
        }
    }

    /// The policy of these keys over the defaults, where `longest` is the default of `cool_down_max`.
    ///
    /// # Errors
    /// [`PolicyError`] if the keys cannot work, alone or together.
    pub fn policy(&self, longest: Duration) -> Result<Policy, PolicyError> {
        // A default never makes a policy impossible: it gives way to the cool-down that was asked for.
        self.build(Policy::builder().cool_down_max(longest.max(self.first_cool_down())))
    }

    /// How long the first opening lasts, zero if it never ends: what the maximum is measured against.
    fn first_cool_down(&self) -> Duration {
        match self.cool_down {
            Some(Limit::After(cool_down)) => cool_down,
            Some(Limit::Never) => Duration::ZERO,
            None => Policy::default().cool_down().unwrap_or_default(),
        }
    }

    fn build(&self, mut builder: PolicyBuilder) -> Result<Policy, PolicyError> {
        if let Some(rule) = self.trip {
            builder = builder.trip(rule);
        }
        if let Some(limit) = self.slow_after {
            builder = builder.slow_after(match limit {
                Limit::Never => None,
                Limit::After(limit) => Some(limit),
            });
        }
        match self.cool_down {
            Some(Limit::After(cool_down)) => builder = builder.cool_down(cool_down),
            Some(Limit::Never) => builder = builder.cool_down_never(),
            None => {}
        }
        if let Some(factor) = self.cool_down_factor {
            builder = builder.cool_down_factor(factor);
        }
        if let Some(max) = self.cool_down_max {
            builder = builder.cool_down_max(max);
        }
        if let Some(share) = self.jitter {
            builder = builder.jitter(share);
        }
        if let Some(probes) = self.probes {
            builder = builder.probes(probes);
        }
        if let Some(lease) = self.lease {
            builder = builder.lease(lease);
        }
        if let Some(observe) = self.observe {
            builder = builder.mode(if observe { Mode::Observe } else { Mode::Enforce });
        }
        builder.build()
    }
}

/// A policy's keys as they stand in one table, and where the two stand that depend on each other.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenPolicy {
    pub(super) keys: PolicyKeys,
    cool_down: Option<Spanned<()>>,
    cool_down_max: Option<Spanned<()>>,
}

impl WrittenPolicy {
    /// Reads the policy's keys from a table. Each is checked by itself here, and with the others in
    /// [`check_over`](Self::check_over), when all layers are there.
    pub(super) fn read(table: &mut TableReader<'_>) -> Self {
        let mut written = Self::default();
        let none = PolicyKeys::default;
        if table.has("trip_after") {
            table.forbid("rate", "`trip_after` is there too", Help::advice("keep one of them"));
        }
        let key = table.integer("trip_after", 0, u32::MAX).map(|key| key.map(TripRule::TripAfter));
        written.keep(table, key, |value| PolicyKeys { trip: Some(value), ..none() });
        let key = read_rate(table).map(|key| key.map(TripRule::Rate));
        written.keep(table, key, |value| PolicyKeys { trip: Some(value), ..none() });
        let key = table.duration_or("slow_after", "off");
        written.keep(table, key, |value| PolicyKeys { slow_after: Some(value.into()), ..none() });
        let key = table.duration_or("cool_down", "never");
        written.cool_down = written.keep(table, key, |value| PolicyKeys { cool_down: Some(value.into()), ..none() });
        let key = table.number("cool_down_factor");
        written.keep(table, key, |value| PolicyKeys { cool_down_factor: Some(value), ..none() });
        let key = table.duration("cool_down_max");
        written.cool_down_max = written.keep(table, key, |value| PolicyKeys { cool_down_max: Some(value), ..none() });
        let key = table.number("jitter");
        written.keep(table, key, |value| PolicyKeys { jitter: Some(value), ..none() });
        let key = table.integer("probes", 0, u32::MAX);
        written.keep(table, key, |value| PolicyKeys { probes: Some(value), ..none() });
        let key = table.duration("lease");
        written.keep(table, key, |value| PolicyKeys { lease: Some(value), ..none() });
        let key = table.flag("observe");
        written.keep(table, key, |value| PolicyKeys { observe: Some(value), ..none() });
        written
    }

    /// Takes one key over, if it can work by itself, and tells where it stands.
    fn keep<T>(
        &mut self,
        table: &TableReader<'_>,
        value: Option<Spanned<T>>,
        layer: impl FnOnce(T) -> PolicyKeys,
    ) -> Option<Spanned<()>> {
        let value = value?;
        let place = Spanned::new((), value.span());
        let alone = layer(value.into_inner());
        if !can_work(table, &place, alone) {
            return None;
        }
        self.keys = alone.over(self.keys);
        Some(place)
    }

    /// Whether these keys can work over the lower layers, which can by themselves, with a complaint if not: of
    /// the settings, only the cool-down and its maximum depend on each other.
    pub(super) fn check_over(&self, lower: PolicyKeys, sink: &Sink) -> bool {
        let together = self.keys.over(lower);
        let written_here = self.cool_down_max.as_ref().or(self.cool_down.as_ref());
        let (Some(at), Some(max)) = (written_here, together.cool_down_max) else { return true };
        let first = together.first_cool_down();
        if first <= max {
            return true;
        }
        let (max, first) = (duration::format(max), duration::format(first));
        let message = format!("`cool_down_max` ({max}) is shorter than `cool_down` ({first})");
        sink.push(at.span(), message, Help::advice("write a longer maximum or a shorter cool-down"));
        false
    }
}

/// Reads `rate`. It is written as a whole, and so are layers: a share without its calls and its time says nothing.
fn read_rate(table: &mut TableReader<'_>) -> Option<Spanned<FailureRate>> {
    let mut rate = table.table("rate")?;
    let any = FailureRate::default;
    let key = rate.number("failures");
    let failures = keep_part(&rate, "failures", key, |failures| FailureRate { failures, ..any() });
    let key = rate.integer("of", 0, u32::MAX);
    let of = keep_part(&rate, "of", key, |of| FailureRate { of, ..any() });
    let key = rate.duration("within");
    let within = keep_part(&rate, "within", key, |within| FailureRate { within, ..any() });
    let place = rate.span();
    rate.finish();
    Some(Spanned::new(FailureRate { failures: failures?, of: of?, within: within? }, place))
}

/// One key of a rate, if it is there and can work beside others that do.
fn keep_part<T: Copy>(
    rate: &TableReader<'_>,
    key: &'static str,
    value: Option<Spanned<T>>,
    beside: impl FnOnce(T) -> FailureRate,
) -> Option<T> {
    let value =
        rate.required(key, value, Help::advice("write rate = { failures = 0.5, of = 20, within = \"10s\" }"))?;
    let trip = Some(TripRule::Rate(beside(*value)));
    can_work(rate, &value, PolicyKeys { trip, ..PolicyKeys::default() }).then_some(*value)
}

/// Whether these keys can work by themselves, with a complaint if not.
fn can_work<T>(table: &TableReader<'_>, at: &Spanned<T>, keys: PolicyKeys) -> bool {
    // A maximum by itself is measured against no cool-down, not against the default one.
    let harmless = PolicyKeys { cool_down: Some(Limit::Never), ..PolicyKeys::default() };
    let worked = keys.over(harmless).policy(duration::LONGEST);
    worked.map_err(|error| table.refuse(at, error.to_string(), None)).is_ok()
}
