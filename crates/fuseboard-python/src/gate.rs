//! Gates: without a verdict of their own they block.

use fuseboard::Outcome;
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::board::Opened;
use crate::errors::detached;
use crate::said::outcome;

/// What a gate says. It is neither true nor false: look at `passed`.
#[pyclass(frozen, eq, module = "fuseboard")]
#[derive(Clone, PartialEq)]
pub(crate) struct Verdict {
    verdict: fuseboard::Verdict,
}

#[pymethods]
impl Verdict {
    /// What was judged may pass.
    #[staticmethod]
    fn allow() -> Self {
        Self { verdict: fuseboard::Verdict::Pass }
    }

    /// It may not, because.
    #[staticmethod]
    fn block(why: &str) -> Self {
        Self { verdict: fuseboard::Verdict::block(why) }
    }

    /// Whether it may pass.
    #[getter]
    fn passed(&self) -> bool {
        self.verdict == fuseboard::Verdict::Pass
    }

    /// Why it may not; `None` if it may.
    #[getter]
    fn why(&self) -> Option<&str> {
        match &self.verdict {
            fuseboard::Verdict::Pass => None,
            fuseboard::Verdict::Block(block) => Some(&block.why),
        }
    }

    /// Whether the evaluator itself said so; otherwise there is no verdict, and that blocks too.
    #[getter]
    fn evaluated(&self) -> bool {
        match &self.verdict {
            fuseboard::Verdict::Pass => true,
            fuseboard::Verdict::Block(block) => block.evaluated,
        }
    }

    #[expect(clippy::unused_self, reason = "Python asks an object")]
    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("a verdict is neither true nor false; look at verdict.passed"))
    }

    fn __repr__(&self) -> String {
        format!("Verdict({:?})", self.verdict.to_string())
    }
}

/// A circuit around something that judges. There is no default: open, failed, interrupted, a lost store and "could not
/// tell" all block.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Gate {
    gate: fuseboard::Gate,
}

impl Gate {
    pub(crate) fn of(opened: &Opened, name: &str, policy: Option<fuseboard::Policy>) -> PyResult<Self> {
        let gate = opened.named(name, policy, fuseboard::Board::gate_with, fuseboard::Board::gate)?;
        Ok(Self { gate })
    }
}

#[pymethods]
impl Gate {
    /// The gate's name.
    #[getter]
    fn name(&self) -> &str {
        self.gate.name().as_str()
    }

    /// Asks `evaluate(*args, **kwargs)`, which returns a `Verdict`. Anything else that it returns or raises blocks. An
    /// interruption goes on.
    #[pyo3(signature = (evaluate, /, *args, **kwargs))]
    fn judge(
        &self,
        py: Python<'_>,
        evaluate: &Bound<'_, PyAny>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Verdict> {
        let (evaluate, args) = (evaluate.clone().unbind(), args.clone().unbind());
        let kwargs = kwargs.map(|kwargs| kwargs.clone().unbind());
        let said = |result: &Result<fuseboard::Verdict, PyErr>| match result {
            Ok(_) => Outcome::Success,
            Err(error) => Python::attach(|py| outcome(py, error)),
        };
        let mut interrupted = None;
        let ask = || {
            Python::attach(|py| {
                let answer = evaluate.call(py, args.bind(py), kwargs.as_ref().map(|kwargs| kwargs.bind(py)));
                let answer = answer.inspect_err(|error| {
                    if !error.is_instance_of::<PyException>(py) {
                        interrupted = Some(error.clone_ref(py));
                    }
                })?;
                match answer.bind(py).cast::<Verdict>() {
                    Ok(verdict) => Ok(verdict.get().verdict.clone()),
                    Err(_) => Err(PyTypeError::new_err(format!(
                        "the evaluator returned {}, no Verdict",
                        answer.bind(py).get_type().name()?
                    ))),
                }
            })
        };
        let verdict = detached(py, || self.gate.judge_by(&said, ask))?;
        match interrupted {
            Some(error) => Err(error),
            None => Ok(Verdict { verdict }),
        }
    }

    fn __repr__(&self) -> String {
        format!("Gate({:?})", self.name())
    }
}
