//! Gates: they judge, and without a verdict of their own they block.

use std::fmt::{self, Display};

use crate::call::Call;
use crate::circuit::{Circuit, Kept};
use crate::classify::{ByText, Classify};
use crate::error::Refusal;
use crate::guard::{Caught, catch};
use crate::guard_async::catch_async;
use crate::outcome::Outcome;
use crate::permit::Permit;

/// A circuit around something that judges. There is no default: open, failed, panicked, timed out, a lost
/// store and "could not tell" all block.
///
/// ```
/// use fuseboard::{Board, Verdict};
///
/// let gate = Board::new().gate("review")?;
/// let verdict = gate.judge(|| Err::<Verdict, _>("the scanner crashed"));
/// assert!(matches!(verdict, Verdict::Block(block) if !block.evaluated));
/// # Ok::<(), fuseboard::CircuitError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Gate {
    circuit: Circuit,
}

/// What a gate says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a verdict that nobody reads guards nothing"]
pub enum Verdict {
    /// What was judged may pass.
    Pass,
    /// It may not.
    Block(Block),
}

/// Why a gate blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The reason, for people.
    pub why: String,
    /// Whether the gate itself said so; otherwise there is no verdict, and that blocks too.
    pub evaluated: bool,
}

impl Verdict {
    /// The evaluator says: block, because.
    pub fn block(why: impl Into<String>) -> Self {
        Self::Block(Block { why: why.into(), evaluated: true })
    }

    /// There is no verdict, because: that blocks.
    pub fn none(why: impl Display) -> Self {
        Self::Block(Block { why: format!("no verdict: {why}"), evaluated: false })
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("pass"),
            Self::Block(block) => write!(f, "block: {}", block.why),
        }
    }
}

impl Gate {
    pub(crate) fn over(circuit: Circuit) -> Self {
        Self { circuit: circuit.strict() }
    }

    /// The gate's circuit name.
    pub fn name(&self) -> &crate::CircuitName {
        self.circuit.name()
    }

    /// Leave to evaluate once. Unlike [`Circuit::permit`] it is refused if the store cannot be used.
    ///
    /// # Errors
    /// [`Refusal`]: the gate blocks.
    pub fn permit_for(&self, call: Call) -> Result<Permit, Refusal> {
        self.circuit.permit_for(call)
    }

    /// Asks the evaluator. Its answer counts only if it finished in this call and the circuit could note it.
    pub fn judge<E: Display>(&self, evaluate: impl FnOnce() -> Result<Verdict, E>) -> Verdict {
        self.judge_by(&ByText, evaluate)
    }

    /// [`judge`](Gate::judge) for an evaluator whose errors are not all failures, or have no text. Whatever `classify` makes
    /// of an error, there is no verdict then.
    ///
    /// ```
    /// use fuseboard::{Board, Outcome, Verdict};
    ///
    /// struct Interrupted;
    ///
    /// let board = Board::new();
    /// let gate = board.gate("review")?;
    /// let says_nothing = |_: &Result<Verdict, Interrupted>| Outcome::Ignored;
    /// let verdict = gate.judge_by(&says_nothing, || Err(Interrupted));
    /// assert!(matches!(verdict, Verdict::Block(block) if !block.evaluated));
    /// assert_eq!(board.view(gate.name())?.unwrap().failures, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn judge_by<E>(
        &self,
        classify: &impl Classify<Verdict, E>,
        evaluate: impl FnOnce() -> Result<Verdict, E>,
    ) -> Verdict {
        let evaluation = match self.begin() {
            Ok(evaluation) => evaluation,
            Err(verdict) => return verdict,
        };
        let (result, outcome) = catch(classify, evaluate);
        evaluation.end(said(result), &outcome)
    }

    /// Leave to evaluate once, for who calls the evaluator in a way of its own.
    ///
    /// ```
    /// use fuseboard::{Board, Outcome, Verdict};
    ///
    /// let gate = Board::new().gate("review")?;
    /// let evaluation = gate.begin().expect("it is closed");
    /// let verdict = evaluation.end(Some(Verdict::block("3 secrets")), &Outcome::Success);
    /// assert!(matches!(verdict, Verdict::Block(block) if block.evaluated));
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// The [`Verdict`] if it may not run now: there is none, and the gate blocks.
    pub fn begin(&self) -> Result<Evaluation, Verdict> {
        match self.permit_for(Call::default()) {
            Ok(permit) => Ok(Evaluation { permit: permit.keep_alive() }),
            Err(refusal) => Err(Verdict::none(refusal)),
        }
    }

    /// [`judge`](Gate::judge) for an evaluator that is a future. It is not polled if the circuit is open; dropped
    /// before it has ended, the call counts as ignored, and there is no verdict.
    ///
    /// ```
    /// use fuseboard::{Board, Verdict, block_on};
    ///
    /// let gate = Board::new().gate("review")?;
    /// let verdict = block_on(gate.judge_async(async { Ok::<_, String>(Verdict::block("3 secrets")) }));
    /// assert!(matches!(verdict, Verdict::Block(block) if block.evaluated));
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    pub async fn judge_async<E: Display>(&self, evaluate: impl IntoFuture<Output = Result<Verdict, E>>) -> Verdict {
        let evaluation = match self.permit_for(Call::default()) {
            Ok(permit) => Evaluation { permit: permit.polled() },
            Err(refusal) => return Verdict::none(refusal),
        };
        let (result, outcome) = catch_async(&ByText, evaluate).await;
        evaluation.end(said(result), &outcome)
    }
}

/// Leave to evaluate once. Dropped, there is no verdict, and the call counts as ignored.
#[must_use = "an evaluation that is dropped counts as ignored"]
#[derive(Debug)]
pub struct Evaluation {
    permit: Permit,
}

impl Evaluation {
    /// What the evaluator said, if it said anything, and what that means to the circuit. There is a verdict only if it gave
    /// one and the circuit could note it.
    pub fn end(self, said: Option<Verdict>, outcome: &Outcome) -> Verdict {
        let verdict = match (said, outcome) {
            (Some(verdict), _) => verdict,
            (_, Outcome::Failure(failure)) => Verdict::none(&failure.message),
            (_, Outcome::Success | Outcome::Ignored) => Verdict::none("the evaluator did not say"),
        };
        match self.permit.settle(outcome).kept {
            Kept::Lost { error, .. } if verdict == Verdict::Pass => {
                Verdict::none(format_args!("the state cannot be written: {error}"))
            }
            Kept::Lost { .. } | Kept::Stored | Kept::Deferred | Kept::InMemory => verdict,
        }
    }
}

fn said<E>(result: Caught<Verdict, E>) -> Option<Verdict> {
    result.ok().and_then(Result::ok)
}
