//! `record`: feeds an outcome that was seen elsewhere.

use fuseboard::{Failure, FailureKind, Outcome};

use crate::Failed;
use crate::args::{RecordArgs, RecordedOutcome};
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::{Settings, valid_name};

pub(crate) fn record(settings: &Settings, args: &RecordArgs) -> Result<ExitCode, Failed> {
    if home::is_off() {
        return valid_name(&args.name).map(|_| ExitCode::Done);
    }
    let name = settings.known_or_new(&args.name)?;
    let outcome = match args.outcome {
        RecordedOutcome::Success => Outcome::Success,
        RecordedOutcome::Ignored => Outcome::Ignored,
        RecordedOutcome::Failure => {
            let reason = args.reason.as_deref().unwrap_or("recorded as failed");
            Outcome::Failure(Failure::new(FailureKind::Error, &settings.redact(reason)))
        }
    };
    let circuit = settings
        .board()
        .circuit_with(&name, settings.policy(&name))
        .map_err(|error| Failed::new(ExitCode::Bug, error))?;
    if let Err(error) = circuit.record(&outcome) {
        // The caller's work is done; that its outcome is lost must not break the caller.
        settings.console.error(format_args!("{name}: the outcome is lost: {error}"));
    }
    Ok(ExitCode::Done)
}
