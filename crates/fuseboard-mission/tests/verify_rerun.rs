//! The gate `verify` asks for re-runs, and never for more than it may.

mod stage;

use fuseboard::record::Holder;
use fuseboard_mission::steps::verify::Verify;
use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::ledger::{LedgerError, RunHead, StoredRun};
use fuseboard_pipeline::report::{Kind, Status, StepRow};
use serde_json::{Value, json};
use stage::{Stage, blocked, step};

const TITLE: &str = "mend the parser";

/// The re-run of a gate that blocks, since nothing is changed.
fn rerun(stage: &Stage, reruns: u32) -> Value {
    let gate = step(&format!("reruns = {reruns}"), Verify::read).unwrap();
    blocked(stage.run(&gate)).1["rerun"].clone()
}

fn stage() -> Stage {
    let mut stage = Stage::new(&[]);
    stage.job.title = Some(TITLE.to_owned());
    stage
}

/// A run of a mission in which a step said this of a re-run.
fn run(project: &str, title: &str, step: &str, rerun: &Value) -> StoredRun {
    let started_at = "2026-11-23T00:00:00Z".parse().unwrap();
    let row = StepRow { output: Some(json!({"rerun": rerun})), ..StepRow::new(step, Kind::Gate, Status::Success) };
    StoredRun {
        head: RunHead { id: "1".to_owned(), project: project.to_owned(), started_at, holder: Holder::this_process() },
        ended_at: None,
        job: Some(Job { title: Some(title.to_owned()), ..Job::default() }),
        report: None,
        steps: vec![row],
        was_interrupted: false,
    }
}

#[test]
fn none_is_asked_for_unless_the_option_says_so() {
    assert_eq!(rerun(&stage(), 0), Value::Null);
}

#[test]
fn as_many_are_asked_for_as_the_option_says_each_with_its_number() {
    let mut stage = stage();
    let asked = || run("app", TITLE, "gate", &json!({"asked": true}));
    let why = "diff: the work changes nothing";
    assert_eq!(rerun(&stage, 2), json!({"asked": true, "number": 1, "why": why}));
    stage.book.0 = vec![asked()];
    assert_eq!(rerun(&stage, 2), json!({"asked": true, "number": 2, "why": why}));
    stage.book.0 = vec![asked(), asked()];
    assert_eq!(rerun(&stage, 2), json!({"asked": false, "number": null, "why": "2 were asked for already"}));
    assert_eq!(rerun(&stage, 1)["asked"], false);
}

#[test]
fn only_those_of_this_step_this_project_and_this_title_count() {
    let mut stage = stage();
    let asked = json!({"asked": true});
    stage.book.0 = vec![
        run("other", TITLE, "gate", &asked),
        run("app", "another title", "gate", &asked),
        run("app", TITLE, "other", &asked),
        run("app", TITLE, "gate", &json!({"asked": false})),
        run("app", TITLE, "gate", &Value::Null),
        StoredRun { job: None, ..run("app", TITLE, "gate", &asked) },
        StoredRun { steps: Vec::new(), ..run("app", TITLE, "gate", &asked) },
    ];
    assert_eq!(rerun(&stage, 1)["number"], 1);
}

#[test]
fn a_long_title_is_known_again_though_the_ledger_cut_its_middle() {
    let mut stage = stage();
    let title = "long ".repeat(100);
    stage.job.title = Some(title.clone());
    stage.book.0 = vec![run("app", &format!("{}[…]{}", &title[..128], &title[400..]), "gate", &json!({"asked": true}))];
    assert_eq!(rerun(&stage, 1)["asked"], false);
}

#[test]
fn a_mission_without_a_title_is_never_run_again() {
    let mut stage = stage();
    for title in [None, Some(" ".to_owned())] {
        stage.job.title = title;
        let told = rerun(&stage, 2);
        assert_eq!(
            (&told["asked"], &told["why"]),
            (&false.into(), &"a mission without a title is not known again".into())
        );
    }
}

#[test]
fn a_ledger_that_cannot_be_read_is_told_and_nothing_is_asked_for() {
    let mut stage = stage();
    stage.book.1 = Some(LedgerError("it is broken".to_owned()));
    let told = rerun(&stage, 2);
    assert_eq!(told["asked"], false);
    assert_eq!(told["why"], "how many were asked for cannot be read: it is broken");
}

#[test]
fn a_gate_that_passes_asks_for_nothing() {
    let stage = stage();
    stage.commit(&[("parser.py", b"1\n")]);
    let gate = step("reruns = 2", Verify::read).unwrap();
    assert!(stage::passed(stage.run(&gate)).1["rerun"].is_null());
}
