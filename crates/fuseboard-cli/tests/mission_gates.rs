//! No action runs unless each gate that it waits for passed, in this run, on this commit.

mod mission_stage;
mod world;

use std::fs;

use mission_stage::Stage;

/// One way in which a gate does not pass.
struct Case {
    name: &'static str,
    /// The gate's lines in the configuration.
    gate: &'static str,
    agent: &'static str,
    options: &'static [&'static str],
    before: fn(&Stage),
    /// Status, reason, failure.
    ends: (&'static str, &'static str, &'static str),
    evaluated: bool,
    why: &'static str,
    code: i32,
}

const CASE: Case = Case {
    name: "",
    gate: "run = ['true']",
    agent: "true",
    options: &[],
    before: |_| (),
    ends: ("success", "", ""),
    evaluated: false,
    why: "",
    code: 77,
};

fn config(gate: &str) -> String {
    format!(
        "{}\n[[step]]\nname = 'publish'\nkind = 'action'\ngated_by = ['check']\non = 'always'\n\
         run = ['sh', '-c', 'touch ../published']\n",
        // A case may have a section of its own before the gate's keys.
        match gate.split_once("---") {
            Some((sections, gate)) => format!("{sections}\n[[step]]\nname = 'check'\nkind = 'gate'\n{gate}"),
            None => format!("[[step]]\nname = 'check'\nkind = 'gate'\n{gate}"),
        }
    )
}

fn answers() -> Vec<Case> {
    vec![
        Case {
            name: "a block code",
            gate: "run = ['sh', '-c', 'echo 3 failed; exit 1']",
            evaluated: true,
            why: "3 failed",
            ..CASE
        },
        Case {
            name: "another block code",
            gate: "run = ['sh', '-c', 'exit 101']\nblock_codes = [1, 101]",
            evaluated: true,
            why: "code 101",
            ..CASE
        },
        Case {
            name: "another code",
            gate: "run = ['sh', '-c', 'echo oh no >&2; exit 9']",
            ends: ("failed", "", "exit"),
            why: "oh no",
            ..CASE
        },
        Case {
            name: "2, which is a hook's block and not a gate's",
            gate: "run = ['sh', '-c', 'exit 2']",
            ends: ("failed", "", "exit"),
            why: "code 2",
            ..CASE
        },
        Case {
            name: "1, where that is no block code",
            gate: "run = ['sh', '-c', 'exit 1']\nblock_codes = [3]",
            ends: ("failed", "", "exit"),
            why: "code 1",
            ..CASE
        },
        Case {
            name: "a signal",
            gate: "run = ['sh', '-c', 'kill -9 $$']",
            ends: ("failed", "", "signal"),
            why: "SIGKILL",
            ..CASE
        },
        Case {
            name: "its timeout",
            gate: "run = ['sleep', '20']\ntimeout = '300ms'",
            ends: ("timed-out", "", "timeout"),
            why: "timed out after 300ms",
            ..CASE
        },
        Case {
            name: "its timeout, whatever it says then",
            gate: "run = ['sh', '-c', 'trap \"exit 0\" TERM; while :; do sleep 0.05; done']\ntimeout = '300ms'",
            ends: ("timed-out", "", "timeout"),
            why: "timed out after 300ms",
            ..CASE
        },
        Case {
            name: "a program that is not there",
            gate: "run = ['no-such-program']",
            ends: ("failed", "", "spawn"),
            why: "not found",
            ..CASE
        },
        Case {
            name: "a file that is not executable",
            gate: "run = ['./tracked']",
            ends: ("failed", "", "spawn"),
            why: "not executable",
            ..CASE
        },
        Case {
            name: "the deadline",
            gate: "[pipeline]\ndeadline = '700ms'\n---\nrun = ['sleep', '20']",
            ends: ("timed-out", "deadline", ""),
            why: "deadline",
            ..CASE
        },
    ]
}

