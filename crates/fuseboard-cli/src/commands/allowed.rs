//! `allowed`: may it run? A pure read, for a shell's `if`.

use serde_json::json;

use crate::Failed;
use crate::args::Format;
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::{Settings, valid_name};

pub(crate) fn allowed(settings: &Settings, name: &str) -> Result<ExitCode, Failed> {
    let name = if home::is_off() { valid_name(name)? } else { settings.known_or_new(name)? };
    let allowed = home::is_off() || {
        let circuit = settings
            .board()
            .circuit_with(&name, settings.policy(&name))
            .map_err(|error| Failed::new(ExitCode::Bug, error))?;
        circuit.would_run().unwrap_or_else(|error| {
            // Fuseboard's own trouble never stops the work.
            settings.console.error(format_args!("{name}: allowed, since its state cannot be read: {error}"));
            true
        })
    };
    if settings.format == Format::Json {
        settings
            .console
            .data(&json!({"schema": "fuseboard.allowed/1", "circuit": name.as_str(), "allowed": allowed}).to_string());
    } else {
        settings.console.detail(format_args!("{name}: {}", if allowed { "yes" } else { "no" }));
    }
    Ok(if allowed { ExitCode::Done } else { ExitCode::Skipped })
}
