//! `budget` tells what was used, as far as that is known, and when it is too much.

mod recorder_support;

use std::time::Duration;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_mission::steps::budget::Budget;
use fuseboard_pipeline::job::{Job, JobFailure, ModelUsage};
use fuseboard_pipeline::ledger::StoredUsage;
use fuseboard_pipeline::report::{Kind, Status, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use recorder_support::{Stage, options, past};
use serde_json::{Value, json};

fn now() -> Stamp {
    Stamp::from(SystemClock.wall())
}

fn ago(minutes: u64) -> Stamp {
    now().before(Duration::from_secs(minutes * 60))
}

fn usage(tokens: Option<u64>, cost_usd: Option<f64>) -> ModelUsage {
    ModelUsage { model: Some("m".into()), output: tokens, cost_usd, ..ModelUsage::default() }
}

fn used(run: &str, at: Stamp, usage: ModelUsage) -> StoredUsage {
    StoredUsage { at, run: run.into(), project: Some("parser".into()), usage }
}

/// Earlier runs so many minutes ago, of 100 tokens and 10 cents each; this run told the same.
fn stage(minutes: &[u64]) -> Stage {
    let mut stage = Stage::new();
    let row =
        |(number, minutes): (usize, &u64)| used(&format!("0198-0{number}"), ago(*minutes), usage(Some(100), Some(0.1)));
    stage.book.used = minutes.iter().enumerate().map(row).collect();
    stage.job.usage = Some(vec![usage(Some(100), Some(0.1))]);
    stage
}

fn budget(text: &str) -> Budget {
    Budget::of(&options(text)).unwrap()
}

fn output(stage: &Stage, options: &str) -> Value {
    stage.play(&budget(options)).unwrap().output.unwrap()
}

fn session(stage: &Stage, options: &str, metric: &str) -> Value {
    output(stage, options)["windows"]["session"][metric].clone()
}

fn recorder(name: &str, output: Value) -> StepRow {
    StepRow { output: Some(output), ..StepRow::new(name, Kind::Recorder, Status::Success) }
}

#[test]
fn what_earlier_runs_and_this_one_used_is_summed_up() {
    let output = output(&stage(&[10, 60]), "");
    let session = &output["windows"]["session"];
    assert_eq!(
        (&session["tokens"]["used"], &session["runs"], &session["unmeasured"]),
        (&json!(300), &json!(3), &json!(0))
    );
    assert_eq!(session["usd"]["used"], 0.3);
    assert_eq!((&session["usd"]["level"], &output["alert"]), (&Value::Null, &Value::Null), "no limit, no level");
}

#[test]
fn all_kinds_of_tokens_count() {
    let mut stage = Stage::new();
    let all = ModelUsage {
        input_uncached: Some(1),
        cache_read: Some(20),
        cache_write: Some(300),
        output: Some(4000),
        ..usage(None, None)
    };
    stage.job.usage = Some(vec![all]);
    assert_eq!(session(&stage, "", "tokens")["used"], 4321);
}

#[test]
fn what_is_older_than_the_session_window_is_no_part_of_it() {
    assert_eq!(session(&stage(&[299, 301]), "", "tokens")["used"], 200);
}

#[test]
fn this_run_is_counted_once_wherever_it_stands() {
    let written = used("0198-5", ago(0), usage(Some(70), Some(0.7)));
    let told = recorder("cost", json!({"usage": [usage(Some(80), None)]}));
    let mut stage = stage(&[]);
    assert_eq!(session(&stage, "", "tokens")["used"], 100, "by the job");
    stage.ended = vec![told];
    assert_eq!(session(&stage, "", "tokens")["used"], 80, "by the recorder, which knows better");
    stage.book.used = vec![written];
    assert_eq!(session(&stage, "", "tokens")["used"], 70, "by the ledger");
}

#[test]
fn unmeasured_runs_make_a_sum_at_least_and_are_no_zeros() {
    let mut stage = stage(&[10]);
    let ended = |minutes| Job { ended_at: Some(ago(minutes)), ..Job::default() };
    let spawn = Job { failure_kind: Some(JobFailure::Spawn), ..ended(5) };
    stage.book.runs = vec![
        past("0198-00", "parser", Some(ended(10)), Vec::new()),
        past("0198-01", "parser", Some(ended(20)), Vec::new()),
        past("0198-02", "parser", Some(spawn), Vec::new()),
        past("0198-03", "parser", None, Vec::new()),
        past("0198-04", "parser", Some(ended(400)), Vec::new()),
    ];
    stage.job.usage = None;
    let told = stage.play(&budget("session_usd = 10")).unwrap();
    let session = told.output.unwrap()["windows"]["session"].clone();
    assert_eq!(session["unmeasured"], 2, "this one, and one of 20 minutes ago");
    assert_eq!((&session["tokens"]["used"], &session["tokens"]["at_least"]), (&json!(100), &json!(true)));
    assert!(told.detail.unwrap().starts_with("session at least 100 tokens, at least $0.10 of $10.00 (1 %)"));
    stage.book.used.clear();
    let tokens = session_of(&stage, "tokens");
    assert_eq!((&tokens["used"], &tokens["level"]), (&Value::Null, &Value::Null), "nothing is known, which is not 0");
}

fn session_of(stage: &Stage, metric: &str) -> Value {
    session(stage, "session_tokens = 5", metric)
}

#[test]
fn figures_that_are_none_are_left_out_and_told() {
    let mut stage = stage(&[]);
    let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0];
    stage.book.used =
        bad.iter().map(|cost| used(&format!("0198-{cost}"), ago(1), usage(Some(1), Some(*cost)))).collect();
    let told = stage.play(&budget("")).unwrap();
    let output = told.output.unwrap();
    let usd = &output["windows"]["session"]["usd"];
    assert_eq!((&usd["used"], &usd["at_least"], &output["dropped"]), (&json!(0.1), &json!(true), &json!(4)));
    assert_eq!(output["windows"]["session"]["tokens"]["used"], 104);
    assert_eq!(output["warning"], "4 prices that are no amounts of money were left out");
    assert!(told.detail.unwrap().ends_with("were left out"));
}

