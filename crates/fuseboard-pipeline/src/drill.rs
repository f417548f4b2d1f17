//! A fire drill: each gate and each recorder of a pipeline is broken in every way.
//!
//! It shows that nothing behind a gate runs then, and that no recorder looks as if it had worked.
//!
//! The pipeline is the user's own: its waits, block codes, policies and kinds count. Only the step under test is
//! broken; all others are replaced by stand-ins that pass or are done at once, so that no action, and no recorder, is
//! ever really run. Circuits live in memory. A step that is disabled is drilled as if it were not.
//!
//! | fault | how it is planted |
//! |---|---|
//! | crash | a command dies by a signal; a built-in step panics |
//! | hang | it does not end, and has a second |
//! | missing tool | a gate's own command finds nothing but shells on its `PATH`; a recorder's is not found; a built-in step says so of its own |
//! | open circuit | its circuit is opened before the run |
//! | unreadable store | each call of the store fails |
//! | changed rules | a file that it names is changed after the step was planned; a command that names none cannot have it |
//!
//! The last three are gates' alone: a recorder that is skipped, or goes on without the store, is shown as that.

mod stand_in;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use fuseboard::clock::SystemClock;
use fuseboard::store::{MemoryStore, Store};
use fuseboard::{Board, Failure, FailureKind, Outcome};

use self::stand_in::{Play, StandIn, StillTree, Unreadable, command};
use crate::job::{Job, JobProject};
use crate::ledger::NoLedger;
use crate::pins::{Lookup, Pins};
use crate::pipeline::{Pipeline, PlannedStep, Task};
use crate::process::Interrupt;
use crate::redact::Redactor;
use crate::report::{Kind, Report, Status, StepRow, VerdictWord};
use crate::runner::{self, Run, Selection};
use crate::step::Before;
use crate::tracker::Tracker;

/// How long a step that hangs may do so.
const HANG: Duration = Duration::from_secs(1);
/// What is drilled is not the deadline, however short the configured one is.
const DEADLINE: Duration = Duration::from_secs(60);

/// A way in which a step can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It crashes.
    Crash,
    /// It does not end.
    Hang,
    /// What it runs is not installed.
    MissingTool,
    /// Its circuit is open.
    OpenCircuit,
    /// The store cannot be read or written.
    UnreadableStore,
    /// A file that it runs is not what it was when the mission began.
    ChangedRules,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Self; 6] =
        [Self::Crash, Self::Hang, Self::MissingTool, Self::OpenCircuit, Self::UnreadableStore, Self::ChangedRules];

    /// The word used in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::MissingTool => "missing-tool",
            Self::OpenCircuit => "open-circuit",
            Self::UnreadableStore => "unreadable-store",
            Self::ChangedRules => "changed-rules",
        }
    }

    /// Whether such a step can have it.
    pub fn concerns(self, kind: Kind) -> bool {
        match self {
            Self::Crash | Self::Hang | Self::MissingTool => kind != Kind::Action,
            Self::OpenCircuit | Self::UnreadableStore | Self::ChangedRules => kind == Kind::Gate,
        }
    }
}

/// What a broken step led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Exercise {
    /// The step.
    pub step: String,
    /// What kind of step it is.
    pub kind: Kind,
    /// How it was broken.
    pub fault: Fault,
    /// How it was reported; `None` if the fault could not be planted.
    pub row: Option<StepRow>,
    /// The steps that wait for it as a gate, and whether each of them ran.
    pub behind: Vec<(String, bool)>,
    /// What is to be said of it.
    pub finding: Finding,
}

/// What an exercise showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing behind it ran, and it was reported as what it was.
    Held,
    /// The fault could not be planted, and why.
    NotPlanted(String),
    /// Something ran, or was reported, as if the step had worked.
    Leak(String),
}

/// A drill of one pipeline.
pub struct Drill {
    pipeline: Pipeline,
    /// The steps that are switched off in the configuration.
    disabled: Vec<String>,
    project: JobProject,
    scratch: PathBuf,
    interrupt: Interrupt,
    redactor: Redactor,
}

impl Drill {
    /// A drill of this pipeline. Commands run in `project`'s folder; `scratch` is an empty folder of the caller's own
    /// outside of any repository, whose name no other drill has.
    pub fn new(
        mut pipeline: Pipeline,
        project: JobProject,
        scratch: &Path,
        interrupt: &Interrupt,
        redactor: &Redactor,
    ) -> Self {
        pipeline.section.deadline = DEADLINE;
        let mut disabled = Vec::new();
        for step in &mut pipeline.steps {
            if !std::mem::replace(&mut step.declaration.enabled, true) {
                disabled.push(step.name().to_owned());
            }
        }
        let (interrupt, redactor) = (interrupt.clone(), redactor.clone());
        Self { pipeline, disabled, project, scratch: scratch.to_owned(), interrupt, redactor }
    }

