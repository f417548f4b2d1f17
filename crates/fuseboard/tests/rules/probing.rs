//! One probe at a time, leases that end, permits that settle, mended work: rules 3, 4, 5, 9.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use fuseboard::decision::{Skip, SkipReason};
use fuseboard::event::{EventKind, Notice};
use fuseboard::{Board, Call, Circuit, Failure, FailureKind, Fingerprint, Outcome, Policy, RefusalReason, Shown};

use crate::stage::{COOL_DOWN, LEASE, NAME, Stage, fail, policy, work};

// Rule 3

#[test]
fn of_a_hundred_threads_one_gets_the_probe_and_the_others_are_skipped_at_once() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let (start, all_answered) = (Barrier::new(100), Barrier::new(100));
    let probes = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                start.wait();
                let answer = stage.circuit.permit();
                // The probe is still out when everybody has an answer: nobody queued behind it.
                all_answered.wait();
                match answer {
                    Ok(permit) => {
                        probes.fetch_add(1, Ordering::Relaxed);
                        assert!(permit.is_probe());
                        permit.success();
                    }
                    Err(refusal) => assert!(matches!(refusal.reason, RefusalReason::Skipped(_))),
                }
            });
        }
    });
    assert_eq!(probes.into_inner(), 1);
    let view = stage.view();
    assert_eq!((view.state, view.totals.skipped), (Shown::Closed, 99));
    assert_eq!(stage.events(), [EventKind::Probing, EventKind::Closed]);
}

#[test]
fn while_a_probe_is_out_a_refusal_tells_that_and_when_to_ask_again() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let probe = stage.circuit.permit().unwrap();
    stage.pass(Duration::from_secs(60));
    let refusal = stage.circuit.permit().unwrap_err();
    let RefusalReason::Skipped(Skip { reason: SkipReason::ProbeOut { .. }, .. }) = refusal.reason else {
        panic!("{refusal}")
    };
    assert_eq!(refusal.open_for, Some(COOL_DOWN + Duration::from_secs(60)));
    assert_eq!(refusal.retry_in, LEASE.checked_sub(Duration::from_secs(60)));
    assert_eq!(refusal.last_error.as_deref(), Some("it broke"));
    let told = "work: circuit open for 6m, its probe is out, ask again in 9m (last error: it broke)";
    assert_eq!(refusal.to_string(), told);
    probe.success();
}

#[test]
fn several_probes_are_let_out_one_after_the_other() {
    let stage = Stage::with(policy().probes(3)).opened();
    stage.pass(COOL_DOWN);
    for _ in 0..3 {
        let probe = stage.circuit.permit().unwrap();
        assert!(probe.is_probe() && stage.circuit.permit().is_err());
        probe.success();
    }
    assert_eq!(stage.view().state, Shown::Closed);
}

// Rule 4

#[test]
fn a_dropped_permit_counts_as_ignored_and_a_dropped_probe_makes_room_for_the_next() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    drop(stage.circuit.permit().unwrap());
    let view = stage.view();
    assert_eq!((view.totals.ignored, view.probe_due, view.trips), (1, true, 1));
    assert!(work(&stage.circuit));
    assert_eq!(stage.view().state, Shown::Closed);
}

#[test]
fn a_permit_dropped_by_a_panic_counts_as_failed_by_panic() {
    let stage = Stage::new();
    let circuit = stage.circuit.clone();
    let panicked = thread::spawn(move || {
        let _permit = circuit.permit().unwrap();
        panic!("in the middle of the work");
    });
    assert!(panicked.join().is_err());
    let view = stage.view();
    assert_eq!((view.failures, view.totals.failure), (1, 1));
    assert_eq!(view.last_failure.unwrap().0, FailureKind::Panic);
}

#[test]
fn a_probe_that_is_dropped_three_times_in_a_row_counts_as_failed() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    for _ in 0..3 {
        drop(stage.circuit.permit().unwrap());
    }
    assert!(!work(&stage.circuit));
    assert_eq!((stage.view().trips, stage.view().state), (2, Shown::Open));
}

// Rule 5

#[test]
fn a_lost_probe_gives_way_after_its_lease_and_a_longer_cool_down() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let lost = stage.circuit.permit().unwrap();
    stage.pass(LEASE);
    assert!(!work(&stage.circuit), "a lost probe is a failed one, never a free grant of the next");
    assert_eq!(stage.events(), [EventKind::Probing, EventKind::ProbeLost]);
    let view = stage.view();
    assert_eq!((view.trips, view.last_failure.unwrap().0), (2, FailureKind::Lost));
    stage.pass(COOL_DOWN + COOL_DOWN.mul_f64(0.99));
    assert!(!work(&stage.circuit));
    stage.pass(COOL_DOWN.mul_f64(0.01));
    assert!(work(&stage.circuit));
    assert_eq!(stage.view().state, Shown::Closed);
    lost.success();
    assert_eq!(stage.view().totals.late, 1);
}

#[test]
fn the_lease_of_a_limited_call_is_its_timeout_its_grace_and_five_seconds() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let (timeout, grace) = (Duration::from_secs(30), Duration::from_secs(10));
    let probe = stage.circuit.permit_for(Call::default().limited_to(timeout, grace)).unwrap();
    assert_eq!(stage.circuit.permit().unwrap_err().retry_in, Some(Duration::from_secs(45)));
    probe.success();
}

#[test]
fn no_lease_is_endless_whatever_timeout_a_call_claims() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    let _hung = stage.circuit.permit_for(Call::default().limited_to(Duration::MAX, Duration::MAX)).unwrap();
    stage.pass(Duration::from_secs(366 * 24 * 3600));
    assert!(work(&stage.circuit));
}

