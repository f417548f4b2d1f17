//! Days of the user's own calendar.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::stamp::Stamp;

/// A day where the user lives: by `$TZ`, else by the system's time zone, else UTC. Written `2026-11-23`.
///
/// ```
/// use fuseboard_pipeline::day::Day;
/// use fuseboard_pipeline::stamp::Stamp;
///
/// let stamp: Stamp = "2026-11-23T12:00:00Z".parse()?;
/// let day = Day::of(stamp);
/// assert!(day.starts_at() <= stamp && stamp < day.next().starts_at());
/// assert_eq!(day.monday().next().next().monday(), day.monday());
/// # Ok::<(), fuseboard_pipeline::stamp::StampError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// The day of a moment.
    pub fn of(stamp: Stamp) -> Self {
        Self(stamp.timestamp().to_zoned_datetime(TimeZone::system()).date())
    }

    /// The moment at which it begins. (Where clocks go forward at midnight that is one o'clock.)
    pub fn starts_at(self) -> Stamp {
        let start = self.0.to_zoned_datetime(TimeZone::system()).and_then(|midnight| midnight.start_of_day());
        start.map_or_else(|_| Stamp::from_millis(0), |start| Stamp::from_millis(start.timestamp().as_millisecond()))
    }

    /// The day after it.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.tomorrow().unwrap_or(self.0))
    }

    /// The Monday of its week.
    #[must_use]
    pub fn monday(self) -> Self {
        let since = i64::from(self.0.weekday().to_monday_zero_offset());
        Self(self.0.checked_sub(since.days()).unwrap_or(self.0))
    }

    /// Its weekday's English name.
    pub fn weekday(self) -> &'static str {
        const NAMES: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
        usize::try_from(self.0.weekday().to_monday_zero_offset()).ok().and_then(|at| NAMES.get(at)).unwrap_or(&"")
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.to_string())
    }
}

/// The moment as people read it on their own clock: `17:42`.
pub fn local_time(stamp: Stamp) -> String {
    stamp.timestamp().to_zoned_datetime(TimeZone::system()).strftime("%H:%M").to_string()
}
