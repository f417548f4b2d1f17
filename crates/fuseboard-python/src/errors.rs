//! What is raised.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

use fuseboard::{Refusal, RefusalReason, panic_message};
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;

create_exception!(fuseboard, FuseboardError, PyException, "What Fuseboard itself raises.");
create_exception!(
    fuseboard,
    CircuitOpen,
    FuseboardError,
    "The work was not run: its circuit is open, or switched off.\n\n\
     `circuit` is its name; `retry_in` and `open_for` are seconds or None; `last_error` is a text or None; `skips` is how\n\
     many calls were skipped since the circuit opened, this one included."
);
create_exception!(fuseboard, StoreError, FuseboardError, "The store cannot be used.");

/// Runs what is ours: a panic in it is a bug of ours, and an ordinary exception to Python.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        FuseboardError::new_err(format!("a bug in fuseboard, which {}; please report it", panic_message(&*panic)))
    })
}

/// The same for what may wait: other threads run meanwhile.
pub(crate) fn detached<T: Send>(py: Python<'_>, run: impl FnOnce() -> T + Send) -> PyResult<T> {
    contained(|| py.detach(run))
}

/// A refusal, to be raised. `name` is what the caller calls the circuit, if that is something else.
pub(crate) fn refused(py: Python<'_>, refusal: &Refusal, name: Option<&str>) -> PyErr {
    let (said, stored) = (refusal.to_string(), refusal.circuit.as_str());
    let name = name.unwrap_or(stored);
    let error = CircuitOpen::new_err(match said.strip_prefix(stored) {
        Some(why) => format!("{name}{why}"),
        None => said,
    });
    let skips = match &refusal.reason {
        RefusalReason::Skipped(skip) => skip.count,
        RefusalReason::StoreLost(_) => 0,
    };
    let value = error.value(py);
    let told = value
        .setattr("circuit", name)
        .and_then(|()| value.setattr("retry_in", refusal.retry_in.map(|time| time.as_secs_f64())))
        .and_then(|()| value.setattr("open_for", refusal.open_for.map(|time| time.as_secs_f64())))
        .and_then(|()| value.setattr("last_error", refusal.last_error.as_deref()))
        .and_then(|()| value.setattr("skips", skips));
    told.err().unwrap_or(error)
}

/// A name, a policy or a circuit that cannot be.
pub(crate) fn wrong(error: impl Display) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn no_store(error: &fuseboard::store::StoreError) -> PyErr {
    StoreError::new_err(error.to_string())
}
