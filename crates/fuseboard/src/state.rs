//! The circuit as a pure state machine: no clock, lock, randomness, I/O or log. What it needs from outside
//! comes in as [`Now`] and [`Ask`]; what it decides goes out as a [`Step`]. It is the whole of a circuit's behaviour, read
//! from top to bottom: the table, [`admit`], [`report`], [`record`], the operator's acts, and `apply`, the one
//! place where an outcome moves the state.
//!
//! Rows are what can happen, columns are where a circuit can be; a cell is the answer and the state after it.
//! `open 2 waiting` is the second opening in a row, not yet due; `closed 9 of 18` is under a failure rate of half of 20
//! calls, where 9 of 18 failed. The unit test reads this very table.
//!
//! <!-- table -->
//! |  | closed 0 | closed 1 | closed 9 of 18 | closed 9 of 19 | open 1 waiting | open 1 due | half-open 1 free | half-open 1 out | half-open 1 lost |
//! |---|---|---|---|---|---|---|---|---|---|
//! | admit | run; closed 0 | run; closed 1 | run; closed 9 of 18 | run; closed 9 of 19 | skip; open 1 waiting | probe; half-open 1 out | probe; half-open 1 out | skip; half-open 1 out | skip; open 2 waiting |
//! | admit mended | run; closed 0 | run; closed 1 | run; closed 9 of 18 | run; closed 9 of 19 | probe; half-open 1 out | probe; half-open 1 out | probe; half-open 1 out | skip; half-open 1 out | probe; half-open 2 out |
//! | success | counted; closed 0 | counted; closed 0 | counted; closed 9 of 19 | counted; closed 9 of 20 | late; open 1 waiting | late; open 1 due | late; half-open 1 free | counted; closed 0 | late; half-open 1 lost |
//! | failure | counted; closed 1 | counted; open 1 waiting | counted; closed 10 of 19 | counted; open 1 waiting | late; open 1 waiting | late; open 1 due | late; half-open 1 free | counted; open 2 waiting | late; half-open 1 lost |
//! | spawn failure | counted; open 1 waiting | counted; open 1 waiting | counted; open 1 waiting | counted; open 1 waiting | late; open 1 waiting | late; open 1 due | late; half-open 1 free | counted; open 2 waiting | late; half-open 1 lost |
//! | ignored | counted; closed 0 | counted; closed 1 | counted; closed 9 of 18 | counted; closed 9 of 19 | late; open 1 waiting | late; open 1 due | late; half-open 1 free | counted; open 1 due | late; half-open 1 lost |
//! | late success | late; closed 0 | late; closed 1 | late; closed 9 of 18 | late; closed 9 of 19 | late; open 1 waiting | late; open 1 due | late; half-open 1 free | late; half-open 1 out | late; half-open 1 lost |
//! | late failure | late; closed 0 | late; closed 1 | late; closed 9 of 18 | late; closed 9 of 19 | late; open 1 waiting | late; open 1 due | late; half-open 1 free | late; half-open 1 out | late; half-open 1 lost |
//! | recorded success | counted; closed 0 | counted; closed 0 | counted; closed 9 of 19 | counted; closed 9 of 20 | aside; open 1 waiting | counted; closed 0 | counted; closed 0 | aside; half-open 1 out | counted; closed 0 |
//! | recorded failure | counted; closed 1 | counted; open 1 waiting | counted; closed 10 of 19 | counted; open 1 waiting | aside; open 1 waiting | counted; open 2 waiting | counted; open 2 waiting | aside; half-open 1 out | counted; open 2 waiting |
//! | recorded ignored | counted; closed 0 | counted; closed 1 | counted; closed 9 of 18 | counted; closed 9 of 19 | aside; open 1 waiting | counted; open 1 due | counted; open 1 due | aside; half-open 1 out | counted; open 1 due |
//! | probe now | kept; closed 0 | kept; closed 1 | kept; closed 9 of 18 | kept; closed 9 of 19 | done; open 1 due | done; open 1 due | kept; half-open 1 free | kept; half-open 1 out | done; open 2 due |
//! | reset | done; closed 0 | done; closed 0 | done; closed 0 | done; closed 0 | done; closed 0 | done; closed 0 | done; closed 0 | done; closed 0 | done; closed 0 |
//! | admit, off | skip; closed 0 | skip; closed 1 | skip; closed 9 of 18 | skip; closed 9 of 19 | skip; open 1 waiting | skip; open 1 due | skip; half-open 1 free | skip; half-open 1 out | skip; half-open 1 lost |
//! | admit, on | run; closed 0 | run; closed 1 | run; closed 9 of 18 | run; closed 9 of 19 | run; open 1 waiting | run; open 1 due | run; half-open 1 free | run; half-open 1 out | run; half-open 1 lost |
//! | failure, off | aside; closed 0 | aside; closed 1 | aside; closed 9 of 18 | aside; closed 9 of 19 | aside; open 1 waiting | aside; open 1 due | aside; half-open 1 free | aside; half-open 1 out | aside; half-open 1 lost |
//! <!-- end of table -->
//!
//! *Late* and *aside* reports move totals only: a late one carries another epoch or an outdated lease, one put
//! aside was recorded while somebody else decides (an operator, or a probe that is out).

