//! The agent's end is judged, passed through and never lost, whatever it prints and however it ends.

mod mission_stage;
mod world;

use std::fs;
use std::time::Duration;

use mission_stage::{Flown, Stage};
use world::{end_of, finish, signal, sleep, start};

const NOTE: &str = "[[step]]\nname = 'note'\nkind = 'recorder'\nrun = ['touch', '../noted']\n";
const PUBLISH: &str = "[[step]]\nname = 'publish'\nkind = 'action'\nrun = ['touch', '../published']\n";

/// A result object as Claude Code prints it.
fn result(is_error: bool) -> String {
    format!(
        r#"{{"type":"result","subtype":"success","is_error":{is_error},"result":"done","session_id":"s-1","num_turns":1}}"#
    )
}

#[test]
fn the_agents_code_is_passed_through_and_its_fate_is_judged() {
    let failed = result(true);
    let said_failed = format!("echo '{failed}'");
    let said_failed_with_code = format!("echo '{failed}'; exit 4");
    for (agent, code, kind) in [
        ("true", 0, ""),
        ("exit 1", 1, "exit"),
        ("exit 2", 2, "exit"),
        ("exit 77", 77, "exit"),
        ("exit 255", 255, "exit"),
        ("kill -9 $$", 137, "signal"),
        ("kill -TERM $$", 143, "signal"),
        (&said_failed, 1, "agent-error"),
        (&said_failed_with_code, 4, "agent-error"),
    ] {
        let stage = Stage::new(&format!("{NOTE}{PUBLISH}"));
        let flown = stage.fly(&[], agent);
        assert_eq!(flown.code(), code, "{agent}: {}", flown.told());
        let job = &flown.report["job"];
        assert_eq!(job["failure_kind"].as_str().unwrap_or(""), kind, "{agent}: {job}");
        assert_eq!(job["succeeded"], kind.is_empty(), "{agent}: {job}");
        assert!(stage.has("noted"), "{agent}: a recorder runs in any case");
        let publish = if kind.is_empty() { ("success", "") } else { ("skipped", "job-failed") };
        assert_eq!(flown.end_of("publish"), publish, "{agent}: {}", flown.told());
        assert_eq!(stage.has("published"), kind.is_empty(), "{agent}");
    }
}

#[test]
fn best_effort_softens_our_own_codes_and_not_the_agents() {
    let blocked = "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['sh', '-c', 'exit 1']\n";
    let said_failed = format!("echo '{}'", result(true));
    for (agent, code) in [("true", 0), (said_failed.as_str(), 0), ("exit 1", 1), ("exit 77", 77), ("exit 124", 124)] {
        let flown = Stage::new(blocked).fly(&["--best-effort"], agent);
        assert_eq!(flown.code(), code, "{agent}: {}", flown.told());
    }
}

#[test]
fn an_agent_that_cannot_be_started_is_126_or_127_and_the_pipeline_runs() {
    for (program, code) in [("no-such-agent", 127), ("./tracked", 126)] {
        let stage = Stage::new(NOTE);
        let flown = stage.flown(finish(stage.words(&["mission", "--", program])));
        assert_eq!(flown.code(), code, "{}", flown.told());
        assert_eq!(flown.report["job"]["failure_kind"], "spawn");
        assert!(stage.has("noted") && flown.ran.err().contains(program.trim_start_matches("./")), "{}", flown.told());
    }
}

#[test]
fn an_agents_timeout_is_124_and_all_that_it_started_is_gone() {
    let stage = Stage::new(&format!("[mission]\ntimeout = '500ms'\n{NOTE}"));
    let flown = stage.fly(&[], "setsid sleep 61 & sleep 62");
    assert_eq!(stage.world.census(), Vec::<String>::new());
    assert_eq!((flown.code(), &flown.report["job"]["failure_kind"]), (124, &"timeout".into()), "{}", flown.told());
    assert!(stage.has("noted"));
}

