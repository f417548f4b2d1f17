//! A stage for a recorder: a job, what ended before it, a ledger in memory, a state folder.
#![allow(dead_code, reason = "no test needs all of it")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use fuseboard::record::Holder;
use fuseboard_pipeline::config::StepOptions;
use fuseboard_pipeline::job::{Job, ModelUsage};
use fuseboard_pipeline::ledger::{Ledger, LedgerError, Rows, RunHead, StoredRun, StoredUsage};
use fuseboard_pipeline::process::{Deadline, Interrupt};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::{CircuitChanges, Report, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Before, Step, StepContext, StepError, Told};

pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples/claude").join(name)
}

pub(crate) fn options(text: &str) -> StepOptions {
    StepOptions::of_text(text).unwrap()
}

/// Runs this very test once more where no file grows beyond a few KiB; true in there.
pub(crate) fn on_a_full_disk(test: &str) -> bool {
    if std::env::var_os("FULL_DISK").is_some() {
        return true;
    }
    let output = std::process::Command::new("sh")
        .args(["-c", "ulimit -f 8; trap '' XFSZ; exec \"$0\" --exact \"$1\""])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env("FULL_DISK", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    false
}

/// Writes to a file until there is no room for more.
pub(crate) fn fill(file: &Path) -> Vec<u8> {
    let mut filled = std::fs::File::options().create(true).append(true).open(file).unwrap();
    while filled.write(&[b'\n'; 64]).is_ok_and(|written| written > 0) {}
    std::fs::read(file).unwrap()
}

#[derive(Default)]
pub(crate) struct Book {
    pub(crate) runs: Vec<StoredRun>,
    pub(crate) usage: Mutex<Vec<(String, Vec<ModelUsage>)>>,
    /// What earlier runs used.
    pub(crate) used: Vec<StoredUsage>,
    pub(crate) broken: bool,
}

impl Book {
    fn check<T>(&self, value: T) -> Result<T, LedgerError> {
        if self.broken { Err(LedgerError("the disk is full".into())) } else { Ok(value) }
    }
}

impl Ledger for Book {
    fn begin(&self, _: &RunHead) -> Result<(), LedgerError> {
        self.check(())
    }
    fn job_ended(&self, _: &str, _: &Job) -> Result<(), LedgerError> {
        self.check(())
    }
    fn step(&self, _: &str, _: &StepRow) -> Result<(), LedgerError> {
        self.check(())
    }
    fn end(&self, _: &str, _: &Report) -> Result<(), LedgerError> {
        self.check(())
    }
    fn record_usage(&self, run: &str, usage: &[ModelUsage]) -> Result<(), LedgerError> {
        self.check(())?;
        let mut rows = self.usage.lock().unwrap();
        rows.retain(|(known, _)| known != run);
        rows.push((run.to_owned(), usage.to_vec()));
        Ok(())
    }
    fn usage_since(&self, since: Stamp) -> Result<Vec<StoredUsage>, LedgerError> {
        self.check(self.used.iter().filter(|row| row.at >= since).cloned().collect())
    }
    fn unfinished(&self) -> Result<Rows<RunHead>, LedgerError> {
        self.check(Rows::default())
    }
    fn interrupted(&self, _: &str, _: Stamp) -> Result<(), LedgerError> {
        self.check(())
    }
    fn runs(&self, limit: usize) -> Result<Rows<StoredRun>, LedgerError> {
        self.check(self.runs[self.runs.len().saturating_sub(limit)..].to_vec().into())
    }
    fn run(&self, id: &str) -> Result<Option<StoredRun>, LedgerError> {
        self.check(self.runs.iter().find(|run| run.head.id == id).cloned())
    }
}

pub(crate) struct Stage {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) run: String,
    pub(crate) job: Job,
    pub(crate) ended: Vec<StepRow>,
    pub(crate) circuits: CircuitChanges,
    pub(crate) book: Book,
    pub(crate) deadline: Deadline,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let mut job = Job { id: "0198-5".into(), succeeded: true, exit_code: Some(0), ..Job::default() };
        job.project.name = "parser".into();
        Self {
            folder: tempfile::tempdir().unwrap(),
            run: "0198-5".into(),
            job,
            ended: Vec::new(),
            circuits: CircuitChanges::default(),
            book: Book::default(),
            deadline: Deadline::NEVER,
        }
    }

    pub(crate) fn with_output(name: &str) -> Self {
        let mut stage = Self::new();
        stage.job.stdout_path = Some(sample(name));
        stage
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn play(&self, step: &dyn Step) -> Result<Told, StepError> {
        match self.answer(step)? {
            Answer::Done(told) => Ok(told),
            other => panic!("a recorder says {other:?}"),
        }
    }

    pub(crate) fn answer(&self, step: &dyn Step) -> Result<Answer, StepError> {
        let context = StepContext {
            name: "step",
            run: &self.run,
            job: &self.job,
            deadline: self.deadline,
            interrupt: &Interrupt::never(),
            state_folder: &self.state(),
            config_folder: self.folder.path(),
            ended: &self.ended,
            circuits: &self.circuits,
            before: &Before::default(),
            ledger: &self.book,
            redactor: &Redactor::from_env(std::env::vars_os()),
        };
        step.run(&context)
    }
}

/// A run of the past.
pub(crate) fn past(id: &str, project: &str, job: Option<Job>, steps: Vec<StepRow>) -> StoredRun {
    let head = RunHead {
        id: id.into(),
        project: project.into(),
        started_at: Stamp::from_millis(0),
        holder: Holder { pid: 1, started: 1, boot: "boot".into(), namespace: 0 },
    };
    StoredRun { head, ended_at: None, job, report: None, steps, was_interrupted: false }
}
