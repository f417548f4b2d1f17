//! Follows a run's circuits: which of them opened and closed meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use fuseboard::event::{Event, EventKind, Notice, Observer};

use crate::report::CircuitChanges;

/// An observer for the board that a run uses. Clones share what was seen.
#[derive(Clone, Debug, Default)]
pub struct Tracker(Arc<Mutex<CircuitChanges>>);

impl Tracker {
    /// What has changed so far. Which circuits are open is for who can look.
    pub fn changes(&self) -> CircuitChanges {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Observer for Tracker {
    fn notice(&self, notice: &Notice) {
        let Notice::Event(Event { circuit: Some(circuit), kind, .. }) = notice else { return };
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match kind {
            EventKind::Opened => changes.opened.push(circuit.to_string()),
            EventKind::Closed => changes.closed.push(circuit.to_string()),
            EventKind::Probing
            | EventKind::Reopened
            | EventKind::ProbeLost
            | EventKind::Switched
            | EventKind::Reset
            | EventKind::ProbeRequested
            | EventKind::StoreDegraded
            | EventKind::StoreRestored => {}
        }
    }
}