    /// The exercises that there are, in the order of the file.
    pub fn exercises(&self) -> Vec<(String, Kind, Fault)> {
        let of_step = |step: &PlannedStep| {
            let (name, kind) = (step.name().to_owned(), step.declaration.kind);
            Fault::ALL.into_iter().filter(move |fault| fault.concerns(kind)).map(move |it| (name.clone(), kind, it))
        };
        self.pipeline.steps.iter().flat_map(of_step).collect()
    }

    /// Actions that wait for no gate: nothing can hold them back, so they are no part of the drill.
    pub fn ungated(&self) -> Vec<String> {
        let is_free =
            |step: &&PlannedStep| step.declaration.kind == Kind::Action && step.declaration.waits.gated_by.is_empty();
        self.pipeline.steps.iter().filter(is_free).map(|step| step.name().to_owned()).collect()
    }

    /// Gates that are not only told, and for which nothing waits: whatever they say, nothing is held back.
    pub fn idle_gates(&self) -> Vec<String> {
        let steps = &self.pipeline.steps;
        let is_waited_for =
            |gate: &str| steps.iter().any(|step| step.declaration.waits.gated_by.iter().any(|name| **name == gate));
        let is_idle = |step: &&PlannedStep| {
            step.declaration.kind == Kind::Gate && !step.declaration.advisory && !is_waited_for(step.name())
        };
        steps.iter().filter(is_idle).map(|step| step.name().to_owned()).collect()
    }

    /// Enabled steps that wait for a gate which is disabled, and so never run; with that gate.
    pub fn held_for_good(&self) -> Vec<(String, String)> {
        let is_off = |name: &str| self.disabled.iter().any(|off| off == name);
        let on = self.pipeline.steps.iter().filter(|step| !is_off(step.name()));
        let held = |step: &PlannedStep| {
            let off = step.declaration.waits.gated_by.iter().find(|gate| is_off(gate))?;
            Some((step.name().to_owned(), (**off).clone()))
        };
        on.filter_map(held).collect()
    }

    /// The gated steps that do not run even if every gate passes: that they are held back shows nothing.
    pub fn unreachable(&self) -> Vec<String> {
        let gated = self.pipeline.steps.iter().filter(|step| !step.declaration.waits.gated_by.is_empty());
        let mut left: Vec<&str> = gated.map(PlannedStep::name).collect();
        for succeeded in [true, false] {
            let (pipeline, ran) = self.staged(None, |_| None);
            self.run("control", pipeline, Arc::new(MemoryStore::new()), succeeded);
            left.retain(|name| !ran.iter().any(|(step, ran)| step == name && ran.is_set()));
        }
        left.into_iter().map(str::to_owned).collect()
    }

    /// Breaks a step and runs the pipeline.
    ///
    /// # Panics
    /// If there is no such step.
    pub fn exercise(&self, name: &str, fault: Fault) -> Exercise {
        let step = self.pipeline.steps.iter().find(|step| step.name() == name).expect("a step of this pipeline");
        let kind = step.declaration.kind;
        let done = |row, behind, finding| Exercise { step: name.to_owned(), kind, fault, row, behind, finding };
        let store: Arc<dyn Store> = match fault {
            Fault::UnreadableStore => Arc::new(Unreadable),
            _ => Arc::new(MemoryStore::new()),
        };
        if fault == Fault::OpenCircuit
            && let Err(why) = open_circuit(&store, step)
        {
            return done(None, Vec::new(), Finding::NotPlanted(why));
        }
        if fault == Fault::ChangedRules && matches!(step.task, Task::Command(_)) && !step.pins.hold_a_file() {
            let why = "its command names no file of the repository, so that none is watched".to_owned();
            return done(None, Vec::new(), Finding::NotPlanted(why));
        }
        let part = format!("{name}-{}", fault.as_str());
        let rules = self.scratch.join(&part);
        if let Err(error) = std::fs::write(&rules, "as they were") {
            return done(None, Vec::new(), Finding::NotPlanted(format!("{}: {error}", rules.display())));
        }
        let shells = self.scratch.join(format!("{part}-shells"));
        if fault == Fault::MissingTool
            && let Err(error) = stand_in::shells_alone(&shells)
        {
            return done(None, Vec::new(), Finding::NotPlanted(format!("{}: {error}", shells.display())));
        }
        let (mut pipeline, ran) = self.staged(Some(name), |step| broken(step, fault, &shells));
        if fault == Fault::Hang {
            let hanging = pipeline.steps.iter_mut().filter(|step| step.name() == name);
            hanging.for_each(|step| step.settings.timeout = Some(HANG));
        }
        if fault == Fault::ChangedRules {
            let pins = Pins::of([part.as_str()], &Lookup::from(&self.scratch));
            pipeline.steps.iter_mut().filter(|step| step.name() == name).for_each(|step| step.pins = pins.clone());
            if let Err(error) = std::fs::write(&rules, "softer") {
                return done(None, Vec::new(), Finding::NotPlanted(format!("{}: {error}", rules.display())));
            }
        }
        let succeeded = step.declaration.on != crate::config::RunOn::Failure;
        let report = self.run(&part, pipeline, store, succeeded);
        let waits = |other: &&PlannedStep| other.declaration.waits.gated_by.iter().any(|gate| **gate == name);
        let has_run = |step: &PlannedStep| ran.iter().any(|(name, ran)| name == step.name() && ran.is_set());
        let behind = self.pipeline.steps.iter().filter(waits).map(|step| (step.name().to_owned(), has_run(step)));
        let behind: Vec<(String, bool)> = behind.collect();
        let Some(row) = report.steps.iter().find(|row| row.name == name) else {
            return done(None, behind, Finding::Leak("it is missing from the report".to_owned()));
        };
        let finding = judge(step, row, &report, &behind);
        done(Some(row.clone()), behind, finding)
    }

