//! The windows and their limits: how much is used, and how long the rest will do.

use std::time::Duration;

use fuseboard_pipeline::config::{Help, TableReader};
use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::stamp::Stamp;
use serde_json::{Value, json};

use super::burn::STALE;
use super::spent::{Metric, Used};

/// A stretch of time that has limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Window {
    /// The last 5 hours.
    Session,
    /// The local day.
    Day,
    /// The local week, from Monday.
    Week,
}

impl Window {
    pub(super) const ALL: [Self; 3] = [Self::Session, Self::Day, Self::Week];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    pub(super) fn since(self, now: Stamp) -> Stamp {
        match self {
            Self::Session => now.before(STALE),
            Self::Day => Day::of(now).starts_at(),
            Self::Week => Day::of(now).monday().starts_at(),
        }
    }

    /// When nothing of what is in it now counts any more.
    fn ends(self, now: Stamp) -> Stamp {
        match self {
            Self::Session => now.after(STALE),
            Self::Day => Day::of(now).next().starts_at(),
            Self::Week => (0..7).fold(Day::of(now).monday(), |day, _| day.next()).starts_at(),
        }
    }
}

/// The options that are limits.
const OPTIONS: [(&str, Window, Metric); 6] = [
    ("session_tokens", Window::Session, Metric::Tokens),
    ("day_tokens", Window::Day, Metric::Tokens),
    ("week_tokens", Window::Week, Metric::Tokens),
    ("session_usd", Window::Session, Metric::Usd),
    ("day_usd", Window::Day, Metric::Usd),
    ("week_usd", Window::Week, Metric::Usd),
];

/// What may be used, and from where on that is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limits {
    most: Vec<(Window, Metric, f64)>,
    warn_at: f64,
}

impl Limits {
    pub(super) fn read(options: &mut TableReader<'_>) -> Self {
        let mut most = Vec::new();
        for (key, window, metric) in OPTIONS {
            let Some(limit) = options.number(key) else { continue };
            if *limit <= 0.0 {
                let help = Help::advice("leave it out for no limit");
                options.refuse(&limit, format!("`{key}` must be above 0"), help);
            }
            most.push((window, metric, *limit));
        }
        let warn_at = options.number("warn_at").map_or(0.8, |share| {
            if *share <= 0.0 || *share > 1.0 {
                let help = Help::advice("write 0.8 to be warned when 80 % are used");
                options.refuse(&share, "`warn_at` must be above 0 and at most 1", help);
            }
            *share
        });
        Self { most, warn_at }
    }

    /// How it stands with a window.
    pub(super) fn standing(
        &self,
        window: Window,
        metric: Metric,
        used: Used,
        per_hour: Option<f64>,
        now: Stamp,
    ) -> Standing {
        let limit = self.most.iter().find(|(of, what, _)| (*of, *what) == (window, metric)).map(|(_, _, most)| *most);
        let share = limit.zip(used.amount).map(|(limit, amount)| amount / limit);
        let level = share.map(|share| match share {
            1.0.. => Level::Reached,
            share if share >= self.warn_at => Level::Warning,
            _ => Level::Fine,
        });
        let left = limit.map(|limit| match (used.amount, per_hour) {
            _ if level == Some(Level::Reached) => Left::Nothing,
            (None, _) | (_, None) => Left::Unknown,
            (Some(amount), Some(per_hour)) => {
                let time = Duration::try_from_secs_f64((limit - amount) / per_hour * 3600.0).unwrap_or(Duration::MAX);
                if time < window.ends(now).since(now) {
                    Left::Time(Duration::from_secs(time.as_secs()))
                } else {
                    Left::Enough
                }
            }
        });
        Standing { window, metric, used, limit, share, level, left }
    }
}

/// How near a limit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Fine,
    Warning,
    Reached,
}

impl Level {
    pub(super) const ALL: [Self; 3] = [Self::Fine, Self::Warning, Self::Reached];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Reached => "reached",
        }
    }
}

/// How long what is left will do, if it goes on as it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Nothing,
    Time(Duration),
    /// Until the window begins anew.
    Enough,
    Unknown,
}

/// A window, what was used in it, and its limit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Standing {
    pub(super) window: Window,
    pub(super) metric: Metric,
    pub(super) used: Used,
    pub(super) limit: Option<f64>,
    pub(super) share: Option<f64>,
    pub(super) level: Option<Level>,
    pub(super) left: Option<Left>,
}

impl Standing {
    /// `at least $4.10 of $5.00 (82 %)`
    pub(super) fn shown(&self) -> String {
        let amount = match self.used.amount {
            Some(amount) if self.used.at_least => format!("at least {}", self.metric.shown(amount)),
            Some(amount) => self.metric.shown(amount),
            None => format!("unknown {}", self.metric.as_str()),
        };
        match (self.limit, self.share) {
            (Some(limit), Some(share)) => {
                format!("{amount} of {} ({:.0} %)", self.metric.shown(limit), (share * 100.0).floor())
            }
            (Some(limit), None) => format!("{amount} of {}", self.metric.shown(limit)),
            (None, _) => amount,
        }
    }

    pub(super) fn json(&self) -> Value {
        let left_s = match self.left {
            Some(Left::Time(time)) => Some(time.as_secs()),
            Some(Left::Nothing) => Some(0),
            Some(Left::Enough | Left::Unknown) | None => None,
        };
        let left = self.left.map(|left| match left {
            Left::Nothing => "nothing",
            Left::Time(_) => "some",
            Left::Enough => "enough",
            Left::Unknown => "unknown",
        });
        json!({
            "used": self.used.amount.map(|amount| self.metric.json(amount)),
            "at_least": self.used.at_least,
            "limit": self.limit.map(|limit| self.metric.json(limit)),
            "share": self.share,
            "level": self.level.map(Level::as_str),
            "left": left,
            "left_s": left_s,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_and_the_week_begin_at_local_midnight_and_end_where_the_next_begin() {
        let now: Stamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let day = Day::of(now);
        assert_eq!((Window::Day.since(now), Window::Day.ends(now)), (day.starts_at(), day.next().starts_at()));
        let (monday, next) = (Window::Week.since(now), Window::Week.ends(now));
        assert_eq!((Day::of(monday).weekday(), Day::of(next).weekday()), ("Monday", "Monday"));
        assert!(monday <= now && now < next);
        assert_eq!(Window::Week.since(next), next, "the next week begins then");
        assert_eq!(Window::Session.since(now).after(STALE), now);
    }
}
