//! Random lives of a circuit, compared step by step with a second, naive model of it; and what must hold in
//! each of them.

mod reference;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fuseboard::clock::Moment;
use fuseboard::decision::{Admission, Ask, Chance, Change, Counted, Now, Step, Ticket};
use fuseboard::event::EventKind;
use fuseboard::record::{Epoch, Holder, Position, Record, State, Switch, Totals};
use fuseboard::{Failure, FailureKind, FailureRate, Mode, Outcome, Policy, TripRule, state};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

use reference::{Act, End, Reference, Reply, millis, picture_of};

const CASES: u32 = 512;
const LEASE: Duration = Duration::from_secs(3);
const COOL_DOWN_MAX: Duration = Duration::from_secs(8);

/// One thing that happens to a circuit.
#[derive(Clone, Debug)]
enum Happening {
    Ask,
    /// One of all leaves ever given is used, for the first time or again.
    Report(Index, End),
    /// The leave given last is used.
    ReportLast(End),
    ReportForeign(End),
    Record(End),
    Wait(i64),
    Switch(Option<(Position, i64)>),
    Reset,
    ProbeNow,
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![6 => Just(End::Good), 6 => Just(End::Bad), 1 => Just(End::TimedOut), 1 => Just(End::NotFound), 2 => Just(End::Silent)]
}

fn happenings() -> impl Strategy<Value = Happening> {
    let switch =
        prop_oneof![Just(None), (prop_oneof![Just(Position::Off), Just(Position::On)], 1..4000_i64).prop_map(Some)];
    prop_oneof![
        10 => Just(Happening::Ask),
        4 => (any::<Index>(), ends()).prop_map(|(which, end)| Happening::Report(which, end)),
        12 => ends().prop_map(Happening::ReportLast),
        1 => ends().prop_map(Happening::ReportForeign),
        2 => ends().prop_map(Happening::Record),
        8 => prop_oneof![1..100_i64, 900..4000_i64].prop_map(Happening::Wait),
        1 => switch.prop_map(Happening::Switch),
        1 => Just(Happening::ProbeNow),
        1 => prop_oneof![7 => Just(Happening::Ask), 3 => Just(Happening::Reset)],
    ]
}

fn trip_rules() -> impl Strategy<Value = TripRule> {
    // Shares that are exact in binary, so that the naive model may multiply.
    let share = prop_oneof![Just(0.25), Just(0.5), Just(0.75), Just(1.0)];
    let within = prop_oneof![Just(Duration::from_secs(1)), Just(Duration::from_millis(7_770))];
    let rate = (share, 1..6_u32, within).prop_map(|(failures, of, within)| FailureRate { failures, of, within });
    prop_oneof![(1..4_u32).prop_map(TripRule::TripAfter), rate.prop_map(TripRule::Rate)]
}

prop_compose! {
    fn policies()(trip in trip_rules(), probes in 1..4_u32, never in prop::bool::weighted(0.1), observe in prop::bool::weighted(0.1)) -> Policy {
        let policy = Policy::builder().jitter(0.0).trip(trip).probes(probes).lease(LEASE).cool_down_max(COOL_DOWN_MAX);
        let policy = if never { policy.cool_down_never() } else { policy.cool_down(Duration::from_secs(1)) };
        policy.mode(if observe { Mode::Observe } else { Mode::Enforce }).build().unwrap()
    }
}

/// What a life went through.
type Reached = BTreeSet<&'static str>;

/// The real state machine, driven by hand.
struct Real {
    policy: Policy,
    record: Record,
    at: i64,
    epochs: u128,
    /// The epoch of every call that was admitted.
    leaves: Vec<Option<Epoch>>,
    /// The probe that is out, and until when.
    out: Option<(Epoch, i64)>,
    /// Skips, reports and outcomes without a permit.
    calls: u64,
    reached: Reached,
}

impl Real {
    fn new(policy: Policy) -> Self {
        let (record, reached) = (Record::default(), Reached::default());
        Self { policy, record, at: 0, epochs: 0, leaves: Vec::new(), out: None, calls: 0, reached }
    }

