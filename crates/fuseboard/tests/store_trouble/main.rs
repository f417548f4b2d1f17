//! Trouble with the store: never the work's, always said once, and no gate passes by it. And races, provoked
//! by a scripted store.

#[path = "../stage/mod.rs"]
mod stage;

mod races;
mod scripted;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::event::{EventKind, Notice};
use fuseboard::record::Position;
use fuseboard::store::StoreTrouble::{self, Busy, Corrupt, Newer, Unreachable};
use fuseboard::{Board, CircuitName, Kept, Outcome, Policy, RefusalReason, Shown, Verdict};

use scripted::{AtSwap, ScriptedStore};
use stage::{COOL_DOWN, NAME, Stage, fail, policy, work};

const ALL: [StoreTrouble; 4] = [Busy, Unreachable, Corrupt, Newer];

pub(crate) fn scripted() -> (Arc<ScriptedStore>, Stage) {
    let clock = FakeClock::new();
    let store = ScriptedStore::new(&clock);
    (store.clone(), Stage::over(store, clock, policy()))
}

fn name() -> CircuitName {
    NAME.parse().unwrap()
}

#[test]
fn work_runs_whatever_the_store_does_and_its_trouble_is_told_once() {
    for trouble in ALL {
        let (store, stage) = scripted();
        store.load_fails(trouble);
        store.swap_fails(trouble);
        for _ in 0..5 {
            assert_eq!(stage.circuit.run_or(0, || Ok::<_, String>(3)), 3);
        }
        assert_eq!(stage.events(), [EventKind::StoreDegraded], "{trouble:?}");
        store.load_fails(None);
        store.swap_fails(None);
        for _ in 0..5 {
            assert!(work(&stage.circuit));
        }
        assert_eq!(stage.events(), [EventKind::StoreRestored], "{trouble:?}");
        store.load_fails(trouble);
        assert!(work(&stage.circuit));
        assert_eq!(stage.events(), [EventKind::StoreDegraded], "new trouble is news");
    }
}

#[test]
fn a_store_that_can_be_read_but_not_written_is_told_once_and_not_as_restored() {
    let (store, stage) = scripted();
    assert!(work(&stage.circuit));
    store.swap_fails(Unreachable);
    for _ in 0..5 {
        assert!(work(&stage.circuit));
    }
    assert_eq!(stage.events(), [EventKind::StoreDegraded]);
    store.swap_fails(None);
    assert!(work(&stage.circuit));
    assert_eq!(stage.events(), [EventKind::StoreRestored]);
}

#[test]
fn work_that_fails_opens_its_circuit_in_memory_while_the_store_cannot_be_used() {
    for readable in [false, true] {
        let (store, stage) = scripted();
        store.swap_fails(Unreachable);
        store.load_fails((!readable).then_some(Unreachable));
        assert!(fail(&stage.circuit) && fail(&stage.circuit));
        assert!(!work(&stage.circuit), "readable: {readable}");
        stage.pass(COOL_DOWN);
        assert!(work(&stage.circuit));
        assert!(work(&stage.circuit));
    }
}

#[test]
fn an_open_circuit_and_a_switch_are_obeyed_though_the_skip_cannot_be_counted() {
    for trouble in ALL {
        let (store, stage) = scripted();
        let stage = stage.opened();
        store.swap_fails(trouble);
        assert!(!work(&stage.circuit), "{trouble:?}");
        assert_eq!(stage.events(), [EventKind::StoreDegraded], "what could not be counted is said");

        let (store, stage) = scripted();
        stage.board.operator("op").switch(&name(), Position::Off, "dangerous today", None).unwrap();
        store.swap_fails(trouble);
        assert!(!work(&stage.circuit), "{trouble:?}");
    }
}

#[test]
fn a_gate_blocks_while_the_store_cannot_be_read() {
    for trouble in ALL {
        let (store, stage) = scripted();
        let gate = stage.board.gate_with(&name(), policy().build().unwrap()).unwrap();
        store.load_fails(trouble);
        let verdict = gate.judge(|| -> Result<Verdict, String> { unreachable!("nobody is asked") });
        let Verdict::Block(block) = verdict else { panic!("{trouble:?} passed") };
        assert!(!block.evaluated && block.why.contains("mend the script"), "{}", block.why);
        let refusal = gate.permit_for(fuseboard::Call::default()).unwrap_err();
        assert!(matches!(refusal.reason, RefusalReason::StoreLost(_)));
    }
}

#[test]
fn a_pass_that_cannot_be_noted_is_no_verdict_and_a_block_stays_a_block() {
    for trouble in ALL {
        let judge = |verdict| {
            let (store, stage) = scripted();
            store.swap_fails(trouble);
            let gate = stage.board.gate_with(&name(), policy().build().unwrap()).unwrap();
            gate.judge(|| Ok::<_, String>(verdict))
        };
        assert!(matches!(judge(Verdict::Pass), Verdict::Block(block) if !block.evaluated), "{trouble:?}");
        assert_eq!(judge(Verdict::block("secrets")), Verdict::block("secrets"), "{trouble:?}");
    }
}

