//! Circuits in memory that are well: calls that succeed write nothing, and everything else is as with a permit.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::event::{Notice, Observer};
use fuseboard::record::Position;
use fuseboard::store::MemoryStore;
use fuseboard::{Attempt, Board, Circuit, CircuitName, FailureRate, Policy, RefusalReason, Shown, View, block_on};

struct Stage {
    board: Board,
    circuit: Circuit,
    clock: FakeClock,
    told: Arc<AtomicU32>,
}

impl Stage {
    fn new() -> Self {
        let (clock, told) = (FakeClock::new(), Arc::new(AtomicU32::new(0)));
        let count = told.clone();
        let note = move |_: &Notice| {
            count.fetch_add(1, Ordering::SeqCst);
        };
        let store = MemoryStore::with_clock(Arc::new(clock.clone()));
        let board = Board::builder().store(store).clock(clock.clone()).observer(note).build();
        let circuit = board.circuit("work").unwrap();
        Self { board, circuit, clock, told }
    }

    fn view(&self) -> Option<View> {
        self.board.view(&name()).unwrap()
    }

    fn state(&self) -> Shown {
        self.view().map_or(Shown::Closed, |view| view.state)
    }
}

fn name() -> CircuitName {
    "work".parse().unwrap()
}

fn done(circuit: &Circuit) -> bool {
    circuit.run(|| Ok::<_, String>(())).is_done()
}

fn fail(circuit: &Circuit) -> bool {
    matches!(circuit.run(|| Err::<(), _>("no")), Attempt::Failed(_))
}

/// A call that began now, and ends when told how.
fn begun(circuit: &Circuit) -> (mpsc::Sender<bool>, thread::JoinHandle<()>) {
    let ((begun, has_begun), (end, ends)) = (mpsc::channel(), mpsc::channel());
    let circuit = circuit.clone();
    let call = thread::spawn(move || {
        let _ = circuit.run(|| {
            begun.send(()).unwrap();
            if ends.recv().unwrap() { Ok(()) } else { Err("late") }
        });
    });
    has_begun.recv().unwrap();
    (end, call)
}

fn end((end, call): (mpsc::Sender<bool>, thread::JoinHandle<()>), well: bool) {
    end.send(well).unwrap();
    call.join().unwrap();
}

#[test]
fn successes_of_a_circuit_that_is_well_leave_no_trace() {
    let stage = Stage::new();
    assert!((0..100).all(|_| done(&stage.circuit)));
    assert!(block_on(stage.circuit.run_async(async { Ok::<_, String>(()) })).is_done());
    assert_eq!((stage.view().is_none(), stage.told.load(Ordering::SeqCst)), (true, 0));
    assert!(stage.board.views().unwrap().is_empty());
}

#[test]
fn asked_to_every_success_is_counted() {
    let board = Board::builder().exact_totals(true).build();
    let circuit = board.circuit("work").unwrap();
    assert!((0..3).all(|_| done(&circuit)));
    assert_eq!(board.view(&name()).unwrap().unwrap().totals.success, 3);
}

#[test]
fn failures_in_a_row_open_it_and_a_success_between_them_does_not_let_it() {
    let stage = Stage::new();
    for _ in 0..3 {
        assert!(fail(&stage.circuit) && done(&stage.circuit));
        assert_eq!((stage.state(), stage.view().unwrap().failures), (Shown::Closed, 0));
    }
    assert!(fail(&stage.circuit) && fail(&stage.circuit) && !done(&stage.circuit));
    assert_eq!((stage.state(), stage.view().unwrap().totals.failure), (Shown::Open, 5));
    stage.clock.advance(Policy::default().cool_down().unwrap() * 2);
    assert!(done(&stage.circuit), "the probe");
    assert_eq!(stage.state(), Shown::Closed);
    let success = stage.view().unwrap().totals.success;
    assert!(done(&stage.circuit));
    assert_eq!(stage.view().unwrap().totals.success, success, "it is well again");
}

#[test]
fn a_panic_is_a_failure() {
    let stage = Stage::new();
    for _ in 0..2 {
        assert!(matches!(stage.circuit.run(|| -> Result<(), String> { panic!("oh") }), Attempt::Panicked(_)));
    }
    assert_eq!(stage.state(), Shown::Open);
}

#[test]
fn a_failure_that_began_before_another_one_counts_with_it() {
    let stage = Stage::new();
    let first = begun(&stage.circuit);
    assert!(fail(&stage.circuit));
    end(first, false);
    assert_eq!(stage.state(), Shown::Open);
}

#[test]
fn a_success_that_began_before_a_failure_ends_the_row_when_it_is_reported() {
    let stage = Stage::new();
    let first = begun(&stage.circuit);
    assert!(fail(&stage.circuit));
    end(first, true);
    assert_eq!((stage.state(), stage.view().unwrap().failures), (Shown::Closed, 0));
}

#[test]
fn what_began_in_an_earlier_period_is_late() {
    let stage = Stage::new();
    let [good, bad, worse] = [(); 3].map(|()| begun(&stage.circuit));
    assert!(fail(&stage.circuit) && fail(&stage.circuit));
    end(good, true);
    assert_eq!(stage.state(), Shown::Open, "a late success does not close");
    stage.clock.advance(Policy::default().cool_down().unwrap() * 2);
    assert!(done(&stage.circuit));
    end(bad, false);
    end(worse, false);
    let view = stage.view().unwrap();
    assert_eq!((view.state, view.failures, view.totals.late), (Shown::Closed, 0, 3));
}

