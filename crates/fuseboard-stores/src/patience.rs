//! Waiting for others: short naps that grow, until a limit.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use fuseboard::clock::{Clock, Moment, SystemClock};

const FIRST_NAP: Duration = Duration::from_micros(200);
const LONGEST_NAP: Duration = Duration::from_millis(10);

/// How much longer somebody is willing to wait. Each nap is up to half as long again as the last and drawn
/// from a spread, so that a crowd that arrived together does not keep knocking together.
pub(crate) struct Patience {
    until: Moment,
    nap: Duration,
}

impl Patience {
    /// Patience for so long from now on. Others keep us waiting in real time, whatever clock the store is on.
    pub(crate) fn of(limit: Duration) -> Self {
        Self { until: SystemClock.now().after(limit), nap: FIRST_NAP }
    }

    /// Takes a nap, or says that there is no more time for one.
    pub(crate) fn nap(&mut self) -> bool {
        if SystemClock.now() >= self.until {
            return false;
        }
        // Every `RandomState` differs: randomness enough for a nap, without a system call.
        let dice = u32::try_from(RandomState::new().hash_one(0) % 1024).unwrap_or(0);
        std::thread::sleep(self.nap / 2 + self.nap * dice / 1024);
        self.nap = (self.nap * 3 / 2).min(LONGEST_NAP);
        true
    }
}
