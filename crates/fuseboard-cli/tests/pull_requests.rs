//! The steps that have to do with the branch's pull request, `comment` and `requeue`, and `gh`, played by a script that
//! writes down how it was called.

use std::fs;
use std::os::unix::fs::symlink;

mod mission_stage;
mod world;

use mission_stage::{Flown, Stage};
use serde_json::{Value, json};
use world::finish;

const WORK: &str = "git switch -qc agent/work; echo 'x = 1  # TODO: later' >good.py; git add -A; git commit -qm work; \
                    git push -q origin agent/work";

const URL: &str = "https://github.com/example/app/pull/7";

/// What `gh pr view` prints. `HEAD` is what is checked out.
const VIEW: &str = r#"{"url": "https://github.com/example/app/pull/7", "state": "OPEN", "headRefOid": "HEAD",
                       "baseRefName": "main", "isDraft": false, "autoMergeRequest": null}"#;

/// Writes down its words and what it is to send; then says what the test wants.
const GH: &str = r#"
printf '%s\n' "$1 $2" >>"$WORLD/gh.calls"
printf '%s\n' "$*" >>"$WORLD/gh.words"
case "$1 $2" in
"pr view") sed "s/\"HEAD\"/\"$(git rev-parse HEAD)\"/" "$WORLD/gh.view"; . "$WORLD/gh.view.end";;
"api graphql") cat "$WORLD/gh.comments"; . "$WORLD/gh.comments.end";;
*) cat "${8}" >"$WORLD/gh.sent"; cat "$WORLD/gh.written"; . "$WORLD/gh.written.end";;
esac
"#;

const COMMENT: &str = "[[step]]\nname = 'comment'\nuses = 'comment'\n";
const SCAN: &str = "[[step]]\nname = 'scan'\nuses = 'diff-scan'\n";
const CHECK: &str = "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['sh', '-c', 'cat ../why; exit $(cat ../code)']\n";
const QUEUE: &str =
    "[[step]]\nname = 'requeue'\nuses = 'requeue'\nafter = ['check']\nwith = { file = '../../queue' }\n";

/// A repository with a remote, and a `gh` that knows an open pull request without comments.
fn stage(steps: &[&str]) -> Stage {
    let stage = Stage::new(&steps.concat());
    stage.git(
        "git init -q --bare -b main ../remote.git; git remote add origin ../remote.git; git push -q origin main; \
         mkdir ../bin; touch ../gh.view.end ../gh.comments ../gh.comments.end ../gh.written.end ../why; echo 0 >../code",
    );
    fs::write(stage.beside("gh.view"), VIEW).unwrap();
    let written = json!({ "id": 5, "html_url": format!("{URL}#issuecomment-5"), "body": "x" });
    fs::write(stage.beside("gh.written"), written.to_string()).unwrap();
    stage.world.script("../bin/gh", GH);
    stage
}

/// Flies a mission with the stand-in in front of everything else.
fn fly(stage: &Stage, options: &[&str]) -> Flown {
    let mut command = stage.command(options, WORK);
    command.env("PATH", format!("{}:{}", stage.beside("bin").display(), std::env::var("PATH").unwrap()));
    stage.flown(finish(command))
}

/// Follows a mission up once more, in the tree that it left.
fn again(stage: &Stage) -> Flown {
    let mut command = stage.words(&["after"]);
    command.env("PATH", format!("{}:{}", stage.beside("bin").display(), std::env::var("PATH").unwrap()));
    stage.flown(finish(command))
}

fn calls(stage: &Stage) -> Vec<String> {
    stage.read("gh.calls").lines().map(str::to_owned).collect()
}

fn sent(stage: &Stage) -> String {
    let sent: Value = serde_json::from_str(&stage.read("gh.sent")).unwrap_or(Value::Null);
    sent["body"].as_str().unwrap_or_default().to_owned()
}

/// Has the stand-in answer that there is this comment.
fn there_is(stage: &Stage, body: &str, ours: bool) {
    let node = json!({
        "databaseId": 5, "url": format!("{URL}#issuecomment-5"), "body": body, "viewerDidAuthor": ours,
    });
    fs::write(stage.beside("gh.comments"), format!("{node}\n")).unwrap();
}

