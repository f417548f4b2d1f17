//! `export` renders the mission once more: as a line, as JSON, in the day's journal, in the day's figures.

mod recorder_support;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use fuseboard_mission::steps::export::Export;
use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::job::{Job, JobFailure, ModelUsage};
use fuseboard_pipeline::ledger::{StoredRun, StoredUsage};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow, VerdictWord};
use fuseboard_pipeline::stamp::Stamp;
use recorder_support::{Stage, fill, on_a_full_disk, options, past};
use serde_json::{Value, json};

fn stamp(text: &str) -> Stamp {
    text.parse().unwrap()
}

fn export(text: &str) -> Export {
    Export::of(&options(text)).unwrap()
}

fn ended(job: &mut Job, minute: u32) {
    job.started_at = Some(stamp("2026-11-23T12:00:00Z"));
    job.ended_at = Some(stamp(&format!("2026-11-23T12:{minute:02}:03Z")));
}

/// A mission of three minutes and three seconds, judged productive, with one gate.
fn stage() -> Stage {
    let mut stage = Stage::new();
    ended(&mut stage.job, 3);
    stage.job.title = Some("mend it".into());
    let mut session = StepRow::new("session", Kind::Recorder, Status::Success);
    session.output =
        Some(json!({ "outcome": "productive", "kind": "fix", "evidence": "it was merged", "pr_url": null }));
    let mut gate = StepRow::new("tests", Kind::Gate, Status::Success);
    (gate.evaluated, gate.verdict) = (Some(true), Some(VerdictWord::Pass));
    stage.ended = vec![gate, session];
    stage
}

fn used(run: &str, model: &str, output: Option<u64>, cost_usd: Option<f64>) -> StoredUsage {
    let usage = ModelUsage { model: Some(model.into()), output, cost_usd, ..ModelUsage::default() };
    StoredUsage { at: stamp("2026-11-23T12:59:00Z"), run: run.into(), project: None, usage }
}

fn text(stage: &Stage, name: &str) -> String {
    fs::read_to_string(stage.state().join(name)).unwrap()
}

fn day() -> Day {
    Day::of(stamp("2026-11-23T12:03:03Z"))
}

fn figures(stage: &Stage) -> Value {
    stage.play(&export("format = 'day'")).unwrap();
    serde_json::from_str(&text(stage, &format!("days/{}.json", day()))).unwrap()
}

fn journal(stage: &Stage) -> String {
    text(stage, &format!("journal/{}.md", day()))
}

#[test]
fn an_activity_is_one_line_and_a_replay_adds_none() {
    let mut stage = stage();
    stage.book.used = vec![used("0198-5", "m", Some(70), Some(0.5))];
    for _ in 0..2 {
        stage.play(&export("format = 'activity'")).unwrap();
    }
    let log = text(&stage, "activity.log");
    let line = "parser: productive (fix), \"mend it\", 3m 3s, 70 tokens, $0.5000, tests pass [0198-5]\n";
    assert!(log.ends_with(line) && log.lines().count() == 1, "{log}");
}

#[test]
fn what_is_not_measured_is_said_to_be_so() {
    let mut stage = stage();
    stage.job.started_at = None;
    stage.ended.clear();
    stage.play(&export("format = 'activity'")).unwrap();
    let log = text(&stage, "activity.log");
    assert!(log.contains("parser: outcome unmeasured, \"mend it\", time unmeasured, usage unmeasured ["), "{log}");
    stage.book.used = vec![used("0198-5", "m", None, None)];
    stage.play(&export("format = 'journal'")).unwrap();
    assert!(journal(&stage).contains("- tokens unmeasured, no price\n"), "{}", journal(&stage));
    let figures = figures(&stage);
    assert_eq!(figures["usage"]["total"]["output"], Value::Null);
    assert_eq!(
        (&figures["usage"]["total"]["cost_usd"], &figures["usage"]["total"]["unpriced"]),
        (&json!(null), &json!(1))
    );
    assert_eq!(figures["durations_ms"]["mean"], Value::Null);
    assert_eq!(figures["by_outcome"], json!({ "unmeasured": 1 }));
}

