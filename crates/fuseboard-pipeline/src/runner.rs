//! The loop: a step starts when what it waits for has ended, up to `jobs` at a time, under one deadline. No
//! general workflow engine.

use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Once};
use std::thread;
use std::time::Duration;

use fuseboard::clock::{Clock, Moment};
use fuseboard::{Board, FailureKind, Shown};

use crate::attempt::no_verdict;
use crate::config::{RunOn, Untracked};
use crate::job::Job;
use crate::judge;
use crate::ledger::Ledger;
use crate::pause::Pauses;
use crate::perform::perform;
use crate::pipeline::{Pipeline, PlannedStep, Task};
use crate::process::{Deadline, Interrupt};
use crate::redact::Redactor;
use crate::report::{BlockedBy, CircuitChanges, Kind, Reason, Report, Status, StepRow, VerdictWord};
use crate::stamp::Stamp;
use crate::step::Before;
use crate::tracker::Tracker;
use crate::tree::{Exempt, Tree, TreeState};

/// The share of the deadline that is kept for the steps which come last, and the most that is kept.
const KEPT_SHARE: u32 = 10;
const KEPT_MOST: Duration = Duration::from_secs(60);

/// How long a built-in step may go on after its end has come, before it is given up.
const OVERDUE: Duration = Duration::from_secs(10);

/// Everything that a run of the pipeline needs. Steps run in threads of their own, so it is shared.
pub struct Run {
    /// The run's id.
    pub id: String,
    /// What is to be run.
    pub pipeline: Pipeline,
    /// The job that has ended.
    pub job: Job,
    /// The circuits; `None` while Fuseboard is switched off: nothing is asked or told.
    pub circuits: Option<Board>,
    /// What the circuits told meanwhile; an observer of `circuits`.
    pub tracker: Tracker,
    /// The tree that gates judge.
    pub tree: Arc<dyn Tree>,
    /// What was found damaged in the store since the program began: no gate passes then, though the store may work
    /// again by now.
    pub damage: Box<dyn Fn() -> Option<String> + Send + Sync>,
    /// How the repository stood before the job began.
    pub before: Before,
    /// What is written down.
    pub ledger: Arc<dyn Ledger>,
    /// Whether somebody stops the program.
    pub interrupt: Interrupt,
    /// The user's state folder.
    pub state_folder: PathBuf,
    /// The folder of the configuration.
    pub config_folder: PathBuf,
    /// Files of ours in the tree that do not count as untracked.
    pub exempt: Vec<Exempt>,
    /// Takes secrets out of what is kept.
    pub redactor: Redactor,
    /// Which steps are to run.
    pub selection: Selection,
    /// The source of time.
    pub clock: Arc<dyn Clock>,
    /// Who is told of each step that has started or ended, in the order in which that happens.
    pub told: Box<dyn Fn(&StepRow) + Send + Sync>,
    /// Who is told, once, that the run cannot be written down.
    pub complained: Box<dyn Fn(&str) + Send + Sync>,
}

/// Which steps are to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these; all if empty.
    pub only: Vec<String>,
    /// Not these.
    pub skip: Vec<String>,
}

