//! What a circuit does when.

use std::time::Duration;

use fuseboard::{FailureRate, Mode, TripRule};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::errors::wrong;

/// When a circuit opens, how long it stays open and how it closes again. Times are seconds; `cool_down=None` never ends by
/// itself. With `rate=(failures, of, within)` a share of failures opens it, in place of `trip_after`.
#[pyclass(frozen, eq, module = "fuseboard")]
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Policy {
    pub(crate) policy: fuseboard::Policy,
}

fn seconds(what: &str, time: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(time)
        .map_err(|_| wrong(format_args!("{what} must be a time in seconds that is not negative, not {time}")))
}

fn count(what: &str, number: i64) -> PyResult<u32> {
    u32::try_from(number)
        .map_err(|_| wrong(format_args!("{what} must be at least 1 and at most {}, not {number}", u32::MAX)))
}

#[pymethods]
impl Policy {
    #[new]
    #[pyo3(signature = (
        *, trip_after = 2, rate = None, slow_after = None, cool_down = Some(300.0), cool_down_factor = 2.0,
        cool_down_max = None, jitter = 0.1, probes = 1, lease = 600.0, observe = false,
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are keywords")]
    fn new(
        trip_after: i64,
        rate: Option<(f64, i64, f64)>,
        slow_after: Option<f64>,
        cool_down: Option<f64>,
        cool_down_factor: f64,
        cool_down_max: Option<f64>,
        jitter: f64,
        probes: i64,
        lease: f64,
        observe: bool,
    ) -> PyResult<Self> {
        let trip = match rate {
            Some((failures, of, within)) => TripRule::Rate(FailureRate {
                failures,
                of: count("rate's second number", of)?,
                within: seconds("rate's third number", within)?,
            }),
            None => TripRule::TripAfter(count("trip_after", trip_after)?),
        };
        let mode = if observe { Mode::Observe } else { Mode::Enforce };
        let mut builder = fuseboard::Policy::builder()
            .trip(trip)
            .slow_after(slow_after.map(|time| seconds("slow_after", time)).transpose()?)
            .cool_down_factor(cool_down_factor)
            .jitter(jitter)
            .probes(count("probes", probes)?)
            .lease(seconds("lease", lease)?)
            .mode(mode);
        builder = match cool_down {
            Some(time) => builder.cool_down(seconds("cool_down", time)?),
            None => builder.cool_down_never(),
        };
        if let Some(max) = cool_down_max {
            builder = builder.cool_down_max(seconds("cool_down_max", max)?);
        }
        Ok(Self { policy: builder.build().map_err(wrong)? })
    }

    /// For calls that are made often, such as requests to a service.
    #[staticmethod]
    fn for_requests() -> Self {
        Self { policy: fuseboard::Policy::for_requests() }
    }

    /// Failures in a row that open the circuit; `None` if a rate does.
    #[getter]
    fn trip_after(&self) -> Option<u32> {
        self.policy.trip_after()
    }

    /// `(failures, of, within)`, or `None`.
    #[getter]
    fn rate(&self) -> Option<(f64, u32, f64)> {
        self.policy.rate().map(|rate| (rate.failures, rate.of, rate.within.as_secs_f64()))
    }

    /// Seconds after which a call is too slow, or `None`.
    #[getter]
    fn slow_after(&self) -> Option<f64> {
        self.policy.slow_after().map(|time| time.as_secs_f64())
    }

    /// Seconds that the first opening lasts; `None` is never.
    #[getter]
    fn cool_down(&self) -> Option<f64> {
        self.policy.cool_down().map(|time| time.as_secs_f64())
    }

    /// By how much each further opening in a row is longer.
    #[getter]
    fn cool_down_factor(&self) -> f64 {
        self.policy.cool_down_factor()
    }

    /// Seconds that one opening lasts at most.
    #[getter]
    fn cool_down_max(&self) -> f64 {
        self.policy.cool_down_max().as_secs_f64()
    }

    /// By which share a cool-down is randomly longer or shorter.
    #[getter]
    fn jitter(&self) -> f64 {
        self.policy.jitter()
    }

    /// Successful probes that close the circuit.
    #[getter]
    fn probes(&self) -> u32 {
        self.policy.probes().get()
    }

    /// Seconds that a probe may stay unanswered.
    #[getter]
    fn lease(&self) -> f64 {
        self.policy.lease().as_secs_f64()
    }

    /// Whether everything runs, and what would be skipped is only counted.
    #[getter]
    fn observe(&self) -> bool {
        self.policy.mode() == Mode::Observe
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyTuple::new(py, self.values(py)?)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let mut said = Vec::new();
        for (name, value) in NAMES.iter().zip(self.values(py)?) {
            said.push(format!("{name}={}", value.bind(py).repr()?));
        }
        Ok(format!("Policy({})", said.join(", ")))
    }

    /// For pickles and copies.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let keywords = PyDict::new(py);
        for (name, value) in NAMES.iter().zip(self.values(py)?) {
            keywords.set_item(name, value)?;
        }
        if self.trip_after().is_none() {
            keywords.del_item("trip_after")?;
        }
        Ok((PyTuple::empty(py), keywords))
    }
}

const NAMES: [&str; 10] = [
    "trip_after",
    "rate",
    "slow_after",
    "cool_down",
    "cool_down_factor",
    "cool_down_max",
    "jitter",
    "probes",
    "lease",
    "observe",
];

impl Policy {
    /// The values of [`NAMES`].
    fn values(&self, py: Python<'_>) -> PyResult<[Py<PyAny>; 10]> {
        let value = |value: Bound<'_, PyAny>| value.unbind();
        Ok([
            value(self.trip_after().into_pyobject(py)?),
            value(self.rate().into_pyobject(py)?),
            value(self.slow_after().into_pyobject(py)?),
            value(self.cool_down().into_pyobject(py)?),
            value(self.cool_down_factor().into_pyobject(py)?.into_any()),
            value(self.cool_down_max().into_pyobject(py)?.into_any()),
            value(self.jitter().into_pyobject(py)?.into_any()),
            value(self.probes().into_pyobject(py)?.into_any()),
            value(self.lease().into_pyobject(py)?.into_any()),
            value(self.observe().into_pyobject(py)?.to_owned().into_any()),
        ])
    }
}
