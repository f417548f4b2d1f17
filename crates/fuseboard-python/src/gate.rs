//! Gates: without a verdict of their own they block.

use std::sync::Arc;

use fuseboard::{Failure, FailureKind, Outcome};
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::board::Opened;
use crate::once::Once;
use crate::said::failure;

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
    opened: Arc<Opened>,
    gate: fuseboard::Gate,
}

impl Gate {
    pub(crate) fn of(opened: Arc<Opened>, name: &str, policy: Option<fuseboard::Policy>) -> PyResult<Self> {
        let gate = opened.named(name, policy, fuseboard::Board::gate_with, fuseboard::Board::gate)?;
        Ok(Self { opened, gate })
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
        let evaluation = match self.evaluation(py)? {
            Ok(evaluation) => evaluation,
            Err(verdict) => return Ok(verdict),
        };
        match evaluate.call(args, kwargs) {
            Ok(answer) => evaluation.ended(py, &answer),
            Err(error) if error.is_instance_of::<PyException>(py) => evaluation.failed(py, error.value(py)),
            Err(error) => {
                evaluation.interrupted(py)?;
                Err(error)
            }
        }
    }

    /// Awaits `evaluate(*args, **kwargs)`, which gives a `Verdict`. Anything else that it gives or raises blocks. A
    /// cancellation goes on.
    #[pyo3(signature = (evaluate, /, *args, **kwargs))]
    fn judge_async<'py>(
        slf: &Bound<'py, Self>,
        evaluate: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("fuseboard._gate")?.getattr("judge")?.call1((slf, evaluate, args, kwargs))
    }

    /// Leave to evaluate once, or the verdict if it may not run.
    fn begin<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self.evaluation(py)? {
            Ok(evaluation) => Ok(Bound::new(py, evaluation)?.into_any()),
            Err(verdict) => Ok(Bound::new(py, verdict)?.into_any()),
        }
    }

    fn __repr__(&self) -> String {
        format!("Gate({:?})", self.name())
    }
}

impl Gate {
    fn evaluation(&self, py: Python<'_>) -> PyResult<Result<Evaluation, Verdict>> {
        let begun = self.opened.ask(py, || self.gate.begin())?;
        Ok(match begun {
            Ok(evaluation) => Ok(Evaluation { held: Once::new(evaluation, self.opened.clone()) }),
            Err(verdict) => Err(Verdict { verdict }),
        })
    }
}

/// Leave to evaluate once. Dropped, there is no verdict.
#[pyclass(frozen, module = "fuseboard")]
pub(crate) struct Evaluation {
    held: Once<fuseboard::Evaluation>,
}

#[pymethods]
impl Evaluation {
    /// The evaluator returned this.
    fn ended(&self, py: Python<'_>, answer: &Bound<'_, PyAny>) -> PyResult<Verdict> {
        if let Ok(verdict) = answer.cast::<Verdict>() {
            return self.end(py, Some(verdict.get().verdict.clone()), &Outcome::Success);
        }
        let why = format!("the evaluator returned {}, no Verdict", answer.get_type().name()?);
        self.end(py, None, &Outcome::Failure(Failure::new(FailureKind::Error, &why)))
    }

    /// It raised this.
    fn failed(&self, py: Python<'_>, error: &Bound<'_, PyAny>) -> PyResult<Verdict> {
        self.end(py, None, &failure(error))
    }

    /// Somebody else ended it.
    fn interrupted(&self, py: Python<'_>) -> PyResult<Verdict> {
        self.end(py, None, &Outcome::Ignored)
    }
}

impl Evaluation {
    fn end(&self, py: Python<'_>, said: Option<fuseboard::Verdict>, outcome: &Outcome) -> PyResult<Verdict> {
        let verdict = self.held.settle(py, |evaluation| evaluation.end(said, outcome))?;
        Ok(Verdict { verdict })
    }
}
