//! The merge, failed, held up or killed: everything is as it was.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::Answer;

mod mission;
mod repository;

use mission::{LOCAL_MERGE, Mission};

#[test]
fn a_conflict_is_a_failure_that_names_the_files() {
    let mission = Mission::new();
    mission.main_moves("file", "one\ntwo\nthree\nanother four\n");
    let error = mission.failed();
    assert!(error.kind.is_some() && error.message.ends_with("agent/one and main conflict in file"), "{error}");
    let mission = Mission::with_remote();
    mission.somebody_else_pushes("file", "one\ntwo\nthree\nanother four\n");
    assert!(mission.failed().message.ends_with("conflict in file"));
}

#[test]
fn a_rejected_push_is_a_failure_with_its_reason() {
    let mission = Mission::with_remote();
    let hook = mission.remote().join("hooks/pre-receive");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\necho protected >&2\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let error = mission.failed();
    assert!(error.message.contains("pre-receive hook declined"), "{error}");
}

#[test]
fn a_base_that_moves_in_the_last_moment_is_not_overwritten() {
    let mission = Mission::with_remote();
    let git = mission.repository.ours();
    let (old, head) = (mission.repository.id("main"), mission.repository.id("agent/one"));
    let theirs = mission.somebody_else_pushes("other", "y\n");
    let plan =
        fuseboard_mission::git::PushPlan { remote: "origin", branch: "main", old: &old, new: &head, delete: None };
    assert!(git.push(&plan).unwrap_err().to_string().contains("stale info"));
    assert_eq!(mission.on_remote("main"), Some(theirs));
    let moved = mission.main_moves("other", "y\n");
    assert!(git.move_branch("main", &head, &old).is_err());
    assert_eq!(mission.repository.id("main"), moved);
}

#[test]
fn a_remote_that_cannot_be_reached_is_a_failure() {
    let mission = Mission::with_remote();
    fs::rename(mission.remote(), mission.repository.beside("gone")).unwrap();
    assert!(mission.failed().kind.is_some());
}

#[test]
fn what_is_merged_already_is_not_applicable() {
    let mut mission = Mission::new();
    mission.merge(&LOCAL_MERGE);
    assert!(matches!(mission.answer(), Ok(Answer::NotApplicable(_))), "the same content, once more");
    mission.repository.git(["reset", "-q", "--hard", "main"]);
    mission.ended();
    assert!(matches!(mission.answer(), Ok(Answer::NotApplicable(_))), "the same commit");
}

// --- One at a time, and after a kill ----------------------------------------------------------------------

#[test]
fn two_merges_of_a_project_take_turns_until_their_time_is_up() {
    let mut mission = Mission::new();
    let turn = mission.repository.ours().wait_for_turn(&mission.state().join("merges")).unwrap();
    mission.deadline = Deadline::after(Duration::from_millis(400));
    let error = mission.failed();
    assert_eq!(error.kind, None);
    assert!(error.message.contains("still under way"), "{error}");
    mission.deadline = Deadline::NEVER;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| mission.merge(&LOCAL_MERGE));
        std::thread::sleep(Duration::from_millis(200)); // so that it waits for its turn
        assert!(!waiting.is_finished());
        drop(turn);
        waiting.join().unwrap();
    });
}

#[test]
fn what_a_killed_merge_left_is_cleaned_up_and_what_belongs_to_others_is_not() {
    let mission = Mission::new();
    let git = mission.repository.ours();
    let main = mission.repository.id("main");
    let turn = git.wait_for_turn(&mission.state().join("merges")).unwrap();
    let clean = mission.repository.everything();
    let worktree = git.temporary_worktree(&turn, &main).unwrap();
    let folder = worktree.folder().to_owned();
    mission.repository.git(["worktree", "lock", folder.to_str().unwrap()]);
    let name = folder.file_name().unwrap().to_owned();
    let record = mission.repository.root.join(".git/worktrees").join(&name);
    // As if killed: its files stay, its lock goes.
    let (kept_folder, kept_record) = (mission.repository.beside("kept"), mission.repository.beside("kept-record"));
    copy(&folder, &kept_folder);
    copy(&record, &kept_record);
    drop(worktree);
    drop(turn);
    assert_eq!(mission.repository.everything(), clean);
    let others = mission.repository.beside("others");
    mission.repository.git(["worktree", "add", "-q", "--detach", others.to_str().unwrap(), "main"]);
    fs::remove_dir_all(&others).unwrap(); // on a disk that is not mounted now
    let listed = mission.repository.git(["worktree", "list"]);
    fs::rename(&kept_folder, &folder).unwrap();
    copy(&kept_record, &record);
    fs::remove_file(record.join("gitdir")).unwrap(); // killed in the middle of its making
    mission.run().unwrap();
    assert!(!folder.exists() && !record.exists());
    assert_eq!(mission.repository.git(["worktree", "list"]), listed);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
