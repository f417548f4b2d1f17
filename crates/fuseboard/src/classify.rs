//! What a result means to its circuit: an argument of the call, never a part of the policy.

use std::fmt::{self, Display};

use crate::circuit::Circuit;
use crate::guard::{Attempt, TryError, attempt, passed_on, value};
use crate::outcome::{Failure, Outcome};

/// Says what a result means to the circuit: a negative answer may be a success, a value may stand for a failure,
/// an error may say nothing of the work. Every `Fn(&Result<T, E>) -> Outcome` does.
///
/// It decides what the circuit counts and nothing else: the caller gets the result as the work returned it. One
/// that panics counts, and is handed on, as if the work itself had panicked.
pub trait Classify<T, E> {
    /// What the circuit counts.
    fn classify(&self, result: &Result<T, E>) -> Outcome;
}

impl<T, E, F: Fn(&Result<T, E>) -> Outcome> Classify<T, E> for F {
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}

/// What counts unless something else is said: a value is a success, an error is a failure in its own words.
///
/// ```
/// use fuseboard::{ByText, Classify, Outcome};
///
/// assert_eq!(ByText.classify(&Ok::<_, String>(3)), Outcome::Success);
/// let failed = ByText.classify(&Err::<u8, _>("disk full"));
/// assert!(matches!(failed, Outcome::Failure(failure) if &*failure.message == "disk full"));
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct ByText;

impl<T, E: Display> Classify<T, E> for ByText {
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(error) => Outcome::Failure(Failure::error(error)),
        }
    }
}

/// A circuit together with what its results mean; made by [`Circuit::classify`]. It has the guards of a
/// [`Circuit`], under the same names, for errors with and without a text.
///
/// ```
/// use fuseboard::{Attempt, Board, Failure, Outcome, TryError, block_on};
///
/// #[derive(Debug)]
/// struct NotFound;
///
/// let an_answer = |result: &Result<u8, NotFound>| Outcome::Success;
/// let users = Board::new().circuit("users")?.classify(an_answer);
/// let ask = || Err::<u8, _>(NotFound);
/// assert!(matches!(users.run(ask), Attempt::Failed(NotFound)));
/// assert!(matches!(users.try_run(ask), Err(TryError::Failed(NotFound))));
/// assert_eq!([users.run_or(0, ask), users.run_or_else(|| 0, ask)], [0, 0]);
/// block_on(async {
///     assert!(matches!(users.run_async(async { ask() }).await, Attempt::Failed(NotFound)));
///     assert!(matches!(users.try_run_async(async { ask() }).await, Err(TryError::Failed(NotFound))));
///     assert_eq!(users.run_or_async(0, async { ask() }).await, 0);
///     assert_eq!(users.run_or_else_async(|| 0, async { ask() }).await, 0);
/// });
/// assert!(users.circuit().would_run()?, "none of them counted as a failure");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Classified<C> {
    pub(crate) circuit: Circuit,
    pub(crate) classify: C,
}

impl<C> fmt::Debug for Classified<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Classified").field("circuit", &self.circuit).finish_non_exhaustive()
    }
}

impl Circuit {
    /// The same circuit, whose guards ask `classify` what a result means.
    ///
    /// ```
    /// use fuseboard::{Board, ByText, Classify, Failure, Outcome, TryError};
    ///
    /// #[derive(Debug, PartialEq)]
    /// enum Lookup { NotFound, Down }
    ///
    /// let users = Board::new().circuit("users")?.classify(|result: &Result<u16, Lookup>| match result {
    ///     Ok(503) => Outcome::Failure(Failure::error(&"503, come back later")),
    ///     Ok(_) | Err(Lookup::NotFound) => Outcome::Success,
    ///     Err(Lookup::Down) => Outcome::Failure(Failure::error(&"the directory is down")),
    /// });
    /// for _ in 0..5 {
    ///     assert!(matches!(users.try_run(|| Err(Lookup::NotFound)), Err(TryError::Failed(Lookup::NotFound))));
    /// }
    /// assert_eq!(users.run_or(0, || Ok(503)), 503, "what the work returned is handed on");
    /// assert_eq!(users.run_or(0, || Ok(503)), 503);
    /// assert_eq!(users.run_or(0, || Ok(200)), 0, "two in a row have opened the circuit");
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    pub fn classify<C>(&self, classify: C) -> Classified<C> {
        Classified { circuit: self.clone(), classify }
    }
}

impl<C> Classified<C> {
    /// The circuit itself.
    pub fn circuit(&self) -> &Circuit {
        &self.circuit
    }

    /// As [`Circuit::run`].
    pub fn run<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Attempt<T, E>
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded(&self.classify, work, attempt)
    }

    /// As [`Circuit::run_or`].
    pub fn run_or<T, E>(&self, default: T, work: impl FnOnce() -> Result<T, E>) -> T
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded(&self.classify, work, value).unwrap_or(default)
    }

    /// As [`Circuit::run_or_else`].
    pub fn run_or_else<T, E>(&self, default: impl FnOnce() -> T, work: impl FnOnce() -> Result<T, E>) -> T
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded(&self.classify, work, value).unwrap_or_else(default)
    }

    /// As [`Circuit::try_run`].
    ///
    /// # Errors
    /// [`TryError::Failed`] with the work's own error, [`TryError::Skipped`] if it was not run.
    ///
    /// # Panics
    /// As the work does, or the classifier.
    pub fn try_run<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, TryError<E>>
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded(&self.classify, work, passed_on)
    }

    /// As [`Circuit::run_async`].
    pub fn run_async<T, E>(&self, work: impl IntoFuture<Output = Result<T, E>>) -> impl Future<Output = Attempt<T, E>>
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded_async(&self.classify, work, attempt)
    }

    /// As [`Circuit::run_or_async`].
    pub fn run_or_async<T, E>(
        &self,
        default: T,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = T>
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded_async(&self.classify, work, |ran| value(ran).unwrap_or(default))
    }

    /// As [`Circuit::run_or_else_async`].
    pub fn run_or_else_async<T, E>(
        &self,
        default: impl FnOnce() -> T,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = T>
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded_async(&self.classify, work, |ran| value(ran).unwrap_or_else(default))
    }

    /// As [`Circuit::try_run_async`].
    ///
    /// # Errors
    /// [`TryError::Failed`] with the work's own error, [`TryError::Skipped`] if it was not run.
    ///
    /// # Panics
    /// As the work does, or the classifier.
    pub fn try_run_async<T, E>(
        &self,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, TryError<E>>>
    where
        C: Classify<T, E>,
    {
        self.circuit.guarded_async(&self.classify, work, passed_on)
    }
}