#[track_caller]
fn assert_failed(flown: &Flown, step: &str, why: &str) {
    assert_eq!(flown.word(step, "status"), "failed", "{}", flown.told());
    let said = format!("{} {}", flown.word(step, "detail"), flown.word(step, "last_error"));
    assert!(said.contains(why), "{}", flown.told());
}

// --- The comment ------------------------------------------------------------------------------------------

#[test]
fn what_blocks_and_what_was_found_is_posted_and_nothing_in_it_pings_anybody() {
    let stage = stage(&[SCAN, CHECK, COMMENT]);
    fs::write(stage.beside("code"), "1").unwrap();
    fs::write(stage.beside("why"), "@everyone <b>`` ![x](https://evil.example) fixes #1\n").unwrap();
    let flown = fly(&stage, &[]);
    assert_eq!(flown.word("comment", "status"), "success", "{}", flown.told());
    assert_eq!(flown.word("comment", "detail"), format!("posted {URL}#issuecomment-5"));
    let body = sent(&stage);
    let project = flown.report["job"]["project"]["name"].as_str().unwrap();
    assert!(body.starts_with(&format!("<!-- fuseboard {project}/comment -->\n**Fuseboard**, run `")), "{body}");
    assert!(body.contains("\n- `check`: ``` @everyone <b>`` ![x](https://evil.example) fixes #1 ```"), "{body}");
    assert!(body.contains("\n- `scan` `good.py:1` `todo"), "{body}");
    let words = stage.read("gh.words");
    assert!(words.contains("api repos/example/app/issues/7/comments --hostname github.com --method POST"), "{words}");
    assert!(words.contains("-f owner=example -f name=app -F number=7"), "{words}");
    let output = &flown.row("comment")["output"];
    assert_eq!((&output["did"], &output["said"], &output["pr_url"]), (&json!("posted"), &json!(2), &json!(URL)));
}

#[test]
fn a_comment_of_ours_is_updated_and_left_alone_if_it_says_so_already() {
    let stage = stage(&[CHECK, COMMENT]);
    fs::write(stage.beside("code"), "1").unwrap();
    fly(&stage, &[]);
    let mark = sent(&stage).lines().next().unwrap().to_owned();
    there_is(&stage, &format!("{mark}\nold"), true);
    let flown = again(&stage);
    assert!(flown.word("comment", "detail").starts_with("updated "), "{}", flown.told());
    assert!(
        stage.read("gh.words").contains("api repos/example/app/issues/comments/5 --hostname github.com --method PATCH")
    );

    fs::write(stage.beside("code"), "0").unwrap();
    let flown = again(&stage);
    assert!(flown.word("comment", "detail").starts_with("updated "), "{}", flown.told());
    let well = sent(&stage);
    assert_eq!(well, format!("{mark}\n**Fuseboard**: nothing blocks and nothing was found, as of the last run."));
    there_is(&stage, &well.replace('\n', "\r\n"), true);
    let flown = again(&stage);
    assert!(flown.word("comment", "detail").ends_with("says so already"), "{}", flown.told());
    assert_eq!(calls(&stage).last().unwrap(), "api graphql");
}

#[test]
fn a_healthy_run_posts_nothing_and_a_comment_of_somebody_else_is_not_touched() {
    let stage = stage(&[CHECK, COMMENT]);
    let flown = fly(&stage, &[]);
    assert_eq!(flown.word("comment", "detail"), "nothing to say", "{}", flown.told());
    let project = flown.report["job"]["project"]["name"].as_str().unwrap();
    there_is(&stage, &format!("<!-- fuseboard {project}/comment -->\nmine"), false);
    assert_eq!(again(&stage).word("comment", "detail"), "nothing to say");
    assert!(!stage.has("gh.sent"));
}

