//! The guards: values, errors and panics, nested and while unwinding.

mod stage;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use fuseboard::{Attempt, FailureKind, Shown, TryError, Verdict};

use stage::{Stage, work};

#[test]
fn a_value_comes_back_as_it_is() {
    let stage = Stage::new();
    assert!(matches!(stage.circuit.run(|| Ok::<_, String>(3)), Attempt::Done(3)));
    assert_eq!(stage.circuit.run_or(0, || Ok::<_, String>(3)), 3);
    assert_eq!(stage.circuit.run_or_else(|| 0, || Ok::<_, String>(3)), 3);
    assert!(matches!(stage.circuit.try_run(|| Ok::<_, String>(3)), Ok(3)));
    assert_eq!(stage.view().totals.success, 4);
}

#[test]
fn an_error_is_handed_back_with_its_type_or_replaced_by_the_default() {
    #[derive(Debug, PartialEq)]
    struct Code(u8);
    impl fmt::Display for Code {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "code {}", self.0)
        }
    }
    let fails = || Err::<u8, _>(Code(7));
    assert!(matches!(Stage::new().circuit.run(fails), Attempt::Failed(Code(7))));
    assert!(matches!(Stage::new().circuit.try_run(fails), Err(TryError::Failed(Code(7)))));
    let stage = Stage::new();
    assert_eq!(stage.circuit.run_or(9, fails), 9);
    assert_eq!(stage.view().last_failure.unwrap().1, "code 7");
}

#[test]
fn a_default_never_turns_a_failure_into_a_success() {
    let stage = Stage::new();
    assert_eq!(stage.circuit.run_or(3, || Err("it broke")), 3);
    assert_eq!(stage.circuit.run_or_else(|| 3, || Err("it broke")), 3);
    let view = stage.view();
    assert_eq!((view.state, view.totals.failure, view.totals.success), (Shown::Open, 2, 0));
}

#[test]
fn a_skipped_call_gets_its_default_and_try_run_tells_the_refusal() {
    let stage = Stage::open();
    let never = || -> Result<i32, String> { unreachable!("the circuit is open") };
    assert_eq!(stage.circuit.run_or(3, never), 3);
    assert!(matches!(stage.circuit.run(never), Attempt::Skipped(_)));
    let refused = stage.circuit.try_run(never).unwrap_err();
    assert_eq!(refused.to_string(), "skipped: work: circuit open for 0ms, next probe in 5m (last error: it broke)");
}

#[test]
fn a_panic_is_contained_by_run_and_goes_on_through_try_run() {
    let stage = Stage::new();
    let panics = || -> Result<i32, String> { panic!("boom") };
    assert_eq!(stage.circuit.run_or(3, panics), 3);
    let payload = catch_unwind(AssertUnwindSafe(|| stage.circuit.try_run(panics).is_ok())).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"boom"), "the panic is the work's own");
    let view = stage.view();
    assert_eq!((view.state, view.totals.failure), (Shown::Open, 2));
    assert_eq!(view.last_failure.unwrap().0, FailureKind::Panic);
}

#[test]
fn a_panic_without_words_is_a_failure_too() {
    let stage = Stage::new();
    let attempt = stage.circuit.run(|| -> Result<(), String> { panic_any(7_u8) });
    assert!(matches!(attempt, Attempt::Panicked(text) if text == "panicked"));
}

#[test]
fn an_error_whose_text_panics_is_contained_as_a_panic() {
    struct Mute;
    impl fmt::Display for Mute {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("no words")
        }
    }
    let stage = Stage::new();
    assert!(matches!(stage.circuit.run(|| Err::<(), _>(Mute)), Attempt::Panicked(_)));
    assert_eq!(stage.view().last_failure.unwrap().0, FailureKind::Panic);
    let verdict = stage.board.gate("review").unwrap().judge(|| Err::<Verdict, _>(Mute));
    assert!(matches!(verdict, Verdict::Block(block) if !block.evaluated));
}

#[test]
fn nested_guards_count_each_for_itself() {
    let stage = Stage::new();
    let inner = stage.board.circuit("inner").unwrap();
    let outer = stage.circuit.run(|| {
        assert_eq!(inner.run_or(0, || Err("the inner one broke")), 0);
        assert!(matches!(inner.run(|| -> Result<(), String> { panic!("and panicked") }), Attempt::Panicked(_)));
        Ok::<_, String>(())
    });
    assert!(outer.is_done());
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 0));
    assert_eq!(stage.board.view(inner.name()).unwrap().unwrap().state, Shown::Open);
}

#[test]
fn the_same_circuit_nested_in_itself_counts_both_calls() {
    let stage = Stage::new();
    let outer = stage.circuit.run(|| if work(&stage.circuit) { Err("outer") } else { Ok(()) });
    assert!(matches!(outer, Attempt::Failed("outer")));
    let view = stage.view();
    assert_eq!((view.totals.success, view.totals.failure, view.failures), (1, 1, 1));
}

#[test]
fn a_guard_in_a_destructor_works_while_a_panic_unwinds() {
    struct CleansUp<'a>(&'a Stage);
    impl Drop for CleansUp<'_> {
        fn drop(&mut self) {
            assert!(work(&self.0.circuit));
            let attempt = self.0.circuit.run(|| -> Result<(), String> { panic!("in the destructor") });
            assert!(matches!(attempt, Attempt::Panicked(_)));
            drop(self.0.circuit.permit().unwrap());
        }
    }
    let stage = Stage::new();
    let outer = stage.board.circuit("outer").unwrap();
    let attempt = outer.run(|| -> Result<(), String> {
        let _cleans_up = CleansUp(&stage);
        panic!("in the work")
    });
    assert!(matches!(attempt, Attempt::Panicked(text) if text == "panicked: in the work"));
    let totals = stage.view().totals;
    assert_eq!((totals.success, totals.failure, totals.ignored), (1, 1, 1), "the panic outside is not this circuit's");
    assert_eq!(stage.board.view(outer.name()).unwrap().unwrap().totals.failure, 1);
}

#[test]
fn a_gate_passes_only_what_its_evaluator_passed_in_this_call() {
    let stage = Stage::new();
    let gate = stage.board.gate("review").unwrap();
    assert_eq!(gate.judge(|| Ok::<_, String>(Verdict::Pass)), Verdict::Pass);
    for evaluator in [|| Err::<Verdict, _>("crashed"), || panic!("crashed")] {
        let verdict = gate.judge(evaluator);
        assert!(matches!(&verdict, Verdict::Block(block) if !block.evaluated), "{verdict}");
        assert!(verdict.to_string().starts_with("block: no verdict: "), "{verdict}");
    }
    let open = gate.judge(|| Ok::<_, String>(Verdict::Pass));
    assert!(matches!(open, Verdict::Block(block) if !block.evaluated), "open blocks, though it would have passed");
}
