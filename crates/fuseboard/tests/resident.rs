//! A circuit in memory, whose healthy calls and skips are counted beside its record, and the same circuit written call
//! by call: random lives of both, in which nobody can tell them apart.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::event::Row;
use fuseboard::record::{Position, Record};
use fuseboard::store::{Listed, Loaded, MemoryStore, Store, StoreError, Swap, Version};
use fuseboard::{
    Attempt, Board, Circuit, CircuitName, FailureRate, Mode, Outcome, Policy, RefusalReason, Shown, View, block_on,
};
use proptest::prelude::*;

const NAME: &str = "work";

/// A store in memory that is asked for each call.
struct Asked(Arc<MemoryStore>);

impl Store for Asked {
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError> {
        self.0.load(name)
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        rows: &[Row],
    ) -> Result<Swap, StoreError> {
        self.0.swap(name, expected, next, rows)
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        self.0.list()
    }
}

/// One circuit and its clock.
struct Life {
    clock: FakeClock,
    board: Board,
    circuit: Circuit,
}

/// What a call came to, and what the refused are told.
#[derive(Debug, PartialEq)]
enum Told {
    Done,
    Failed,
    Panicked,
    Skipped { count: u64, open_for: Option<Duration>, retry_in: Option<Duration>, last_error: Option<String> },
    Dropped,
    Acted,
}

#[derive(Clone, Copy, Debug)]
enum Happening {
    Succeed,
    Fail,
    Panic,
    SucceedLater,
    FailLater,
    Drop,
    Record(bool),
    Pass(u64),
    Switch(Position),
    Auto,
    Probe,
    Reset,
}

impl Life {
    fn new(policy: Policy, exact_totals: bool, asked: bool) -> Self {
        let clock = FakeClock::new();
        let memory = Arc::new(MemoryStore::with_clock(Arc::new(clock.clone())));
        let builder = Board::builder().clock(clock.clone()).policy(policy).exact_totals(exact_totals);
        let board = if asked { builder.store(Asked(memory)) } else { builder.shared_store(memory) }.build();
        let circuit = board.circuit(NAME).unwrap();
        Self { clock, board, circuit }
    }

    fn view(&self) -> Option<View> {
        self.board.view(self.circuit.name()).unwrap()
    }

    fn live(&self, happening: Happening) -> Told {
        let operator = self.board.operator("ada");
        let name = self.circuit.name();
        match happening {
            Happening::Succeed => told(self.circuit.run(|| Ok::<_, String>(()))),
            Happening::Fail => told(self.circuit.run(|| Err::<(), _>("it broke".to_owned()))),
            Happening::Panic => told(self.circuit.run(|| -> Result<(), String> { panic!("boom") })),
            Happening::SucceedLater => told(block_on(self.circuit.run_async(after_one_poll(Ok(()))))),
            Happening::FailLater => told(block_on(self.circuit.run_async(after_one_poll(Err("it broke".into()))))),
            Happening::Drop => {
                let mut call = pin!(self.circuit.run_async(after_one_poll(Ok(()))));
                match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(attempt) => told(attempt),
                    Poll::Pending => Told::Dropped,
                }
            }
            Happening::Record(good) => {
                let failure = || Outcome::Failure(fuseboard::Failure::error(&"it broke"));
                self.circuit.record(&if good { Outcome::Success } else { failure() }).unwrap();
                Told::Acted
            }
            Happening::Pass(tens) => {
                self.clock.advance(Duration::from_millis(10 * tens));
                Told::Acted
            }
            Happening::Switch(position) => {
                operator.switch(name, position, "a test", Some(Duration::from_secs(1))).unwrap();
                Told::Acted
            }
            Happening::Auto => {
                operator.auto(name, "a test").unwrap();
                Told::Acted
            }
            Happening::Probe => {
                operator.probe(name, *self.circuit.policy()).unwrap();
                Told::Acted
            }
            Happening::Reset => {
                operator.reset(name).unwrap();
                Told::Acted
            }
        }
    }
}

fn told(attempt: Attempt<(), String>) -> Told {
    match attempt {
        Attempt::Done(()) => Told::Done,
        Attempt::Failed(_) => Told::Failed,
        Attempt::Panicked(_) => Told::Panicked,
        Attempt::Skipped(refusal) => {
            let RefusalReason::Skipped(skip) = refusal.reason else { panic!("memory is never lost") };
            let last_error = refusal.last_error.map(|error| error.to_string());
            Told::Skipped { count: skip.count, open_for: refusal.open_for, retry_in: refusal.retry_in, last_error }
        }
    }
}

