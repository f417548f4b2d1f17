//! The native half of `import fuseboard`: the library's circuits as Python objects. What needs no speed is Python, in
//! `python/fuseboard`.

mod board;
mod circuit;
mod clock;
mod errors;
mod fork;
mod gate;
mod guard;
mod once;
mod policy;
mod said;

use pyo3::prelude::*;

/// The native half of the package `fuseboard`.
#[pymodule]
mod _native {
    #[pymodule_export]
    use crate::board::{Board, View};
    #[pymodule_export]
    use crate::circuit::{Circuit, Permit};
    #[pymodule_export]
    use crate::clock::FakeClock;
    #[pymodule_export]
    use crate::errors::{CircuitOpen, FuseboardError, StoreError};
    #[pymodule_export]
    use crate::gate::{Evaluation, Gate, Verdict};
    #[pymodule_export]
    use crate::guard::Guard;
    #[pymodule_export]
    use crate::policy::Policy;

    use pyo3::pyfunction;

    /// Before a fork: files are closed, and nobody opens one until after it.
    #[pyfunction]
    fn before_fork() {
        crate::fork::before();
    }

    /// After a fork, in the parent and in the child.
    #[pyfunction]
    fn after_fork(in_child: bool) {
        crate::fork::after(in_child);
    }
}
