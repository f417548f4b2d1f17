//! Sums of usage in which what is not known stays visible.

use serde_json::{Value, json};

use crate::job::ModelUsage;

/// A sum of figures some of which may be unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum<T> {
    /// The sum of those that are known; `None` if none is.
    pub known: Option<T>,
    /// How many are not.
    pub unknown: usize,
}

impl Sum<u64> {
    fn add(&mut self, figure: Option<u64>) {
        match figure {
            Some(figure) => self.known = Some(self.known.unwrap_or(0).saturating_add(figure)),
            None => self.unknown += 1,
        }
    }
}

impl Sum<f64> {
    fn add(&mut self, figure: Option<f64>) {
        match figure {
            Some(figure) => self.known = Some(self.known.unwrap_or(0.0) + figure),
            None => self.unknown += 1,
        }
    }
}

/// The usage of several models and runs together.
///
/// ```
/// use fuseboard_pipeline::job::ModelUsage;
/// use fuseboard_pipeline::usage_sum::UsageSum;
///
/// let priced = ModelUsage { output: Some(7), cost_usd: Some(0.5), ..ModelUsage::default() };
/// let unpriced = ModelUsage { output: Some(3), ..ModelUsage::default() };
/// let sum: UsageSum = [&priced, &unpriced].into_iter().collect();
/// assert_eq!((sum.output.known, sum.output.unknown), (Some(10), 0));
/// assert_eq!((sum.cost_usd.known, sum.cost_usd.unknown), (Some(0.5), 1));
/// assert_eq!((sum.input_uncached.known, sum.input_uncached.unknown), (None, 2));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct UsageSum {
    /// Input tokens that came from no cache.
    pub input_uncached: Sum<u64>,
    /// Input tokens read from a cache.
    pub cache_read: Sum<u64>,
    /// Input tokens written to a cache.
    pub cache_write: Sum<u64>,
    /// Output tokens, thoughts included.
    pub output: Sum<u64>,
    /// Money, in US dollars.
    pub cost_usd: Sum<f64>,
}

impl UsageSum {
    /// Adds what one run used of one model.
    pub fn add(&mut self, row: &ModelUsage) {
        self.input_uncached.add(row.input_uncached);
        self.cache_read.add(row.cache_read);
        self.cache_write.add(row.cache_write);
        self.output.add(row.output);
        self.cost_usd.add(row.cost_usd);
    }

    /// All tokens together.
    pub fn tokens(&self) -> Sum<u64> {
        let parts = [self.input_uncached, self.cache_read, self.cache_write, self.output];
        let known = parts.iter().filter_map(|part| part.known).reduce(u64::saturating_add);
        Sum { known, unknown: parts.iter().map(|part| part.unknown).sum() }
    }

    /// The sums as JSON: null where nothing is known, and under `unknown` how many figures are missing of each.
    pub fn to_json(&self) -> Value {
        json!({
            "input_uncached": self.input_uncached.known,
            "cache_read": self.cache_read.known,
            "cache_write": self.cache_write.known,
            "output": self.output.known,
            "cost_usd": self.cost_usd.known,
            "unknown": {
                "input_uncached": self.input_uncached.unknown,
                "cache_read": self.cache_read.unknown,
                "cache_write": self.cache_write.unknown,
                "output": self.output.unknown,
                "cost_usd": self.cost_usd.unknown,
            },
        })
    }
}

impl<'a> FromIterator<&'a ModelUsage> for UsageSum {
    fn from_iter<I: IntoIterator<Item = &'a ModelUsage>>(rows: I) -> Self {
        let mut sum = Self::default();
        rows.into_iter().for_each(|row| sum.add(row));
        sum
    }
}
