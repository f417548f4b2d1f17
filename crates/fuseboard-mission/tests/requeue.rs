//! `requeue` writes follow-ups to a queue, each once, and none for a follow-up.

mod recorder_support;

use std::fs;

use fuseboard_mission::steps::requeue::Requeue;
use fuseboard_pipeline::report::{Kind, Status, StepRow};
use fuseboard_pipeline::step::{Answer, Step as _};
use recorder_support::{Stage, options, past};
use serde_json::{Value, json};

/// A run whose gate asks for a re-run.
fn stage() -> Stage {
    let mut stage = Stage::new();
    stage.job.project.path = stage.folder.path().to_owned();
    stage.job.project.branch = Some("agent/x".into());
    stage.job.title = Some("mend it\u{1b}[31m\nnow".into());
    let mut gate = StepRow::new("verify", Kind::Gate, Status::Success);
    gate.output = Some(json!({ "rerun": { "asked": true, "number": 1, "why": "diff: the work changes nothing" } }));
    stage.ended = vec![gate];
    stage
}

fn requeue(text: &str) -> Requeue {
    options(text).read(Requeue::read).unwrap()
}

fn step() -> Requeue {
    requeue("file = 'queue.jsonl'")
}

fn detail(stage: &Stage) -> String {
    stage.play(&step()).unwrap().detail.unwrap()
}

fn lines(stage: &Stage) -> Vec<Value> {
    let text = fs::read_to_string(stage.folder.path().join("queue.jsonl")).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn a_rerun_that_a_gate_asks_for_is_queued_with_all_that_is_known() {
    let stage = stage();
    assert_eq!(detail(&stage), "queued rerun; this is no git repository");
    let lines = lines(&stage);
    let line = lines[0].as_object().unwrap();
    let expected = json!({
        "schema": "fuseboard.queue/1", "kind": "rerun", "project": "parser", "branch": "agent/x", "title": "mend it now",
        "of_run": "0198-5", "pr_url": null, "mode": "follow-up", "why": "diff: the work changes nothing",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&line[key], value, "{key}");
    }
    assert_eq!((line.len(), line["id"].as_str().unwrap().len(), lines.len()), (11, 32, 1));
    assert!(line["at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(step().writes_files(), [fuseboard_pipeline::step::Written::File("queue.jsonl".into())]);
}

#[test]
fn a_replayed_run_queues_nothing_twice_and_the_next_run_something_new() {
    let mut stage = stage();
    detail(&stage);
    assert_eq!(detail(&stage), "nothing to queue; 1 queued before; this is no git repository");
    stage.run = "0198-6".into();
    assert!(detail(&stage).starts_with("queued rerun"));
    assert_eq!(lines(&stage).len(), 2);
}

#[test]
fn what_was_taken_from_the_queue_is_remembered_by_the_ledger() {
    let mut stage = stage();
    let told = stage.play(&step()).unwrap();
    fs::remove_file(stage.folder.path().join("queue.jsonl")).unwrap();
    let mut row = StepRow::new("step", Kind::Action, Status::Success);
    row.output = told.output;
    stage.book.runs = vec![past("0198-5", "parser", None, vec![row])];
    assert!(detail(&stage).starts_with("nothing to queue; 1 queued before"));
    assert!(lines(&stage).is_empty());
    stage.book.broken = true;
    let error = stage.play(&step()).unwrap_err().to_string();
    assert_eq!(error, "what was queued before cannot be read: the disk is full");
}

#[test]
fn a_follow_up_is_not_followed_up() {
    let mut stage = stage();
    stage.job.mode = Some("follow-up".into());
    assert_eq!(stage.answer(&step()).unwrap(), Answer::NotApplicable("a follow-up is not followed up".into()));
    assert!(lines(&stage).is_empty());
}

#[test]
fn only_what_is_asked_for_and_wanted_is_queued() {
    let mut stage = stage();
    let told = stage.play(&requeue("file = 'queue.jsonl'\nkinds = ['review']")).unwrap();
    assert!(told.detail.unwrap().starts_with("nothing to queue"));
    stage.ended[0].output = Some(json!({ "rerun": { "asked": false } }));
    assert!(detail(&stage).starts_with("nothing to queue"));
    stage.ended[0].output = Some(json!({ "rerun": { "asked": true } }));
    stage.ended[0].kind = Kind::Recorder;
    assert!(detail(&stage).starts_with("nothing to queue"), "only a gate asks");
    assert!(!stage.folder.path().join("queue.jsonl").exists());
}

#[test]
fn what_stands_in_the_queue_already_and_is_nothing_of_ours_is_left_alone() {
    let stage = stage();
    let path = stage.folder.path().join("queue.jsonl");
    fs::write(&path, "mine\n{\"id\":\"other\"}\n{\"cut").unwrap();
    detail(&stage);
    let text = fs::read_to_string(path).unwrap();
    assert!(text.starts_with("mine\n{\"id\":\"other\"}\n{\"cut\n{\"schema\""), "{text}");
}

#[test]
fn a_queue_that_cannot_be_written_is_a_failure() {
    let stage = stage();
    let failed = |text: &str| stage.play(&requeue(text)).unwrap_err().to_string();
    assert!(failed("file = 'none/queue.jsonl'").contains("none/queue.jsonl cannot be opened"));
    fs::create_dir(stage.folder.path().join("folder")).unwrap();
    assert!(failed("file = 'folder'").contains("it is no regular file"));
    std::os::unix::fs::symlink("queue.jsonl", stage.folder.path().join("link")).unwrap();
    assert!(failed("file = 'link'").contains("it is a link"));
    assert!(lines(&stage).is_empty());
}

#[test]
fn writers_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.jsonl");
    let step = requeue(&format!("file = {file:?}"));
    let stages: Vec<Stage> = (0..8).map(|number| Stage { run: format!("0198-{number}"), ..stage() }).collect();
    std::thread::scope(|scope| {
        for stage in &stages {
            scope.spawn(|| stage.play(&step).unwrap());
        }
    });
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 8);
}

#[test]
fn wrong_options_are_told() {
    for (text, why) in [
        ("", "`file` is missing"),
        ("file = 'q'\nkinds = []", "`kinds` is empty"),
        ("file = 'q'\nkinds = ['revue']", "not \"revue\""),
        ("file = 'q'\nkind = ['review']", "unknown key `kind`"),
    ] {
        let errors = options(text).read(Requeue::read).unwrap_err().to_string();
        assert!(errors.contains(why), "{text}: {errors}");
    }
}
