//! `notify` tells what needs a person, once, and nothing else.

mod recorder_support;

use std::fs;
use std::path::PathBuf;

use fuseboard_mission::steps::notify::{Notify, Severity, notices};
use fuseboard_pipeline::job::JobFailure;
use fuseboard_pipeline::report::{BlockedBy, CircuitChanges, Kind, Reason, Status, StepRow, VerdictWord};
use recorder_support::{Stage, options};
use serde_json::{Value, json};

fn troubled() -> Stage {
    let mut stage = Stage::new();
    stage.circuits.opened = vec!["cost".into()];
    let mut row = StepRow::new("cost", Kind::Recorder, Status::Failed);
    (row.circuit, row.last_error) = (Some("cost".into()), Some("no \u{1b}[31mspace\u{202e}".into()));
    row.probe_at = Some("2026-03-01T00:00:00Z".parse().unwrap());
    stage.ended = vec![row];
    stage
}

fn outbox(stage: &Stage) -> PathBuf {
    stage.state().join("outbox.jsonl")
}

fn lines(path: PathBuf) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn subjects(stage: &Stage) -> Vec<(Severity, String)> {
    let notices = notices(&stage.job, &stage.ended, &stage.circuits);
    notices.into_iter().map(|notice| (notice.severity, notice.subject)).collect()
}

fn detail(stage: &Stage) -> String {
    stage.play(&Notify::default()).unwrap().detail.unwrap()
}

#[test]
fn a_healthy_run_tells_nothing_and_touches_nothing() {
    let mut stage = Stage::new();
    let mut gate = StepRow::new("lint", Kind::Gate, Status::Success);
    (gate.evaluated, gate.verdict) = (Some(true), Some(VerdictWord::Pass));
    let mut unproductive = StepRow::new("session", Kind::Recorder, Status::Success);
    unproductive.output = Some(json!({ "outcome": "empty" }));
    let mut skipped = StepRow::new("cost", Kind::Recorder, Status::Skipped);
    skipped.reason = Some(Reason::CircuitOpen);
    stage.ended = vec![gate, unproductive, skipped];
    stage.circuits.open = vec!["cost".into()];
    assert_eq!(detail(&stage), "nothing to tell");
    assert!(!stage.state().exists());
}

#[test]
fn an_opened_circuit_is_told_with_its_error_and_the_next_step() {
    let stage = troubled();
    assert_eq!(detail(&stage), "told 1 notice");
    let lines = lines(outbox(&stage));
    assert_eq!(lines.len(), 1);
    let keys: Vec<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys.len(), 6);
    for key in ["at", "run", "project", "severity", "subject", "text"] {
        assert!(keys.contains(&key), "{key}");
    }
    assert_eq!((&lines[0]["severity"], &lines[0]["project"]), (&json!("warning"), &json!("parser")));
    assert_eq!(
        lines[0]["text"],
        "Last error: no space\nIt is tried again at 2026-03-01T00:00:00.000Z.\nfuseboard explain cost"
    );
}

#[test]
fn a_closed_circuit_is_told_once() {
    let mut stage = Stage::new();
    stage.circuits.closed = vec!["cost".into()];
    assert_eq!(subjects(&stage), [(Severity::Info, "cost works again".to_owned())]);
}

#[test]
fn a_blocked_action_is_told_with_each_gates_word_and_its_gates_are_not_told_again() {
    let mut stage = Stage::new();
    let mut lint = StepRow::new("lint", Kind::Gate, Status::TimedOut);
    (lint.evaluated, lint.why) = (Some(false), Some("no verdict: timed out after 2m".into()));
    let mut merge = StepRow::new("merge", Kind::Action, Status::Skipped);
    merge.reason = Some(Reason::GateBlocked);
    let blocked = |gate: &str, why: &str, evaluated| BlockedBy { gate: gate.into(), why: why.into(), evaluated };
    merge.blocked_by = Some(vec![blocked("tests", "3 failed", true), blocked("lint", "timed out", false)]);
    stage.ended = vec![lint.clone(), merge];
    let told = notices(&stage.job, &stage.ended, &CircuitChanges::default());
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "merge was held back by tests, lint");
    assert_eq!(told[0].text, "tests blocks: 3 failed\nlint gave no verdict: timed out");

    stage.ended = vec![lint];
    assert_eq!(subjects(&stage), [(Severity::Action, "lint gave no verdict".to_owned())]);
}

