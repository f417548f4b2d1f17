//! A pipeline as it will run: every step checked, its circuit settled, its files pinned. What changes in the
//! configuration afterwards changes nothing here.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fuseboard::{CircuitName, Fingerprint};

use crate::config::{
    BuiltIn, CircuitSettings, Config, ConfigErrors, PipelineSection, RunOn, Spanned, StepDeclaration, StepOptions,
    Word, Work,
};
use crate::hooks;
use crate::pins::{Lookup, Pins};
use crate::runner::Selection;
use crate::step::{Step, Written};

/// Who makes built-in steps from their options.
pub trait BuiltIns {
    /// The step of this name, with these options.
    ///
    /// # Errors
    /// Options that are unknown or cannot work.
    fn make(&self, built_in: &'static BuiltIn, options: &StepOptions) -> Result<Arc<dyn Step>, ConfigErrors>;
}

/// For which project, and where, steps are planned.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The project's name.
    pub project: &'a str,
    /// The job's folder.
    pub folder: &'a Path,
    /// The folder of the configuration.
    pub config_folder: &'a Path,
}

/// All steps, ready to run.
#[derive(Clone)]
pub struct Pipeline {
    /// The steps, in the order of the file.
    pub(crate) steps: Vec<PlannedStep>,
    /// What holds for all of them.
    pub(crate) section: PipelineSection,
}

/// One step, ready to run.
#[derive(Clone)]
pub(crate) struct PlannedStep {
    pub(crate) declaration: StepDeclaration,
    /// The declared step for which it stands in, if it is not declared itself.
    origin: Option<CircuitName>,
    /// Why it is not to be trusted, if so.
    pub(crate) distrusted: Option<String>,
    pub(crate) settings: CircuitSettings,
    pub(crate) circuit: CircuitName,
    pub(crate) task: Task,
    pub(crate) pins: Pins,
}

/// What a step runs.
#[derive(Clone)]
pub(crate) enum Task {
    BuiltIn(Arc<dyn Step>),
    Command(Vec<String>),
}

impl Pipeline {
    /// Plans the steps of a configuration for a project, and pins the files in the job's folder that they name.
    ///
    /// # Errors
    /// [`ConfigErrors`] with what is wrong in the options of built-in steps.
    pub fn plan(config: &Config, place: &Place<'_>, built_ins: &dyn BuiltIns) -> Result<Self, ConfigErrors> {
        let mut errors: Option<ConfigErrors> = None;
        let mut steps = Vec::new();
        let lookup = Lookup::from(place.folder);
        let planned = |declaration, task| PlannedStep::new(config, place, &lookup, declaration, task);
        let mut names: BTreeSet<String> = config.steps.iter().map(|step| step.name.to_string()).collect();
        for declaration in &config.steps {
            let task = match &declaration.work {
                Work::BuiltIn { built_in, options } => match built_ins.make(built_in, options) {
                    Ok(step) => Task::BuiltIn(step),
                    Err(more) => {
                        errors = Some(errors.map_or(more.clone(), |errors| errors.and(more)));
                        continue;
                    }
                },
                Work::Command(words) => Task::Command(words.clone()),
                Work::Shell(line) => Task::Command(vec!["sh".to_owned(), "-c".to_owned(), line.clone()]),
            };
            let programs = match &task {
                Task::BuiltIn(step) => step.stands_for_programs_in().and_then(|folder| {
                    // What cannot be read is the step's to tell.
                    hooks::programs_in(&place.config_folder.join(folder)).ok()
                }),
                Task::Command(_) => None,
            };
            let in_its_place = hooks::steps_of(declaration, &programs.unwrap_or_default(), &mut names);
            if in_its_place.is_empty() {
                steps.push(planned(declaration.clone(), task));
            }
            let origin = &declaration.name;
            steps.extend(in_its_place.into_iter().map(|(step, words)| PlannedStep {
                origin: Some((**origin).clone()),
                ..planned(step, Task::Command(words))
            }));
        }
        errors.map_or(Ok(Self { steps, section: config.pipeline }), Err)
    }

    /// Lets programs that stand in for a step not start if there is something against them; `against` says what.
    pub fn distrust(&mut self, against: impl Fn(&Path) -> Option<String>) {
        for step in self.steps.iter_mut().filter(|step| step.origin.is_some()) {
            if let Task::Command(words) = &step.task {
                step.distrusted = words.first().and_then(|program| against(Path::new(program)));
            }
        }
    }

    /// What is wrong in the options of built-in steps, of those steps that are whole otherwise.
    pub fn option_errors(steps: &[StepDeclaration], built_ins: &dyn BuiltIns) -> Option<ConfigErrors> {
        let errors = steps.iter().filter_map(|step| match &step.work {
            Work::BuiltIn { built_in, options } => built_ins.make(built_in, options).err(),
            Work::Command(_) | Work::Shell(_) => None,
        });
        errors.reduce(ConfigErrors::and)
    }

