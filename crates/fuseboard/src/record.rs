//! What a store keeps of one circuit: plain data, changed by [`state`](crate::state) alone.

mod window;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use window::{Sample, Window};

use crate::clock::{BootId, Moment};
use crate::outcome::{Failure, Fingerprint};

/// Everything that is known of one circuit. A circuit that no store knows yet has the default record: closed.
#[derive(Clone, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Record {
    /// The automatic state.
    pub state: State,
    /// Identity of the period that the state is in; new at every change of state and every grant of a probe.
    pub epoch: Epoch,
    /// The operator's hand on the circuit, if any.
    pub switch: Option<Switch>,
    /// The failure that was counted last.
    pub last_failure: Option<LastFailure>,
    /// How many calls came to what, since the circuit is known.
    pub totals: Totals,
}

/// The automatic state of a circuit.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum State {
    /// Calls run.
    Closed {
        /// Consecutive failures so far, whatever rule the callers go by.
        failures: u32,
        /// The calls of the last while, since the first call under a failure rate.
        #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
        window: Option<Window>,
    },
    /// Calls are skipped.
    Open {
        /// The outage that this is part of.
        outage: Outage,
        /// When a probe is due; `None` is never.
        until: Option<Moment>,
    },
    /// One probe is out, or the next call will be one.
    HalfOpen {
        /// The outage that this is part of.
        outage: Outage,
        /// Successful probes so far.
        successes: u32,
        /// The probe that is out.
        lease: Option<Lease>,
    },
}

impl Record {
    /// The switch in force at this moment, if any: an operator's decision may have an end.
    pub fn switch_at(&self, at: Moment) -> Option<&Switch> {
        self.switch.as_ref().filter(|switch| switch.until.is_none_or(|until| at < until))
    }

    /// The outage that the circuit is in, if any.
    pub fn outage(&self) -> Option<&Outage> {
        match &self.state {
            State::Closed { .. } => None,
            State::Open { outage, .. } | State::HalfOpen { outage, .. } => Some(outage),
        }
    }

    /// The lease of the probe that is out, if any.
    pub fn lease(&self) -> Option<&Lease> {
        match &self.state {
            State::HalfOpen { lease, .. } => lease.as_ref(),
            State::Closed { .. } | State::Open { .. } => None,
        }
    }
}

impl Default for State {
    fn default() -> Self {
        Self::Closed { failures: 0, window: None }
    }
}

/// What lasts from the first opening to the closing, through every probe in between.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Outage {
    /// When the circuit opened first.
    pub since: Moment,
    /// How many failures opened it: those in a row, or those of the sample.
    pub failures: u32,
    /// What met the failure rate, if one opened it.
    #[cfg_attr(feature = "serde", serde(default, skip_serializing_if = "Option::is_none"))]
    pub sample: Option<Sample>,
    /// How many times in a row it opened: 1, and one more for each failed probe.
    pub trips: u32,
    /// Probes in a row that told nothing.
    pub ignored: u32,
    /// Calls skipped since it opened.
    pub skips: u64,
    /// How long the failure that opened it took: what each skip saves.
    pub cost: Duration,
}

/// A probe's leave: it must be answered before it runs out.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lease {
    /// When the probe counts as lost.
    pub until: Moment,
    /// Who has it.
    pub holder: Holder,
    /// What it tries, so that a probe that is lost is not granted anew as mended work.
    pub fingerprint: Option<Fingerprint>,
}

impl Lease {
    /// Whether the probe may still report: in time, and its holder not proved dead.
    pub fn is_live(&self, at: Moment, holder_dead: bool) -> bool {
        !holder_dead && at < self.until
    }
}

/// A process that holds a lease, so that its death can be proved.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Its start, in clock ticks since boot: pids are used again.
    pub started: u64,
    /// The boot in which the pid means something.
    pub boot: BootId,
    /// The pid namespace in which it means something; 0 is unknown.
    pub namespace: u64,
}

impl Holder {
    /// The calling process.
    pub fn this_process() -> Self {
        crate::sys::this_process()
    }

    /// Whether this process certainly lives no more; `false` wherever that cannot be told.
    pub fn proved_dead(&self) -> bool {
        crate::sys::proved_dead(self)
    }
}

/// An operator's decision that stands above the automatic state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Switch {
    /// Off or on; *auto* is no switch at all.
    pub position: Position,
    /// Who switched.
    pub by: Arc<str>,
    /// Why.
    pub reason: Arc<str>,
    /// When it was switched.
    pub since: Moment,
    /// When the circuit decides again by itself.
    pub until: Option<Moment>,
    /// Calls skipped since then.
    pub skips: u64,
}

/// Where a switch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Position {
    /// Never runs.
    Off,
    /// Always runs. Never passes a gate by itself.
    On,
}

impl Position {
    /// The word used in JSON, tables and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
        }
    }
}

/// A failure and when it was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LastFailure {
    /// The failure.
    pub failure: Failure,
    /// When it was reported.
    pub at: Moment,
}

/// How many calls came to what. The counts are disjoint: each call is in exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Totals {
    /// Calls that succeeded.
    pub success: u64,
    /// Calls that failed, without timeouts.
    pub failure: u64,
    /// Calls that ran into their own timeout.
    pub timeout: u64,
    /// Calls that were skipped.
    pub skipped: u64,
    /// Calls that told nothing.
    pub ignored: u64,
    /// Reports that came too late to move anything.
    pub late: u64,
    /// Time that skips saved, in milliseconds.
    pub saved_ms: u64,
}

impl Totals {
    /// The counts with the words they go by.
    pub fn counts(&self) -> [(&'static str, u64); 6] {
        [
            ("success", self.success),
            ("failure", self.failure),
            ("timeout", self.timeout),
            ("skipped", self.skipped),
            ("ignored", self.ignored),
            ("late", self.late),
        ]
    }
}

/// Identity of the period in which a permit was given: 128 random bits, so that it stays unique even when a
/// store was wiped, rolled back or failed over.
///
/// Written in JSON as 32 hexadecimal digits, since few readers keep a number of that size.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(into = "String", try_from = "String")
)]
pub struct Epoch(pub u128);

impl Epoch {
    /// The epoch of no period: a report that carries it is late.
    pub(crate) const NEVER: Self = Self(u128::MAX);
}

impl From<Epoch> for String {
    fn from(epoch: Epoch) -> Self {
        format!("{:032x}", epoch.0)
    }
}

impl TryFrom<String> for Epoch {
    type Error = std::num::ParseIntError;
    fn try_from(digits: String) -> Result<Self, Self::Error> {
        u128::from_str_radix(&digits, 16).map(Self)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({:032x})", self.0)
    }
}
