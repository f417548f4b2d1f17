//! Why a call does not run, and why a circuit cannot be had.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Human;
use crate::decision::{Skip, SkipReason};
use crate::name::{CircuitName, NameError};
use crate::policy::PolicyError;
use crate::store::StoreError;

/// A refusal that helps: which circuit, since when, when to ask again, what tripped it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The circuit that refused.
    pub circuit: CircuitName,
    /// What stands in the way.
    pub reason: RefusalReason,
    /// How long the circuit has been open; `None` for a switch or a lost store.
    pub open_for: Option<Duration>,
    /// When to ask again; `None` where no time helps.
    pub retry_in: Option<Duration>,
    /// The last error of the work.
    pub last_error: Option<Arc<str>>,
}

/// What stands in the way of a call.
#[derive(Clone, Debug)]
pub enum RefusalReason {
    /// The circuit said no.
    Skipped(Skip),
    /// The store cannot be used, and the caller must not decide without it (a gate).
    StoreLost(Arc<StoreError>),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.circuit)?;
        match &self.reason {
            RefusalReason::StoreLost(error) => return write!(f, "the state cannot be read: {error}"),
            RefusalReason::Skipped(skip) => match &skip.reason {
                SkipReason::Open { .. } => f.write_str("circuit open")?,
                SkipReason::ProbeOut { .. } => f.write_str("another probe is out")?,
                SkipReason::SwitchedOff(switch) => {
                    return write!(f, "switched off by {}: {}", switch.by, switch.reason);
                }
            },
        }
        if let Some(open_for) = self.open_for {
            write!(f, " for {}", Human(open_for))?;
        }
        match self.retry_in {
            Some(wait) => write!(f, ", next probe in {}", Human(wait))?,
            None => f.write_str(", no probe will be made by itself")?,
        }
        self.last_error.as_ref().map_or(Ok(()), |error| write!(f, " (last error: {error})"))
    }
}

impl std::error::Error for Refusal {}

/// Why a circuit cannot be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CircuitError {
    /// The name breaks the rules.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The policy cannot work.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The same process already uses this name under another policy.
    #[error(
        "circuit {0} is already in use with another policy in this process; give both the same policy or another name"
    )]
    AnotherPolicy(CircuitName),
}
