//! `session` says what came of a mission, and never more than the evidence shows.

mod recorder_support;

use fuseboard_mission::steps::session::Session;
use fuseboard_pipeline::job::JobFailure;
use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow, VerdictWord};
use recorder_support::{Stage, options, past};
use serde_json::{Value, json};

fn stage(commit: Option<&str>, base: Option<&str>, words: &str) -> Stage {
    let mut stage = Stage::new();
    stage.job.project.commit = commit.map(Into::into);
    stage.job.project.base = base.map(Into::into);
    stage.job.result_text = Some(words.into());
    stage
}

fn output(stage: &Stage) -> Value {
    stage.play(&Session).unwrap().output.unwrap()
}

fn outcome(stage: &Stage) -> String {
    output(stage)["outcome"].as_str().unwrap().to_owned()
}

fn gate(name: &str, evaluated: bool, verdict: VerdictWord) -> StepRow {
    let mut row = StepRow::new(name, Kind::Gate, Status::Success);
    (row.evaluated, row.verdict) = (Some(evaluated), Some(verdict));
    row
}

#[test]
fn commits_make_a_mission_productive_and_words_do_not() {
    assert_eq!(outcome(&stage(Some("b"), Some("a"), "I am stuck.")), "productive");
    assert_eq!(outcome(&stage(Some("a"), Some("a"), "I fixed everything and all tests pass!")), "empty");
    assert_eq!(outcome(&stage(None, None, "I fixed everything!")), "empty");
}

#[test]
fn a_failed_job_is_never_productive() {
    let mut stage = stage(Some("b"), Some("a"), "Opened PR https://github.com/a/b/pull/1");
    stage.ended = vec![StepRow::new("merge", Kind::Action, Status::Success)];
    stage.job.succeeded = false;
    stage.job.failure_kind = Some(JobFailure::Exit);
    stage.job.exit_code = Some(3);
    let output = output(&stage);
    assert_eq!((&output["outcome"], &output["evidence"]), (&json!("failed"), &json!("exit, exit code 3")));
}

#[test]
fn an_agent_out_of_turns_is_stuck() {
    let mut stage = Stage::with_output("max_turns.json");
    stage.job.succeeded = false;
    assert_eq!(outcome(&stage), "stuck");
}

#[test]
fn denied_tools_or_its_own_word_make_a_mission_without_commits_stuck() {
    let mut denied = Stage::with_output("stream.jsonl");
    assert_eq!(output(&denied)["evidence"], "git cannot tell what is committed, and tools were denied: WebFetch");
    denied.job.project.commit = Some("b".into());
    denied.job.project.base = Some("a".into());
    assert_eq!(outcome(&denied), "productive");
    assert_eq!(outcome(&stage(Some("a"), Some("a"), "I can\u{2019}t proceed without the key.")), "stuck");
}

#[test]
fn a_pull_request_counts_only_if_the_agent_says_that_it_opened_it() {
    let opened = output(&stage(None, None, "Opened a PR: https://github.com/a/b/pull/7."));
    assert_eq!(
        (&opened["outcome"], &opened["pr_url"]),
        (&json!("productive"), &json!("https://github.com/a/b/pull/7"))
    );
    let seen = output(&stage(None, None, "See https://github.com/a/b/pull/7."));
    assert_eq!((&seen["outcome"], &seen["pr_url"]), (&json!("empty"), &json!("https://github.com/a/b/pull/7")));
    assert_eq!(output(&stage(None, None, "http://github.com/a/b/pull/7"))["pr_url"], Value::Null);
}

#[test]
fn the_checks_say_what_each_gate_said_itself() {
    let mut stage = stage(Some("b"), Some("a"), "");
    let mut unselected = gate("lint", false, VerdictWord::Block);
    (unselected.status, unselected.reason) = (Status::Skipped, Some(Reason::NotSelected));
    let mut merge = StepRow::new("merge", Kind::Action, Status::Skipped);
    merge.reason = Some(Reason::GateBlocked);
    stage.ended = vec![
        gate("tests", true, VerdictWord::Pass),
        gate("diff-scan", true, VerdictWord::Block),
        gate("security", false, VerdictWord::Block),
        unselected,
        merge,
    ];
    let output = output(&stage);
    assert_eq!(output["checks"], json!({ "tests": "pass", "diff-scan": "block", "security": "none" }));
    assert_eq!(output["merge"], "gate-blocked");
}

#[test]
fn what_is_only_armed_at_a_platform_is_not_called_merged() {
    let mut stage = stage(Some("b"), Some("a"), "");
    let mut merge = StepRow::new("merge", Kind::Action, Status::Success);
    merge.output = Some(json!({ "commit": "c" }));
    stage.ended = vec![merge];
    assert_eq!(output(&stage)["evidence"], "it was merged");
    stage.ended[0].output = Some(json!({ "armed": true }));
    assert_eq!(output(&stage)["evidence"], "there are commits that the base has not");
}

#[test]
fn unproductive_missions_in_a_row_are_counted_for_the_project() {
    let mission = |id: &str, project: &str, outcome: &str| {
        let mut row = StepRow::new("step", Kind::Recorder, Status::Success);
        row.output = Some(json!({ "outcome": outcome }));
        past(id, project, None, vec![row])
    };
    let mut stage = stage(Some("a"), Some("a"), "");
    stage.book.runs = vec![
        mission("0198-0", "parser", "failed"),
        mission("0198-1", "parser", "productive"),
        mission("0198-2", "parser", "empty"),
        mission("0198-3", "other", "productive"),
        past("0198-35", "parser", None, Vec::new()),
        mission("0198-4", "parser", "stuck"),
        mission("0198-5", "parser", "empty"),
    ];
    let output = output(&stage);
    assert_eq!((&output["unproductive_in_a_row"], &output["staleness"]), (&json!(3), &json!("warning")));
    stage.job.project.commit = Some("b".into());
    assert_eq!(self::output(&stage)["unproductive_in_a_row"], 0);
}

#[test]
fn a_ledger_that_cannot_be_read_is_a_failure_and_options_are_unknown() {
    let mut stage = stage(None, None, "");
    stage.book.broken = true;
    assert!(stage.play(&Session).is_err());
    assert!(Session::of(&options("x = 1")).is_err() && Session::of(&options("")).is_ok());
}