#[test]
fn work_that_lives_longer_than_its_lease_keeps_it() {
    // Leases are renewed in real time by a thread, so this is one of the few tests that sleep.
    let policy = Policy::builder().trip_after(1).cool_down(Duration::from_millis(1)).lease(Duration::from_millis(150));
    let board = Board::builder().policy(policy.build().unwrap()).build();
    let circuit = board.circuit(NAME).unwrap();
    assert!(fail(&circuit));
    thread::sleep(Duration::from_millis(5));
    let done = circuit.run(|| {
        for _ in 0..6 {
            thread::sleep(Duration::from_millis(100));
            assert!(!work(&circuit), "the probe is out: everybody else is skipped");
        }
        Ok::<_, String>(())
    });
    assert!(done.is_done());
    let view = board.view(circuit.name()).unwrap().unwrap();
    assert_eq!((view.state, view.totals.late), (Shown::Closed, 0));
}

// Rule 9

#[test]
fn mended_work_is_tried_before_its_time_and_that_is_said() {
    let stage = Stage::new();
    break_as(&stage.circuit, FailureKind::Exit, &program("1 KiB, Monday", true));
    break_as(&stage.circuit, FailureKind::Exit, &program("1 KiB, Monday", true));
    stage.told();
    assert!(ask_as(&stage.circuit, &program("1 KiB, Monday", true)).is_none(), "nothing has changed");
    stage.told();
    let trial = ask_as(&stage.circuit, &program("2 KiB, Tuesday", true)).unwrap();
    assert!(trial.is_probe());
    let told = stage.told();
    assert!(matches!(&told[..], [Notice::Event(_), Notice::Mended { .. }]), "{told:?}");
    assert_eq!(told[1].to_string(), "work changed since it failed, trying");
    trial.success();
    assert_eq!(stage.view().state, Shown::Closed);
}

#[test]
fn another_program_under_the_same_circuit_changes_nothing() {
    let stage = Stage::new();
    for _ in 0..2 {
        break_as(&stage.circuit, FailureKind::Exit, &program("Monday", true));
    }
    let other = Fingerprint { subject: "/bin/other".into(), ..program("Tuesday", true) };
    assert!(ask_as(&stage.circuit, &other).is_none());
    assert!(stage.circuit.permit().is_err());
}

#[test]
fn a_failure_that_says_itself_what_failed_is_compared_with_that() {
    let stage = Stage::new();
    for _ in 0..2 {
        let failure = Failure::new(FailureKind::Exit, "it broke").of(Some(program("Monday", true)));
        let permit = ask_as(&stage.circuit, &program("Sunday", true)).unwrap();
        drop(permit.settle(&Outcome::Failure(failure)));
    }
    assert!(ask_as(&stage.circuit, &program("Monday", true)).is_none(), "the same that failed");
    assert!(ask_as(&stage.circuit, &program("Sunday", true)).is_some(), "another one than failed");
}

#[test]
fn what_could_not_be_started_is_tried_as_soon_as_it_can_be() {
    let stage = Stage::new();
    let missing = Fingerprint { subject: "tool".into(), ..program("missing", false) };
    break_as(&stage.circuit, FailureKind::Spawn, &missing);
    assert!(ask_as(&stage.circuit, &missing).is_none());
    ask_as(&stage.circuit, &program("Tuesday", true)).expect("it can be started now").success();
    assert_eq!(stage.view().state, Shown::Closed);
}

#[test]
fn mended_work_that_fails_again_or_is_lost_is_not_tried_for_free_once_more() {
    for lost in [false, true] {
        let stage = Stage::new();
        for _ in 0..2 {
            break_as(&stage.circuit, FailureKind::Exit, &program("Monday", true));
        }
        let trial = ask_as(&stage.circuit, &program("Tuesday", true)).unwrap();
        if lost {
            stage.pass(LEASE);
        } else {
            trial.failure(&"still broken");
        }
        assert!(ask_as(&stage.circuit, &program("Tuesday", true)).is_none(), "lost: {lost}");
        assert_eq!(stage.view().trips, 2);
    }
}

#[test]
fn probe_by_hand_forgives_nothing_and_reset_forgives_everything() {
    let stage = Stage::open();
    let operator = stage.board.operator("op");
    assert!(operator.probe(stage.circuit.name(), *stage.circuit.policy()).unwrap());
    assert_eq!((stage.view().state, stage.view().trips), (Shown::Open, 1));
    assert!(fail(&stage.circuit));
    assert_eq!(stage.view().trips, 2, "the probe by hand was one like any other");
    operator.reset(stage.circuit.name()).unwrap();
    let view = stage.view();
    assert_eq!((view.state, view.trips, view.failures), (Shown::Closed, 0, 0));
    assert!(fail(&stage.circuit));
    assert_eq!(stage.view().state, Shown::Closed, "after a reset one failure does not open");
    assert!(!operator.probe(stage.circuit.name(), *stage.circuit.policy()).unwrap(), "nothing to bring forward");
}

fn program(stamp: &str, startable: bool) -> Fingerprint {
    Fingerprint { subject: "/bin/tool".into(), stamp: stamp.into(), startable }
}

fn ask_as(circuit: &Circuit, what: &Fingerprint) -> Option<fuseboard::Permit> {
    circuit.permit_for(Call::default().of(Some(what.clone()))).ok()
}

fn break_as(circuit: &Circuit, kind: FailureKind, what: &Fingerprint) {
    drop(ask_as(circuit, what).unwrap().settle(&Outcome::Failure(Failure::new(kind, "it broke"))));
}
