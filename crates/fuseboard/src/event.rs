//! What happened to circuits, as data: told after it is stored, outside every lock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Human, Moment};
use crate::decision::{Skip, SkipReason};
use crate::name::CircuitName;
use crate::outcome::{Failure, FailureKind};
use crate::record::Sample;

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
    /// After how many failures: those in a row, or those of the sample.
    pub failures: Option<u32>,
    /// What met the failure rate, if one opened the circuit. Told, but no store keeps it among the events.
    pub sample: Option<Sample>,
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
    pub failure: Option<FailureKind>,
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

/// Something worth a line: told to [`Observer`]s after it is stored, while no lock is held.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A transition, an operator's act, or trouble with the store.
    Event(Event),
    /// A failure that did not open the circuit (one that does is told by the event alone).
    Failed {
        /// The circuit.
        circuit: CircuitName,
        /// The failure.
        failure: Failure,
        /// What its caller's trip rule counts, this failure included.
        progress: Progress,
    },
    /// A call was skipped, or would have been if the policy did not merely observe.
    Skipped {
        /// The circuit.
        circuit: CircuitName,
        /// The skip.
        skip: Skip,
        /// When it was.
        at: Moment,
        /// The last error.
        last_error: Option<Arc<str>>,
        /// Whether the policy merely observes: the call ran.
        observed: bool,
    },
    /// An open circuit is tried before its time, because what failed was mended.
    Mended {
        /// The circuit.
        circuit: CircuitName,
    },
    /// A report changed totals only.
    NotCounted {
        /// The circuit.
        circuit: CircuitName,
        /// Whether it came too late; else it was recorded while somebody else decides.
        late: bool,
    },
}

/// How far a closed circuit is on its way to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Consecutive failures open it.
    InARow {
        /// Failures in a row.
        failures: u32,
        /// Failures in a row that open the circuit.
        trip_after: u32,
    },
    /// A failure rate opens it.
    OfCalls(Sample),
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InARow { failures, trip_after } => write!(f, "{failures} of {trip_after}"),
            Self::OfCalls(sample) => sample.fmt(f),
        }
    }
}

impl Notice {
    /// Of the skips of one outage or switch the first and every 20th are worth a line, so that a dead service does
    /// not flood a log.
    pub const SKIPS_PER_LINE: u64 = 20;

    /// Whether this is worth a line in a log; everything but the quiet majority of skips.
    pub fn is_loud(&self) -> bool {
        match self {
            Self::Skipped { skip, .. } => skip.count <= 1 || skip.count.is_multiple_of(Self::SKIPS_PER_LINE),
            Self::Event(event) => event.kind != EventKind::Probing,
            Self::Failed { .. } | Self::Mended { .. } | Self::NotCounted { .. } => true,
        }
    }

    /// The circuit that it is about.
    pub fn circuit(&self) -> Option<&CircuitName> {
        match self {
            Self::Event(event) => event.circuit.as_ref(),
            Self::Failed { circuit, .. }
            | Self::Skipped { circuit, .. }
            | Self::Mended { circuit }
            | Self::NotCounted { circuit, .. } => Some(circuit),
        }
    }
}

/// Who wants to be told. Observers are called after the fact, one after the other; one that panics harms neither
/// the call nor the observers after it.
pub trait Observer: Send + Sync {
    /// Takes notice. Called by the thread that made the call, while no lock is held: one that is slow, or hangs,
    /// holds up that call and no other. What may take long belongs into a thread of the observer's own.
    fn notice(&self, notice: &Notice);

    /// Whether it is told of each [skip](Notice::Skipped), too. By default it is; one that says no at its beginning
    /// leaves the skips of circuits in memory as cheap as they are without observers.
    fn wants_skips(&self) -> bool {
        true
    }
}

impl<F: Fn(&Notice) + Send + Sync> Observer for F {
    fn notice(&self, notice: &Notice) {
        self(notice);
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(event) => event.fmt(f),
            Self::Failed { circuit, failure, progress } => {
                write!(f, "{circuit} failed ({progress}): {}", failure.message)
            }
            Self::Skipped { circuit, skip, at, last_error, observed } => {
                write!(f, "{circuit}: {} ", if *observed { "would be skipped" } else { "skipped" })?;
                match &skip.reason {
                    SkipReason::Open { probe_at, .. } => {
                        write!(f, "({} since it opened), circuit open", skip.count)?;
                        match probe_at {
                            Some(due) => write!(f, ", next probe in {}", Human(due.since(*at)))?,
                            None => f.write_str(", no probe will be made by itself")?,
                        }
                        last_error.as_ref().map_or(Ok(()), |error| write!(f, " (last error: {error})"))
                    }
                    SkipReason::ProbeOut { .. } => f.write_str("while its probe is out"),
                    SkipReason::SwitchedOff(switch) => {
                        write!(f, "because {} switched it off: {}", switch.by, switch.reason)
                    }
                }
            }
            Self::Mended { circuit } => write!(f, "{circuit} changed since it failed, trying"),
            Self::NotCounted { circuit, late: true } => {
                write!(f, "{circuit}: the report came too late to count; totals only")
            }
            Self::NotCounted { circuit, late: false } => {
                write!(
                    f,
                    "{circuit}: the outcome does not count while the circuit is open, probed or switched; totals only"
                )
            }
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(circuit) = &self.circuit {
            write!(f, "{circuit}: ")?;
        }
        let cause = self.cause.as_deref().unwrap_or("no reason given");
        let failures = self.failures.unwrap_or(0);
        let plural = if failures == 1 { "" } else { "s" };
        match self.kind {
            EventKind::Opened => match &self.sample {
                Some(sample) => write!(f, "circuit OPEN: {sample} (last: {cause})")?,
                None => write!(f, "circuit OPEN after {failures} failure{plural} (last: {cause})")?,
            },
            EventKind::Probing => f.write_str("probing")?,
            EventKind::Reopened => write!(f, "circuit still OPEN, the probe failed ({cause})")?,
            EventKind::ProbeLost => write!(f, "circuit still OPEN, {cause}")?,
            EventKind::Closed => write!(f, "circuit CLOSED, it works again (after {failures} failure{plural})")?,
            EventKind::Switched => write!(f, "switched {cause}")?,
            EventKind::Reset => f.write_str("reset, circuit closed")?,
            EventKind::ProbeRequested => f.write_str("the next call will be a probe")?,
            EventKind::StoreDegraded => write!(f, "{cause}; deciding in memory")?,
            EventKind::StoreRestored => f.write_str("the store can be used again")?,
        }
        match (self.kind, self.probe_at) {
            (EventKind::Opened | EventKind::Reopened | EventKind::ProbeLost, Some(due)) => {
                write!(f, "; next probe in {}", Human(due.since(self.at)))
            }
            (EventKind::Opened | EventKind::Reopened | EventKind::ProbeLost, None) => {
                f.write_str("; no probe will be made by itself")
            }
            _ => Ok(()),
        }
    }
}
