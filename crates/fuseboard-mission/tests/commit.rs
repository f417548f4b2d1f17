//! `commit` commits and pushes the journal's folder, and says what stands in its way.

mod repository;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use fuseboard_mission::steps::commit::Commit;
use fuseboard_pipeline::config::StepOptions;
use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::ledger::NoLedger;
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::CircuitChanges;
use fuseboard_pipeline::step::{Answer, Before, Step as _, StepContext, StepError, Told};
use repository::{Repository, git_in};

/// A repository with a journal in it, beside which the mission worked.
struct Stage(Repository, Deadline);

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(60))
}

impl Stage {
    fn new() -> Self {
        let repository = Repository::new();
        fs::create_dir(repository.beside("project")).unwrap();
        repository.write("journal/2026-11-23.md", "# Monday\n");
        Self(repository, soon())
    }

    fn with_remote() -> Self {
        let stage = Self::new();
        let top = stage.0.root.parent().unwrap();
        git_in(top, ["init", "-q", "--bare", "-b", "main", "remote.git"]);
        stage.0.git(["remote", "add", "origin", "../remote.git"]);
        stage.0.git(["push", "-q", "origin", "main"]);
        stage
    }

    fn run_in(&self, project: &Path, options: &str) -> Result<Answer, StepError> {
        let commit = Commit::of(&StepOptions::of_text(options).unwrap()).unwrap();
        let mut job =
            Job { succeeded: true, ended_at: Some("2026-11-23T12:00:00Z".parse().unwrap()), ..Job::default() };
        job.project.path = project.into();
        commit.run(&StepContext {
            circuits: &CircuitChanges::default(),
            before: &Before::default(),
            name: "commit",
            // No two alike: what carries the mark of another step would be ended with it.
            run: &self.0.root.to_string_lossy(),
            job: &job,
            deadline: self.1,
            interrupt: &Interrupt::never(),
            state_folder: &self.0.beside("state"),
            config_folder: &self.0.root,
            ended: &[],
            ledger: &NoLedger,
            redactor: &Redactor::from_env(std::env::vars_os()),
        })
    }

    fn run(&self, options: &str) -> Result<Answer, StepError> {
        self.run_in(&self.0.beside("project"), options)
    }

    #[track_caller]
    fn done(&self, options: &str) -> Told {
        match self.run(options) {
            Ok(Answer::Done(told)) => told,
            other => panic!("not done: {other:?}"),
        }
    }

