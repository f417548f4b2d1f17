//! The merge: what it does, what it refuses, and that a user's tree, index and branches are never touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_mission::git::CommitId;
use fuseboard_mission::steps::merge::Merge;
use fuseboard_pipeline::config::StepOptions;
use fuseboard_pipeline::job::{Job, JobProject, ModelUsage};
use fuseboard_pipeline::ledger::{Ledger, LedgerError, RunHead, StoredRun};
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::{Report, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step as _, StepContext, StepError};

mod repository;
use repository::{Repository, git_in};

/// A mission that has ended on `agent/one`, two commits ahead of `main`, which nobody has checked out.
struct Mission {
    repository: Repository,
    job: Job,
    options: &'static str,
    deadline: Deadline,
}

impl Mission {
    fn new() -> Self {
        let repository = Repository::new();
        let base = repository.id("main");
        repository.git(["checkout", "-q", "-b", "agent/one"]);
        repository.write("file", "one\ntwo\nthree\nfour\n");
        repository.commit("Add four");
        repository.write("new", "x\n");
        repository.commit("Add a file");
        let mut mission = Self { repository, job: Job::default(), options: "", deadline: Deadline::NEVER };
        mission.job.project.base = Some(base.to_string());
        mission.ended();
        mission
    }

    /// The same with a bare remote that has both branches.
    fn with_remote() -> Self {
        let mission = Self::new();
        let remote = mission.remote();
        git_in(remote.parent().unwrap(), ["init", "-q", "--bare", "-b", "main", remote.to_str().unwrap()]);
        mission.repository.git(["remote", "add", "origin", "../remote.git"]);
        mission.repository.git(["push", "-q", "origin", "main", "agent/one"]);
        mission.repository.git(["checkout", "-q", "main"]);
        mission.repository.git(["checkout", "-q", "agent/one"]);
        mission
    }

    /// The job ends with what is checked out now.
    fn ended(&mut self) {
        let git = self.repository.ours();
        self.job.title = Some("Mend\u{1b}[31m it".into());
        self.job.project = JobProject {
            name: "app".into(),
            path: self.repository.root.clone(),
            branch: git.branch().unwrap(),
            commit: git.head().unwrap().map(|head| head.to_string()),
            base: self.job.project.base.take(),
        };
    }

    fn remote(&self) -> PathBuf {
        self.repository.beside("remote.git")
    }

    fn state(&self) -> PathBuf {
        self.repository.beside("state")
    }

