//! `fuseboard.toml`: what it says, checked as a whole.
//!
//! A file is read key by key into plain data. Everything that is wrong with it comes at once, each error with
//! its place ([`ConfigErrors`]); a [`Config`] in hand can work.
//!
//! | concept | where |
//! |---|---|
//! | which file counts | [`find`] |
//! | found, read, trusted and parsed | [`load`] |
//! | a circuit's settings, in layers | [`CircuitKeys`], [`CircuitSettings`] |
//! | a declared step | [`StepDeclaration`], [`Waits`], [`BuiltIn`] |
//! | a built-in step's own options | [`StepOptions`], [`TableReader`] |
//! | what is wrong, and where | [`ConfigErrors`], [`ConfigError`] |
//!
//! ```
//! use std::path::Path;
//! use fuseboard_pipeline::config::Config;
//!
//! let config = Config::parse(Path::new("fuseboard.toml"), b"[circuits.reflect]\ntrip_after = 3\n")?;
//! let reflect = config.circuit(Some("app"), &"reflect".parse()?);
//! assert_eq!(reflect.policy.trip_after(), Some(3));
//!
//! let errors = Config::parse(Path::new("fuseboard.toml"), b"[circuit]\ntrip_afer = 3\n").unwrap_err();
//! assert_eq!(
//!     errors.to_string(),
//!     "fuseboard.toml:2:1: unknown key `trip_afer` in [circuit] (did you mean `trip_after`?)"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod built_in;
mod circuit;
mod circuits;
mod error;
pub mod find;
pub mod load;
mod mission;
mod options;
mod pipeline;
mod policy;
mod source;
mod spanned;
mod step;
mod store;
mod table;
mod tree;
mod value;
mod waits;
mod word;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fuseboard::CircuitName;

pub use built_in::{BUILT_INS, BuiltIn};
pub use circuit::{CircuitKeys, CircuitSettings, Role, Scope};
pub use error::{ConfigError, ConfigErrors, Help, MAX_ERRORS};
pub use mission::{AGENT_CIRCUIT, MissionSection, OnUnmeasured};
pub use options::StepOptions;
pub use pipeline::{AtStart, PipelineSection, Untracked};
pub use policy::{GATE_COOL_DOWN_MAX, Limit, PolicyKeys};
pub use spanned::Spanned;
pub use step::{IfAbsent, RunOn, STEP_TIMEOUT, StepDeclaration, StepKind, Work};
pub use store::StoreSection;
pub use table::TableReader;
pub use waits::Waits;
pub use word::Word;

use circuits::Circuits;
use error::Sink;
use source::Source;

/// Largest configuration file, in bytes: 1 MiB.
pub const MAX_FILE: usize = 1 << 20;

/// What a configuration says. The default is that of an empty file.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where state lives.
    pub store: StoreSection,
    /// The agent's own fuse.
    pub mission: MissionSection,
    /// What holds for all steps together.
    pub pipeline: PipelineSection,
    /// The steps, in the order of the file.
    pub steps: Vec<StepDeclaration>,
    circuits: Circuits,
    folder: PathBuf,
}

impl Config {
    /// Parses the content of a file; `file` is what errors call it.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong: no UTF-8, no TOML, more than [`MAX_FILE`] bytes, unknown
    /// keys, impossible values, steps that could never run.
    pub fn parse(file: &Path, content: &[u8]) -> Result<Self, ConfigErrors> {
        if content.len() > MAX_FILE {
            return refuse(file, "", 0, "the file is larger than 1 MiB");
        }
        let text = match str::from_utf8(content) {
            Ok(text) => text,
            Err(error) => {
                let readable = String::from_utf8_lossy(content);
                return refuse(file, &readable, error.valid_up_to(), "the file is not UTF-8");
            }
        };
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        let config = table::read_document(Source::new(file, text), text, Self::read)?;
        Ok(Self { folder, ..config })
    }

    /// Whether a step that is not switched off uses this built-in one.
    pub fn uses(&self, built_in: &str) -> bool {
        let is_it = |step: &StepDeclaration| step.work.built_in().is_some_and(|work| work.name == built_in);
        self.steps.iter().any(|step| step.enabled && is_it(step))
    }

    /// The steps of a file that are whole, whatever else is wrong in it.
    pub fn whole_steps(file: &Path, text: &str) -> Vec<StepDeclaration> {
        let mut steps = Vec::new();
        let read = |root: &mut TableReader<'_>| steps = Self::read(root).steps;
        // What is wrong is for `parse` to tell.
        drop(table::read_document(Source::new(file, text), text, read));
        steps
    }

