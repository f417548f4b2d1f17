//! What a result means to a circuit is said by who calls it: answers, failures, and what says nothing.

mod stage;

use std::panic::{AssertUnwindSafe, catch_unwind};

use fuseboard::{
    Attempt, ByText, Classified, Classify, Failure, FailureKind, Outcome, Shown, TryError, block_on, panic_message,
};

use stage::{COOL_DOWN, Stage, work};

/// An error without words.
#[derive(Debug, PartialEq)]
enum Lookup {
    NotFound,
    Down,
    Cancelled,
}

/// 0 is a value that stands for an error.
fn meaning(result: &Result<u16, Lookup>) -> Outcome {
    match result {
        Ok(0) => Outcome::Failure(Failure::error(&"nothing came")),
        Ok(_) | Err(Lookup::NotFound) => Outcome::Success,
        Err(Lookup::Down) => Outcome::Failure(Failure::new(FailureKind::Timeout, "no answer")),
        Err(Lookup::Cancelled) => Outcome::Ignored,
    }
}

fn classified(stage: &Stage) -> Classified<impl Classify<u16, Lookup>> {
    stage.circuit.classify(meaning)
}

#[test]
fn a_negative_answer_is_handed_back_as_an_error_and_counts_as_a_success() {
    let stage = Stage::new();
    let users = classified(&stage);
    for _ in 0..5 {
        assert!(matches!(users.run(|| Err(Lookup::NotFound)), Attempt::Failed(Lookup::NotFound)));
    }
    let view = stage.view();
    assert_eq!((view.state, view.failures, view.totals.success), (Shown::Closed, 0, 5));
}

#[test]
fn an_error_value_is_handed_back_as_it_is_and_counts_as_a_failure() {
    let stage = Stage::new();
    let users = classified(&stage);
    assert!(matches!(users.run(|| Ok(0)), Attempt::Done(0)));
    assert_eq!(block_on(users.run_or_async(9, async { Ok(0) })), 0, "the value was made");
    let view = stage.view();
    assert_eq!((view.state, view.totals.failure, view.totals.success), (Shown::Open, 2, 0));
    assert_eq!(view.last_failure.unwrap().1, "nothing came");
}

#[test]
fn an_error_that_says_nothing_of_the_work_is_ignored_and_gives_the_probe_back() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    assert!(matches!(classified(&stage).run(|| Err(Lookup::Cancelled)), Attempt::Failed(Lookup::Cancelled)));
    let view = stage.view();
    assert_eq!((view.trips, view.probe_due, view.totals.ignored), (1, true, 1));
}

#[test]
fn a_classifier_may_say_how_the_work_failed() {
    let stage = Stage::new();
    assert!(matches!(classified(&stage).run(|| Err(Lookup::Down)), Attempt::Failed(Lookup::Down)));
    let (kind, message, _) = stage.view().last_failure.unwrap();
    assert_eq!((kind, message.as_str(), stage.view().totals.timeout), (FailureKind::Timeout, "no answer", 1));
}

#[test]
fn every_guard_asks_the_classifier() {
    let stage = Stage::new();
    let users = classified(&stage);
    assert!(users.run(|| Ok(1)).is_done());
    assert_eq!(users.run_or(9, || Err(Lookup::NotFound)), 9);
    assert_eq!(users.run_or_else(|| 9, || Err(Lookup::NotFound)), 9);
    assert!(matches!(users.try_run(|| Err(Lookup::NotFound)), Err(TryError::Failed(Lookup::NotFound))));
    block_on(async {
        let not_found = || async { Err(Lookup::NotFound) };
        assert!(matches!(users.run_async(not_found()).await, Attempt::Failed(Lookup::NotFound)));
        assert_eq!(users.run_or_async(9, not_found()).await, 9);
        assert_eq!(users.run_or_else_async(|| 9, not_found()).await, 9);
        assert!(matches!(users.try_run_async(not_found()).await, Err(TryError::Failed(Lookup::NotFound))));
    });
    let totals = stage.view().totals;
    assert_eq!((totals.success, totals.failure), (8, 0));
}

#[test]
fn a_skipped_call_is_not_classified() {
    let stage = Stage::open();
    let never = stage.circuit.classify(|_: &Result<u16, Lookup>| unreachable!("the circuit is open"));
    assert_eq!(never.run_or(9, || Ok(1)), 9);
    assert_eq!(block_on(never.run_or_async(9, async { Ok(1) })), 9);
}

#[test]
fn a_classifier_that_panics_is_work_that_panicked_and_loses_no_probe() {
    for polled in [false, true] {
        let stage = Stage::open();
        stage.pass(COOL_DOWN);
        let confused = stage.circuit.classify(|_: &Result<u16, Lookup>| -> Outcome { panic!("no idea") });
        let attempt = if polled { block_on(confused.run_async(async { Ok(1) })) } else { confused.run(|| Ok(1)) };
        assert!(matches!(attempt, Attempt::Panicked(text) if text == "panicked: no idea"));
        let view = stage.view();
        assert_eq!((view.state, view.trips, view.last_failure.unwrap().0), (Shown::Open, 2, FailureKind::Panic));
        stage.pass(COOL_DOWN * 2);
        let thrown = catch_unwind(AssertUnwindSafe(|| confused.try_run(|| Ok(1)).is_ok())).unwrap_err();
        assert_eq!(panic_message(&*thrown), "panicked: no idea");
        stage.pass(COOL_DOWN * 4);
        assert!(work(&stage.circuit));
    }
}

#[test]
fn a_classifier_may_be_a_type_that_leaves_the_rest_to_the_default() {
    struct Patient;
    impl<T> Classify<T, String> for Patient {
        fn classify(&self, result: &Result<T, String>) -> Outcome {
            match result {
                Err(error) if error == "busy" => Outcome::Ignored,
                result => ByText.classify(result),
            }
        }
    }
    let stage = Stage::new();
    let patient = stage.circuit.classify(Patient);
    assert!(!patient.run(|| Err::<u8, _>("busy".to_owned())).is_done());
    assert!(!patient.run(|| Err::<(), _>("broken".to_owned())).is_done());
    assert!(patient.run(|| Ok("one classifier, values of any type")).is_done());
    let totals = stage.view().totals;
    assert_eq!((totals.ignored, totals.failure, totals.success), (1, 1, 1));
}

#[test]
fn classification_is_no_part_of_the_policy_and_each_caller_has_its_own() {
    let stage = Stage::new();
    let strict = stage.circuit.classify(|_: &Result<u16, Lookup>| Outcome::Failure(Failure::error(&"strict")));
    assert!(strict.run(|| Ok(1)).is_done());
    assert!(classified(&stage).run(|| Ok(1)).is_done());
    assert_eq!((stage.view().failures, strict.circuit().policy()), (0, stage.circuit.policy()));
}
