//! A guard's call under way: by a permit, or through a circuit in memory that is well, which needs none.

use std::time::Duration;

use crate::call::Call;
use crate::circuit::{Circuit, Home};
use crate::decision::Ticket;
use crate::error::Refusal;
use crate::outcome::Outcome;
use crate::permit::Permit;
use crate::record::Epoch;
use crate::store::{Beat, Pulse};

/// Leave to run once. Dropped, it counts as ignored.
#[expect(
    clippy::large_enum_variant,
    reason = "a box would be an allocation for each call of a circuit that is not well"
)]
pub(crate) enum Entered<'a> {
    /// The circuit was well at this beat. As long as it stays so and the work succeeds there is nothing to write: no
    /// lock is taken, no clock is read.
    Well(&'a Circuit, &'a Pulse, Beat),
    Permitted(Permit),
}

impl Circuit {
    /// Leave for a guard's call; `prepare` makes the permit ready where one is needed.
    #[inline]
    pub(crate) fn enter(&self, prepare: impl FnOnce(Permit) -> Permit) -> Result<Entered<'_>, Refusal> {
        if let Some(pulse) = &self.pulse {
            let beat = pulse.beat();
            if beat.is_well() {
                return Ok(Entered::Well(self, pulse, beat));
            }
        }
        self.permit().map(|permit| Entered::Permitted(prepare(permit)))
    }

    /// Reports a call for which no permit was needed when it began. How long it took is not known.
    #[cold]
    fn report_since(&self, pulse: &Pulse, beat: Beat, outcome: &Outcome) {
        // This process's memory can always be read.
        let Ok(snapshot) = self.load(Home::Store) else { return };
        // If the pulse is of that period after the record was read, then so is the record.
        let is_late = !pulse.beat().is_of_period(beat);
        let epoch = if is_late { Epoch::NEVER } else { snapshot.loaded.record.epoch };
        drop(self.report(Home::Store, snapshot, &Ticket::Closed(epoch), outcome, Duration::ZERO, &Call::default()));
    }
}

impl Entered<'_> {
    /// Reports what the work came to.
    #[inline]
    pub(crate) fn settle(self, outcome: &Outcome) {
        match self {
            Self::Well(_, pulse, beat) if matches!(outcome, Outcome::Success) && pulse.beat() == beat => {}
            Self::Well(circuit, pulse, beat) => circuit.report_since(pulse, beat, outcome),
            Self::Permitted(permit) => drop(permit.settle(outcome)),
        }
    }
}
