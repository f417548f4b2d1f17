//! The async guards: futures that are polled, cancelled, moved between threads, and that panic wherever they can.

mod stage;

use std::cell::Cell;
use std::future::{Pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use fuseboard::event::EventKind;
use fuseboard::{Attempt, Board, FailureKind, Policy, Shown, TryError, Verdict, block_on};

use stage::{COOL_DOWN, NAME, Stage, fail, work};

type Answer = Result<i32, String>;

/// Work that is not ready for so many polls.
async fn waits(polls: u32) -> Answer {
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    Ok(3)
}

/// Work that panics after so many polls.
async fn panics(polls: u32) -> Answer {
    waits(polls).await?;
    panic!("boom")
}

/// Work that must not be polled.
fn never() -> impl Future<Output = Answer> {
    poll_fn(|_| unreachable!("the circuit is open"))
}

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_value_comes_back_as_it_is_however_long_it_takes() {
    let stage = Stage::new();
    for polls in 0..3 {
        assert!(matches!(block_on(stage.circuit.run_async(waits(polls))), Attempt::Done(3)));
        assert_eq!(block_on(stage.circuit.run_or_async(0, waits(polls))), 3);
        assert_eq!(block_on(stage.circuit.run_or_else_async(|| 0, waits(polls))), 3);
        assert!(matches!(block_on(stage.circuit.try_run_async(waits(polls))), Ok(3)));
    }
    assert_eq!(stage.view().totals.success, 12);
}

#[test]
fn an_error_is_handed_back_or_replaced_by_the_default_and_is_a_failure() {
    let fails = || async { Err::<i32, _>("it broke") };
    let stage = Stage::new();
    assert!(matches!(block_on(stage.circuit.run_async(fails())), Attempt::Failed("it broke")));
    assert_eq!(block_on(stage.circuit.run_or_async(9, fails())), 9);
    let view = stage.view();
    assert_eq!((view.state, view.totals.failure, view.totals.success), (Shown::Open, 2, 0));
    let stage = Stage::new();
    assert!(matches!(block_on(stage.circuit.try_run_async(fails())), Err(TryError::Failed("it broke"))));
    assert_eq!(block_on(stage.circuit.run_or_else_async(|| 9, fails())), 9);
    assert_eq!(stage.view().state, Shown::Open);
}

#[test]
fn the_work_of_a_skipped_call_is_never_polled() {
    let stage = Stage::open();
    assert!(matches!(block_on(stage.circuit.run_async(never())), Attempt::Skipped(_)));
    assert_eq!(block_on(stage.circuit.run_or_async(9, never())), 9);
    assert_eq!(block_on(stage.circuit.run_or_else_async(|| 9, never())), 9);
    assert!(matches!(block_on(stage.circuit.try_run_async(never())), Err(TryError::Skipped(_))));
    assert_eq!(stage.view().totals.skipped, 4);
}

#[test]
fn a_panic_is_contained_by_run_async_and_goes_on_through_try_run_async() {
    let stage = Stage::new();
    assert!(
        matches!(block_on(stage.circuit.run_async(panics(0))), Attempt::Panicked(text) if text == "panicked: boom")
    );
    let try_run = || block_on(stage.circuit.try_run_async(panics(0))).is_ok();
    let payload = catch_unwind(AssertUnwindSafe(try_run)).unwrap_err();
    assert_eq!(payload.downcast_ref::<&str>(), Some(&"boom"), "the panic is the work's own");
    let view = stage.view();
    assert_eq!((view.state, view.totals.failure, view.totals.ignored), (Shown::Open, 2, 0));
    assert_eq!(view.last_failure.unwrap().0, FailureKind::Panic);
}

#[test]
fn a_panic_after_any_number_of_polls_is_one_failure_and_gives_the_probe_back() {
    for polls in 0..4 {
        let stage = Stage::open();
        stage.pass(COOL_DOWN);
        assert!(matches!(block_on(stage.circuit.run_async(panics(polls))), Attempt::Panicked(_)));
        assert_eq!(stage.events(), [EventKind::Probing, EventKind::Reopened], "after {polls} polls");
        let view = stage.view();
        assert_eq!((view.trips, view.totals.failure, view.totals.ignored), (2, 3, 0));
    }
}

#[test]
fn a_future_dropped_between_any_two_polls_is_ignored_and_gives_the_probe_back() {
    for polls in 1..4 {
        let stage = Stage::open();
        stage.pass(COOL_DOWN);
        {
            let mut cancelled = pin!(stage.circuit.run_async(waits(9)));
            for _ in 0..polls {
                assert!(poll(cancelled.as_mut()).is_pending());
            }
            assert!(!work(&stage.circuit), "the probe is out");
        }
        let view = stage.view();
        assert_eq!((view.totals.ignored, view.probe_due, view.trips), (1, true, 1), "after {polls} polls");
        assert!(work(&stage.circuit), "the probe was given back");
        assert_eq!(stage.view().state, Shown::Closed);
    }
}

#[test]
fn a_future_that_is_never_polled_asks_for_nothing() {
    let stage = Stage::open();
    stage.pass(COOL_DOWN);
    drop(stage.circuit.run_async(waits(0)));
    assert_eq!(stage.view().totals.ignored, 0);
    assert!(stage.events().is_empty());
}

#[test]
fn a_guard_dropped_by_somebody_elses_panic_is_ignored() {
    let stage = Stage::new();
    let elsewhere = || {
        let mut guarded = pin!(stage.circuit.run_async(waits(9)));
        assert!(poll(guarded.as_mut()).is_pending());
        panic!("beside the work");
    };
    assert!(catch_unwind(AssertUnwindSafe(elsewhere)).is_err());
    let totals = stage.view().totals;
    assert_eq!((totals.ignored, totals.failure), (1, 0));
}

/// A future that panics when it is dropped.
struct DropsBadly<F>(Pin<Box<F>>);

impl<F: Future> Future for DropsBadly<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.0.as_mut().poll(context)
    }
}

