//! What Python's errors and results mean to a circuit.

use std::sync::Arc;

use fuseboard::{Classify, Failure, FailureKind, Outcome};
use pyo3::exceptions::{PyBaseException, PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyTuple, PyType};

/// A value is a success and an exception a failure. `KeyboardInterrupt`, `SystemExit`, `asyncio.CancelledError` and
/// whatever else is no `Exception` say nothing of the work, and neither do the exceptions that are to be ignored.
#[derive(Clone, Default)]
pub(crate) struct ByException {
    /// A type, or a tuple of types, as in `except`.
    ignored: Option<Arc<Py<PyAny>>>,
}

impl ByException {
    /// Without these exceptions.
    pub(crate) fn ignoring(types: Option<Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(types) = types else { return Ok(Self::default()) };
        let each = types.cast::<PyTuple>().map_or_else(|_| vec![types.clone()], |types| types.iter().collect());
        for one in &each {
            let is_exception =
                one.cast::<PyType>().is_ok_and(|one| one.is_subclass_of::<PyBaseException>().unwrap_or(false));
            if !is_exception {
                let why =
                    format!("ignore takes an exception type or a tuple of them, as `except` does, not {}", one.repr()?);
                return Err(PyTypeError::new_err(why));
            }
        }
        Ok(Self { ignored: Some(Arc::new(types.unbind())) })
    }

    /// What an exception means.
    pub(crate) fn of(&self, py: Python<'_>, error: &PyErr) -> Outcome {
        let is_ignored = self.ignored.as_ref().is_some_and(|types| error.matches(py, types.bind(py)).unwrap_or(false));
        if error.is_instance_of::<PyException>(py) && !is_ignored {
            failure(error.value(py).as_any())
        } else {
            Outcome::Ignored
        }
    }
}

impl<T> Classify<T, PyErr> for ByException {
    fn classify(&self, result: &Result<T, PyErr>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => Python::attach(|py| self.of(py, error)),
        }
    }
}

/// The failure that this error is.
pub(crate) fn failure(error: &Bound<'_, PyAny>) -> Outcome {
    Outcome::Failure(Failure::new(FailureKind::Error, &text(error)))
}

/// What an error says: its text, else the name of its type.
fn text(error: &Bound<'_, PyAny>) -> String {
    let said = error.str().ok().map(|text| text.to_string_lossy().into_owned()).filter(|text| !text.is_empty());
    said.or_else(|| error.get_type().name().ok().map(|name| name.to_string())).unwrap_or_else(|| "failed".to_owned())
}
