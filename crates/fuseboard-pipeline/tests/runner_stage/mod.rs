//! A pipeline of two built-in steps in memory: the gate `tests`, made up by the test, and the action `hooks`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fuseboard::clock::SystemClock;
use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Listed, Loaded, MemoryStore, Store, StoreError, StoreTrouble, Swap, Version};
use fuseboard::{Board, CircuitName};
use fuseboard_pipeline::config::{BuiltIn, Config, ConfigErrors, StepOptions};
use fuseboard_pipeline::job::{Job, JobProject};
use fuseboard_pipeline::ledger::NoLedger;
use fuseboard_pipeline::pipeline::{BuiltIns, Pipeline, Place};
use fuseboard_pipeline::process::Interrupt;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::Report;
use fuseboard_pipeline::runner::{self, Run, Selection};
use fuseboard_pipeline::step::{Answer, Before, Step, StepContext, StepError, Told};
use fuseboard_pipeline::tracker::Tracker;
use fuseboard_pipeline::tree::{Exempt, Tree, TreeState};

pub(crate) type Work = fn(&StepContext<'_>) -> Result<Answer, StepError>;

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    sections: String,
    gate: String,
    action: String,
    gated_by: String,
    gate_work: Work,
    action_work: Option<Work>,
    pub(crate) atomic: bool,
    acted: Arc<AtomicBool>,
    store: Arc<dyn Store>,
    has_circuits: bool,
    pub(crate) damage: Option<&'static str>,
    pub(crate) tree: FakeTree,
    pub(crate) job: Job,
    pub(crate) selection: Selection,
}

impl Stage {
    /// A gate with these further keys, which does this.
    pub(crate) fn new(keys: &str, work: Work) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = JobProject { name: "app".into(), path: folder.path().to_owned(), ..JobProject::default() };
        Self {
            sections: String::new(),
            gate: keys.to_owned(),
            action: String::new(),
            gated_by: "'tests'".to_owned(),
            gate_work: work,
            action_work: None,
            atomic: false,
            acted: Arc::default(),
            store: Arc::new(MemoryStore::new()),
            has_circuits: true,
            damage: None,
            tree: FakeTree { start: TreeState { commit: Some("abc".into()), problem: None }, end: Ok(()) },
            job: Job { project, succeeded: true, ..Job::default() },
            selection: Selection::default(),
            folder,
        }
    }

    pub(crate) fn with_section(self, section: &str) -> Self {
        Self { sections: section.to_owned(), ..self }
    }

    pub(crate) fn gated_by(self, gates: &str) -> Self {
        Self { gated_by: gates.to_owned(), ..self }
    }

    /// What the action does in place of noting that it ran, and its further keys.
    pub(crate) fn action(self, work: Work, keys: &str) -> Self {
        Self { action_work: Some(work), action: keys.to_owned(), ..self }
    }

    pub(crate) fn without_circuits(self) -> Self {
        Self { has_circuits: false, ..self }
    }

    pub(crate) fn without_a_store(self) -> Self {
        Self { store: Arc::new(NoStore), ..self }
    }

    pub(crate) fn board(&self) -> Board {
        Board::builder().shared_store(self.store.clone()).build()
    }

    /// The gate's circuit.
    pub(crate) fn circuit() -> CircuitName {
        "app/tests".parse().unwrap()
    }

    /// Whether the action ran.
    pub(crate) fn acted(&self) -> bool {
        self.acted.load(Ordering::SeqCst)
    }

    pub(crate) fn run(&self) -> Report {
        let file = format!(
            "[[step]]\nname = 'tests'\nuses = 'tests'\n{}\n[[step]]\nname = 'hooks'\nuses = 'hooks'\n\
             gated_by = [{}]\n{}\n{}\n",
            self.gate, self.gated_by, self.action, self.sections
        );
        let config =
            Config::parse(Path::new("fuseboard.toml"), file.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let tracker = Tracker::default();
        let damage = self.damage;
        runner::run(Run {
            id: "run".into(),
            pipeline: Pipeline::plan(&config, &place(self.folder.path()), self).unwrap(),
            job: self.job.clone(),
            circuits: self.has_circuits.then(|| self.board()),
            tracker,
            tree: Arc::new(self.tree.clone()),
            damage: Box::new(move || damage.map(str::to_owned)),
            before: Before::default(),
            ledger: Arc::new(NoLedger),
            interrupt: Interrupt::never(),
            state_folder: PathBuf::new(),
            config_folder: PathBuf::new(),
            exempt: Vec::new(),
            redactor: Redactor::from_env([]),
            selection: self.selection.clone(),
            clock: Arc::new(SystemClock),
            told: Box::new(|_| ()),
            complained: Box::new(|error| panic!("{error}")),
        })
    }
}

impl BuiltIns for Stage {
    fn make(&self, built_in: &'static BuiltIn, _: &StepOptions) -> Result<Arc<dyn Step>, ConfigErrors> {
        let is_gate = built_in.name == "tests";
        let work = if is_gate { Some(self.gate_work) } else { self.action_work };
        Ok(Arc::new(MadeUp { work, atomic: self.atomic && !is_gate, acted: self.acted.clone() }))
    }
}

struct MadeUp {
    work: Option<Work>,
    atomic: bool,
    acted: Arc<AtomicBool>,
}

impl Step for MadeUp {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        if let Some(work) = self.work {
            return work(context);
        }
        self.acted.store(true, Ordering::SeqCst);
        Ok(Answer::Done(Told::default()))
    }

    fn is_atomic(&self) -> bool {
        self.atomic
    }
}

#[derive(Clone)]
pub(crate) struct FakeTree {
    pub(crate) start: TreeState,
    pub(crate) end: Result<(), String>,
}

impl Tree for FakeTree {
    fn judge(&self, _: &[Exempt], _: bool) -> TreeState {
        self.start.clone()
    }

    fn check_unchanged(&self, _: &TreeState) -> Result<(), String> {
        self.end.clone()
    }
}

/// A store that is never there.
struct NoStore;

fn gone() -> StoreError {
    StoreError::new(StoreTrouble::Unreachable, "the disk is gone")
}

impl Store for NoStore {
    fn load(&self, _: &CircuitName) -> Result<Loaded, StoreError> {
        Err(gone())
    }

    fn swap(&self, _: &CircuitName, _: Option<Version>, _: &Record, _: &[Row]) -> Result<Swap, StoreError> {
        Err(gone())
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        Err(gone())
    }
}

fn place(folder: &std::path::Path) -> Place<'_> {
    Place { project: "app", folder, config_folder: folder }
}