impl<F> Drop for DropsBadly<F> {
    fn drop(&mut self) {
        panic!("dropped badly");
    }
}

#[test]
fn work_that_panics_when_it_is_dropped_is_settled_once() {
    let stage = Stage::new();
    let done = block_on(stage.circuit.run_async(DropsBadly(Box::pin(waits(1)))));
    assert!(matches!(done, Attempt::Panicked(text) if text == "panicked: dropped badly"));
    let totals = stage.view().totals;
    assert_eq!((totals.failure, totals.success, totals.ignored), (1, 0, 0));

    let cancel = || {
        let mut cancelled = pin!(stage.circuit.run_async(DropsBadly(Box::pin(waits(9)))));
        assert!(poll(cancelled.as_mut()).is_pending());
    };
    assert!(catch_unwind(AssertUnwindSafe(cancel)).is_err(), "who cancels gets the panic");
    let totals = stage.view().totals;
    assert_eq!((totals.failure, totals.success, totals.ignored), (1, 0, 1));
}

#[test]
fn a_panic_and_one_more_when_what_is_left_is_dropped_are_one_failure() {
    let stage = Stage::new();
    let attempt = block_on(stage.circuit.run_async(DropsBadly(Box::pin(panics(1)))));
    assert!(matches!(attempt, Attempt::Panicked(text) if text == "panicked: boom"));
    assert_eq!(stage.view().totals.failure, 1);
}

#[test]
fn a_future_that_was_skipped_never_runs_its_work_though_it_is_polled_again() {
    let stage = Stage::open();
    let mut skipped = pin!(stage.circuit.run_async(waits(0)));
    assert!(matches!(poll(skipped.as_mut()), Poll::Ready(Attempt::Skipped(_))));
    stage.pass(COOL_DOWN);
    assert!(catch_unwind(AssertUnwindSafe(|| poll(skipped.as_mut()).is_ready())).is_err());
    assert_eq!(stage.view().state, Shown::Open, "no probe was taken");
}

#[test]
fn work_that_panics_while_its_future_is_made_is_contained_too() {
    struct Unmade;
    impl IntoFuture for Unmade {
        type Output = Answer;
        type IntoFuture = Pending<Answer>;
        fn into_future(self) -> Pending<Answer> {
            panic!("cannot be made")
        }
    }
    let stage = Stage::new();
    assert!(matches!(block_on(stage.circuit.run_async(Unmade)), Attempt::Panicked(_)));
    assert_eq!(stage.view().totals.failure, 1);
}

