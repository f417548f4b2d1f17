//! The async guards: as the guards, for work that is a future. They need no runtime.

use std::fmt::Display;
use std::future::poll_fn;
use std::pin::pin;

use crate::circuit::Circuit;
use crate::classify::{ByText, Classify};
use crate::guard::{Attempt, Caught, TryError, attempt, caught, passed_on, value};
use crate::guarded::{Guarded, Work};
use crate::outcome::Outcome;
use crate::unwritten::Refused;

/// The async guards take the work as a future, or as what turns into one; it is not polled before the circuit
/// allowed it, and never if the call is skipped. Each guard's future is `Send` if the work's is. Dropped before
/// the work has ended, the call counts as ignored and a probe is given back: who cancels says nothing about the
/// work. A store in a file or on a network is asked by the thread that polls, once before the work and once after.
impl Circuit {
    /// [`run`](Circuit::run) for work that is a future: an error and a panic count as failures and are contained.
    ///
    /// ```
    /// use fuseboard::{Attempt, Board, block_on};
    ///
    /// let circuit = Board::new().circuit("cost")?;
    /// block_on(async {
    ///     assert!(matches!(circuit.run_async(async { Ok::<_, String>(3) }).await, Attempt::Done(3)));
    ///     for _ in 0..2 {
    ///         let attempt = circuit.run_async(async { Err::<(), _>("disk full") }).await;
    ///         assert!(matches!(attempt, Attempt::Failed("disk full")));
    ///     }
    ///     let never = async { unreachable!("the circuit is open") };
    ///     assert!(matches!(circuit.run_async::<(), String>(never).await, Attempt::Skipped(_)));
    /// });
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    #[inline]
    pub fn run_async<T, E: Display>(
        &self,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = Attempt<T, E>> {
        self.guarded_async(&ByText, work, attempt)
    }

    /// [`run_or`](Circuit::run_or) for work that is a future.
    ///
    /// ```
    /// use fuseboard::{Board, block_on};
    ///
    /// let circuit = Board::new().circuit("cost")?;
    /// assert_eq!(block_on(circuit.run_or_async(0, async { Err("disk full") })), 0);
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    #[inline]
    pub fn run_or_async<T, E: Display>(
        &self,
        default: T,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = T> {
        self.guarded_async(&ByText, work, |ran| value(ran).unwrap_or(default))
    }

    /// [`run_or_else`](Circuit::run_or_else) for work that is a future.
    ///
    /// ```
    /// use fuseboard::{Board, block_on};
    ///
    /// let circuit = Board::new().circuit("cost")?;
    /// let rows = circuit.run_or_else_async(Vec::new, async { Ok::<_, String>(vec![3]) });
    /// assert_eq!(block_on(rows), [3]);
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    #[inline]
    pub fn run_or_else_async<T, E: Display>(
        &self,
        default: impl FnOnce() -> T,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = T> {
        self.guarded_async(&ByText, work, |ran| value(ran).unwrap_or_else(default))
    }

    /// [`try_run`](Circuit::try_run) for work that is a future: errors are passed on, a panic counts and goes on
    /// unwinding.
    ///
    /// ```
    /// use fuseboard::{Board, TryError, block_on};
    ///
    /// let circuit = Board::new().circuit("cost")?;
    /// let failed = block_on(circuit.try_run_async(async { Err::<(), _>("disk full") }));
    /// assert!(matches!(failed, Err(TryError::Failed("disk full"))));
    /// # Ok::<(), fuseboard::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// [`TryError::Failed`] with the work's own error, [`TryError::Skipped`] if it was not run.
    ///
    /// # Panics
    /// As the work does.
    #[inline]
    pub fn try_run_async<T, E: Display>(
        &self,
        work: impl IntoFuture<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, TryError<E>>> {
        self.guarded_async(&ByText, work, passed_on)
    }

    /// The one way to poll work behind this circuit: permit, work, report. `told` makes of it what the caller gets.
    #[inline]
    pub(crate) fn guarded_async<'a, T, E, R, C: Classify<T, E>, W: IntoFuture<Output = Result<T, E>>>(
        &'a self,
        classify: &'a C,
        work: W,
        told: impl FnOnce(Result<Caught<T, E>, Refused<'a>>) -> R,
    ) -> impl Future<Output = R> {
        Guarded::new(self, classify, work, told)
    }
}

/// Polls the work to its end and says what it came to.
pub(crate) async fn catch_async<T, E>(
    classify: &impl Classify<T, E>,
    work: impl IntoFuture<Output = Result<T, E>>,
) -> (Caught<T, E>, Outcome) {
    let mut work = pin!(Work::new(work));
    caught(poll_fn(|context| work.as_mut().poll(classify, context)).await)
}
