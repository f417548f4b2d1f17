//! What goes into a decision of the [state machine](crate::state), and what comes out of it.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::event::EventKind;
use crate::outcome::Fingerprint;
use crate::record::{Epoch, Holder, Record, Sample, Switch};

/// What a decision needs from outside.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The moment, on the record's axis.
    pub at: Moment,
    /// The identity of the next period, should one begin, and a die for the jitter of its end.
    pub chance: Chance,
    /// Whether the holder of the lease is proved dead: its probe is lost before the lease ends.
    pub holder_dead: bool,
}

/// Randomness. Most decisions need none, and then none is drawn.
#[derive(Clone, Copy, Debug)]
pub enum Chance {
    /// An epoch, and a die in `0.0..1.0`, drawn anew each time that one of them is needed.
    Drawn(fn() -> (Epoch, f64)),
    /// The same epoch and die each time.
    Given(Epoch, f64),
}

impl Now {
    pub(crate) fn fresh_epoch(&self) -> Epoch {
        self.chance.take().0
    }

    pub(crate) fn dice(&self) -> f64 {
        self.chance.take().1
    }
}

impl Chance {
    fn take(self) -> (Epoch, f64) {
        match self {
            Self::Drawn(draw) => draw(),
            Self::Given(epoch, dice) => (epoch, dice),
        }
    }
}

/// Who asks for admission, and what for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who would hold a probe's lease; asked only if one is let out.
    pub holder: fn() -> Holder,
    /// How long a probe may stay unanswered.
    pub lease: Duration,
    /// What the call runs.
    pub fingerprint: Option<Fingerprint>,
}

/// A decision: what to store, what to tell, and the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<T> {
    /// The record to store; `None` leaves it as it is.
    pub next: Option<Record>,
    /// The transitions, in order.
    pub changes: Vec<Change>,
    /// The answer to the caller.
    pub answer: T,
}

/// One transition, told once it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// What happened.
    pub kind: EventKind,
    /// Why.
    pub cause: Option<Arc<str>>,
    /// After how many failures: those in a row, or those of the sample.
    pub failures: Option<u32>,
    /// What met the failure rate, if one opened the circuit.
    pub sample: Option<Sample>,
    /// When a probe will be due.
    pub probe_at: Option<Moment>,
}

impl Change {
    pub(crate) fn of(kind: EventKind) -> Self {
        Self { kind, cause: None, failures: None, sample: None, probe_at: None }
    }
}

/// The answer to who asks for admission.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// Run, and report with this ticket.
    Run(Ticket),
    /// Do not run.
    Skip(Skip),
}

/// In what capacity a call runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Ticket {
    /// The circuit is closed.
    Closed(Epoch),
    /// The call is the probe.
    Probe {
        /// Identity of the probe.
        epoch: Epoch,
        /// Whether it was let out before its time because the work was mended.
        mended: bool,
    },
    /// An operator switched the circuit on.
    Switched,
    /// The policy observes only; this is what it would have skipped.
    Observed(Skip),
}

impl Ticket {
    /// The epoch to report with; `None` counts in totals only.
    pub fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Closed(epoch) | Self::Probe { epoch, .. } => Some(*epoch),
            Self::Switched | Self::Observed(_) => None,
        }
    }
}

/// Why a call does not run.
#[derive(Clone, Debug, PartialEq)]
pub struct Skip {
    /// The reason.
    pub reason: SkipReason,
    /// How many calls were skipped since the circuit opened or was switched off, this one included.
    pub count: u64,
}

/// What stands in the way of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum SkipReason {
    /// The circuit is open.
    Open {
        /// Since when.
        since: Moment,
        /// When a probe is due; `None` is never.
        probe_at: Option<Moment>,
    },
    /// Somebody else's probe is out.
    ProbeOut {
        /// Since when the circuit has been open.
        since: Moment,
        /// When the probe counts as lost, unless its holder renews it.
        until: Moment,
    },
    /// An operator switched the circuit off.
    SwitchedOff(Box<Switch>),
}

/// What became of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// It counted.
    Counted,
    /// It came too late: totals only.
    Late,
    /// It was given beside the circuit's own course: totals only.
    Aside,
}

impl<T> Step<T> {
    pub(crate) fn kept(answer: T) -> Self {
        Self { next: None, changes: Vec::new(), answer }
    }
}
