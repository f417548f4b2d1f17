//! `alert` warns when a trouble befell more than a share of the last missions, and not again for a while.

mod recorder_support;

use std::fs;

use fuseboard_mission::steps::alert::Alert;
use fuseboard_mission::steps::notify::{Severity, notices};
use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::report::{CircuitChanges, Kind, Reason, Report, RunResult, Status, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use recorder_support::{Stage, options, past};
use serde_json::{Value, json};

fn cut() -> StepRow {
    let mut row = StepRow::new("lint", Kind::Gate, Status::TimedOut);
    row.reason = Some(Reason::Deadline);
    row
}

fn ran(id: &str, project: &str, steps: Vec<StepRow>) -> StoredRun {
    let job = Job { succeeded: true, ..Job::default() };
    let mut run = past(id, project, Some(job.clone()), steps.clone());
    run.report = Some(Report {
        schema: "fuseboard.run/1".into(),
        id: id.into(),
        job,
        started_at: Stamp::from_millis(0),
        duration_ms: 0,
        deadline_ms: 0,
        result: RunResult::Success,
        exit_code: 0,
        steps,
        circuits: CircuitChanges::default(),
        notices: 0,
    });
    run
}

/// The last missions: `x` hit the deadline, `.` did not. The last of them is this one.
fn stage(missions: &str) -> Stage {
    let mut stage = Stage::new();
    let steps = |mission| if mission == 'x' { vec![cut()] } else { Vec::new() };
    let (earlier, this) = missions.split_at(missions.len() - 1);
    let runs =
        earlier.chars().enumerate().map(|(at, mission)| ran(&format!("0198-0{at:02}"), "parser", steps(mission)));
    stage.book.runs = runs.collect();
    stage.run = "0198-5".into();
    stage.ended = this.chars().flat_map(steps).collect();
    stage
}

fn output(stage: &Stage, alert: &Alert) -> Value {
    stage.play(alert).unwrap().output.unwrap()
}

fn warns(stage: &Stage, alert: &Alert) -> bool {
    !output(stage, alert)["alert"].is_null()
}

#[test]
fn it_warns_above_a_half_of_the_last_ten_and_at_least_three() {
    for (missions, warned) in [
        ("xx", false),
        ("xx.", true),
        (".xx", true),
        ("xx..", false),
        ("xxx..", true),
        ("xxxxxx....", true),
        ("xxxxx.....", false),
        ("xxxxxxxxxx..........", false),
        ("..........xxxxxx....", true),
    ] {
        assert_eq!(warns(&stage(missions), &Alert::default()), warned, "{missions}");
    }
}

#[test]
fn the_warning_says_what_befell_how_many_and_notify_tells_it() {
    let mut stage = stage(".xx");
    let told = stage.play(&Alert::default()).unwrap();
    assert_eq!(told.detail.as_deref(), Some("2 of the last 3 missions hit the deadline"));
    let mut row = StepRow::new("alert", Kind::Recorder, Status::Success);
    row.output = told.output;
    stage.ended = vec![row.clone()];
    let notices_of = |rows: &[StepRow]| notices(&stage.job, rows, &CircuitChanges::default());
    let told = notices_of(&stage.ended);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].severity, &*told[0].subject),
        (Severity::Warning, "parser: 2 of the last 3 missions hit the deadline")
    );
    row.output = Some(json!({ "alert": { "subject": "Look", "severity": "urgent" } }));
    assert_eq!(notices_of(&[row.clone()])[0].severity, Severity::Urgent);
    for nothing in [json!({ "alert": null }), json!({ "alert": "x" }), json!({ "alert": { "text": "x" } }), json!([])] {
        row.output = Some(nothing);
        assert!(notices_of(&[row.clone()]).is_empty());
    }
}

#[test]
fn the_same_trouble_is_told_again_after_the_pause_only() {
    let mut stage = stage(".xx");
    let alert = Alert::default();
    assert!(warns(&stage, &alert));
    let first = output(&stage, &alert)["alert"].clone();
    let mut more = stage.book.runs.last().unwrap().clone();
    more.head.id = "0198-4".into();
    stage.book.runs.push(more);
    assert_eq!(output(&stage, &alert)["alert"], first, "a replay says what was said then, whatever came since");
    stage.book.runs.pop();
    stage.run = "0198-6".into();
    let told = stage.play(&alert).unwrap();
    assert_eq!(told.output.unwrap()["alert"], Value::Null);
    assert_eq!(told.detail.as_deref(), Some("2 of the last 3 missions hit the deadline; told before"));
    assert!(warns(&stage, &Alert::of(&options("pause = '0s'")).unwrap()));
    stage.run = "0198-7".into();
    stage.job.project.name = "lexer".into();
    for run in &mut stage.book.runs {
        run.head.project = "lexer".into();
    }
    assert!(warns(&stage, &alert), "another project's pause is its own");
}