#[test]
fn an_action_that_failed_or_refused_and_a_gate_that_nothing_waited_for_are_told() {
    let mut stage = Stage::new();
    let mut merge = StepRow::new("merge", Kind::Action, Status::Failed);
    merge.detail = Some("agent/x and main conflict in a".into());
    let mut publish = StepRow::new("publish", Kind::Action, Status::Skipped);
    (publish.reason, publish.detail) = (Some(Reason::Refused), Some("main is the base itself".into()));
    let mut tests = StepRow::new("tests", Kind::Gate, Status::Success);
    (tests.evaluated, tests.verdict, tests.why) = (Some(true), Some(VerdictWord::Block), Some("3 failed".into()));
    let mut off = StepRow::new("deploy", Kind::Action, Status::Skipped);
    off.reason = Some(Reason::Disabled);
    stage.ended = vec![merge, publish, tests, off];
    let told = notices(&stage.job, &stage.ended, &CircuitChanges::default());
    let told: Vec<(&str, &str)> = told.iter().map(|notice| (&*notice.subject, &*notice.text)).collect();
    let expected = [
        ("merge failed", "agent/x and main conflict in a"),
        ("publish refused", "main is the base itself"),
        ("tests blocks", "3 failed"),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_failed_job_and_a_stuck_mission_are_told_once() {
    let mut stage = Stage::new();
    let mut session = StepRow::new("outcome", Kind::Recorder, Status::Success);
    (session.output, session.detail) = (Some(json!({ "outcome": "stuck" })), Some("stuck: no way on".into()));
    stage.ended = vec![session];
    stage.job.title = Some("mend it".into());
    assert_eq!(subjects(&stage), [(Severity::Action, "\"mend it\" is stuck".to_owned())]);
    stage.job.succeeded = false;
    stage.job.failure_kind = Some(JobFailure::Login);
    assert_eq!(subjects(&stage), [(Severity::Urgent, "\"mend it\" failed: the agent is not logged in".to_owned())]);
}

#[test]
fn a_replayed_run_tells_nothing_twice() {
    let stage = troubled();
    detail(&stage);
    detail(&stage);
    assert_eq!(lines(outbox(&stage)).len(), 1);
}

#[test]
fn a_line_that_a_crash_has_cut_is_ended_and_spoils_only_itself() {
    let stage = troubled();
    fs::create_dir_all(stage.state()).unwrap();
    fs::write(outbox(&stage), "{\"at\":\"2026").unwrap();
    detail(&stage);
    let text = fs::read_to_string(outbox(&stage)).unwrap();
    assert!(text.starts_with("{\"at\":\"2026\n{\"at\":") && text.ends_with("}\n"), "{text}");
    assert_eq!(lines(outbox(&stage)).len(), 1);
}

#[test]
fn what_cannot_be_delivered_fails_waits_and_is_told_by_the_next_run() {
    let mut stage = troubled();
    let notify = Notify::of(&options("file = 'mail/box.jsonl'")).unwrap();
    let error = stage.play(&notify).unwrap_err().to_string();
    assert!(error.contains("mail/box.jsonl") && error.ends_with("waiting in the spool: 1"), "{error}");
    assert!(stage.play(&notify).unwrap_err().to_string().ends_with("waiting in the spool: 1"), "a replay keeps one");

    stage.run = "0198-6".into();
    (stage.circuits, stage.ended) = (CircuitChanges::default(), Vec::new());
    assert_eq!(detail(&stage), "nothing to tell; waiting in the spool: 1", "it was meant for another outbox");
    fs::create_dir(stage.folder.path().join("mail")).unwrap();
    let told = stage.play(&notify).unwrap();
    assert_eq!(told.detail.as_deref(), Some("nothing to tell; told 1 of earlier runs"));
    assert_eq!(lines(stage.folder.path().join("mail/box.jsonl"))[0]["run"], "0198-5");
    assert_eq!(stage.play(&notify).unwrap().detail.as_deref(), Some("nothing to tell"));
}

#[test]
fn an_outbox_that_is_a_link_or_no_file_is_refused() {
    let stage = troubled();
    fs::create_dir_all(stage.state()).unwrap();
    let target = stage.folder.path().join("target");
    std::os::unix::fs::symlink(&target, outbox(&stage)).unwrap();
    assert!(stage.play(&Notify::default()).unwrap_err().to_string().contains("it is a link"));
    assert!(!target.exists());
    fs::remove_file(outbox(&stage)).unwrap();
    fs::create_dir(outbox(&stage)).unwrap();
    assert!(stage.play(&Notify::default()).unwrap_err().to_string().contains("it is no regular file"));
}

#[test]
fn writers_at_once_lose_nothing() {
    let stages: Vec<Stage> = (0..8)
        .map(|number| {
            let mut stage = troubled();
            stage.run = format!("0198-{number}");
            stage
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("box.jsonl");
    let notify = Notify { file: Some(file.clone()), ..Notify::default() };
    std::thread::scope(|scope| {
        for stage in &stages {
            scope.spawn(|| stage.play(&notify).unwrap());
        }
    });
    assert_eq!(lines(file).len(), 8);
}

#[test]
fn what_is_told_is_bounded_and_safe_to_show() {
    let mut stage = Stage::new();
    stage.job.succeeded = false;
    stage.job.title = Some("x\u{1b}]0;evil\u{7}\n".repeat(100));
    stage.job.result_text = Some("ä\u{9b}31m\n".repeat(10_000));
    detail(&stage);
    let line = &lines(outbox(&stage))[0];
    let (subject, text) = (line["subject"].as_str().unwrap(), line["text"].as_str().unwrap());
    assert!(subject.len() <= 200 && text.len() <= 4000 && text.ends_with('…'));
    assert!(!subject.contains(char::is_control) && !text.contains(|char: char| char.is_control() && char != '\n'));
}
