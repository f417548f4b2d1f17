//! The merge, done: the base has one commit more, and nothing of the user's has changed.

mod mission;
mod repository;

use mission::{LOCAL_MERGE, Mission, PUSHED};
use repository::git_in;

#[test]
fn without_a_remote_the_base_moves_by_one_commit_and_nothing_else_does() {
    let mission = Mission::new();
    let (old, head) = (mission.repository.id("main"), mission.repository.id("agent/one"));
    let (detail, output) = mission.merge(&LOCAL_MERGE);
    let new = mission.repository.id("main");
    assert_eq!(output["commit"], new.as_str());
    assert_eq!((&output["commits"], &output["base_moved"], &output["remote"]), (&2.into(), &false.into(), &().into()));
    assert_eq!(detail, format!("2 commits of agent/one into main as {}", new.short()));
    let commit = mission.repository.ours().commit(&new).unwrap();
    assert_eq!(commit.parents, [old]);
    assert_eq!(commit.tree, mission.repository.ours().commit(&head).unwrap().tree);
    assert_eq!((commit.author.name.as_str(), commit.author.email.as_str()), ("Ada Agent", "ada@example.org"));
    let message = mission.repository.git(["log", "-1", "--format=%B", "main"]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!((lines[0], lines[1]), ("Mend it", ""));
    assert!(lines[2].starts_with("* Add four (") && lines[3].starts_with("* Add a file ("), "{message}");
    assert_ne!(mission.repository.git(["log", "-1", "--format=%cn", "main"]).trim(), "Ada Agent");
}

#[test]
fn without_a_title_the_last_subject_heads_the_message() {
    let mut mission = Mission::new();
    mission.job.title = None;
    mission.merge(&LOCAL_MERGE);
    assert_eq!(mission.repository.ours().subject(&mission.repository.id("main")).unwrap(), "Add a file");
}

#[test]
fn with_a_remote_one_push_moves_its_base_and_the_local_one_stays() {
    let mission = Mission::with_remote();
    let old = mission.repository.id("main");
    let (_, output) = mission.merge(&PUSHED);
    let new = mission.on_remote("main").unwrap();
    assert_eq!((output["commit"].as_str(), output["remote"].as_str()), (Some(new.as_str()), Some("origin")));
    assert_eq!(mission.repository.id("main"), old);
    assert_eq!(mission.repository.ours().commit(&new).unwrap().parents, [old]);
    assert!(mission.on_remote("agent/one").is_some());
}

#[test]
fn a_base_that_is_checked_out_does_not_matter_where_it_is_pushed() {
    let mission = Mission::with_remote();
    let side = mission.repository.beside("side");
    mission.repository.git(["worktree", "add", "-q", side.to_str().unwrap(), "main"]);
    mission.merge(&PUSHED);
}

#[test]
fn the_branch_goes_from_the_remote_with_the_same_push() {
    let mission = Mission { options: "delete = true", ..Mission::with_remote() };
    let (_, output) = mission.merge(&["refs/remotes/origin", "logs/refs/remotes/origin"]);
    assert_eq!((output["deleted"].as_bool(), mission.on_remote("agent/one")), (Some(true), None));
    mission.repository.id("agent/one");
}

#[test]
fn a_base_that_moved_is_merged_if_that_is_clean_and_it_says_so() {
    let mission = Mission::new();
    let moved = mission.main_moves("other", "y\n");
    let (detail, output) = mission.merge(&LOCAL_MERGE);
    assert!(detail.contains("main had moved since the mission began"), "{detail}");
    assert!(detail.ends_with("no gate has judged the two together"), "{detail}");
    assert_eq!((&output["base_moved"], &output["as_judged"]), (&true.into(), &false.into()));
    assert_eq!(mission.repository.ours().commit(&mission.repository.id("main")).unwrap().parents, [moved]);
    assert_eq!(mission.repository.git(["show", "main:other"]), "y\n");
    assert_eq!(mission.repository.git(["show", "main:new"]), "x\n");
}

#[test]
fn a_base_that_moved_and_that_the_work_has_already_makes_the_judged_tree() {
    let mut mission = Mission::new();
    mission.main_moves("other", "y\n");
    mission.repository.git(["merge", "-q", "--no-edit", "main"]);
    mission.ended();
    let (detail, output) = mission.merge(&LOCAL_MERGE);
    assert!(detail.contains("main had moved") && !detail.contains("no gate"), "{detail}");
    assert_eq!((&output["base_moved"], &output["as_judged"]), (&true.into(), &true.into()));
}

#[test]
fn a_remote_base_that_moved_unseen_is_fetched_without_touching_a_reference() {
    let mission = Mission::with_remote();
    let moved = mission.somebody_else_pushes("other", "y\n");
    let (detail, _) = mission.merge(&PUSHED);
    assert!(detail.contains("moved"), "{detail}");
    let new = mission.on_remote("main").unwrap();
    assert_eq!(mission.repository.ours().commit(&new).unwrap().parents, [moved]);
}

#[test]
fn odd_names_of_branches_are_names() {
    for name in ["-x", "agent/ä b".replace(' ', "\u{a0}").as_str(), "a;touch$IFS'x'", "refs/heads/x", "x{y}", "%s"] {
        let mut mission = Mission::new();
        mission.repository.git(["update-ref", &format!("refs/heads/{name}"), "HEAD"]);
        mission.repository.git(["symbolic-ref", "HEAD", &format!("refs/heads/{name}")]);
        mission.ended();
        let (detail, _) = mission.merge(&LOCAL_MERGE);
        assert!(detail.contains(name), "{detail}");
    }
}

#[test]
fn the_base_can_be_named() {
    let mission = Mission { options: "base = 'release'\nbranches = ['agent/*']", ..Mission::new() };
    let old = mission.repository.id("main");
    mission.repository.git(["branch", "release", "main"]);
    mission.merge(&["refs/heads/release", "logs/refs/heads/release"]);
    assert_eq!(mission.repository.id("main"), old);
    assert_ne!(mission.repository.id("release"), old);
}

#[test]
fn work_that_lies_in_a_linked_worktree_is_merged_as_well() {
    let mut mission = Mission::new();
    mission.repository.git(["checkout", "-q", "--detach"]);
    let linked = mission.repository.beside("linked");
    mission.repository.git(["worktree", "add", "-q", linked.to_str().unwrap(), "agent/one"]);
    mission.job.project.path.clone_from(&linked);
    mission.merge(&LOCAL_MERGE);
    assert_eq!(git_in(&linked, ["status", "--porcelain"]), "");
}
