//! What happened to circuits, as data: told after it is stored, outside every lock.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::name::CircuitName;

/// One applied transition, or an operator's act.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When, on the store's axis.
    pub at: Moment,
    /// Which circuit; `None` for what concerns the store as a whole.
    pub circuit: Option<CircuitName>,
    /// What.
    pub kind: EventKind,
    /// Why: the error's text, the operator's reason.
    pub cause: Option<Arc<str>>,
    /// After how many failures in a row.
    pub failures: Option<u32>,
    /// When a probe will be due.
    pub probe_at: Option<Moment>,
    /// The operator.
    pub by: Option<Arc<str>>,
    /// The pipeline's run that it happened in.
    pub run: Option<Arc<str>>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The trip rule was met.
    Opened,
    /// A probe was let out.
    Probing,
    /// The probe failed.
    Reopened,
    /// The probes succeeded.
    Closed,
    /// The probe's lease ran out, or its holder died.
    ProbeLost,
    /// An operator switched off, on or back to auto.
    Switched,
    /// An operator reset the circuit.
    Reset,
    /// An operator asked for a probe.
    ProbeRequested,
    /// The store cannot be used; decisions are made in memory.
    StoreDegraded,
    /// The store can be used again.
    StoreRestored,
}

impl EventKind {
    /// Every kind, in the order of a circuit's life.
    pub const ALL: [Self; 10] = [
        Self::Opened,
        Self::Probing,
        Self::Reopened,
        Self::Closed,
        Self::ProbeLost,
        Self::Switched,
        Self::Reset,
        Self::ProbeRequested,
        Self::StoreDegraded,
        Self::StoreRestored,
    ];

    /// The word used in JSON and stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Probing => "probing",
            Self::Reopened => "reopened",
            Self::Closed => "closed",
            Self::ProbeLost => "probe-lost",
            Self::Switched => "switched",
            Self::Reset => "reset",
            Self::ProbeRequested => "probe-requested",
            Self::StoreDegraded => "store-degraded",
            Self::StoreRestored => "store-restored",
        }
    }
}

/// What one guarded call came to, kept beside the events for `history --outcomes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRow {
    /// When it was reported, on the store's axis.
    pub at: Moment,
    /// The circuit.
    pub circuit: CircuitName,
    /// `success`, `failure`, `skipped`, `ignored` or `late`.
    pub outcome: &'static str,
    /// How it failed.
    pub failure: Option<crate::outcome::FailureKind>,
    /// How long the work took.
    pub duration: Duration,
    /// The pipeline's run that it happened in.
    pub run: Option<Arc<str>>,
}

/// A row that is stored together with the record that it explains, or not at all.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A transition or an operator's act.
    Event(Event),
    /// A call's outcome.
    Outcome(OutcomeRow),
}
