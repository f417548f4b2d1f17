//! The drill: what it plants, what it finds, and that it can find something.

use std::path::Path;
use std::sync::Arc;

use fuseboard_pipeline::config::{BuiltIn, Config, ConfigErrors, StepOptions};
use fuseboard_pipeline::drill::{Drill, Exercise, Fault, Finding};
use fuseboard_pipeline::job::JobProject;
use fuseboard_pipeline::pipeline::{BuiltIns, Pipeline, Place};
use fuseboard_pipeline::process::Interrupt;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::{Kind, Reason, Status};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError};

/// Steps that must not be run by a drill.
struct Real;

impl Step for Real {
    fn run(&self, _: &StepContext<'_>) -> Result<Answer, StepError> {
        panic!("a drill ran a real step");
    }
}

impl BuiltIns for Real {
    fn make(&self, _: &'static BuiltIn, _: &StepOptions) -> Result<Arc<dyn Step>, ConfigErrors> {
        Ok(Arc::new(Real))
    }
}

struct Stage {
    folder: tempfile::TempDir,
    drill: Drill,
}

impl Stage {
    fn new(steps: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("scratch")).unwrap();
        std::fs::write(folder.path().join("rules"), "").unwrap();
        let config =
            Config::parse(Path::new("fuseboard.toml"), steps.as_bytes()).unwrap_or_else(|errors| panic!("{errors}"));
        let pipeline = Pipeline::plan(
            &config,
            &Place { project: "app", folder: folder.path(), config_folder: folder.path() },
            &Real,
        )
        .unwrap();
        let project = JobProject { name: "app".into(), path: folder.path().to_owned(), ..JobProject::default() };
        let scratch = folder.path().join("scratch");
        let drill = Drill::new(pipeline, project, &scratch, &Interrupt::never(), &Redactor::default());
        Self { folder, drill }
    }

    fn all(&self) -> Vec<Exercise> {
        self.drill.exercises().iter().map(|(name, _, fault)| self.drill.exercise(name, *fault)).collect()
    }
}

/// A gate by a command with an action behind it.
fn gated(gate: &str) -> String {
    format!(
        "[[step]]\nname = 'check'\nkind = 'gate'\n{gate}\n\n[[step]]\nname = 'publish'\nkind = 'action'\n\
         run = ['touch', 'published']\ngated_by = ['check']\n"
    )
}

const BUILT_IN: &str = "
[[step]]
name = 'scan'
uses = 'diff-scan'
[[step]]
name = 'merge'
uses = 'merge'
gated_by = ['scan']
enabled = false
";

#[test]
fn every_fault_of_a_gate_holds_what_waits_for_it_and_nothing_real_is_run() {
    for steps in [gated("run = ['true', 'rules']"), BUILT_IN.to_owned()] {
        let stage = Stage::new(&steps);
        assert_eq!((stage.drill.unreachable(), stage.drill.ungated()), (Vec::<String>::new(), Vec::new()));
        let exercises = stage.all();
        let faults: Vec<Fault> = exercises.iter().map(|exercise| exercise.fault).collect();
        assert_eq!(faults, Fault::ALL);
        for exercise in &exercises {
            assert_eq!(exercise.finding, Finding::Held, "{exercise:?}");
            assert!(matches!(&exercise.behind[..], [(_, false)]), "{exercise:?}");
        }
        assert!(!stage.folder.path().join("published").exists());
    }
}

