//! Leave to run once for work that is a future: a permit, or less where less will do.

use std::borrow::Borrow;

use crate::call::Call;
use crate::circuit::Circuit;
use crate::outcome::Outcome;
use crate::permit::Permit;
use crate::store::Beat;
use crate::unwritten::{AtOnce, Refused};

/// Leave to run once, asked for when the work is to begin. Dropped before it is settled it counts as ignored.
pub(crate) struct Leave<C: Borrow<Circuit>> {
    circuit: C,
    kind: Kind,
}

enum Kind {
    NotAsked,
    /// The circuit was well, and felt like this.
    Quick(Beat),
    /// It was closed, and felt like this.
    Unwritten(Beat),
    Permit(Permit),
    Settled,
}

impl<'a> Leave<&'a Circuit> {
    #[inline]
    pub(crate) fn of(circuit: &'a Circuit) -> Self {
        Self { circuit, kind: Kind::NotAsked }
    }

    /// Asks the circuit, unless that was done.
    #[inline]
    pub(crate) fn ask(&mut self) -> Result<(), Refused<'a>> {
        if !matches!(self.kind, Kind::NotAsked) {
            return Ok(());
        }
        // Settled, should it be refused: who polls again gets no second answer.
        self.kind = Kind::Settled;
        self.kind = match self.circuit.at_once() {
            AtOnce::Quick(unwritten) => Kind::Quick(unwritten.beat()),
            AtOnce::Run(unwritten) => Kind::Unwritten(unwritten.beat()),
            AtOnce::Skip(refused) => return Err(refused),
            AtOnce::Ask => Kind::by_permit(self.circuit)?,
        };
        Ok(())
    }

    /// The same leave with a handle of its own.
    #[cfg(feature = "tower")]
    pub(crate) fn owned(mut self) -> Leave<Circuit> {
        let kind = std::mem::replace(&mut self.kind, Kind::Settled);
        Leave { circuit: self.circuit.clone(), kind }
    }
}

impl Kind {
    /// Apart from the short way, which is to be short in the caller's code too.
    #[inline(never)]
    fn by_permit(circuit: &Circuit) -> Result<Self, Refused<'_>> {
        Ok(Self::Permit(circuit.permit_for(Call::default())?.polled()))
    }
}

impl<C: Borrow<Circuit>> Leave<C> {
    /// Reports that the work succeeded.
    #[inline]
    pub(crate) fn succeed(&mut self) {
        if let Kind::Quick(beat) = self.kind {
            self.kind = Kind::Settled;
            self.circuit.borrow().unwritten(beat).succeed_quickly();
        } else {
            self.settle(&Outcome::Success);
        }
    }

    /// Reports what the work came to.
    #[inline(never)]
    pub(crate) fn settle(&mut self, outcome: &Outcome) {
        match std::mem::replace(&mut self.kind, Kind::Settled) {
            Kind::Quick(beat) | Kind::Unwritten(beat) => self.circuit.borrow().unwritten(beat).settle(outcome),
            Kind::Permit(permit) => drop(permit.settle(outcome)),
            Kind::NotAsked | Kind::Settled => {}
        }
    }
}

impl<C: Borrow<Circuit>> Drop for Leave<C> {
    #[inline]
    fn drop(&mut self) {
        // A permit says so itself.
        if let Kind::Quick(beat) | Kind::Unwritten(beat) = self.kind {
            self.circuit.borrow().unwritten(beat).abandon();
        }
    }
}
