//! `completions`: what a shell needs to complete this program's command lines.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit_code::ExitCode;
use crate::settings::Settings;

pub(crate) fn completions(settings: &Settings, shell: Shell) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "fuseboard", &mut script);
    settings.console.data(String::from_utf8_lossy(&script).trim_end());
    ExitCode::Done
}
