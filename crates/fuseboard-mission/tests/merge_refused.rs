//! The merge, refused: an answer with its reason, and everything is as it was.

use std::fs;

use fuseboard_mission::steps::merge::Merge;
use fuseboard_pipeline::config::StepOptions;

mod mission;
mod repository;

use mission::{LOCAL_MERGE, Mission, PUSHED, STRATEGIES};
use repository::git_in;

#[test]
fn a_head_that_moved_is_refused() {
    let mission = Mission::new();
    mission.repository.commit("After the gates");
    assert!(mission.refused().contains("moved since the mission ended"));
    mission.repository.git(["checkout", "-q", "-b", "elsewhere"]);
    assert!(mission.refused().contains("elsewhere is checked out"));
    mission.repository.git(["checkout", "-q", "--detach"]);
    assert!(mission.refused().contains("no branch is checked out"));
}

#[test]
fn a_job_without_branch_or_commit_is_refused() {
    let mut mission = Mission::new();
    mission.job.project.commit = None;
    assert!(mission.refused().contains("commit is not known"));
    mission.job.project.branch = None;
    assert!(mission.refused().contains("no branch"));
}

#[test]
fn changes_in_tracked_files_are_refused_and_named_and_untracked_ones_are_not() {
    let mission = Mission::new();
    mission.repository.write("untracked", "x");
    mission.repository.write("file", "changed");
    assert!(mission.refused().ends_with("not committed: file"));
    mission.repository.git(["add", "file"]);
    assert!(mission.refused().ends_with("not committed: file"));
    mission.repository.git(["reset", "-q", "--hard"]);
    mission.merge(&LOCAL_MERGE);
}

#[test]
fn a_base_that_is_checked_out_is_refused_without_a_remote() {
    let mission = Mission::new();
    let side = mission.repository.beside("side");
    mission.repository.git(["worktree", "add", "-q", side.to_str().unwrap(), "main"]);
    assert!(mission.refused().contains(side.to_str().unwrap()));
}

#[test]
fn a_branch_that_is_not_pushed_is_refused() {
    let mut mission = Mission::with_remote();
    mission.repository.commit("Only here");
    mission.ended();
    assert!(mission.refused().contains("not pushed to origin"));
    mission.repository.git(["update-ref", "refs/remotes/origin/agent/one", "HEAD"]);
    assert!(mission.refused().contains("not pushed to origin"), "the remote is asked, not our memory of it");
}

#[test]
fn a_branch_that_fits_no_pattern_and_the_base_itself_are_refused() {
    let mission = Mission { options: "branches = ['bot/*', 'agent/two']", ..Mission::new() };
    assert!(mission.refused().contains("agent/one fits none of bot/*, agent/two"));
    let mut mission = Mission::new();
    mission.repository.git(["checkout", "-q", "main"]);
    mission.ended();
    assert!(mission.refused().contains("main is the base itself"));
}

#[test]
fn a_fixed_base_that_moved_is_refused() {
    let mission = Mission { options: "base = 'fixed'", ..Mission::new() };
    mission.main_moves("other", "y\n");
    assert!(mission.refused().contains("main has moved since the mission began"));
    let still = Mission { options: "base = 'fixed'", ..Mission::new() };
    still.merge(&LOCAL_MERGE);
}

#[test]
fn outside_of_a_repository_it_is_refused() {
    let mut mission = Mission::new();
    let folder = tempfile::tempdir().unwrap();
    mission.job.project.path = folder.path().to_owned();
    assert!(mission.refused().contains("not a git repository"));
}

#[test]
fn configuration_that_runs_programs_is_refused_and_none_runs() {
    let keys = ["filter.trap.smudge", "merge.trap.driver", "core.sshCommand", "credential.helper", "gpg.program"];
    // gh runs git as well.
    for (key, options) in keys.into_iter().map(|key| (key, "")).chain([(keys[0], "via = 'github'")]) {
        let mut mission = Mission { options, ..Mission::with_remote() };
        let canary = mission.repository.canary();
        mission.repository.write(".gitattributes", "* filter=trap merge=trap diff=trap\n");
        mission.repository.commit("Set the trap");
        mission.pushed();
        mission.repository.git(["config", key, &canary.script]);
        assert!(mission.refused().to_lowercase().contains(&key.to_lowercase()), "{key}");
        canary.assert_silent(key);
    }
}

#[test]
fn several_addresses_are_refused() {
    let mission = Mission::with_remote();
    mission.repository.git(["config", "remote.origin.pushUrl", "../elsewhere"]);
    assert!(mission.refused().contains("more than one address"));
}

#[test]
fn hooks_monitors_and_signatures_of_the_repository_do_not_take_part() {
    for strategy in STRATEGIES {
        no_hook_takes_part(strategy);
    }
}

fn no_hook_takes_part(options: &'static str) {
    let mission = Mission { options, ..Mission::with_remote() };
    mission.somebody_else_pushes("other", "y\n");
    let canary = mission.repository.canary();
    let hooks = ["pre-commit", "commit-msg", "pre-push", "post-checkout", "post-merge", "pre-merge-commit"];
    let more = ["post-index-change", "reference-transaction", "prepare-commit-msg", "post-commit"];
    for hook in hooks.iter().chain(&more).chain(&["pre-rebase", "post-rewrite", "applypatch-msg", "pre-applypatch"]) {
        let _ = fs::create_dir(mission.repository.root.join(".git/hooks"));
        std::os::unix::fs::symlink(&canary.script, mission.repository.root.join(".git/hooks").join(hook)).unwrap();
    }
    for (key, value) in [
        ("core.fsmonitor", canary.script.as_str()),
        ("core.editor", &canary.script),
        ("diff.external", &canary.script),
        ("commit.gpgSign", "true"),
        ("push.gpgSign", "if-asked"),
        ("merge.verifySignatures", "true"),
        ("merge.ff", "false"),
        ("merge.autoStash", "true"),
        ("push.followTags", "true"),
        ("fetch.prune", "true"),
        ("rerere.enabled", "true"),
        ("pull.twohead", "ours"),
        ("merge.default", "binary"),
        ("sequence.editor", &canary.script),
        ("rebase.autoSquash", "true"),
        ("rebase.updateRefs", "true"),
        ("rebase.autoStash", "true"),
        ("push.pushOption", "ci.skip"),
        ("submodule.recurse", "true"),
    ] {
        mission.repository.git(["config", key, value]);
    }
    mission.repository.git(["-c", "merge.ff=true", "tag", "v1", "-m", "x"]);
    let _ = fs::remove_file(mission.repository.beside("canary.trace"));
    mission.merge(&PUSHED);
    canary.assert_silent("hooks and settings");
    assert!(!git_in(&mission.remote(), ["for-each-ref"]).contains("refs/tags"), "no tag went along");
}

// --- Options ----------------------------------------------------------------------------------------------

#[test]
fn options_that_cannot_be_meant_are_errors_of_the_configuration() {
    let errors = |text: &str| Merge::new(&StepOptions::of_text(text).unwrap()).unwrap_err().to_string();
    assert!(errors("via = 'gitlab'").contains("github"));
    assert!(errors("base = 'main~1'").contains("no branch can be called \"main~1\""));
    assert!(errors("strategy = 'sqash'").contains("squash"));
    assert!(errors("branches = []").contains("nothing could be merged"));
    assert!(errors("branches = ['agent/[a-z]*']").contains("only `*` and `?`"));
    assert!(errors("delte = true").contains("did you mean `delete`?"));
    assert!(Merge::new(&StepOptions::of_text("strategy = 'rebase'\nvia = 'github'").unwrap()).is_ok());
}