#[test]
fn other_troubles_have_their_own_pause() {
    let mut stage = stage(".xx");
    assert!(warns(&stage, &Alert::default()));
    stage.run = "0198-6".into();
    stage.book.runs.push(ran("0198-3", "parser", vec![StepRow::new("cost", Kind::Recorder, Status::Failed)]));
    stage.job.succeeded = false;
    let window = Alert::of(&options("window = 3\ntroubles = ['failed', 'deadline']")).unwrap();
    let told = output(&stage, &window);
    assert_eq!(told["troubles"], json!({ "failed": 2, "deadline": 2 }));
    assert_eq!(told["alert"]["subject"], "parser: 2 of the last 3 missions failed, or a step of theirs did");
}

#[test]
fn each_trouble_is_known_by_its_rows() {
    let only = |rows: Vec<StepRow>, job: Job| {
        let mut stage = Stage::new();
        (stage.ended, stage.job) = (rows, job);
        output(&stage, &Alert::default())["troubles"].clone()
    };
    let done = || Job { succeeded: true, ..Job::default() };
    let skipped = |reason| {
        let mut row = StepRow::new("cost", Kind::Recorder, Status::Skipped);
        row.reason = Some(reason);
        vec![row]
    };
    let expected = |deadline: u32, skipped: u32, failed: u32| json!({ "deadline": deadline, "skipped": skipped, "failed": failed });
    assert_eq!(only(vec![cut()], done()), expected(1, 0, 0));
    assert_eq!(only(skipped(Reason::Deadline), done()), expected(1, 0, 0));
    assert_eq!(only(skipped(Reason::CircuitOpen), done()), expected(0, 1, 0));
    assert_eq!(only(skipped(Reason::Paused), done()), expected(0, 1, 0));
    for choice in [Reason::Disabled, Reason::SwitchedOff, Reason::GateBlocked, Reason::JobSucceeded] {
        assert_eq!(only(skipped(choice), done()), expected(0, 0, 0));
    }
    assert_eq!(only(vec![StepRow::new("a", Kind::Gate, Status::TimedOut)], done()), expected(0, 0, 1));
    assert_eq!(only(Vec::new(), Job::default()), expected(0, 0, 1));
    let stopped = Job { failure_kind: Some(JobFailure::Interrupted), ..Job::default() };
    assert_eq!(only(Vec::new(), stopped), expected(0, 0, 0));
}

#[test]
fn runs_of_others_under_way_or_later_do_not_count() {
    let mut stage = stage(".xx");
    stage.book.runs.push(ran("0198-1", "lexer", vec![cut()]));
    stage.book.runs.push(past("0198-2", "parser", Some(Job::default()), vec![cut()]));
    stage.book.runs.push(ran("0198-9", "parser", vec![cut()]));
    let told = output(&stage, &Alert::default());
    assert_eq!((&told["missions"], &told["troubles"]["deadline"]), (&json!(3), &json!(2)));
}

#[test]
fn what_cannot_be_read_fails() {
    let mut stage = stage(".xx");
    warns(&stage, &Alert::default());
    let folder = stage.state().join("alerts");
    let file = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|end| end == "json")).unwrap();
    let error = |stage: &Stage| stage.play(&Alert::default()).unwrap_err().to_string();
    fs::write(&file, "nonsense").unwrap();
    assert!(error(&stage).contains("is not understood"));
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
    assert!(error(&stage).contains("is a link"));
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    assert!(error(&stage).contains("is no folder"));
    stage.book.broken = true;
    assert!(error(&stage).contains("the disk is full"));
}

#[test]
fn options_that_cannot_be_meant_are_errors_of_the_configuration() {
    let errors = |text: &str| Alert::of(&options(text)).unwrap_err().to_string();
    assert!(errors("share = 1").contains("from 0 to less than 1"));
    assert!(errors("window = 4\nleast = 5").contains("it would never warn"));
    assert!(errors("troubles = []").contains("it would never warn"));
    assert!(errors("troubles = ['dedline']").contains("deadline"));
    assert!(errors("windw = 3").contains("did you mean `window`?"));
    assert_eq!(Alert::of(&options("")).unwrap(), Alert::default());
    assert_eq!(Alert::of(&options("window = 2")).unwrap().least, 2);
}
