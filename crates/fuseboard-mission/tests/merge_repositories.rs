//! The merge, in repositories that are not like the others.

mod mission;
mod repository;

use fuseboard_mission::git::CommitId;
use mission::{LOCAL_MERGE, Mission, PUSHED, STRATEGIES};
use repository::{Repository, git_in};

#[test]
fn other_hashes_and_other_stores_of_references_are_no_matter() {
    let reftable = ["reftable", "logs/HEAD"];
    for (init, may_change) in
        [("--object-format=sha256", &LOCAL_MERGE[..]), ("--ref-format=reftable", &reftable), ("--shared", &LOCAL_MERGE)]
    {
        for strategy in STRATEGIES {
            let mission = Mission { options: strategy, ..Mission::on(Repository::begun(&[init])) };
            mission.main_moves("other", "y\n");
            mission.merge(may_change);
            assert_eq!(mission.repository.git(["show", "main:other", "main:new"]), "y\nx\n", "{init} {strategy}");
        }
    }
}

#[test]
fn settings_of_a_worktree_are_no_matter() {
    let mission = Mission::new();
    mission.repository.git(["config", "extensions.worktreeConfig", "true"]);
    mission.repository.git(["config", "--worktree", "user.name", "X"]);
    mission.main_moves("other", "y\n");
    mission.merge(&LOCAL_MERGE);
}

#[test]
fn objects_that_lie_in_another_repository_are_found() {
    let mut mission = Mission::with_remote();
    let clone = mission.repository.beside("borrower");
    let from = mission.repository.root.to_str().unwrap().to_owned();
    git_in(clone.parent().unwrap(), ["clone", "-q", "--shared", &from, "borrower"]);
    git_in(&clone, ["remote", "set-url", "origin", "../remote.git"]);
    git_in(&clone, ["remote", "set-head", "origin", "--delete"]);
    assert!(clone.join(".git/objects/info/alternates").exists());
    mission.somebody_else_pushes("other", "y\n");
    mission.repository.root = clone;
    mission.ended();
    let moved = mission.on_remote("main");
    mission.merge(&["refs/remotes/origin", "logs/refs/remotes/origin"]);
    assert_ne!(mission.on_remote("main"), moved);
}

/// The mission, in a clone of the remote with so many commits of each branch.
fn shallow(depth: &str, options: &'static str) -> Mission {
    let mut mission = Mission { options, ..Mission::with_remote() };
    let from = format!("file://{}", mission.remote().display());
    let clone = mission.repository.beside("shallow");
    let options = ["clone", "-q", "--depth", depth, "--no-single-branch", "--branch", "agent/one"];
    git_in(clone.parent().unwrap(), [&options[..], &[&from, "shallow"]].concat());
    git_in(&clone, ["remote", "set-url", "origin", "../remote.git"]);
    mission.repository.root = clone;
    mission.ended();
    mission
}

#[test]
fn a_shallow_clone_does_if_it_reaches_back_to_a_common_commit_and_is_refused_otherwise() {
    for strategy in STRATEGIES {
        shallow("3", strategy).merge(&PUSHED);
        let why = shallow("1", strategy).refused();
        assert!(why.contains("shallow and does not reach back"), "{strategy}: {why}");
    }
}

#[test]
fn histories_without_a_common_commit_are_refused() {
    let mut mission = Mission::new();
    mission.repository.git(["checkout", "-q", "--orphan", "agent/new"]);
    mission.repository.commit("From nothing");
    mission.ended();
    assert!(mission.refused().contains("no common commit"));
}

// --- Submodules -------------------------------------------------------------------------------------------

const ALLOW: [&str; 2] = ["-c", "protocol.file.allow=always"];

/// A mission whose base has the submodule `lib`, and that submodule's source.
fn with_submodule() -> (Mission, Repository) {
    let (library, repository) = (Repository::new(), Repository::new());
    let from = library.root.to_str().unwrap();
    repository.git([&ALLOW[..], &["submodule", "--quiet", "add", from, "lib"]].concat());
    repository.commit("Add a library");
    (Mission::on(repository), library)
}

#[test]
fn a_submodules_repository_is_one_like_any_other() {
    let (mut mission, _library) = with_submodule();
    let inner = mission.repository.root.join("lib");
    git_in(&inner, ["config", "user.name", "Ada Agent"]);
    git_in(&inner, ["config", "user.email", "ada@example.org"]);
    git_in(&inner, ["remote", "remove", "origin"]);
    git_in(&inner, ["commit", "-q", "--allow-empty", "-m", "Move"]);
    git_in(&inner, ["checkout", "-q", "-b", "agent/two", "main~1"]);
    std::fs::write(inner.join("more"), "m\n").unwrap();
    git_in(&inner, ["add", "-A"]);
    git_in(&inner, ["commit", "-qm", "More"]);
    let outside = mission.repository.git(["rev-parse", "HEAD"]);
    mission.repository.root.clone_from(&inner);
    mission.job.project.base = None;
    mission.ended();
    let modules = mission.repository.root.join("../.git/modules/lib");
    mission.merge(&[]);
    assert_eq!(git_in(&inner, ["show", "main:more"]), "m\n");
    assert!(!modules.join("worktrees").exists(), "left behind");
    assert_eq!(git_in(&inner.join(".."), ["rev-parse", "HEAD"]), outside);
}

