//! Leave to run once, and the lease of a probe that is kept while its holder lives.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::call::Call;
use crate::circuit::{Circuit, Home, Settled};
use crate::clock::Moment;
use crate::decision::Ticket;
use crate::outcome::{Failure, FailureKind, Outcome};
use crate::record::Epoch;
use crate::store::Beat;
use crate::transact::Snapshot;

/// Leave to run once. It is settled by value: [`success`](Permit::success), [`failure`](Permit::failure),
/// [`ignored`](Permit::ignored). Dropped, it counts as ignored; dropped by a panic, as failed.
///
/// ```
/// use fuseboard::decision::Counted;
/// use fuseboard::{Board, Failure, FailureKind, Kept, Outcome};
///
/// let board = Board::new();
/// let backup = board.circuit("backup")?;
/// backup.permit()?.success();
/// backup.permit()?.ignored();
/// backup.permit()?.failure(&"disk full");
/// // The long form says how the work failed, and tells what became of the report.
/// let permit = backup.permit()?.keep_alive();
/// assert!(!permit.is_probe());
/// let settled = permit.settle(&Outcome::Failure(Failure::new(FailureKind::Timeout, "took longer than 5s")));
/// assert!(matches!((settled.counted, settled.kept), (Some(Counted::Counted), Kept::Stored)));
/// assert!(backup.permit().is_err(), "two failures in a row");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a permit that is dropped counts as ignored"]
#[derive(Debug)]
pub struct Permit {
    held: Held,
    /// Whether a panic that unwinds past this permit is somebody else's.
    panicking: bool,
}

#[derive(Debug)]
enum Held {
    /// Of a circuit in memory that was closed, and felt like this.
    Unwritten(Circuit, Beat),
    Asked(Box<Asked>),
    Settled,
}

#[derive(Debug)]
struct Asked {
    circuit: Circuit,
    ticket: Ticket,
    snapshot: Snapshot,
    call: Call,
    home: Home,
    started: Moment,
    renewal: Option<Renewal>,
}

impl Permit {
    pub(crate) fn new(circuit: Circuit, ticket: Ticket, snapshot: Snapshot, call: Call, home: Home) -> Self {
        let started = circuit.board().clock.now();
        Self::holding(Held::Asked(Box::new(Asked { circuit, ticket, snapshot, call, home, started, renewal: None })))
    }

    pub(crate) fn unwritten(circuit: Circuit, beat: Beat) -> Self {
        Self::holding(Held::Unwritten(circuit, beat))
    }

    fn holding(held: Held) -> Self {
        Self { held, panicking: std::thread::panicking() }
    }

    /// Whether this call is the probe on which the circuit waits.
    pub fn is_probe(&self) -> bool {
        matches!(&self.held, Held::Asked(asked) if matches!(asked.ticket, Ticket::Probe { .. }))
    }

    /// Renews a probe's lease every third of it for as long as this permit lives, by a thread of its own.
    /// Needed where the work may take longer than the lease; the guards do it themselves. For a call that is
    /// no probe, or has a time limit, this does nothing.
    pub fn keep_alive(mut self) -> Self {
        if let Held::Asked(asked) = &mut self.held
            && let (Ticket::Probe { epoch, .. }, false) = (&asked.ticket, asked.call.is_limited())
        {
            asked.renewal = Some(Renewal::start(&asked.circuit, asked.home, *epoch));
        }
        self
    }

    /// The permit of work that is polled where panics are caught: whatever unwinds past it is not the work's.
    pub(crate) fn polled(mut self) -> Self {
        self.panicking = true;
        self.keep_alive()
    }

    /// The work was done.
    pub fn success(self) {
        self.close(&Outcome::Success);
    }

    /// The work failed.
    pub fn failure(self, error: &dyn std::fmt::Display) {
        self.close(&Outcome::Failure(Failure::error(error)));
    }

    /// Nothing can be said of the work: cancelled, or cut by somebody else.
    pub fn ignored(self) {
        self.close(&Outcome::Ignored);
    }

    /// Reports this outcome and tells what became of the report.
    pub fn settle(mut self, outcome: &Outcome) -> Settled {
        match self.take() {
            Held::Unwritten(circuit, beat) => circuit.unwritten(beat).settled(outcome),
            Held::Asked(asked) => asked.report(outcome),
            Held::Settled => unreachable!("a permit is settled once, by value"),
        }
    }

    fn close(mut self, outcome: &Outcome) {
        self.take().close(outcome);
    }

    fn take(&mut self) -> Held {
        std::mem::replace(&mut self.held, Held::Settled)
    }
}

impl Held {
    fn close(self, outcome: &Outcome) {
        match self {
            Self::Unwritten(circuit, beat) => circuit.unwritten(beat).settle(outcome),
            Self::Asked(asked) => drop(asked.report(outcome)),
            Self::Settled => {}
        }
    }
}

impl Asked {
    fn report(self, outcome: &Outcome) -> Settled {
        let took = self.circuit.board().clock.now().since(self.started);
        drop(self.renewal);
        let outcome = match outcome {
            Outcome::Failure(failure) if failure.fingerprint.is_none() => {
                &Outcome::Failure(failure.clone().of(self.call.fingerprint().cloned()))
            }
            other => other,
        };
        self.circuit.report(self.home, self.snapshot, &self.ticket, outcome, took, &self.call)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let held = self.take();
        if let Held::Settled = held {
            return;
        }
        if std::thread::panicking() && !self.panicking {
            held.close(&Outcome::Failure(Failure::new(FailureKind::Panic, "panicked")));
        } else {
            held.close(&Outcome::Ignored);
        }
    }
}

/// A thread that renews one lease until it is dropped. Nobody waits for it: it may be in the middle of a renewal, which
/// finds that the probe has reported, and of telling observers, who may wait for whoever drops this.
#[derive(Debug)]
struct Renewal {
    ended: Arc<(Mutex<bool>, Condvar)>,
}

impl Renewal {
    fn start(circuit: &Circuit, home: Home, epoch: Epoch) -> Self {
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let (circuit, signal) = (circuit.clone(), ended.clone());
        let lease = circuit.policy().lease();
        let work = move || while !wait(&signal, lease / 3) && circuit.renew(home, epoch, lease) {};
        // Without a thread the lease ends by itself: the probe may be taken for lost, nothing else happens.
        drop(std::thread::Builder::new().name("fuseboard-lease".into()).spawn(work));
        Self { ended }
    }
}

/// Waits this long; `true` if ended meanwhile.
fn wait(signal: &(Mutex<bool>, Condvar), time: Duration) -> bool {
    let ended = signal.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = signal.1.wait_timeout_while(ended, time, |ended| !*ended);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

impl Drop for Renewal {
    fn drop(&mut self) {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.1.notify_all();
    }
}
