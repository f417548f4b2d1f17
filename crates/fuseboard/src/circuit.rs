//! The caller's handle: admission, report, and what is told of them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::board::Parts;
use crate::call::Call;
use crate::clock::Moment;
use crate::decision::{Admission, Ask, Counted, Now, Skip, SkipReason, Ticket};
use crate::error::{Refusal, RefusalReason};
use crate::event::{Notice, OutcomeRow, Progress, Row};
use crate::name::CircuitName;
use crate::outcome::Outcome;
use crate::permit::Permit;
use crate::policy::{Policy, TripRule};
use crate::record::{Epoch, Holder, Record, State};
use crate::state;
use crate::store::{Resident, StoreError, StoreTrouble};
use crate::transact::{Context, Snapshot};
use crate::unwritten::{AtOnce, Quiet};

/// A named circuit, for who calls the work behind it. Cloning copies a pointer.
#[derive(Clone)]
pub struct Circuit {
    pub(crate) shared: Arc<Shared>,
    /// Whether the store is needed: a gate must not decide without it.
    strict: bool,
}

/// What all handles of one circuit share.
pub(crate) struct Shared {
    pub(crate) name: CircuitName,
    /// Shared by the circuits that inherit it.
    pub(crate) policy: Arc<Policy>,
    pub(crate) board: Arc<Parts>,
    /// The circuit itself, if it lives in this process's memory.
    pub(crate) resident: Option<Arc<Resident>>,
    /// Which calls need not be written.
    pub(crate) quiet: Quiet,
}

impl Shared {
    /// Whether nothing but totals would be lost with it.
    pub(crate) fn is_idle(&self) -> bool {
        self.resident.as_deref().is_none_or(Resident::is_idle)
    }
}

impl Circuit {
    pub(crate) fn new(name: CircuitName, policy: Arc<Policy>, board: Arc<Parts>) -> Self {
        let (resident, quiet) = (board.store.resident(&name), Quiet::of(&policy, &board));
        Self::over(Arc::new(Shared { name, policy, board, resident, quiet }))
    }

    pub(crate) fn over(shared: Arc<Shared>) -> Self {
        Self { shared, strict: false }
    }

    /// The same circuit for who must not decide without the store.
    pub(crate) fn strict(self) -> Self {
        Self { strict: true, ..self }
    }

    /// The circuit's name.
    pub fn name(&self) -> &CircuitName {
        &self.shared.name
    }

    /// The policy that this handle decides by.
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    pub(crate) fn board(&self) -> &Parts {
        &self.shared.board
    }

    /// Leave to run once. The permit must be settled; dropped, it counts as ignored.
    ///
    /// # Errors
    /// [`Refusal`] tells why the work should not run now.
    pub fn permit(&self) -> Result<Permit, Refusal> {
        match self.at_once() {
            AtOnce::Quick(unwritten) | AtOnce::Run(unwritten) => Ok(Permit::unwritten(self.clone(), unwritten.beat())),
            AtOnce::Skip(refused) => Err(refused.told()),
            AtOnce::Ask => self.permit_for(Call::default()),
        }
    }

    /// Leave to make this call once.
    ///
    /// A store that cannot be used never stops the work: the decision is made in memory instead and that is
    /// told once. A skip that could be read is obeyed, even if it cannot be counted. (A [`Gate`](crate::Gate) refuses instead.)
    ///
    /// # Errors
    /// [`Refusal`] tells why the work should not run now.
    pub fn permit_for(&self, call: Call) -> Result<Permit, Refusal> {
        match self.admit(Home::Store, &call) {
            Ok((admission, snapshot)) => self.answer(admission, snapshot, call, Home::Store),
            Err(error) if self.strict => Err(self.refusal(RefusalReason::StoreLost(Arc::new(error)), None)),
            Err(error) => {
                self.board().store_failed(&error);
                let (admission, snapshot) = self
                    .admit(Home::Memory, &call)
                    .map_err(|error| self.refusal(RefusalReason::StoreLost(Arc::new(error)), None))?;
                self.answer(admission, snapshot, call, Home::Memory)
            }
        }
    }

    /// Feeds the outcome of work that ran without a permit: admission and report in one.
    ///
    /// # Errors
    /// [`StoreError`] if it could neither be stored nor kept for later.
    pub fn record(&self, outcome: &Outcome) -> Result<Counted, StoreError> {
        let took = Duration::ZERO;
        match self.record_in(Home::Store, outcome, took) {
            Ok((counted, after)) => {
                self.tell_failed(counted, outcome, &after.loaded.record);
                self.tell_not_counted(counted);
                self.shared.board.fold_deferred();
                Ok(counted)
            }
            Err(error) => {
                let kept = self.board().store.defer(&self.deferred(None, true, outcome, took, None));
                kept.map_or(Err(error), |()| Ok(Counted::Counted))
            }
        }
    }

