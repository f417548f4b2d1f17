//! What counts, in which order, and what never does: rules 1, 2, 6, 7, 8.

use std::sync::Arc;
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::decision::Counted;
use fuseboard::event::{EventKind, Notice, Progress};
use fuseboard::store::MemoryStore;
use fuseboard::{Attempt, Board, Call, Circuit, Failure, FailureKind, Outcome, Shown, Verdict};

use crate::stage::{COOL_DOWN, NAME, Stage, fail, policy, work};

// Rule 1

#[test]
fn failure_success_failure_stays_closed() {
    let stage = Stage::new();
    assert!(fail(&stage.circuit) && work(&stage.circuit) && fail(&stage.circuit));
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 1));
}

#[test]
fn concurrent_permits_count_in_the_order_of_their_reports() {
    for (order, state) in [([false, true, false], Shown::Closed), ([true, false, false], Shown::Open)] {
        let stage = Stage::new();
        let permits = [(); 3].map(|()| stage.circuit.permit().unwrap());
        for (permit, good) in permits.into_iter().rev().zip(order) {
            if good { permit.success() } else { permit.failure(&"it broke") }
        }
        assert_eq!(stage.view().state, state, "{order:?}");
    }
}

#[test]
fn an_ignored_call_neither_breaks_nor_prolongs_a_row_of_failures() {
    let stage = Stage::new();
    assert!(fail(&stage.circuit));
    stage.circuit.permit().unwrap().ignored();
    assert_eq!(stage.view().failures, 1);
    assert!(fail(&stage.circuit));
    assert_eq!(stage.view().state, Shown::Open);
}

// Rule 2

#[test]
fn while_open_nothing_counts_and_neither_since_nor_the_next_probe_moves() {
    let stage = Stage::new();
    let stragglers = [(); 6].map(|()| stage.circuit.permit().unwrap());
    let stage = stage.opened();
    let before = stage.view();
    for (n, permit) in stragglers.into_iter().enumerate() {
        stage.pass(Duration::from_secs(10));
        if n % 2 == 0 {
            permit.failure(&"late");
        } else {
            permit.success();
        }
        assert!(!work(&stage.circuit));
    }
    let after = stage.view();
    assert_eq!((after.state, after.trips), (Shown::Open, 1));
    assert_eq!((after.since, after.probe_at), (before.since, before.probe_at));
    assert_eq!(after.last_failure, before.last_failure);
    assert_eq!(after.totals.late, 6);
}

#[test]
fn a_late_success_does_not_close() {
    let stage = Stage::new();
    let straggler = stage.circuit.permit().unwrap();
    let stage = stage.opened();
    assert_eq!(straggler.settle(&Outcome::Success).counted, Some(Counted::Late));
    assert_eq!(stage.view().state, Shown::Open);
    assert!(matches!(&stage.told()[..], [Notice::NotCounted { late: true, .. }]));
}

#[test]
fn since_is_the_start_of_the_outage_and_survives_failed_probes() {
    let stage = Stage::open();
    let since = stage.view().since;
    for trips in 2..5 {
        stage.pass(COOL_DOWN * 16);
        assert!(fail(&stage.circuit));
        assert_eq!((stage.view().since, stage.view().trips), (since, trips));
    }
}

// Rule 6

#[test]
fn a_report_from_before_a_reset_is_late() {
    let stage = Stage::new();
    let permit = stage.circuit.permit().unwrap();
    stage.board.operator("op").reset(stage.circuit.name()).unwrap();
    assert_eq!(permit.settle(&Outcome::Success).counted, Some(Counted::Late));
}

#[test]
fn a_probe_that_reports_after_its_lease_is_late() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let call = Call::default().limited_to(Duration::from_secs(10), Duration::from_secs(5));
    let probe = stage.circuit.permit_for(call).unwrap();
    stage.pass(Duration::from_secs(20));
    assert_eq!(probe.settle(&Outcome::Success).counted, Some(Counted::Late));
    assert!(!work(&stage.circuit));
}

#[test]
fn a_probe_that_reports_to_a_wiped_store_is_late() {
    let clock = FakeClock::new();
    let store = Arc::new(Wipeable::new(&clock));
    let stage = Stage::over(store.clone(), clock, policy()).opened();
    stage.pass(COOL_DOWN);
    let probe = stage.circuit.permit().unwrap();
    store.wipe();
    assert_eq!(probe.settle(&Outcome::Failure(Failure::error(&"it broke"))).counted, Some(Counted::Late));
    let view = stage.view();
    assert_eq!((view.state, view.failures, view.totals.late), (Shown::Closed, 0, 1));
}

// Rule 7

#[test]
fn a_panic_is_a_failure_that_says_what_the_panic_said() {
    let stage = Stage::new();
    let attempt = stage.circuit.run(|| -> Result<(), String> { panic!("index {}", 7) });
    assert!(matches!(attempt, Attempt::Panicked(text) if text == "panicked: index 7"));
    let (kind, message, _) = stage.view().last_failure.unwrap();
    assert_eq!((kind, message.as_str()), (FailureKind::Panic, "panicked: index 7"));
}

