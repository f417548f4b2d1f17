//! The strategies: what becomes of a branch's commits, on a base that stands still and on one that has moved.

mod mission;
mod repository;

use fuseboard_mission::git::CommitId;
use mission::{LOCAL_MERGE, Mission, PUSHED};
use repository::bytes_in;

const MERGE: &str = "strategy = 'merge'";
const REBASE: &str = "strategy = 'rebase'";

fn parents(mission: &Mission, commit: &CommitId) -> Vec<CommitId> {
    mission.repository.ours().commit(commit).unwrap().parents
}

// --- merge ------------------------------------------------------------------------------------------------

#[test]
fn a_merge_follows_both_even_if_the_base_has_not_moved() {
    let mission = Mission { options: MERGE, ..Mission::new() };
    let (old, head) = (mission.repository.id("main"), mission.repository.id("agent/one"));
    let (detail, output) = mission.merge(&LOCAL_MERGE);
    let new = mission.repository.id("main");
    assert_eq!(parents(&mission, &new), [old, head.clone()]);
    assert_eq!((&output["strategy"], &output["commits"]), (&"merge".into(), &2.into()));
    assert_eq!(detail, format!("2 commits of agent/one into main as {}", new.short()));
    let git = mission.repository.ours();
    assert_eq!(git.commit(&new).unwrap().tree, git.commit(&head).unwrap().tree, "the tree that was judged");
    let message = mission.repository.git(["log", "-1", "--format=%an%n%B", "main"]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!((lines[0], lines[1], lines[2]), ("Ada Agent", "Mend it", ""));
    assert!(lines[3].starts_with("* Add four (") && lines[4].starts_with("* Add a file ("), "{message}");
}

#[test]
fn a_merge_without_a_title_is_called_after_the_branch() {
    let mut mission = Mission { options: MERGE, ..Mission::new() };
    mission.job.title = None;
    mission.merge(&LOCAL_MERGE);
    assert_eq!(mission.repository.ours().subject(&mission.repository.id("main")).unwrap(), "Merge agent/one");
}

#[test]
fn a_merge_into_a_base_that_moved_holds_both_and_says_so() {
    let mission = Mission { options: MERGE, ..Mission::with_remote() };
    let moved = mission.somebody_else_pushes("other", "y\n");
    let (detail, output) = mission.merge(&PUSHED);
    let new = mission.on_remote("main").unwrap();
    assert_eq!(parents(&mission, &new), [moved, mission.repository.id("agent/one")]);
    assert!(detail.contains("main had moved since the mission began") && output["base_moved"] == true, "{detail}");
    assert_eq!(mission.repository.git(["show", &format!("{new}:other")]), "y\n");
    assert_eq!(mission.repository.git(["show", &format!("{new}:new")]), "x\n");
}

#[test]
fn a_branch_with_merges_of_its_own_is_merged() {
    let mut mission = Mission { options: MERGE, ..Mission::new() };
    mission.main_moves("other", "y\n");
    mission.repository.git(["merge", "-q", "--no-edit", "main"]);
    mission.ended();
    mission.merge(&LOCAL_MERGE);
    assert_eq!(parents(&mission, &mission.repository.id("main"))[1], mission.repository.id("agent/one"));
}

// --- rebase -----------------------------------------------------------------------------------------------

#[test]
fn a_rebase_onto_a_base_that_stands_still_publishes_the_very_commits_that_were_judged() {
    let mission = Mission { options: REBASE, ..Mission::new() };
    let (detail, output) = mission.merge(&LOCAL_MERGE);
    assert_eq!(mission.repository.id("main"), mission.repository.id("agent/one"));
    assert_eq!((&output["commits"], &output["dropped"]), (&2.into(), &0.into()));
    assert!(!detail.contains("moved"), "{detail}");
    let pushed = Mission { options: REBASE, ..Mission::with_remote() };
    pushed.merge(&PUSHED);
    assert_eq!(pushed.on_remote("main"), Some(pushed.repository.id("agent/one")));
}

#[test]
fn a_rebase_onto_a_base_that_moved_keeps_each_commit_as_its_author_wrote_it() {
    let mut mission = Mission { options: REBASE, ..Mission::with_remote() };
    let repository = &mission.repository;
    repository.write("odd", "z\n");
    repository.git(["add", "-A"]);
    let message = repository.beside("message");
    std::fs::write(&message, b"\n\nfixup! Gr\xfc\xdfe\n\n\n# no comment\nSigned-off-by: x\n\n\n").unwrap();
    let options = ["commit", "-q", "--cleanup=verbatim", "--date=2001-02-03T04:05:06+0700", "-F"];
    let latin = ["-c", "i18n.commitEncoding=ISO-8859-1", "-c", "user.name=Zo\u{eb}"];
    repository.git([&latin[..], &options, &[message.to_str().unwrap()]].concat());
    repository.commit("Say nothing more");
    mission.pushed();
    let moved = mission.somebody_else_pushes("other", "y\n");
    let (detail, output) = mission.merge(&PUSHED);
    assert!(detail.contains("4 commits") && detail.contains("main had moved"), "{detail}");
    assert_eq!((&output["dropped"], &output["base_moved"]), (&0.into(), &true.into()));

    let new = mission.on_remote("main").unwrap();
    let range = format!("{moved}..{new}");
    assert_eq!(mission.repository.git(["rev-list", "--min-parents=2", "--count", &range]).trim(), "0", "linear");
    let written = |range: &str| -> Vec<Vec<u8>> {
        let ids = mission.repository.git(["rev-list", "--reverse", range]);
        ids.lines().map(|id| as_written(&mission, id)).collect()
    };
    assert_eq!(written(&range), written("main..agent/one"));
    assert_eq!(mission.repository.git(["show", &format!("{new}:other")]), "y\n");
    assert_eq!(mission.repository.git(["show", &format!("{new}:odd")]), "z\n");
    let committers = mission.repository.git(["log", "--format=%cn", &range]);
    assert!(!committers.contains("Ada Agent") && !committers.contains('Z'), "{committers}");
}

/// A commit without what a rebase changes: tree, parent, committer.
fn as_written(mission: &Mission, id: &str) -> Vec<u8> {
    let commit = bytes_in(&mission.repository.root, ["cat-file", "commit", id]);
    let changes = |line: &&[u8]| [&b"tree "[..], b"parent ", b"committer "].iter().any(|name| line.starts_with(name));
    commit.split_inclusive(|byte| *byte == b'\n').filter(|line| !changes(line)).collect::<Vec<_>>().concat()
}

#[test]
fn a_rebase_refuses_a_branch_with_merges_of_its_own_and_says_what_would_do() {
    let mut mission = Mission { options: REBASE, ..Mission::new() };
    mission.repository.git(["checkout", "-q", "-b", "side", "agent/one~1"]);
    mission.repository.write("side", "s\n");
    mission.repository.commit("Beside");
    mission.repository.git(["checkout", "-q", "agent/one"]);
    mission.repository.git(["merge", "-q", "--no-edit", "side"]);
    mission.ended();
    let why = mission.refused();
    let merge = mission.repository.id("agent/one");
    assert!(why.contains("merge of its own") && why.contains(merge.short()), "{why}");
    assert!(why.contains("\"squash\" or \"merge\""), "{why}");
}

#[test]
fn a_rebase_leaves_out_what_the_base_has_already_and_counts_it() {
    let mission = Mission { options: REBASE, ..Mission::new() };
    let moved = mission.main_moves("file", "one\ntwo\nthree\nfour\n");
    let (detail, output) = mission.merge(&LOCAL_MERGE);
    assert!(detail.contains("1 commit of") && detail.contains("1 left out, main has them already"), "{detail}");
    assert_eq!((&output["commits"], &output["dropped"]), (&1.into(), &1.into()));
    assert_eq!(parents(&mission, &mission.repository.id("main")), [moved]);
    assert_eq!(mission.repository.git(["log", "-1", "--format=%s", "main"]).trim(), "Add a file");
}

#[test]
fn a_rebase_of_which_nothing_is_left_is_not_applicable() {
    let mission = Mission { options: REBASE, ..Mission::new() };
    mission.main_moves("file", "one\ntwo\nthree\nfour\n");
    mission.main_moves("new", "x\n");
    assert!(mission.not_applicable().contains("has everything of agent/one already"));
    let mut empty = Mission { options: REBASE, ..Mission::new() };
    empty.repository.git(["reset", "-q", "--hard", "main"]);
    empty.repository.commit("Nothing at all");
    empty.ended();
    empty.not_applicable();
}

#[test]
fn a_rebase_that_conflicts_names_the_commit_and_the_files() {
    let mission = Mission { options: REBASE, ..Mission::new() };
    mission.main_moves("new", "another\n");
    let error = mission.failed();
    let commit = mission.repository.id("agent/one");
    let expected = format!("{} (Add a file) of agent/one and main conflict in new", commit.short());
    assert!(error.kind.is_some() && error.message.ends_with(&expected), "{error}");
}
