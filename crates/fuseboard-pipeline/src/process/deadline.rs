//! A moment by which something has to be over.

use std::time::{Duration, Instant};

/// A moment on the monotonic clock, or never. A step's own timeout and the pipeline's deadline are both one
/// of these once they have begun to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// No deadline.
    pub const NEVER: Self = Self(None);

    /// So far from now. What lies beyond the clock's end is never.
    pub fn after(duration: Duration) -> Self {
        Self(now().checked_add(duration))
    }

    /// After this duration, never if there is none.
    pub fn after_any(duration: Option<Duration>) -> Self {
        duration.map_or(Self::NEVER, Self::after)
    }

    /// Whether the moment has come.
    pub fn has_passed(self) -> bool {
        self.remaining().is_some_and(|rest| rest.is_zero())
    }

    /// The time until then, zero once it has come, `None` for never.
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|at| at.saturating_duration_since(now()))
    }

    /// The one of the two that comes first.
    #[must_use]
    pub fn or_earlier(self, other: Self) -> Self {
        if other.is_before(self) { other } else { self }
    }

    /// Whether this comes before `other`. Never comes last.
    pub fn is_before(self, other: Self) -> bool {
        match (self.0, other.0) {
            (Some(this), Some(other)) => this < other,
            (this, other) => this.is_some() && other.is_none(),
        }
    }

    /// The same moment, moved `by` so much.
    #[must_use]
    pub fn postponed(self, by: Duration) -> Self {
        Self(self.0.and_then(|at| at.checked_add(by)))
    }
}

/// The one place here that reads the clock. What is measured is how long a real process takes, so a clock
/// that a test could move would measure nothing.
#[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_comes_after_everything_and_never_passes() {
        let soon = Deadline::after(Duration::from_secs(1));
        assert!(soon.is_before(Deadline::NEVER) && !Deadline::NEVER.is_before(soon));
        assert!(!Deadline::NEVER.is_before(Deadline::NEVER) && !Deadline::NEVER.has_passed());
        assert_eq!(Deadline::NEVER.or_earlier(soon), soon);
        assert_eq!(soon.or_earlier(Deadline::NEVER), soon);
        assert_eq!(Deadline::after(Duration::MAX), Deadline::NEVER);
        assert!(Deadline::after(Duration::ZERO).has_passed() && !soon.has_passed());
    }
}
