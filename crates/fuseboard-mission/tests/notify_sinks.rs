//! `notify` tells commands and webhooks, each message once, whatever becomes of the other sinks; and its heartbeat.

mod recorder_support;
mod web_server;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_mission::steps::notify::{Notify, Severity};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::report::CircuitChanges;
use fuseboard_pipeline::step::Step as _;
use recorder_support::{Stage, options};
use serde_json::Value;
use web_server::Server;

const SERVER_ERROR: &str = "HTTP/1.1 500 s3cret\r\nConnection: close\r\n\r\n";
const PLEASED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// A run of which there is one thing to tell, and one more of little weight.
fn troubled() -> Stage {
    let mut stage = Stage::new();
    stage.job.project.path = stage.folder.path().to_owned();
    // No two alike: what carries the mark of another step would be ended with it.
    stage.run = format!("0198{}", stage.folder.path().file_name().unwrap().display());
    stage.circuits.opened = vec!["cost".into()];
    stage.circuits.closed = vec!["budget".into()];
    stage
}

/// The next run, of which there is nothing to tell.
fn healthy(stage: &mut Stage) {
    stage.run.push_str("-next");
    (stage.circuits, stage.ended) = (CircuitChanges::default(), Vec::new());
}

fn notify(text: &str) -> Notify {
    Notify::of(&options(text)).unwrap()
}

fn detail(stage: &Stage, notify: &Notify) -> String {
    stage.play(notify).unwrap().detail.unwrap()
}

fn error(stage: &Stage, notify: &Notify) -> String {
    stage.play(notify).unwrap_err().to_string()
}

/// A program that writes down what it gets, then does this.
fn script(stage: &Stage, end: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let (path, folder) = (stage.folder.path().join("teller"), stage.folder.path().display());
    let text = format!(
        "#!/bin/sh\necho \"$FUSEBOARD_NOTICE_SEVERITY: $FUSEBOARD_NOTICE_SUBJECT ($*)\" >>{folder}/words\n\
         cat >>{folder}/input\n{end}\n"
    );
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn lines(path: impl AsRef<Path>) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

fn every_text_below(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.push_str(&path.to_string_lossy());
        if path.is_dir() {
            all.push_str(&every_text_below(&path));
        } else {
            all.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap()));
        }
    }
    all
}

// --- The command ------------------------------------------------------------------------------------------

#[test]
fn a_command_gets_each_message_as_json_and_in_short_as_variables() {
    let stage = troubled();
    let program = script(&stage, "");
    let notify = notify(&format!("command = [{program:?}, 'a b', '']"));
    assert_eq!(detail(&stage, &notify), "told 2 notices");
    let words = lines(stage.folder.path().join("words"));
    assert_eq!(words, ["warning: cost is out: its circuit opened (a b )", "info: budget works again (a b )"]);
    let input = lines(stage.folder.path().join("input"));
    let first: Value = serde_json::from_str(&input[0]).unwrap();
    assert_eq!((&first["severity"], &first["run"], input.len()), (&"warning".into(), &stage.run.as_str().into(), 2));
    assert!(!stage.state().join("outbox.jsonl").exists(), "an outbox was not asked for");
    assert_eq!(notify.names_files()[1..], ["a b", ""]);
}

#[test]
fn a_replayed_run_tells_a_command_nothing_twice() {
    let stage = troubled();
    let notify = notify(&format!("command = [{:?}]", script(&stage, "")));
    detail(&stage, &notify);
    detail(&stage, &notify);
    assert_eq!(lines(stage.folder.path().join("words")).len(), 2);
}

#[test]
fn what_a_command_refuses_waits_and_what_it_took_before_is_not_told_again() {
    let mut stage = troubled();
    let notify =
        notify(&format!("command = [{:?}]", script(&stage, "[ $(wc -l <words) = 1 ] || { echo no >&2; exit 3; }")));
    let said = error(&stage, &notify);
    assert!(said.contains("exited with code 3: no") && said.ends_with("waiting in the spool: 1"), "{said}");
    script(&stage, "");
    healthy(&mut stage);
    assert_eq!(detail(&stage, &notify), "nothing to tell; told 1 of earlier runs");
    let words = lines(stage.folder.path().join("words"));
    assert!(words.len() == 3 && words[1] == words[2], "{words:?}");
}

