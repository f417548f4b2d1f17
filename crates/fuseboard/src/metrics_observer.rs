//! Circuits as metrics, told to whatever recorder the `metrics` facade has.
//!
//! Transitions are counted as they are told. Calls are not told, since work as usual tells nobody anything; their
//! counts stand in the store, other processes' calls included, and are read there when somebody wants them.

use crate::board::Board;
use crate::event::{Event, EventKind, Notice, Observer};
use crate::record::Position;
use crate::store::StoreError;
use crate::view::{Shown, View};

/// An [`Observer`] that counts the transitions which this board's calls and operators make, in
/// `fuseboard_transitions_total{circuit, from, to}`:
///
/// | event | `from` | `to` |
/// |---|---|---|
/// | opened | closed | open |
/// | probing | open | half-open |
/// | reopened, probe-lost | half-open | open |
/// | closed | half-open | closed |
/// | reset | any | closed |
///
/// The calls and the state are [`publish`](MetricsObserver::publish)ed.
///
/// ```
/// use fuseboard::{Board, MetricsObserver};
///
/// let board = Board::builder().observer(MetricsObserver).build();
/// board.circuit("cost")?.run_or(0, || Err("disk full"));
/// // Before each scrape, or every few seconds:
/// MetricsObserver::publish(&board)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct MetricsObserver;

impl MetricsObserver {
    /// Reads every circuit of the board's store and sets `fuseboard_calls_total{circuit, outcome}` (success, failure,
    /// timeout, skipped, ignored, late; each call is in one) and the gauge `fuseboard_circuit_state{circuit}`: 0
    /// closed, 1 open, 2 half-open, 3 switched off, 4 switched on. A record that alone is damaged is left out.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read; nothing is set then.
    pub fn publish(board: &Board) -> Result<(), StoreError> {
        for view in board.views()?.into_iter().filter_map(|(_, view)| view.ok()) {
            for (outcome, count) in view.totals.counts() {
                let circuit = view.name.to_string();
                metrics::counter!("fuseboard_calls_total", "circuit" => circuit, "outcome" => outcome).absolute(count);
            }
            metrics::gauge!("fuseboard_circuit_state", "circuit" => view.name.to_string()).set(state(&view));
        }
        Ok(())
    }
}

impl Observer for MetricsObserver {
    fn notice(&self, notice: &Notice) {
        if let Notice::Event(Event { circuit: Some(circuit), kind, .. }) = notice
            && let Some((from, to)) = transition(*kind)
        {
            let circuit = circuit.to_string();
            metrics::counter!("fuseboard_transitions_total", "circuit" => circuit, "from" => from, "to" => to)
                .increment(1);
        }
    }
}

fn transition(kind: EventKind) -> Option<(&'static str, &'static str)> {
    let (closed, open, half_open) = (Shown::Closed.as_str(), Shown::Open.as_str(), Shown::HalfOpen.as_str());
    match kind {
        EventKind::Opened => Some((closed, open)),
        EventKind::Probing => Some((open, half_open)),
        EventKind::Reopened | EventKind::ProbeLost => Some((half_open, open)),
        EventKind::Closed => Some((half_open, closed)),
        EventKind::Reset => Some(("any", closed)),
        EventKind::Switched | EventKind::ProbeRequested | EventKind::StoreDegraded | EventKind::StoreRestored => None,
    }
}

fn state(view: &View) -> f64 {
    match (view.switch.as_ref().map(|switch| switch.position), view.state) {
        (None, Shown::Closed) => 0.0,
        (None, Shown::Open) => 1.0,
        (None, Shown::HalfOpen) => 2.0,
        (Some(Position::Off), _) => 3.0,
        (Some(Position::On), _) => 4.0,
    }
}
