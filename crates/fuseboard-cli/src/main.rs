//! The program: reads its command line and surroundings, does one command, ends with a code of the table.

mod announce;
mod args;
mod commands;
mod console;
mod exit_code;
mod home;
mod host_store;
mod prepared;
mod report_table;
mod settings;
mod show;
mod table;
mod untold;

use std::ffi::OsString;
use std::mem::ManuallyDrop;
use std::panic::catch_unwind;
use std::process::ExitCode as ProcessExitCode;

use clap::Parser;

use crate::args::{Cli, Command, ExecCli, ExecCommand};
use crate::commands::{
    after, allowed, brief, completions, drill, exec, explain, history, init, man, mission, operate, pick, record, runs,
    state, status, trust, usage, validate,
};
use crate::console::Console;
use crate::exit_code::ExitCode;
use crate::settings::Settings;

fn main() -> ProcessExitCode {
    let ended = catch_unwind(|| {
        let cli = match parse(std::env::args_os().collect()) {
            Ok(cli) => cli,
            Err(error) => return answer_usage(&error),
        };
        let console = Console::new(cli.global.color, cli.global.quiet, cli.global.verbose);
        run(cli, console).unwrap_or_else(|failed| {
            match failed.code {
                ExitCode::Config => console.errors(&failed.message),
                _ => console.error(&failed.message),
            }
            failed.code
        })
    });
    ended.unwrap_or(ExitCode::Bug).into()
}

/// Why a command could not be done, and the code that it ends with.
#[derive(Debug)]
struct Failed {
    code: ExitCode,
    message: String,
}

impl Failed {
    fn new(code: ExitCode, message: impl std::fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }
}

fn run(cli: Cli, console: Console) -> Result<ExitCode, Failed> {
    // Not dropped: to take the store's connection apart would take longer than to leave that to the process's end.
    let settings = ManuallyDrop::new(Settings::of(&cli.global, console)?);
    match cli.command {
        Command::Exec(args) => exec::exec(&settings, &args),
        Command::Allowed(args) => allowed::allowed(&settings, &args.name),
        Command::Record(args) => record::record(&settings, &args),
        Command::Status(args) => status::status(&settings, &args),
        Command::Explain(args) => explain::explain(&settings, &args.name),
        Command::History(args) => history::history(&settings, &args),
        Command::Switch(args) => operate::switch(&settings, &args),
        Command::Probe(args) => operate::probe(&settings, &args.name),
        Command::Reset(args) => operate::reset(&settings, &args),
        Command::Mission(args) => mission::mission(&settings, &args),
        Command::After(args) => after::after(&settings, &args),
        Command::Trust => trust::trust(&settings),
        Command::Runs(args) => runs::runs(&settings, &args),
        Command::Usage(args) => usage::usage(&settings, &args),
        Command::Brief(args) => brief::brief(&settings, &args),
        Command::Pick(args) => pick::pick(&settings, &args),
        Command::Drill => drill::drill(&settings),
        Command::Validate => Ok(validate::validate(&settings, cli.global.config.as_deref())),
        Command::State(args) => state::state(&settings, &args),
        Command::Completions(args) => Ok(completions::completions(&settings, args.shell)),
        Command::Man(args) => man::man(&settings, &args.folder),
        Command::Init(args) => init::init(&settings, &args, cli.global.config.as_deref()),
    }
}

/// Reads the command line; `exec` by a parser of its own, see [`ExecCli`].
fn parse(line: Vec<OsString>) -> Result<Cli, clap::Error> {
    if line.get(1).is_some_and(|word| word == "exec") {
        let ExecCli { global, command: ExecCommand::Exec(args) } = ExecCli::try_parse_from(line)?;
        return Ok(Cli { global, command: Command::Exec(args) });
    }
    Cli::try_parse_from(line)
}

/// Help and version are answers; everything else is a usage error, shown plain since it repeats what was typed.
fn answer_usage(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        let console = Console::new(args::Color::Never, false, false);
        let text = error.render().to_string();
        console.errors(text.trim_end().trim_start_matches("error: "));
        ExitCode::Usage
    } else {
        let _ = error.print();
        ExitCode::Done
    }
}
