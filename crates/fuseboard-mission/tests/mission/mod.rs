//! What the tests of the merge share: a mission that has ended, and that a user's side of things is never touched.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::PathBuf;

use fuseboard_mission::git::CommitId;
use fuseboard_mission::steps::merge::Merge;
use fuseboard_pipeline::config::StepOptions;
use fuseboard_pipeline::job::{Job, JobProject};
use fuseboard_pipeline::ledger::NoLedger;
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::step::{Answer, Before, Step as _, StepContext, StepError};

use crate::repository::{Repository, git_in};

/// A mission that has ended on `agent/one`, two commits ahead of `main`, which nobody has checked out.
pub(crate) struct Mission {
    pub(crate) repository: Repository,
    pub(crate) job: Job,
    pub(crate) options: &'static str,
    pub(crate) deadline: Deadline,
}

impl Mission {
    pub(crate) fn new() -> Self {
        Self::on(Repository::new())
    }

    /// The same in this repository.
    pub(crate) fn on(repository: Repository) -> Self {
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
    pub(crate) fn with_remote() -> Self {
        let mission = Self::new();
        let remote = mission.remote();
        git_in(remote.parent().unwrap(), ["init", "-q", "--bare", "-b", "main", remote.to_str().unwrap()]);
        mission.repository.git(["remote", "add", "origin", "../remote.git"]);
        mission.repository.git(["push", "-q", "origin", "main", "agent/one"]);
        mission.repository.git(["checkout", "-q", "main"]);
        mission.repository.git(["checkout", "-q", "agent/one"]);
        mission
    }

    /// Brings the branch to the remote, which has it already, and ends the job with it.
    pub(crate) fn pushed(&mut self) {
        self.repository.git(["push", "-q", "--force", "origin", "agent/one"]);
        self.ended();
    }

    /// The job ends with what is checked out now.
    pub(crate) fn ended(&mut self) {
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

    pub(crate) fn remote(&self) -> PathBuf {
        self.repository.beside("remote.git")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.repository.beside("state")
    }

    pub(crate) fn on_remote(&self, branch: &str) -> Option<CommitId> {
        let id = git_in(&self.remote(), ["for-each-ref", "--format=%(objectname)", &format!("refs/heads/{branch}")]);
        CommitId::new(id.trim())
    }

    /// Another clone puts this on the remote's `main`.
    pub(crate) fn somebody_else_pushes(&self, file: &str, content: &str) -> CommitId {
        let clone = self.repository.beside("clone");
        git_in(self.remote().parent().unwrap(), ["clone", "-q", "remote.git", "clone"]);
        fs::write(clone.join(file), content).unwrap();
        git_in(&clone, ["add", "-A"]);
        git_in(&clone, ["-c", "user.name=X", "-c", "user.email=x@y", "commit", "-qm", "Beside"]);
        git_in(&clone, ["push", "-q", "origin", "main"]);
        self.on_remote("main").unwrap()
    }

    /// `main` moves here, without a work tree.
    pub(crate) fn main_moves(&self, file: &str, content: impl AsRef<[u8]>) -> CommitId {
        let side = self.repository.beside("side");
        self.repository.git(["worktree", "add", "-q", side.to_str().unwrap(), "main"]);
        fs::write(side.join(file), content).unwrap();
        git_in(&side, ["add", "-A"]);
        git_in(&side, ["commit", "-qm", "Beside"]);
        self.repository.git(["worktree", "remove", side.to_str().unwrap()]);
        self.repository.id("main")
    }

    pub(crate) fn run(&self) -> Result<Answer, StepError> {
        let merge = Merge::new(&StepOptions::of_text(self.options).unwrap()).unwrap();
        // What carries a run's mark is ended with it, so that each needs its own.
        let run = self.repository.root.to_string_lossy().into_owned();
        let redactor = Redactor::from_env(std::env::vars_os());
        merge.run(&StepContext {
            circuits: &fuseboard_pipeline::report::CircuitChanges::default(),
            before: &Before { publishing: self.repository.ours().publishing(), branches: None },
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
    pub(crate) fn merge(&self, may_change: &[&str]) -> (String, serde_json::Value) {
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
    pub(crate) fn answer(&self) -> Result<Answer, StepError> {
        let (before, remote) = (self.repository.everything(), self.on_remote_all());
        let answer = self.run();
        assert!(!matches!(answer, Ok(Answer::Done(_))), "{answer:?}");
        self.assert_same(before, &[]);
        assert_eq!(self.on_remote_all(), remote);
        answer
    }

    #[track_caller]
    pub(crate) fn assert_same(&self, mut before: std::collections::BTreeMap<PathBuf, Vec<u8>>, may_change: &[&str]) {
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

    pub(crate) fn on_remote_all(&self) -> Option<String> {
        self.remote().exists().then(|| git_in(&self.remote(), ["for-each-ref"]))
    }

    #[track_caller]
    pub(crate) fn not_applicable(&self) -> String {
        match self.answer() {
            Ok(Answer::NotApplicable(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn refused(&self) -> String {
        match self.answer() {
            Ok(Answer::Refused(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn failed(&self) -> StepError {
        self.answer().unwrap_err()
    }
}

pub(crate) const STRATEGIES: [&str; 3] = ["strategy = 'squash'", "strategy = 'merge'", "strategy = 'rebase'"];
pub(crate) const LOCAL_MERGE: [&str; 2] = ["refs/heads/main", "logs/refs/heads/main"];
pub(crate) const PUSHED: [&str; 2] = ["refs/remotes/origin/main", "logs/refs/remotes/origin/main"];
