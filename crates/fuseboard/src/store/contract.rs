//! What every store owes its callers, as a suite that runs on any implementation.
//!
//! ```
//! use fuseboard::store::{MemoryStore, contract};
//!
//! contract::check(|| Box::new(MemoryStore::new()));
//! ```

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{Deferred, Loaded, Store, StoreTrouble, Swap, Version};
use crate::clock::Moment;
use crate::event::{Event, EventKind, OutcomeRow, Row};
use crate::name::CircuitName;
use crate::outcome::{Failure, FailureKind, Fingerprint, MAX_MESSAGE, Outcome};
use crate::policy::Policy;
use crate::record::{
    Epoch, Holder, LastFailure, Lease, Outage, Position, Record, Sample, State, Switch, Totals, Window,
};

/// One clause of the contract: a fact, and the check that shows it on a fresh store.
pub type Clause = (&'static str, fn(&dyn Store));

/// The contract, clause by clause, for harnesses that report each by its name.
pub const CLAUSES: &[Clause] = &[
    ("a circuit that was never stored has the default record and no version", absent_is_default),
    ("looking stores nothing", looking_stores_nothing),
    ("what was swapped in is loaded, with its version", a_swap_is_loaded),
    ("a swap with another version stores nothing and gives what is there", a_stale_swap_conflicts),
    ("a swap that expects a record where there is none conflicts", a_swap_of_nothing_conflicts),
    ("rows do not change what a swap does", rows_do_not_matter_to_records),
    ("versions of a record never repeat", versions_never_repeat),
    ("circuits do not touch each other", names_are_independent),
    ("the list is complete and sorted by name", the_list_is_sorted),
    ("every record comes back as it was stored", records_come_back),
    ("the store's clock never goes back", now_never_goes_back),
    ("of eight threads that count, none loses a count", no_update_is_lost),
    ("of a crowd that swaps the same version, one succeeds", one_of_a_crowd_succeeds),
    ("deferred reports are given until they are done", deferred_reports_are_kept),
];

/// Checks every clause, each on a store of its own from `fresh`.
///
/// # Panics
/// A clause that the store breaks panics, with what it saw; the clause's fact is printed before.
pub fn check(fresh: impl Fn() -> Box<dyn Store>) {
    for (fact, clause) in CLAUSES {
        println!("{fact}");
        clause(&*fresh());
    }
}

/// Records in every state, with and without every part, and with the largest and smallest values.
pub fn records() -> Vec<Record> {
    let outage = Outage {
        since: Moment(1_000),
        failures: 2,
        sample: None,
        trips: 3,
        ignored: 1,
        skips: 40,
        cost: Duration::from_micros(1_234_567),
    };
    let extreme = Outage {
        since: Moment(i64::MIN),
        failures: u32::MAX,
        sample: Some(Sample { failures: u32::MAX, calls: u32::MAX, within: Duration::MAX }),
        trips: u32::MAX,
        ignored: u32::MAX,
        skips: u64::MAX,
        cost: Duration::MAX,
    };
    let holder = Holder { pid: 4321, started: 987_654, boot: Arc::from("3a9c-boot"), namespace: 4_026_531_836 };
    let greedy = Holder { pid: u32::MAX, started: u64::MAX, boot: Arc::from(""), namespace: u64::MAX };
    let fingerprint = Some(Fingerprint { subject: "/bin/work".into(), stamp: "1:2:x".into(), startable: false });
    let lease = Lease { until: Moment(9_000), holder, fingerprint };
    let endless = Lease { until: Moment(i64::MAX), holder: greedy, fingerprint: None };
    let states = [
        State::Closed { failures: 0, window: None },
        State::Closed { failures: u32::MAX, window: None },
        State::Closed { failures: 1, window: Some(calls(2_000)) },
        State::Closed { failures: 0, window: Some(calls(i64::MAX)) },
        State::Open { outage, until: None },
        State::Open { outage, until: Some(Moment(5_000)) },
        State::Open { outage: extreme, until: Some(Moment(i64::MAX)) },
        State::HalfOpen { outage, successes: 2, lease: None },
        State::HalfOpen { outage, successes: 0, lease: Some(lease) },
        State::HalfOpen { outage: extreme, successes: u32::MAX, lease: Some(endless) },
    ];
    let of_state = |(number, state)| Record { state, epoch: Epoch(number), ..Record::default() };
    (1_u128..).zip(states).map(of_state).chain([adorned(), with_the_longest_texts()]).collect()
}

/// A record with every optional part.
fn adorned() -> Record {
    let fingerprint = Fingerprint { subject: "/usr/bin/cc".into(), stamp: "812 17000 9f".into(), startable: true };
    let failure = Failure::new(FailureKind::Exit, "exit code 1: \"no\" \u{1b}[31m\n").of(Some(fingerprint));
    Record {
        state: State::Closed { failures: 1, window: None },
        epoch: Epoch(u128::MAX),
        switch: Some(Switch {
            position: Position::Off,
            by: "ana".into(),
            reason: "the vendor is down".into(),
            since: Moment(-5),
            until: Some(Moment(7_200_000)),
            skips: 21,
        }),
        last_failure: Some(LastFailure { failure, at: Moment(4_000) }),
        totals: Totals {
            success: u64::MAX,
            failure: 1,
            timeout: 2,
            skipped: 3,
            ignored: 4,
            late: 5,
            saved_ms: u64::MAX,
        },
    }
}

fn with_the_longest_texts() -> Record {
    let failure = Failure::new(FailureKind::Lost, &"ä".repeat(MAX_MESSAGE));
    let switch = Switch {
        position: Position::On,
        by: "x".repeat(64).into(),
        reason: "\u{2028}\0".repeat(128).into(),
        since: Moment(i64::MIN),
        until: None,
        skips: u64::MAX,
    };
    Record {
        switch: Some(switch),
        last_failure: Some(LastFailure { failure, at: Moment(i64::MAX) }),
        ..Record::default()
    }
}

fn name(text: &str) -> CircuitName {
    CircuitName::new(text).expect("the suite's names are valid")
}

fn counted(failures: u32) -> Record {
    Record { state: State::Closed { failures, window: None }, ..Record::default() }
}

/// Two calls, of which the later one failed.
fn calls(at: i64) -> Window {
    let call = |window: Option<&Window>, outcome: &Outcome, at| {
        Window::after(window, Some(Duration::from_secs(10)), outcome, Moment(at)).expect("a window of 10 s")
    };
    let failure = Outcome::Failure(Failure::new(FailureKind::Error, "no"));
    call(Some(&call(None, &Outcome::Success, at - 3_000)), &failure, at)
}

fn load(store: &dyn Store, circuit: &CircuitName) -> Loaded {
    store.load(circuit).unwrap_or_else(|error| panic!("load {circuit}: {error}"))
}

fn try_swap(store: &dyn Store, circuit: &CircuitName, expected: Option<Version>, next: &Record) -> Swap {
    store.swap(circuit, expected, next, &[]).unwrap_or_else(|error| panic!("swap {circuit}: {error}"))
}

fn swap(store: &dyn Store, circuit: &CircuitName, expected: Option<Version>, next: &Record) -> Version {
    match try_swap(store, circuit, expected, next) {
        Swap::Done(version) => version,
        Swap::Conflict(there) => panic!("a swap of {circuit} that expected {expected:?} met {there:?}"),
    }
}

fn absent_is_default(store: &dyn Store) {
    let loaded = load(store, &name("never"));
    assert_eq!((loaded.record, loaded.version), (Record::default(), None));
}

fn looking_stores_nothing(store: &dyn Store) {
    load(store, &name("never"));
    assert_eq!(store.list().expect("list").len(), 0);
}

fn a_swap_is_loaded(store: &dyn Store) {
    let circuit = name("a");
    let first = swap(store, &circuit, None, &counted(1));
    let loaded = load(store, &circuit);
    assert_eq!((loaded.record, loaded.version), (counted(1), Some(first)));
    let second = swap(store, &circuit, Some(first), &counted(2));
    let loaded = load(store, &circuit);
    assert_eq!((loaded.record, loaded.version), (counted(2), Some(second)));
}

fn a_stale_swap_conflicts(store: &dyn Store) {
    let circuit = name("a");
    let first = swap(store, &circuit, None, &counted(1));
    let second = swap(store, &circuit, Some(first), &counted(2));
    for stale in [None, Some(first), Some(Version(second.0.wrapping_add(1)))] {
        let Swap::Conflict(there) = try_swap(store, &circuit, stale, &counted(9)) else {
            panic!("a swap that expected {stale:?} was stored over {second:?}");
        };
        assert_eq!((there.record, there.version), (counted(2), Some(second)));
    }
    assert_eq!(load(store, &circuit).version, Some(second));
}

fn a_swap_of_nothing_conflicts(store: &dyn Store) {
    let circuit = name("a");
    let Swap::Conflict(there) = try_swap(store, &circuit, Some(Version(1)), &counted(9)) else {
        panic!("a swap that expected a record made one");
    };
    assert_eq!((there.record, there.version), (Record::default(), None));
    assert_eq!(load(store, &circuit).version, None);
}

fn rows_do_not_matter_to_records(store: &dyn Store) {
    let circuit = name("app/a");
    let at = load(store, &circuit).now;
    let event = |kind| {
        Row::Event(Event {
            at,
            circuit: Some(circuit.clone()),
            kind,
            cause: Some("x".repeat(10_000).into()),
            failures: Some(u32::MAX),
            sample: None,
            probe_at: Some(Moment(i64::MAX)),
            by: Some("ana".into()),
            run: None,
        })
    };
    let outcome = Row::Outcome(OutcomeRow {
        at: Moment(i64::MIN),
        circuit: circuit.clone(),
        outcome: "failure",
        failure: Some(FailureKind::Timeout),
        duration: Duration::MAX,
        run: Some("0198".into()),
    });
    let rows: Vec<Row> = EventKind::ALL.into_iter().map(event).chain([outcome]).collect();
    let Ok(Swap::Done(version)) = store.swap(&circuit, None, &counted(1), &rows) else {
        panic!("a swap with rows was not stored");
    };
    let again = store.swap(&circuit, None, &counted(2), &rows);
    assert!(matches!(again, Ok(Swap::Conflict(_))), "a stale swap with rows came to {again:?}");
    let loaded = load(store, &circuit);
    assert_eq!((loaded.record, loaded.version), (counted(1), Some(version)));
}

fn versions_never_repeat(store: &dyn Store) {
    let circuit = name("a");
    let mut versions = vec![swap(store, &circuit, None, &counted(0))];
    for _ in 0..50 {
        // The same record again is another state all the same.
        let next = swap(store, &circuit, versions.last().copied(), &counted(0));
        assert!(!versions.contains(&next), "{next:?} came twice");
        versions.push(next);
    }
}

fn names_are_independent(store: &dyn Store) {
    let names = ["a", "a/a", "a.b", "a_b", "a-b", "ab", "0"].map(name);
    for (number, circuit) in (0..).zip(&names) {
        swap(store, circuit, None, &counted(number));
    }
    for (number, circuit) in (0..).zip(&names) {
        assert_eq!(load(store, circuit).record, counted(number), "{circuit}");
    }
}

fn the_list_is_sorted(store: &dyn Store) {
    let longest = format!("{0}/{0}", "z".repeat(64));
    let mut names = ["b", "a/b", "a", "a-b", "b/a", "0", &longest].map(name);
    for circuit in &names {
        swap(store, circuit, None, &counted(7));
    }
    names.sort();
    let listed = store.list().expect("list");
    assert_eq!(listed.iter().map(|(circuit, _)| circuit.clone()).collect::<Vec<_>>(), names);
    for (circuit, loaded) in listed {
        let loaded = loaded.unwrap_or_else(|error| panic!("list: {circuit}: {error}"));
        assert_eq!((loaded.record, loaded.version), (counted(7), load(store, &circuit).version));
    }
}

fn records_come_back(store: &dyn Store) {
    for (number, record) in records().into_iter().enumerate() {
        let circuit = name(&format!("c{number}"));
        swap(store, &circuit, None, &record);
        assert_eq!(load(store, &circuit).record, record);
        let listed = store.list().expect("list").into_iter().find(|(listed, _)| *listed == circuit);
        assert_eq!(listed.and_then(|(_, loaded)| loaded.ok()).map(|loaded| loaded.record), Some(record));
    }
}

fn now_never_goes_back(store: &dyn Store) {
    let circuit = name("a");
    let mut before = load(store, &circuit).now;
    let mut version = None;
    for number in 0..50 {
        version = Some(swap(store, &circuit, version, &counted(number)));
        let now = load(store, &circuit).now;
        assert!(now >= before, "{now:?} came after {before:?}");
        before = now;
    }
}

fn no_update_is_lost(store: &dyn Store) {
    const THREADS: u32 = 8;
    const EACH: u32 = 200;
    let circuit = name("counter");
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..EACH).for_each(|_| count_up(store, &circuit)));
        }
    });
    assert_eq!(load(store, &circuit).record, counted(THREADS * EACH));
}

