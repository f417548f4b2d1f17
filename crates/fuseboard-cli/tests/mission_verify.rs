//! `verify` asks GitHub's own program for the pull request: in the real program, where each call has its `PATH`.

mod mission_stage;
mod world;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use mission_stage::{Flown, Stage};

const STEPS: &str = "\
[[step]]
name = 'verify'
uses = 'verify'
with = { pull_request = true, block_on = ['diff', 'pull-request'] }

[[step]]
name = 'publish'
kind = 'action'
gated_by = ['verify']
run = ['touch', '../published']
";

const WORK: &str = "git switch -qc agent/work; echo two >>tracked; git commit -qam work";

/// A program of this name in a folder.
fn program(folder: &Path, name: &str, script: &str) {
    fs::create_dir_all(folder).unwrap();
    // Written aside and moved: a sibling that forks meanwhile must not hold it open for writing.
    let aside = folder.join("aside");
    fs::write(&aside, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&aside, fs::Permissions::from_mode(0o755)).unwrap();
    fs::rename(aside, folder.join(name)).unwrap();
}

/// Flies a mission with these folders as its `PATH`.
fn fly(stage: &Stage, path: &[PathBuf], agent: &str) -> Flown {
    let mut command = stage.command(&[], agent);
    command.env("PATH", std::env::join_paths(path).unwrap());
    stage.flown(world::finish(command))
}

/// A mission on a machine whose `gh` is this script.
fn asked(script: &str) -> (Stage, Flown) {
    let stage = Stage::new(STEPS);
    let folder = stage.beside("bin");
    program(&folder, "gh", script);
    let flown = fly(&stage, &[vec![folder], usual()].concat(), WORK);
    (stage, flown)
}

fn usual() -> Vec<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect()
}

/// Result and reason of the check.
fn pull_request(flown: &Flown) -> (&str, &str) {
    let checks = flown.row("verify")["output"]["checks"].as_array().unwrap_or_else(|| panic!("{}", flown.told()));
    let check = checks.iter().find(|check| check["name"] == "pull-request").unwrap();
    (check["result"].as_str().unwrap(), check["why"].as_str().unwrap())
}

#[test]
fn a_pull_request_passes_with_its_address() {
    let answer = "echo \"$@\" >../asked; cat >../input; echo '[{\"url\": \"https://github.com/a/b/pull/7\"}]'";
    let (stage, flown) = asked(answer);
    assert_eq!(pull_request(&flown), ("pass", "https://github.com/a/b/pull/7"), "{}", flown.told());
    assert_eq!(stage.read("asked").trim(), "pr list --head=agent/work --state all --limit 1 --json url");
    assert_eq!(stage.read("input"), "", "nothing is told on its standard input");
    assert!(flown.code() == 0 && stage.has("published"), "{}", flown.told());
}

#[test]
fn no_pull_request_is_a_warning_and_blocks_if_it_is_to() {
    let (stage, flown) = asked("echo '[]'");
    assert_eq!(pull_request(&flown), ("fail", "agent/work has no pull request"));
    assert_eq!(flown.word("verify", "why"), "pull-request: agent/work has no pull request");
    assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    stage.configure(&STEPS.replace(", 'pull-request'", ""));
    let flown = fly(&stage, &[vec![stage.beside("bin")], usual()].concat(), "git commit -qm more --allow-empty");
    assert_eq!((pull_request(&flown).0, flown.code()), ("warn", 0), "{}", flown.told());
}

#[test]
fn a_gh_that_fails_or_talks_nonsense_gives_no_verdict() {
    for (script, failure, why) in [
        ("echo not logged in >&2; exit 4", "error", "gh pr list exited with code 4: not logged in"),
        ("echo '[{\"url\": 7}]'", "error", "gh pr list answered what is no list of addresses: [{\"url\": 7}]"),
        ("echo '[{\"url\": \"javascript:x\"}]'", "error", "gh pr list answered what is no list of addresses"),
        (
            "echo '[{\"url\": \"https://github.com/a/b/pull/7\\u001b[31m\"}]'",
            "error",
            "gh pr list answered what is no list of addresses",
        ),
        ("true", "error", "gh pr list answered what is no list of addresses: nothing"),
        ("kill -9 $$", "error", "gh pr list was ended by SIGKILL"),
    ] {
        let (stage, flown) = asked(script);
        assert_eq!(
            (flown.end_of("verify").0, flown.word("verify", "failure")),
            ("failed", failure),
            "{}",
            flown.told()
        );
        let told = flown.word("verify", "why");
        assert!(told.starts_with(&format!("no verdict: pull-request crashed: {why}")), "{told}");
        assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    }
}

#[test]
fn a_gh_that_is_missing_gives_no_verdict() {
    let stage = Stage::new(STEPS);
    let folder = stage.beside("few");
    fs::create_dir(&folder).unwrap();
    for name in ["git", "sh"] {
        let found = usual().into_iter().map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap();
        symlink(found, folder.join(name)).unwrap();
    }
    let flown = fly(&stage, &[folder], WORK);
    let told = flown.word("verify", "why");
    assert!(told.starts_with("no verdict: pull-request crashed: gh cannot be started: gh: not found"), "{told}");
    assert_eq!((flown.word("verify", "failure"), flown.code()), ("spawn", 77), "{}", flown.told());
}

#[test]
fn a_gh_that_hangs_is_ended_with_the_step() {
    let stage = Stage::new(&STEPS.replace("uses = 'verify'", "uses = 'verify'\ntimeout = '1500ms'"));
    program(&stage.beside("bin"), "gh", "sleep 60");
    let flown = fly(&stage, &[vec![stage.beside("bin")], usual()].concat(), WORK);
    assert_eq!(flown.end_of("verify").0, "timed-out", "{}", flown.told());
    assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
}

#[test]
fn a_gh_that_lies_in_the_repository_is_not_asked() {
    for folder in [".", "sub"] {
        let stage = Stage::new(STEPS);
        stage.git("mkdir sub; echo x >sub/tracked; git add sub; git commit -qm sub");
        program(&stage.beside("evil"), "gh", "echo '[{\"url\": \"https://github.com/a/b/pull/7\"}]'");
        program(&stage.beside("bin"), "gh", "echo '[]'");
        let top = stage.world.path(".");
        let agent =
            format!("cd '{}'; {WORK}; mkdir bin; cp ../evil/gh bin; git add bin; git commit -qm gh", top.display());
        let mut command = stage.command(&["-C", folder], &agent);
        let inside = vec![PathBuf::from("bin"), top.join("bin"), stage.beside("bin")];
        command.env("PATH", std::env::join_paths([inside, usual()].concat()).unwrap());
        let flown = stage.flown(world::finish(command));
        assert_eq!(pull_request(&flown).0, "fail", "{folder}: {}", flown.told());
        assert!(!stage.has("published"), "{folder}");
    }
}

#[test]
fn a_re_run_is_asked_for_once_and_counted_in_the_ledger() {
    let stage = Stage::new("[[step]]\nname = 'verify'\nuses = 'verify'\nwith = { reruns = 1 }\n");
    for (title, asked) in [("mend it", true), ("mend it", false), ("another", true)] {
        let flown = stage.fly(&["--title", title], "true");
        assert_eq!(flown.code(), 77, "{}", flown.told());
        assert_eq!(flown.row("verify")["output"]["rerun"]["asked"], asked, "{title}: {}", flown.told());
    }
}
