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
///
/// ```
/// use fuseboard::{Board, Policy};
///
/// let policy = Policy::builder().trip_after(1).jitter(0.0).build()?;
/// let notify = Board::builder().policy(policy).build().circuit("notify")?;
/// notify.permit()?.failure(&"connection refused");
/// let refusal = notify.permit().unwrap_err();
/// assert_eq!(refusal.circuit.as_str(), "notify");
/// assert!(refusal.open_for.is_some() && refusal.retry_in > refusal.open_for);
/// assert_eq!(refusal.last_error.as_deref(), Some("connection refused"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The circuit that refused.
    pub circuit: CircuitName,
    /// What stands in the way.
    pub reason: RefusalReason,
    /// How long the circuit has been open, or switched off; `None` for a lost store.
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
        let skip = match &self.reason {
            RefusalReason::StoreLost(error) => return write!(f, "the state cannot be read: {error}"),
            RefusalReason::Skipped(skip) => &skip.reason,
        };
        let since = self.open_for.map_or_else(String::new, |since| format!(" for {}", Human(since)));
        let again = self.retry_in.map(Human);
        match (skip, again) {
            (SkipReason::SwitchedOff(switch), again) => {
                write!(f, "switched off{since} by {}: {}", switch.by, switch.reason)?;
                return again.map_or(Ok(()), |again| write!(f, "; decides by itself again in {again}"));
            }
            (SkipReason::ProbeOut { .. }, Some(again)) => {
                write!(f, "circuit open{since}, its probe is out, ask again in {again}")?;
            }
            (SkipReason::Open { .. }, Some(again)) => write!(f, "circuit open{since}, next probe in {again}")?,
            (SkipReason::ProbeOut { .. } | SkipReason::Open { .. }, None) => {
                write!(f, "circuit open{since}, no probe will be made by itself")?;
            }
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
    /// The same process already has this group with another policy.
    #[error("group {0} has another policy already in this process; give both the same policy or another name")]
    AnotherGroupPolicy(CircuitName),
    /// A group's name has one part.
    #[error("{0} is no name of a group, which has one part: no '/'")]
    GroupInGroup(CircuitName),
}