    #[track_caller]
    fn refused(&self, options: &str) -> String {
        match self.run(options) {
            Ok(Answer::Refused(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    fn failed(&self, options: &str) -> String {
        self.run(options).unwrap_err().to_string()
    }

    fn on_remote(&self) -> String {
        git_in(&self.0.beside("remote.git"), ["rev-parse", "main"])
    }
}

const LOCAL: &str = "folder = 'journal'\npush = false";
const PUSHED: &str = "folder = 'journal'";

#[test]
fn the_folder_alone_is_committed_and_what_is_staged_elsewhere_stays_staged() {
    let stage = Stage::new();
    stage.0.write("file", "changed\n");
    stage.0.write("staged", "x\n");
    stage.0.git(["add", "staged"]);
    let told = stage.done(LOCAL);
    assert!(told.detail.unwrap().starts_with("committed to main as "));
    assert_eq!(
        stage.0.git(["show", "--format=%s", "--name-only", "HEAD"]).trim(),
        "Journal of 2026-11-23\n\njournal/2026-11-23.md"
    );
    assert_eq!(stage.0.git(["status", "--porcelain"]), " M file\nA  staged\n");
}

#[test]
fn changed_and_removed_files_are_committed_under_the_message_given() {
    let stage = Stage::new();
    stage.0.write("journal/old.md", "old\n");
    stage.0.commit("Journal");
    stage.0.write("journal/2026-11-23.md", "# Monday\n\nmore\n");
    fs::remove_file(stage.0.root.join("journal/old.md")).unwrap();
    stage.done(&format!("{LOCAL}\nmessage = '-m # of the day'"));
    assert_eq!(
        stage.0.git(["show", "--format=%s", "--name-status", "HEAD"]).trim(),
        "-m # of the day\n\nM\tjournal/2026-11-23.md\nD\tjournal/old.md"
    );
}

#[test]
fn a_replay_has_nothing_to_commit() {
    let stage = Stage::with_remote();
    let told = stage.done(PUSHED);
    assert!(told.detail.unwrap().ends_with(", and pushed to origin"));
    let head = stage.0.git(["rev-parse", "HEAD"]);
    assert_eq!(stage.on_remote(), head);
    assert_eq!(stage.done(PUSHED).detail.as_deref(), Some("nothing to commit"));
    assert_eq!(stage.0.git(["rev-parse", "HEAD"]), head);
}

#[test]
fn the_first_commit_of_a_repository_makes_the_branch_here_and_there() {
    let repository = Repository::empty();
    fs::create_dir(repository.beside("project")).unwrap();
    git_in(repository.root.parent().unwrap(), ["init", "-q", "--bare", "-b", "main", "remote.git"]);
    repository.git(["remote", "add", "origin", "../remote.git"]);
    fs::create_dir(repository.root.join("journal")).unwrap();
    let stage = Stage(repository, soon());
    assert_eq!(stage.done(PUSHED).detail.as_deref(), Some("nothing to commit"));
    stage.0.write("journal/a.md", "x");
    stage.done(PUSHED);
    assert_eq!(stage.on_remote(), stage.0.git(["rev-parse", "HEAD"]));
}

#[test]
fn a_rejected_push_fails_forces_nothing_and_is_made_up_for() {
    let stage = Stage::with_remote();
    let clone = stage.0.beside("clone");
    git_in(clone.parent().unwrap(), ["clone", "-q", "remote.git", "clone"]);
    git_in(&clone, ["-c", "user.name=X", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "Beside"]);
    git_in(&clone, ["push", "-q", "origin", "main"]);
    let theirs = stage.on_remote();
    let error = stage.failed(PUSHED);
    assert!(error.contains("the push to main was [rejected]") && error.contains("; committed as "), "{error}");
    assert_eq!(stage.on_remote(), theirs);
    assert!(stage.failed(PUSHED).contains("[rejected]"), "and again while nothing is done about it");
    stage.0.git(["-c", "user.name=X", "-c", "user.email=x@y", "pull", "-q", "--no-rebase", "origin", "main"]);
    assert_eq!(stage.done(PUSHED).detail.as_deref(), Some("nothing to commit; pushed earlier commits to origin"));
}

#[test]
fn a_missing_remote_is_refused_before_anything_is_committed() {
    let stage = Stage::new();
    let head = stage.0.id("HEAD");
    assert_eq!(stage.refused(PUSHED), "there is no remote to push to; add one, or write push = false");
    assert_eq!(stage.0.id("HEAD"), head);
}

#[test]
fn a_remote_that_is_not_there_fails_with_the_commit_made() {
    let stage = Stage::with_remote();
    fs::remove_dir_all(stage.0.beside("remote.git")).unwrap();
    let error = stage.failed(PUSHED);
    assert!(error.contains("git push: ") && error.contains("; committed as "), "{error}");
}

#[test]
fn a_remote_that_hangs_is_left_at_the_deadline_which_is_nobodys_fault() {
    let mut stage = Stage::with_remote();
    let (head, hook) = (stage.on_remote(), stage.0.beside("remote.git/hooks/pre-receive"));
    fs::write(&hook, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    stage.1 = Deadline::after(Duration::from_secs(2));
    let error = stage.run(PUSHED).unwrap_err();
    assert_eq!(error.kind, None, "{error}");
    assert_eq!(stage.on_remote(), head);
    fs::remove_file(hook).unwrap();
    stage.1 = soon();
    stage.done(PUSHED);
    assert_eq!(stage.on_remote(), stage.0.git(["rev-parse", "HEAD"]));
}

#[test]
fn a_detached_head_is_refused() {
    let stage = Stage::new();
    stage.0.git(["checkout", "-q", "--detach"]);
    assert!(stage.refused(LOCAL).contains("detached head"));
}

#[test]
fn what_is_no_repository_or_the_missions_own_is_refused() {
    let stage = Stage::new();
    assert!(stage.refused("folder = '../project'").contains("lies in no git repository"));
    let answer = stage.run_in(&stage.0.root, LOCAL).unwrap();
    assert!(matches!(answer, Answer::Refused(why) if why.contains("the repository that the mission worked in")));
}

#[test]
fn a_missing_folder_and_a_merge_that_is_not_done_fail() {
    let stage = Stage::new();
    assert!(stage.failed("folder = 'no'").contains("no is no folder; make it"));
    let head = stage.0.id("HEAD");
    fs::write(stage.0.root.join(".git/MERGE_HEAD"), format!("{head}\n")).unwrap();
    assert!(stage.failed(LOCAL).contains("partial commit during a merge"));
    assert_eq!(stage.0.id("HEAD"), head);
}

#[test]
fn an_index_that_somebody_holds_fails() {
    let stage = Stage::new();
    fs::write(stage.0.root.join(".git/index.lock"), "").unwrap();
    assert!(stage.failed(LOCAL).contains("index.lock"));
}

#[test]
fn neither_hooks_nor_settings_run_a_program() {
    let stage = Stage::with_remote();
    let canary = stage.0.canary();
    for hook in ["pre-commit", "commit-msg", "prepare-commit-msg", "post-commit", "pre-push", "reference-transaction"] {
        fs::create_dir_all(stage.0.root.join(".git/hooks")).unwrap();
        fs::copy(&canary.script, stage.0.root.join(".git/hooks").join(hook)).unwrap();
    }
    for (key, value) in
        [("core.editor", &*canary.script), ("core.fsmonitor", &canary.script), ("commit.gpgSign", "true")]
    {
        stage.0.git(["config", key, value]);
    }
    let _ = fs::remove_file(stage.0.beside("canary.trace"));
    stage.done(PUSHED);
    canary.assert_silent("hooks and settings");
    stage.0.write("journal/more.md", "x");
    stage.0.git(["config", "filter.x.clean", &canary.script]);
    let _ = fs::remove_file(stage.0.beside("canary.trace"));
    assert!(stage.refused(PUSHED).contains("filter.x.clean"));
    canary.assert_silent("a filter");
}

#[test]
fn options_that_cannot_be_meant_are_errors_of_the_configuration() {
    let errors = |text: &str| Commit::of(&StepOptions::of_text(text).unwrap()).unwrap_err().to_string();
    assert!(errors("").contains("`folder` is missing"));
    assert!(errors("folder = 'x'\npush = 'yes'").contains("push"));
    assert!(errors("folder = 'x'\nmesage = 'm'").contains("did you mean `message`?"));
}