use std::borrow::Cow;
use std::time::Duration;

use crate::clock::Moment;
use crate::decision::{Admission, Ask, Change, Counted, Now, Skip, SkipReason, Step, Ticket};
use crate::event::EventKind;
use crate::outcome::{Failure, FailureKind, Fingerprint, Outcome};
use crate::policy::{Mode, Policy};
use crate::record::{Epoch, LastFailure, Lease, Outage, Position, Record, State, Switch, Window};

/// After so many ignored probes in a row the last one counts as failed: a probe that is always cut short
/// would otherwise be let out at every call.
const IGNORED_PROBES: u32 = 3;

/// May this call run?
pub fn admit(record: &Record, policy: &Policy, ask: &Ask, now: &Now) -> Step<Admission> {
    if let Some(switch) = record.switch_at(now.at) {
        return match switch.position {
            Position::On => Step::kept(Admission::Run(Ticket::Switched)),
            Position::Off => skip(record.clone(), Mode::Enforce, SkipReason::SwitchedOff(Box::new(switch.clone()))),
        };
    }
    match &record.state {
        State::Closed { .. } => Step::kept(Admission::Run(Ticket::Closed(record.epoch))),
        State::Open { outage, until } => {
            let mended = is_mended(record, ask.fingerprint.as_ref());
            if is_due(*until, now) || mended {
                let epoch = now.fresh_epoch();
                let next = Record { state: half_open(*outage, 0, ask, now), epoch, ..record.clone() };
                let probing = Change::of(EventKind::Probing);
                let ticket = Ticket::Probe { epoch, mended: mended && !is_due(*until, now) };
                Step { next: Some(next), changes: vec![probing], answer: Admission::Run(ticket) }
            } else {
                let reason = SkipReason::Open { since: outage.since, probe_at: *until };
                skip(record.clone(), policy.mode(), reason)
            }
        }
        State::HalfOpen { outage, successes, lease: None } => {
            let epoch = now.fresh_epoch();
            let next = Record { state: half_open(*outage, *successes, ask, now), epoch, ..record.clone() };
            let ticket = Ticket::Probe { epoch, mended: false };
            Step { next: Some(next), changes: Vec::new(), answer: Admission::Run(ticket) }
        }
        State::HalfOpen { outage, lease: Some(lease), .. } if lease.is_live(now.at, now.holder_dead) => {
            let reason = SkipReason::ProbeOut { since: outage.since, until: lease.until };
            skip(record.clone(), policy.mode(), reason)
        }
        State::HalfOpen { outage, lease: Some(lease), .. } => {
            let (reopened, change) = lose_probe(record, policy, outage, lease, now);
            let mut step = admit(&reopened, policy, ask, now);
            step.changes.insert(0, change);
            step.next.get_or_insert(reopened);
            step
        }
    }
}

/// What an admitted call came to. `epoch` is that of its ticket; without one the report counts in totals only.
pub fn report(
    record: &Record,
    policy: &Policy,
    epoch: Option<Epoch>,
    outcome: &Outcome,
    took: Duration,
    now: &Now,
) -> Step<Counted> {
    let outcome = judge_speed(outcome, policy, took);
    let outcome = outcome.as_ref();
    let Some(epoch) = epoch else { return beside(record, outcome) };
    if record.switch_at(now.at).is_some() {
        return beside(record, outcome);
    }
    let current = match &record.state {
        State::Closed { .. } => record.epoch == epoch,
        State::Open { .. } => false,
        State::HalfOpen { lease, .. } => {
            record.epoch == epoch && lease.as_ref().is_some_and(|lease| lease.is_live(now.at, false))
        }
    };
    if !current {
        let mut next = record.clone();
        next.totals.late = next.totals.late.saturating_add(1);
        return Step { next: Some(next), changes: Vec::new(), answer: Counted::Late };
    }
    apply(record, policy, outcome, took, now)
}

