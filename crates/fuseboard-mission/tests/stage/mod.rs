//! A repository with a base and some work on top, and a step that judges it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_mission::git::Git;
use fuseboard_pipeline::config::{ConfigErrors, StepOptions, TableReader};
use fuseboard_pipeline::job::{Job, JobProject, ModelUsage};
use fuseboard_pipeline::ledger::{Ledger, LedgerError, Rows, RunHead, StoredRun, StoredUsage};
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::{CircuitChanges, Report, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Before, Step, StepContext, StepError};
use serde_json::Value;

/// A book with these runs in it, in which nothing is written; or why it cannot be read.
#[derive(Default)]
pub(crate) struct Book(pub(crate) Vec<StoredRun>, pub(crate) Option<LedgerError>);

impl Ledger for Book {
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
    fn usage_since(&self, _: Stamp) -> Result<Vec<StoredUsage>, LedgerError> {
        Ok(Vec::new())
    }
    fn unfinished(&self) -> Result<Rows<RunHead>, LedgerError> {
        Ok(Rows::default())
    }
    fn interrupted(&self, _: &str, _: Stamp) -> Result<(), LedgerError> {
        Ok(())
    }
    fn runs(&self, _: usize) -> Result<Rows<StoredRun>, LedgerError> {
        self.1.clone().map_or_else(|| Ok(self.0.clone().into()), Err)
    }
    fn run(&self, _: &str) -> Result<Option<StoredRun>, LedgerError> {
        Ok(None)
    }
}

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    pub(crate) book: Book,
    /// The job, but for its project.
    pub(crate) job: Job,
    /// How the repository stood when the job began.
    pub(crate) before: Before,
    /// What the job recorded as its base.
    pub(crate) recorded: Option<String>,
    /// When the job ended.
    pub(crate) ended: Option<Stamp>,
    pub(crate) deadline: Deadline,
}

impl Stage {
    /// A repository whose `main` has these files, with `work` checked out.
    pub(crate) fn new(base: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let deadline = Deadline::after(Duration::from_secs(60));
        let job = Job { succeeded: true, ..Job::default() };
        let stage = Self {
            folder,
            book: Book::default(),
            job,
            before: Before::default(),
            recorded: None,
            ended: None,
            deadline,
        };
        stage.git(&["init", "-q", "-b", "main"]);
        stage.commit(base);
        stage.git(&["switch", "-q", "-c", "work"]);
        stage
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes the files and commits everything.
    pub(crate) fn commit(&self, files: &[(&str, &[u8])]) {
        self.commit_as("work", files);
    }

    /// The same with this subject.
    pub(crate) fn commit_as(&self, subject: &str, files: &[(&str, &[u8])]) {
        for (name, content) in files {
            let file = self.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"])
            .args(["-c", "core.autocrlf=false"])
            .args(args)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Our git, without limits.
    pub(crate) fn ours(&self) -> Git {
        Git::at(self.path(), Deadline::NEVER, &Interrupt::never())
    }

    pub(crate) fn run(&self, step: &dyn Step) -> Result<Answer, StepError> {
        self.run_in(PathBuf::new().as_path(), step)
    }

    /// Runs the step for a project in this folder of the repository.
    pub(crate) fn run_in(&self, folder: &Path, step: &dyn Step) -> Result<Answer, StepError> {
        let project = JobProject {
            name: "app".to_owned(),
            path: self.path().join(folder),
            base: self.recorded.clone(),
            ..JobProject::default()
        };
        let job = Job { project, ended_at: self.ended, ..self.job.clone() };
        step.run(&StepContext {
            circuits: &CircuitChanges::default(),
            before: &self.before,
            name: "gate",
            // No two alike: what carries the mark of another step would be ended with it.
            run: &self.path().to_string_lossy(),
            job: &job,
            deadline: self.deadline,
            interrupt: &Interrupt::never(),
            state_folder: self.path(),
            config_folder: self.path(),
            ended: &[],
            ledger: &self.book,
            redactor: &Redactor::from_env(std::env::vars_os()),
        })
    }
}

/// A step from its options.
pub(crate) fn step<S>(options: &str, read: impl FnOnce(&mut TableReader<'_>) -> S) -> Result<S, ConfigErrors> {
    StepOptions::of_text(options).unwrap().read(read)
}

#[track_caller]
pub(crate) fn passed(answer: Result<Answer, StepError>) -> (String, Value) {
    match answer {
        Ok(Answer::Pass(told)) => (told.detail.unwrap_or_default(), told.output.unwrap_or_default()),
        other => panic!("no pass: {other:?}"),
    }
}

#[track_caller]
pub(crate) fn blocked(answer: Result<Answer, StepError>) -> (String, Value) {
    match answer {
        Ok(Answer::Block { why, told }) => (why, told.output.unwrap_or_default()),
        other => panic!("no block: {other:?}"),
    }
}
