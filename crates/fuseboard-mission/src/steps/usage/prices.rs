//! The price file: what a model's tokens cost since when.
//!
//! ```toml
//! [[price]]                      # US dollars per million tokens
//! model = "claude-sonnet-4-5"    # also stands for its dated names, such as claude-sonnet-4-5-20250929
//! from = 2025-09-29              # the first day (UTC); the latest one before a job's end counts
//! input = 3.0
//! output = 15.0
//! cache_read = 0.30              # without it, what was read from a cache has no price
//! cache_write = 3.75             # the same
//! ```
//!
//! Unknown keys, prices below zero, and two prices of one model from one day are refused.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::job::ModelUsage;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::sys;
use serde::Deserialize;
use toml::value::Datetime;

/// Largest price file, in bytes.
const MOST_BYTES: u64 = 1024 * 1024;

/// A price file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("prices {path}: {why}")]
pub struct PricesError {
    path: PathBuf,
    why: String,
}

/// Prices of models, each from a day on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices(Vec<Price>);

#[derive(Clone, Debug, PartialEq)]
struct Price {
    model: String,
    /// As in RFC 3339, so that two of them compare as texts.
    from: String,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceFile {
    #[serde(default)]
    price: Vec<PriceEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceEntry {
    model: String,
    from: Datetime,
    input: f64,
    output: f64,
    cache_read: Option<f64>,
    cache_write: Option<f64>,
}

impl Prices {
    /// Reads a price file.
    ///
    /// # Errors
    /// It cannot be read, or says something impossible; the message says where.
    pub fn load(path: &Path) -> Result<Self, PricesError> {
        let refuse = |why: String| PricesError { path: path.to_owned(), why };
        let mut text = String::new();
        let file = sys::open_regular(path).map_err(|error| refuse(error.to_string()))?;
        file.take(MOST_BYTES + 1).read_to_string(&mut text).map_err(|error| refuse(error.to_string()))?;
        if text.len() as u64 > MOST_BYTES {
            return Err(refuse("it is larger than 1 MiB".to_owned()));
        }
        Self::parse(&text).map_err(refuse)
    }

    /// Reads a text in the form of a price file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: PriceFile = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
        let mut prices: Vec<Price> = Vec::new();
        for entry in file.price {
            let price = entry.checked()?;
            if prices.iter().any(|known| known.model == price.model && known.from == price.from) {
                return Err(format!("{} has two prices from {}", price.model, price.from));
            }
            prices.push(price);
        }
        Ok(Self(prices))
    }

    /// Gives a price to every row that has none, as far as they are known on that day.
    pub fn apply(&self, rows: &mut [ModelUsage], at: Stamp) {
        let day = at.to_string();
        for row in rows.iter_mut().filter(|row| row.cost_usd.is_none()) {
            row.cost_usd =
                row.model.as_deref().and_then(|model| self.of(model, &day)).and_then(|price| price.cost(row));
        }
    }

    fn of(&self, model: &str, day: &str) -> Option<&Price> {
        let latest = |model: &str| {
            let known = self.0.iter().filter(|price| price.model == model && price.from.as_str() <= day);
            known.max_by(|a, b| a.from.cmp(&b.from))
        };
        latest(model).or_else(|| latest(without_date(model)?))
    }
}

impl PriceEntry {
    fn checked(self) -> Result<Price, String> {
        let Self { model, from, input, output, cache_read, cache_write } = self;
        let date = from.date.ok_or_else(|| format!("`from` of {model} must be a date such as 2026-01-31"))?;
        let prices = [Some(input), Some(output), cache_read, cache_write];
        if prices.into_iter().flatten().any(|price| !price.is_finite() || price < 0.0) {
            return Err(format!("a price of {model} is no amount of money"));
        }
        Ok(Price { from: date.to_string(), model, input, output, cache_read, cache_write })
    }
}

impl Price {
    /// `None` if something that was used has no price, or was not measured.
    fn cost(&self, row: &ModelUsage) -> Option<f64> {
        let part = |tokens: u64, price: Option<f64>| match tokens {
            0 => Some(0.0),
            tokens => price.map(|price| dollars(tokens, price)),
        };
        Some(
            part(row.input_uncached?, Some(self.input))?
                + part(row.output?, Some(self.output))?
                + part(row.cache_read.unwrap_or(0), self.cache_read)?
                + part(row.cache_write.unwrap_or(0), self.cache_write)?,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn dollars(tokens: u64, per_million: f64) -> f64 {
    tokens as f64 * per_million / 1e6
}

/// `claude-sonnet-4-5` for `claude-sonnet-4-5-20250929`.
fn without_date(model: &str) -> Option<&str> {
    let (name, date) = model.rsplit_once('-')?;
    (date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: &str = "[[price]]\nmodel = 'm'\nfrom = 2026-01-01\ninput = 3\noutput = 15.0\ncache_read = 0.3\n\
                          [[price]]\nmodel = 'm'\nfrom = 2026-06-01\ninput = 6\noutput = 30\n";

    fn cost(model: &str, at: &str, cache_read: u64) -> Option<f64> {
        let mut rows = [ModelUsage {
            model: Some(model.into()),
            input_uncached: Some(1_000_000),
            output: Some(100_000),
            cache_read: Some(cache_read),
            ..ModelUsage::default()
        }];
        Prices::parse(PRICES).unwrap().apply(&mut rows, at.parse().unwrap());
        rows[0].cost_usd
    }

    #[test]
    fn the_price_of_the_day_counts() {
        assert_eq!(cost("m", "2026-05-31T23:59:59Z", 1_000_000), Some(4.8));
        assert_eq!(cost("m", "2026-06-01T00:00:00Z", 0), Some(9.0));
        assert_eq!(cost("m", "2025-12-31T23:59:59Z", 0), None, "before the first price");
    }

    #[test]
    fn a_dated_name_has_the_price_of_its_model_and_an_unknown_one_has_none() {
        assert_eq!(cost("m-20260101", "2026-06-02T00:00:00Z", 0), Some(9.0));
        assert_eq!(cost("m-large", "2026-06-02T00:00:00Z", 0), None);
    }

    #[test]
    fn what_has_no_price_is_not_free() {
        assert_eq!(cost("m", "2026-06-02T00:00:00Z", 1), None, "this price tells nothing of caches");
    }

    #[test]
    fn a_price_that_is_wrong_is_refused() {
        for (wrong, says) in [
            ("[[price]]\nmodel = 'm'\nfrom = 2026-01-01\ninput = 1\noutput = 1\ncashed = 1", "cashed"),
            ("[[price]]\nmodel = 'm'\nfrom = 2026-01-01\ninput = -1\noutput = 1", "no amount"),
            ("[[price]]\nmodel = 'm'\nfrom = 2026-01-01\ninput = nan\noutput = 1", "no amount"),
            ("[[price]]\nmodel = 'm'\nfrom = 10:00:00\ninput = 1\noutput = 1", "must be a date"),
            ("[[price]]\nmodel = 'm'\ninput = 1\noutput = 1", "from"),
            ("[models]\n", "models"),
        ] {
            let error = Prices::parse(wrong).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        let twice = format!("{PRICES}[[price]]\nmodel = 'm'\nfrom = 2026-01-01\ninput = 1\noutput = 1\n");
        assert_eq!(Prices::parse(&twice).unwrap_err(), "m has two prices from 2026-01-01");
    }
}
