//! The guards: run work behind a circuit and settle the permit whatever happens.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::call::Call;
use crate::circuit::Circuit;
use crate::classify::{ByText, Classify};
use crate::error::Refusal;
use crate::outcome::{Failure, FailureKind, Outcome};
use crate::unwritten::{AtOnce, Refused, Unwritten};

/// What a guarded call came to.
///
/// ```
/// use fuseboard::{Attempt, Board};
///
/// let circuit = Board::new().circuit("cost")?;
/// let attempt = circuit.run(|| Ok::<_, String>(3));
/// assert!(attempt.is_done());
/// assert_eq!(attempt.done(), Some(3));
/// let attempt = circuit.run(|| -> Result<(), String> { panic!("no rows") });
/// assert!(matches!(attempt, Attempt::Panicked(text) if text == "panicked: no rows"));
/// # Ok::<(), fuseboard::CircuitError>(())
/// ```
#[derive(Debug)]
#[must_use = "an attempt may have failed or been skipped"]
pub enum Attempt<T, E> {
    /// The work was done.
    Done(T),
    /// The work returned an error.
    Failed(E),
    /// The work panicked; this is the panic's message. Needs `panic = "unwind"`, Rust's default.
    Panicked(String),
    /// The work was not run.
    Skipped(Refusal),
}

impl<T, E> Attempt<T, E> {
    /// The value, if the work was done.
    pub fn done(self) -> Option<T> {
        match self {
            Self::Done(value) => Some(value),
            Self::Failed(_) | Self::Panicked(_) | Self::Skipped(_) => None,
        }
    }

    /// Whether the work was done.
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// Why [`Circuit::try_run`] has no value.
#[derive(Debug, thiserror::Error)]
pub enum TryError<E> {
    /// The work was not run.
    #[error("skipped: {0}")]
    Skipped(Refusal),
    /// The work's own error.
    #[error("{0}")]
    Failed(E),
}

impl Circuit {
    /// Runs the work if the circuit allows it. An error and a panic count as failures and are contained.
    ///
    /// ```
    /// use fuseboard::{Attempt, Board};
    ///
    /// let circuit = Board::new().circuit("cost")?;
    /// let fails = || circuit.run(|| Err::<(), _>("disk full"));
    /// assert!(matches!(fails(), Attempt::Failed("disk full")));
    /// assert!(matches!(fails(), Attempt::Failed("disk full")));
    /// assert!(matches!(fails(), Attempt::Skipped(_)));
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    #[inline]
    pub fn run<T, E: Display>(&self, work: impl FnOnce() -> Result<T, E>) -> Attempt<T, E> {
        self.guarded(&ByText, work, attempt)
    }

    /// Runs the work, or gives `default` in place of a value that was not made. The default never changes the
    /// outcome: a failure stays one.
    ///
    /// ```
    /// let circuit = fuseboard::Board::new().circuit("cost")?;
    /// assert_eq!(circuit.run_or(0, || "17".parse::<u64>()), 17);
    /// assert_eq!(circuit.run_or(0, || "none".parse::<u64>()), 0);
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    #[inline]
    pub fn run_or<T, E: Display>(&self, default: T, work: impl FnOnce() -> Result<T, E>) -> T {
        self.guarded(&ByText, work, value).unwrap_or(default)
    }

    /// Like [`run_or`](Circuit::run_or), with a default made afresh for each use.
    ///
    /// ```
    /// let circuit = fuseboard::Board::new().circuit("cost")?;
    /// let mut rows = circuit.run_or_else(Vec::new, || Err("disk full"));
    /// rows.push(3);
    /// assert!(circuit.run_or_else(Vec::<u64>::new, || Err("disk full")).is_empty());
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    #[inline]
    pub fn run_or_else<T, E: Display>(&self, default: impl FnOnce() -> T, work: impl FnOnce() -> Result<T, E>) -> T {
        self.guarded(&ByText, work, value).unwrap_or_else(default)
    }

    /// Runs the work and passes its error on; a panic counts as a failure and goes on unwinding. For services,
    /// which handle errors themselves.
    ///
    /// ```
    /// use fuseboard::{Board, TryError};
    ///
    /// let circuit = Board::new().circuit("cost")?;
    /// assert_eq!(circuit.try_run(|| "17".parse::<u64>())?, 17);
    /// assert!(matches!(circuit.try_run(|| Err::<u64, _>("disk full")), Err(TryError::Failed("disk full"))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`TryError::Failed`] with the work's own error, [`TryError::Skipped`] if it was not run.
    ///
    /// # Panics
    /// As the work does.
    #[inline]
    pub fn try_run<T, E: Display>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, TryError<E>> {
        self.guarded(&ByText, work, passed_on)
    }

