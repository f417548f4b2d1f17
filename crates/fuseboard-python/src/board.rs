//! The circuits of a process or a store.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuseboard::clock::{Clock, SystemClock};
use fuseboard::event::{EventKind, Notice, Observer};
use fuseboard::record::Position;
use fuseboard::store::{MemoryStore, Store};
use fuseboard::{CircuitError, CircuitName, Shown};
use fuseboard_stores::SqliteStore;
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError, PyValueError};
use pyo3::prelude::*;

use crate::circuit::Circuit;
use crate::clock::FakeClock;
use crate::errors::{contained, detached, no_store, wrong};
use crate::fork::ForkSafe;
use crate::gate::Gate;
use crate::policy::Policy;
use crate::said::ByException;

/// A board of the library, and whether asking it may take long.
pub(crate) struct Opened {
    board: fuseboard::Board,
    waits: bool,
}

/// Tells Python: `observer(kind, circuit, failures, error, text)`.
struct Told(Py<PyAny>);

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
                // Who interrupts wants more than the observer to end.
                if failed.is_instance_of::<PyKeyboardInterrupt>(py) {
                    let interrupt = || py.import("_thread")?.call_method0("interrupt_main");
                    drop(interrupt());
                    return;
                }
                // It harms nobody, and is not hidden either.
                failed.write_unraisable(py, Some(self.0.bind(py)));
            }
        });
    }

    fn wants_skips(&self) -> bool {
        false
    }
}

impl Opened {
    pub(crate) fn board(&self) -> &fuseboard::Board {
        &self.board
    }

    /// What has this name, circuit or gate: with a policy of its own, or with the one that it inherits.
    pub(crate) fn named<T>(
        &self,
        name: &str,
        policy: Option<fuseboard::Policy>,
        own: fn(&fuseboard::Board, &CircuitName, fuseboard::Policy) -> Result<T, CircuitError>,
        inherited: fn(&fuseboard::Board, &str) -> Result<T, CircuitError>,
    ) -> PyResult<T> {
        match policy {
            Some(policy) => own(&self.board, &CircuitName::new(name).map_err(wrong)?, policy),
            None => inherited(&self.board, name),
        }
        .map_err(wrong)
    }

    /// Asks the board. While a file is waited for, other threads run. Memory is asked with the interpreter's lock held, so
    /// that no other thread is in the middle of it when this one forks.
    pub(crate) fn ask<T: Send>(&self, py: Python<'_>, ask: impl FnOnce() -> T + Send) -> PyResult<T> {
        if self.waits { detached(py, ask) } else { contained(ask) }
    }

    /// Whether asking takes long enough to let other threads run meanwhile.
    pub(crate) fn waits(&self) -> bool {
        self.waits
    }
}

/// The file that a store's address names; `None` for memory.
fn file_of(store: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let advice = "write \"sqlite:/path/state.db\", or nothing for memory";
    let Ok(address) = store.extract::<&str>() else {
        return Err(PyTypeError::new_err(format!("a store is given as a text, not as {}; {advice}", store.repr()?)));
    };
    match address.strip_prefix("sqlite:") {
        Some(path) if !path.is_empty() => Ok(Some(path.to_owned())),
        _ if address == "memory:" => Ok(None),
        _ => Err(PyValueError::new_err(format!("{address:?} is no store; {advice}"))),
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
        store: Option<&Bound<'_, PyAny>>,
        policy: Option<&Policy>,
        exact_totals: bool,
        clock: Option<&FakeClock>,
        observer: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let path = store.map(file_of).transpose()?.flatten();
        let clock = clock.map(|clock| clock.clock.clone());
        let of_store: Arc<dyn Clock> = match &clock {
            Some(clock) => Arc::new(clock.clone()),
            None => Arc::new(SystemClock),
        };
        let waits = path.is_some();
        let store: Arc<dyn Store> = match path {
            Some(path) => Arc::new(ForkSafe::new(SqliteStore::new(path, of_store))),
            None => Arc::new(MemoryStore::with_clock(of_store)),
        };
        let policy = policy.map(|policy| policy.policy).unwrap_or_default();
        let mut builder = fuseboard::Board::builder().shared_store(store).policy(policy).exact_totals(exact_totals);
        if let Some(clock) = clock {
            builder = builder.clock(clock);
        }
        if let Some(observer) = observer {
            builder = builder.observer(Told(observer));
        }
        Ok(Self { opened: Arc::new(Opened { board: builder.build(), waits }) })
    }

    /// The circuit of this name, with the board's policy or one of its own. `ignore` are exceptions that say nothing of the
    /// work: a type or a tuple of types, as in `except`.
    #[pyo3(signature = (name, policy = None, *, ignore = None))]
    fn circuit(&self, name: &str, policy: Option<&Policy>, ignore: Option<Bound<'_, PyAny>>) -> PyResult<Circuit> {
        let policy = policy.map(|policy| policy.policy);
        Circuit::of(self.opened.clone(), name, policy, ByException::ignoring(ignore)?)
    }

    /// The gate of this name: it passes nothing that it did not judge.
    #[pyo3(signature = (name, policy = None))]
    fn gate(&self, name: &str, policy: Option<&Policy>) -> PyResult<Gate> {
        Gate::of(self.opened.clone(), name, policy.map(|policy| policy.policy))
    }

    /// Gives the circuits `NAME/…` a policy that they inherit, unless they have one of their own.
    fn group(&self, name: &str, policy: &Policy) -> PyResult<()> {
        self.opened.board().group(name, policy.policy).map(drop).map_err(wrong)
    }

    /// One circuit as it is now, or `None` if the store never saw it. Looking changes nothing.
    fn view(&self, py: Python<'_>, name: &str) -> PyResult<Option<View>> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let board = self.opened.board();
        let view = self.opened.ask(py, || board.view(&name))?.map_err(|error| no_store(&error))?;
        Ok(view.map(View::of))
    }

    /// Every circuit that the store has seen, by name.
    fn views(&self, py: Python<'_>) -> PyResult<Vec<View>> {
        let board = self.opened.board();
        let views = self.opened.ask(py, || board.views())?.map_err(|error| no_store(&error))?;
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
        let operator = self.opened.board().operator(by);
        let position = match position {
            "off" => Some(Position::Off),
            "on" => Some(Position::On),
            "auto" => None,
            other => return Err(wrong(format_args!("{other:?} is no position; write \"off\", \"on\" or \"auto\""))),
        };
        self.opened
            .ask(py, || match position {
                Some(position) => operator.switch(&name, position, reason, time),
                None => operator.auto(&name, reason),
            })?
            .map_err(|error| no_store(&error))
    }

    /// Makes an open circuit due, so that the next call is a probe; `False` if there was nothing to bring forward.
    #[pyo3(signature = (name, *, by = "python"))]
    fn probe(&self, py: Python<'_>, name: &str, by: &str) -> PyResult<bool> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let board = self.opened.board();
        let policy = *board.policy();
        self.opened.ask(py, || board.operator(by).probe(&name, policy))?.map_err(|error| no_store(&error))
    }

    /// Forgets everything: closed. A switch stays as it is.
    #[pyo3(signature = (name, *, by = "python"))]
    fn reset(&self, py: Python<'_>, name: &str, by: &str) -> PyResult<()> {
        let name = CircuitName::new(name).map_err(wrong)?;
        let board = self.opened.board();
        self.opened.ask(py, || board.operator(by).reset(&name))?.map_err(|error| no_store(&error))
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