fn left_out() -> Vec<Case> {
    vec![
        Case {
            name: "--skip",
            options: &["--skip", "check"],
            ends: ("skipped", "not-selected", ""),
            why: "not selected",
            ..CASE
        },
        Case {
            name: "--only",
            options: &["--only", "publish"],
            ends: ("skipped", "not-selected", ""),
            why: "not selected",
            ..CASE
        },
        Case {
            name: "enabled = false",
            gate: "run = ['true']\nenabled = false",
            ends: ("skipped", "disabled", ""),
            why: "disabled",
            ..CASE
        },
        Case {
            name: "the job failed",
            agent: "exit 3",
            ends: ("skipped", "job-failed", ""),
            why: "job failed",
            code: 3,
            ..CASE
        },
        Case {
            name: "an open circuit",
            before: |stage| {
                for _ in 0..2 {
                    assert_eq!(stage.run(&["record", "work/check", "failure", "--reason", "broken"]).code, 0);
                }
            },
            ends: ("skipped", "circuit-open", ""),
            why: "circuit open",
            ..CASE
        },
        Case {
            name: "switched off",
            before: |stage| {
                assert_eq!(stage.run(&["switch", "work/check", "off", "--reason", "flaky"]).code, 0);
            },
            ends: ("skipped", "switched-off", ""),
            why: "flaky",
            ..CASE
        },
        Case {
            name: "switched on, which makes nothing pass",
            gate: "run = ['sh', '-c', 'exit 9']",
            before: |stage| {
                assert_eq!(stage.run(&["switch", "work/check", "on", "--reason", "release"]).code, 0);
            },
            ends: ("failed", "", "exit"),
            why: "code 9",
            ..CASE
        },
        Case {
            name: "no time left for it",
            gate: "[pipeline]\ndeadline = '700ms'\njobs = 1\n[[step]]\nname = 'slow'\nkind = 'recorder'\n\
                   run = ['sleep', '20']\n---\nrun = ['true']",
            ends: ("skipped", "deadline", ""),
            why: "deadline",
            ..CASE
        },
    ]
}

fn changed() -> Vec<Case> {
    let script: fn(&Stage) = |stage| {
        stage.world.script("check.sh", "exit 1");
        stage.git("git add -A; git commit -qm check");
    };
    vec![
        Case {
            name: "its script, changed by the agent",
            gate: "run = ['./check.sh']",
            before: script,
            agent: "echo 'exit 0' >check.sh; git commit -qam sure",
            ends: ("skipped", "untrusted", ""),
            why: "rules changed: check.sh",
            ..CASE
        },
        Case {
            name: "its script, named as an argument and removed",
            gate: "run = ['sh', 'check.sh']",
            before: script,
            agent: "git rm -q check.sh; git commit -qm gone",
            ends: ("skipped", "untrusted", ""),
            why: "rules changed: check.sh",
            ..CASE
        },
        Case {
            name: "its script, which is a link that leads elsewhere now",
            gate: "run = ['sh', 'link']",
            before: |stage| {
                stage.world.script("strict", "exit 1");
                stage.world.script("lax", "exit 0");
                stage.git("ln -s strict link; git add -A; git commit -qm link");
            },
            agent: "ln -sf lax link; git commit -qam sure",
            ends: ("skipped", "untrusted", ""),
            why: "rules changed: link",
            ..CASE
        },
        Case {
            name: "HEAD, moved meanwhile",
            gate: "run = ['git', 'commit', '-q', '--allow-empty', '-m', 'more']",
            ends: ("failed", "", "error"),
            why: "the commit changed",
            ..CASE
        },
        Case {
            name: "a tracked file, changed meanwhile",
            gate: "run = ['sh', '-c', 'echo two >>tracked']",
            ends: ("failed", "", "error"),
            why: "tracked",
            ..CASE
        },
        Case {
            name: "a tracked file, changed before",
            agent: "echo two >>tracked",
            ends: ("failed", "", "error"),
            why: "not committed: tracked",
            ..CASE
        },
        Case {
            name: "a tracked file, changed before and mended by the gate",
            gate: "run = ['git', 'checkout', '-q', '.']",
            agent: "echo two >>tracked",
            ends: ("failed", "", "error"),
            why: "not committed: tracked",
            ..CASE
        },
        Case {
            name: "a file that git does not know",
            agent: "touch stray",
            ends: ("failed", "", "error"),
            why: "stray",
            ..CASE
        },
        Case {
            name: "a repository that cannot be read",
            agent: "echo garbage >.git/HEAD",
            ends: ("failed", "", "error"),
            why: "git",
            ..CASE
        },
    ]
}

fn store() -> Vec<Case> {
    vec![
        Case {
            name: "a store that is lost while the agent works",
            agent: "rm -rf \"$XDG_STATE_HOME/fuseboard\"; echo x >\"$XDG_STATE_HOME/fuseboard\"",
            ends: ("failed", "", "error"),
            why: "state",
            ..CASE
        },
        Case {
            name: "a store that is lost while the gate works",
            gate: "run = ['sh', '-c', 'rm -rf \"$XDG_STATE_HOME/fuseboard\"; echo x >\"$XDG_STATE_HOME/fuseboard\"']",
            ends: ("failed", "", "error"),
            why: "state",
            ..CASE
        },
        Case {
            name: "a store found corrupt at the start",
            before: |stage| {
                fs::create_dir_all(stage.beside("state/fuseboard")).unwrap();
                fs::write(stage.world.store(), "this is no database".repeat(500)).unwrap();
            },
            ends: ("failed", "", "error"),
            why: "set aside",
            ..CASE
        },
        Case {
            name: "a store made corrupt while the agent works",
            agent: "for file in \"$XDG_STATE_HOME\"/fuseboard/state.db*; do yes garbage | head -c 9000 >\"$file\"; done",
            ends: ("failed", "", "error"),
            why: "state",
            ..CASE
        },
        Case {
            name: "a state folder that cannot be made",
            before: |stage| {
                fs::remove_dir(stage.beside("state")).unwrap();
                fs::write(stage.beside("state"), "").unwrap();
            },
            ends: ("failed", "", "error"),
            why: "state",
            ..CASE
        },
    ]
}