    /// Whether a call would run now: a pure read that takes no probe.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn would_run(&self) -> Result<bool, StoreError> {
        let snapshot = self.load(Home::Store)?;
        Ok(matches!(self.foresee(&snapshot, &self.ask(&Call::default())), Admission::Run(_)))
    }

    /// Admission by this store. What was read is obeyed where it says no, even if the skip cannot be counted.
    fn admit(&self, home: Home, call: &Call) -> Result<(Admission, Snapshot), StoreError> {
        let ask = self.ask(call);
        let skipped = |admission: &Admission, at| match admission {
            Admission::Skip(_) => self.outcome_row(call, "skipped", None, Duration::ZERO, at),
            Admission::Run(_) => None,
        };
        let context = Context { run: call.run(), by: None };
        let decide = |record: &Record, now: &Now| state::admit(record, self.policy(), &ask, now);
        if let (Home::Store, Some(resident)) = (home, &self.shared.resident) {
            let (admission, loaded) = self.transact_here(resident, context, decide);
            return Ok((admission, Snapshot { loaded, seen: self.board().clock.now() }));
        }
        let snapshot = self.load(home)?;
        self.transact(home, snapshot.clone(), context, skipped, decide).or_else(|error| {
            match self.foresee(&snapshot, &ask) {
                skip @ Admission::Skip(_) if !self.strict => {
                    self.board().store_failed(&error);
                    Ok((skip, snapshot))
                }
                Admission::Skip(_) | Admission::Run(_) => Err(error),
            }
        })
    }

    fn ask(&self, call: &Call) -> Ask {
        Ask { holder: Holder::this_process, lease: call.lease(self.policy()), fingerprint: call.fingerprint().cloned() }
    }

    /// What admission would say, without asking for it.
    fn foresee(&self, snapshot: &Snapshot, ask: &Ask) -> Admission {
        state::admit(&snapshot.loaded.record, self.policy(), ask, &self.now(snapshot)).answer
    }

    fn record_in(&self, home: Home, outcome: &Outcome, took: Duration) -> Result<(Counted, Snapshot), StoreError> {
        let snapshot = self.load(home)?;
        let decide = |record: &Record, now: &Now| state::record(record, self.policy(), outcome, took, now);
        self.transact(home, snapshot, Context::default(), |_, _| None, decide)
    }

    fn answer(&self, admission: Admission, snapshot: Snapshot, call: Call, home: Home) -> Result<Permit, Refusal> {
        match admission {
            Admission::Run(ticket) => {
                match &ticket {
                    Ticket::Probe { mended: true, .. } => {
                        self.board().tell(&Notice::Mended { circuit: self.name().clone() });
                    }
                    Ticket::Observed(skip) => self.tell_skipped(skip, &snapshot, true),
                    Ticket::Closed(_) | Ticket::Probe { .. } | Ticket::Switched => {}
                }
                Ok(Permit::new(self.clone(), ticket, snapshot, call, home))
            }
            Admission::Skip(skip) => {
                self.tell_skipped(&skip, &snapshot, false);
                Err(self.refusal(RefusalReason::Skipped(skip), Some((&snapshot.loaded.record, snapshot.loaded.now))))
            }
        }
    }

    /// Reports what an admitted call came to.
    pub(crate) fn report(
        &self,
        home: Home,
        snapshot: Snapshot,
        ticket: &Ticket,
        outcome: &Outcome,
        took: Duration,
        call: &Call,
    ) -> Settled {
        let outcome = &*state::judge_speed(outcome, self.policy(), took);
        let row = |counted: &Counted, at| {
            let (word, failure) = match (counted, outcome) {
                (Counted::Late, _) => ("late", None),
                (_, Outcome::Success) => ("success", None),
                (_, Outcome::Failure(failure)) => ("failure", Some(failure.kind)),
                (_, Outcome::Ignored) => ("ignored", None),
            };
            self.outcome_row(call, word, failure, took, at)
        };
        let decide =
            |record: &Record, now: &Now| state::report(record, self.policy(), ticket.epoch(), outcome, took, now);
        let context = Context { run: call.run(), by: None };
        match self.transact(home, snapshot.clone(), context, row, decide) {
            Ok((counted, after)) => {
                self.tell_reported(counted, outcome, &after.loaded.record);
                let kept = match home {
                    Home::Store => Kept::Stored,
                    Home::Memory => Kept::InMemory,
                };
                if home == Home::Store {
                    self.shared.board.fold_deferred();
                }
                Settled { counted: Some(counted), record: after.loaded.record, kept }
            }
            Err(error) => {
                let deferred = self.deferred(ticket.epoch(), false, outcome, took, call.run().map(|run| &**run));
                let kept = match self.board().store.defer(&deferred) {
                    Ok(()) if error.trouble == StoreTrouble::Busy => Kept::Deferred,
                    deferred => {
                        self.board().store_failed(&error);
                        // Memory decides as long as the store cannot be written, so it has to know.
                        if home == Home::Store && ticket.epoch().is_some() {
                            drop(self.record_in(Home::Memory, outcome, took));
                        }
                        Kept::Lost { error: Arc::new(error), deferred: deferred.is_ok() }
                    }
                };
                Settled { counted: None, record: snapshot.loaded.record, kept }
            }
        }
    }

    /// Tells of a report what is worth a line.
    pub(crate) fn tell_reported(&self, counted: Counted, outcome: &Outcome, after: &Record) {
        self.tell_failed(counted, outcome, after);
        if counted == Counted::Late {
            self.tell_not_counted(counted);
        }
    }

    /// Renews the lease of the probe with this epoch; `false` ends the renewals.
    pub(crate) fn renew(&self, home: Home, epoch: Epoch, lease: Duration) -> bool {
        let renewed = self.load(home).and_then(|snapshot| {
            self.transact(
                home,
                snapshot,
                Context::default(),
                |_, _| None,
                |record, now| state::renew(record, epoch, lease, now),
            )
        });
        // A store that cannot be used now may be at the next third of the lease.
        renewed.map_or(true, |(renewed, _)| renewed)
    }

    fn outcome_row(
        &self,
        call: &Call,
        outcome: &'static str,
        failure: Option<crate::FailureKind>,
        duration: Duration,
        at: Moment,
    ) -> Option<Row> {
        let row = OutcomeRow { at, circuit: self.name().clone(), outcome, failure, duration, run: call.run().cloned() };
        call.is_kept().then_some(Row::Outcome(row))
    }

    /// The refusal with all that helps, as far as the record is known, and when it was so.
    pub(crate) fn refusal(&self, reason: RefusalReason, known: Option<(&Record, Moment)>) -> Refusal {
        let (mut open_for, mut retry_in, mut last_error) = (None, None, None);
        if let (Some((record, at)), RefusalReason::Skipped(skip)) = (known, &reason) {
            last_error = record.last_failure.as_ref().map(|last| last.failure.message.clone());
            match &skip.reason {
                SkipReason::Open { since, probe_at } => {
                    open_for = Some(at.since(*since));
                    retry_in = probe_at.map(|due| due.since(at));
                }
                SkipReason::ProbeOut { since, until } => {
                    open_for = Some(at.since(*since));
                    retry_in = Some(until.since(at));
                }
                SkipReason::SwitchedOff(switch) => {
                    open_for = Some(at.since(switch.since));
                    retry_in = switch.until.map(|until| until.since(at));
                }
            }
        }
        Refusal { circuit: self.name().clone(), reason, open_for, retry_in, last_error }
    }

    fn tell_skipped(&self, skip: &Skip, snapshot: &Snapshot, observed: bool) {
        let last_error = snapshot.loaded.record.last_failure.as_ref().map(|last| last.failure.message.clone());
        let (circuit, skip, at) = (self.name().clone(), skip.clone(), snapshot.loaded.now);
        self.board().tell(&Notice::Skipped { circuit, skip, at, last_error, observed });
    }

    /// Tells of a failure, unless the event of the opening told it already.
    fn tell_failed(&self, counted: Counted, outcome: &Outcome, after: &Record) {
        if self.board().has_no_observers() {
            return;
        }
        if let (Counted::Counted, Outcome::Failure(failure), State::Closed { failures, window }) =
            (counted, outcome, &after.state)
        {
            let progress = match (self.policy().trip(), window) {
                (TripRule::TripAfter(trip_after), _) => Progress::InARow { failures: *failures, trip_after },
                (TripRule::Rate(_), Some(window)) => Progress::OfCalls(window.sample()),
                (TripRule::Rate(_), None) => return, // never: what counted under a rate is in a window
            };
            self.board().tell(&Notice::Failed { circuit: self.name().clone(), failure: failure.clone(), progress });
        }
    }

    fn tell_not_counted(&self, counted: Counted) {
        if counted != Counted::Counted {
            self.board().tell(&Notice::NotCounted { circuit: self.name().clone(), late: counted == Counted::Late });
        }
    }
}

impl fmt::Debug for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Circuit").field("name", self.name()).field("policy", self.policy()).finish_non_exhaustive()
    }
}

/// Which store a permit was given by, and so is reported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Store,
    Memory,
}

/// What became of a settled permit.
#[derive(Clone, Debug)]
pub struct Settled {
    /// Whether it counted; `None` if it is not stored yet.
    pub counted: Option<Counted>,
    /// The record after the report, as far as it is known.
    pub record: Record,
    /// Whether the report is safe.
    pub kept: Kept,
}

/// Whether a report is safe.
#[derive(Clone, Debug)]
pub enum Kept {
    /// In the store.
    Stored,
    /// In this process's memory only: the store could not be used when the permit was given.
    InMemory,
    /// The store was busy for too long; the next writer stores it.
    Deferred,
    /// The store cannot be used.
    Lost {
        /// Why.
        error: Arc<StoreError>,
        /// Whether the report is at least kept beside the store for later.
        deferred: bool,
    },
}
