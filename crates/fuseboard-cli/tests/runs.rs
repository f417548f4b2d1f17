//! `runs`: past runs as a list, one run in full. Here the ledger is written as the pipeline writes it.

mod world;

use std::sync::Arc;

use fuseboard::clock::SystemClock;
use fuseboard::record::Holder;
use fuseboard_pipeline::job::{Job, JobFailure, JobProject};
use fuseboard_pipeline::ledger::{Ledger, RunHead};
use fuseboard_pipeline::report::{
    BlockedBy, CircuitChanges, Kind, Reason, Report, RunResult, Status, StepRow, VerdictWord,
};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_stores::SqliteStore;
use serde_json::{Value, json};
use world::{World, assert_plain};

const FIRST: &str = "0198c2d1-0000-7000-8000-000000000001";
const SECOND: &str = "0198c2d1-0000-7000-8000-000000000002";
const THIRD: &str = "0198c2d2-0000-7000-8000-000000000003";

fn ledger(world: &World) -> SqliteStore {
    SqliteStore::new(world.store(), Arc::new(SystemClock))
}

fn begin(world: &World, id: &str, holder: Holder) {
    let started_at = Stamp::from_millis(1_767_225_000_000);
    let head = RunHead { id: id.to_owned(), project: "app".to_owned(), started_at, holder };
    ledger(world).begin(&head).unwrap();
}

/// A process of this boot that is certainly gone.
fn gone() -> Holder {
    Holder { started: 1, ..Holder::this_process() }
}

fn job(title: &str) -> Job {
    Job {
        title: Some(title.to_owned()),
        agent: Some("claude".to_owned()),
        project: JobProject { name: "app".to_owned(), path: "/src/app".into(), ..JobProject::default() },
        exit_code: Some(0),
        succeeded: true,
        ..Job::default()
    }
}

fn report(id: &str, title: &str, result: RunResult, exit_code: u8, steps: Vec<StepRow>) -> Report {
    Report {
        schema: "fuseboard.run/1".to_owned(),
        id: id.to_owned(),
        job: Job { id: id.to_owned(), ..job(title) },
        started_at: Stamp::from_millis(1_767_225_000_000),
        duration_ms: 4210,
        deadline_ms: 1_800_000,
        result,
        exit_code,
        steps,
        circuits: CircuitChanges { opened: vec!["cost".to_owned()], ..CircuitChanges::default() },
        notices: 1,
    }
}

fn write(world: &World, report: &Report) {
    begin(world, &report.id, Holder::this_process());
    ledger(world).end(&report.id, report).unwrap();
}

fn blocked() -> Vec<StepRow> {
    let cost = StepRow { duration_ms: Some(3), ..StepRow::new("cost", Kind::Recorder, Status::Success) };
    let tests = StepRow {
        duration_ms: Some(65_000),
        evaluated: Some(true),
        verdict: Some(VerdictWord::Block),
        why: Some("3 failed".to_owned()),
        output: Some(json!({"exit_code": 1, "stdout": "test a \u{1b}[31mfailed\u{1b}[0m\n\n", "stderr": "  \n"})),
        ..StepRow::new("tests", Kind::Gate, Status::Success)
    };
    let blocked_by = BlockedBy { gate: "tests".to_owned(), why: "3 failed".to_owned(), evaluated: true };
    let merge = StepRow {
        reason: Some(Reason::GateBlocked),
        blocked_by: Some(vec![blocked_by]),
        ..StepRow::new("merge", Kind::Action, Status::Skipped)
    };
    vec![cost, tests, merge]
}