#[test]
fn a_comment_is_never_longer_than_github_takes() {
    let stage =
        stage(&[SCAN, &COMMENT.replace("uses = 'comment'\n", "uses = 'comment'\nwith = { findings = 200 }\n"), CHECK]);
    let work = WORK.replace(
        "git add -A",
        "n=$(printf 'n%.0s' $(seq 200)); for i in $(seq 300); do echo '# TODO: x' >$n$i.py; done; git add -A",
    );
    let mut command = stage.command(&[], &work);
    command.env("PATH", format!("{}:{}", stage.beside("bin").display(), std::env::var("PATH").unwrap()));
    let flown = stage.flown(finish(command));
    let body = sent(&stage);
    assert!(
        body.len() < 65_000 && body.contains("Findings that are not listed: 101"),
        "{} {}",
        body.len(),
        flown.told()
    );
}

#[test]
fn without_a_pull_request_there_is_nothing_to_comment_on() {
    let none = stage(&[CHECK, COMMENT]);
    none.git(
        "echo 'echo no pull requests found for branch \\\"agent/work\\\" >&2; exit 1' >../gh.view.end; >../gh.view",
    );
    let flown = fly(&none, &[]);
    assert_eq!(flown.word("comment", "status"), "not-applicable", "{}", flown.told());
    let closed = stage(&[CHECK, COMMENT]);
    fs::write(closed.beside("gh.view"), VIEW.replace("OPEN", "CLOSED")).unwrap();
    let flown = fly(&closed, &[]);
    assert_eq!(flown.word("comment", "status"), "not-applicable", "{}", flown.told());
    assert_eq!(calls(&closed), ["pr view"]);
}

#[test]
fn a_remote_that_the_agent_has_moved_is_not_spoken_to() {
    let stage = stage(&[CHECK, COMMENT]);
    let mut command = stage.command(&[], &format!("{WORK}; git remote set-url origin https://github.com/evil/app"));
    command.env("PATH", format!("{}:{}", stage.beside("bin").display(), std::env::var("PATH").unwrap()));
    let flown = stage.flown(finish(command));
    assert_eq!(flown.end_of("comment"), ("skipped", "refused"), "{}", flown.told());
    assert_eq!(calls(&stage), [""; 0]);
}

#[test]
fn a_gh_that_fails_or_is_not_logged_in_or_not_understood_is_a_failure_with_the_remedy() {
    for (call, end, why) in [
        ("view", "echo 'To get started: gh auth login' >&2; exit 4", "log in by gh auth login, or set GH_TOKEN"),
        ("comments", "echo 'HTTP 403' >&2; exit 1", "gh api graphql exited with code 1: HTTP 403"),
        ("comments", "echo nonsense", "printed no comments that are understood"),
        ("written", "echo 'HTTP 422' >&2; exit 1", "gh api exited with code 1: HTTP 422"),
        ("written", "echo nonsense", "answered what is no comment"),
    ] {
        let stage = stage(&[CHECK, COMMENT]);
        fs::write(stage.beside("code"), "1").unwrap();
        fs::write(stage.beside(&format!("gh.{call}.end")), end).unwrap();
        assert_failed(&fly(&stage, &[]), "comment", why);
    }
}

#[test]
fn a_gh_that_does_not_answer_is_ended_with_the_steps_time() {
    let stage = stage(&[CHECK, &COMMENT.replace("uses", "timeout = '2s'\nuses")]);
    fs::write(stage.beside("gh.comments.end"), "sleep 61").unwrap();
    let flown = fly(&stage, &[]);
    assert_eq!(flown.word("comment", "status"), "timed-out", "{}", flown.told());
    assert_eq!(stage.world.census(), Vec::<String>::new());
}

/// Flies a mission on a machine without `gh`.
fn fly_without_gh(stage: &Stage, agent: &str) -> Flown {
    let folder = stage.beside("only");
    fs::create_dir(&folder).unwrap();
    for program in ["git", "sh", "cat"] {
        let mut folders = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>().into_iter();
        let found = folders.find_map(|folder| Some(folder.join(program)).filter(|file| file.exists())).unwrap();
        symlink(found, folder.join(program)).unwrap();
    }
    let mut command = stage.command(&["--agent", "claude"], agent);
    command.env("PATH", folder);
    stage.flown(finish(command))
}