#[test]
fn a_switch_holds_from_the_next_call_on_and_a_reset_gives_way_again() {
    let stage = Stage::new();
    assert!(done(&stage.circuit));
    let operator = stage.board.operator("ada");
    operator.switch(&name(), Position::Off, "moving", None).unwrap();
    assert!(!done(&stage.circuit));
    operator.auto(&name(), "moved").unwrap();
    assert!(done(&stage.circuit) && fail(&stage.circuit) && fail(&stage.circuit) && !done(&stage.circuit));
    operator.reset(&name()).unwrap();
    assert!(done(&stage.circuit));
}

#[test]
fn a_call_that_is_dropped_counts_for_nothing() {
    let stage = Stage::new();
    assert!(fail(&stage.circuit));
    stage.board.operator("ada").reset(&name()).unwrap();
    drop(stage.circuit.run_async(std::future::pending::<Result<(), String>>()));
    assert!(fail(&stage.circuit) && stage.state() == Shown::Closed && fail(&stage.circuit));
    assert_eq!(stage.state(), Shown::Open);
}

#[test]
fn handles_of_two_boards_on_one_store_are_of_one_circuit() {
    let store: Arc<MemoryStore> = Arc::default();
    let boards = [(); 2].map(|()| Board::builder().shared_store(store.clone()).build());
    let [one, other] = boards.each_ref().map(|board| board.circuit("work").unwrap());
    assert!(done(&one) && fail(&one) && fail(&other));
    assert!(!done(&one) && !done(&other));
}

/// Eight threads that each make these calls of one circuit, 400 times.
fn crowd(circuit: &Circuit, call: impl Fn(&Circuit, u32) + Sync) {
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..400).for_each(|number| call(circuit, number)));
        }
    });
}

/// Fails at every 20th call.
fn now_and_then(circuit: &Circuit, number: u32) {
    assert!(if number.is_multiple_of(20) { fail(circuit) } else { done(circuit) });
}

#[test]
fn of_many_threads_at_once_no_failure_is_lost() {
    for exact in [false, true] {
        let policy = Policy::builder().trip_after(1_000_000).build().unwrap();
        let board = Board::builder().policy(policy).exact_totals(exact).build();
        crowd(&board.circuit("work").unwrap(), now_and_then);
        let totals = board.view(&name()).unwrap().unwrap().totals;
        assert_eq!(totals.failure, 160);
        assert!(if exact { totals.success == 3040 } else { totals.success < 3040 });
    }
}

#[test]
fn of_many_threads_at_once_a_failure_rate_counts_every_call() {
    let rate = FailureRate { failures: 0.9, of: 1000, within: Duration::from_hours(24) };
    let board = Board::builder().policy(Policy::builder().rate(rate).build().unwrap()).build();
    let circuit = board.circuit("work").unwrap();
    crowd(&circuit, now_and_then);
    let view = board.view(&name()).unwrap().unwrap();
    let sample = view.sample.unwrap();
    assert_eq!((sample.failures, sample.calls), (160, 3200));
    assert_eq!((view.totals.failure, view.totals.success), (160, 3040));
}

#[test]
fn of_many_threads_at_once_every_skip_is_counted() {
    for never in [true, false] {
        let policy = Policy::builder().trip_after(1);
        let policy = if never { policy.cool_down_never() } else { policy.cool_down(Duration::from_hours(1)) };
        let board = Board::builder().policy(policy.build().unwrap()).build();
        let circuit = board.circuit("work").unwrap();
        assert!(fail(&circuit));
        crowd(&circuit, |circuit, _| assert_eq!(circuit.run_or(3, || Ok::<_, String>(4)), 3));
        let Attempt::Skipped(refusal) = circuit.run(|| Ok::<_, String>(())) else { panic!("it is open") };
        let RefusalReason::Skipped(skip) = &refusal.reason else { panic!("memory is never lost") };
        let view = board.view(&name()).unwrap().unwrap();
        assert_eq!((skip.count, view.skips, view.totals.skipped), (3201, 3201, 3201));
        assert_eq!((refusal.retry_in.is_none(), refusal.last_error.as_deref()), (never, Some("no")));
    }
}

#[test]
fn who_does_not_want_skips_is_told_of_everything_else() {
    struct Notes(Arc<AtomicU32>, Arc<AtomicU32>);
    impl Observer for Notes {
        fn notice(&self, notice: &Notice) {
            let skipped = matches!(notice, Notice::Skipped { .. });
            if skipped { &self.0 } else { &self.1 }.fetch_add(1, Ordering::SeqCst);
        }
        fn wants_skips(&self) -> bool {
            false
        }
    }
    let (skips, others) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (quiet, loud) = (Notes(skips.clone(), others.clone()), Arc::new(AtomicU32::new(0)));
    let count = loud.clone();
    let noted = move |_: &Notice| {
        count.fetch_add(1, Ordering::SeqCst);
    };
    for observers in [
        Board::builder().observer(quiet),
        Board::builder().observer(Notes(skips.clone(), others.clone())).observer(noted),
    ] {
        let circuit = observers.build().circuit("work").unwrap();
        assert!(fail(&circuit) && fail(&circuit) && !done(&circuit));
    }
    let told = [&skips, &others, &loud].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(told, [0, 4, 3], "a failure and an opening each; the other one was told of the skip, too");
}

#[test]
fn an_operator_is_heard_by_who_skips_at_once() {
    let board = Board::new();
    let circuit = board.circuit("work").unwrap();
    assert!(fail(&circuit) && fail(&circuit) && !done(&circuit));
    assert!(board.operator("ada").probe(&name(), *circuit.policy()).unwrap());
    assert!(fail(&circuit), "the probe");
    assert!(!done(&circuit));
    board.operator("ada").reset(&name()).unwrap();
    assert!(done(&circuit));
}
