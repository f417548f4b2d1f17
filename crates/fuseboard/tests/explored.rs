//! Every life of a circuit that a few events can make, explored to its end: not a sample but all of them, with two calls
//! under way, reports that are lost, repeated or late, holders that die, a store that is wiped, and an operator.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use fuseboard::clock::Moment;
use fuseboard::decision::{Admission, Ask, Chance, Counted, Now, Ticket};
use fuseboard::record::{Epoch, Holder, Position, Record, State, Switch, Totals};
use fuseboard::{Failure, FailureKind, Outcome, Policy, state};

const AT: Moment = Moment(1_000_000);
const COOL_DOWN: Duration = Duration::from_secs(60);
const LEASE: Duration = Duration::from_secs(100);

/// A circuit and the calls that it let run and that have not ended yet, by the epochs of their tickets. It is always the
/// same moment: time that passes moves the record's moments back instead.
#[derive(Clone, Debug, Default)]
struct World {
    record: Record,
    under_way: Vec<Epoch>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Ask {
        holder_dead: bool,
    },
    /// The n-th call under way reports; `again` leaves it under way, so that it may report once more.
    Report {
        call: usize,
        end: End,
        again: bool,
    },
    /// The n-th call under way is never heard of again.
    Lose(usize),
    Record(End),
    Pass(Duration),
    Switch(Option<Position>),
    Probe,
    Reset,
    Wipe,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Good,
    Bad,
    Silent,
}

impl End {
    const ALL: [Self; 3] = [Self::Good, Self::Bad, Self::Silent];

    fn outcome(self) -> Outcome {
        match self {
            Self::Good => Outcome::Success,
            Self::Bad => Outcome::Failure(Failure::new(FailureKind::Error, "it broke")),
            Self::Silent => Outcome::Ignored,
        }
    }
}

fn events(world: &World) -> Vec<Event> {
    let mut all = vec![Event::Ask { holder_dead: false }, Event::Ask { holder_dead: true }];
    for call in 0..world.under_way.len() {
        all.push(Event::Lose(call));
        for end in End::ALL {
            all.extend([false, true].map(|again| Event::Report { call, end, again }));
        }
    }
    all.extend(End::ALL.map(Event::Record));
    all.extend([COOL_DOWN / 2, COOL_DOWN, LEASE].map(Event::Pass));
    all.extend([None, Some(Position::Off), Some(Position::On)].map(Event::Switch));
    all.extend([Event::Probe, Event::Reset, Event::Wipe]);
    all
}

fn now(world: &World, holder_dead: bool) -> Now {
    // Some epoch that neither the record nor a call has.
    let fresh = (1..=4).map(Epoch).find(|epoch| *epoch != world.record.epoch && !world.under_way.contains(epoch));
    Now {
        at: AT,
        chance: Chance::Given(fresh.unwrap(), 0.5),
        holder_dead: holder_dead && world.record.lease().is_some(),
    }
}

fn holder() -> Holder {
    Holder { pid: 1, started: 1, boot: "boot".into(), namespace: 1 }
}

fn is_closed(record: &Record) -> bool {
    matches!(record.state, State::Closed { .. })
}

/// The world after an event; `None` where it means nothing. What must hold of each single step is checked here.
fn step(world: &World, policy: &Policy, event: Event) -> Option<World> {
    let mut next = world.clone();
    let before = &world.record;
    let at = now(world, false);
    match event {
        Event::Ask { holder_dead } => {
            let at = now(world, holder_dead);
            let ask = Ask { holder, lease: LEASE, fingerprint: None };
            let decided = state::admit(before, policy, &ask, &at);
            if let Admission::Run(ticket) = decided.answer {
                if let Ticket::Probe { .. } = ticket {
                    let out = before.lease().is_some_and(|lease| lease.is_live(AT, at.holder_dead));
                    assert!(!out, "a second probe beside one that is out: {world:?}");
                }
                next.under_way.extend(ticket.epoch());
                if next.under_way.len() > 2 {
                    return None;
                }
            }
            next.record = decided.next.unwrap_or_else(|| before.clone());
        }
        Event::Report { call, end, again } => {
            let epoch = world.under_way[call];
            if !again {
                next.under_way.remove(call);
            }
            let decided = state::report(before, policy, Some(epoch), &end.outcome(), Duration::ZERO, &at);
            next.record = decided.next.unwrap();
            if is_closed(&next.record) && !is_closed(before) {
                assert!(epoch == before.epoch && end == End::Good, "{event:?} closed {world:?}");
            }
            if decided.answer != Counted::Counted {
                assert_eq!(next.record.state, before.state, "a late report moved {world:?}");
            }
        }
        Event::Lose(call) => drop(next.under_way.remove(call)),
        Event::Record(end) => {
            next.record = state::record(before, policy, &end.outcome(), Duration::ZERO, &at).next.unwrap();
        }
        Event::Pass(time) => next.record = older(before, time),
        Event::Switch(position) => {
            let switch = position.map(|position| {
                let (by, reason) = ("ada".into(), "a test".into());
                Switch { position, by, reason, since: AT, until: None, skips: 0 }
            });
            next.record = state::switch(before, switch, "a test").next.unwrap();
            assert_eq!(next.record.state, before.state, "a switch froze the state and changed it");
        }
        Event::Probe => next.record = state::probe_now(before, policy, &at).next.unwrap_or_else(|| before.clone()),
        Event::Reset => next.record = state::reset(before, &at).next.unwrap(),
        Event::Wipe => next.record = Record::default(),
    }
    Some(alike(next))
}