#[test]
fn a_submodule_that_one_side_moved_is_merged_and_one_that_both_did_is_a_conflict() {
    let (mut mission, _library) = with_submodule();
    let inner = mission.repository.root.join("lib");
    let moved = |message: &str| {
        git_in(&inner, ["-c", "user.name=X", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", message]);
        git_in(&inner, ["rev-parse", "HEAD"]).trim().to_owned()
    };
    let theirs = moved("Theirs");
    git_in(&inner, ["reset", "-q", "--hard", "HEAD~1"]);
    let mine = moved("Mine");
    mission.repository.commit("Move the library");
    mission.ended();
    mission.main_moves("other", "y\n");
    mission.merge(&LOCAL_MERGE);
    assert_eq!(mission.repository.git(["rev-parse", "main:lib"]).trim(), mine);

    mission.repository.git(["update-ref", "refs/heads/main", "main~1"]);
    let side = mission.repository.beside("side");
    mission.repository.git(["worktree", "add", "-q", side.to_str().unwrap(), "main"]);
    git_in(&side, ["update-index", "--cacheinfo", &format!("160000,{theirs},lib")]);
    git_in(&side, ["commit", "-qm", "Theirs"]);
    mission.repository.git(["worktree", "remove", "--force", side.to_str().unwrap()]);
    let error = mission.failed();
    assert!(error.message.ends_with("conflict in lib"), "{error}");
}

// --- Bases ------------------------------------------------------------------------------------------------

#[test]
fn a_base_that_is_only_another_name_is_refused() {
    let mission = Mission { options: "base = 'stable'", ..Mission::new() };
    mission.repository.git(["symbolic-ref", "refs/heads/stable", "refs/heads/main"]);
    assert!(mission.refused().contains("stable is only another name of refs/heads/main"));
    let git = mission.repository.ours();
    let (old, head) = (mission.repository.id("main"), mission.repository.id("agent/one"));
    git.move_branch("stable", &head, &old).unwrap();
    assert_eq!(mission.repository.id("main"), old, "and would not lead to another branch being moved");
}

#[test]
fn a_branch_that_is_only_another_name_of_the_base_is_the_base() {
    let mut mission = Mission::new();
    mission.repository.git(["symbolic-ref", "refs/heads/agent/alias", "refs/heads/main"]);
    mission.repository.git(["checkout", "-q", "main"]);
    mission.repository.git(["symbolic-ref", "HEAD", "refs/heads/agent/alias"]);
    mission.ended();
    assert!(mission.refused().contains("main is the base itself"));
}

#[test]
fn a_base_that_is_not_there_is_refused() {
    let mission = Mission { options: "base = 'release'", ..Mission::new() };
    assert!(mission.refused().contains("there is no branch release"));
    let mission = Mission { options: "base = 'release'", ..Mission::with_remote() };
    assert!(mission.refused().contains("origin has no branch release"));
}

#[test]
fn a_base_that_is_named_is_merged_on_its_own_remote() {
    let mission = Mission { options: "base = 'release'", ..Mission::with_remote() };
    mission.repository.git(["push", "-q", "origin", "main:release"]);
    let main = mission.on_remote("main");
    let (_, output) = mission.merge(&["refs/remotes/origin/release", "logs/refs/remotes/origin/release"]);
    assert_eq!(output["commit"].as_str(), mission.on_remote("release").as_ref().map(CommitId::as_str));
    assert_eq!(mission.on_remote("main"), main);
}

#[test]
fn where_a_base_stood_that_is_not_the_usual_one_is_not_known_and_not_made_up() {
    let mission = Mission { options: "base = 'release'", ..Mission::new() };
    let before = mission.main_moves("other", "y\n");
    mission.repository.git(["branch", "release", "main"]);
    mission.repository.git(["update-ref", "refs/heads/main", "main~1"]);
    let (detail, output) = mission.merge(&["refs/heads/release", "logs/refs/heads/release"]);
    assert!(!detail.contains("since the mission began"), "{detail}");
    assert!(detail.contains("release has commits of its own: no gate has judged the two together"), "{detail}");
    assert_eq!((&output["old"], &output["as_judged"]), (&before.as_str().into(), &false.into()));
}
