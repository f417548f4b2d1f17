//! A board on a fake clock, and everything that was told of it.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fuseboard::clock::FakeClock;
use fuseboard::event::{EventKind, Notice};
use fuseboard::store::{MemoryStore, Store};
use fuseboard::{Attempt, Board, BoardBuilder, Circuit, Policy, PolicyBuilder, Shown, View};

/// The first cool-down of [`policy`].
pub(crate) const COOL_DOWN: Duration = Duration::from_secs(300);
/// The lease of [`policy`].
pub(crate) const LEASE: Duration = Duration::from_secs(600);
/// The circuit of every test that needs only one.
pub(crate) const NAME: &str = "work";

/// Two failures open; 5 min, 10 min, 20 min … without jitter; leases of 10 min.
pub(crate) fn policy() -> PolicyBuilder {
    Policy::builder().jitter(0.0).cool_down(COOL_DOWN).lease(LEASE)
}

pub(crate) struct Stage {
    pub(crate) clock: FakeClock,
    pub(crate) board: Board,
    pub(crate) circuit: Circuit,
    told: Arc<Mutex<Vec<Notice>>>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self::with(policy())
    }

    pub(crate) fn with(policy: PolicyBuilder) -> Self {
        let clock = FakeClock::new();
        let store = MemoryStore::with_clock(Arc::new(clock.clone()));
        Self::over(Arc::new(store), clock, policy)
    }

    pub(crate) fn over(store: Arc<dyn Store>, clock: FakeClock, policy: PolicyBuilder) -> Self {
        Self::built(Board::builder().shared_store(store), clock, policy)
    }

    pub(crate) fn built(builder: BoardBuilder, clock: FakeClock, policy: PolicyBuilder) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let notes = told.clone();
        let note = move |notice: &Notice| notes.lock().unwrap().push(notice.clone());
        let builder = builder.clock(clock.clone()).policy(policy.build().unwrap()).exact_totals(true);
        let board = builder.observer(note).build();
        let circuit = board.circuit(NAME).unwrap();
        Self { clock, board, circuit, told }
    }

    /// A stage whose circuit has just opened.
    pub(crate) fn open() -> Self {
        Self::new().opened()
    }

    pub(crate) fn opened(self) -> Self {
        assert!(fail(&self.circuit));
        while self.view().state == Shown::Closed {
            assert!(fail(&self.circuit));
        }
        self.told.lock().unwrap().clear();
        self
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// The circuit as an onlooker sees it.
    pub(crate) fn view(&self) -> View {
        self.board.view(self.circuit.name()).unwrap().expect("the store has seen the circuit")
    }

    /// What was told so far; told again only what comes later.
    pub(crate) fn told(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.told.lock().unwrap())
    }

    /// The kinds of the events told so far.
    pub(crate) fn events(&self) -> Vec<EventKind> {
        let events = self.told().into_iter().filter_map(|notice| match notice {
            Notice::Event(event) => Some(event.kind),
            _ => None,
        });
        events.collect()
    }
}

/// Work that fails; `true` if it was run.
pub(crate) fn fail(circuit: &Circuit) -> bool {
    matches!(circuit.run(|| Err::<(), _>("it broke")), Attempt::Failed(_))
}

/// Work that succeeds; `true` if it was run.
pub(crate) fn work(circuit: &Circuit) -> bool {
    circuit.run(|| Ok::<_, String>(())).is_done()
}
