//! `drill`: breaks each gate of the configuration in every way, and shows that what waits for it stays blocked; and
//! each recorder, and shows that it is reported as failed. No action is ever really run.

use std::path::Path;
use std::thread;

use fuseboard_mission::steps::BuiltInSteps;
use fuseboard_pipeline::drill::{Drill, Exercise, Fault, Finding};
use fuseboard_pipeline::job::JobProject;
use fuseboard_pipeline::make_private_folder;
use fuseboard_pipeline::pipeline::{Pipeline, Place};
use fuseboard_pipeline::report::Kind;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Failed;
use crate::args::Format;
use crate::console::{BAD, FAINT, GOOD, MIDDLING, styled};
use crate::exit_code::ExitCode;
use crate::report_table::kind;
use crate::settings::Settings;
use crate::show;
use crate::table::Table;

/// What a drill came to.
struct Drilled {
    /// Of each gate and recorder, in the order of the file.
    steps: Vec<Vec<Exercise>>,
    ungated: Vec<String>,
    idle: Vec<String>,
    unreachable: Vec<String>,
    held_for_good: Vec<(String, String)>,
}

pub(crate) fn drill(settings: &Settings) -> Result<ExitCode, Failed> {
    let loaded = settings.strict_configuration(false)?;
    let folder = settings.home().surroundings().folder;
    let name = settings.project().to_owned();
    let config_folder = loaded.file.as_ref().and_then(|file| file.path.parent()).unwrap_or(&folder);
    let place = Place { project: &name, folder: &folder, config_folder };
    let pipeline = Pipeline::plan(&loaded.config, &place, &BuiltInSteps);
    let pipeline = pipeline.map_err(|errors| Failed::new(ExitCode::Config, errors))?;
    let project = JobProject { name, path: folder, ..JobProject::default() };
    let scratch = Scratch::new()?;
    let drill = Drill::new(pipeline, project, &scratch.0, settings.interrupt(), settings.redactor());
    let drilled = Drilled::all(&drill);
    if let Some(signal) = settings.interrupt().signal() {
        return Ok(ExitCode::signal(signal));
    }
    let leaks = drilled.leaks().count();
    let shown = match settings.format {
        Format::Json => show::json_line(&drilled.to_json(loaded.file.as_ref().map(|file| &*file.path))),
        Format::Text => drilled.shown(),
    };
    settings.console.data(&shown);
    Ok(if leaks == 0 { ExitCode::Done } else { ExitCode::Found })
}

/// A private folder that goes again.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new() -> Result<Self, Failed> {
        let folder = std::env::temp_dir().join(format!("fuseboard-drill-{}", Uuid::now_v7()));
        let made = make_private_folder(&folder);
        made.map_err(|error| Failed::new(ExitCode::NoStore, format_args!("{}: {error}", folder.display())))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Drilled {
    /// All exercises; those of a step one after the other, the steps side by side, since a step that hangs takes time.
    fn all(drill: &Drill) -> Self {
        let exercises = drill.exercises();
        let of_steps: Vec<_> = exercises.chunk_by(|(one, ..), (other, ..)| one == other).collect();
        let steps = thread::scope(|scope| {
            let one = |step: &[(String, Kind, Fault)]| {
                step.iter().map(|(name, _, fault)| drill.exercise(name, *fault)).collect::<Vec<_>>()
            };
            let lanes: Vec<_> = of_steps.into_iter().map(|step| scope.spawn(move || one(step))).collect();
            lanes.into_iter().map(|lane| lane.join().unwrap_or_else(|bug| std::panic::resume_unwind(bug))).collect()
        });
        Self {
            steps,
            ungated: drill.ungated(),
            idle: drill.idle_gates(),
            unreachable: drill.unreachable(),
            held_for_good: drill.held_for_good(),
        }
    }

    fn leaks(&self) -> impl Iterator<Item = (&Exercise, &String)> {
        self.steps.iter().flatten().filter_map(|exercise| match &exercise.finding {
            Finding::Leak(why) => Some((exercise, why)),
            Finding::Held | Finding::NotPlanted(_) => None,
        })
    }

    fn to_json(&self, file: Option<&Path>) -> Value {
        let exercises: Vec<Value> = self.steps.iter().flatten().map(exercise_json).collect();
        json!({
            "schema": "fuseboard.drill/1",
            "file": file.map(Path::to_string_lossy),
            "exercises": exercises,
            "leaks": self.leaks().count(),
            "ungated": self.ungated,
            "idle": self.idle,
            "unreachable": self.unreachable,
            "held_for_good": self.held_for_good.iter().map(|(step, by)| json!({"step": step, "by": by})).collect::<Vec<_>>(),
        })
    }

    fn shown(&self) -> String {
        let mut blocks = Vec::new();
        for (of, head) in [(Kind::Gate, "GATE"), (Kind::Recorder, "RECORDER")] {
            let steps: Vec<&Vec<Exercise>> = self.steps.iter().filter(|step| is_of(step, of)).collect();
            if !steps.is_empty() {
                blocks.push(table(head, of, &steps));
            }
        }
        if blocks.is_empty() {
            blocks.push(styled(FAINT, "there is neither a gate nor a recorder: nothing to drill"));
        }
        let mut lines: Vec<String> = Vec::new();
        for (exercise, why) in self.leaks() {
            lines.push(styled(BAD, &format!("LEAK: {} {}: {why}", exercise.step, exercise.fault.as_str())));
            if exercise.fault == Fault::MissingTool {
                let hint = "  its command exits with 0 though it found nothing but shells: does it hide a failure, as in \
                            `lint || true`? One that needs no other program is right to do so";
                lines.push(styled(FAINT, hint));
            }
        }
        for exercise in self.steps.iter().flatten() {
            if let Finding::NotPlanted(why) = &exercise.finding {
                let text = format!("{} {}: not planted: {why}", exercise.step, exercise.fault.as_str());
                lines.push(styled(MIDDLING, &text));
            }
        }
        for name in &self.unreachable {
            lines.push(styled(MIDDLING, &format!("{name} never runs, whatever its gates say: nothing is shown of it")));
        }
        for (name, gate) in &self.held_for_good {
            lines.push(styled(MIDDLING, &format!("{name} waits for {gate}, which is disabled: it never runs")));
        }
        for name in &self.idle {
            lines.push(styled(
                MIDDLING,
                &format!("nothing waits for {name}: what it blocks goes on; name it in `gated_by`"),
            ));
        }
        for name in &self.ungated {
            lines.push(styled(MIDDLING, &format!("{name} waits for no gate: nothing can hold it back")));
        }
        lines.push(self.verdict());
        blocks.push(lines.join("\n"));
        blocks.join("\n\n")
    }

    fn verdict(&self) -> String {
        let planted = |exercise: &&Exercise| !matches!(exercise.finding, Finding::NotPlanted(_));
        let exercises = self.steps.iter().flatten().filter(planted).count();
        match self.leaks().count() {
            0 => styled(GOOD, &format!("{exercises} faults planted, no leak")),
            1 => styled(BAD, &format!("{exercises} faults planted, 1 leak")),
            leaks => styled(BAD, &format!("{exercises} faults planted, {leaks} leaks")),
        }
    }
}

