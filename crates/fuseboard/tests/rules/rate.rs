//! The failure rate as the trip rule: what it counts, and that every other rule holds under it.

use std::sync::Arc;
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::decision::Counted;
use fuseboard::event::{EventKind, Notice};
use fuseboard::record::{Position, Sample};
use fuseboard::store::MemoryStore;
use fuseboard::{
    Attempt, Board, CircuitError, Failure, FailureKind, FailureRate, Mode, Outcome, Policy, PolicyBuilder, Shown,
};

use crate::stage::{NAME, Stage, fail, policy, work};

const WITHIN: Duration = Duration::from_secs(10);
/// The first cool-down of [`busy`].
const PAUSE: Duration = Duration::from_secs(5);

/// Half of 20 calls within 10 s.
fn busy() -> PolicyBuilder {
    Policy::for_requests().to_builder().jitter(0.0)
}

/// As many calls one after the other, first the good ones.
fn call(stage: &Stage, good: u32, bad: u32) {
    (0..good).for_each(|_| assert!(work(&stage.circuit)));
    (0..bad).for_each(|_| assert!(fail(&stage.circuit)));
}

/// Failures and calls that an onlooker sees.
fn seen(stage: &Stage) -> (u32, u32) {
    let sample = stage.view().sample.expect("a caller goes by a rate");
    (sample.failures, sample.calls)
}

fn failure() -> Outcome {
    Outcome::Failure(Failure::error(&"it broke"))
}

// What it counts

#[test]
fn half_of_twenty_calls_open_the_circuit_and_half_of_nineteen_do_not() {
    let stage = Stage::with(busy());
    call(&stage, 10, 9);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (9, 19)));
    call(&stage, 0, 1);
    let view = stage.view();
    assert_eq!((view.state, view.failures), (Shown::Open, 10));
    assert_eq!(view.sample, Some(Sample { failures: 10, calls: 20, within: WITHIN }));
    assert!(!work(&stage.circuit));
}

#[test]
fn less_than_the_share_never_opens_it_however_many_calls_there_are() {
    let stage = Stage::with(busy());
    for _ in 0..200 {
        call(&stage, 2, 1);
    }
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (200, 600)));
}

#[test]
fn failures_in_a_row_are_no_reason_under_a_rate() {
    let stage = Stage::with(busy());
    call(&stage, 0, 19);
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 19));
}

#[test]
fn a_success_never_opens_it_even_as_the_call_that_makes_the_sample_large_enough() {
    let stage = Stage::with(busy());
    call(&stage, 0, 19);
    call(&stage, 1, 0);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (19, 20)));
    call(&stage, 0, 1);
    assert_eq!(stage.view().state, Shown::Open);
}

#[test]
fn a_call_counts_for_the_rules_time_and_no_longer() {
    let stage = Stage::with(busy());
    call(&stage, 0, 19);
    stage.pass(Duration::from_millis(9_999));
    assert_eq!(seen(&stage), (19, 19));
    stage.pass(Duration::from_millis(1));
    assert_eq!(seen(&stage), (0, 0));
    call(&stage, 0, 19);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (19, 19)), "older ones do not count");
    assert_eq!(stage.view().failures, 38, "those in a row are counted whatever the time");
}

#[test]
fn each_success_is_stored_for_it_is_a_part_of_the_share() {
    let stage = Stage::with(busy());
    for calls in 1..5 {
        call(&stage, 1, 0);
        assert_eq!(seen(&stage), (0, calls));
    }
}

#[test]
fn every_share_and_least_number_of_calls_opens_where_it_says() {
    for (failures, of, bad) in [(1.0, 1, 1), (0.01, 100, 1), (0.3, 10, 3), (0.7, 10, 7), (0.71, 100, 71)] {
        let stage = Stage::with(busy().rate(FailureRate { failures, of, within: WITHIN }));
        call(&stage, of - bad, bad - 1);
        assert!(stage.board.view(stage.circuit.name()).unwrap().is_none_or(|view| view.state == Shown::Closed));
        call(&stage, 0, 1);
        assert_eq!(stage.view().state, Shown::Open, "{failures} of {of}");
    }
}