    /// The pipeline with stand-ins for all steps but the one under test, whose task is what `broken` says; and what
    /// tells whether each ran.
    fn staged(&self, under_test: Option<&str>, broken: impl Fn(&PlannedStep) -> Option<Task>) -> (Pipeline, Ran) {
        let mut pipeline = self.pipeline.clone();
        let mut all = Vec::new();
        for step in &mut pipeline.steps {
            let ran = Flag::default();
            let stand_in = Task::BuiltIn(Arc::new(StandIn::of(step.declaration.kind, ran.0.clone())));
            step.pins = Pins::default();
            if under_test == Some(step.name()) {
                step.task = broken(step).unwrap_or(stand_in);
                step.settings.kill_after = step.settings.kill_after.min(HANG);
            } else {
                step.task = stand_in;
            }
            all.push((step.name().to_owned(), ran));
        }
        (pipeline, all)
    }

    /// Runs the pipeline. The run's name marks its processes, so no two may be alike.
    fn run(&self, part: &str, pipeline: Pipeline, store: Arc<dyn Store>, succeeded: bool) -> Report {
        let tracker = Tracker::default();
        let board = Board::builder().shared_store(store).observer(tracker.clone()).build();
        let job = Job { id: "drill".to_owned(), project: self.project.clone(), succeeded, ..Job::default() };
        runner::run(Run {
            id: format!("{}-{part}", self.scratch.display()),
            pipeline,
            job,
            circuits: Some(board),
            tracker,
            tree: Arc::new(StillTree),
            damage: Box::new(|| None),
            before: Before::default(),
            ledger: Arc::new(NoLedger),
            interrupt: self.interrupt.clone(),
            state_folder: self.scratch.clone(),
            config_folder: self.scratch.clone(),
            exempt: Vec::new(),
            redactor: self.redactor.clone(),
            selection: Selection::default(),
            clock: Arc::new(SystemClock),
            told: Box::new(|_| ()),
            complained: Box::new(|_| ()),
        })
    }
}

/// Whether a stand-in has run.
#[derive(Clone, Debug, Default)]
struct Flag(Arc<AtomicBool>);

impl Flag {
    fn is_set(&self) -> bool {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

type Ran = Vec<(String, Flag)>;

/// The task of a step with this fault; `None` if the fault lies elsewhere, and the step would pass.
fn broken(step: &PlannedStep, fault: Fault, shells: &Path) -> Option<Task> {
    let play = match fault {
        Fault::Crash => Play::Crash,
        Fault::Hang => Play::Hang,
        Fault::MissingTool => Play::FindNoTool,
        Fault::OpenCircuit | Fault::UnreadableStore | Fault::ChangedRules => return None,
    };
    Some(match &step.task {
        Task::Command(words) => Task::Command(command(play, step.declaration.kind, words, shells)),
        Task::BuiltIn(_) => Task::BuiltIn(Arc::new(StandIn::playing(play))),
    })
}

/// Opens a step's circuit, as its failures would.
fn open_circuit(store: &Arc<dyn Store>, step: &PlannedStep) -> Result<(), String> {
    let board = Board::builder().shared_store(store.clone()).build();
    let circuit = board.circuit_with(&step.circuit, step.settings.policy).map_err(|error| error.to_string())?;
    // One failure to start is enough, whatever the trip rule.
    let failure = Outcome::Failure(Failure::new(FailureKind::Spawn, "planted by the drill"));
    circuit.record(&failure).map_err(|error| error.to_string())?;
    match circuit.would_run() {
        Ok(false) => Ok(()),
        Ok(true) => Err("its circuit only observes".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// What the run says of a step that cannot have worked.
fn judge(step: &PlannedStep, row: &StepRow, report: &Report, behind: &[(String, bool)]) -> Finding {
    let leak = |why: String| Finding::Leak(why);
    if let Some((name, _)) = behind.iter().find(|(_, ran)| *ran) {
        return leak(format!("{name} ran"));
    }
    let is_gate = step.declaration.kind == Kind::Gate;
    if is_gate && row.verdict != Some(VerdictWord::Block) {
        return leak("it passed".to_owned());
    }
    if is_gate && !step.declaration.advisory && report.exit_code == 0 {
        return leak("the run ended with 0".to_owned());
    }
    if !is_gate && !matches!(row.status, Status::Failed | Status::TimedOut | Status::Interrupted) {
        return leak(format!("it was reported as {}", row.status));
    }
    Finding::Held
}
