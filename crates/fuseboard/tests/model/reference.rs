//! A circuit written a second time, naively: it keeps everything that ever happened and replays the whole of
//! it for each question. It knows periods by number, not by epoch, and has no states, only facts.

use std::time::Duration;

use fuseboard::record::{Position, Record, State, Totals};
use fuseboard::{FailureRate, Mode, Policy, TripRule};

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Good,
    Bad,
    TimedOut,
    NotFound,
    Silent,
}

impl End {
    fn is_failure(self) -> bool {
        matches!(self, Self::Bad | Self::TimedOut | Self::NotFound)
    }
}

/// What somebody did.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act {
    Ask,
    /// A report with the leave that the n-th admitted call got; `None` is a leave that nobody gave.
    Report(Option<usize>, End),
    Record(End),
    Switch(Option<(Position, i64)>),
    Reset,
    ProbeNow,
}

/// How it was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    Run,
    Probe,
    Skip,
    Counted,
    Late,
    Aside,
    Done,
    Kept,
}

pub(crate) struct Reference {
    policy: Policy,
    acts: Vec<(i64, Act)>,
}

/// Everything that can be seen of a circuit; moments in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Picture {
    /// Failures in a row while closed.
    pub(crate) row: u32,
    /// Failures and all calls that a rate goes by, as of the last call.
    pub(crate) recent: Option<(u32, u32)>,
    /// Since when it is not closed.
    pub(crate) since: Option<i64>,
    pub(crate) trips: u32,
    pub(crate) due: Option<i64>,
    /// Probes are being made; until when the one that is out may report.
    pub(crate) probing: bool,
    pub(crate) lease: Option<i64>,
    pub(crate) good_probes: u32,
    pub(crate) silent_probes: u32,
    pub(crate) skips: u64,
}

#[derive(Default)]
struct Replay {
    seen: Picture,
    switch: Option<(Position, i64)>,
    period: usize,
    leaves: Vec<Option<usize>>,
    /// Every call since it closed, and whether it failed.
    calls: Vec<(i64, bool)>,
    totals: Totals,
}

impl Reference {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { policy, acts: Vec::new() }
    }

    pub(crate) fn act(&mut self, at: i64, act: Act) -> Reply {
        self.acts.push((at, act));
        self.replay().1
    }

    pub(crate) fn picture(&self) -> (Picture, Totals) {
        let (Replay { seen, totals, .. }, _) = self.replay();
        (seen, totals)
    }

    fn replay(&self) -> (Replay, Reply) {
        let mut replay = Replay::default();
        let replies: Vec<_> = self.acts.iter().map(|(at, act)| replay.step(&self.policy, *at, *act)).collect();
        (replay, replies.last().copied().unwrap_or(Reply::Kept))
    }
}

impl Replay {
    fn step(&mut self, policy: &Policy, at: i64, act: Act) -> Reply {
        let switched = self.switch.filter(|(_, until)| at < *until).map(|(position, _)| position);
        match act {
            Act::Ask => self.ask(policy, at, switched),
            Act::Report(leave, end) => {
                let leave = leave.map(|n| self.leaves[n]);
                let in_time = self.seen.since.is_none() || self.seen.lease.is_some_and(|until| at < until);
                if leave == Some(None) || switched.is_some() {
                    self.count(end, Reply::Aside)
                } else if leave == Some(Some(self.period)) && in_time {
                    self.apply(policy, at, end)
                } else {
                    self.totals.late += 1;
                    Reply::Late
                }
            }
            Act::Record(end) => {
                let free = match (self.seen.since, self.seen.probing, self.seen.lease) {
                    (None, ..) => true,
                    (Some(_), false, _) => self.seen.due.is_some_and(|due| due <= at),
                    (Some(_), true, lease) => lease.is_none_or(|until| until <= at),
                };
                if free && switched.is_none() { self.apply(policy, at, end) } else { self.count(end, Reply::Aside) }
            }
            Act::Switch(switch) => {
                self.switch = switch;
                Reply::Done
            }
            Act::Reset => {
                self.close();
                Reply::Done
            }
            Act::ProbeNow => {
                self.give_up_lost(policy, at);
                if self.seen.since.is_none() || self.seen.probing {
                    return Reply::Kept;
                }
                self.seen.due = Some(self.seen.due.map_or(at, |due| due.min(at)));
                Reply::Done
            }
        }
    }

    fn ask(&mut self, policy: &Policy, at: i64, switched: Option<Position>) -> Reply {
        match switched {
            Some(Position::On) => return self.leave(None, Reply::Run),
            Some(Position::Off) => {
                self.totals.skipped += 1;
                return Reply::Skip;
            }
            None if self.seen.since.is_none() => return self.leave(Some(self.period), Reply::Run),
            None => self.give_up_lost(policy, at),
        }
        let due = self.seen.due.is_some_and(|due| due <= at);
        if (self.seen.probing && self.seen.lease.is_none()) || (!self.seen.probing && due) {
            if !self.seen.probing {
                self.seen.good_probes = 0;
            }
            (self.seen.probing, self.seen.due) = (true, None);
            self.seen.lease = Some(at + millis(policy.lease()));
            self.period += 1;
            return self.leave(Some(self.period), Reply::Probe);
        }
        self.seen.skips += 1;
        if policy.mode() == Mode::Observe {
            return self.leave(None, Reply::Run);
        }
        self.totals.skipped += 1;
        Reply::Skip
    }

