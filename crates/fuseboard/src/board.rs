//! The circuits of one process or store, and who is told of them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::circuit::Circuit;
use crate::clock::{Clock, Moment, SystemClock};
use crate::error::CircuitError;
use crate::event::{Event, EventKind, Notice, Observer};
use crate::gate::Gate;
use crate::guard::contain;
use crate::name::CircuitName;
use crate::operator::Operator;
use crate::policy::Policy;
use crate::register::{Register, Wanted};
use crate::store::{MemoryStore, Store, StoreError};
use crate::view::{ListedView, View};

/// The circuits of one process or store. Cloning copies two pointers.
///
/// ```
/// use fuseboard::Board;
///
/// let board = Board::new();
/// let cost = board.circuit("cost")?;
/// let rows: u64 = cost.run_or(0, || Ok::<_, std::io::Error>(3));
/// assert_eq!(rows, 3);
/// # Ok::<(), fuseboard::CircuitError>(())
/// ```
#[derive(Clone)]
pub struct Board {
    parts: Arc<Parts>,
    pub(crate) register: Arc<Register>,
}

/// The board of the whole process.
static GLOBAL: OnceLock<Board> = OnceLock::new();

/// What the handles of one board share.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    /// Where decisions are made while the store cannot be used.
    pub(crate) memory: MemoryStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Arc<Policy>,
    observers: Vec<Arc<dyn Observer>>,
    /// Whether somebody is to be told of skips.
    pub(crate) tells_skips: bool,
    degraded: AtomicBool,
    pub(crate) exact_totals: bool,
}

impl Board {
    /// A board in memory, with the default policy.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder: store, policy, clock, observers.
    pub fn builder() -> BoardBuilder {
        BoardBuilder {
            store: None,
            clock: Arc::new(SystemClock),
            policy: Policy::default(),
            observers: Vec::new(),
            exact_totals: false,
            idle_after: Duration::from_hours(1),
        }
    }

    /// The board of the whole process: the one that was [set](Board::set_global), else one in memory with the
    /// default policy, made when it is first asked for.
    pub fn global() -> &'static Self {
        GLOBAL.get_or_init(Self::new)
    }

    /// Makes this the board of the whole process. Do it before anything asks for that board.
    ///
    /// ```
    /// use fuseboard::{Board, Policy};
    ///
    /// let patient = Policy::builder().trip_after(5).build()?;
    /// Board::set_global(Board::builder().policy(patient).build()).expect("nobody has asked for it yet");
    /// assert_eq!(*Board::global().circuit("api")?.policy(), patient);
    /// assert!(Board::set_global(Board::new()).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Gives the board back if the process has one already.
    pub fn set_global(board: Self) -> Result<(), Self> {
        GLOBAL.set(board)
    }

    /// The policy of circuits that neither have one of their own nor belong to a [`group`](Board::group) that has one.
    pub fn policy(&self) -> &Policy {
        &self.parts.policy
    }

    /// The circuit of this name, with the policy of its [`group`](Board::group), else the board's.
    ///
    /// Who calls often keeps the handle: finding it by its name takes several times as long as a call.
    ///
    /// # Errors
    /// [`CircuitError`] for a bad name, or a name in use under another policy.
    pub fn circuit(&self, name: &str) -> Result<Circuit, CircuitError> {
        self.register.circuit(name, Wanted::Inherited)
    }

    /// The circuit of this name, with a policy of its own.
    ///
    /// # Errors
    /// [`CircuitError::AnotherPolicy`] if this process uses the name under another policy already.
    pub fn circuit_with(&self, name: &CircuitName, policy: Policy) -> Result<Circuit, CircuitError> {
        self.register.circuit(name.as_str(), Wanted::Own(policy))
    }

    /// The circuit of this name with the policy under which it is in use already, else the one that it inherits.
    #[cfg(feature = "macros")]
    pub(crate) fn circuit_in_use(&self, name: &str) -> Result<Circuit, CircuitError> {
        self.register.circuit(name, Wanted::InUse)
    }

    /// Forgets the circuits that are idle, and says how many: those that are closed, without a failure in a row and
    /// without a switch, that nobody holds a handle of, and that nobody has asked for by name for a while
    /// ([`BoardBuilder::evict_idle_after`]). In memory their totals go with them; in another store nothing is lost.
    ///
    /// A board does it by itself whenever its circuits have doubled in number, from 1024 on, so that names which come
    /// and go, of hosts or of users, do not fill the memory.
    ///
    /// ```
    /// use std::time::Duration;
    /// use fuseboard::Board;
    ///
    /// let board = Board::builder().evict_idle_after(Duration::ZERO).build();
    /// let held = board.circuit("held")?;
    /// board.circuit("idle")?.run_or(0, || Ok::<_, String>(3));
    /// board.circuit("failing")?.run_or(0, || Err("no"));
    /// assert_eq!(board.evict_idle(), 1);
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    pub fn evict_idle(&self) -> usize {
        self.register.evict_idle()
    }

    /// The gate of this name, with a policy of its own: a circuit that passes nothing it did not judge.
    ///
    /// # Errors
    /// [`CircuitError::AnotherPolicy`] if this process uses the name under another policy already.
    pub fn gate_with(&self, name: &CircuitName, policy: Policy) -> Result<Gate, CircuitError> {
        self.circuit_with(name, policy).map(Gate::over)
    }

    /// The gate of this name, with the policy of its [`group`](Board::group), else the board's.
    ///
    /// # Errors
    /// [`CircuitError`] for a bad name, or a name in use under another policy.
    pub fn gate(&self, name: &str) -> Result<Gate, CircuitError> {
        self.circuit(name).map(Gate::over)
    }

    /// The operator's handle: switch, probe, reset. `by` says who it is.
    pub fn operator(&self, by: &str) -> Operator {
        Operator::new(self.parts.clone(), by)
    }

    /// Every stored circuit as it is now, by name, reports that still wait beside the store included. A record
    /// that alone is damaged is an error in its own place. A pure read.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read; never an empty list instead.
    pub fn views(&self) -> Result<Vec<ListedView>, StoreError> {
        let wall = self.parts.clock.wall();
        let mut circuits = self.parts.store.list()?.into_iter().collect();
        self.parts.foresee_deferred(&mut circuits);
        let view = |(name, loaded): (CircuitName, Result<_, _>)| {
            let view = loaded.map(|loaded| View::of(name.clone(), &loaded, wall));
            (name, view)
        };
        Ok(circuits.into_iter().map(view).collect())
    }

    /// One circuit as it is now, or `None` if the store never saw it. A pure read.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn view(&self, name: &CircuitName) -> Result<Option<View>, StoreError> {
        let loaded = self.parts.store.load(name)?;
        let wall = self.parts.clock.wall();
        let mut circuits = BTreeMap::new();
        if loaded.version.is_some() {
            circuits.insert(name.clone(), Ok(loaded));
        }
        self.parts.foresee_deferred(&mut circuits);
        circuits.remove(name).transpose().map(|loaded| loaded.map(|loaded| View::of(name.clone(), &loaded, wall)))
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Board {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Board").field("policy", &self.parts.policy).finish_non_exhaustive()
    }
}

