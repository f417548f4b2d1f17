//! The caller's handle.

use std::sync::Arc;

use fuseboard::{Outcome, TryError};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::board::Opened;
use crate::errors::{contained, detached, no_store, refused};
use crate::once::Once;
use crate::policy::Policy;
use crate::said::{ByException, failure};

/// A named circuit, for who calls the work behind it.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Circuit {
    opened: Arc<Opened>,
    handle: fuseboard::Classified<ByException>,
    classify: ByException,
}

impl Circuit {
    pub(crate) fn of(
        opened: Arc<Opened>,
        name: &str,
        policy: Option<fuseboard::Policy>,
        classify: ByException,
    ) -> PyResult<Self> {
        let circuit = opened.named(name, policy, fuseboard::Board::circuit_with, fuseboard::Board::circuit)?;
        let handle = circuit.classify(classify.clone());
        Ok(Self { opened, handle, classify })
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
            return contained(|| self.handle.try_run(work));
        }
        let (function, arguments) = (function.clone().unbind(), arguments.clone().unbind());
        let keywords = keywords.map(|keywords| keywords.clone().unbind());
        let work = || {
            Python::attach(|py| {
                let keywords = keywords.as_ref().map(|keywords| keywords.bind(py));
                function.call(py, arguments.bind(py), keywords)
            })
        };
        detached(py, || self.handle.try_run(work))
    }

    pub(crate) fn permit_or(&self, py: Python<'_>) -> PyResult<Result<Permit, fuseboard::Refusal>> {
        let asked = self.opened.ask(py, || self.handle.circuit().permit().map(fuseboard::Permit::keep_alive))?;
        Ok(asked.map(|permit| Permit { held: Once::new(permit, self.opened.clone()), classify: self.classify.clone() }))
    }

    /// What an exception means here.
    pub(crate) fn outcome(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> Outcome {
        self.classify.of(py, &PyErr::from_value(error.clone()))
    }

    /// Leave as a number, where that will do.
    pub(crate) fn token(&self) -> PyResult<Result<Option<u64>, fuseboard::Refusal>> {
        contained(|| self.handle.circuit().token())
    }

    /// Reports what ran by this number.
    pub(crate) fn settle_token(&self, token: u64, outcome: &Outcome) -> PyResult<()> {
        contained(|| self.handle.circuit().settle_token(token, outcome))
    }

    fn report(&self, py: Python<'_>, outcome: &Outcome) -> PyResult<()> {
        self.opened.ask(py, || self.handle.circuit().record(outcome))?.map(drop).map_err(|error| no_store(&error))
    }
}

#[pymethods]
impl Circuit {
    /// The circuit's name.
    #[getter]
    fn name(&self) -> &str {
        self.handle.circuit().name().as_str()
    }

    /// The policy that this handle decides by.
    #[getter]
    fn policy(&self) -> Policy {
        Policy { policy: *self.handle.circuit().policy() }
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
            Ok(value) if value.bind(py).get_type().name()? == "coroutine" => {
                value.call_method0(py, "close")?;
                let advice = "a coroutine has not done its work when it is made, so that nothing can be said of it; put \
                              @guard(circuit) on its function, or `with circuit.permit():` around the await";
                Err(PyTypeError::new_err(advice))
            }
            Ok(value) => Ok(value),
            Err(TryError::Failed(error)) => Err(error),
            Err(TryError::Skipped(refusal)) => Err(refused(py, &refusal, None)),
        }
    }

    /// Leave to run once, to be settled by hand or by a `with` block.
    fn permit(&self, py: Python<'_>) -> PyResult<Permit> {
        self.permit_or(py)?.map_err(|refusal| refused(py, &refusal, None))
    }

    /// Whether a call would run now. Asking changes nothing.
    fn would_run(&self, py: Python<'_>) -> PyResult<bool> {
        self.opened.ask(py, || self.handle.circuit().would_run())?.map_err(|error| no_store(&error))
    }

    /// Feeds a success of work that ran without a permit.
    fn record_success(&self, py: Python<'_>) -> PyResult<()> {
        self.report(py, &Outcome::Success)
    }

    /// Feeds a failure of work that ran without a permit.
    fn record_failure(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        self.report(py, &failure(error))
    }

    fn __repr__(&self) -> String {
        format!("Circuit({:?})", self.name())
    }
}

/// Leave to run once. As a context manager it settles itself: an exception is a failure and goes on. Dropped, it counts as
/// ignored.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Permit {
    held: Once<fuseboard::Permit>,
    classify: ByException,
}

impl Permit {
    pub(crate) fn settle(&self, py: Python<'_>, outcome: &Outcome) -> PyResult<()> {
        self.held.settle(py, |permit| match outcome {
            Outcome::Success => permit.success(),
            Outcome::Failure(failure) => permit.failure(&failure.message),
            Outcome::Ignored => permit.ignored(),
        })
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
        self.settle(py, &failure(error))
    }

    /// Nothing can be said of the work.
    fn ignored(&self, py: Python<'_>) -> PyResult<()> {
        self.settle(py, &Outcome::Ignored)
    }

    /// Whether the circuit waits for this very call.
    #[getter]
    fn is_probe(&self) -> bool {
        self.held.looked_at(|permit| permit.is_some_and(fuseboard::Permit::is_probe))
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
        if self.held.looked_at(|permit| permit.is_none()) {
            return Ok(false); // settled by hand inside of the block
        }
        let outcome = error.map_or(Outcome::Success, |error| self.classify.of(py, &PyErr::from_value(error.clone())));
        self.settle(py, &outcome)?;
        Ok(false)
    }
}
