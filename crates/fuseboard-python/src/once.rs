//! Leave that is settled once, in the process that it was given to.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::board::Opened;
use crate::fork;

/// A permit or an evaluation. Dropped, it counts as ignored.
pub(crate) struct Once<T: Send> {
    held: Mutex<Option<T>>,
    opened: Arc<Opened>,
    /// In which process it was given.
    forks: u64,
}

impl<T: Send> Once<T> {
    pub(crate) fn new(held: T, opened: Arc<Opened>) -> Self {
        let forks = if opened.waits() { fork::forks() } else { 0 };
        Self { held: Mutex::new(Some(held)), opened, forks }
    }

    pub(crate) fn looked_at<R>(&self, look: impl FnOnce(Option<&T>) -> R) -> R {
        look(self.held.lock().unwrap_or_else(PoisonError::into_inner).as_ref())
    }

    /// Settles it, unless that was done, or is another process's to do.
    pub(crate) fn settle<R: Send>(&self, py: Python<'_>, settle: impl FnOnce(T) -> R + Send) -> PyResult<R> {
        let Some(held) = self.take() else {
            return Err(PyRuntimeError::new_err("this permit is settled already, or of another process"));
        };
        self.opened.ask(py, || settle(held))
    }

    fn take(&self) -> Option<T> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        if self.opened.waits() && self.forks != fork::forks() {
            std::mem::forget(held);
            return None;
        }
        Some(held)
    }
}

impl<T: Send> Drop for Once<T> {
    /// The interpreter's lock is let go of while a file is waited for.
    fn drop(&mut self) {
        if let Some(held) = self.take() {
            Python::attach(|py| drop(self.opened.ask(py, || drop(held))));
        }
    }
}