#[test]
fn what_a_healthy_agent_leaves_behind_is_ended_too() {
    let stage = Stage::new(NOTE);
    let flown = stage.fly(&[], "sleep 61 & setsid sleep 62 & (setsid sleep 63 &)");
    assert_eq!(stage.world.census(), Vec::<String>::new());
    assert_eq!(flown.code(), 0, "{}", flown.told());
}

#[test]
fn output_streams_through_byte_for_byte_and_is_captured() {
    let stage = Stage::new("");
    let bytes: Vec<u8> = (0..400_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0]).collect();
    fs::write(stage.beside("bytes"), &bytes).unwrap();
    let flown = stage.fly(&[], "cat ../bytes; printf 'tail without a line feed'; cat ../bytes >&2");
    let whole = [&bytes[..], b"tail without a line feed"].concat();
    assert!(flown.ran.stdout == whole, "standard output was changed");
    assert!(flown.ran.stderr.starts_with(&bytes), "standard error was changed");
    let captured = |key: &str| fs::read(flown.report["job"][key].as_str().unwrap()).unwrap();
    assert!(captured("stdout_path") == whole && captured("stderr_path") == bytes);
}

#[test]
fn output_of_any_kind_never_stops_the_pipeline() {
    let cut = &result(false)[..40];
    let steps =
        format!("[[step]]\nname = 'cost'\nuses = 'usage'\n[[step]]\nname = 'end'\nuses = 'session'\n{NOTE}{PUBLISH}");
    for (what, agent) in [
        ("empty", "true".to_owned()),
        ("closed", "exec >&- 2>&-; sleep 0.1".to_owned()),
        ("50 MB", "head -c 52428800 /dev/zero".to_owned()),
        ("one line of 20 MB", "head -c 20971520 /dev/zero | tr '\\0' '['".to_owned()),
        ("binary", "head -c 300000 /dev/urandom".to_owned()),
        ("broken JSON", "echo '{\"type\": \"result\", \"is_error\": }'; echo ']]]}}}'".to_owned()),
        ("truncated", format!("printf '%s' '{cut}'")),
        ("of other types", "echo '{\"type\":\"result\",\"is_error\":\"maybe\",\"usage\":[],\"result\":7}'".to_owned()),
        ("hostile", "printf '\\033]0;owned\\007{\"type\":\"result\",\"result\":\"\\033[2J\"}'".to_owned()),
    ] {
        let stage = Stage::new(&steps);
        let flown = stage.fly(&[], &agent);
        assert!(stage.has("noted") && stage.has("published"), "{what}: {}", flown.told());
        assert_eq!(flown.code(), 0, "{what}: {}", flown.told());
        for step in ["cost", "end"] {
            let ends = flown.end_of(step);
            assert!(ends == ("success", "") || ends == ("not-applicable", ""), "{what}: {}", flown.told());
        }
    }
}

/// Starts a mission, waits until it is `up`, sends the signals, and reads what came of it.
fn stopped(stage: &Stage, agent: &str, signals: &[&str]) -> Flown {
    let child = start(stage.command(&[], agent));
    stage.world.await_file("../up");
    for name in signals {
        signal(&child, name);
        sleep(400);
    }
    stage.flown(end_of(child))
}

#[test]
fn a_signal_during_the_agent_ends_everything_and_the_rows_say_interrupted() {
    let check = "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['true']\non = 'always'\n";
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let stage = Stage::new(&format!("{NOTE}{check}{PUBLISH}"));
        let flown = stopped(&stage, "(setsid sleep 61 &); touch ../up; sleep 62; sleep 63", &[name]);
        assert_eq!(stage.world.census(), Vec::<String>::new(), "{name}");
        assert_eq!((flown.code(), &flown.report["result"]), (code, &"interrupted".into()), "{name}: {}", flown.told());
        assert_eq!(flown.report["job"]["failure_kind"], "interrupted");
        assert_eq!(flown.end_of("note"), ("interrupted", ""), "{name}: {}", flown.told());
        assert_eq!(flown.end_of("check"), ("interrupted", ""), "{name}: {}", flown.told());
        assert_eq!(flown.word("check", "verdict"), "block", "{name}: {}", flown.told());
        assert!(!stage.has("noted") && !stage.has("published"), "{name}");
        let agent = stage.world.circuit("work/agent");
        assert_eq!((&agent["totals"]["ignored"], &agent["totals"]["failure"]), (&1.into(), &0.into()), "{agent}");
    }
}

