//! Moments that people and scripts see: RFC 3339, UTC, milliseconds.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A moment of the wall clock, in whole milliseconds; written `2026-11-23T17:42:39.569Z`.
///
/// ```
/// use fuseboard_pipeline::stamp::Stamp;
///
/// let stamp: Stamp = "2026-11-23T18:42:39.5+01:00".parse()?;
/// assert_eq!(stamp.to_string(), "2026-11-23T17:42:39.500Z");
/// # Ok::<(), fuseboard_pipeline::stamp::StampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Stamp(Timestamp);

/// The years 0000 to 9998: a time zone cannot bring one out of four digits.
const FIRST_MS: i64 = -62_167_219_200_000;
const LAST_MS: i64 = 253_370_764_799_999;

impl Stamp {
    /// From milliseconds since the Unix epoch; what no calendar holds becomes its nearest end.
    pub fn from_millis(millis: i64) -> Self {
        let nearest = if millis < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Self(Timestamp::from_millisecond(millis).unwrap_or(nearest))
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0.as_millisecond()
    }

    pub(crate) fn timestamp(self) -> Timestamp {
        self.0
    }

    /// The moment so much before this one.
    #[must_use]
    pub fn before(self, time: Duration) -> Self {
        Self::from_millis(self.millis().saturating_sub(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment so much after this one.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        Self::from_millis(self.millis().saturating_add(i64::try_from(time.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The time from `earlier` to this moment; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.millis().saturating_sub(earlier.millis())).unwrap_or(0))
    }
}

impl From<SystemTime> for Stamp {
    fn from(time: SystemTime) -> Self {
        Timestamp::try_from(time)
            .map_or_else(|_| Self::from_millis(0), |stamp| Self::from_millis(stamp.as_millisecond()))
    }
}

impl From<Stamp> for String {
    fn from(stamp: Stamp) -> Self {
        stamp.to_string()
    }
}

impl TryFrom<String> for Stamp {
    type Error = StampError;
    fn try_from(text: String) -> Result<Self, StampError> {
        text.parse()
    }
}

impl FromStr for Stamp {
    type Err = StampError;
    fn from_str(text: &str) -> Result<Self, StampError> {
        let refused = || StampError(text.chars().take(40).collect());
        let stamp: Timestamp = text.parse().map_err(|_| refused())?;
        // What it is written as must be readable again: years have four digits.
        let stamp = Self::from_millis(stamp.as_millisecond());
        if (FIRST_MS..=LAST_MS).contains(&stamp.millis()) { Ok(stamp) } else { Err(refused()) }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string())
    }
}

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no moment; write it as in RFC 3339: 2026-11-23T17:42:39Z")]
pub struct StampError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_in_any_zone_and_written_in_utc_with_milliseconds() {
        let written = |text: &str| text.parse::<Stamp>().map(|stamp| stamp.to_string());
        assert_eq!(written("2026-01-01T00:00:00Z").as_deref(), Ok("2026-01-01T00:00:00.000Z"));
        assert_eq!(written("2026-01-01T00:00:00.1239-02:00").as_deref(), Ok("2026-01-01T02:00:00.123Z"));
        assert!(written("yesterday").is_err() && written("2026-01-01").is_err());
    }

    #[test]
    fn no_number_is_too_large() {
        assert!(Stamp::from_millis(i64::MIN) < Stamp::from_millis(0));
        assert_eq!(Stamp::from_millis(i64::MAX).since(Stamp::from_millis(i64::MAX)), Duration::ZERO);
    }
}
