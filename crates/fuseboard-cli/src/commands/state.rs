//! `state export` and `state import`: circuits on their way to another machine.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use fuseboard::CircuitName;
use fuseboard_pipeline::sys;
use fuseboard_stores::format::portable;
use serde_json::json;

use crate::Failed;
use crate::args::{Format, StateArgs, StateTo};
use crate::exit_code::ExitCode;
use crate::settings::{Settings, no_store};
use crate::show;

/// Largest file, in bytes: far more than all circuits that a store holds.
const MOST_BYTES: u64 = 256 * 1024 * 1024;

pub(crate) fn state(settings: &Settings, args: &StateArgs) -> Result<ExitCode, Failed> {
    match &args.to {
        StateTo::Export { file } => export(settings, file),
        StateTo::Import { file } => import(settings, file),
    }
}

fn export(settings: &Settings, file: &Path) -> Result<ExitCode, Failed> {
    let (circuits, damaged) = settings.history()?.export().map_err(no_store)?;
    for error in damaged {
        settings.console.error(format_args!("left out: {error}"));
    }
    let text = portable::write(&circuits).map_err(|error| Failed::new(ExitCode::Bug, error))?;
    if file == Path::new("-") {
        settings.console.data(&text);
        return Ok(ExitCode::Done);
    }
    sys::write_through_no_link(file, (text + "\n").as_bytes())
        .map_err(|error| Failed::new(ExitCode::Usage, format_args!("{}: {error}", file.display())))?;
    settings.console.note(format_args!(
        "{} written to {}",
        show::times(circuits.len() as u64, "circuit"),
        file.display()
    ));
    Ok(ExitCode::Done)
}

fn import(settings: &Settings, file: &Path) -> Result<ExitCode, Failed> {
    if settings.is_in_mission() {
        let message = "refused inside a mission: circuits are imported by an operator, at a terminal";
        return Err(Failed::new(ExitCode::Blocked, message));
    }
    let refuse =
        |error: &dyn std::fmt::Display| Failed::new(ExitCode::Usage, format_args!("{}: {error}", file.display()));
    let text = read(file).map_err(|error| refuse(&error))?;
    let circuits = portable::read(&text).map_err(|error| refuse(&error))?;
    let taken = settings.history()?.import(&circuits).map_err(no_store)?;
    let kept = circuits.len() - taken.len();
    if settings.format == Format::Json {
        let names: Vec<&str> = taken.iter().map(CircuitName::as_str).collect();
        let answer = json!({"schema": "fuseboard.state-import/1", "taken": names, "kept": kept});
        settings.console.data(&show::json_line(&answer));
    }
    let taken = show::times(taken.len() as u64, "circuit");
    settings.console.note(format_args!("{taken} taken over; newer here, and left as they are: {kept}"));
    Ok(ExitCode::Done)
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        io::stdin().take(MOST_BYTES + 1).read_to_string(&mut text)?;
    } else {
        File::open(file)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    }
    if text.len() as u64 > MOST_BYTES {
        return Err(io::Error::other("it is larger than any state"));
    }
    Ok(text)
}
