//! Races, provoked between a load and a swap: a decision that lost is made anew on what is there then.

use std::sync::Arc;
use std::time::Duration;

use fuseboard::decision::{Counted, SkipReason};
use fuseboard::event::EventKind;
use fuseboard::record::Position;
use fuseboard::{Board, Call, Circuit, Failure, Outcome, Permit, RefusalReason, Shown};

use crate::scripted::{AtSwap, ScriptedStore};
use crate::stage::{COOL_DOWN, NAME, Stage, fail, policy, work};
use crate::{name, scripted};

/// The same circuit in another process: another board over the same records, without the script.
fn elsewhere(store: &ScriptedStore, stage: &Stage) -> (Board, Circuit) {
    let (memory, clock) = (store.memory.clone(), stage.clock.clone());
    let board = Board::builder().shared_store(memory).clock(clock).policy(policy().build().unwrap());
    let board = board.exact_totals(true).build();
    let circuit = board.circuit(NAME).unwrap();
    (board, circuit)
}

fn meanwhile(store: &Arc<ScriptedStore>, act: impl FnOnce() + Send + 'static) {
    store.at_swap(AtSwap::Meanwhile(Box::new(act)));
}

#[test]
fn a_probe_that_somebody_else_got_first_is_not_run_twice() {
    let (store, stage) = scripted();
    let stage = stage.opened();
    stage.pass(COOL_DOWN);
    let (_board, other) = elsewhere(&store, &stage);
    let theirs: Arc<std::sync::Mutex<Option<Permit>>> = Arc::default();
    let held = theirs.clone();
    meanwhile(&store, move || *held.lock().unwrap() = Some(other.permit().unwrap()));
    let refusal = stage.circuit.permit().unwrap_err();
    let RefusalReason::Skipped(skip) = refusal.reason else { panic!("{refusal}") };
    assert!(matches!(skip.reason, SkipReason::ProbeOut { .. }));
    assert_eq!(stage.events(), [], "the probe was let out, and told, elsewhere");
    theirs.lock().unwrap().take().unwrap().success();
    assert!(work(&stage.circuit));
}

#[test]
fn a_probe_whose_circuit_was_closed_meanwhile_runs_as_any_call() {
    let (store, stage) = scripted();
    let stage = stage.opened();
    stage.pass(COOL_DOWN);
    let (_board, other) = elsewhere(&store, &stage);
    meanwhile(&store, move || assert!(work(&other)));
    let permit = stage.circuit.permit().unwrap();
    assert!(!permit.is_probe());
    permit.success();
    assert_eq!(stage.view().totals.success, 2);
}

#[test]
fn a_failure_that_was_first_makes_the_second_one_trip() {
    let (store, stage) = scripted();
    let (_board, other) = elsewhere(&store, &stage);
    meanwhile(&store, move || assert!(fail(&other)));
    assert!(fail(&stage.circuit));
    assert_eq!(stage.view().state, Shown::Open);
    assert_eq!(stage.events(), [EventKind::Opened]);
}

#[test]
fn a_success_that_was_first_breaks_the_row() {
    let (store, stage) = scripted();
    assert!(fail(&stage.circuit));
    let (_board, other) = elsewhere(&store, &stage);
    meanwhile(&store, move || assert!(work(&other)));
    assert!(fail(&stage.circuit));
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 1));
}

#[test]
fn a_report_whose_circuit_opened_meanwhile_is_late() {
    let (store, stage) = scripted();
    let (_board, other) = elsewhere(&store, &stage);
    let permit = stage.circuit.permit().unwrap();
    meanwhile(&store, move || assert!(fail(&other) && fail(&other)));
    let settled = permit.settle(&Outcome::Failure(Failure::error(&"it broke")));
    assert_eq!(settled.counted, Some(Counted::Late));
    let view = stage.view();
    assert_eq!((view.state, view.trips, view.totals.failure, view.totals.late), (Shown::Open, 1, 2, 1));
}

#[test]
fn a_probe_that_reports_while_an_operator_resets_is_late() {
    let (store, stage) = scripted();
    let stage = stage.opened();
    stage.pass(COOL_DOWN);
    let (board, _other) = elsewhere(&store, &stage);
    let probe = stage.circuit.permit().unwrap();
    meanwhile(&store, move || board.operator("op").reset(&name()).unwrap());
    let settled = probe.settle(&Outcome::Failure(Failure::error(&"it broke")));
    assert_eq!(settled.counted, Some(Counted::Late));
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 0));
}

#[test]
fn two_operators_at_once_both_have_their_way_in_order() {
    let (store, stage) = scripted();
    let stage = stage.opened();
    let (board, _other) = elsewhere(&store, &stage);
    meanwhile(&store, move || {
        board.operator("first").switch(&name(), Position::Off, "maintenance", None).unwrap();
    });
    stage.board.operator("second").reset(&name()).unwrap();
    let view = stage.view();
    assert_eq!(view.state, Shown::Closed);
    assert_eq!(view.switch.unwrap().by, "first");
}

#[test]
fn a_lost_probe_is_taken_for_lost_once_though_two_notice_it() {
    let (store, stage) = scripted();
    let stage = stage.opened();
    stage.pass(COOL_DOWN);
    let _hung = stage.circuit.permit().unwrap();
    stage.pass(crate::stage::LEASE);
    let (_board, other) = elsewhere(&store, &stage);
    meanwhile(&store, move || assert!(!work(&other)));
    assert!(!work(&stage.circuit));
    assert_eq!(stage.view().trips, 2);
    assert_eq!(stage.events(), [EventKind::Probing]);
}

#[test]
fn a_decision_that_keeps_losing_comes_through_at_last() {
    let (store, stage) = scripted();
    for _ in 0..500 {
        let (_board, other) = elsewhere(&store, &stage);
        meanwhile(&store, move || other.permit_for(Call::default()).unwrap().success());
    }
    stage.pass(Duration::from_secs(1));
    assert!(work(&stage.circuit));
    assert_eq!(stage.view().totals.success, 501);
}

#[test]
fn a_record_that_never_stands_still_is_given_up_as_busy_and_the_work_is_done() {
    let (store, stage) = scripted();
    for _ in 0..3_000 {
        let (_board, other) = elsewhere(&store, &stage);
        meanwhile(&store, move || other.permit_for(Call::default()).unwrap().success());
    }
    assert_eq!(stage.circuit.run_or(0, || Ok::<_, String>(3)), 3);
    assert_eq!(stage.events(), [EventKind::StoreDegraded]);
}