#[test]
fn each_fault_is_really_planted() {
    for (steps, missing) in [(gated("run = ['true', 'rules']"), "exit"), (BUILT_IN.to_owned(), "spawn")] {
        let is_built_in = missing == "spawn";
        let rows: Vec<_> = Stage::new(&steps).all().into_iter().map(|exercise| exercise.row.unwrap()).collect();
        let seen: Vec<_> = rows.iter().map(|row| (row.status, row.reason, row.failure.as_deref())).collect();
        let expected = [
            (Status::Failed, None, Some(if is_built_in { "panic" } else { "signal" })),
            (Status::TimedOut, None, Some("timeout")),
            (Status::Failed, None, Some(missing)),
            (Status::Skipped, Some(Reason::CircuitOpen), None),
            (Status::Failed, None, Some("error")),
            (Status::Skipped, Some(Reason::Untrusted), None),
        ];
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_gate_that_hides_that_its_tool_is_missing_is_a_leak() {
    let stage = Stage::new(&gated("run = ['/bin/sh', '-c', 'the-linter . || true']"));
    let exercise = stage.drill.exercise("check", Fault::MissingTool);
    assert_eq!(exercise.finding, Finding::Leak("publish ran".to_owned()));
    assert_eq!(exercise.behind, [("publish".to_owned(), true)]);
    let shell = Stage::new(&gated("run = 'the-linter . || true'\nshell = true"));
    assert_eq!(shell.drill.exercise("check", Fault::MissingTool).finding, Finding::Leak("publish ran".to_owned()));
    let honest = Stage::new(&gated("run = 'the-linter .'\nshell = true"));
    assert_eq!(honest.drill.exercise("check", Fault::MissingTool).finding, Finding::Held);
    let alone = "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['/bin/sh', '-c', 'the-linter . || true']\n";
    let exercise = Stage::new(alone).drill.exercise("check", Fault::MissingTool);
    assert_eq!(exercise.finding, Finding::Leak("it passed".to_owned()));
}

#[test]
fn a_command_that_names_no_file_cannot_have_its_rules_changed_and_that_is_said() {
    let exercise = Stage::new(&gated("run = ['true', 'no-rules']")).drill.exercise("check", Fault::ChangedRules);
    assert!(matches!(exercise.finding, Finding::NotPlanted(why) if why.contains("names no file")));
}

#[test]
fn a_circuit_that_only_observes_cannot_be_opened_and_that_is_said() {
    let stage = Stage::new(&gated("run = ['true', 'rules']\npolicy = { observe = true }"));
    let exercise = stage.drill.exercise("check", Fault::OpenCircuit);
    assert_eq!(exercise.finding, Finding::NotPlanted("its circuit only observes".to_owned()));
    assert_eq!(stage.drill.exercise("check", Fault::Crash).finding, Finding::Held);
}

#[test]
fn a_circuit_that_goes_by_a_rate_is_opened_for_the_drill_too() {
    let rate = "policy = { rate = { failures = 1.0, of = 1000, within = '1s' } }";
    let exercise =
        Stage::new(&gated(&format!("run = ['true', 'rules']\n{rate}"))).drill.exercise("check", Fault::OpenCircuit);
    assert_eq!((exercise.finding, exercise.row.unwrap().reason), (Finding::Held, Some(Reason::CircuitOpen)));
}

#[test]
fn what_waits_for_no_gate_and_what_never_runs_is_named() {
    let stage = Stage::new(
        "[[step]]\nname = 'free'\nkind = 'action'\nrun = ['true', 'rules']\n\
         [[step]]\nname = 'check'\nkind = 'gate'\nrun = ['true', 'rules']\non = 'failure'\n\
         [[step]]\nname = 'publish'\nkind = 'action'\nrun = ['true', 'rules']\ngated_by = ['check']\n",
    );
    assert_eq!((stage.drill.ungated(), stage.drill.unreachable()), (vec!["free".to_owned()], vec!["publish".into()]));
    assert!(stage.all().iter().all(|exercise| exercise.finding == Finding::Held));
}

#[test]
fn a_recorder_that_breaks_is_reported_as_failed_and_is_never_really_run() {
    let recorder = |run: &str| Stage::new(&format!("[[step]]\nname = 'note'\nkind = 'recorder'\nrun = {run}\n"));
    let exercises = recorder("['true']").all();
    let faults: Vec<(Fault, Kind)> = exercises.iter().map(|exercise| (exercise.fault, exercise.kind)).collect();
    assert_eq!(faults, [Fault::Crash, Fault::Hang, Fault::MissingTool].map(|fault| (fault, Kind::Recorder)));
    assert!(exercises.iter().all(|exercise| exercise.finding == Finding::Held), "{exercises:?}");
    let stage = recorder("['/bin/sh', '-c', 'echo sent >told']");
    assert!(stage.all().iter().all(|exercise| exercise.finding == Finding::Held));
    assert!(!stage.folder.path().join("told").exists());
}

#[test]
fn a_gate_for_which_nothing_waits_and_one_that_is_switched_off_are_named() {
    let gate =
        |name: &str, keys: &str| format!("[[step]]\nname = '{name}'\nkind = 'gate'\nrun = ['true', 'rules']\n{keys}\n");
    let action = "[[step]]\nname = 'publish'\nkind = 'action'\nrun = ['true', 'rules']\ngated_by = ['off']\n";
    let stage = Stage::new(
        &[gate("off", "enabled = false"), gate("idle", ""), gate("told", "advisory = true"), action.to_owned()]
            .concat(),
    );
    assert_eq!(stage.drill.idle_gates(), ["idle"]);
    assert_eq!(stage.drill.held_for_good(), [("publish".to_owned(), "off".to_owned())]);
}

#[test]
fn an_advisory_gate_and_one_with_many_block_codes_give_no_verdict_when_they_break() {
    for keys in ["run = ['true', 'rules']\nadvisory = true", "run = ['true', 'rules']\nblock_codes = [1, 127, 139]"] {
        let stage = Stage::new(&format!("[[step]]\nname = 'check'\nkind = 'gate'\n{keys}\n"));
        assert!(stage.all().iter().all(|exercise| exercise.finding == Finding::Held), "{keys}");
    }
}

#[test]
fn a_short_deadline_does_not_stand_in_for_a_verdict() {
    let stage = Stage::new(&format!("[pipeline]\ndeadline = '20ms'\n{}", gated("run = ['true', 'rules']")));
    assert_eq!(stage.drill.unreachable(), Vec::<String>::new());
}
