//! Reports that found their store busy: kept beside it, folded in by the next writer, shown meanwhile.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::board::Parts;
use crate::circuit::{Circuit, Home};
use crate::decision::{Chance, Counted, Now, Step};
use crate::outcome::Outcome;
use crate::record::{Epoch, Record};
use crate::state;
use crate::store::{Deferred, Loaded, StoreError};
use crate::transact::Context;
use crate::{CircuitName, clock};

impl Circuit {
    /// This report in the form that waits beside the store.
    pub(crate) fn deferred(
        &self,
        epoch: Option<Epoch>,
        unpermitted: bool,
        outcome: &Outcome,
        took: Duration,
        run: Option<&str>,
    ) -> Deferred {
        let since_epoch = self.board().clock.wall().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Deferred {
            circuit: self.name().to_string(),
            epoch,
            unpermitted,
            outcome: outcome.clone(),
            duration: took,
            policy: *self.policy(),
            wall_ms: clock::millis(since_epoch),
            run: run.map(str::to_owned),
        }
    }
}

impl Parts {
    /// Applies the reports that wait. What cannot be applied now goes on waiting.
    pub(crate) fn fold_deferred(self: &Arc<Self>) {
        let Ok(taken) = self.store.take_deferred() else { return };
        if taken.reports.iter().all(|report| self.fold(report).is_ok()) {
            // If they cannot be forgotten they are told again: rather counted twice than lost.
            drop(taken.done());
        }
    }

    fn fold(self: &Arc<Self>, report: &Deferred) -> Result<(), StoreError> {
        // A name that breaks the rules was never written by us: nothing to apply it to.
        let Ok(name) = CircuitName::new(&report.circuit) else { return Ok(()) };
        let circuit = Circuit::new(name, Arc::new(report.policy), self.clone()).strict();
        let run = report.run.as_deref().map(Arc::from);
        let context = Context { run: run.as_ref(), by: None };
        let snapshot = circuit.load(Home::Store)?;
        circuit
            .transact(Home::Store, snapshot, context, |_, _| None, |record, now| apply(record, report, now))
            .map(drop)
    }

    /// What the records will be once the waiting reports are folded in; stores nothing.
    pub(crate) fn foresee_deferred(&self, circuits: &mut BTreeMap<CircuitName, Result<Loaded, StoreError>>) {
        for report in self.store.deferred().unwrap_or_default() {
            let Ok(name) = CircuitName::new(&report.circuit) else { continue };
            let unknown = || Ok(Loaded { record: Record::default(), version: None, now: self.clock.now() });
            if let Ok(loaded) = circuits.entry(name).or_insert_with(unknown) {
                let now = Now { at: loaded.now, chance: Chance::Given(Epoch::default(), 0.5), holder_dead: false };
                if let Some(next) = apply(&loaded.record, &report, &now).next {
                    loaded.record = next;
                }
            }
        }
    }
}

fn apply(record: &Record, report: &Deferred, now: &Now) -> Step<Counted> {
    if report.unpermitted {
        state::record(record, &report.policy, &report.outcome, report.duration, now)
    } else {
        state::report(record, &report.policy, report.epoch, &report.outcome, report.duration, now)
    }
}