fn assert_blocked(case: &Case) {
    let stage = Stage::new(&config(case.gate));
    (case.before)(&stage);
    let agent = format!("touch ../agent; {}", case.agent);
    let flown = stage.fly(case.options, &agent);
    let told = format!("{}: {}", case.name, flown.told());
    assert!(stage.has("agent"), "the agent did not work: {told}");
    assert!(!stage.has("published"), "PASSED: {told}");
    let row = flown.row("check");
    let ends = (flown.word("check", "status"), flown.word("check", "reason"), flown.word("check", "failure"));
    assert_eq!(ends, case.ends, "{told}");
    assert_eq!((&row["evaluated"], &row["verdict"]), (&case.evaluated.into(), &"block".into()), "{told}");
    assert!(flown.word("check", "why").contains(case.why), "{told}");
    assert_eq!(flown.end_of("publish"), ("skipped", "gate-blocked"), "{told}");
    let blocked_by = &flown.row("publish")["blocked_by"];
    assert_eq!(blocked_by[0]["gate"], "check", "{told}");
    assert_eq!((&blocked_by[0]["evaluated"], &blocked_by[0]["why"]), (&row["evaluated"], &row["why"]), "{told}");
    assert_eq!(flown.code(), case.code, "{told}");
    assert_eq!(flown.report["result"], "blocked", "{told}");
}

#[test]
fn a_gate_that_did_not_say_pass_blocks() {
    answers().iter().for_each(assert_blocked);
}

#[test]
fn a_gate_that_was_not_asked_blocks() {
    left_out().iter().for_each(assert_blocked);
}

#[test]
fn a_verdict_by_changed_rules_or_on_another_tree_blocks() {
    changed().iter().for_each(assert_blocked);
}

#[test]
fn a_gate_whose_state_cannot_be_told_blocks() {
    store().iter().for_each(assert_blocked);
}

#[test]
fn a_gate_that_passes_on_a_clean_tree_lets_the_action_run() {
    let stage = Stage::new(&config("run = ['sh', '-c', 'touch made-by-the-gate']"));
    let flown = stage.fly(&[], "echo two >>tracked; git commit -qam work");
    assert!(stage.has("published"), "{}", flown.told());
    let row = flown.row("check");
    assert_eq!((&row["verdict"], &row["evaluated"]), (&"pass".into(), &true.into()), "{}", flown.told());
    assert_eq!(row["commit"], flown.report["job"]["project"]["commit"], "{}", flown.told());
    assert_eq!((flown.code(), &flown.report["result"]), (0, &"success".into()), "{}", flown.told());
}

#[test]
fn an_ignored_file_is_no_stranger_and_an_untracked_one_may_be_allowed() {
    let stage = Stage::new(&config("run = ['true']"));
    stage.git("echo built >.gitignore; git add -A; git commit -qm ignore");
    assert_eq!(stage.fly(&[], "touch built").code(), 0);
    stage.configure(&config("[pipeline]\nuntracked = 'allow'\n---\nrun = ['true']"));
    assert_eq!(stage.fly(&[], "touch stray").code(), 0);
}

#[test]
fn every_gate_that_an_action_names_must_pass() {
    let two = |first: &str| {
        format!(
            "[[step]]\nname = 'other'\nkind = 'gate'\nrun = ['sh', '-c', '{first}']\n{}",
            config("run = ['true']").replace("['check']", "['check', 'other']")
        )
    };
    let stage = Stage::new(&two("exit 1"));
    let flown = stage.fly(&[], "true");
    assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    assert_eq!(flown.row("publish")["blocked_by"].as_array().unwrap().len(), 1, "{}", flown.told());
    stage.configure(&two("exit 0"));
    assert_eq!(stage.fly(&[], "true").code(), 0);
    assert!(stage.has("published"));
}

#[test]
fn outside_of_a_repository_a_verdict_is_bound_to_no_commit() {
    let stage = Stage::new(&config("run = ['true']"));
    stage.git("rm -rf .git");
    let flown = stage.fly(&[], "true");
    assert!(flown.code() == 0 && stage.has("published"), "{}", flown.told());
    assert!(flown.row("check")["commit"].is_null(), "{}", flown.told());
}