// Rule 2

#[test]
fn a_late_report_moves_totals_only() {
    let stage = Stage::with(busy());
    let (before, other) = (stage.circuit.permit().unwrap(), stage.circuit.permit().unwrap());
    call(&stage, 0, 20);
    let opened = stage.view();
    before.failure(&"late");
    assert_eq!((stage.view().sample, stage.view().since), (opened.sample, opened.since));
    stage.board.operator("op").reset(stage.circuit.name()).unwrap();
    call(&stage, 1, 0);
    assert_eq!(other.settle(&failure()).counted, Some(Counted::Late));
    assert_eq!((seen(&stage), stage.view().totals.late), ((0, 1), 2));
}

// Rule 4, rule 7

#[test]
fn a_panic_and_a_timeout_count_as_failures_and_what_was_cut_short_counts_neither_way() {
    let stage = Stage::with(busy());
    let attempt = stage.circuit.run(|| -> Result<(), String> { panic!("no") });
    assert!(matches!(attempt, Attempt::Panicked(_)));
    let timeout = Outcome::Failure(Failure::new(FailureKind::Timeout, "took longer than 5s"));
    drop(stage.circuit.permit().unwrap().settle(&timeout));
    assert_eq!(seen(&stage), (2, 2));
    stage.circuit.permit().unwrap().ignored();
    drop(stage.circuit.permit().unwrap());
    assert_eq!((seen(&stage), stage.view().totals.ignored), ((2, 2), 2));
}

#[test]
fn what_cannot_be_started_trips_at_once() {
    let stage = Stage::with(busy());
    let missing = Outcome::Failure(Failure::new(FailureKind::Spawn, "tool: not found"));
    drop(stage.circuit.permit().unwrap().settle(&missing));
    let told = stage.told();
    let line = "work: circuit OPEN after 1 failure (last: tool: not found); next probe in 5s";
    assert_eq!(told.iter().map(ToString::to_string).collect::<Vec<_>>(), [line]);
}

// Rule 10

#[test]
fn what_is_told_names_the_calls_and_their_time() {
    let stage = Stage::with(busy());
    call(&stage, 10, 2);
    let last = stage.told().pop().unwrap();
    assert_eq!(last.to_string(), "work failed (2 of 12 calls failed within 10s): it broke");
    call(&stage, 0, 8);
    let told = stage.told();
    assert!(told[..7].iter().all(|notice| matches!(notice, Notice::Failed { .. })));
    let opening = "work: circuit OPEN: 10 of 20 calls failed within 10s (last: it broke); next probe in 5s";
    assert_eq!(told[7..].iter().map(ToString::to_string).collect::<Vec<_>>(), [opening]);
    stage.pass(PAUSE);
    call(&stage, 3, 0);
    let closing = stage.told().pop().unwrap();
    assert_eq!(closing.to_string(), "work: circuit CLOSED, it works again (after 10 failures)");
}

// Rule 12

#[test]
fn one_process_goes_by_one_rule_and_one_rate() {
    let board = Board::new();
    let name = NAME.parse().unwrap();
    let rate = FailureRate::default();
    let with = |builder: PolicyBuilder| board.circuit_with(&name, builder.build().unwrap()).map(drop);
    assert_eq!(with(Policy::builder().rate(rate)), Ok(()));
    assert_eq!(with(Policy::builder().rate(rate)), Ok(()));
    let refused = Err(CircuitError::AnotherPolicy(name.clone()));
    assert_eq!(with(Policy::builder()), refused);
    assert_eq!(with(Policy::builder().rate(FailureRate { of: 21, ..rate })), refused);
}

/// Two processes that use one circuit.
fn two(one: PolicyBuilder, other: PolicyBuilder) -> [Stage; 2] {
    let clock = FakeClock::new();
    let store = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
    [one, other].map(|policy| Stage::over(store.clone(), clock.clone(), policy))
}

