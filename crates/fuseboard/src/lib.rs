//! Durable circuit breakers for side-work.
pub mod clock;
pub mod decision;
pub mod event;
mod name;
mod outcome;
mod policy;
pub mod record;
pub mod state;
pub mod store;
mod sys;

pub use name::{CircuitName, NameError};
pub use outcome::{Failure, FailureKind, Fingerprint, MAX_MESSAGE, Outcome};
pub use policy::{Mode, Policy, PolicyBuilder, PolicyError};