impl Parts {
    /// Tells every observer; one that panics is passed over.
    pub(crate) fn tell(&self, notice: &Notice) {
        let is_skip = matches!(notice, Notice::Skipped { .. });
        for observer in self.observers.iter().filter(|observer| !is_skip || observer.wants_skips()) {
            contain(|| observer.notice(notice));
        }
    }

    /// Whether nobody wants to be told.
    pub(crate) fn has_no_observers(&self) -> bool {
        self.observers.is_empty()
    }

    /// Notes that the store failed, and tells it if that is news.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        if !self.degraded.swap(true, Ordering::Relaxed) {
            self.tell(&store_notice(EventKind::StoreDegraded, Some(error), self.clock.now()));
        }
    }

    /// Whether the store failed when it was last written.
    pub(crate) fn is_degraded(&self) -> bool {
        self.degraded.load(Ordering::Relaxed)
    }

    /// Notes that the store could be written, and tells it if that is news.
    pub(crate) fn store_worked(&self) {
        if self.is_degraded() && self.degraded.swap(false, Ordering::Relaxed) {
            self.tell(&store_notice(EventKind::StoreRestored, None, self.clock.now()));
        }
    }
}

fn store_notice(kind: EventKind, error: Option<&StoreError>, at: Moment) -> Notice {
    let cause = error.map(|error| error.to_string().into());
    let (failures, sample, probe_at, by, run) = (None, None, None, None, None);
    Notice::Event(Event { at, circuit: None, kind, cause, failures, sample, probe_at, by, run })
}

/// Builds a [`Board`].
#[must_use = "a builder does nothing until `build`"]
pub struct BoardBuilder {
    store: Option<Arc<dyn Store>>,
    clock: Arc<dyn Clock>,
    policy: Policy,
    observers: Vec<Arc<dyn Observer>>,
    exact_totals: bool,
    idle_after: Duration,
}

impl BoardBuilder {
    /// Where the circuits live. Default: this process's memory.
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Like [`BoardBuilder::store`], for a store that is shared with others.
    pub fn shared_store(mut self, store: Arc<dyn Store>) -> Self {
        self.store = Some(store);
        self
    }

    /// The policy of circuits that have none of their own. Default: [`Policy::default`].
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The source of time. Default: the system's.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Somebody who wants to be told. May be called more than once.
    pub fn observer(mut self, observer: impl Observer + 'static) -> Self {
        self.observers.push(Arc::new(observer));
        self
    }

    /// Counts every success of circuits in memory, too. Default: those of a circuit that is well change nothing there,
    /// and are not counted unless a failure rate counts them. Stores that are shared by processes count everything
    /// anyway.
    pub fn exact_totals(mut self, exact: bool) -> Self {
        self.exact_totals = exact;
        self
    }

    /// After how long a circuit that nobody holds or asks for is idle ([`Board::evict_idle`]). Default: 1 h.
    pub fn evict_idle_after(mut self, time: Duration) -> Self {
        self.idle_after = time;
        self
    }

    /// The board.
    pub fn build(self) -> Board {
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::with_clock(self.clock.clone())));
        let memory = MemoryStore::with_clock(self.clock.clone());
        let (clock, policy, observers) = (self.clock, Arc::new(self.policy), self.observers);
        let parts = Parts {
            tells_skips: observers.iter().any(|observer| observer.wants_skips()),
            store,
            memory,
            clock,
            policy,
            observers,
            degraded: AtomicBool::new(false),
            exact_totals: self.exact_totals,
        };
        let parts = Arc::new(parts);
        Board { register: Arc::new(Register::new(parts.clone(), self.idle_after)), parts }
    }
}