/// The same record when so much time has passed.
fn older(record: &Record, time: Duration) -> Record {
    let back = |moment: Moment| Moment(moment.0 - i64::try_from(time.as_millis()).unwrap());
    let mut record = record.clone();
    match &mut record.state {
        State::Closed { .. } => {}
        State::Open { until, .. } => *until = until.map(back),
        State::HalfOpen { lease, .. } => {
            if let Some(lease) = lease {
                lease.until = back(lease.until);
            }
        }
    }
    record
}

/// Worlds that can only go on alike are made the same: what is over is over, whenever it was; counts that decide nothing are
/// zero; epochs are called by small numbers.
fn alike(mut world: World) -> World {
    let record = &mut world.record;
    (record.totals, record.last_failure) = (Totals::default(), None);
    if let Some(switch) = &mut record.switch {
        switch.skips = 0;
    }
    let since_when = |outage: &mut fuseboard::record::Outage| {
        (outage.since, outage.skips, outage.cost) = (AT, 0, Duration::ZERO);
        (outage.trips, outage.failures) = (outage.trips.min(2), outage.failures.min(2));
    };
    match &mut record.state {
        State::Closed { .. } => {}
        State::Open { outage, until } => {
            since_when(outage);
            *until = until.map(|until| until.max(AT));
        }
        State::HalfOpen { outage, lease, .. } => {
            since_when(outage);
            if let Some(lease) = lease {
                lease.until = lease.until.max(AT);
            }
        }
    }
    let mut known = vec![record.epoch];
    world.under_way.iter().for_each(|epoch| {
        if !known.contains(epoch) {
            known.push(*epoch);
        }
    });
    let called = |epoch: Epoch| Epoch(known.iter().position(|each| *each == epoch).unwrap() as u128);
    (record.epoch, world.under_way) =
        (called(record.epoch), world.under_way.iter().map(|epoch| called(*epoch)).collect());
    world
}

/// With the work well again, an operator's hands off it, and nobody who is under way ever heard of: does it close?
fn heals(world: &World, policy: &Policy) -> bool {
    let mut world = World { under_way: Vec::new(), ..world.clone() };
    world.record.switch = None;
    for _ in 0..2 * policy.probes().get() + 2 {
        if is_closed(&world.record) {
            return true;
        }
        if policy.cool_down().is_none() {
            world = step(&world, policy, Event::Probe).unwrap();
        }
        world = step(&world, policy, Event::Pass(LEASE + COOL_DOWN)).unwrap();
        world = step(&world, policy, Event::Ask { holder_dead: false }).unwrap();
        if !world.under_way.is_empty() {
            world = step(&world, policy, Event::Report { call: 0, end: End::Good, again: false }).unwrap();
        }
    }
    is_closed(&world.record)
}

/// Goes through all that can be reached, and says how many worlds that are and in how many of them it is half-open.
fn explore(policy: &Policy) -> (usize, usize) {
    let (mut seen, mut queue, mut half_open) = (HashSet::new(), VecDeque::new(), 0);
    let first = alike(World::default());
    seen.insert(format!("{first:?}"));
    queue.push_back(first);
    while let Some(world) = queue.pop_front() {
        assert!(heals(&world, policy), "it never closes again: {world:?}");
        half_open += usize::from(matches!(world.record.state, State::HalfOpen { .. }));
        for event in events(&world) {
            if let Some(next) = step(&world, policy, event)
                && seen.insert(format!("{next:?}"))
            {
                queue.push_back(next);
            }
        }
    }
    (seen.len(), half_open)
}

#[test]
fn from_wherever_it_can_come_to_it_closes_again_and_no_step_breaks_a_rule() {
    let policy = || Policy::builder().cool_down(COOL_DOWN).cool_down_factor(1.0).jitter(0.0).lease(LEASE);
    for builder in [policy(), policy().probes(2), policy().trip_after(3).cool_down_never()] {
        let policy = builder.build().unwrap();
        let (worlds, half_open) = explore(&policy);
        println!("{worlds} worlds, half-open in {half_open} of them");
        assert!(
            worlds > 500 && half_open > 100,
            "{worlds} worlds, half-open in {half_open}: too few to prove anything"
        );
    }
}
