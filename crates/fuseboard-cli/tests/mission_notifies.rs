//! `notify` at the end of a mission: addresses stay secret, a program that the agent changed is not run, signals are heard.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::Path;

mod mission_stage;
mod world;

use mission_stage::Stage;
use serde_json::Value;
use world::{end_of, finish, signal, start};

fn notify(with: &str) -> String {
    format!("[[step]]\nname = 'notify'\nuses = 'notify'\nwith = {{ {with} }}\n")
}

const OUTBOX: &str = "file = '../outbox'";

/// What stands in the outbox.
fn told(stage: &Stage) -> Vec<Value> {
    stage.read("config/outbox").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a file somewhere below the folder holds the text.
fn holds(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        let is_in = |bytes: Vec<u8>| bytes.windows(text.len()).any(|part| part == text.as_bytes());
        if path.is_dir() { holds(&path, text) } else { fs::read(path).is_ok_and(is_in) }
    })
}

#[test]
fn an_address_is_neither_in_the_report_nor_in_the_state_nor_told() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let address = format!("http://{gone}/T0/s3cret?key=s3cret");
    for with in [
        format!("webhook = '{address}', ping = '{address}'"),
        "webhook_env = 'WHERE_TO', ping_env = 'WHERE_TO'".to_owned(),
    ] {
        let stage = Stage::new(&notify(&with));
        let mut command = stage.command(&["-v"], "exit 5");
        command.env("WHERE_TO", &address);
        let flown = stage.flown(finish(command));
        assert_eq!(flown.word("notify", "status"), "failed", "{}", flown.told());
        let said = flown.row("notify").to_string();
        assert!(said.contains(&format!("the webhook http://{gone}/… cannot be reached")), "{said}");
        assert!(said.contains(&format!("the heartbeat http://{gone}/… cannot be reached")), "{said}");
        let runs = stage.run(&["runs", "-v"]);
        for text in [flown.report.to_string(), flown.ran.err(), runs.out(), runs.err()] {
            assert!(!text.contains("s3cret"), "{text}");
        }
        assert!(stage.has("state") && !holds(&stage.beside("state"), "s3cret"));
    }
}

#[test]
fn what_is_wrong_with_an_address_is_told_without_it() {
    let stage = Stage::new(&notify("webhook = 'http://example.org/s3cret', pong = 'https://example.org/s3cret'"));
    for format in ["text", "json"] {
        let ran = stage.run(&["validate", "--format", format]);
        assert_eq!(ran.code, 1, "{}", ran.err());
        let told = ran.out() + &ran.err();
        assert!(told.contains("does not begin with https://") && told.contains("pong"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
}

#[test]
fn a_program_that_the_agent_changed_is_not_run() {
    let stage = Stage::new(&notify("command = ['./tell.sh']"));
    stage.world.script("tell.sh", "cat >../told");
    stage.git("git add -A; git commit -qm tell");
    let flown = stage.fly(&[], "echo 'touch ../evil' >>tell.sh; exit 5");
    assert_eq!(flown.end_of("notify"), ("skipped", "untrusted"), "{}", flown.told());
    assert!(!stage.has("told") && !stage.has("evil"));
    stage.git("git checkout -q tell.sh");
    stage.fly(&[], "exit 5");
    assert!(stage.read("told").contains("Exit code 5"), "{}", stage.read("told"));
}

#[test]
fn a_signal_is_heard_while_a_webhook_does_not_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stage = Stage::new(&notify(&format!("webhook = 'http://{}/'", listener.local_addr().unwrap())));
    let child = start(stage.command(&[], "exit 5"));
    let (mut asked, _) = listener.accept().unwrap();
    asked.read_exact(&mut [0; 4]).unwrap();
    signal(&child, "TERM");
    let flown = stage.flown(end_of(child));
    assert_eq!(flown.ran.code, 143, "{}", flown.told());
    assert_eq!(flown.word("notify", "status"), "interrupted", "{}", flown.told());
    let spooled = fs::read_dir(stage.beside("state/fuseboard/spool/notices")).unwrap().count();
    assert_eq!(spooled, 1, "what was not told waits");
}

#[test]
fn what_exec_opened_is_told_by_the_next_mission_and_once() {
    let stage = Stage::new(&format!("{}[circuits.sync]\ncool_down = '1ms'\njitter = 0.0\n", notify(OUTBOX)));
    for _ in 0..4 {
        // The second opens the circuit, the others are probes that fail.
        assert_eq!(stage.run(&["exec", "sync", "--", "sh", "-c", "echo no share >&2; exit 3"]).code, 3);
        world::sleep(5);
    }
    stage.fly(&[], "true");
    let notices = told(&stage);
    assert_eq!(notices.len(), 1, "{notices:?}");
    assert_eq!(notices[0]["subject"], "sync is out: its circuit opened");
    assert!(notices[0]["text"].as_str().unwrap().contains("no share"), "{notices:?}");
    stage.fly(&[], "true");
    assert_eq!(told(&stage).len(), 1);
}

#[test]
fn a_failed_job_is_told_with_what_it_said_last() {
    let stage = Stage::new(&notify(OUTBOX));
    stage.fly(&[], "echo working >&2; echo 'no such branch: agent/x' >&2; echo >&2; exit 3");
    let notices = told(&stage);
    assert_eq!(notices[0]["text"], "Exit code 3.\nno such branch: agent/x", "{notices:?}");
}

#[test]
fn without_a_notify_step_nothing_waits_for_one() {
    let stage = Stage::new("");
    for _ in 0..2 {
        stage.run(&["exec", "sync", "--", "false"]);
    }
    assert!(!stage.world.store().with_file_name("spool").join("notices").exists());
    let page = stage.run(&["brief", "--format", "json"]).json();
    assert_eq!(page["needs"].as_array().unwrap().len(), 1, "{page}");
}

#[test]
fn what_an_open_notify_circuit_could_not_tell_is_told_when_it_is_well_again() {
    let stage = Stage::new(&notify(OUTBOX));
    stage.run(&["switch", "notify", "off", "--reason", "moving"]);
    let flown = stage.fly(&[], "exit 3");
    assert_eq!(flown.end_of("notify"), ("skipped", "switched-off"));
    assert!(flown.word("notify", "detail").ends_with("what it had to tell waits in the spool: 1"), "{}", flown.told());
    assert!(told(&stage).is_empty());
    stage.run(&["switch", "notify", "auto"]);
    stage.fly(&[], "true");
    assert_eq!(told(&stage).len(), 1);
}