    fn leave(&mut self, period: Option<usize>, reply: Reply) -> Reply {
        self.leaves.push(period);
        reply
    }

    fn give_up_lost(&mut self, policy: &Policy, at: i64) {
        if let Some(until) = self.seen.lease.filter(|until| *until <= at) {
            self.open_again(policy, until);
        }
    }

    fn open_again(&mut self, policy: &Policy, from: i64) {
        self.period += 1;
        let trips = self.seen.trips + 1;
        let due = policy.cool_down().map(|first| {
            let grown = (1..trips).fold(millis(first), |length, _| length * 2);
            from + grown.min(millis(policy.cool_down_max()))
        });
        self.seen = Picture { trips, due, since: self.seen.since, skips: self.seen.skips, ..Picture::default() };
    }

    fn close(&mut self) {
        self.period += 1;
        self.calls.clear();
        self.seen = Picture::default();
    }

    /// Failures and calls within a rate's time. Time goes in tenths, counted from the first call after a pause as
    /// long as all ten.
    fn recent(&self, rate: FailureRate) -> (u32, u32) {
        let tenth = millis(rate.within) / 10;
        let (mut begun, mut last, mut kept) = (0, i64::MIN, Vec::new());
        for (at, failed) in &self.calls {
            if (at - begun) / tenth >= last.saturating_add(10) {
                (begun, kept) = (*at, Vec::new());
            }
            last = (at - begun) / tenth;
            kept.push((last, *failed));
        }
        kept.retain(|(n, _)| *n > last - 10);
        let count = |all: bool| u32::try_from(kept.iter().filter(|(_, failed)| all || *failed).count()).unwrap();
        (count(false), count(true))
    }

    fn count(&mut self, end: End, reply: Reply) -> Reply {
        match end {
            End::Good => self.totals.success += 1,
            End::Bad | End::NotFound => self.totals.failure += 1,
            End::TimedOut => self.totals.timeout += 1,
            End::Silent => self.totals.ignored += 1,
        }
        reply
    }

    fn apply(&mut self, policy: &Policy, at: i64, end: End) -> Reply {
        self.count(end, Reply::Counted);
        if self.seen.since.is_none() {
            if end != End::Silent {
                self.calls.push((at, end.is_failure()));
                self.seen.recent = policy.rate().map(|rate| self.recent(rate));
            }
            match end {
                End::Good => self.seen.row = 0,
                End::Silent => {}
                End::Bad | End::TimedOut | End::NotFound => {
                    self.seen.row += 1;
                    let met = match (policy.trip(), self.seen.recent) {
                        (TripRule::TripAfter(failures), _) => self.seen.row >= failures,
                        (TripRule::Rate(rate), Some((failures, calls))) => {
                            calls >= rate.of && f64::from(failures) >= rate.failures * f64::from(calls)
                        }
                        (TripRule::Rate(_), None) => false,
                    };
                    if end == End::NotFound || met {
                        self.calls.clear();
                        self.seen.since = Some(at);
                        self.open_again(policy, at);
                    }
                }
            }
            return Reply::Counted;
        }
        self.period += 1;
        let silent = self.seen.silent_probes + 1;
        if end.is_failure() || (end == End::Silent && silent == 3) {
            self.open_again(policy, at);
        } else if end == End::Silent {
            let Picture { since, trips, skips, .. } = self.seen;
            self.seen = Picture { since, trips, skips, due: Some(at), silent_probes: silent, ..Picture::default() };
        } else if self.seen.good_probes + 1 == policy.probes().get() {
            self.close();
        } else {
            self.seen.good_probes += 1;
            (self.seen.probing, self.seen.due, self.seen.lease, self.seen.silent_probes) = (true, None, None, 0);
        }
        Reply::Counted
    }
}

/// The same picture of a real record.
pub(crate) fn picture_of(record: &Record) -> Picture {
    match &record.state {
        State::Closed { failures, window } => {
            let recent = window.map(|window| (window.sample().failures, window.sample().calls));
            Picture { row: *failures, recent, ..Picture::default() }
        }
        State::Open { outage, until } => Picture {
            since: Some(outage.since.0),
            trips: outage.trips,
            due: until.map(|until| until.0),
            silent_probes: outage.ignored,
            skips: outage.skips,
            ..Picture::default()
        },
        State::HalfOpen { outage, successes, lease } => Picture {
            since: Some(outage.since.0),
            trips: outage.trips,
            probing: true,
            lease: lease.as_ref().map(|lease| lease.until.0),
            good_probes: *successes,
            silent_probes: outage.ignored,
            skips: outage.skips,
            ..Picture::default()
        },
    }
}

pub(crate) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}
