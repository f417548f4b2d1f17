//! The words of the commands that follow a job.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use fuseboard_mission::agents::AgentKind;
use fuseboard_pipeline::stamp::Stamp;

#[derive(Debug, Args)]
pub(crate) struct MissionArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// Exit 75 instead of waiting for an open agent's circuit
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// The agent's command and its arguments; no shell
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct AfterArgs {
    #[command(flatten)]
    pub(crate) job: JobArgs,
    /// The job's exit code; 128 + n for a signal [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) exit_code: Option<u8>,
    /// The file with the job's standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) stdout: Option<PathBuf>,
    /// The file with the job's standard error
    #[arg(long, value_name = "FILE")]
    pub(crate) stderr: Option<PathBuf>,
    /// When the job started, as in RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) started_at: Option<Stamp>,
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line by itself")]
pub(crate) struct JobArgs {
    /// What the job was to do
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// The project's name [default: that of the repository or folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// The project's folder [default: the current one]
    #[arg(long, value_name = "DIR")]
    pub(crate) project_path: Option<PathBuf>,
    /// Whose output it is: auto, claude, codex, gemini or none
    #[arg(long, value_name = "AGENT", default_value = "auto")]
    pub(crate) agent: AgentKind,
    /// In which mode the job ran; free text
    #[arg(long, value_name = "TEXT")]
    pub(crate) mode: Option<String>,
    /// Which one it was in its loop, from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) run_number: Option<u32>,
    /// The job as JSON (fuseboard.job/1), `-` for standard input; other options go before it
    #[arg(long, value_name = "FILE")]
    pub(crate) job: Option<PathBuf>,
    /// Write the report to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Only these steps
    #[arg(long, value_name = "STEP")]
    pub(crate) only: Vec<String>,
    /// Not these steps
    #[arg(long, value_name = "STEP")]
    pub(crate) skip: Vec<String>,
    /// Accept the repository's configuration for this call
    #[arg(long)]
    pub(crate) trust: bool,
    /// Show what would be done, do nothing
    #[arg(long, conflicts_with = "detach")]
    pub(crate) dry_run: bool,
    /// Print the run's id and go on in the background
    #[arg(long)]
    pub(crate) detach: bool,
    /// Exit 0 where Fuseboard's own code would be 77, 124 or 1
    #[arg(long)]
    pub(crate) best_effort: bool,
}

impl JobArgs {
    /// A code of our own, as `--best-effort` wants it.
    pub(crate) fn softened(&self, code: u8) -> u8 {
        if self.best_effort && matches!(code, 77 | 124 | 1) { 0 } else { code }
    }
}
