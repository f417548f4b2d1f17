//! Calls of a circuit in memory that is well: as long as it stays so and the work succeeds there is nothing to write,
//! so that no lock is taken and no clock is read.

use std::time::Duration;

use crate::call::Call;
use crate::circuit::{Circuit, Home};
use crate::decision::Ticket;
use crate::outcome::Outcome;
use crate::record::Epoch;
use crate::store::{Beat, Pulse};

/// Leave to run once without a permit. Dropped, it counts as ignored, which is nothing here.
#[derive(Clone, Copy)]
pub(crate) struct Unwritten<'a> {
    circuit: &'a Circuit,
    pulse: &'a Pulse,
    beat: Beat,
}

impl Circuit {
    /// Leave for a guard's call, if the circuit is well and has a pulse that says so.
    #[inline]
    pub(crate) fn unwritten(&self) -> Option<Unwritten<'_>> {
        let pulse = self.pulse.as_deref()?;
        let beat = pulse.beat();
        beat.is_well().then_some(Unwritten { circuit: self, pulse, beat })
    }
}

impl Unwritten<'_> {
    /// Reports what the work came to.
    #[inline]
    pub(crate) fn settle(self, outcome: &Outcome) {
        if !matches!(outcome, Outcome::Success) || self.pulse.beat() != self.beat {
            self.report(outcome);
        }
    }

    /// Writes it after all. How long the work took is not known.
    #[cold]
    #[inline(never)]
    fn report(self, outcome: &Outcome) {
        let Self { circuit, pulse, beat } = self;
        // This process's memory can always be read.
        let Ok(snapshot) = circuit.load(Home::Store) else { return };
        // If the pulse is of that period after the record was read, then so is the record.
        let is_late = !pulse.beat().is_of_period(beat);
        let epoch = if is_late { Epoch::NEVER } else { snapshot.loaded.record.epoch };
        drop(circuit.report(Home::Store, snapshot, &Ticket::Closed(epoch), outcome, Duration::ZERO, &Call::default()));
    }
}
