//! What Python's errors and results mean to a circuit.

use fuseboard::{Classify, Failure, FailureKind, Outcome};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

/// A value is a success and an exception a failure. `KeyboardInterrupt`, `SystemExit`, `asyncio.CancelledError` and
/// whatever else is no `Exception` say nothing of the work.
#[derive(Clone, Copy)]
pub(crate) struct ByException;

impl Classify<Py<PyAny>, PyErr> for ByException {
    fn classify(&self, result: &Result<Py<PyAny>, PyErr>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => Python::attach(|py| outcome(py, error)),
        }
    }
}

/// What an exception means.
pub(crate) fn outcome(py: Python<'_>, error: &PyErr) -> Outcome {
    if error.is_instance_of::<PyException>(py) {
        Outcome::Failure(Failure::new(FailureKind::Error, &text(error.value(py).as_any())))
    } else {
        Outcome::Ignored
    }
}

/// What an error says: its text, else the name of its type.
pub(crate) fn text(error: &Bound<'_, PyAny>) -> String {
    let said = error.str().ok().map(|text| text.to_string_lossy().into_owned()).filter(|text| !text.is_empty());
    said.or_else(|| error.get_type().name().ok().map(|name| name.to_string())).unwrap_or_else(|| "failed".to_owned())
}