fn is_of(step: &[Exercise], kind: Kind) -> bool {
    step.first().is_some_and(|exercise| exercise.kind == kind)
}

/// A line for each step, a column for each fault, and what waits behind it.
fn table(head: &str, of: Kind, steps: &[&Vec<Exercise>]) -> String {
    let faults = Fault::ALL.into_iter().filter(|fault| fault.concerns(of));
    let titles = faults.map(|fault| fault.as_str().to_uppercase().replace('-', " "));
    let behind = (of == Kind::Gate).then(|| "BEHIND IT".to_owned());
    let mut table = Table::new(std::iter::once(head.to_owned()).chain(titles).chain(behind));
    for step in steps {
        let leaks = step.iter().any(|exercise| matches!(exercise.finding, Finding::Leak(_)));
        let names: Vec<&str> = step[0].behind.iter().map(|(name, _)| name.as_str()).collect();
        let names = if names.is_empty() { "-".to_owned() } else { names.join(", ") };
        let cells = std::iter::once(step[0].step.clone()).chain(step.iter().map(|exercise| word(exercise).to_owned()));
        table.row(if leaks { BAD } else { GOOD }, cells.chain((of == Kind::Gate).then_some(names)));
    }
    table.shown()
}

/// A finding in a word.
fn word(exercise: &Exercise) -> &'static str {
    match (&exercise.finding, exercise.kind) {
        (Finding::Held, Kind::Gate) => "blocks",
        (Finding::Held, Kind::Recorder | Kind::Action) => "failed",
        (Finding::NotPlanted(_), _) => "?",
        (Finding::Leak(_), _) => "LEAK",
    }
}

fn exercise_json(exercise: &Exercise) -> Value {
    let (finding, why) = match &exercise.finding {
        Finding::Held => ("held", None),
        Finding::NotPlanted(why) => ("not-planted", Some(why)),
        Finding::Leak(why) => ("leak", Some(why)),
    };
    let row = exercise.row.as_ref();
    json!({
        "step": exercise.step,
        "kind": kind(exercise.kind),
        "fault": exercise.fault.as_str(),
        "finding": finding,
        "why": why,
        "status": row.map(|row| row.status.as_str()),
        "reason": row.and_then(|row| row.reason).map(fuseboard_pipeline::report::Reason::as_str),
        "verdict": row.and_then(|row| row.verdict).map(fuseboard_pipeline::report::VerdictWord::as_str),
        "said": row.and_then(|row| row.why.as_ref().or(row.detail.as_ref())),
        "behind": exercise.behind.iter().map(|(name, ran)| json!({"step": name, "ran": ran})).collect::<Vec<_>>(),
    })
}