/// An outcome of work that ran without a permit: admission and report in one.
pub fn record(record: &Record, policy: &Policy, outcome: &Outcome, took: Duration, now: &Now) -> Step<Counted> {
    let outcome = judge_speed(outcome, policy, took);
    let outcome = outcome.as_ref();
    if record.switch_at(now.at).is_some() || !may_run(record, None, now) {
        return beside(record, outcome);
    }
    apply(record, policy, outcome, took, now)
}

/// Whether work that runs now without a permit decides by its outcome: a pure read. A half-open circuit whose
/// probe was lost says yes, though [`admit`] would let that probe's cool-down pass first.
pub fn may_run(record: &Record, fingerprint: Option<&Fingerprint>, now: &Now) -> bool {
    match record.switch_at(now.at).map(|switch| switch.position) {
        Some(Position::On) => return true,
        Some(Position::Off) => return false,
        None => {}
    }
    match &record.state {
        State::Closed { .. } => true,
        State::Open { until, .. } => is_due(*until, now) || is_mended(record, fingerprint),
        State::HalfOpen { lease, .. } => lease.as_ref().is_none_or(|lease| !lease.is_live(now.at, now.holder_dead)),
    }
}

/// The living holder of a probe asks for more time; `false` if the probe is not its own any more.
pub fn renew(record: &Record, epoch: Epoch, lease: Duration, now: &Now) -> Step<bool> {
    let mut next = record.clone();
    match &mut next.state {
        State::HalfOpen { lease: Some(held), .. } if record.epoch == epoch && held.is_live(now.at, false) => {
            held.until = held.until.max(now.at.after(lease));
            Step { next: Some(next), changes: Vec::new(), answer: true }
        }
        State::Closed { .. } | State::Open { .. } | State::HalfOpen { .. } => Step::kept(false),
    }
}

/// An operator wants the next call to be a probe. Forgives nothing. `false`: there is nothing to bring forward.
pub fn probe_now(record: &Record, policy: &Policy, now: &Now) -> Step<bool> {
    let mut changes = Vec::new();
    let mut next = record.clone();
    if let State::HalfOpen { outage, lease: Some(lease), .. } = &record.state
        && !lease.is_live(now.at, now.holder_dead)
    {
        let (reopened, change) = lose_probe(record, policy, outage, lease, now);
        next = reopened;
        changes.push(change);
    }
    match &mut next.state {
        State::Open { until, .. } => {
            *until = Some(until.map_or(now.at, |until| until.min(now.at)));
            changes.push(Change { probe_at: Some(now.at), ..Change::of(EventKind::ProbeRequested) });
            Step { next: Some(next), changes, answer: true }
        }
        State::Closed { .. } | State::HalfOpen { .. } => Step::kept(false),
    }
}

/// An operator forgives everything: closed, whatever it was. Totals, the last failure and the switch stay.
pub fn reset(record: &Record, now: &Now) -> Step<()> {
    let next = Record { state: State::default(), epoch: now.fresh_epoch(), ..record.clone() };
    let change = Change::of(EventKind::Reset);
    Step { next: Some(next), changes: vec![change], answer: () }
}

/// An operator takes the decision (`Some`) or gives it back to the circuit (`None`, *auto*). The automatic
/// state stays frozen as it is meanwhile.
pub fn switch(record: &Record, switch: Option<Switch>, reason: &str) -> Step<()> {
    let position = switch.as_ref().map_or("auto", |switch| switch.position.as_str());
    let cause = if reason.is_empty() { position.into() } else { format!("{position}: {reason}").into() };
    let change = Change { cause: Some(cause), ..Change::of(EventKind::Switched) };
    Step { next: Some(Record { switch, ..record.clone() }), changes: vec![change], answer: () }
}

