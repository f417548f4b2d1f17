//! The agent's own fuse: failures, its limit and the money of the day keep it from starting, and say so once.

mod mission_stage;
mod world;

use std::fs;
use std::path::PathBuf;

use fuseboard::clock::{Clock as _, SystemClock};
use mission_stage::Stage;
use serde_json::Value;
use world::{end_of, signal, start, wait_for};

const USAGE: &str = "[[step]]\nname = 'cost'\nuses = 'usage'\n";
const QUOTA: &str = "[[step]]\nname = 'limit'\nuses = 'quota'\n";

/// An agent that prints a result which says that it cost so much.
fn costing(usd: &str) -> String {
    let usage = r#""usage":{"input_tokens":5,"output_tokens":7}"#;
    format!(
        r#"echo '{{"type":"result","subtype":"success","is_error":false,"result":"done","total_cost_usd":{usd},{usage}}}'"#
    )
}

/// An agent that says that it ran into its limit.
fn at_its_limit(resets_at: u64) -> String {
    let event = format!(
        r#"{{"type":"rate_limit_event","session_id":"s","rate_limit_info":{{"status":"rejected","resetsAt":{resets_at}}}}}"#
    );
    let result = r#"{"type":"result","subtype":"success","is_error":true,"api_error_status":429,"result":"limit reached","session_id":"s"}"#;
    format!("echo '{event}'; echo '{result}'; exit 1")
}

/// The file that keeps Claude from starting.
fn paused(stage: &Stage) -> PathBuf {
    stage.world.store().with_file_name("pauses").join("claude.json")
}

fn in_an_hour() -> u64 {
    SystemClock.wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 3600
}

#[test]
fn three_failed_missions_open_the_agents_circuit_which_is_noticed_once() {
    let stage = Stage::new("[[step]]\nname = 'told'\nuses = 'notify'\nwith = { file = '../outbox' }\n");
    for code in [3, 3, 3] {
        assert_eq!(stage.fly(&["--no-wait"], &format!("exit {code}")).code(), code);
    }
    let refused = stage.run(&["mission", "--no-wait", "--", "touch", "../started"]);
    assert_eq!(refused.code, 75, "{}", refused.err());
    assert!(refused.err().contains("work/agent: circuit open"), "{}", refused.err());
    assert!(!stage.has("started"));
    let notices: Vec<Value> =
        stage.read("config/outbox").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let opened = notices.iter().filter(|notice| notice["subject"] == "work/agent is out: its circuit opened");
    assert_eq!(opened.count(), 1, "{notices:?}");
}

#[test]
fn an_agent_at_its_limit_is_paused_until_that_is_lifted() {
    for (how, config) in [("by the mission itself", ""), ("by the step as well", QUOTA)] {
        let stage = Stage::new(config);
        let flown = stage.fly(&["--no-wait", "--agent", "claude"], &at_its_limit(in_an_hour()));
        assert_eq!((flown.code(), &flown.report["job"]["failure_kind"]), (1, &"quota".into()), "{}", flown.told());
        if !config.is_empty() {
            let output = &flown.row("limit")["output"];
            assert_eq!((&output["limit"], &output["agent"]), (&true.into(), &"claude".into()), "{output}");
        }
        let refused = stage.run(&["mission", "--no-wait", "--", "touch", "../started"]);
        assert_eq!(refused.code, 75, "{how}: {}", refused.err());
        assert!(refused.err().contains("claude is paused until "), "{how}: {}", refused.err());
        assert!(!stage.has("started"));
        let other = stage.run(&["mission", "--no-wait", "--agent", "codex", "--", "touch", "../started"]);
        assert_eq!(other.code, 0, "another agent has a limit of its own: {}", other.err());
        // What the message names is what ends it.
        let pause = paused(&stage);
        assert!(refused.err().contains(&format!("remove {}", pause.display())), "{}", refused.err());
        fs::remove_file(pause).unwrap();
        assert_eq!(stage.run(&["mission", "--no-wait", "--", "true"]).code, 0);
        let circuit = stage.world.circuit("work/agent");
        assert_eq!(circuit["totals"]["failure"], 0, "a limit is no failed work: {circuit}");
    }
}

#[test]
fn a_limit_told_on_standard_error_counts_and_the_same_words_elsewhere_do_not() {
    for (agent, kind) in [
        ("echo 'Claude AI usage limit reached|2000000000' >&2; exit 1", "quota"),
        ("echo 'Invalid API key · Please run /login' >&2; exit 1", "login"),
        ("echo 'usage limit reached'; exit 1", "exit"),
        ("echo 'the log says: usage limit reached' >&2; exit 1", "exit"),
    ] {
        let stage = Stage::new(QUOTA);
        let flown = stage.fly(&["--no-wait"], agent);
        assert_eq!(flown.report["job"]["failure_kind"], kind, "{agent}: {}", flown.told());
        assert_eq!(flown.row("limit")["output"]["limit"], kind == "quota", "{agent}");
        let code = stage.run(&["mission", "--no-wait", "--", "true"]).code;
        assert_eq!(code, if kind == "quota" { 75 } else { 0 }, "{agent}");
    }
    let stage = Stage::new(QUOTA);
    assert_eq!(stage.fly(&[], "echo 'usage limit reached' >&2").row("limit")["output"]["limit"], false, "it succeeded");
}