#[test]
fn a_command_that_is_missing_or_does_not_end_fails_within_the_deadline() {
    let mut stage = troubled();
    assert!(error(&stage, &notify("command = ['./none']")).contains("the command ./none"));
    let hangs = notify(&format!("command = [{:?}]", script(&stage, "sleep 61")));
    stage.deadline = Deadline::after(Duration::from_millis(400));
    let failed = stage.play(&hangs).unwrap_err();
    assert_eq!(failed.kind, None, "that its share was short is not its fault: {failed}");
    assert!(failed.to_string().ends_with("waiting in the spool: 2"), "{failed}");
}

// --- The webhook ------------------------------------------------------------------------------------------

#[test]
fn a_webhook_gets_each_message_once_as_json() {
    let (stage, server) = (troubled(), Server::pleased());
    let notify = notify(&format!("webhook = {:?}", server.address("/T0/s3cret?key=s3cret")));
    assert_eq!(detail(&stage, &notify), "told 2 notices");
    assert_eq!(detail(&stage, &notify), "told 2 notices");
    let requests = server.requests();
    assert_eq!(server.lines(), ["POST /T0/s3cret?key=s3cret", "POST /T0/s3cret?key=s3cret"]);
    let body: Value = serde_json::from_str(&requests[0].body).unwrap();
    assert_eq!(body["subject"], "cost is out: its circuit opened");
    assert!(requests[0].head.to_lowercase().contains("content-type: application/json"));
    assert!(!every_text_below(stage.folder.path()).contains("s3cret"));
    assert!(!format!("{notify:?}").contains("s3cret"));
}

#[test]
fn a_webhook_that_answers_anything_but_well_is_named_by_its_host_alone() {
    let elsewhere = Server::pleased();
    let moved = format!("HTTP/1.1 307 s3cret\r\nLocation: {}\r\nConnection: close\r\n\r\n", elsewhere.address("/"));
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "s3cret".repeat(100_000));
    for (answer, why) in [
        (SERVER_ERROR, "/… answers 500"),
        (&moved, "answers 307: it has moved, and is not followed there"),
        ("s3cret\r\n\r\n", "/… cannot be reached"),
        (&endless, "/… cannot be reached"),
    ] {
        let (stage, server) = (troubled(), Server::answering(&[answer]));
        let said = error(&stage, &notify(&format!("webhook = {:?}", server.address("/s3cret"))));
        assert!(said.contains(why) && said.ends_with("waiting in the spool: 2"), "{said}");
        assert_eq!(server.lines().len(), 1, "the second one waits: {said}");
        assert!(!said.contains("s3cret") && !every_text_below(stage.folder.path()).contains("s3cret"), "{said}");
    }
    assert_eq!(elsewhere.lines(), [""; 0]);
}

#[test]
fn a_webhook_that_is_not_there_or_does_not_answer_fails_within_the_deadline() {
    let mut stage = troubled();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = error(&stage, &notify(&format!("webhook = 'http://127.0.0.1:{gone}/s3cret'")));
    assert!(said.contains("cannot be reached: connection refused"), "{said}");
    let server = Server::answering(&[""]);
    stage.deadline = Deadline::after(Duration::from_millis(300));
    let failed = stage.play(&notify(&format!("webhook = {:?}", server.address("/")))).unwrap_err();
    assert!(failed.kind.is_none() && failed.to_string().contains("did not answer in time"), "{failed}");
}

#[test]
fn a_server_that_does_not_speak_tls_is_not_told_over_https() {
    let (stage, server) = (troubled(), Server::pleased());
    let address = server.address("/s3cret").replace("http:", "https:");
    let said = error(&stage, &notify(&format!("webhook = {address:?}")));
    assert!(
        said.contains("https://127.0.0.1") && said.contains("cannot be reached") && !said.contains("s3cret"),
        "{said}"
    );
}