/// Counts what a store in memory did not write call by call: successes of a closed circuit about the moment `at`, which
/// ended no row of failures and began no window, and skips in an outage that may be over by now.
pub(crate) fn catch_up(record: &mut Record, outage: Option<&Outage>, successes: u32, at: Moment, skips: u64) {
    let saved = outage.map_or(0, |outage| whole_millis(outage.cost)).saturating_mul(skips);
    record.totals.success = record.totals.success.saturating_add(successes.into());
    record.totals.skipped = record.totals.skipped.saturating_add(skips);
    record.totals.saved_ms = record.totals.saved_ms.saturating_add(saved);
    match &mut record.state {
        State::Closed { window, .. } => *window = window.map(|window| window.and_successes(successes, at)),
        State::Open { outage: now, .. } | State::HalfOpen { outage: now, .. } => {
            let added = if outage.is_some_and(|outage| outage.since == now.since) { skips } else { 0 };
            now.skips = now.skips.saturating_add(added);
        }
    }
}

/// The outcome of a call in a closed circuit, or of a probe.
fn apply(record: &Record, policy: &Policy, outcome: &Outcome, took: Duration, now: &Now) -> Step<Counted> {
    let mut next = record.clone();
    count(&mut next, outcome);
    if let Outcome::Failure(failure) = outcome {
        next.last_failure = Some(LastFailure { failure: failure.clone(), at: now.at });
    }
    let change = match &record.state {
        State::Closed { failures, window } => {
            // Both are kept, whichever rule this caller goes by: another one may go by the other.
            let within = policy.rate().map(|rate| rate.within);
            let window = Window::after(window.as_ref(), within, outcome, now.at);
            match outcome {
                Outcome::Success => {
                    next.state = State::Closed { failures: 0, window };
                    None
                }
                Outcome::Ignored => None,
                Outcome::Failure(failure) => {
                    let failures = failures.saturating_add(1);
                    let in_a_row = policy.trip_after().is_some_and(|trip_after| failures >= trip_after);
                    let calls = window.map(|window| window.sample());
                    let sample = calls.filter(|calls| policy.rate().is_some_and(|rate| rate.is_met_by(calls)));
                    if in_a_row || sample.is_some() || failure.kind.trips_at_once() {
                        let failures = sample.map_or(failures, |sample| sample.failures);
                        let (since, cost) = (now.at, took);
                        let outage = Outage { since, failures, sample, trips: 1, ignored: 0, skips: 0, cost };
                        Some(open(&mut next, policy, outage, now.at, now, EventKind::Opened))
                    } else {
                        next.state = State::Closed { failures, window };
                        None
                    }
                }
            }
        }
        State::Open { outage, .. } => apply_probe(&mut next, policy, outage, 0, None, outcome, now),
        State::HalfOpen { outage, successes, lease } => {
            apply_probe(&mut next, policy, outage, *successes, lease.as_ref(), outcome, now)
        }
    };
    Step { next: Some(next), changes: change.into_iter().collect(), answer: Counted::Counted }
}

fn apply_probe(
    next: &mut Record,
    policy: &Policy,
    outage: &Outage,
    successes: u32,
    lease: Option<&Lease>,
    outcome: &Outcome,
    now: &Now,
) -> Option<Change> {
    next.epoch = now.fresh_epoch();
    match outcome {
        Outcome::Success if successes.saturating_add(1) >= policy.probes().get() => {
            next.state = State::default();
            Some(Change { failures: Some(outage.failures), ..Change::of(EventKind::Closed) })
        }
        Outcome::Success => {
            next.state = State::HalfOpen {
                outage: Outage { ignored: 0, ..*outage },
                successes: successes.saturating_add(1),
                lease: None,
            };
            None
        }
        Outcome::Failure(_) => Some(open(next, policy, again(outage), now.at, now, EventKind::Reopened)),
        Outcome::Ignored if outage.ignored.saturating_add(1) >= IGNORED_PROBES => {
            next.last_failure = Some(lost("probes were cut short three times in a row", lease, now));
            Some(open(next, policy, again(outage), now.at, now, EventKind::Reopened))
        }
        Outcome::Ignored => {
            next.state = State::Open {
                outage: Outage { ignored: outage.ignored.saturating_add(1), ..*outage },
                until: Some(now.at),
            };
            None
        }
    }
}

/// Opens the circuit at `from` and says so with the failure that was counted last.
fn open(next: &mut Record, policy: &Policy, outage: Outage, from: Moment, now: &Now, kind: EventKind) -> Change {
    let until = policy.cool_down_of(outage.trips, now.dice()).map(|cool_down| from.after(cool_down));
    next.state = State::Open { outage, until };
    next.epoch = now.fresh_epoch();
    let cause = next.last_failure.as_ref().map(|last| last.failure.message.clone());
    Change { kind, cause, failures: Some(outage.failures), sample: outage.sample, probe_at: until }
}