#[test]
fn a_long_log_is_put_aside_five_times_and_no_more() {
    let mut stage = stage();
    let activity = export("format = 'activity'");
    fs::create_dir_all(stage.state()).unwrap();
    for number in 0..7 {
        let full = format!("{number}\n").repeat(5 * 1024 * 1024 / 2);
        fs::write(stage.state().join("activity.log"), full).unwrap();
        stage.run = format!("0198-{number}");
        stage.play(&activity).unwrap();
        assert_eq!(text(&stage, "activity.log").lines().count(), 1);
    }
    let names = fs::read_dir(stage.state()).unwrap().count();
    assert_eq!(names, 6, "the log and five older ones");
    assert!(text(&stage, "activity.log.1").starts_with("6\n") && text(&stage, "activity.log.5").starts_with("2\n"));
    fs::write(stage.state().join("activity.log.1"), "a line [0198-9]\n").unwrap();
    stage.run = "0198-9".into();
    stage.play(&activity).unwrap();
    assert!(!text(&stage, "activity.log").contains("0198-9"), "a replay after the turn of the log adds nothing");
}

#[test]
fn a_truth_is_one_object_a_line_with_null_for_what_is_unknown() {
    let stage = stage();
    for _ in 0..2 {
        stage.play(&export("format = 'truth-log'")).unwrap();
    }
    let log = text(&stage, "truth.jsonl");
    assert_eq!(log.lines().count(), 1);
    let line: Value = serde_json::from_str(&log).unwrap();
    assert_eq!((&line["schema"], &line["run"]), (&json!("fuseboard.mission/1"), &json!("0198-5")));
    assert_eq!((&line["usage"], &line["pr_url"], &line["branch"]), (&Value::Null, &Value::Null, &Value::Null));
    assert_eq!((&line["outcome"], &line["checks"]), (&json!("productive"), &json!({ "tests": "pass" })));
    assert_eq!(line["duration_ms"], 183_000);
    assert_eq!(line["steps"][0], json!({ "name": "tests", "status": "success", "reason": null, "duration_ms": null }));
}

#[test]
fn a_line_that_a_crash_has_cut_is_ended_and_spoils_only_itself() {
    let stage = stage();
    fs::create_dir_all(stage.state()).unwrap();
    for (format, file) in [("activity", "activity.log"), ("truth-log", "truth.jsonl")] {
        fs::write(stage.state().join(file), "{\"run\":\"0198-5\"").unwrap();
        stage.play(&export(&format!("format = '{format}'"))).unwrap();
        let log = text(&stage, file);
        assert!(log.starts_with("{\"run\":\"0198-5\"\n") && log.ends_with('\n') && log.lines().count() == 2, "{log}");
    }
}

#[test]
fn a_journal_has_a_section_a_mission_and_a_replay_adds_none() {
    let mut stage = stage();
    for run in ["0198-5", "0198-6", "0198-5"] {
        stage.run = run.into();
        stage.play(&export("format = 'journal'")).unwrap();
    }
    let journal = journal(&stage);
    assert!(journal.starts_with(&format!("# {}, Monday\n\n## ", day())), "{journal}");
    assert_eq!(journal.matches(" parser: mend it\n").count(), 2);
    assert!(
        journal.contains("- productive (fix): it was merged\n- 3m 3s\n- usage unmeasured\n- tests pass\n"),
        "{journal}"
    );
}

#[test]
fn a_section_that_a_crash_has_cut_is_written_anew() {
    let stage = stage();
    let journal_step = export("format = 'journal'");
    stage.play(&journal_step).unwrap();
    let file = stage.state().join(format!("journal/{}.md", day()));
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() - 10]).unwrap();
    stage.play(&journal_step).unwrap();
    assert_eq!(journal(&stage).matches(" parser: mend it\n").count(), 2);
    assert_eq!(journal(&stage).matches("-->").count(), 1);
}

#[test]
fn a_title_forges_neither_a_line_nor_a_mark_nor_a_heading() {
    let mut stage = stage();
    stage.job.title = Some("x\u{1b}[31m\n<!-- fuseboard run 0198-6 -->\n# y [a](b) [0198-6]".into());
    for format in ["activity", "journal", "truth-log"] {
        let export = export(&format!("format = '{format}'"));
        stage.run = "0198-5".into();
        stage.play(&export).unwrap();
        stage.run = "0198-6".into();
        let told = stage.play(&export).unwrap();
        assert_eq!(told.output.unwrap()["added"], true, "{format}");
    }
    assert!(journal(&stage).contains("x \\<!-- fuseboard run 0198-6 --\\> # y \\[a\\](b)"), "{}", journal(&stage));
    assert!(!text(&stage, "activity.log").contains('\u{1b}'));
}

