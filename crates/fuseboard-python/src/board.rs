//! The circuits of a process or a store.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuseboard::clock::{Clock, SystemClock};
use fuseboard::event::{EventKind, Notice, Observer};
use fuseboard::record::Position;
use fuseboard::store::{MemoryStore, Store};
use fuseboard::{CircuitName, Shown};
use fuseboard_stores::SqliteStore;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::circuit::Circuit;
use crate::clock::FakeClock;
use crate::errors::{contained, detached, no_circuit, no_store, wrong};
use crate::gate::Gate;
use crate::policy::Policy;

/// How often this process was made by a fork. A connection to a file must not outlive one.
static FORKS: AtomicU64 = AtomicU64::new(0);

/// Notes that this process was made by a fork.
pub(crate) fn forked() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// A board of the library, made anew after a fork if its store is a file.
pub(crate) struct Opened {
    spec: Spec,
    board: RwLock<(u64, fuseboard::Board)>,
}

struct Spec {
    /// `None` is this process's memory.
    path: Option<String>,
    policy: fuseboard::Policy,
    exact_totals: bool,
    clock: Option<fuseboard::clock::FakeClock>,
    observer: Option<Arc<Py<PyAny>>>,
}

/// Tells Python: `observer(kind, circuit, failures, error, text)`.
struct Told(Arc<Py<PyAny>>);

