//! What who only looks may see: a circuit at one moment, in wall-clock time.

use std::time::{Duration, SystemTime};

use crate::clock::Moment;
use crate::name::CircuitName;
use crate::outcome::FailureKind;
use crate::record::{Position, Sample, State, Totals};
use crate::store::{Loaded, StoreError};

/// A circuit as it is at one moment. Looking never changes anything.
///
/// ```
/// use fuseboard::{Board, Shown};
///
/// let board = Board::new();
/// let cost = board.circuit("cost")?;
/// assert!(board.view(cost.name())?.is_none(), "attaching writes nothing");
/// cost.run_or(0, || Err("disk full"));
/// let view = board.view(cost.name())?.expect("it has failed");
/// assert_eq!((view.state, view.failures, view.totals.failure), (Shown::Closed, 1, 1));
/// assert_eq!(board.views()?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// The circuit's name.
    pub name: CircuitName,
    /// The automatic state; a half-open circuit whose probe was lost is shown as open.
    pub state: Shown,
    /// The operator's hand on it, if any.
    pub switch: Option<ShownSwitch>,
    /// Failures in a row; of an open circuit those that opened it.
    pub failures: u32,
    /// Under a failure rate, the calls that it goes by; of an open circuit those that met it.
    pub sample: Option<Sample>,
    /// Since when the circuit has been open.
    pub since: Option<SystemTime>,
    /// When a probe is due, or was; `None` for a closed circuit, while a probe is out, and for never.
    pub probe_at: Option<SystemTime>,
    /// Whether the next call would be a probe.
    pub probe_due: bool,
    /// How many times in a row it opened.
    pub trips: u32,
    /// Calls skipped since it opened.
    pub skips: u64,
    /// The last failure: how, what it said, when.
    pub last_failure: Option<(FailureKind, String, SystemTime)>,
    /// How many calls came to what.
    pub totals: Totals,
}

/// One stored circuit, as a list of them tells it: a record that alone is damaged is an error in its place.
pub type ListedView = (CircuitName, Result<View, StoreError>);

/// The automatic state, as shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Calls run.
    Closed,
    /// Calls are skipped.
    Open,
    /// One probe is out.
    HalfOpen,
}

impl Shown {
    /// The word used in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// A switch, as shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSwitch {
    /// Off or on.
    pub position: Position,
    /// Who switched.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When the circuit decides again by itself.
    pub until: Option<SystemTime>,
}

impl View {
    /// The view of a record, with the wall clock's time at which it was loaded.
    pub fn of(name: CircuitName, loaded: &Loaded, wall: SystemTime) -> Self {
        let Loaded { record, now, .. } = loaded;
        let shown = |moment: Moment| on_the_wall(moment, *now, wall);
        let (state, outage, failures, probe_at, probe_due) = match &record.state {
            State::Closed { failures, .. } => (Shown::Closed, None, *failures, None, false),
            State::Open { outage, until } => {
                (Shown::Open, Some(outage), outage.failures, *until, until.is_some_and(|until| until <= *now))
            }
            State::HalfOpen { outage, lease: None, .. } => (Shown::HalfOpen, Some(outage), outage.failures, None, true),
            State::HalfOpen { outage, lease: Some(lease), .. } => {
                if lease.is_live(*now, lease.holder.proved_dead()) {
                    (Shown::HalfOpen, Some(outage), outage.failures, None, false)
                } else {
                    (Shown::Open, Some(outage), outage.failures, Some(lease.until.min(*now)), true)
                }
            }
        };
        let sample = match &record.state {
            State::Closed { window, .. } => window.map(|window| window.at(*now).sample()),
            State::Open { outage, .. } | State::HalfOpen { outage, .. } => outage.sample,
        };
        let switch = record.switch_at(*now).map(|switch| ShownSwitch {
            position: switch.position,
            by: switch.by.to_string(),
            reason: switch.reason.to_string(),
            until: switch.until.map(shown),
        });
        let last_failure = record.last_failure.as_ref();
        Self {
            name,
            state,
            switch,
            failures,
            sample,
            since: outage.map(|outage| shown(outage.since)),
            probe_at: probe_at.map(shown),
            probe_due,
            trips: outage.map_or(0, |outage| outage.trips),
            skips: outage.map_or(0, |outage| outage.skips),
            last_failure: last_failure
                .map(|last| (last.failure.kind, last.failure.message.to_string(), shown(last.at))),
            totals: record.totals,
        }
    }
}

/// A moment of a store's axis in wall-clock time, given both clocks at once.
fn on_the_wall(moment: Moment, now: Moment, wall: SystemTime) -> SystemTime {
    let ahead = Duration::from_millis(moment.0.saturating_sub(now.0).unsigned_abs());
    let shown = if moment >= now { wall.checked_add(ahead) } else { wall.checked_sub(ahead) };
    shown.unwrap_or(wall)
}