    /// The one way to run work behind this circuit: permit, work, report. `told` makes of it what the caller gets.
    #[inline]
    pub(crate) fn guarded<T, E, R>(
        &self,
        classify: &impl Classify<T, E>,
        work: impl FnOnce() -> Result<T, E>,
        told: impl FnOnce(Result<Caught<T, E>, Refused<'_>>) -> R,
    ) -> R {
        let unwritten = match self.at_once() {
            AtOnce::Quick(unwritten) => unwritten,
            AtOnce::Run(unwritten) => return told(Ok(written(unwritten, classify, work))),
            AtOnce::Skip(refused) => return told(Err(refused)),
            AtOnce::Ask => return told(self.guarded_by_permit(classify, work).map_err(Refused::from)),
        };
        // Told in each arm, so that a value is moved as what it is: what is first put together goes through memory.
        match catch_unwind(AssertUnwindSafe(|| judged(classify, work()))) {
            Ok(Judged::Success(value)) => {
                unwritten.succeed_quickly();
                told(Ok(Ok(Ok(value))))
            }
            Ok(Judged::Otherwise(result, outcome)) => {
                unwritten.settle(&outcome);
                told(Ok(Ok(result)))
            }
            Err(panic) => {
                unwritten.settle(&of_panic(&*panic));
                told(Ok(Err(panic)))
            }
        }
    }

    /// Apart from the short way, which is to be short in the caller's code too.
    #[inline(never)]
    fn guarded_by_permit<T, E>(
        &self,
        classify: &impl Classify<T, E>,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<Caught<T, E>, Refusal> {
        let permit = self.permit_for(Call::default())?.keep_alive();
        let (result, outcome) = catch(classify, work);
        drop(permit.settle(&outcome));
        Ok(result)
    }
}

/// Runs the work of a closed circuit that is not well, so that whatever it comes to has something to write.
#[inline(never)]
fn written<T, E>(
    unwritten: Unwritten<'_>,
    classify: &impl Classify<T, E>,
    work: impl FnOnce() -> Result<T, E>,
) -> Caught<T, E> {
    let (result, outcome) = catch(classify, work);
    unwritten.settle(&outcome);
    result
}

/// A result and what it means to the circuit. A value that means success, which nearly every call comes to, is by itself
/// on its way out of the place where panics are caught: that leads through memory.
pub(crate) enum Judged<T, E> {
    Success(T),
    Otherwise(Result<T, E>, Box<Outcome>),
}

/// What work returned, or what it threw.
pub(crate) type Caught<T, E> = std::thread::Result<Result<T, E>>;

/// Runs the work and says what it came to.
#[inline]
pub(crate) fn catch<T, E>(
    classify: &impl Classify<T, E>,
    work: impl FnOnce() -> Result<T, E>,
) -> (Caught<T, E>, Outcome) {
    caught(catch_unwind(AssertUnwindSafe(|| judged(classify, work()))))
}

/// What a result means. The classifier, and an error's text, are the caller's code too: they are asked where a panic is
/// caught.
#[inline]
pub(crate) fn judged<T, E>(classify: &impl Classify<T, E>, result: Result<T, E>) -> Judged<T, E> {
    let outcome = classify.classify(&result);
    match result {
        Ok(value) if matches!(outcome, Outcome::Success) => Judged::Success(value),
        result => Judged::Otherwise(result, Box::new(outcome)),
    }
}

/// What the work came to, a panic included.
#[inline]
pub(crate) fn caught<T, E>(ended: std::thread::Result<Judged<T, E>>) -> (Caught<T, E>, Outcome) {
    match ended {
        Ok(Judged::Success(value)) => (Ok(Ok(value)), Outcome::Success),
        Ok(Judged::Otherwise(result, outcome)) => (Ok(result), *outcome),
        Err(panic) => {
            let outcome = of_panic(&*panic);
            (Err(panic), outcome)
        }
    }
}

#[cold]
#[inline(never)]
pub(crate) fn of_panic(panic: &(dyn Any + Send)) -> Outcome {
    Outcome::Failure(Failure::new(FailureKind::Panic, &panic_message(panic)))
}

/// The call as an attempt: a panic is contained.
#[inline]
pub(crate) fn attempt<T, E>(ran: Result<Caught<T, E>, Refused<'_>>) -> Attempt<T, E> {
    match ran {
        Ok(Ok(Ok(value))) => Attempt::Done(value),
        Ok(Ok(Err(error))) => Attempt::Failed(error),
        Ok(Err(panic)) => Attempt::Panicked(ended_here(panic)),
        Err(refused) => Attempt::Skipped(refused.told()),
    }
}

/// The value alone, if the call has one: whatever else it came to is not asked for.
#[inline]
pub(crate) fn value<T, E>(ran: Result<Caught<T, E>, Refused<'_>>) -> Option<T> {
    match ran {
        Ok(Ok(result)) => result.ok(),
        Ok(Err(panic)) => {
            discard(panic);
            None
        }
        Err(_) => None,
    }
}

/// What a panic said that goes no further.
#[cold]
#[inline(never)]
fn ended_here(panic: Box<dyn Any + Send>) -> String {
    let message = panic_message(&*panic);
    discard(panic);
    message
}

/// The call for who handles errors: a panic goes on unwinding.
#[inline]
pub(crate) fn passed_on<T, E>(ran: Result<Caught<T, E>, Refused<'_>>) -> Result<T, TryError<E>> {
    match ran {
        Ok(Ok(result)) => result.map_err(TryError::Failed),
        Ok(Err(panic)) => resume_unwind(panic),
        Err(refused) => Err(TryError::Skipped(refused.told())),
    }
}

/// Runs what must disturb nobody: a panic ends here.
pub(crate) fn contain(run: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(run)) {
        discard(panic);
    }
}

/// Drops what was thrown, which may panic once more.
#[cold]
fn discard(panic: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(again);
    }
}

/// What a panic that was caught said.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.map_or_else(|| "panicked".to_owned(), |text| format!("panicked: {text}"))
}
