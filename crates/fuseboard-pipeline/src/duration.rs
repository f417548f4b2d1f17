//! Durations as people write them: `"5m"`, `"2h 30m"`, `"90s"`, `"500ms"`. Parsed and printed by jiff, which
//! is named here alone.

use std::time::Duration;

use jiff::fmt::friendly::{SpanParser, SpanPrinter};

/// The longest duration that can be written: 365 days, the most that a policy takes.
pub const LONGEST: Duration = Duration::from_hours(365 * 24);

/// Reads a duration: numbers with the units h, m, s, ms, us, ns (or their long forms), for example `2h 30m`.
/// There are no days or longer units, since a day is not always 24 hours.
///
/// ```
/// use std::time::Duration;
/// use fuseboard_pipeline::duration;
///
/// assert_eq!(duration::parse("2h 30m"), Ok(Duration::from_mins(150)));
/// assert!(duration::parse("1 day").is_err());
/// ```
///
/// # Errors
/// [`DurationError`] tells what is wrong and what to write instead.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Err(DurationError::NoUnit { advice: with_seconds(seconds) });
    }
    if text.starts_with('-') || text.ends_with("ago") {
        return Err(DurationError::Negative);
    }
    match SpanParser::new().parse_unsigned_duration(text) {
        Ok(duration) if duration > LONGEST => Err(DurationError::TooLong),
        Ok(duration) => Ok(duration),
        Err(_) => Err(in_hours(text).unwrap_or(DurationError::Unreadable)),
    }
}

/// Writes a duration the way [`parse`] reads it: `2h 30m`.
pub fn format(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&duration)
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Only a number.
    #[error("has no unit")]
    NoUnit {
        /// The same number with a unit, if it can have one.
        advice: Option<String>,
    },
    /// A duration into the past.
    #[error("is negative")]
    Negative,
    /// Days, weeks, months or years.
    #[error("is in a unit of the calendar, whose length varies")]
    Calendar {
        /// The same time in hours.
        advice: String,
    },
    /// More than [`LONGEST`].
    #[error("is longer than 365 days")]
    TooLong,
    /// Anything else.
    #[error("is no duration")]
    Unreadable,
}

impl DurationError {
    /// What to write instead.
    pub fn advice(&self) -> String {
        match self {
            Self::NoUnit { advice: Some(advice) } | Self::Calendar { advice } => format!("write {advice:?}"),
            Self::TooLong => format!("write at most {:?}", format(LONGEST)),
            Self::NoUnit { advice: None } | Self::Negative | Self::Unreadable => {
                "write hours, minutes, seconds: \"2h 30m\", \"5m\", \"90s\", \"500ms\"".to_owned()
            }
        }
    }
}

/// The text that was probably meant by a bare number: so many seconds.
pub(crate) fn with_seconds(seconds: f64) -> Option<String> {
    (seconds.is_finite() && seconds > 0.0 && seconds <= LONGEST.as_secs_f64()).then(|| format!("{seconds}s"))
}

/// The refusal of a single number of days or weeks, with the hours to write in their place.
fn in_hours(text: &str) -> Option<DurationError> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit_at);
    let hours: u64 = match unit.trim() {
        "d" | "day" | "days" => 24,
        "w" | "wk" | "wks" | "week" | "weeks" => 7 * 24,
        "mo" | "mos" | "month" | "months" => 30 * 24,
        "y" | "yr" | "yrs" | "year" | "years" => 365 * 24,
        _ => return None,
    };
    let hours = number.parse::<u64>().ok()?.checked_mul(hours)?;
    (Duration::from_secs(hours.checked_mul(3600)?) <= LONGEST)
        .then(|| DurationError::Calendar { advice: format!("{hours}h") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        let cases = [
            ("5m", 300_000),
            ("2h 30m", 9_000_000),
            ("2h30m", 9_000_000),
            ("90s", 90_000),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("5 minutes", 300_000),
            ("0s", 0),
            (" 1h ", 3_600_000),
            ("8760h", 31_536_000_000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_advice() {
        let calendar = |advice: &str| DurationError::Calendar { advice: advice.to_owned() };
        let cases = [
            ("5", DurationError::NoUnit { advice: Some("5s".to_owned()) }),
            ("2.5", DurationError::NoUnit { advice: Some("2.5s".to_owned()) }),
            ("-5", DurationError::NoUnit { advice: None }),
            ("-5m", DurationError::Negative),
            ("5m ago", DurationError::Negative),
            ("1d", calendar("24h")),
            ("2 weeks", calendar("336h")),
            ("1 month", calendar("720h")),
            ("1y", calendar("8760h")),
            ("9999h", DurationError::TooLong),
            ("99999999999999999999d", DurationError::Unreadable),
            ("", DurationError::Unreadable),
            ("soon", DurationError::Unreadable),
            ("5x", DurationError::Unreadable),
        ];
        for (text, error) in cases {
            assert_eq!(parse(text), Err(error.clone()), "{text:?}");
            assert!(error.advice().starts_with("write "));
        }
    }

    #[test]
    fn what_is_written_can_be_read_again() {
        for millis in [0, 1, 999, 1_000, 61_001, 9_000_000, 31_536_000_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(&format(duration)), Ok(duration), "{}", format(duration));
        }
        assert_eq!(format(Duration::from_mins(150)), "2h 30m");
    }
}
