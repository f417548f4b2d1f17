//! `man`: the manual's pages, one for the program and one for each command, made from what `--help` shows.

use std::fs;
use std::path::Path;

use clap::CommandFactory;

use crate::Failed;
use crate::args::Cli;
use crate::exit_code::ExitCode;
use crate::settings::Settings;

pub(crate) fn man(settings: &Settings, folder: &Path) -> Result<ExitCode, Failed> {
    let written = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    written.map_err(|error| {
        Failed::new(ExitCode::Usage, format_args!("the pages cannot be written to {}: {error}", folder.display()))
    })?;
    settings.console.note(format_args!("the pages are in {}; read one: man -l PAGE", folder.display()));
    Ok(ExitCode::Done)
}