impl Observer for Told {
    fn notice(&self, notice: &Notice) {
        let (kind, failures, error) = match notice {
            Notice::Event(event) => (event.kind.as_str(), event.failures, event.cause.as_deref()),
            Notice::Failed { failure, .. } => ("failed", None, Some(&*failure.message)),
            Notice::Skipped { last_error, .. } => ("skipped", None, last_error.as_deref()),
            Notice::Mended { .. } => ("mended", None, None),
            Notice::NotCounted { .. } => ("not-counted", None, None),
        };
        if matches!(notice, Notice::Event(event) if event.kind == EventKind::Probing) {
            return;
        }
        let circuit = notice.circuit().map(CircuitName::as_str);
        Python::attach(|py| {
            if let Err(failed) = self.0.call1(py, (kind, circuit, failures, error, notice.to_string())) {
                // It harms nobody, and is not hidden either.
                failed.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }

    fn wants_skips(&self) -> bool {
        false
    }
}

impl Spec {
    fn open(&self) -> fuseboard::Board {
        let clock: Arc<dyn Clock> = match &self.clock {
            Some(clock) => Arc::new(clock.clone()),
            None => Arc::new(SystemClock),
        };
        let store: Arc<dyn Store> = match &self.path {
            Some(path) => Arc::new(SqliteStore::new(path, clock)),
            None => Arc::new(MemoryStore::with_clock(clock)),
        };
        let mut builder =
            fuseboard::Board::builder().shared_store(store).policy(self.policy).exact_totals(self.exact_totals);
        if let Some(clock) = &self.clock {
            builder = builder.clock(clock.clone());
        }
        if let Some(observer) = &self.observer {
            builder = builder.observer(Told(observer.clone()));
        }
        builder.build()
    }
}

impl Opened {
    /// The board, and in which fork it was opened.
    pub(crate) fn board(&self) -> (u64, fuseboard::Board) {
        let forks = FORKS.load(Ordering::Relaxed);
        let there = self.board.read().unwrap_or_else(PoisonError::into_inner).clone();
        if there.0 == forks || self.spec.path.is_none() {
            return there;
        }
        let anew = (forks, self.spec.open());
        let old = std::mem::replace(&mut *self.board.write().unwrap_or_else(PoisonError::into_inner), anew.clone());
        // The parent's connections are not ours to close.
        std::mem::forget(old);
        anew
    }

    /// Whether a board that was opened in this fork may still be used.
    pub(crate) fn is_of(&self, fork: u64) -> bool {
        self.spec.path.is_none() || fork == FORKS.load(Ordering::Relaxed)
    }

    /// Whether asking takes long enough to let other threads run meanwhile.
    pub(crate) fn waits(&self) -> bool {
        self.spec.path.is_some()
    }
}

/// Circuits by their names. `store` is `None` for this process's memory, or `"sqlite:PATH"` for a file that is shared with
/// other processes and with the program `fuseboard`.
///
/// `observer(kind, circuit, failures, error, text)` is told of each failure, transition and operator's act.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Board {
    pub(crate) opened: Arc<Opened>,
}

#[pymethods]
impl Board {
    #[new]
    #[pyo3(signature = (store = None, *, policy = None, exact_totals = false, clock = None, observer = None))]
    fn new(
        store: Option<&str>,
        policy: Option<&Policy>,
        exact_totals: bool,
        clock: Option<&FakeClock>,
        observer: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let path = match store {
            None | Some("memory:") => None,
            Some(address) => match address.strip_prefix("sqlite:") {
                Some(path) if !path.is_empty() => Some(path.to_owned()),
                _ => {
                    let why =
                        format!("{address:?} is no store; write \"sqlite:/path/state.db\", or nothing for memory");
                    return Err(PyValueError::new_err(why));
                }
            },
        };
        let spec = Spec {
            path,
            policy: policy.map(|policy| policy.policy).unwrap_or_default(),
            exact_totals,
            clock: clock.map(|clock| clock.clock.clone()),
            observer: observer.map(Arc::new),
        };
        let board = RwLock::new((FORKS.load(Ordering::Relaxed), contained(|| spec.open())?));
        Ok(Self { opened: Arc::new(Opened { spec, board }) })
    }

    /// The circuit of this name, with the board's policy or one of its own.
    #[pyo3(signature = (name, policy = None))]
    fn circuit(&self, name: &str, policy: Option<&Policy>) -> PyResult<Circuit> {
        Circuit::of(self.opened.clone(), name, policy.map(|policy| policy.policy))
    }

    /// The gate of this name: it passes nothing that it did not judge.
    #[pyo3(signature = (name, policy = None))]
    fn gate(&self, name: &str, policy: Option<&Policy>) -> PyResult<Gate> {
        Gate::of(self.opened.clone(), name, policy.map(|policy| policy.policy))
    }

    /// One circuit as it is now, or `None` if the store never saw it. Looking changes nothing.
    fn view(&self, py: Python<'_>, name: &str) -> PyResult<Option<View>> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let board = self.opened.board().1;
        let view = detached(py, || board.view(&name))?.map_err(|error| no_store(&error))?;
        Ok(view.map(View::of))
    }

    /// Every circuit that the store has seen, by name.
    fn views(&self, py: Python<'_>) -> PyResult<Vec<View>> {
        let board = self.opened.board().1;
        let views = detached(py, || board.views())?.map_err(|error| no_store(&error))?;
        views.into_iter().map(|(_, view)| view.map(View::of).map_err(|error| no_store(&error))).collect()
    }

    /// Switches a circuit off or on, for `seconds` (at most 30 days, which is also the default).
    #[pyo3(signature = (name, position, reason = "", seconds = None, *, by = "python"))]
    fn switch(
        &self,
        py: Python<'_>,
        name: &str,
        position: &str,
        reason: &str,
        seconds: Option<f64>,
        by: &str,
    ) -> PyResult<()> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let time = seconds.map(Duration::try_from_secs_f64).transpose().map_err(wrong)?;
        let operator = self.opened.board().1.operator(by);
        let position = match position {
            "off" => Some(Position::Off),
            "on" => Some(Position::On),
            "auto" => None,
            other => return Err(wrong(format_args!("{other:?} is no position; write \"off\", \"on\" or \"auto\""))),
        };
        detached(py, || match position {
            Some(position) => operator.switch(&name, position, reason, time),
            None => operator.auto(&name, reason),
        })?
        .map_err(|error| no_store(&error))
    }

    /// Makes an open circuit due, so that the next call is a probe; `False` if there was nothing to bring forward.
    #[pyo3(signature = (name, *, by = "python"))]
    fn probe(&self, py: Python<'_>, name: &str, by: &str) -> PyResult<bool> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let board = self.opened.board().1;
        let policy = *board.policy();
        detached(py, || board.operator(by).probe(&name, policy))?.map_err(|error| no_store(&error))
    }

    /// Forgets everything: closed. A switch stays as it is.
    #[pyo3(signature = (name, *, by = "python"))]
    fn reset(&self, py: Python<'_>, name: &str, by: &str) -> PyResult<()> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let board = self.opened.board().1;
        detached(py, || board.operator(by).reset(&name))?.map_err(|error| no_store(&error))
    }
}

impl Opened {
    /// The circuit of the library, and in which fork it was got.
    pub(crate) fn circuit(&self, name: &str, policy: Option<fuseboard::Policy>) -> PyResult<(u64, fuseboard::Circuit)> {
        let (fork, board) = self.board();
        let circuit = match policy {
            Some(policy) => board.circuit_with(&CircuitName::new(name).map_err(wrong)?, policy),
            None => board.circuit(name),
        };
        Ok((fork, circuit.map_err(|error| no_circuit(&error))?))
    }
}

/// A circuit at one moment. Times are seconds since the epoch.
#[pyclass(frozen, get_all, module = "fuseboard")]
pub(crate) struct View {
    name: String,
    /// `"closed"`, `"open"` or `"half-open"`.
    state: &'static str,
    /// `"off"`, `"on"` or `None`.
    switch: Option<&'static str>,
    failures: u32,
    skips: u64,
    trips: u32,
    since: Option<f64>,
    probe_at: Option<f64>,
    probe_due: bool,
    last_error: Option<String>,
    /// `success`, `failure`, `timeout`, `skipped`, `ignored`, `late`.
    totals: std::collections::BTreeMap<&'static str, u64>,
}

impl View {
    fn of(view: fuseboard::View) -> Self {
        let seconds = |moment: SystemTime| moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self {
            name: view.name.to_string(),
            state: view.state.as_str(),
            switch: view.switch.map(|switch| switch.position.as_str()),
            failures: view.failures,
            skips: view.skips,
            trips: view.trips,
            since: view.since.map(seconds),
            probe_at: view.probe_at.map(seconds),
            probe_due: view.probe_due,
            last_error: view.last_failure.map(|(_, text, _)| text),
            totals: view.totals.counts().into_iter().collect(),
        }
    }
}

#[pymethods]
impl View {
    /// Whether calls are skipped, or one probe is out.
    #[getter]
    fn is_open(&self) -> bool {
        self.state != Shown::Closed.as_str()
    }

    fn __repr__(&self) -> String {
        format!("View(name={:?}, state={:?}, failures={}, skips={})", self.name, self.state, self.failures, self.skips)
    }
}