    fn on_remote(&self, branch: &str) -> Option<CommitId> {
        let id = git_in(&self.remote(), ["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{branch}")]);
        CommitId::new(id.trim())
    }

    /// Another clone puts this on the remote's `main`.
    fn somebody_else_pushes(&self, file: &str, content: &str) -> CommitId {
        let clone = self.repository.beside("clone");
        git_in(self.remote().parent().unwrap(), ["clone", "-q", "remote.git", "clone"]);
        fs::write(clone.join(file), content).unwrap();
        git_in(&clone, ["add", "-A"]);
        git_in(&clone, ["-c", "user.name=X", "-c", "user.email=x@y", "commit", "-qm", "Beside"]);
        git_in(&clone, ["push", "-q", "origin", "main"]);
        self.on_remote("main").unwrap()
    }

    /// `main` moves here, without a work tree.
    fn main_moves(&self, file: &str, content: &str) -> CommitId {
        let side = self.repository.beside("side");
        self.repository.git(["worktree", "add", "-q", side.to_str().unwrap(), "main"]);
        fs::write(side.join(file), content).unwrap();
        git_in(&side, ["add", "-A"]);
        git_in(&side, ["commit", "-qm", "Beside"]);
        self.repository.git(["worktree", "remove", side.to_str().unwrap()]);
        self.repository.id("main")
    }

    fn run(&self) -> Result<Answer, StepError> {
        let merge = Merge::new(&StepOptions::of_text(self.options).unwrap()).unwrap();
        // What carries a run's mark is ended with it, so that each needs its own.
        let run = self.repository.root.to_string_lossy().into_owned();
        let redactor = Redactor::from_env(std::env::vars_os());
        merge.run(&StepContext {
            name: "merge",
            run: &run,
            job: &self.job,
            deadline: self.deadline,
            interrupt: &Interrupt::never(),
            state_folder: &self.state(),
            config_folder: &self.repository.root,
            ended: &[],
            ledger: &NoLedger,
            redactor: &redactor,
        })
    }

    /// Merges, and the user's side of things is as before but for what `may_change` in `.git`.
    #[track_caller]
    fn merge(&self, may_change: &[&str]) -> (String, serde_json::Value) {
        let before = self.repository.everything();
        let told = match self.run() {
            Ok(Answer::Done(told)) => told,
            other => panic!("{other:?}"),
        };
        self.assert_same(before, may_change);
        (told.detail.unwrap(), told.output.unwrap())
    }

    /// Does not merge, and everything is as before.
    #[track_caller]
    fn answer(&self) -> Result<Answer, StepError> {
        let (before, remote) = (self.repository.everything(), self.on_remote_all());
        let answer = self.run();
        assert!(!matches!(answer, Ok(Answer::Done(_))), "{answer:?}");
        self.assert_same(before, &[]);
        assert_eq!(self.on_remote_all(), remote);
        answer
    }

    #[track_caller]
    fn assert_same(&self, mut before: std::collections::BTreeMap<PathBuf, Vec<u8>>, may_change: &[&str]) {
        let mut after = self.repository.everything();
        for path in may_change {
            let path = self.repository.root.join(".git").join(path);
            before.retain(|each, _| !each.starts_with(&path));
            after.retain(|each, _| !each.starts_with(&path));
        }
        let paths: Vec<_> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
        assert!(paths.is_empty(), "changed: {paths:?}");
        assert_eq!(before.len(), after.len(), "something is gone");
        let left: Vec<_> = fs::read_dir(self.state().join("merges"))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect())
            .unwrap_or_default();
        assert_eq!(left, Vec::<PathBuf>::new(), "left behind");
    }

    fn on_remote_all(&self) -> Option<String> {
        self.remote().exists().then(|| git_in(&self.remote(), ["for-each-ref"]))
    }

    #[track_caller]
    fn refused(&self) -> String {
        match self.answer() {
            Ok(Answer::Refused(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn failed(&self) -> StepError {
        self.answer().unwrap_err()
    }
}

const LOCAL_MERGE: [&str; 2] = ["refs/heads/main", "logs/refs/heads/main"];
const PUSHED: [&str; 2] = ["refs/remotes/origin/main", "logs/refs/remotes/origin/main"];

struct NoLedger;

impl Ledger for NoLedger {
    fn begin(&self, _: &RunHead) -> Result<(), LedgerError> {
        Ok(())
    }
    fn job_ended(&self, _: &str, _: &Job) -> Result<(), LedgerError> {
        Ok(())
    }
    fn step(&self, _: &str, _: &StepRow) -> Result<(), LedgerError> {
        Ok(())
    }
    fn end(&self, _: &str, _: &Report) -> Result<(), LedgerError> {
        Ok(())
    }
    fn record_usage(&self, _: &str, _: &[ModelUsage]) -> Result<(), LedgerError> {
        Ok(())
    }
    fn unfinished(&self) -> Result<Vec<RunHead>, LedgerError> {
        Ok(Vec::new())
    }
    fn interrupted(&self, _: &str, _: Stamp) -> Result<(), LedgerError> {
        Ok(())
    }
    fn runs(&self, _: usize) -> Result<Vec<StoredRun>, LedgerError> {
        Ok(Vec::new())
    }
    fn run(&self, _: &str) -> Result<Option<StoredRun>, LedgerError> {
        Ok(None)
    }
}

// --- It merges --------------------------------------------------------------------------------------------

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
    assert_eq!(output["base_moved"], true);
    assert_eq!(mission.repository.ours().commit(&mission.repository.id("main")).unwrap().parents, [moved]);
    assert_eq!(mission.repository.git(["show", "main:other"]), "y\n");
    assert_eq!(mission.repository.git(["show", "main:new"]), "x\n");
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

// --- It refuses -------------------------------------------------------------------------------------------

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
    for key in ["filter.trap.smudge", "merge.trap.driver", "core.sshCommand", "credential.helper", "gpg.program"] {
        let mut mission = Mission::with_remote();
        let canary = mission.repository.canary();
        mission.repository.write(".gitattributes", "* filter=trap merge=trap diff=trap\n");
        mission.repository.commit("Set the trap");
        mission.repository.git(["push", "-q", "origin", "agent/one"]);
        mission.ended();
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
    let mission = Mission::with_remote();
    let canary = mission.repository.canary();
    let hooks = ["pre-commit", "commit-msg", "pre-push", "post-checkout", "post-merge", "pre-merge-commit"];
    for hook in hooks.iter().chain(&["post-index-change", "reference-transaction", "prepare-commit-msg", "post-commit"])
    {
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
    ] {
        mission.repository.git(["config", key, value]);
    }
    mission.repository.git(["-c", "merge.ff=true", "tag", "v1", "-m", "x"]);
    let _ = fs::remove_file(mission.repository.beside("canary.trace"));
    mission.merge(&PUSHED);
    canary.assert_silent("hooks and settings");
    assert!(!git_in(&mission.remote(), ["for-each-ref"]).contains("refs/tags"), "no tag went along");
}

// --- It fails, and all is as it was ------------------------------------------------------------------------

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
    let worktree = git.temporary_worktree(turn, &main).unwrap();
    let folder = worktree.folder().to_owned();
    mission.repository.git(["worktree", "lock", folder.to_str().unwrap()]);
    let name = folder.file_name().unwrap().to_owned();
    let record = mission.repository.root.join(".git/worktrees").join(&name);
    // As if killed: its files stay, its lock goes.
    let (kept_folder, kept_record) = (mission.repository.beside("kept"), mission.repository.beside("kept-record"));
    copy(&folder, &kept_folder);
    copy(&record, &kept_record);
    drop(worktree);
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

// --- Options ----------------------------------------------------------------------------------------------

#[test]
fn what_this_version_cannot_do_is_an_error_of_the_configuration() {
    let errors = |text: &str| Merge::new(&StepOptions::of_text(text).unwrap()).unwrap_err().to_string();
    assert!(errors("strategy = 'rebase'").contains("\"rebase\" is not supported by this version"));
    assert!(errors("via = 'github'").contains("not supported by this version"));
    assert!(errors("strategy = 'sqash'").contains("squash"));
    assert!(errors("branches = []").contains("nothing could be merged"));
    assert!(errors("branches = ['agent/[a-z]*']").contains("only `*` and `?`"));
    assert!(errors("delte = true").contains("did you mean `delete`?"));
    assert!(Merge::new(&StepOptions::of_text("strategy = 'squash'\nvia = 'git'").unwrap()).is_ok());
}
