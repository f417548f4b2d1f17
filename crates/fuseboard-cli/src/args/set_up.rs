//! The words of the commands that set things up.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// What it is for
    #[arg(value_enum, default_value_t)]
    pub(crate) template: Template,
    /// Write over the file that is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Template {
    /// What follows an unattended agent's mission: usage, checks of its work, notices
    #[default]
    Agent,
    /// Circuits only, and an example of a step
    Minimal,
    /// Lint and tests as gates
    Ci,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The folder; made if it is missing
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct StateArgs {
    #[command(subcommand)]
    pub(crate) to: StateTo,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StateTo {
    /// Write all circuits to a file, or with - to standard output
    Export {
        /// The file
        file: PathBuf,
    },
    /// Take over circuits from a file, or with - from standard input; one that is newer here stays
    Import {
        /// The file
        file: PathBuf,
    },
}