#[test]
fn a_signal_during_the_pipeline_ends_everything_whatever_the_agents_own_code_was() {
    let slow = "[[step]]\nname = 'slow'\nkind = 'recorder'\nrun = ['sh', '-c', '(setsid sleep 61 &); touch ../up; sleep 62']\n\
                [[step]]\nname = 'then'\nkind = 'recorder'\nafter = ['slow']\nrun = ['touch', '../noted']\n";
    for (name, agent, code) in [("TERM", "true", 143), ("INT", "true", 130), ("TERM", "exit 3", 143)] {
        let stage = Stage::new(slow);
        let flown = stopped(&stage, agent, &[name]);
        assert_eq!(stage.world.census(), Vec::<String>::new(), "{name}");
        assert_eq!((flown.code(), &flown.report["result"]), (code, &"interrupted".into()), "{name}: {}", flown.told());
        assert_eq!(flown.end_of("slow"), ("interrupted", ""), "{}", flown.told());
        assert_eq!(flown.end_of("then"), ("interrupted", ""), "{}", flown.told());
        assert!(!stage.has("noted"));
        assert_eq!(stage.world.circuit("slow")["totals"]["ignored"], 1, "{}", flown.told());
    }
}

#[test]
fn a_second_signal_ends_at_once_what_ignores_the_first() {
    let stage = Stage::new(NOTE);
    let flown = stopped(&stage, "trap '' TERM INT; touch ../up; while :; do sleep 0.1; done", &["TERM", "TERM"]);
    assert_eq!(stage.world.census(), Vec::<String>::new());
    assert_eq!(flown.code(), 143, "{}", flown.told());
    assert!(flown.ran.took < Duration::from_secs(4), "{:?}", flown.ran.took);
}

#[test]
fn three_failed_missions_open_the_agents_circuit_and_the_fourth_starts_nothing() {
    let stage = Stage::new(NOTE);
    for _ in 0..3 {
        assert_eq!(stage.fly(&[], "exit 9").code(), 9);
    }
    let flown = stage.fly(&["--no-wait"], "touch ../agent");
    assert_eq!((flown.ran.code, stage.has("agent")), (75, false), "{}", flown.told());
    assert!(flown.ran.err().contains("work/agent"), "{}", flown.ran.err());
    assert_eq!(stage.run(&["reset", "work/agent"]).code, 0);
    let flown = stage.fly(&["--no-wait"], "touch ../agent");
    assert_eq!((flown.ran.code, stage.has("agent")), (0, true), "{}", flown.told());
    assert!(!flown.ran.err().contains("killed"), "what never began was not killed: {}", flown.ran.err());
}

#[test]
fn a_mission_that_waits_goes_on_when_somebody_resets_and_ends_at_a_signal() {
    let stage = Stage::new(NOTE);
    assert_eq!(stage.run(&["switch", "work/agent", "off", "--reason", "maintenance"]).code, 0);
    let flown = stage.fly(&[], "touch ../agent");
    assert_eq!((flown.ran.code, stage.has("agent")), (75, false), "switched off does not wait: {}", flown.ran.err());
    assert_eq!(stage.run(&["switch", "work/agent", "auto"]).code, 0);
    for _ in 0..3 {
        assert_eq!(stage.fly(&[], "exit 9").code(), 9);
    }
    let waiting = start(stage.command(&[], "touch ../agent"));
    sleep(700);
    signal(&waiting, "TERM");
    let ran = end_of(waiting);
    assert_eq!((ran.code, stage.has("agent")), (143, false), "{}", ran.err());
    assert!(ran.err().contains("waiting: "), "{}", ran.err());
}
