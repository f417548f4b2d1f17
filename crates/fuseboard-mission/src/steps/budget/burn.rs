//! How fast it goes: over the last samples, if they are enough, far enough apart, and fresh.

use std::time::Duration;

use fuseboard_pipeline::stamp::Stamp;

use super::spent::{Metric, Samples};

/// So many of the newest samples are looked at.
const MOST: usize = 20;

/// Fewer tell nothing.
const FEWEST: usize = 5;

/// Closer together they tell nothing.
const SHORTEST: Duration = Duration::from_secs(15 * 60);

/// Older ones are stale.
pub(super) const STALE: Duration = Duration::from_secs(5 * 60 * 60);

/// What is used per hour.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Burn {
    /// `None` is unknown, which is not zero.
    pub(super) per_hour: Option<f64>,
    /// By so many samples.
    pub(super) samples: usize,
    /// Why it is unknown.
    pub(super) why: Option<String>,
}

impl Burn {
    /// The rate between the oldest sample and the newest: what the oldest used, it used before.
    pub(super) fn of(samples: &Samples, metric: Metric, now: Stamp) -> Self {
        let fresh = samples.all.iter().filter(|sample| sample.at >= now.before(STALE));
        let known = fresh.filter_map(|sample| Some((sample.at, sample.whole(metric)?)));
        let mut newest_first: Vec<(Stamp, f64)> = known.rev().take(MOST).collect();
        let count = newest_first.len();
        let unknown = |why: String| Self { per_hour: None, samples: count, why: Some(why) };
        if count < FEWEST {
            return unknown(format!("{count} of at least {FEWEST} samples in the last 5 hours"));
        }
        let Some(((newest, _), (oldest, _))) = newest_first.first().copied().zip(newest_first.pop()) else {
            return unknown("no samples".to_owned());
        };
        let span = newest.since(oldest);
        if span < SHORTEST {
            return unknown("the last samples are less than 15 minutes apart".to_owned());
        }
        let used: f64 = newest_first.iter().map(|(_, amount)| amount).sum();
        let per_hour = used / (span.as_secs_f64() / 3600.0);
        if !per_hour.is_finite() {
            return unknown("the samples are too large to add up".to_owned());
        }
        Self { per_hour: Some(per_hour), samples: count, why: None }
    }
}
