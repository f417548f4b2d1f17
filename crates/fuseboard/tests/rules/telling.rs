//! What is told and what can be asked: rules 10, 13, 15, and the operator's switch.

use std::sync::Arc;
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::decision::Counted;
use fuseboard::event::{EventKind, Notice, Progress};
use fuseboard::record::Position;
use fuseboard::store::{MemoryStore, Store};
use fuseboard::{Attempt, Board, Failure, Mode, Outcome, Shown, Verdict};

use crate::stage::{COOL_DOWN, LEASE, Stage, fail, policy, work};

// Rule 10

#[test]
fn every_transition_is_told_once_and_a_failure_that_trips_is_one_line() {
    let stage = Stage::new();
    fail(&stage.circuit);
    assert!(matches!(
        &stage.told()[..],
        [Notice::Failed { progress: Progress::InARow { failures: 1, trip_after: 2 }, .. }]
    ));
    fail(&stage.circuit);
    let told = stage.told();
    assert_eq!(lines(&told), ["work: circuit OPEN after 2 failures (last: it broke); next probe in 5m"]);
    stage.pass(COOL_DOWN);
    fail(&stage.circuit);
    let told = stage.told();
    assert_eq!(lines(&told), ["work: circuit still OPEN, the probe failed (it broke); next probe in 10m"]);
    stage.pass(COOL_DOWN * 2);
    work(&stage.circuit);
    let told = stage.told();
    assert_eq!(lines(&told), ["work: circuit CLOSED, it works again (after 2 failures)"]);
    work(&stage.circuit);
    assert!(stage.told().is_empty(), "work as usual is not told");
}

#[test]
fn of_forty_five_skips_the_first_the_twentieth_and_the_fortieth_are_loud() {
    let stage = Stage::open();
    for _ in 0..45 {
        assert!(!work(&stage.circuit));
    }
    let told = stage.told();
    assert_eq!(told.len(), 45);
    let loud: Vec<usize> = (1..).zip(&told).filter(|(_, notice)| notice.is_loud()).map(|(n, _)| n).collect();
    assert_eq!(loud, [1, 20, 40]);
}

#[test]
fn an_observer_that_panics_harms_neither_the_work_nor_the_other_observers() {
    let clock = FakeClock::new();
    let bad = |_: &Notice| panic!("the log is full");
    let stage = Stage::built(Board::builder().observer(bad), clock, policy()).opened();
    assert!(!work(&stage.circuit));
    stage.pass(COOL_DOWN);
    assert!(work(&stage.circuit));
    assert_eq!(stage.events(), [EventKind::Probing, EventKind::Closed]);
}

#[test]
fn what_an_observer_throws_ends_with_it_even_if_it_panics_once_more_when_it_is_dropped() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("and once more");
        }
    }
    let bad = |_: &Notice| std::panic::panic_any(Bomb);
    let stage = Stage::built(Board::builder().observer(bad), FakeClock::new(), policy()).opened();
    assert!(!work(&stage.circuit));
    assert!(matches!(&stage.told()[..], [Notice::Skipped { .. }]), "the observer after it was told");
    stage.pass(COOL_DOWN);
    let probe = stage.circuit.run(|| -> Result<(), String> { std::panic::panic_any(Bomb) });
    assert!(matches!(probe, Attempt::Panicked(_)));
    assert_eq!(stage.events(), [EventKind::Probing, EventKind::Reopened]);
}

// Rule 13

#[test]
fn observing_runs_everything_and_says_what_it_would_have_skipped() {
    let stage = Stage::with(policy().mode(Mode::Observe));
    fail(&stage.circuit);
    fail(&stage.circuit);
    stage.told();
    assert!(stage.circuit.would_run().unwrap(), "an observed circuit always runs");
    assert!(fail(&stage.circuit));
    assert!(work(&stage.circuit));
    let told = stage.told();
    assert!(matches!(&told[..], [Notice::Skipped { observed: true, .. }, Notice::Skipped { observed: true, .. }]));
    let view = stage.view();
    assert_eq!((view.state, view.skips, view.totals.skipped), (Shown::Open, 2, 0));
    assert_eq!((view.totals.failure, view.totals.success), (3, 1));
}

// Rule 15