async fn after_one_poll(answer: Result<(), String>) -> Result<(), String> {
    let asked = Cell::new(false);
    std::future::poll_fn(|context| {
        if asked.replace(true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
    answer
}

/// Two boards on one memory: one lives in it, the other one asks it for each call.
fn neighbours() -> (Arc<MemoryStore>, Circuit, Circuit) {
    let memory: Arc<MemoryStore> = Arc::default();
    let resident = Board::builder().shared_store(memory.clone()).exact_totals(true).build();
    let asked = Board::builder().store(Asked(memory.clone())).build();
    (memory, resident.circuit(NAME).unwrap(), asked.circuit(NAME).unwrap())
}

#[test]
fn what_others_store_of_it_begins_a_period_for_who_lives_in_it() {
    let (memory, resident, asked) = neighbours();
    let early = resident.permit().unwrap();
    for _ in 0..2 {
        assert_eq!(told(asked.run(|| Err::<(), _>("it broke".to_owned()))), Told::Failed);
    }
    assert!(matches!(told(resident.run(|| Ok(()))), Told::Skipped { count: 1, .. }));
    let board = Board::builder().store(Asked(memory)).build();
    board.operator("ada").reset(asked.name()).unwrap();
    early.failure(&"it is of a time before");
    let view = board.view(asked.name()).unwrap().unwrap();
    assert_eq!((view.state, view.failures, view.totals.late, view.totals.skipped), (Shown::Closed, 0, 1, 1));
}

#[test]
fn what_was_counted_beside_a_record_makes_it_another_version() {
    let (memory, resident, _) = neighbours();
    let version = || memory.load(resident.name()).unwrap().version;
    resident.run_or((), || Ok::<_, String>(()));
    let counted = version();
    assert_eq!(version(), counted, "looking alone changes nothing");
    resident.run_or((), || Ok::<_, String>(()));
    assert!(counted.is_some() && version() != counted);
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        8 => Just(Happening::Succeed),
        4 => Just(Happening::Fail),
        1 => Just(Happening::Panic),
        3 => Just(Happening::SucceedLater),
        2 => Just(Happening::FailLater),
        1 => Just(Happening::Drop),
        1 => any::<bool>().prop_map(Happening::Record),
        4 => (1_u64..400).prop_map(Happening::Pass),
        1 => prop_oneof![Just(Position::Off), Just(Position::On)].prop_map(Happening::Switch),
        1 => Just(Happening::Auto),
        1 => Just(Happening::Probe),
        1 => Just(Happening::Reset),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let quick = || Policy::builder().jitter(0.0).cool_down(Duration::from_secs(1));
    let rate = FailureRate { failures: 0.5, of: 4, within: Duration::from_secs(2) };
    prop_oneof![
        Just(quick().trip_after(2)),
        Just(quick().trip_after(3).probes(2)),
        Just(quick().rate(rate)),
        Just(quick().rate(rate).probes(2)),
        Just(quick().cool_down_never()),
        Just(quick().mode(Mode::Observe)),
        Just(quick().slow_after(Duration::from_millis(500))),
    ]
    .prop_map(|builder| builder.build().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn whether_it_is_written_call_by_call_or_not_nobody_can_tell(
        policy in policy(),
        happenings in prop::collection::vec(happening(), 1..120),
        looks in any::<u64>(),
    ) {
        let resident = Life::new(policy, true, false);
        let asked = Life::new(policy, true, true);
        for (number, happening) in happenings.iter().enumerate() {
            prop_assert_eq!(resident.live(*happening), asked.live(*happening), "{}: {:?}", number, happening);
            // Looking writes down what was counted: a life that nobody looks at must come out the same.
            if looks >> (number % 64) & 1 == 1 {
                prop_assert_eq!(resident.view(), asked.view(), "{}: {:?}", number, happening);
            }
        }
        prop_assert_eq!(resident.view(), asked.view());
        prop_assert_eq!(resident.board.views().unwrap().len(), asked.board.views().unwrap().len());
    }

    #[test]
    fn without_exact_totals_only_the_successes_of_good_times_are_missing(
        policy in policy(),
        happenings in prop::collection::vec(happening(), 1..120),
    ) {
        let [quick, exact] = [false, true].map(|exact_totals| Life::new(policy, exact_totals, false));
        for happening in &happenings {
            prop_assert_eq!(quick.live(*happening), exact.live(*happening), "{:?}", happening);
        }
        let Some(mut exact) = exact.view() else { return Ok(()) };
        let Some(mut quick) = quick.view() else {
            prop_assert_eq!((exact.state, exact.totals.failure), (Shown::Closed, 0));
            return Ok(());
        };
        prop_assert!(quick.totals.success <= exact.totals.success && quick.totals.ignored <= exact.totals.ignored);
        for view in [&mut quick, &mut exact] {
            (view.totals.success, view.totals.ignored) = (0, 0);
        }
        prop_assert_eq!(quick, exact);
    }
}
