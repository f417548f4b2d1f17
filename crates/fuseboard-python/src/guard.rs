//! What a decorated function calls.

use fuseboard::{Outcome, Refusal, RefusalReason, TryError};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::circuit::{Circuit, Permit};
use crate::errors::refused;

/// One decorated function's guard: its circuit, and what it gives in place of a value.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Guard {
    circuit: Py<Circuit>,
    default: Option<Py<PyAny>>,
    factory: Option<Py<PyAny>>,
    /// Whether there is something to give at all.
    gives: bool,
    #[pyo3(get)]
    reraise: bool,
    /// What the caller calls the circuit, if that is something else.
    name: Option<String>,
    /// Told of the first skip and of every so many.
    on_skip: Option<(Py<PyAny>, u64)>,
}

#[pymethods]
impl Guard {
    #[new]
    #[pyo3(signature = (circuit, default, factory, *, gives, reraise, name = None, on_skip = None))]
    fn new(
        circuit: Py<Circuit>,
        default: Option<Py<PyAny>>,
        factory: Option<Py<PyAny>>,
        gives: bool,
        reraise: bool,
        name: Option<String>,
        on_skip: Option<(Py<PyAny>, u64)>,
    ) -> Self {
        Self { circuit, default, factory, gives, reraise, name, on_skip }
    }

    /// For the collector of cycles: what can be reached from here.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.circuit)?;
        let given = [self.default.as_ref(), self.factory.as_ref(), self.on_skip.as_ref().map(|(told, _)| told)];
        given.into_iter().flatten().try_for_each(|each| visit.call(each))
    }

    /// Calls the function.
    fn call(
        &self,
        py: Python<'_>,
        function: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: &Bound<'_, PyDict>,
    ) -> PyResult<Py<PyAny>> {
        match self.circuit.get().call(py, function, args, Some(kwargs))? {
            Ok(value) => Ok(value),
            Err(TryError::Failed(error)) if self.reraise || !error.is_instance_of::<PyException>(py) => Err(error),
            Err(TryError::Failed(_)) => self.fallback(py),
            Err(TryError::Skipped(refusal)) => {
                self.tell_skipped(py, &refusal)?;
                self.fallback(py)
            }
        }
    }

    /// Leave for a coroutine, to be given back to `succeeded`, `failed` or `interrupted`: a number where that will do, else a
    /// permit. `None` if it is skipped, and the fallback given in its place.
    fn enter<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let circuit = self.circuit.get();
        let refusal = match circuit.token()? {
            Ok(Some(token)) => return Ok(Some(token.into_pyobject(py)?.into_any())),
            Ok(None) => match circuit.permit_or(py)? {
                Ok(permit) => return Ok(Some(Bound::new(py, permit)?.into_any())),
                Err(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        self.tell_skipped(py, &refusal).map(|()| None)
    }

    /// The coroutine gave its value.
    fn succeeded(&self, py: Python<'_>, leave: &Bound<'_, PyAny>) -> PyResult<()> {
        self.settle(py, leave, &Outcome::Success)
    }

    /// It raised this.
    fn failed(&self, py: Python<'_>, leave: &Bound<'_, PyAny>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let outcome = self.circuit.get().outcome(py, error);
        self.settle(py, leave, &outcome)
    }

    /// Somebody else ended it.
    fn interrupted(&self, py: Python<'_>, leave: &Bound<'_, PyAny>) -> PyResult<()> {
        self.settle(py, leave, &Outcome::Ignored)
    }

    /// What is given in place of a value that was not made.
    fn fallback(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        match (&self.factory, &self.default) {
            (Some(factory), _) => factory.call0(py),
            (None, Some(default)) => Ok(default.clone_ref(py)),
            (None, None) => Ok(py.None()),
        }
    }
}

impl Guard {
    fn settle(&self, py: Python<'_>, leave: &Bound<'_, PyAny>, outcome: &Outcome) -> PyResult<()> {
        match leave.cast::<Permit>() {
            Ok(permit) => permit.get().settle(py, outcome),
            Err(_) => self.circuit.get().settle_token(leave.extract()?, outcome),
        }
    }

    /// Tells of a skip, or raises it if there is nothing to give.
    fn tell_skipped(&self, py: Python<'_>, refusal: &Refusal) -> PyResult<()> {
        if let (Some((told, every)), RefusalReason::Skipped(skip)) = (&self.on_skip, &refusal.reason)
            && (skip.count <= 1 || skip.count.is_multiple_of(*every))
        {
            told.call1(py, (skip.count, refusal.last_error.as_deref()))?;
        }
        if self.reraise && !self.gives { Err(refused(py, refusal, self.name.as_deref())) } else { Ok(()) }
    }
}
