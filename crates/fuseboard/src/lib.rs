//! Durable circuit breakers for side-work that must never take the job down.
//!
//! A piece of work gets a named **circuit**. It fails twice in a row: the circuit opens, that is told once, and
//! the work is skipped until a single probe shows that it works again. A **gate** is a circuit around something
//! that judges: without a verdict of its own it blocks. State lives in a [`store`](store::Store): this process's
//! memory, or a file that one-shot processes share.
//!
//! ```
//! use fuseboard::{Attempt, Board};
//!
//! let board = Board::new();
//! let notify = board.circuit("notify")?;
//!
//! for _ in 0..2 {
//!     let attempt = notify.run(|| Err::<(), _>("connection refused"));
//!     assert!(matches!(attempt, Attempt::Failed(_)));
//! }
//! // Twice in a row was enough: from now on it costs nothing.
//! assert!(matches!(notify.run(|| Ok::<_, String>(())), Attempt::Skipped(_)));
//! # Ok::<(), fuseboard::CircuitError>(())
//! ```
//!
//! The [`guide`] goes through it step by step.
//!
//! | concept | where |
//! |---|---|
//! | circuit, call, permit | [`Circuit`], [`Call`], [`Permit`] |
//! | guards | [`Circuit::run`], [`run_or`](Circuit::run_or), [`run_or_else`](Circuit::run_or_else), [`try_run`](Circuit::try_run), [`Attempt`] |
//! | async guards | [`Circuit::run_async`], [`run_or_async`](Circuit::run_or_async), [`run_or_else_async`](Circuit::run_or_else_async), [`try_run_async`](Circuit::try_run_async), [`block_on`] |
//! | guard, as an attribute | `#[guard(…)]` (feature `macros`), [`Board::global`] |
//! | what a result means | [`Circuit::classify`], [`Classify`], [`ByText`] |
//! | gate, verdict | [`Gate`], [`Verdict`] |
//! | policy, and who inherits it | [`Policy`], [`TripRule`], [`FailureRate`], [`Group`] |
//! | the state machine | [`state`], its [`decision`]s and [`record`]s |
//! | operators and onlookers | [`Operator`], [`View`] |
//! | events and who is told | [`event`] |
//! | stores | [`store`] |
//! | time | [`clock`] |
//!
//! Features: `macros` (the attribute `guard`), `metrics` (`MetricsObserver`), `serde` (records can be serialised),
//! `store-contract` (the suite that every store must pass), `tower` (`Circuit::layer`), `tracing` (`TracingObserver`).

#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod attribute;
mod block_on;
mod board;
mod call;
mod circuit;
mod classify;
pub mod clock;
pub mod decision;
mod deferred;
mod error;
pub mod event;
mod gate;
mod group;
mod guard;
mod guard_async;
mod guarded;
pub mod guide;
mod leave;
#[cfg(feature = "metrics")]
mod metrics_observer;
mod name;
mod operator;
mod outcome;
mod permit;
mod policy;
pub mod record;
mod register;
pub mod state;
pub mod store;
mod sys;
#[cfg(feature = "tower")]
mod tower;
#[cfg(feature = "tracing")]
mod tracing_observer;
mod transact;
mod unwritten;
mod view;

#[cfg(feature = "macros")]
pub use attribute::guard;
pub use block_on::block_on;
pub use board::{Board, BoardBuilder};
pub use call::Call;
pub use circuit::{Circuit, Kept, Settled};
pub use classify::{ByText, Classified, Classify};
pub use error::{CircuitError, Refusal, RefusalReason};
pub use gate::{Block, Evaluation, Gate, Verdict};
pub use group::Group;
pub use guard::{Attempt, TryError, panic_message};
#[cfg(feature = "metrics")]
pub use metrics_observer::MetricsObserver;
pub use name::{CircuitName, NameError};
pub use operator::{LONGEST_SWITCH, Operator};
pub use outcome::{Failure, FailureKind, Fingerprint, MAX_MESSAGE, Outcome};
pub use permit::Permit;
pub use policy::{FailureRate, Mode, Policy, PolicyBuilder, PolicyError, TripRule};
#[cfg(feature = "tower")]
pub use tower::{CircuitLayer, CircuitService};
#[cfg(feature = "tracing")]
pub use tracing_observer::TracingObserver;
pub use view::{ListedView, Shown, ShownSwitch, View};