#[test]
fn a_default_is_made_only_where_it_is_needed() {
    let made = Cell::new(0);
    let default = || {
        made.set(made.get() + 1);
        9
    };
    let stage = Stage::new();
    assert_eq!(block_on(stage.circuit.run_or_else_async(default, waits(2))), 3);
    assert_eq!(made.get(), 0);
    assert_eq!(block_on(stage.circuit.run_or_else_async(default, async { Err("it broke") })), 9);
    assert_eq!(made.get(), 1);
}

#[test]
fn futures_of_one_circuit_count_in_the_order_in_which_they_end() {
    let stage = Stage::new();
    let late = async {
        waits(1).await?;
        Answer::Err("it broke".to_owned())
    };
    let mut first = pin!(stage.circuit.run_async(late));
    assert!(poll(first.as_mut()).is_pending());
    assert!(fail(&stage.circuit));
    assert!(block_on(stage.circuit.run_async(waits(3))).is_done());
    assert!(matches!(block_on(first), Attempt::Failed(_)));
    assert_eq!((stage.view().state, stage.view().failures), (Shown::Closed, 1), "a success stands between the two");
}

#[test]
fn a_guard_is_send_if_its_work_is_and_may_end_on_another_thread() {
    fn send<F: Send>(future: F) -> F {
        future
    }
    let stage = Stage::new();
    let circuit = stage.circuit.clone();
    let gate = stage.board.gate("review").unwrap();
    drop(send(gate.judge_async(async { Ok::<_, String>(Verdict::Pass) })));
    let mut moved = Box::pin(send(async move { circuit.run_async(waits(1)).await.done() }));
    assert!(poll(moved.as_mut()).is_pending());
    let ended = thread::spawn(move || block_on(moved)).join();
    assert_eq!(ended.unwrap(), Some(3));
    assert_eq!(stage.view().totals.success, 1);
}

#[test]
fn a_probe_that_waits_longer_than_its_lease_keeps_it() {
    // Leases are renewed in real time by a thread, so this is one of the few tests that sleep.
    let policy = Policy::builder().trip_after(1).cool_down(Duration::from_millis(1)).lease(Duration::from_millis(150));
    let board = Board::builder().policy(policy.build().unwrap()).build();
    let circuit = board.circuit(NAME).unwrap();
    assert!(fail(&circuit));
    thread::sleep(Duration::from_millis(5));
    let mut probe = pin!(circuit.run_async(waits(5)));
    for _ in 0..5 {
        assert!(poll(probe.as_mut()).is_pending());
        thread::sleep(Duration::from_millis(100));
        assert!(!work(&circuit), "the probe is out: everybody else is skipped");
    }
    assert!(block_on(probe).is_done());
    assert_eq!(board.view(circuit.name()).unwrap().unwrap().totals.late, 0);
}

#[test]
fn an_async_gate_passes_only_what_its_evaluator_passed_in_this_call() {
    let stage = Stage::new();
    let gate = stage.board.gate("review").unwrap();
    let passes = || async {
        waits(2).await?;
        Ok::<_, String>(Verdict::Pass)
    };
    assert_eq!(block_on(gate.judge_async(passes())), Verdict::Pass);
    {
        let mut cancelled = pin!(gate.judge_async(passes()));
        assert!(poll(cancelled.as_mut()).is_pending());
    }
    assert_eq!(stage.board.view(gate.name()).unwrap().unwrap().totals.ignored, 1);
    let crashed = block_on(gate.judge_async(async { Err::<Verdict, _>("crashed") }));
    assert_eq!(crashed.to_string(), "block: no verdict: crashed");
    let panicked = block_on(gate.judge_async(async { panics(1).await.map(|_| Verdict::Pass) }));
    assert_eq!(panicked.to_string(), "block: no verdict: panicked: boom");
    let open = block_on(gate.judge_async(passes()));
    assert!(matches!(open, Verdict::Block(block) if !block.evaluated), "open blocks, though it would have passed");
}

#[test]
fn block_on_sleeps_until_it_is_woken_from_elsewhere() {
    let (tell, told) = std::sync::mpsc::channel();
    let waker = thread::spawn(move || {
        let waker: Waker = told.recv().unwrap();
        waker.wake();
    });
    let mut asked = false;
    let woken = poll_fn(|context| {
        if asked {
            return Poll::Ready(true);
        }
        asked = true;
        tell.send(context.waker().clone()).unwrap();
        Poll::Pending
    });
    assert!(block_on(woken));
    waker.join().unwrap();
}
