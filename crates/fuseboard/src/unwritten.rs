//! Calls of a circuit in memory that need no permit: while it is closed they run, and have something to write only if
//! they fail or it is not well; while it waits they are skipped. For nothing else is a lock taken.

use std::time::Duration;

use crate::board::Parts;
use crate::circuit::{Circuit, Kept, Settled};
use crate::decision::{Counted, Skip, SkipReason};
use crate::error::{Refusal, RefusalReason};
use crate::outcome::Outcome;
use crate::policy::{Mode, Policy};
use crate::record::{Epoch, Record, State};
use crate::state;
use crate::store::{Beat, Health, Resident};
use crate::transact::Context;

/// Which calls of a circuit need not be written.
#[derive(Clone, Copy)]
pub(crate) struct Quiet {
    /// In which health a success changes nothing; `None` if it must be known how long each call took.
    success: Option<Health>,
    /// How such a success is counted nevertheless.
    counted: Counting,
    /// Whether nobody is to be told of a skip.
    skips: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Counting {
    Not,
    Each,
    ByTime,
}

impl Quiet {
    pub(crate) fn of(policy: &Policy, board: &Parts) -> Self {
        let (health, counted) = match (policy.rate(), board.exact_totals) {
            (Some(_), _) => (Health::Windowed, Counting::ByTime),
            (None, true) => (Health::Well, Counting::Each),
            (None, false) => (Health::Well, Counting::Not),
        };
        let skips = policy.mode() == Mode::Enforce && !board.tells_skips;
        Self { success: policy.slow_after().is_none().then_some(health), counted, skips }
    }
}

/// What a call is told without asking the record.
pub(crate) enum AtOnce<'a> {
    /// Run; a success has nothing to write unless something happens meanwhile.
    Quick(Unwritten<'a>),
    /// Run; whatever it comes to is written.
    Run(Unwritten<'a>),
    Skip(Refused<'a>),
    /// The record has to be asked.
    Ask,
}

/// Leave to run once without a permit.
#[derive(Clone, Copy)]
pub(crate) struct Unwritten<'a> {
    circuit: &'a Circuit,
    resident: &'a Resident,
    beat: Beat,
}

/// A call that does not run. What is to be said of it is put together only for who wants to know.
pub(crate) enum Refused<'a> {
    Told(Box<Refusal>),
    Unwritten(&'a Circuit, &'a Resident),
}

impl Circuit {
    /// What a guard's call is told without asking the record.
    #[inline]
    pub(crate) fn at_once(&self) -> AtOnce<'_> {
        let Some(resident) = self.shared.resident.as_deref() else { return AtOnce::Ask };
        let beat = resident.beat();
        let quiet = &self.shared.quiet;
        match beat.health() {
            health if Some(health) == quiet.success => AtOnce::Quick(Unwritten { circuit: self, resident, beat }),
            Health::Well | Health::Windowed | Health::Failing if quiet.success.is_some() => {
                AtOnce::Run(Unwritten { circuit: self, resident, beat })
            }
            Health::Waiting if quiet.skips && resident.skip() => AtOnce::Skip(Refused::Unwritten(self, resident)),
            _ => AtOnce::Ask,
        }
    }

    /// Leave to run once as a number, for bindings to other languages, where an object for each call would cost more than
    /// the call. `None` if this circuit, or its state, takes a [`permit`](Circuit::permit). Who never settles it leaves
    /// nothing behind but a call that is not counted.
    ///
    /// ```
    /// use fuseboard::{Board, Outcome};
    ///
    /// let board = Board::new();
    /// let backup = board.circuit("backup")?;
    /// let token = backup.token()?.expect("it is in memory, and closed");
    /// backup.settle_token(token, &Outcome::Success);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Refusal`] tells why the work should not run now.
    #[inline]
    pub fn token(&self) -> Result<Option<u64>, Refusal> {
        match self.at_once() {
            AtOnce::Quick(unwritten) | AtOnce::Run(unwritten) => Ok(Some(unwritten.beat.to_bits())),
            AtOnce::Skip(refused) => Err(refused.told()),
            AtOnce::Ask => Ok(None),
        }
    }