#[test]
fn a_timeout_is_a_failure_once() {
    let stage = Stage::new();
    let timeout = Outcome::Failure(Failure::new(FailureKind::Timeout, "took longer than 5s"));
    drop(stage.circuit.permit().unwrap().settle(&timeout));
    let view = stage.view();
    assert_eq!((view.failures, view.totals.timeout, view.totals.failure), (1, 1, 0));
}

#[test]
fn slow_work_is_told_and_kept_as_the_failure_that_it_counts_as() {
    let stage = Stage::with(policy().slow_after(Duration::from_secs(1)));
    for _ in 0..2 {
        let clock = stage.clock.clone();
        let done = stage.circuit.run(|| {
            clock.advance(Duration::from_secs(3));
            Ok::<_, String>("late, but here")
        });
        assert_eq!(done.done(), Some("late, but here"));
    }
    let told = stage.told();
    assert!(
        matches!(&told[0], Notice::Failed { failure, progress: Progress::InARow { failures: 1, .. }, .. } if failure.kind == FailureKind::Timeout)
    );
    assert!(matches!(&told[1..], [Notice::Event(event)] if event.kind == EventKind::Opened));
    assert_eq!(stage.view().totals.timeout, 2);
}

#[test]
fn what_cannot_be_started_trips_at_once() {
    let stage = Stage::with(policy().trip_after(10));
    let missing = Outcome::Failure(Failure::new(FailureKind::Spawn, "tool: not found"));
    drop(stage.circuit.permit().unwrap().settle(&missing));
    assert_eq!(stage.view().state, Shown::Open);
    assert_eq!(stage.events(), [EventKind::Opened]);
}

#[test]
fn what_somebody_else_cut_short_is_ignored() {
    let stage = Stage::new();
    for _ in 0..5 {
        stage.circuit.permit().unwrap().ignored();
    }
    let view = stage.view();
    assert_eq!((view.state, view.failures, view.totals.ignored), (Shown::Closed, 0, 5));
    assert!(stage.told().is_empty());
}

// Rule 8

#[test]
fn a_negative_answer_is_a_success_of_the_circuit() {
    let stage = Stage::new();
    let review = stage.board.gate("review").unwrap();
    for _ in 0..5 {
        let verdict = review.judge(|| Ok::<_, String>(Verdict::block("3 problems")));
        assert!(matches!(verdict, Verdict::Block(block) if block.evaluated));
    }
    let view = stage.board.view(review.name()).unwrap().unwrap();
    assert_eq!((view.state, view.totals.success), (Shown::Closed, 5));
}

#[test]
fn an_error_value_is_a_failure_though_nothing_was_thrown() {
    let stage = Stage::new();
    assert_eq!(stage.circuit.run_or(-1, || Err("no disk")), -1);
    let view = stage.view();
    assert_eq!((view.failures, view.totals.failure, view.totals.success), (1, 1, 0));
}

#[test]
fn a_permit_is_reported_to_the_circuit_that_gave_it() {
    let board = Board::new();
    let (left, right) = (board.circuit(NAME).unwrap(), board.circuit("other").unwrap());
    let permit = left.permit().unwrap();
    drop(right.permit().unwrap().settle(&Outcome::Success));
    permit.failure(&"it broke");
    let failures = |circuit: &Circuit| board.view(circuit.name()).unwrap().map_or(0, |view| view.failures);
    assert_eq!((failures(&left), failures(&right)), (1, 0));
}

/// A store that can lose everything, as a failed-over Redis does.
struct Wipeable {
    clock: FakeClock,
    store: std::sync::Mutex<MemoryStore>,
}

impl Wipeable {
    fn new(clock: &FakeClock) -> Self {
        Self { clock: clock.clone(), store: MemoryStore::with_clock(Arc::new(clock.clone())).into() }
    }

    fn wipe(&self) {
        *self.store.lock().unwrap() = MemoryStore::with_clock(Arc::new(self.clock.clone()));
    }
}

impl fuseboard::store::Store for Wipeable {
    fn load(&self, name: &fuseboard::CircuitName) -> Result<fuseboard::store::Loaded, fuseboard::store::StoreError> {
        self.store.lock().unwrap().load(name)
    }

    fn swap(
        &self,
        name: &fuseboard::CircuitName,
        expected: Option<fuseboard::store::Version>,
        next: &fuseboard::record::Record,
        rows: &[fuseboard::event::Row],
    ) -> Result<fuseboard::store::Swap, fuseboard::store::StoreError> {
        self.store.lock().unwrap().swap(name, expected, next, rows)
    }

    fn list(&self) -> Result<Vec<fuseboard::store::Listed>, fuseboard::store::StoreError> {
        self.store.lock().unwrap().list()
    }
}