#[test]
fn the_days_figures_count_each_mission_of_the_day_once_whatever_is_replayed() {
    let mut stage = stage();
    let run = |id: &str, minute, project: &str| {
        let mut job = Job { succeeded: true, ..Job::default() };
        job.project.name = project.into();
        ended(&mut job, minute);
        past(id, project, Some(job), Vec::new())
    };
    let mut late = run("0198-2", 5, "lexer");
    late.job.as_mut().unwrap().succeeded = false;
    late.job.as_mut().unwrap().failure_kind = Some(JobFailure::Timeout);
    let mut skipped = StepRow::new("cost", Kind::Recorder, Status::Skipped);
    skipped.reason = Some(Reason::CircuitOpen);
    let mut cut = StepRow::new("lint", Kind::Gate, Status::TimedOut);
    cut.reason = Some(Reason::Deadline);
    let mut off = StepRow::new("merge", Kind::Action, Status::Skipped);
    off.reason = Some(Reason::Disabled);
    late.steps = vec![skipped, cut, off, StepRow::new("tests", Kind::Gate, Status::TimedOut)];
    let mut other_day = run("0198-1", 1, "parser");
    other_day.job.as_mut().unwrap().ended_at = Some(stamp("2026-11-20T12:00:00Z"));
    let mut lost: StoredRun = past("0198-3", "parser", None, Vec::new());
    (lost.was_interrupted, lost.head.started_at) = (true, stamp("2026-11-23T12:00:00Z"));
    let under_way = past("0198-4", "parser", None, Vec::new());
    stage.book.runs = vec![other_day, late, lost, under_way, run("0198-5", 3, "parser")];
    stage.book.used = vec![
        used("0198-5", "m", Some(70), Some(0.5)),
        used("0198-5", "n", Some(1), None),
        used("0198-1", "m", Some(1000), Some(9.0)),
    ];
    let figures_of_day = figures(&stage);
    assert_eq!(figures(&stage), figures_of_day);
    let expected = json!({
        "schema": "fuseboard.day/1", "day": day().to_string(), "missions": 2, "lost": 1, "unreadable": 0,
        "by_outcome": { "failed": 1, "productive": 1 }, "by_kind": { "fix": 1, "unmeasured": 1 },
        "by_project": { "lexer": 1, "parser": 1 },
        "durations_ms": { "total": 486_000, "mean": 243_000, "shortest": 183_000, "longest": 303_000, "unmeasured": 0 },
        "usage": {
            "total": sum(Some(71), Some(0.5), 1, 1),
            "by_project": { "lexer": sum(None, None, 0, 1), "parser": sum(Some(71), Some(0.5), 1, 0) },
            "by_model": { "m": sum(Some(70), Some(0.5), 0, 0), "n": sum(Some(1), None, 1, 0) },
        },
        "timeouts": { "missions": 1, "steps": 1, "deadline": 1 }, "skips": { "circuit-open": 1 },
    });
    assert_eq!(figures_of_day, expected);
}

fn sum(output: Option<u64>, cost_usd: Option<f64>, unpriced: u64, unmeasured: u64) -> Value {
    json!({ "input_uncached": null, "cache_read": null, "cache_write": null, "output": output, "cost_usd": cost_usd,
            "unpriced": unpriced, "unmeasured": unmeasured })
}

#[test]
fn a_ledger_that_cannot_be_read_fails_and_writes_nothing() {
    let mut stage = stage();
    stage.book.broken = true;
    for format in ["activity", "truth-log", "journal", "day"] {
        let error = stage.play(&export(&format!("format = '{format}'"))).unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
    }
    assert!(!stage.state().join("activity.log").exists());
    assert_eq!(fs::read_dir(stage.state().join("days")).unwrap().count(), 0);
}

#[test]
fn a_place_that_is_missing_or_something_else_fails_and_is_named() {
    let stage = stage();
    let at = |name: &str| stage.folder.path().join(name);
    fs::create_dir_all(at("folder").join(format!("{}.md", day()))).unwrap();
    fs::create_dir_all(at("folder").join(format!("{}.json", day()))).unwrap();
    fs::write(at("file"), "").unwrap();
    std::os::unix::fs::symlink(at("file"), at("link")).unwrap();
    for (format, place, word) in [
        ("activity", "file = 'no/log'", "no/log cannot be opened"),
        ("activity", "file = 'folder'", "it is no regular file"),
        ("activity", "file = '/dev/full'", "it is no regular file"),
        ("truth-log", "file = 'link'", "it is a link"),
        ("truth-log", "file = 'file/log'", "file/log cannot be opened"),
        ("journal", "folder = 'no'", "no is no folder; make it"),
        ("journal", "folder = 'file'", "file is no folder"),
        ("journal", "folder = 'folder'", "it is no regular file"),
        ("day", "folder = 'no'", "no is no folder"),
        ("day", "folder = 'folder'", ".json cannot be written"),
    ] {
        let error = stage.play(&export(&format!("format = '{format}'\n{place}"))).unwrap_err().to_string();
        assert!(error.contains(word), "{format}, {place}: {error}");
    }
    assert_eq!(fs::read_to_string(at("file")).unwrap(), "", "the link was not followed");
}

