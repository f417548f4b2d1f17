//! `switch`, `probe`, `reset`: an operator's acts. Each is recorded with who did it, and fails loudly.

use fuseboard::record::Position;
use fuseboard::{CircuitName, LONGEST_SWITCH, Operator};
use fuseboard_pipeline::duration;

use crate::Failed;
use crate::args::{ResetArgs, SwitchArgs, SwitchTo};
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::{Settings, no_store};

pub(crate) fn switch(settings: &Settings, args: &SwitchArgs) -> Result<ExitCode, Failed> {
    let operator = operator(settings)?;
    let name = settings.known_or_new(&args.name)?;
    let reason = args.reason.as_deref().unwrap_or_default().trim();
    if args.position != SwitchTo::Auto && reason.is_empty() {
        return Err(Failed::new(ExitCode::Usage, "a switch needs a reason for who comes after you: --reason TEXT"));
    }
    if let Some(time) = args.time.filter(|time| *time > LONGEST_SWITCH) {
        let (time, longest) = (duration::format(time), duration::format(LONGEST_SWITCH));
        let message =
            format!("--for {time} is longer than {longest}, the longest time; for good, change the configuration");
        return Err(Failed::new(ExitCode::Usage, message));
    }
    let is_new = !settings.is_seen(&name);
    let done = match args.position {
        SwitchTo::Off => operator.switch(&name, Position::Off, &settings.redact(reason), args.time),
        SwitchTo::On => operator.switch(&name, Position::On, &settings.redact(reason), args.time),
        SwitchTo::Auto => operator.auto(&name, &settings.redact(reason)),
    };
    done.map_err(no_store)?;
    if is_new {
        settings
            .console
            .note(format_args!("{name} was never seen before; if it is not the name you meant: fuseboard status"));
    }
    Ok(ExitCode::Done)
}

pub(crate) fn probe(settings: &Settings, name: &str) -> Result<ExitCode, Failed> {
    let operator = operator(settings)?;
    let name = settings.known(name)?;
    if !operator.probe(&name, settings.policy(&name)).map_err(no_store)? {
        settings
            .console
            .note(format_args!("{name}: nothing to bring forward: the circuit is closed, or a probe is out"));
    }
    Ok(ExitCode::Done)
}

pub(crate) fn reset(settings: &Settings, args: &ResetArgs) -> Result<ExitCode, Failed> {
    let operator = operator(settings)?;
    let names: Vec<CircuitName> = if args.all {
        settings.names()?
    } else {
        args.names.iter().map(|name| settings.known(name)).collect::<Result<_, _>>()?
    };
    for name in names {
        operator.reset(&name).map_err(no_store)?;
    }
    Ok(ExitCode::Done)
}

/// An operator's hand, unless it is the hand of a mission: an agent must not switch off what guards it.
fn operator(settings: &Settings) -> Result<Operator, Failed> {
    if settings.is_in_mission() {
        let message = "refused inside a mission: circuits are switched, probed and reset by an operator, at a terminal";
        return Err(Failed::new(ExitCode::Blocked, message));
    }
    Ok(settings.board().operator(&home::user()))
}