#[test]
fn what_a_webhook_missed_is_told_later_and_in_order() {
    let (mut stage, server) = (troubled(), Server::answering(&[SERVER_ERROR, PLEASED]));
    let notify = notify(&format!("webhook = {:?}", server.address("/")));
    error(&stage, &notify);
    let first = stage.run.clone();
    stage.run.push_str("-next");
    assert_eq!(detail(&stage, &notify), "told 2 notices; told 2 of earlier runs");
    let runs: Vec<Value> =
        server.requests().iter().map(|request| serde_json::from_str(&request.body).unwrap()).collect();
    let runs: Vec<&str> = runs.iter().map(|body| body["run"].as_str().unwrap()).collect();
    assert_eq!(runs, [&*first, &*first, &*first, &*stage.run, &*stage.run]);
}

#[test]
fn an_address_may_stand_in_the_environment() {
    let stage = troubled();
    let said = error(&stage, &notify("webhook_env = 'FUSEBOARD_TEST_NOT_SET'"));
    assert!(said.starts_with("the variable FUSEBOARD_TEST_NOT_SET is not set; "), "{said}");
    let said = error(&stage, &notify("webhook_env = 'PATH'"));
    assert!(said.starts_with("the variable PATH is no web address; "), "{said}");
}

// --- Several sinks ----------------------------------------------------------------------------------------

#[test]
fn a_healthy_sink_is_not_held_up_by_a_broken_one_and_each_is_told_once() {
    let (mut stage, server) = (troubled(), Server::answering(&[SERVER_ERROR, PLEASED]));
    let program = script(&stage, "");
    let notify = notify(&format!("file = 'box.jsonl'\ncommand = [{program:?}]\nwebhook = {:?}", server.address("/")));
    let said = error(&stage, &notify);
    assert!(said.contains("500") && said.ends_with("waiting in the spool: 2"), "{said}");
    let count = |stage: &Stage, name: &str| lines(stage.folder.path().join(name)).len();
    assert_eq!((count(&stage, "box.jsonl"), count(&stage, "words")), (2, 2));
    healthy(&mut stage);
    assert_eq!(detail(&stage, &notify), "nothing to tell; told 2 of earlier runs");
    assert_eq!((count(&stage, "box.jsonl"), count(&stage, "words"), server.lines().len()), (2, 2, 3));
    assert_eq!(notify.writes_files(), [fuseboard_pipeline::step::Written::File("box.jsonl".into())]);
}