#[test]
fn without_a_place_for_its_turn_or_for_the_text_nothing_is_posted() {
    for (place, said) in [("state/fuseboard/comments", "it cannot be this run's turn"), ("tmp", "there is no place")] {
        let stage = stage(&[CHECK, COMMENT]);
        fs::write(stage.beside("code"), "1").unwrap();
        fs::create_dir_all(stage.beside("state/fuseboard")).unwrap();
        fs::write(stage.beside(place), "").unwrap();
        let mut command = stage.command(&[], WORK);
        command.env("PATH", format!("{}:{}", stage.beside("bin").display(), std::env::var("PATH").unwrap()));
        command.env("TMPDIR", stage.beside("tmp"));
        let flown = stage.flown(finish(command));
        assert_failed(&flown, "comment", said);
        assert!(!stage.has("gh.sent"), "{}", flown.told());
    }
}

#[test]
fn without_gh_the_comment_fails_and_says_what_to_do() {
    let flown = fly_without_gh(&stage(&[CHECK, COMMENT]), WORK);
    assert_eq!(flown.word("comment", "failure"), "spawn", "{}", flown.told());
    assert_failed(&flown, "comment", "install it (https://cli.github.com)");
}

// --- The queue --------------------------------------------------------------------------------------------

fn queue(stage: &Stage) -> Vec<Value> {
    stage.read("queue").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn review_and_rebase_of_a_new_pull_request_are_queued_once() {
    let stage = stage(&[CHECK, QUEUE]);
    let flown = fly(&stage, &["--title", "mend it"]);
    assert_eq!(flown.word("requeue", "detail"), "queued review, rebase", "{}", flown.told());
    let entries = queue(&stage);
    let kinds: Vec<&Value> = entries.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["review", "rebase"]);
    assert_eq!((&entries[0]["pr_url"], &entries[0]["branch"]), (&json!(URL), &json!("agent/work")));
    assert_eq!((&entries[0]["title"], &entries[0]["of_run"]), (&json!("mend it"), &flown.report["id"]));
    assert_eq!(again(&stage).word("requeue", "detail"), "nothing to queue; 2 queued before");
    fs::remove_file(stage.beside("queue")).unwrap();
    assert_eq!(again(&stage).word("requeue", "detail"), "nothing to queue; 2 queued before", "the ledger knows");
    let follow_up = fly(&stage, &["--mode", "follow-up"]);
    assert_eq!(follow_up.word("requeue", "status"), "not-applicable", "{}", follow_up.told());
}

#[test]
fn a_merged_pull_request_is_not_followed_up_and_a_gh_that_fails_is_a_failure() {
    let merged = stage(&[CHECK, QUEUE]);
    fs::write(merged.beside("gh.view"), VIEW.replace("OPEN", "MERGED")).unwrap();
    assert_eq!(fly(&merged, &[]).word("requeue", "detail"), format!("nothing to queue; {URL} is merged"));
    let failing = stage(&[CHECK, QUEUE]);
    fs::write(failing.beside("gh.view.end"), "echo 'HTTP 502' >&2; exit 1").unwrap();
    assert_failed(&fly(&failing, &[]), "requeue", "gh pr view exited with code 1: HTTP 502; nothing to queue");
    assert!(!failing.has("queue"));
}

#[test]
fn without_gh_the_queue_goes_by_the_agents_word_and_says_so() {
    let session = "[[step]]\nname = 'session'\nuses = 'session'\nlast = false\n";
    let says = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"PR created: https://github.com/example/app/pull/9"}'"#;
    let told = stage(&[CHECK, session, &QUEUE.replace("'check'", "'check', 'session'")]);
    let flown = fly_without_gh(&told, &format!("{WORK}; {says}"));
    assert_eq!(flown.word("requeue", "status"), "success", "{}", flown.told());
    assert!(flown.word("requeue", "detail").contains("/pull/9 is the agent's word: gh cannot be started"));
    assert_eq!(queue(&told)[0]["pr_url"], "https://github.com/example/app/pull/9");
    let silent = stage(&[CHECK, QUEUE]);
    assert_failed(&fly_without_gh(&silent, WORK), "requeue", "install it (https://cli.github.com)");
}
