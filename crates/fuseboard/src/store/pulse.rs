//! Whether a circuit in memory is well, as one word that is read without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::record::{Record, State};

/// The pulse of one circuit: a count of its periods, and whether it is well, that is, closed without a failure and
/// without a switch. A call of a circuit that is well, and stays so while it succeeds, has nothing to write.
///
/// It changes under the lock of the record that it tells of, so that whoever finds the same beat before and after
/// reading the record has read the record of that beat.
#[derive(Debug, Default)]
pub struct Pulse(AtomicU64);

/// A pulse at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat(u64);

impl Pulse {
    /// How it is now.
    #[inline]
    pub fn beat(&self) -> Beat {
        Beat(self.0.load(Ordering::Acquire))
    }

    /// Follows a record that replaces another one. The caller holds the lock of both.
    pub(super) fn follow(&self, before: &Record, after: &Record) {
        let Beat(mut word) = self.beat();
        if before.epoch != after.epoch {
            word = word.wrapping_add(2);
        }
        word = word & !1 | u64::from(!is_well(after));
        self.0.store(word, Ordering::Release);
    }
}

impl Beat {
    /// Whether the circuit was well.
    #[inline]
    pub fn is_well(self) -> bool {
        self.0 & 1 == 0
    }

    /// Whether both are of one period: no report of the one is late in the other.
    pub(crate) fn is_of_period(self, other: Self) -> bool {
        self.0 >> 1 == other.0 >> 1
    }
}

fn is_well(record: &Record) -> bool {
    matches!(record.state, State::Closed { failures: 0, window: None }) && record.switch.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Epoch;

    #[test]
    fn a_failure_makes_it_unwell_and_another_epoch_is_another_period() {
        let pulse = Pulse::default();
        let (well, failed) =
            (Record::default(), Record { state: State::Closed { failures: 1, window: None }, ..Record::default() });
        let first = pulse.beat();
        assert!(first.is_well());
        pulse.follow(&well, &failed);
        let second = pulse.beat();
        assert!(!second.is_well() && second.is_of_period(first));
        pulse.follow(&failed, &well);
        assert_eq!(pulse.beat(), first);
        let later = Record { epoch: Epoch(7), ..Record::default() };
        pulse.follow(&well, &later);
        assert!(pulse.beat().is_well() && !pulse.beat().is_of_period(first));
    }
}