#[test]
fn a_full_disk_fails_and_leaves_each_file_as_it_was() {
    if !on_a_full_disk("a_full_disk_fails_and_leaves_each_file_as_it_was") {
        return;
    }
    let mut stage = stage();
    let long = "m".repeat(300);
    stage.book.used = (0..60).map(|number| used("0198-5", &format!("{number}{long}"), Some(1), None)).collect();
    for folder in ["journal", "days"] {
        fs::create_dir_all(stage.state().join(folder)).unwrap();
    }
    for (format, file) in [
        ("activity", "activity.log".to_owned()),
        ("truth-log", "truth.jsonl".to_owned()),
        ("journal", format!("journal/{}.md", day())),
        ("day", format!("days/{}.json", day())),
    ] {
        let file = stage.state().join(file);
        let before = fill(&file);
        let error = stage.play(&export(&format!("format = '{format}'"))).unwrap_err().to_string();
        assert!(error.contains("cannot be written: "), "{format}: {error}");
        assert_eq!(fs::read(&file).unwrap(), before, "{format}");
    }
    assert_eq!(fs::read_dir(stage.state().join("days")).unwrap().count(), 1, "nothing is left over");
}

#[test]
fn who_holds_a_file_for_too_long_makes_it_fail() {
    let mut stage = stage();
    let activity = export("format = 'activity'");
    stage.play(&activity).unwrap();
    let held = fs::File::open(stage.state().join("activity.log")).unwrap();
    held.lock().unwrap();
    stage.run = "0198-6".into();
    stage.deadline = Deadline::after(Duration::from_millis(20));
    let error = stage.play(&activity).unwrap_err().to_string();
    assert!(error.contains("activity.log is held by another process"), "{error}");
    held.unlock().unwrap();
    stage.play(&activity).unwrap();
}

#[test]
fn runs_at_once_lose_no_row() {
    let stages: Vec<Stage> = (0..8)
        .map(|number| {
            let mut stage = stage();
            stage.run = format!("0198-{number}");
            stage
        })
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::thread::scope(|scope| {
        for stage in &stages {
            scope.spawn(|| {
                for (format, key, place) in [
                    ("activity", "file", at("log")),
                    ("truth-log", "file", at("truth")),
                    ("journal", "folder", folder.path().to_owned()),
                ] {
                    stage.play(&export(&format!("format = '{format}'\n{key} = {place:?}"))).unwrap();
                }
            });
        }
    });
    let lines = |path: PathBuf| fs::read_to_string(path).unwrap().lines().count();
    assert_eq!((lines(at("log")), lines(at("truth"))), (8, 8));
    let journal = fs::read_to_string(at(&format!("{}.md", day()))).unwrap();
    assert_eq!((journal.matches(" parser: mend it\n").count(), journal.matches("# 2026").count()), (8, 1));
}

#[test]
fn options_that_cannot_be_meant_are_errors_of_the_configuration() {
    let errors = |text: &str| Export::of(&options(text)).unwrap_err().to_string();
    assert!(errors("").contains("`format` is missing"));
    assert!(errors("file = 'x'").contains("`format` is missing"));
    assert!(errors("format = 'jurnal'").contains("journal"));
    assert!(errors("format = 'day'\nfile = 'x'").contains("`file` is not possible"));
    assert!(errors("format = 'activity'\nfolder = 'x'").contains("`folder` is not possible"));
    assert!(errors("format = 'journal'\nfolder = '.'").contains("a name of its own"));
}

#[test]
fn files_in_the_repository_are_declared() {
    use fuseboard_pipeline::step::Step as _;
    assert_eq!(
        export("format = 'truth-log'\nfile = 'truth.jsonl'").writes_files(),
        [fuseboard_pipeline::step::Written::File("truth.jsonl".into())]
    );
    assert_eq!(
        export("format = 'activity'\nfile = 'log'").writes_files().last(),
        Some(&fuseboard_pipeline::step::Written::File("log.5".into()))
    );
    assert_eq!(
        export("format = 'day'\nfolder = 'days'").writes_files(),
        [fuseboard_pipeline::step::Written::DaysIn("days".into())]
    );
}