    /// Reports what the work came to that ran by this [`token`](Circuit::token). A token of another circuit, or of an earlier
    /// period of this one, counts as a late report.
    #[inline]
    pub fn settle_token(&self, token: u64, outcome: &Outcome) {
        if self.shared.resident.is_some() {
            self.unwritten(Beat::from_bits(token)).settle(outcome);
        }
    }

    /// The leave that was given at this beat.
    #[inline]
    pub(crate) fn unwritten(&self, beat: Beat) -> Unwritten<'_> {
        let Some(resident) = self.shared.resident.as_deref() else { unreachable!("its beat was felt") };
        Unwritten { circuit: self, resident, beat }
    }
}

impl Unwritten<'_> {
    /// Reports what the work came to.
    #[inline]
    pub(crate) fn settle(self, outcome: &Outcome) {
        match outcome {
            Outcome::Success => self.succeed(),
            Outcome::Ignored => self.abandon(),
            Outcome::Failure(_) => drop(self.report(outcome)),
        }
    }

    /// Reports what the work came to, and tells what became of the report.
    pub(crate) fn settled(self, outcome: &Outcome) -> Settled {
        let (counted, record) = match outcome {
            Outcome::Success if self.is_as_before() => {
                self.succeed();
                (Counted::Counted, self.resident.load().record)
            }
            _ => self.report(outcome),
        };
        Settled { counted: Some(counted), record, kept: Kept::Stored }
    }

    /// Whether a success changes nothing, and nothing happened to the circuit meanwhile.
    fn is_as_before(self) -> bool {
        self.resident.beat() == self.beat && Some(self.beat.health()) == self.circuit.shared.quiet.success
    }

    /// Reports that the work succeeded.
    pub(crate) fn succeed(self) {
        if self.is_as_before() {
            self.count();
        } else {
            self.report(&Outcome::Success);
        }
    }

    /// The same for leave that was [quick](AtOnce::Quick).
    #[inline]
    pub(crate) fn succeed_quickly(self) {
        if self.resident.beat() == self.beat {
            self.count();
        } else {
            self.report(&Outcome::Success);
        }
    }

    #[inline]
    fn count(self) {
        match self.circuit.shared.quiet.counted {
            Counting::Not => {}
            Counting::Each => self.resident.count_success(),
            Counting::ByTime => self.resident.count_success_by_time(),
        }
    }

    /// What to keep of it for [`Circuit::unwritten`].
    #[inline]
    pub(crate) fn beat(self) -> Beat {
        self.beat
    }

    /// Reports that the work was not done to its end.
    pub(crate) fn abandon(self) {
        if self.circuit.shared.quiet.counted != Counting::Not {
            self.report(&Outcome::Ignored);
        }
    }

    /// Writes it after all. How long the work took is not known.
    #[cold]
    #[inline(never)]
    fn report(self, outcome: &Outcome) -> (Counted, Record) {
        let Self { circuit, resident, beat } = self;
        let (counted, after) = circuit.transact_here(resident, Context::default(), |record, now| {
            // The record is locked, and so its beat stands still.
            let epoch = if resident.beat().is_of_period(beat) { record.epoch } else { Epoch::NEVER };
            state::report(record, circuit.policy(), Some(epoch), outcome, Duration::ZERO, now)
        });
        circuit.tell_reported(counted, outcome, &after.record);
        (counted, after.record)
    }
}

impl From<Refusal> for Refused<'_> {
    fn from(refusal: Refusal) -> Self {
        Self::Told(Box::new(refusal))
    }
}

impl Refused<'_> {
    /// The refusal with all that helps.
    #[inline(never)]
    pub(crate) fn told(self) -> Refusal {
        match self {
            Self::Told(refusal) => *refusal,
            Self::Unwritten(circuit, resident) => resident.show(|record, skips, at| {
                let (since, probe_at, before) = match &record.state {
                    State::Open { outage, until } => (outage.since, *until, outage.skips),
                    // Since the call was skipped somebody else was quick: it can be asked again now.
                    State::Closed { .. } | State::HalfOpen { .. } => (at, Some(at), 0),
                };
                let skip = Skip { reason: SkipReason::Open { since, probe_at }, count: before.saturating_add(skips) };
                circuit.refusal(RefusalReason::Skipped(skip), Some((record, at)))
            }),
        }
    }
}