/// Three runs: one blocked, one with nothing to say, one that was killed while at its tests.
fn world() -> World {
    let world = World::new();
    write(&world, &report(FIRST, "mend the flaky\ntest", RunResult::Blocked, 77, blocked()));
    write(&world, &report(SECOND, "tidy up", RunResult::Success, 0, vec![blocked().swap_remove(0)]));
    begin(&world, THIRD, gone());
    ledger(&world).step(THIRD, &StepRow::new("tests", Kind::Gate, Status::Running)).unwrap();
    world
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_list_is_oldest_first_with_ids_just_long_enough() {
    let world = world();
    let ran = world.run(&["runs"]);
    assert_eq!((ran.code, ran.err()), (0, String::new()));
    let lines: Vec<String> = ran.out().lines().map(words).collect();
    assert_eq!(lines[0], "RUN WHEN PROJECT TITLE RESULT EXIT STEPS");
    assert!(lines[1].starts_with(&format!("{FIRST} ")), "{lines:?}");
    assert!(lines[1].ends_with(" ago app mend the flaky test blocked 77 ✓1 ✋1 –1"), "{lines:?}");
    assert!(lines[2].ends_with(" ago app tidy up success 0 ✓1"), "{lines:?}");
    assert!(lines[3].ends_with(" ago app - interrupted - !1"), "{lines:?}");
    assert_eq!(lines.len(), 4);
    assert_plain(&ran.stdout);
}

#[test]
fn ids_are_cut_where_they_differ_from_all_others_even_from_the_last_that_is_not_shown() {
    let world = World::new();
    for (at, id) in ["aaaaaaaaaaaa1", "aaaaaaaaaaaa2", "bbbbbbbbbbbb1"].into_iter().enumerate() {
        write(&world, &report(id, &at.to_string(), RunResult::Success, 0, Vec::new()));
    }
    let shown = |limit: &str| {
        let ran = world.run(&["runs", "--limit", limit]);
        let out = ran.out();
        out.lines().skip(1).map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown("1"), ["bbbbbbbb"]);
    assert_eq!(shown("2"), ["aaaaaaaaaaaa2", "bbbbbbbbbbbb1"]);
    assert_eq!(shown("0"), Vec::<String>::new());
}

#[test]
fn the_list_for_scripts_is_one_object() {
    let ran = world().run(&["runs", "--limit", "2", "--format", "json"]);
    let answer = ran.json();
    assert_eq!(answer["schema"], "fuseboard.runs/1");
    let ids: Vec<&str> = answer["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [SECOND, THIRD], "the newest two");
    assert_eq!(answer["runs"][0]["result"], "success");
    assert_eq!(answer["runs"][0]["exit_code"], 0);
    assert_eq!(answer["runs"][0]["started_at"], "2025-12-31T23:50:00.000Z");
    assert_eq!(answer["runs"][1]["result"], "interrupted");
    assert_eq!(answer["runs"][1]["exit_code"], Value::Null);
    assert_eq!(answer["runs"][1]["steps"][0]["status"], "interrupted");
}

#[test]
fn without_a_run_there_is_a_word_and_an_empty_list() {
    let world = World::new();
    let ran = world.run(&["runs"]);
    assert_eq!((ran.code, ran.out(), ran.err()), (0, String::new(), "fuseboard: no run yet\n".to_owned()));
    let ran = world.run(&["runs", "--format", "json"]);
    assert_eq!(ran.json(), json!({"schema": "fuseboard.runs/1", "runs": []}));
    assert!(!world::exists(&world.store()), "looking made a store");
}

#[test]
fn a_finished_run_is_printed_for_scripts_as_it_was_reported() {
    let world = World::new();
    let whole = report(FIRST, "mend it", RunResult::Blocked, 77, blocked());
    write(&world, &whole);
    for id in [FIRST, &FIRST[..6]] {
        let ran = world.run(&["runs", id, "--format", "json"]);
        assert_eq!(ran.out(), format!("{}\n", serde_json::to_string(&whole).unwrap()));
    }
}

#[test]
fn a_run_is_told_with_every_step_and_why() {
    let world = world();
    let ran = world.run(&["runs", FIRST]);
    assert_eq!(ran.code, 0, "{}", ran.err());
    let lines: Vec<String> = ran.out().lines().map(words).collect();
    for line in [
        "title mend the flaky test",
        "job succeeded (exit code 0)",
        "took 4.2s of 30m",
        "circuits opened: cost",
        "result blocked (exit code 77)",
        "✓ cost recorder success 3ms",
        "✋ tests gate block 1m 5s 3 failed",
        "– merge action skipped: gate-blocked - tests: 3 failed",
    ] {
        assert!(lines.iter().any(|shown| shown == line), "{line:?} is missing:\n{}", ran.out());
    }
    assert_eq!(ran.err(), format!("fuseboard: what the steps printed: fuseboard runs {FIRST} -v\n"));
    assert!(!ran.out().contains("test a failed"), "{}", ran.out());
    assert_plain(&ran.stdout);
}

#[test]
fn what_a_step_printed_is_shown_on_request_without_what_acts_on_a_terminal() {
    let ran = world().run(&["runs", FIRST, "-v"]);
    assert!(ran.out().ends_with("\n\ntests, standard output:\ntest a failed\n"), "{}", ran.out());
    assert_eq!(ran.err(), "");
    assert_plain(&ran.stdout);
}

#[test]
fn a_failed_job_says_how() {
    let world = World::new();
    let mut whole = report(FIRST, "mend it", RunResult::Success, 1, Vec::new());
    let failed = Job { succeeded: false, failure_kind: Some(JobFailure::Login), exit_code: Some(1), ..whole.job };
    whole.job = failed;
    write(&world, &whole);
    let ran = world.run(&["runs", FIRST]);
    assert!(ran.out().lines().any(|line| words(line) == "job failed: login (exit code 1)"), "{}", ran.out());
    assert!(ran.out().contains("no steps"), "{}", ran.out());
}

#[test]
fn a_run_that_was_killed_shows_what_it_was_doing() {
    let world = world();
    let ran = world.run(&["runs", THIRD]);
    let lines: Vec<String> = ran.out().lines().map(words).collect();
    assert!(lines.contains(&"result interrupted: it was ended before it could report".to_owned()), "{lines:?}");
    assert!(lines.contains(&"! tests gate interrupted - no verdict: interrupted".to_owned()), "{lines:?}");
    let told = world.run(&["runs", THIRD, "--format", "json"]).json();
    assert_eq!(told["schema"], "fuseboard.run/1");
    assert_eq!((&told["result"], &told["exit_code"]), (&json!("interrupted"), &Value::Null));
    assert_eq!(told["steps"][0]["verdict"], "block");
}

#[test]
fn a_run_under_way_is_running() {
    let world = World::new();
    begin(&world, FIRST, Holder::this_process());
    ledger(&world).step(FIRST, &StepRow::new("tests", Kind::Gate, Status::Running)).unwrap();
    let ran = world.run(&["runs", FIRST]);
    let lines: Vec<String> = ran.out().lines().map(words).collect();
    assert!(lines.contains(&"result running".to_owned()), "{lines:?}");
    assert!(lines.contains(&"… tests gate running -".to_owned()), "{lines:?}");
}

#[test]
fn an_id_that_is_no_runs_or_several_is_a_usage_error_that_helps() {
    let world = world();
    let (code, line) = world.run(&["runs", "0197"]).code_and_line();
    assert_eq!(code, 64);
    assert_eq!(line, "fuseboard: no run has an id that begins with \"0197\"; `fuseboard runs` lists them");
    let (code, line) = world.run(&["runs", "0198c2d1"]).code_and_line();
    assert_eq!(code, 64, "{line}");
    assert!(line.contains(FIRST) && line.contains(SECOND) && !line.contains(THIRD), "{line}");
    assert_eq!(world.run(&["runs", "\u{1b}[31m"]).code, 64);
}

#[test]
fn without_a_file_there_are_no_runs_to_be_had() {
    let ran = World::new().run(&["--store", "memory:", "runs"]);
    assert_eq!(ran.code, 69, "{}", ran.err());
}