impl Selection {
    pub(crate) fn selects(&self, step: &PlannedStep) -> bool {
        let named = |names: &[String]| step.names().any(|name| names.iter().any(|other| other == name));
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// A run under way: what was given, and what was found at its start.
pub(crate) struct Underway {
    pub(crate) given: Run,
    pub(crate) tree_state: TreeState,
    unwritten: Once,
}

impl Underway {
    pub(crate) fn now(&self) -> Moment {
        self.given.clock.now()
    }

    /// Writes down a step's status and tells it.
    pub(crate) fn note(&self, row: &StepRow) {
        if let Err(error) = self.given.ledger.step(&self.given.id, row) {
            self.unwritten.call_once(|| (self.given.complained)(&error.to_string()));
        }
        (self.given.told)(row);
    }

    /// Whether a verdict given now can be bound to the commit that was checked out at the start.
    pub(crate) fn check_tree(&self) -> Result<(), String> {
        match &self.tree_state {
            TreeState { problem: Some(problem), .. } => Err(problem.clone()),
            TreeState { commit: None, .. } => Ok(()),
            state => self.given.tree.check_unchanged(state),
        }
    }
}

/// Runs the pipeline to its end and reports.
pub fn run(given: Run) -> Report {
    let (started_at, started) = (Stamp::from(given.clock.wall()), given.clock.now());
    let deadline = Deadline::after(given.pipeline.deadline());
    let untracked_allowed = given.pipeline.section.untracked == Untracked::Allow;
    // A look at the whole tree, which only gates need.
    let has_gate = given.pipeline.steps.iter().any(|step| step.declaration.kind == Kind::Gate);
    let tree_state = if has_gate { given.tree.judge(&given.exempt, untracked_allowed) } else { TreeState::default() };
    let underway = Arc::new(Underway { given, tree_state, unwritten: Once::new() });
    let rows = Loop::new(underway.clone(), deadline).run();
    let given = &underway.given;
    let summary = judge::summarise(&rows, &given.pipeline, given.interrupt.signal());
    Report {
        schema: "fuseboard.run/1".to_owned(),
        id: given.id.clone(),
        job: given.job.clone(),
        started_at,
        duration_ms: u64::try_from(underway.now().since(started).as_millis()).unwrap_or(u64::MAX),
        deadline_ms: u64::try_from(given.pipeline.deadline().as_millis()).unwrap_or(u64::MAX),
        result: summary.result,
        exit_code: summary.exit_code,
        circuits: circuit_changes(given, &rows),
        notices: rows
            .iter()
            .filter_map(|row| row.output.as_ref()?.get("notices")?.as_u64())
            .fold(0, |sum, count| sum.saturating_add(u32::try_from(count).unwrap_or(u32::MAX))),
        steps: rows,
    }
}

/// What the run did to circuits, and which are open at its end.
fn circuit_changes(given: &Run, rows: &[StepRow]) -> CircuitChanges {
    let is_open = |name: &String| {
        let view = name.parse().ok().and_then(|name| given.circuits.as_ref()?.view(&name).ok().flatten());
        view.is_some_and(|view| view.state != Shown::Closed)
    };
    let open = rows.iter().filter_map(|row| row.circuit.clone()).filter(is_open).collect();
    CircuitChanges { open, ..given.tracker.changes() }
}

/// Where each step is, and who is still at work.
struct Loop {
    underway: Arc<Underway>,
    places: Vec<Place>,
    deadline: Deadline,
    /// The deadline of all but the steps that come last.
    early_deadline: Deadline,
    sender: Sender<(usize, StepRow)>,
    receiver: mpsc::Receiver<(usize, StepRow)>,
}

enum Place {
    Waiting,
    Running {
        /// When it is given up, and whether it is the pipeline's deadline that would have ended it.
        overdue: Deadline,
        by_deadline: bool,
    },
    Ended(Box<StepRow>),
}

impl Loop {
    fn new(underway: Arc<Underway>, deadline: Deadline) -> Self {
        let (sender, receiver) = mpsc::channel();
        let steps = &underway.given.pipeline.steps;
        let whole = underway.given.pipeline.deadline();
        let kept = if steps.iter().any(|step| step.declaration.waits.last.is_some()) {
            (whole / KEPT_SHARE).min(KEPT_MOST)
        } else {
            Duration::ZERO
        };
        // Of what is left: the look at the tree has taken its time already.
        let left = deadline.remaining().unwrap_or(whole);
        let early_deadline = Deadline::after(left.saturating_sub(kept)).or_earlier(deadline);
        let places = steps.iter().map(|_| Place::Waiting).collect();
        Self { underway, places, deadline, early_deadline, sender, receiver }
    }

    fn run(mut self) -> Vec<StepRow> {
        loop {
            while let Some(index) = self.ready() {
                self.start(index);
            }
            let Some(patience) = self.patience() else { break };
            match self.receiver.recv_timeout(patience) {
                Ok((index, row)) => self.end(index, row),
                Err(RecvTimeoutError::Timeout) => self.give_up_overdue(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let rows = self.places.into_iter().filter_map(|place| match place {
            Place::Ended(row) => Some(*row),
            Place::Waiting | Place::Running { .. } => None,
        });
        rows.collect()
    }

    fn steps(&self) -> &[PlannedStep] {
        &self.underway.given.pipeline.steps
    }

    /// The first step that may start now, or will never.
    fn ready(&self) -> Option<usize> {
        let running = self.places.iter().filter(|place| matches!(place, Place::Running { .. })).count();
        let jobs = self.underway.given.pipeline.section.jobs as usize;
        let waiting = |index: &usize| matches!(self.places[*index], Place::Waiting) && self.waits_for_nothing(*index);
        (0..self.places.len()).filter(waiting).find(|index| running < jobs || self.obstacle(*index).is_some())
    }

    fn waits_for_nothing(&self, index: usize) -> bool {
        let waits = &self.steps()[index].declaration.waits;
        let awaited = |other: usize| {
            let step = &self.steps()[other];
            let named =
                waits.after.iter().chain(&waits.gated_by).any(|name| step.names().any(|known| **name == *known));
            named
                || (other != index
                    && waits.last.is_some_and(|last| step.declaration.waits.last.is_none_or(|others| others < last)))
        };
        (0..self.places.len())
            .filter(|other| awaited(*other))
            .all(|other| matches!(self.places[other], Place::Ended(_)))
    }

    /// What keeps a step from starting, whatever its circuit says; in the order of the contract.
    fn obstacle(&self, index: usize) -> Option<StepRow> {
        let given = &self.underway.given;
        let step = &self.steps()[index];
        let declaration = &step.declaration;
        let mut row = StepRow::new(step.name(), declaration.kind, Status::Skipped);
        row.circuit = given.circuits.is_some().then(|| step.circuit.to_string());
        let (reason, why) = if !declaration.enabled {
            (Reason::Disabled, "disabled".to_owned())
        } else if !given.selection.selects(step) {
            (Reason::NotSelected, "not selected".to_owned())
        } else if let Some(file) = step.changed_file() {
            let file = file.strip_prefix(&given.job.project.path).unwrap_or(file);
            let why = format!("rules changed: {}", file.display());
            (row.detail, row.why) = (Some(why.clone()), Some(why.clone()));
            (Reason::Untrusted, why)
        } else if let Some(why) = &step.distrusted {
            (row.detail, row.why) = (Some(why.clone()), Some(why.clone()));
            (Reason::Untrusted, why.clone())
        } else if let Some(why) = self.pause(step) {
            row.detail = Some(why.clone());
            (Reason::Paused, why)
        } else if declaration.on == RunOn::Success && !given.job.succeeded {
            (Reason::JobFailed, "the job failed".to_owned())
        } else if declaration.on == RunOn::Failure && given.job.succeeded {
            (Reason::JobSucceeded, "the job succeeded".to_owned())
        } else if let Some(blocked_by) = self.blocked_by(step) {
            row.blocked_by = Some(blocked_by);
            (Reason::GateBlocked, "a gate that it waits for did not pass".to_owned())
        } else if given.interrupt.signal().is_some() {
            row.status = Status::Interrupted;
            no_verdict(&mut row, "interrupted");
            return Some(row);
        } else {
            return None;
        };
        row.reason = Some(reason);
        no_verdict(&mut row, &why);
        Some(row)
    }

    /// Why the agent is to be left alone, if the step would call it. Pauses that cannot be read stop nobody.
    fn pause(&self, step: &PlannedStep) -> Option<String> {
        if !matches!(&step.task, Task::BuiltIn(built_in) if built_in.calls_agent()) {
            return None;
        }
        let given = &self.underway.given;
        let pauses = Pauses::in_state_folder(&given.state_folder);
        let pause = pauses.active(given.job.agent.as_deref(), given.clock.wall().into()).ok().flatten()?;
        Some(format!("the agent is paused until {}: {}", pause.until, pause.why))
    }

    /// The gates that keep a step from starting. An action needs at least one that was really asked.
    fn blocked_by(&self, step: &PlannedStep) -> Option<Vec<BlockedBy>> {
        let gates: Vec<&StepRow> = step.declaration.waits.gated_by.iter().filter_map(|name| self.row(name)).collect();
        let said = |row: &StepRow, why: &str| BlockedBy {
            gate: row.name.clone(),
            why: row.why.clone().unwrap_or_else(|| why.to_owned()),
            evaluated: row.evaluated.unwrap_or(false),
        };
        let mut blocked: Vec<BlockedBy> = gates
            .iter()
            .filter(|row| row.verdict != Some(VerdictWord::Pass))
            .map(|row| said(row, "no verdict"))
            .collect();
        let none_asked = !gates.is_empty() && gates.iter().all(|row| row.status == Status::NotApplicable);
        if blocked.is_empty() && none_asked && step.declaration.kind == Kind::Action {
            blocked = gates.iter().map(|row| said(row, "no gate was really asked")).collect();
        }
        // A store that was found damaged after a gate had passed: what the gate went by is not known any more.
        if let (true, Some(damage)) = (blocked.is_empty(), (self.underway.given.damage)()) {
            let void = |row: &&StepRow| BlockedBy { gate: row.name.clone(), why: damage.clone(), evaluated: false };
            blocked = gates.iter().map(void).collect();
        }
        (!blocked.is_empty()).then_some(blocked)
    }

    fn row(&self, name: &str) -> Option<&StepRow> {
        self.places.iter().find_map(|place| match place {
            Place::Ended(row) if row.name == name => Some(&**row),
            Place::Ended(_) | Place::Waiting | Place::Running { .. } => None,
        })
    }

    fn start(&mut self, index: usize) {
        if let Some(row) = self.obstacle(index) {
            return self.end(index, row);
        }
        let step = self.steps()[index].clone();
        let deadline = if step.declaration.waits.last.is_some() { self.deadline } else { self.early_deadline };
        let own = Deadline::after_any(step.settings.timeout);
        let by_deadline = deadline.is_before(own);
        let ended = self.places.iter().filter_map(|place| match place {
            Place::Ended(row) => Some((**row).clone()),
            Place::Waiting | Place::Running { .. } => None,
        });
        let ended: Vec<StepRow> = ended.collect();
        let (underway, sender) = (self.underway.clone(), self.sender.clone());
        let name = step.name().to_owned();
        let kind = step.declaration.kind;
        let grace = step.settings.kill_after;
        let work = move || {
            let row = perform(&underway, &step, &ended, deadline);
            let _ = sender.send((index, row));
        };
        self.places[index] =
            Place::Running { overdue: own.or_earlier(deadline).postponed(grace + OVERDUE), by_deadline };
        if let Err(error) = thread::Builder::new().name(name.clone()).spawn(work) {
            let mut row = StepRow::new(&name, kind, Status::Failed);
            (row.failure, row.detail) = (Some("error".to_owned()), Some(format!("no thread for it: {error}")));
            no_verdict(&mut row, "it could not be started");
            self.end(index, row);
        }
    }

    fn end(&mut self, index: usize, row: StepRow) {
        // One that was given up has an end already.
        if !matches!(self.places[index], Place::Ended(_)) {
            self.underway.note(&row);
            self.places[index] = Place::Ended(Box::new(row));
        }
    }

    /// How long to wait for news; `None` if nobody is at work.
    fn patience(&self) -> Option<Duration> {
        let overdue = self.places.iter().filter_map(|place| match place {
            Place::Running { overdue, .. } => Some(*overdue),
            Place::Waiting | Place::Ended(_) => None,
        });
        overdue.reduce(Deadline::or_earlier).map(|first| first.remaining().unwrap_or(Duration::from_secs(3600)))
    }

    /// A built-in step that hangs cannot be ended, only left behind; it ends with the program.
    fn give_up_overdue(&mut self) {
        for index in 0..self.places.len() {
            let Place::Running { overdue, by_deadline } = self.places[index] else { continue };
            if overdue.has_passed() {
                let step = &self.steps()[index];
                let mut row = StepRow::new(step.name(), step.declaration.kind, Status::TimedOut);
                row.circuit = self.underway.given.circuits.is_some().then(|| step.circuit.to_string());
                if by_deadline {
                    row.reason = Some(Reason::Deadline);
                } else {
                    row.failure = Some(FailureKind::Timeout.to_string());
                }
                row.detail = Some("it hangs, and was left behind".to_owned());
                no_verdict(&mut row, "it hangs");
                self.end(index, row);
            }
        }
    }
}