    fn read(root: &mut TableReader<'_>) -> Self {
        let store = root.table("store").map(StoreSection::read).unwrap_or_default();
        let circuits = Circuits::read(root);
        let mission = root.table("mission").map(|table| MissionSection::read(table, circuits.default_policy()));
        let mission = mission.unwrap_or_default();
        circuits.check(mission.policy_over(circuits.default_policy()), root.sink());
        let pipeline = root.table("pipeline").map(PipelineSection::read).unwrap_or_default();
        // One more than there may be, for `waits::check` to complain about.
        let tables = root.tables("step").into_iter().take(waits::MAX_STEPS + 1);
        let (nodes, declarations): (Vec<_>, Vec<_>) =
            tables.map(|table| StepDeclaration::read(table, &circuits)).unzip();
        waits::check(&nodes, root.sink());
        let steps = declarations.into_iter().flatten().collect();
        Self { store, mission, pipeline, steps, circuits, folder: PathBuf::new() }
    }

    /// The folder of the file, against which its relative paths count.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What is configured of a circuit of this name. Each key is looked up in `[circuits."PROJECT/NAME"]`, then
    /// `[circuits.NAME]`, then `[circuit]`, then the defaults. A project in the name itself goes before
    /// `project`. For an agent's circuit, `PROJECT/agent`, `[mission]` comes before `[circuit]`.
    pub fn circuit(&self, project: Option<&str>, name: &CircuitName) -> CircuitSettings {
        settled(self.circuit_keys(project, name), Role::Work)
    }

    /// The same for a gate, whose default `cool_down_max` is [`GATE_COOL_DOWN_MAX`].
    pub fn gate_circuit(&self, project: Option<&str>, name: &CircuitName) -> CircuitSettings {
        settled(self.circuit_keys(project, name), Role::Gate)
    }

    /// What the file says about a circuit, for a command line's keys to be laid [over](CircuitKeys::over) it.
    pub fn circuit_keys(&self, project: Option<&str>, name: &CircuitName) -> CircuitKeys {
        match name.project() {
            Some(project) if name.short() == AGENT_CIRCUIT => self.agent_keys(project),
            within => self.circuits.stack(within.or(project), name.short()),
        }
    }

    /// What is configured of a step's circuit: the step's own keys over those of the circuits of its name over
    /// what steps of its kind do by default.
    pub fn step_circuit(&self, project: &str, step: &StepDeclaration) -> CircuitSettings {
        let configured = self.circuits.stack(Some(project), step.name.short());
        settled(step.keys.clone().over(configured).over(step.default_keys()), step.kind.role())
    }

    /// The circuit of the step of this name, in a project, if there is one.
    pub fn circuit_of_step(&self, project: &str, name: &str) -> Option<CircuitName> {
        let step = self.steps.iter().find(|step| step.name.as_str() == name)?;
        self.step_circuit(project, step).scope.name(project, &step.name).ok()
    }

    /// What is configured of a circuit that a project sees: a step's, its agent's, or any other.
    pub fn circuit_in(&self, project: &str, circuit: &CircuitName) -> CircuitSettings {
        let is_of = |step: &&StepDeclaration| {
            self.circuit_of_step(project, step.name.as_str()).is_some_and(|name| name == *circuit)
        };
        if let Some(step) = self.steps.iter().find(is_of) {
            return self.step_circuit(project, step);
        }
        if circuit.project() == Some(project) && circuit.short() == AGENT_CIRCUIT {
            return self.agent_circuit(project);
        }
        self.circuit(None, circuit)
    }

    /// What is configured of the circuit of a project's agent.
    pub fn agent_circuit(&self, project: &str) -> CircuitSettings {
        settled(self.agent_keys(project), Role::Work)
    }

    fn agent_keys(&self, project: &str) -> CircuitKeys {
        let mission = self.mission.keys_over(self.circuits.default_policy());
        self.circuits.named(Some(project), AGENT_CIRCUIT).over(mission)
    }
}

/// The settings of keys that stand in one file.
fn settled(keys: CircuitKeys, role: Role) -> CircuitSettings {
    keys.settle(role).expect("every way in which a file's tables can lie over each other was checked by `parse`")
}

/// The errors of a file that cannot be read as text at all.
fn refuse<T>(file: &Path, text: &str, at: usize, message: &str) -> Result<T, ConfigErrors> {
    let sink = Sink::new(Arc::new(Source::new(file, text)));
    sink.push(at..at, message, None);
    sink.finish(None)
}
