//! Waiting for others: naps between attempts, until a limit.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use fuseboard::clock::{Clock, Moment, SystemClock};

/// The first nap.
const FIRST_NAP: Duration = Duration::from_micros(200);

/// How much longer each nap is than the one before. In a crowd many sleep then while few work: if they only doubled, 64
/// processes would write a fifth less.
const GROWTH: u32 = 3;

/// The longest nap of somebody who has just come.
const LONGEST_NAP: Duration = Duration::from_millis(20);

/// The longest nap of somebody whose patience is half spent: they knock more often than those who came later,
/// so that hardly anybody in a crowd is left out.
const LONGEST_LATE_NAP: Duration = Duration::from_millis(3);

/// How much longer somebody is willing to wait.
pub(crate) struct Patience {
    half: Moment,
    until: Moment,
    nap: Duration,
}

impl Patience {
    /// Patience for so long from now on. Others keep us waiting in real time, whatever clock the store is on.
    pub(crate) fn of(limit: Duration) -> Self {
        let now = SystemClock.now();
        Self { half: now.after(limit / 2), until: now.after(limit), nap: FIRST_NAP }
    }

    /// Takes a nap, or says that there is no more time for one. Its length is drawn from a spread, so that those
    /// who arrived together do not keep knocking together.
    pub(crate) fn nap(&mut self) -> bool {
        let now = SystemClock.now();
        if now >= self.until {
            return false;
        }
        // Every `RandomState` differs: randomness enough for a nap, without a system call.
        let dice = u32::try_from(RandomState::new().hash_one(0) % 1024).unwrap_or(0);
        std::thread::sleep(self.nap / 2 + self.nap * dice / 1024);
        let longest = if now >= self.half { LONGEST_LATE_NAP } else { LONGEST_NAP };
        self.nap = (self.nap * GROWTH).min(longest);
        true
    }
}