    fn now(&mut self) -> Now {
        self.epochs += 1;
        Now { at: Moment(self.at), chance: Chance::Given(Epoch(self.epochs), 0.5), holder_dead: false }
    }

    fn ask() -> Ask {
        let holder = || Holder { pid: 1, started: 1, boot: "boot".into(), namespace: 0 };
        Ask { holder, lease: LEASE, fingerprint: None }
    }

    fn act(&mut self, act: Act) -> Reply {
        let now = self.now();
        match act {
            Act::Ask => {
                let step = state::admit(&self.record, &self.policy, &Self::ask(), &now);
                match self.take(step) {
                    Admission::Skip(_) => {
                        self.calls += 1;
                        Reply::Skip
                    }
                    Admission::Run(ticket) => {
                        self.leaves.push(ticket.epoch());
                        if let Ticket::Probe { epoch, .. } = ticket {
                            assert!(self.out.is_none_or(|(_, until)| until <= self.at), "two probes are out");
                            self.out = Some((epoch, self.at + millis(LEASE)));
                            return Reply::Probe;
                        }
                        Reply::Run
                    }
                }
            }
            Act::Report(leave, end) => {
                let epoch = leave.map_or(Some(Epoch(u128::MAX)), |n| self.leaves[n]);
                let before = self.record.clone();
                let step = state::report(&self.record, &self.policy, epoch, &outcome(end), Duration::ZERO, &now);
                let counted = self.take(step);
                self.calls += 1;
                match (&before.state, counted == Counted::Counted) {
                    (State::Open { .. }, counted) => {
                        assert!(!counted);
                        assert_eq!(self.record.state, before.state, "a report moved an open circuit");
                    }
                    (State::HalfOpen { .. }, true) => {
                        assert_eq!(epoch, Some(before.epoch), "a half-open circuit was moved by a foreign report");
                        self.out = None;
                    }
                    (State::HalfOpen { .. }, false) => assert_eq!(self.record.state, before.state),
                    (State::Closed { .. }, _) => {}
                }
                reply(counted)
            }
            Act::Record(end) => {
                let step = state::record(&self.record, &self.policy, &outcome(end), Duration::ZERO, &now);
                self.calls += 1;
                let counted = self.take(step);
                if counted == Counted::Counted {
                    assert!(self.out.is_none_or(|(_, until)| until <= self.at), "a probe is out: that one decides");
                }
                reply(counted)
            }
            Act::Switch(switch) => {
                let switch = switch.map(|(position, until)| {
                    let (since, until) = (Moment(self.at), Some(Moment(until)));
                    Switch { position, by: "op".into(), reason: "why".into(), since, until, skips: 0 }
                });
                let step = state::switch(&self.record, switch, "why");
                self.take(step);
                Reply::Done
            }
            Act::Reset => {
                let step = state::reset(&self.record, &now);
                self.take(step);
                self.out = None;
                Reply::Done
            }
            Act::ProbeNow => {
                let step = state::probe_now(&self.record, &self.policy, &now);
                if self.take(step) { Reply::Done } else { Reply::Kept }
            }
        }
    }

    fn take<T>(&mut self, step: Step<T>) -> T {
        let Step { next, changes, answer } = step;
        assert!(changes.len() <= 2 && (changes.is_empty() || next.is_some()), "what is told is stored");
        let told = |kind| changes.iter().any(|change: &Change| change.kind == kind);
        self.record = next.unwrap_or_else(|| self.record.clone());
        let state = match self.record.state {
            State::Closed { .. } => "closed",
            State::Open { .. } => "open",
            State::HalfOpen { .. } => "half-open",
        };
        self.reached.insert(state);
        self.reached.extend(changes.iter().any(|change| change.sample.is_some()).then_some("opened by a rate"));
        self.reached.extend(told(EventKind::Closed).then_some("closed after open"));
        self.reached.extend(told(EventKind::ProbeLost).then_some("a probe lost"));
        self.reached.extend((self.record.totals.late > 0).then_some("a late report"));
        answer
    }