/// Adds one failure, trying again for as long as others are faster.
fn count_up(store: &dyn Store, circuit: &CircuitName) {
    let mut there = load(store, circuit);
    loop {
        let State::Closed { failures, .. } = there.record.state else { panic!("{circuit} is not closed: {there:?}") };
        there = match store.swap(circuit, there.version, &counted(failures + 1), &[]) {
            Ok(Swap::Done(_)) => return,
            Ok(Swap::Conflict(now)) => *now,
            Err(error) if error.trouble == StoreTrouble::Busy => load(store, circuit),
            Err(error) => panic!("swap {circuit}: {error}"),
        };
    }
}

fn one_of_a_crowd_succeeds(store: &dyn Store) {
    let circuit = name("crowded");
    let version = swap(store, &circuit, None, &counted(0));
    let attempt = || matches!(try_swap(store, &circuit, Some(version), &counted(1)), Swap::Done(_));
    let winners = thread::scope(|scope| {
        let crowd: Vec<_> = (0..16).map(|_| scope.spawn(attempt)).collect();
        crowd.into_iter().map(|one| one.join().expect("an attempt does not panic")).filter(|won| *won).count()
    });
    assert_eq!(winners, 1);
}

fn deferred_reports_are_kept(store: &dyn Store) {
    let report = |number: i64| Deferred {
        circuit: "app/a".to_owned(),
        epoch: Some(Epoch(u128::MAX)),
        unpermitted: false,
        outcome: Outcome::Failure(Failure::new(FailureKind::Signal, "killed\nby 9")),
        duration: Duration::from_nanos(1_500_000_001),
        policy: Policy::default(),
        wall_ms: number,
        run: Some("0198".to_owned()),
    };
    let reports = [report(i64::MIN), report(0), report(i64::MAX)];
    for report in &reports {
        if store.defer(report).is_err() {
            // A store need not keep any, but must say so each time.
            assert_eq!(store.take_deferred().expect("take").reports, []);
            return;
        }
    }
    assert_eq!(store.deferred().expect("look"), reports);
    let taken = store.take_deferred().expect("take");
    assert_eq!((taken.reports.as_slice(), taken.unreadable), (reports.as_slice(), 0));
    assert_eq!(store.take_deferred().expect("take").reports, [], "two callers hold the same reports");
    drop(taken);
    let taken = store.take_deferred().expect("take");
    assert_eq!(taken.reports, reports, "what nobody said was done is gone");
    store.defer(&reports[0]).expect("defer");
    taken.done().expect("done");
    let late = store.take_deferred().expect("take");
    assert_eq!(late.reports, [reports[0].clone()], "a report that came meanwhile");
    late.done().expect("done");
    assert_eq!(store.take_deferred().expect("take").reports, []);
}