/// The outage after one more failed probe.
fn again(outage: &Outage) -> Outage {
    Outage { trips: outage.trips.saturating_add(1), ignored: 0, ..*outage }
}

/// A probe that never reported is a failed one. Its cool-down counts from the moment it was lost, so that
/// nobody waits twice for it.
fn lose_probe(record: &Record, policy: &Policy, outage: &Outage, lease: &Lease, now: &Now) -> (Record, Change) {
    let why = if now.holder_dead {
        "the probe's process died before it reported"
    } else {
        "the probe did not report before its lease ran out"
    };
    let mut next = Record { last_failure: Some(lost(why, Some(lease), now)), ..record.clone() };
    let change = open(&mut next, policy, again(outage), lease.until.min(now.at), now, EventKind::ProbeLost);
    (next, change)
}

fn lost(why: &str, lease: Option<&Lease>, now: &Now) -> LastFailure {
    let fingerprint = lease.and_then(|lease| lease.fingerprint.clone());
    LastFailure { failure: Failure::new(FailureKind::Lost, why).of(fingerprint), at: now.at }
}

fn half_open(outage: Outage, successes: u32, ask: &Ask, now: &Now) -> State {
    let lease = Lease { until: now.at.after(ask.lease), holder: (ask.holder)(), fingerprint: ask.fingerprint.clone() };
    State::HalfOpen { outage, successes, lease: Some(lease) }
}

fn skip(mut next: Record, mode: Mode, reason: SkipReason) -> Step<Admission> {
    let count = match (&reason, &mut next.switch, &mut next.state) {
        (SkipReason::SwitchedOff(_), Some(switch), _) => {
            switch.skips = switch.skips.saturating_add(1);
            switch.skips
        }
        (_, _, State::Open { outage, .. } | State::HalfOpen { outage, .. }) => {
            outage.skips = outage.skips.saturating_add(1);
            if mode == Mode::Enforce {
                next.totals.saved_ms = next.totals.saved_ms.saturating_add(whole_millis(outage.cost));
            }
            outage.skips
        }
        (_, _, State::Closed { .. }) => 0,
    };
    let skip = Skip { reason, count };
    let answer = match mode {
        Mode::Enforce => {
            next.totals.skipped = next.totals.skipped.saturating_add(1);
            Admission::Skip(skip)
        }
        Mode::Observe => Admission::Run(Ticket::Observed(skip)),
    };
    Step { next: Some(next), changes: Vec::new(), answer }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Counts in totals, moves nothing.
fn beside(record: &Record, outcome: &Outcome) -> Step<Counted> {
    let mut next = record.clone();
    count(&mut next, outcome);
    Step { next: Some(next), changes: Vec::new(), answer: Counted::Aside }
}

fn count(record: &mut Record, outcome: &Outcome) {
    let total = match outcome {
        Outcome::Success => &mut record.totals.success,
        Outcome::Failure(Failure { kind: FailureKind::Timeout, .. }) => &mut record.totals.timeout,
        Outcome::Failure(_) => &mut record.totals.failure,
        Outcome::Ignored => &mut record.totals.ignored,
    };
    *total = total.saturating_add(1);
}

/// The outcome as it counts: a success that took longer than the policy allows is a failure.
pub(crate) fn judge_speed<'a>(outcome: &'a Outcome, policy: &Policy, took: Duration) -> Cow<'a, Outcome> {
    match policy.slow_after() {
        Some(limit) if *outcome == Outcome::Success && took > limit => {
            let message = format!("done, but took {took:.1?}; slow_after is {limit:?}");
            Cow::Owned(Outcome::Failure(Failure::new(FailureKind::Timeout, &message)))
        }
        _ => Cow::Borrowed(outcome),
    }
}

fn is_due(until: Option<Moment>, now: &Now) -> bool {
    until.is_some_and(|until| until <= now.at)
}

/// Whether what failed last is another one now, or what could not be started can be.
fn is_mended(record: &Record, calls: Option<&Fingerprint>) -> bool {
    let Some((LastFailure { failure, .. }, calls)) = record.last_failure.as_ref().zip(calls) else { return false };
    let Some(failed) = &failure.fingerprint else { return false };
    let changed = failed.subject == calls.subject && failed.stamp != calls.stamp;
    changed || (failure.kind == FailureKind::Spawn && calls.startable && failed != calls)
}

#[cfg(test)]
mod tests;