    /// From here on everybody's work is healthy and no operator interferes: how long until it is closed?
    fn heals(&self) -> i64 {
        let mut real = Self { leaves: Vec::new(), record: self.record.clone(), ..Self::new(self.policy) };
        (real.at, real.epochs, real.out) = (self.at, self.epochs, self.out);
        real.act(Act::Switch(None));
        if self.policy.cool_down().is_none() {
            // Never is never; but an operator's probe is enough, once no other probe is out.
            real.at += millis(LEASE);
            real.act(Act::ProbeNow);
        }
        while !matches!(real.record.state, State::Closed { .. }) && real.at < self.at + 60_000 {
            if real.act(Act::Ask) == Reply::Probe {
                real.act(Act::Report(Some(real.leaves.len() - 1), End::Good));
            } else {
                real.at += 100;
            }
        }
        real.at - self.at
    }
}

fn outcome(end: End) -> Outcome {
    let failure = |kind| Outcome::Failure(Failure::new(kind, "it broke"));
    match end {
        End::Good => Outcome::Success,
        End::Bad => failure(FailureKind::Error),
        End::TimedOut => failure(FailureKind::Timeout),
        End::NotFound => failure(FailureKind::Spawn),
        End::Silent => Outcome::Ignored,
    }
}

fn reply(counted: Counted) -> Reply {
    match counted {
        Counted::Counted => Reply::Counted,
        Counted::Late => Reply::Late,
        Counted::Aside => Reply::Aside,
    }
}

/// Lives one life, comparing at each step; tells what it went through.
fn live(policy: Policy, life: &[Happening]) -> Reached {
    let (mut real, mut reference) = (Real::new(policy), Reference::new(policy));
    for happening in life {
        let given = real.leaves.len();
        let act = match happening {
            Happening::Wait(time) => {
                real.at += time;
                continue;
            }
            Happening::Report(_, _) | Happening::ReportLast(_) if given == 0 => continue,
            Happening::Ask => Act::Ask,
            Happening::Report(which, end) => Act::Report(Some(which.index(given)), *end),
            Happening::ReportLast(end) => Act::Report(Some(given - 1), *end),
            Happening::ReportForeign(end) => Act::Report(None, *end),
            Happening::Record(end) => Act::Record(*end),
            Happening::Switch(switch) => Act::Switch(switch.map(|(position, time)| (position, real.at + time))),
            Happening::Reset => Act::Reset,
            Happening::ProbeNow => Act::ProbeNow,
        };
        let replied = real.act(act);
        assert_eq!(replied, reference.act(real.at, act), "{act:?}");
        let (picture, totals) = reference.picture();
        assert_eq!(picture_of(&real.record), picture, "after {act:?}");
        assert_eq!(Totals { saved_ms: 0, ..real.record.totals }, totals, "after {act:?}");
        let Totals { success, failure, timeout, skipped, ignored, late, saved_ms: _ } = totals;
        assert_eq!(success + failure + timeout + skipped + ignored + late, real.calls, "each call is in one total");
        // A lease, the cool-down after its loss, and the steps of 100 ms in which the test looks.
        let bound = millis(LEASE + COOL_DOWN_MAX) + 200;
        assert!(real.heals() <= bound, "it did not heal in {bound} ms: {:?}", real.record);
    }
    real.reached
}

#[test]
fn every_life_of_a_circuit_is_as_the_naive_model_says_and_most_lives_see_every_state() {
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let counts: RefCell<BTreeMap<&str, u32>> = RefCell::default();
    let lives = (policies(), prop::collection::vec(happenings(), 40..140));
    let result = runner.run(&lives, |(policy, life)| {
        for reached in live(policy, &life) {
            *counts.borrow_mut().entry(reached).or_default() += 1;
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let wanted = [
        ("open", 80),
        ("opened by a rate", 20),
        ("half-open", 75),
        ("closed after open", 18),
        ("a probe lost", 15),
        ("a late report", 80),
    ];
    for (name, at_least) in wanted {
        let share = counts.borrow().get(name).unwrap_or(&0) * 100 / CASES;
        println!("{share} % of {CASES} lives reached: {name}");
        assert!(share >= at_least, "only {share} % of the lives reached {name}: this test proves too little");
    }
}