#[test]
fn of_callers_by_different_rules_each_is_judged_by_its_own_and_every_call_counts_for_both() {
    let [rate, row] = two(busy(), policy().trip_after(30));
    call(&rate, 0, 10);
    call(&row, 0, 9);
    assert_eq!(seen(&row), (19, 19), "a window that is there counts everybody's calls");
    assert_eq!(row.view().failures, 19, "and so does the row");
    call(&row, 0, 1);
    assert_eq!(row.view().state, Shown::Closed, "20 of 20 mean nothing to this caller");
    call(&rate, 0, 1);
    assert_eq!(rate.view().state, Shown::Open);

    let [rate, row] = two(busy(), policy().trip_after(3));
    call(&rate, 0, 5);
    assert_eq!(rate.view().state, Shown::Closed, "a row means nothing to this caller");
    call(&row, 0, 1);
    assert_eq!((row.view().state, row.view().failures, row.view().sample), (Shown::Open, 6, None));
}

#[test]
fn a_caller_by_consecutive_failures_begins_no_window() {
    let stage = Stage::with(policy().trip_after(30));
    call(&stage, 3, 3);
    assert_eq!(stage.view().sample, None);
}

#[test]
fn callers_by_rates_of_different_times_take_over_what_lies_within_their_own() {
    let rate = |within| busy().rate(FailureRate { within, ..FailureRate::default() });
    let [short, long] = two(rate(WITHIN), rate(WITHIN * 6));
    for _ in 0..9 {
        call(&short, 0, 1);
        call(&long, 0, 1);
        short.pass(Duration::from_millis(200));
    }
    assert_eq!(seen(&long), (18, 18), "however often the rule changed");
    call(&long, 0, 2);
    assert_eq!(long.view().state, Shown::Open);
}

// Rule 13

#[test]
fn observing_counts_and_opens_and_skips_nothing() {
    let stage = Stage::with(busy().mode(Mode::Observe));
    call(&stage, 10, 10);
    assert_eq!(stage.view().state, Shown::Open);
    call(&stage, 1, 1);
    assert_eq!((stage.view().skips, stage.view().totals.skipped), (2, 0));
    assert_eq!(seen(&stage), (10, 20), "those that opened it");
}

// Rule 15

#[test]
fn what_is_recorded_without_a_permit_counts() {
    let stage = Stage::with(busy());
    for _ in 0..10 {
        assert_eq!(stage.circuit.record(&Outcome::Success).unwrap(), Counted::Counted);
    }
    for _ in 0..10 {
        assert_eq!(stage.circuit.record(&failure()).unwrap(), Counted::Counted);
    }
    assert_eq!(stage.circuit.record(&failure()).unwrap(), Counted::Aside);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Open, (10, 20)));
}

// The operator, and the end of an outage

#[test]
fn while_switched_on_nothing_counts_and_the_window_ages() {
    let stage = Stage::with(busy());
    call(&stage, 0, 19);
    let (operator, name) = (stage.board.operator("op"), stage.circuit.name());
    operator.switch(name, Position::On, "try it", None).unwrap();
    call(&stage, 0, 5);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (19, 19)));
    stage.pass(WITHIN);
    operator.auto(name, "done").unwrap();
    call(&stage, 0, 1);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (1, 1)));
}

#[test]
fn a_reset_empties_the_window() {
    let stage = Stage::with(busy());
    call(&stage, 0, 19);
    stage.board.operator("op").reset(stage.circuit.name()).unwrap();
    assert_eq!(stage.view().sample, None);
    call(&stage, 0, 19);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (19, 19)));
}

#[test]
fn a_circuit_that_closed_begins_with_an_empty_window() {
    let stage = Stage::with(busy()).opened();
    stage.pass(PAUSE);
    call(&stage, 3, 0);
    assert_eq!((stage.view().state, stage.view().sample), (Shown::Closed, None));
    assert_eq!(stage.events(), [EventKind::Probing, EventKind::Closed]);
    call(&stage, 0, 19);
    assert_eq!((stage.view().state, seen(&stage)), (Shown::Closed, (19, 19)));
}