#[test]
fn the_rate_is_known_from_enough_fresh_samples_that_are_apart() {
    // Each 10 minutes, 100 tokens: of five samples the first was used before.
    let burn = output(&stage(&[40, 30, 20, 10]), "")["burn"]["tokens"].clone();
    assert_eq!((&burn["samples"], &burn["why"]), (&json!(5), &Value::Null));
    let rate = burn["per_hour"].as_u64().unwrap();
    assert!((598..=600).contains(&rate), "{rate}");
    for (minutes, why) in [
        (&[40, 30, 20][..], "4 of at least 5 samples in the last 5 hours"),
        (&[500, 400, 301, 20, 10], "3 of at least 5 samples in the last 5 hours"),
        (&[14, 10, 5, 1], "the last samples are less than 15 minutes apart"),
    ] {
        let burn = output(&stage(minutes), "")["burn"]["usd"].clone();
        assert_eq!((&burn["per_hour"], &burn["why"]), (&Value::Null, &json!(why)));
    }
}

#[test]
fn only_the_last_20_samples_make_the_rate() {
    let minutes: Vec<u64> = (1..=40).rev().collect();
    assert_eq!(output(&stage(&minutes), "")["burn"]["tokens"]["samples"], 20);
}

#[test]
fn the_time_that_is_left_follows_from_the_rate() {
    let stage = stage(&[40, 30, 20, 10]);
    let usd = session(&stage, "session_usd = 1.1", "usd");
    let left = usd["left_s"].as_u64().unwrap();
    assert!((3590..=3620).contains(&left), "60 cents at 60 cents an hour: {left}");
    assert_eq!((&usd["left"], &usd["level"]), (&json!("some"), &json!("fine")));
    assert_eq!(session(&stage, "session_usd = 100", "usd")["left"], "enough");
    assert_eq!(session(&stage, "session_usd = 0.5", "usd")["left"], "nothing");
    assert_eq!(session(&self::stage(&[]), "session_usd = 1", "usd")["left"], "unknown");
    let detail = stage.play(&budget("session_usd = 1.1")).unwrap().detail.unwrap();
    assert!(detail.contains("session_usd reached in "), "{detail}");
}

#[test]
fn limits_that_come_near_or_are_reached_are_alerts() {
    let stage = stage(&[10]);
    for (options, severity, subject) in [
        ("session_tokens = 250", "warning", "the budget is running out: session: 200 tokens of 250 tokens (80 %)"),
        ("session_tokens = 200", "action", "the budget is used up: session: 200 tokens of 200 tokens (100 %)"),
        (
            "session_tokens = 400\nwarn_at = 0.5",
            "warning",
            "the budget is running out: session: 200 tokens of 400 tokens (50 %)",
        ),
    ] {
        let alert = output(&stage, options)["alert"].clone();
        assert_eq!((&alert["severity"], &alert["subject"]), (&json!(severity), &json!(subject)));
        assert!(alert["text"].is_string());
    }
    assert!(output(&stage, "session_tokens = 251")["alert"].is_null());
}

#[test]
fn what_an_earlier_run_told_is_not_told_again_until_it_gets_worse() {
    let mut stage = stage(&[10]);
    let before = |stage: &mut Stage, options: &str| {
        let told = recorder("step", output(stage, options));
        stage.book.runs = vec![past("0198-4", "parser", None, vec![told])];
    };
    before(&mut stage, "week_tokens = 250");
    assert!(output(&stage, "week_tokens = 250")["alert"].is_null());
    assert_eq!(output(&stage, "week_tokens = 200")["alert"]["severity"], "action", "it is worse now");
    stage.job.project.name = "lexer".into();
    assert_eq!(output(&stage, "week_tokens = 250")["alert"]["severity"], "warning", "another project has not told it");
    stage.job.project.name = "parser".into();
    let mut last_week = stage.book.runs[0].clone();
    last_week.steps[0].output.as_mut().unwrap()["windows"]["week"]["since"] = json!("2026-01-05T00:00:00.000Z");
    stage.book.runs = vec![last_week];
    assert_eq!(output(&stage, "week_tokens = 250")["alert"]["severity"], "warning", "that was another week");
}

#[test]
fn a_replay_says_the_same() {
    let stage = stage(&[10]);
    let told = |stage: &Stage| {
        let mut output = output(stage, "session_tokens = 200");
        output["at"] = Value::Null;
        output["windows"]["session"]["since"] = Value::Null;
        output
    };
    assert_eq!(told(&stage), told(&stage));
}

#[test]
fn a_ledger_that_cannot_be_read_is_a_failure() {
    let mut stage = stage(&[]);
    stage.book.broken = true;
    let error = stage.play(&budget("")).unwrap_err().to_string();
    assert_eq!(error, "cannot tell what was used: the disk is full");
}

#[test]
fn wrong_options_are_refused_all_at_once() {
    let error = Budget::of(&options("day_usd = 0\nweek_tokens = -1\nwarn_at = 80\nday_usdd = 1")).unwrap_err();
    let error = error.to_string();
    for part in ["`day_usd` must be above 0", "`week_tokens` must be above 0", "at most 1", "did you mean `day_usd`?"] {
        assert!(error.contains(part), "{part}: {error}");
    }
}