#[test]
fn what_is_recorded_without_a_permit_counts_where_nobody_else_decides() {
    let failure = || Outcome::Failure(Failure::error(&"it broke"));
    let stage = Stage::new();
    assert_eq!(stage.circuit.record(&failure()).unwrap(), Counted::Counted);
    assert!(
        matches!(&stage.told()[..], [Notice::Failed { progress: Progress::InARow { failures: 1, .. }, .. }]),
        "a failure is told, permit or not"
    );
    assert_eq!(stage.circuit.record(&failure()).unwrap(), Counted::Counted);
    assert_eq!(stage.events(), [EventKind::Opened]);

    assert_eq!(stage.circuit.record(&Outcome::Success).unwrap(), Counted::Aside, "open and not due");
    assert!(matches!(&stage.told()[..], [Notice::NotCounted { late: false, .. }]));
    stage.pass(COOL_DOWN);
    let probe = stage.circuit.permit().unwrap();
    stage.told();
    assert_eq!(stage.circuit.record(&failure()).unwrap(), Counted::Aside, "somebody else's probe is out");
    assert!(matches!(&stage.told()[..], [Notice::NotCounted { late: false, .. }]));
    stage.pass(LEASE);
    assert_eq!(stage.circuit.record(&failure()).unwrap(), Counted::Counted, "the probe was lost");
    assert_eq!((stage.view().state, stage.view().trips), (Shown::Open, 2));
    drop(probe);
    stage.pass(COOL_DOWN * 2);
    assert_eq!(stage.circuit.record(&Outcome::Success).unwrap(), Counted::Counted, "open and due");
    assert_eq!(stage.view().state, Shown::Closed);
}

#[test]
fn looking_stores_nothing_in_any_state() {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    let stage = Stage::over(store.clone(), clock, policy());
    let version = || store.load(stage.circuit.name()).unwrap().version;
    let look = |expected: bool| {
        let before = version();
        assert_eq!(stage.circuit.would_run().unwrap(), expected);
        drop(stage.board.view(stage.circuit.name()).unwrap());
        drop(stage.board.views().unwrap());
        assert_eq!(version(), before);
    };
    look(true);
    assert_eq!(version(), None);
    fail(&stage.circuit);
    look(true);
    fail(&stage.circuit);
    look(false);
    stage.pass(COOL_DOWN);
    look(true);
    let _lost = stage.circuit.permit().unwrap();
    look(false);
    stage.pass(LEASE);
    look(false);
    stage.pass(COOL_DOWN * 2);
    look(true);
    assert!(work(&stage.circuit));
}

#[test]
fn would_run_says_what_the_next_call_finds() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let _lost = stage.circuit.permit().unwrap();
    for _ in 0..100 {
        stage.pass(Duration::from_secs(30));
        let foretold = stage.circuit.would_run().unwrap();
        let found = stage.circuit.permit();
        assert_eq!(foretold, found.is_ok());
        if found.is_ok() {
            return;
        }
    }
    panic!("the lost probe never gave way");
}

// While a switch is off or on

#[test]
fn a_switch_freezes_the_automatic_state_and_a_reset_leaves_the_switch_alone() {
    let stage = Stage::open();
    let (operator, name) = (stage.board.operator("op"), stage.circuit.name());
    operator.switch(name, Position::On, "try it", None).unwrap();
    let frozen = stage.view();
    assert!(fail(&stage.circuit) && work(&stage.circuit));
    let view = stage.view();
    assert_eq!((view.state, view.trips, view.probe_at), (frozen.state, frozen.trips, frozen.probe_at));
    assert_eq!((view.totals.failure, view.totals.success), (3, 1));
    operator.reset(name).unwrap();
    assert_eq!(stage.view().switch.unwrap().position, Position::On);

    operator.switch(name, Position::Off, "maintenance", Some(Duration::from_secs(60))).unwrap();
    stage.pass(Duration::from_secs(20));
    let refusal = stage.circuit.permit().unwrap_err();
    let told = "work: switched off for 20s by op: maintenance; decides by itself again in 40s";
    assert_eq!(refusal.to_string(), told);
    assert_eq!(refusal.retry_in, Some(Duration::from_secs(40)));
    stage.pass(Duration::from_secs(40));
    assert!(work(&stage.circuit), "the switch ended by itself");
    operator.switch(name, Position::Off, "again", None).unwrap();
    operator.auto(name, "done").unwrap();
    assert!(work(&stage.circuit));
}

#[test]
fn a_gate_that_is_switched_on_still_passes_nothing_it_did_not_judge() {
    let stage = Stage::new();
    let gate = stage.board.gate("review").unwrap();
    stage.board.operator("op").switch(gate.name(), Position::On, "hurry", None).unwrap();
    let none = gate.judge(|| Err::<Verdict, _>("the scanner crashed"));
    assert!(matches!(none, Verdict::Block(block) if !block.evaluated));
    let no = gate.judge(|| Ok::<_, String>(Verdict::block("secrets")));
    assert!(matches!(no, Verdict::Block(block) if block.evaluated));
}

fn lines(told: &[Notice]) -> Vec<String> {
    told.iter().filter(|notice| notice.is_loud()).map(ToString::to_string).collect()
}