#[test]
fn a_pause_is_waited_for_and_the_wait_can_be_ended() {
    let stage = Stage::new("");
    stage.fly(&["--agent", "claude"], &at_its_limit(in_an_hour()));
    let waiting = start(stage.words(&["mission", "--", "touch", "../started"]));
    let pause = paused(&stage);
    wait_for("the pause", || pause.exists());
    world::sleep(300);
    signal(&waiting, "INT");
    let ran = end_of(waiting);
    assert_eq!(ran.code, 130, "{}", ran.err());
    assert_eq!(ran.err().matches("waiting: claude is paused until").count(), 1, "{}", ran.err());
    assert!(!stage.has("started"));
}

#[test]
fn a_secret_in_what_tells_of_a_limit_is_kept_nowhere() {
    let stage = Stage::new("");
    let mut command = stage.command(&["--no-wait"], "echo usage limit reached for $MY_API_TOKEN >&2; exit 1");
    command.env("MY_API_TOKEN", "hunter2-hunter2");
    stage.flown(world::finish(command));
    let pause = fs::read_to_string(paused(&stage).with_file_name("agent.json")).unwrap();
    assert!(pause.contains("usage limit reached") && !pause.contains("hunter2"), "{pause}");
}

#[test]
fn a_limit_in_the_agents_own_words_tells_when_it_is_lifted() {
    let stage = Stage::new(QUOTA);
    let said =
        r#"{"type":"turn.failed","error":{"message":"You've hit your usage limit. Try again in 2 hours 5 minutes."}}"#;
    let flown = stage.fly(&["--no-wait"], &format!("cat <<'E'\n{said}\nE\nexit 1"));
    let output = &flown.row("limit")["output"];
    let moment = |text: &Value| text.as_str().unwrap().parse::<fuseboard_pipeline::stamp::Stamp>().unwrap();
    let ended = moment(&flown.report["job"]["ended_at"]);
    assert_eq!(moment(&output["paused_until"]).since(ended).as_secs(), 7500, "{output}");
}

#[test]
fn pauses_that_cannot_be_read_are_told_and_stop_nobody() {
    let stage = Stage::new("");
    stage.fly(&["--agent", "claude"], &at_its_limit(in_an_hour()));
    fs::write(paused(&stage), "{\"until\":").unwrap();
    let ran = stage.run(&["mission", "--no-wait", "--", "true"]);
    assert_eq!(ran.code, 0, "{}", ran.err());
    assert!(ran.err().contains("holds no pause; remove it"), "{}", ran.err());
}

#[test]
fn the_money_of_the_day_is_limited() {
    let notify = "[[step]]\nname = 'told'\nuses = 'notify'\nwith = { file = '../outbox' }\n";
    let stage = Stage::new(&format!("[mission]\nmax_cost_per_day = 1.0\n{USAGE}{notify}"));
    for usd in ["0.6", "0.5"] {
        let flown = stage.fly(&["--no-wait"], &costing(usd));
        assert_eq!(flown.code(), 0, "{}", flown.told());
    }
    let refused = stage.run(&["mission", "--no-wait", "--", "touch", "../started"]);
    assert_eq!(refused.code, 75, "{}", refused.err());
    let why = "the missions of work have cost $1.10 today, and max_cost_per_day is $1.00; no agent was started";
    assert!(refused.err().contains(why), "{}", refused.err());
    assert!(!stage.has("started"));
    // It is noticed once a day, by whichever run comes next.
    for _ in 0..2 {
        stage.run(&["mission", "--no-wait", "--", "true"]);
        stage.run(&["after", "--project", "other"]);
    }
    let notices = stage.read("config/outbox");
    assert_eq!(notices.matches("work has spent the money of the day").count(), 1, "{notices}");
}

#[test]
fn money_that_is_not_known_is_told_or_stops() {
    for (word, code) in [("go", 0), ("stop", 75)] {
        let mission = format!("[mission]\nmax_cost_per_day = 1.0\non_unmeasured = '{word}'\n");
        let stage = Stage::new(&format!("{mission}{USAGE}"));
        assert_eq!(stage.fly(&["--no-wait"], "echo plain words").code(), 0);
        let ran = stage.run(&["mission", "--no-wait", "--", "true"]);
        assert_eq!(ran.code, code, "{word}: {}", ran.err());
        assert!(ran.err().contains("what 1 of today's missions of work cost is not known"), "{word}: {}", ran.err());
    }
}
