//! What runs used, one sample each, and what of it falls into a window.

use std::collections::BTreeMap;

use fuseboard_pipeline::job::ModelUsage;
use fuseboard_pipeline::stamp::Stamp;
use serde_json::{Value, json};

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// All tokens: input, read from and written to caches, output.
    Tokens,
    /// Money, in US dollars.
    Usd,
}

impl Metric {
    pub(super) const ALL: [Self; 2] = [Self::Tokens, Self::Usd];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Usd => "usd",
        }
    }

    /// For people.
    pub(super) fn shown(self, amount: f64) -> String {
        match self {
            Self::Tokens => format!("{amount:.0} tokens"),
            Self::Usd => format!("${amount:.2}"),
        }
    }

    /// Tokens are whole.
    pub(super) fn json(self, amount: f64) -> Value {
        match self {
            Self::Tokens => format!("{amount:.0}").parse::<u64>().map_or(Value::Null, Value::from),
            Self::Usd => json!(amount),
        }
    }
}

/// What one run used, as far as it is known.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) at: Stamp,
    tokens: Known,
    usd: Known,
}

/// A sum of which parts may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Known {
    sum: Option<f64>,
    is_partial: bool,
}

impl Known {
    fn add(&mut self, part: Option<f64>) {
        match part {
            Some(part) => self.sum = Some(self.sum.unwrap_or(0.0) + part),
            None => self.is_partial = true,
        }
    }
}

impl Sample {
    fn known(&self, metric: Metric) -> Known {
        match metric {
            Metric::Tokens => self.tokens,
            Metric::Usd => self.usd,
        }
    }

    /// The amount, if all of it is known.
    pub(super) fn whole(&self, metric: Metric) -> Option<f64> {
        let known = self.known(metric);
        known.sum.filter(|_| !known.is_partial)
    }
}

/// Samples, oldest first, and how many figures were none.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) all: Vec<Sample>,
    pub(super) dropped: usize,
}

impl Samples {
    /// Of rows, each with its run and moment. What is told for later than `now` is of now.
    pub(super) fn of<'a>(rows: impl Iterator<Item = (Stamp, &'a str, &'a ModelUsage)>, now: Stamp) -> Self {
        let mut dropped = 0;
        let mut runs: BTreeMap<&str, Sample> = BTreeMap::new();
        for (at, run, usage) in rows {
            let at = at.min(now);
            let empty = Sample { at, tokens: Known::default(), usd: Known::default() };
            let sample = runs.entry(run).or_insert(empty);
            sample.at = sample.at.min(at);
            sample.tokens.add(tokens(usage));
            let usd = usage.cost_usd.filter(|usd| usd.is_finite() && *usd >= 0.0);
            dropped += usize::from(usage.cost_usd.is_some() && usd.is_none());
            sample.usd.add(usd);
        }
        let mut all: Vec<Sample> = runs.into_values().collect();
        all.sort_by_key(|sample| sample.at);
        Self { all, dropped }
    }

    /// What was used at `since` or later. `unmeasured` runs used something too.
    pub(super) fn used(&self, metric: Metric, since: Stamp, unmeasured: usize) -> Used {
        let mut total = Known { sum: None, is_partial: unmeasured > 0 };
        let within = self.all.iter().filter(|sample| sample.at >= since);
        for known in within.map(|sample| sample.known(metric)) {
            total.is_partial |= known.is_partial;
            total.sum = total.sum.into_iter().chain(known.sum).reduce(|sum, part| sum + part);
        }
        let nothing = (!total.is_partial).then_some(0.0);
        // Ten times 10 cents are a dollar.
        let amount = total.sum.map(|sum| (sum * 1e9).round() / 1e9).or(nothing);
        Used { amount, at_least: total.is_partial }
    }

    /// How many runs told something at `since` or later.
    pub(super) fn count(&self, since: Stamp) -> usize {
        self.all.iter().filter(|sample| sample.at >= since).count()
    }
}

/// What was used of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Used {
    /// `None` if nothing of it was measured.
    pub(super) amount: Option<f64>,
    /// Whether there was more that was not measured.
    pub(super) at_least: bool,
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 9e15 tokens, and near enough beyond")]
fn tokens(usage: &ModelUsage) -> Option<f64> {
    let counts = [usage.input_uncached, usage.cache_read, usage.cache_write, usage.output];
    let sum = || counts.into_iter().flatten().fold(0_u64, u64::saturating_add) as f64;
    usage.tells_tokens().then(sum)
}