    /// How long all steps together may take.
    pub fn deadline(&self) -> Duration {
        self.section.deadline
    }

    /// The names of the steps, in the order of the file, and of those that they stand in for.
    pub fn step_names(&self) -> Vec<&str> {
        self.steps.iter().flat_map(PlannedStep::names).collect()
    }

    /// The files that steps write.
    pub fn written_files(&self) -> Vec<Written> {
        let of_step = |step: &PlannedStep| match &step.task {
            Task::BuiltIn(built_in) => built_in.writes_files(),
            Task::Command(_) => Vec::new(),
        };
        self.steps.iter().flat_map(of_step).collect()
    }

    /// What would run, one line a step; `succeeded` is the job's fate, if that is known.
    pub fn describe(&self, selection: &Selection, succeeded: Option<bool>) -> Vec<String> {
        self.steps.iter().map(|step| step.describe(selection, succeeded)).collect()
    }
}

impl PlannedStep {
    fn new(config: &Config, place: &Place<'_>, lookup: &Lookup<'_>, declaration: StepDeclaration, task: Task) -> Self {
        let pins = match &task {
            Task::Command(words) => Pins::of_command(words, lookup),
            Task::BuiltIn(step) => {
                let read = step.reads_files().into_iter().map(|file| place.config_folder.join(file));
                let read = read.filter_map(|file| file.into_os_string().into_string().ok());
                Pins::of_command(&step.names_files().into_iter().chain(read).collect::<Vec<_>>(), lookup)
            }
        };
        let settings = config.step_circuit(place.project, &declaration);
        // A project's id and a step's name are parts of circuit names already, so their pair is one.
        let circuit = settings.scope.name(place.project, &declaration.name);
        let circuit = circuit.unwrap_or_else(|_| (*declaration.name).clone());
        Self { declaration, origin: None, distrusted: None, settings, circuit, task, pins }
    }

    /// By what names it is known: its own, and that of the declared step for which it stands in.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        [Some(self.name()), self.origin.as_ref().map(CircuitName::as_str)].into_iter().flatten()
    }

    pub(crate) fn name(&self) -> &str {
        self.declaration.name.as_str()
    }

    fn describe(&self, selection: &Selection, succeeded: Option<bool>) -> String {
        let declaration = &self.declaration;
        let work = match (&self.task, declaration.work.built_in()) {
            (_, Some(built_in)) => format!("uses {}", built_in.name),
            (Task::Command(words), None) => format!("runs {}", words.join(" ")),
            (Task::BuiltIn(_), None) => String::new(),
        };
        let names =
            |names: &[Spanned<String>]| names.iter().map(|name| (**name).clone()).collect::<Vec<_>>().join(", ");
        let mut line = format!("{} ({}, circuit {}): {work}", self.name(), declaration.kind.as_str(), self.circuit);
        for (word, others) in [("after", &declaration.waits.after), ("gated by", &declaration.waits.gated_by)] {
            if !others.is_empty() {
                line = format!("{line}; {word} {}", names(others));
            }
        }
        let on = match declaration.on {
            RunOn::Always => None,
            RunOn::Success => Some(("after jobs that succeed", Some(false), "the job failed")),
            RunOn::Failure => Some(("after jobs that fail", Some(true), "the job succeeded")),
        };
        if declaration.waits.last.is_some() {
            line.push_str("; when all others have ended");
        }
        if let Some((when, ..)) = on {
            line = format!("{line}; {when}");
        }
        let left_out = if !declaration.enabled {
            Some("disabled")
        } else if !selection.selects(self) {
            Some("not selected")
        } else if self.distrusted.is_some() {
            Some("untrusted")
        } else {
            on.filter(|(_, against, _)| succeeded.is_some() && *against == succeeded).map(|(.., why)| why)
        };
        left_out.map_or(line.clone(), |why| format!("{line}; left out: {why}"))
    }

    /// The file that is not what it was when the step was planned, relative to the job's folder.
    pub(crate) fn changed_file(&self) -> Option<&Path> {
        self.pins.changed()
    }

    /// What mended work is recognised by: the declaration, the program, the pinned files.
    pub(crate) fn fingerprint(&self, program: Option<&Fingerprint>) -> Fingerprint {
        let program = program.map(|program| format!("{}:{}", program.subject, program.stamp)).unwrap_or_default();
        let stamp = format!("{}:{}:{program}", self.declaration.digest(), self.pins.stamp());
        Fingerprint { subject: format!("step {}", self.name()).into(), stamp: stamp.into(), startable: true }
    }
}