#[test]
fn a_pass_that_is_kept_for_a_busy_store_passes() {
    let (store, stage) = scripted();
    store.defers();
    let gate = stage.board.gate_with(&name(), policy().build().unwrap()).unwrap();
    store.swap_fails(Busy);
    assert_eq!(gate.judge(|| Ok::<_, String>(Verdict::Pass)), Verdict::Pass);
    assert_eq!(store.deferred().len(), 1);
}

#[test]
fn an_operator_is_told_the_trouble_and_nothing_is_done() {
    for trouble in ALL {
        for readable in [false, true] {
            let (store, stage) = scripted();
            let stage = stage.opened();
            let operator = stage.board.operator("op");
            let before = stage.view();
            store.load_fails((!readable).then_some(trouble));
            store.swap_fails(trouble);
            let acts = [
                operator.switch(&name(), Position::Off, "", None),
                operator.auto(&name(), ""),
                operator.reset(&name()),
                operator.probe(&name(), *stage.circuit.policy()).map(drop),
            ];
            for act in acts {
                assert_eq!(act.unwrap_err().trouble, trouble);
            }
            store.load_fails(None);
            assert_eq!(stage.view(), before);
            assert!(stage.told().is_empty(), "nothing happened, so nothing is told");
        }
    }
}

#[test]
fn what_cannot_be_read_is_never_shown_as_nothing() {
    let (store, stage) = scripted();
    store.load_fails(Corrupt);
    assert_eq!(stage.board.views().unwrap_err().trouble, Corrupt);
    assert_eq!(stage.board.view(&name()).unwrap_err().trouble, Corrupt);
    assert_eq!(stage.circuit.would_run().unwrap_err().trouble, Corrupt);
}

#[test]
fn a_busy_report_is_deferred_once_with_all_that_the_next_writer_needs() {
    let (store, stage) = scripted();
    store.defers();
    let stage = stage.opened();
    stage.pass(COOL_DOWN);
    let probe = stage.circuit.permit().unwrap();
    let epoch = fuseboard::store::Store::load(&*store, &name()).unwrap().record.epoch;
    store.swap_fails(Busy);
    stage.pass(Duration::from_secs(7));
    let settled = probe.settle(&Outcome::Success);
    assert!(matches!(settled.kept, Kept::Deferred) && settled.counted.is_none());
    let [deferred] = &store.deferred()[..] else { panic!("deferred {} times", store.deferred().len()) };
    assert_eq!((deferred.circuit.as_str(), deferred.epoch), (NAME, Some(epoch)));
    assert_eq!((&deferred.outcome, deferred.duration), (&Outcome::Success, Duration::from_secs(7)));
    assert_eq!(deferred.policy, *stage.circuit.policy());
    assert!(!deferred.unpermitted);
    assert_eq!(stage.events(), [EventKind::Probing], "a busy store is no trouble to tell of");
}

#[test]
fn an_outcome_recorded_without_a_permit_is_deferred_too_or_the_trouble_is_returned() {
    let (store, stage) = scripted();
    store.swap_fails(Busy);
    assert_eq!(stage.circuit.record(&Outcome::Success).unwrap_err().trouble, Busy);
    store.defers();
    stage.circuit.record(&Outcome::Success).unwrap();
    let [deferred] = &store.deferred()[..] else { panic!("deferred {} times", store.deferred().len()) };
    assert!(deferred.unpermitted && deferred.epoch.is_none());
}

#[test]
fn a_report_that_is_lost_says_why() {
    let (store, stage) = scripted();
    let permit = stage.circuit.permit().unwrap();
    store.swap_fails(Newer);
    let settled = permit.settle(&Outcome::Success);
    let Kept::Lost { error, deferred: false } = settled.kept else { panic!("{:?}", settled.kept) };
    assert_eq!(error.trouble, Newer);
    let told = stage.told();
    assert!(matches!(&told[..], [Notice::Event(_)]));
    assert!(told[0].to_string().contains("mend the script"), "{}", told[0]);
}

#[test]
fn a_lease_outlives_a_moment_of_trouble_with_the_store() {
    // Leases are renewed in real time by a thread: this test has to wait for it.
    for trouble in ALL {
        let store = ScriptedStore::new(&FakeClock::new());
        let policy =
            Policy::builder().trip_after(1).cool_down(Duration::from_secs(1)).lease(Duration::from_millis(150));
        let board = Board::builder().shared_store(store.clone()).policy(policy.build().unwrap()).build();
        let circuit = board.circuit(NAME).unwrap();
        assert!(fail(&circuit));
        board.operator("op").probe(&name(), *circuit.policy()).unwrap();
        let probe = circuit.permit().unwrap().keep_alive();
        store.at_swap(AtSwap::Fail(trouble));
        let before = store.swaps();
        let renewed = (0..200).any(|_| {
            thread::sleep(Duration::from_millis(10));
            store.swaps() >= before + 2
        });
        assert!(renewed, "{trouble:?} ended the renewals");
        probe.success();
        assert_eq!(board.view(&name()).unwrap().unwrap().state, Shown::Closed);
    }
}