#[test]
fn a_notice_that_an_earlier_version_spooled_is_still_read() {
    let mut stage = troubled();
    healthy(&mut stage);
    let folder = stage.state().join("spool/notices");
    fs::create_dir_all(&folder).unwrap();
    let message =
        r#"{"at":"2026-03-01T00:00:00.000Z","run":"0198-1","project":"p","severity":"info","subject":"old","text":""}"#;
    let outbox = stage.state().join("outbox.jsonl");
    fs::write(
        folder.join("0198-1-0000000000000000-00.json"),
        format!(r#"{{"outbox":{outbox:?},"message":{message}}}"#),
    )
    .unwrap();
    fs::write(folder.join("0198-1-0000000000000000-01.json"), format!(r#"{{"outbox":null,"message":{message}}}"#))
        .unwrap();
    assert_eq!(detail(&stage, &notify("")), "nothing to tell; told 2 of earlier runs");
    assert_eq!(lines(outbox).len(), 2);
}

#[test]
fn a_sink_whose_memory_is_broken_is_not_told_and_nothing_is_lost() {
    let stage = troubled();
    fs::create_dir_all(stage.state()).unwrap();
    fs::write(stage.state().join("told"), "").unwrap();
    let said = error(&stage, &notify(&format!("command = [{:?}]", script(&stage, ""))));
    assert!(said.contains("told is no folder") && said.ends_with("waiting in the spool: 2"), "{said}");
    assert_eq!(lines(stage.folder.path().join("words")), [""; 0]);
}

#[test]
fn a_spool_that_cannot_be_written_is_told_with_what_is_lost() {
    let stage = troubled();
    fs::create_dir_all(stage.state()).unwrap();
    fs::write(stage.state().join("spool"), "").unwrap();
    let said = error(&stage, &notify("command = ['./none']"));
    assert!(said.contains("lost of this run: 2, because the spool"), "{said}");
}

#[test]
fn what_is_below_the_least_severity_is_not_told() {
    let stage = troubled();
    assert_eq!(detail(&stage, &notify("least = 'warning'")), "told 1 notice");
    assert_eq!(detail(&stage, &notify("least = 'urgent'\nfile = 'other'")), "nothing to tell");
    assert_eq!(notify("least = 'action'").least, Severity::Action);
}

// --- The heartbeat ----------------------------------------------------------------------------------------

#[test]
fn the_heartbeat_is_all_that_a_healthy_run_sends() {
    let (mut stage, server) = (troubled(), Server::pleased());
    healthy(&mut stage);
    let notify = notify(&format!("webhook = {:?}\nping = {:?}", server.address("/hook"), server.address("/id?x=1")));
    assert_eq!(detail(&stage, &notify), "nothing to tell; heartbeat sent: success");
    assert_eq!(server.lines(), ["GET /id?x=1"]);
    assert!(!stage.state().exists());
}

#[test]
fn the_heartbeat_fails_with_the_job_and_with_a_sink() {
    let (mut stage, server) = (troubled(), Server::pleased());
    let ping = format!("ping = {:?}", server.address("/id"));
    stage.job.succeeded = false;
    assert!(detail(&stage, &notify(&ping)).ends_with("heartbeat sent: fail"));
    stage.job.succeeded = true;
    error(&stage, &notify(&format!("{ping}\ncommand = ['./none']")));
    assert_eq!(server.lines(), ["GET /id/fail", "GET /id/fail"]);
}

#[test]
fn a_heartbeat_that_is_not_heard_is_a_failure_and_does_not_wait_in_the_spool() {
    let (mut stage, server) = (troubled(), Server::answering(&[SERVER_ERROR]));
    healthy(&mut stage);
    let said = error(&stage, &notify(&format!("ping = {:?}", server.address("/s3cret"))));
    assert!(said.starts_with("the heartbeat http://127.0.0.1:") && said.ends_with("/… answers 500"), "{said}");
    assert!(!stage.state().exists());
    assert!(error(&stage, &notify("ping_env = 'FUSEBOARD_TEST_NOT_SET'")).contains("is not set"));
}

// --- Its options ------------------------------------------------------------------------------------------

#[test]
fn wrong_options_are_told_all_at_once_and_without_the_address() {
    for (text, why) in [
        ("command = []", "`command` names no program"),
        ("command = [' ']", "`command` names no program"),
        ("webhook = 'http://example.org/s3cret'", "`webhook` does not begin with https://"),
        ("ping = 's3cret'", "`ping` is no web address"),
        ("webhook = 'https://u:s3cret@example.org'", "`webhook` holds a user's name"),
        ("webhook = 'https://a.org/s3cret'\nwebhook_env = 'A'", "`webhook` and `webhook_env` are both given"),
        ("ping_env = 'https://a.org/s3cret'", "`ping_env` names no variable"),
        ("least = 'all'", "`least`"),
        ("webhok = 'https://a.org/s3cret'", "unknown key `webhok`"),
    ] {
        let errors = Notify::of(&options(text)).unwrap_err();
        assert!(errors.to_string().contains(why), "{text}: {errors}");
        assert!(!errors.to_string().contains("s3cret"), "{errors}");
    }
    let errors = Notify::of(&options("webhook = 'https://u@a.org/s3cret'\nleast = 1")).unwrap_err();
    assert_eq!(errors.errors().len(), 2);
    assert!(!errors.text().contains("s3cret"), "{}", errors.text());
}
