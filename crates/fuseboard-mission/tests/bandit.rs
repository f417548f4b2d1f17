//! `bandit` learns from missions, from each once, and never from what no arm can help.

mod recorder_support;

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use fuseboard_mission::steps::bandit::Bandit;
use fuseboard_pipeline::PrivateFolder;
use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::{Answer, StepError};
use recorder_support::{Stage, options};
use serde_json::Value;

fn bandit(text: &str) -> Bandit {
    Bandit::of(&options(text)).unwrap()
}

fn productive() -> Stage {
    let mut stage = Stage::new();
    stage.job.project.base = Some("a".into());
    stage.job.project.commit = Some("b".into());
    stage
}

fn empty() -> Stage {
    let mut stage = productive();
    stage.job.project.commit = Some("a".into());
    stage
}

fn failed(kind: Option<JobFailure>, code: i32) -> Stage {
    let mut stage = productive();
    (stage.job.succeeded, stage.job.failure_kind, stage.job.exit_code) = (false, kind, Some(code));
    stage
}

fn output(stage: &Stage, options: &str) -> Value {
    stage.play(&bandit(options)).unwrap().output.unwrap()
}

fn state(stage: &Stage, set: &str) -> Option<Value> {
    let text = fs::read(stage.state().join(format!("bandit/{set}.json"))).ok()?;
    Some(serde_json::from_slice(&text).unwrap())
}

fn error(stage: &Stage) -> String {
    let error: StepError = stage.play(&bandit("")).unwrap_err();
    error.to_string()
}

#[test]
fn a_productive_mission_is_a_success_of_its_project() {
    let stage = productive();
    let output = output(&stage, "");
    assert_eq!((output["arm"].as_str(), output["lesson"].as_str()), (Some("parser"), Some("success")));
    let arm = state(&stage, "project").unwrap()["arms"]["parser"].clone();
    assert_eq!((&arm["alpha"], &arm["beta"]), (&2.0.into(), &1.0.into()));
    assert!(output.get("outcome").is_none(), "what came of the mission is for `session` to say");
}

#[test]
fn empty_and_stuck_missions_and_the_agents_own_failures_are_failures() {
    let mut stuck = empty();
    stuck.job.result_text = Some("I am stuck.".into());
    for stage in [empty(), stuck, failed(Some(JobFailure::Exit), 3), failed(Some(JobFailure::AgentError), 0)] {
        assert_eq!(output(&stage, "")["lesson"], "failure");
        assert_eq!(state(&stage, "project").unwrap()["arms"]["parser"]["beta"], 2.0);
    }
}

#[test]
fn what_no_arm_can_help_teaches_nothing() {
    let mut unknown = Stage::new();
    unknown.job.project.commit = None;
    let kinds = [
        JobFailure::Login,
        JobFailure::Quota,
        JobFailure::Spawn,
        JobFailure::Signal,
        JobFailure::Timeout,
        JobFailure::Interrupted,
    ];
    let failures = kinds.into_iter().map(|kind| failed(Some(kind), 1));
    let codes = [124, 126, 127].into_iter().map(|code| failed(Some(JobFailure::Exit), code));
    for stage in failures.chain(codes).chain([unknown]) {
        let told = stage.play(&bandit("")).unwrap();
        assert!(told.output.unwrap()["lesson"].is_null());
        assert!(told.detail.unwrap().starts_with("nothing learned of parser: "));
        assert!(state(&stage, "project").is_none(), "{:?}", stage.job.failure_kind);
    }
}

#[test]
fn a_replay_teaches_nothing_new() {
    let stage = productive();
    output(&stage, "");
    let before = state(&stage, "project");
    let again = stage.play(&bandit("discount = 0.5")).unwrap();
    assert!(again.detail.unwrap().ends_with("known already"));
    assert_eq!(state(&stage, "project"), before);
}

#[test]
fn agents_models_and_modes_are_arms_of_sets_of_their_own() {
    let mut stage = productive();
    stage.job.agent = Some("claude".into());
    stage.job.mode = Some("careful\u{1b}[31m\n".into());
    assert_eq!(output(&stage, "arm = 'agent'")["arm"], "claude");
    assert_eq!(output(&stage, "arm = 'mode'\nname = 'prompts'")["arm"], "careful");
    let wrote = |model: &str, output| ModelUsage {
        model: Some(model.to_owned()),
        output: Some(output),
        ..ModelUsage::default()
    };
    stage.job.usage = Some(vec![wrote("haiku", 7), wrote("opus", 90), wrote("sonnet", 8)]);
    assert_eq!(output(&stage, "arm = 'model'")["arm"], "opus");
    assert!(state(&stage, "agent").is_some() && state(&stage, "prompts").is_some());
    assert!(state(&stage, "project").is_none() && state(&stage, "mode").is_none());
}

#[test]
fn a_job_that_names_no_arm_is_not_applicable() {
    let stage = productive();
    let told = stage.answer(&bandit("arm = 'mode'")).unwrap();
    assert_eq!(told, Answer::NotApplicable("the job names no mode".into()));
}

#[test]
fn state_that_cannot_be_read_fails_and_stays_as_it_is() {
    let stage = productive();
    output(&stage, "");
    let file = stage.state().join("bandit/project.json");
    let good = fs::read_to_string(&file).unwrap();
    for (content, part) in [
        (String::new(), "holds no arms"),
        ("{".to_owned(), "holds no arms"),
        (good[..good.len() / 2].to_owned(), "holds no arms"),
        (good.replace("bandit/1", "bandit/2"), "another version wrote it"),
        (good.replace("2.0", "0.5"), "impossible alpha or beta for \"parser\""),
        (good.replace("2.0", "-1e300"), "impossible alpha or beta"),
        (good.replace("2.0", "null"), "holds no arms"),
        ("x".repeat(4 * 1024 * 1024 + 1), "larger than it can be"),
    ] {
        fs::write(&file, &content).unwrap();
        let error = error(&stage);
        assert!(error.contains(part) && error.contains("project.json"), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), content, "it is not written anew");
    }
}

#[test]
fn links_folders_and_files_in_its_place_are_failures() {
    let stage = productive();
    let bandits = stage.state().join("bandit");
    fs::create_dir_all(bandits.join("project.json")).unwrap();
    assert!(error(&stage).contains("project.json"));
    fs::remove_dir(bandits.join("project.json")).unwrap();
    symlink("/etc/hostname", bandits.join("project.json")).unwrap();
    assert!(error(&stage).contains("is a link"));
    fs::remove_dir_all(&bandits).unwrap();
    fs::write(&bandits, "").unwrap();
    assert!(error(&stage).contains("is no folder"));
}

#[test]
fn somebody_who_learns_for_too_long_is_not_waited_for_beyond_the_deadline() {
    let mut stage = productive();
    let folder = PrivateFolder::new(stage.state().join("bandit"));
    let _turn = folder.lock("project.json", Deadline::NEVER).unwrap();
    stage.deadline = Deadline::after(Duration::from_millis(50));
    assert!(error(&stage).contains("another process has it for too long"));
}

#[test]
fn wrong_options_are_refused_all_at_once() {
    let error = Bandit::of(&options("arm = 'projekt'\nname = '../x'\ndiscount = 0\nx = 1")).unwrap_err().to_string();
    for part in ["did you mean `project`?", "`name` names no set", "`discount` must be above 0", "unknown key `x`"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(Bandit::of(&options("discount = 1.1")).is_err());
}
