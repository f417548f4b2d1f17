//! The caller's handle.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use fuseboard::{Failure, FailureKind, Outcome, TryError};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::board::Opened;
use crate::errors::{contained, detached, no_store, refused};
use crate::policy::Policy;
use crate::said::{ByException, outcome, text};

/// A named circuit, for who calls the work behind it.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Circuit {
    opened: Arc<Opened>,
    name: String,
    policy: Option<fuseboard::Policy>,
    handle: RwLock<(u64, fuseboard::Classified<ByException>)>,
}

impl Circuit {
    pub(crate) fn of(opened: Arc<Opened>, name: &str, policy: Option<fuseboard::Policy>) -> PyResult<Self> {
        let (fork, circuit) = opened.circuit(name, policy)?;
        let handle = RwLock::new((fork, circuit.classify(ByException)));
        Ok(Self { opened, name: name.to_owned(), policy, handle })
    }

    /// Lends the handle, got anew after a fork if it must be.
    pub(crate) fn lend<T>(&self, lend: impl FnOnce(&fuseboard::Classified<ByException>) -> T) -> PyResult<T> {
        let there = self.handle.read().unwrap_or_else(PoisonError::into_inner);
        if self.opened.is_of(there.0) {
            return Ok(lend(&there.1));
        }
        drop(there);
        let (fork, circuit) = self.opened.circuit(&self.name, self.policy)?;
        let anew = circuit.classify(ByException);
        let old =
            std::mem::replace(&mut *self.handle.write().unwrap_or_else(PoisonError::into_inner), (fork, anew.clone()));
        std::mem::forget(old);
        Ok(lend(&anew))
    }

    /// A handle of one's own, for work that other threads may run beside.
    fn handle(&self) -> PyResult<fuseboard::Circuit> {
        self.lend(|handle| handle.circuit().clone())
    }

    /// Calls the function behind the circuit.
    pub(crate) fn call(
        &self,
        py: Python<'_>,
        function: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyTuple>,
        keywords: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Result<Py<PyAny>, TryError<PyErr>>> {
        if !self.opened.waits() {
            let work = || function.call(arguments, keywords).map(Bound::unbind);
            let handle = self.lend(Clone::clone)?;
            return contained(|| handle.try_run(work));
        }
        let handle = self.lend(Clone::clone)?;
        let (function, arguments) = (function.clone().unbind(), arguments.clone().unbind());
        let keywords = keywords.map(|keywords| keywords.clone().unbind());
        let work = || {
            Python::attach(|py| {
                let keywords = keywords.as_ref().map(|keywords| keywords.bind(py));
                function.call(py, arguments.bind(py), keywords)
            })
        };
        detached(py, || handle.try_run(work))
    }

    pub(crate) fn permit_or(&self, py: Python<'_>) -> PyResult<Result<Permit, fuseboard::Refusal>> {
        let handle = self.handle()?;
        let waits = self.opened.waits();
        let asked = if waits { detached(py, || handle.permit())? } else { contained(|| handle.permit())? };
        Ok(asked.map(|permit| Permit { permit: Mutex::new(Some(permit.keep_alive())), waits }))
    }

    fn report(&self, py: Python<'_>, outcome: &Outcome) -> PyResult<()> {
        let handle = self.handle()?;
        detached(py, || handle.record(outcome))?.map(drop).map_err(|error| no_store(&error))
    }
}

#[pymethods]
impl Circuit {
    /// The circuit's name.
    #[getter]
    fn name(&self) -> &str {
        &self.name
    }

    /// The policy that this handle decides by.
    #[getter]
    fn policy(&self) -> PyResult<Policy> {
        self.lend(|handle| Policy { policy: *handle.circuit().policy() })
    }

    /// Calls `function(*args, **kwargs)`. An exception counts as a failure and goes on; `CircuitOpen` is raised if the call
    /// is skipped.
    #[pyo3(signature = (function, /, *args, **kwargs))]
    fn run(
        &self,
        py: Python<'_>,
        function: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Py<PyAny>> {
        match self.call(py, function, args, kwargs)? {
            Ok(value) => Ok(value),
            Err(TryError::Failed(error)) => Err(error),
            Err(TryError::Skipped(refusal)) => Err(refused(py, &refusal)),
        }
    }

    /// Leave to run once, to be settled by hand or by a `with` block.
    fn permit(&self, py: Python<'_>) -> PyResult<Permit> {
        self.permit_or(py)?.map_err(|refusal| refused(py, &refusal))
    }

    /// Whether a call would run now. Asking changes nothing.
    fn would_run(&self, py: Python<'_>) -> PyResult<bool> {
        let handle = self.handle()?;
        detached(py, || handle.would_run())?.map_err(|error| no_store(&error))
    }

    /// Feeds a success of work that ran without a permit.
    fn record_success(&self, py: Python<'_>) -> PyResult<()> {
        self.report(py, &Outcome::Success)
    }

    /// Feeds a failure of work that ran without a permit.
    fn record_failure(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.report(py, &Outcome::Failure(Failure::new(FailureKind::Error, &text(error))))
    }

    fn __repr__(&self) -> String {
        format!("Circuit({:?})", self.name)
    }
}

/// Leave to run once. As a context manager it settles itself: an exception is a failure and goes on. Dropped, it counts as
/// ignored.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Permit {
    permit: Mutex<Option<fuseboard::Permit>>,
    waits: bool,
}

impl Permit {
    fn settle(&self, py: Python<'_>, outcome: &Outcome) -> PyResult<()> {
        let Some(permit) = self.permit.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return Err(PyRuntimeError::new_err("this permit is settled already"));
        };
        let settle = || match outcome {
            Outcome::Success => permit.success(),
            Outcome::Failure(failure) => permit.failure(&failure.message),
            Outcome::Ignored => permit.ignored(),
        };
        if self.waits { detached(py, settle) } else { contained(settle) }
    }
}

#[pymethods]
impl Permit {
    /// The work was done.
    fn success(&self, py: Python<'_>) -> PyResult<()> {
        self.settle(py, &Outcome::Success)
    }

    /// The work failed.
    fn failure(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.settle(py, &Outcome::Failure(Failure::new(FailureKind::Error, &text(error))))
    }

    /// Nothing can be said of the work.
    fn ignored(&self, py: Python<'_>) -> PyResult<()> {
        self.settle(py, &Outcome::Ignored)
    }

    /// Whether the circuit waits for this very call.
    #[getter]
    fn is_probe(&self) -> bool {
        self.permit.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(fuseboard::Permit::is_probe)
    }

    fn __enter__(slf: PyRef<'_, Self>) -> PyRef<'_, Self> {
        slf
    }

    #[pyo3(signature = (kind, error, traceback))]
    fn __exit__(
        &self,
        py: Python<'_>,
        kind: Option<&Bound<'_, PyType>>,
        error: Option<&Bound<'_, PyAny>>,
        traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        let _ = (kind, traceback);
        if self.permit.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
            return Ok(false); // settled by hand inside of the block
        }
        let outcome = error.map_or(Outcome::Success, |error| outcome(py, &PyErr::from_value(error.clone())));
        self.settle(py, &outcome)?;
        Ok(false)
    }
}
