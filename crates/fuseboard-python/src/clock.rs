//! A clock for tests.

use std::time::Duration;

use pyo3::prelude::*;

use crate::errors::{contained, wrong};

/// A clock that moves only when told to. Give it to a `Board` in tests.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct FakeClock {
    pub(crate) clock: fuseboard::clock::FakeClock,
}

#[pymethods]
impl FakeClock {
    #[new]
    fn new() -> Self {
        Self { clock: fuseboard::clock::FakeClock::new() }
    }

    /// Lets so many seconds pass.
    fn advance(&self, seconds: f64) -> PyResult<()> {
        let time = Duration::try_from_secs_f64(seconds).map_err(wrong)?;
        contained(|| self.clock.advance(time))
    }
}
