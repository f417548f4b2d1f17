//! `history`: what happened to circuits, oldest first.

use std::time::Duration;

use fuseboard::clock::Human;
use fuseboard_pipeline::process::plain_text;
use fuseboard_stores::{StoredEvent, StoredOutcome};
use serde_json::json;

use crate::Failed;
use crate::args::{Format, HistoryArgs};
use crate::exit_code::ExitCode;
use crate::settings::{Settings, no_store};
use crate::show::{json_line, rfc3339_ms, times};

pub(crate) fn history(settings: &Settings, args: &HistoryArgs) -> Result<ExitCode, Failed> {
    let name = args.name.as_deref().map(|name| settings.known(name)).transpose()?;
    let store = settings.history()?;
    let lines: Vec<String> = if args.outcomes {
        let rows = store.outcomes(name.as_ref(), Some(args.limit)).map_err(no_store)?;
        rows.iter()
            .map(|row| if settings.format == Format::Json { outcome_json(row) } else { outcome_line(row) })
            .collect()
    } else {
        let rows = store.events(name.as_ref(), Some(args.limit)).map_err(no_store)?;
        rows.iter().map(|row| if settings.format == Format::Json { event_json(row) } else { event_line(row) }).collect()
    };
    if lines.is_empty() {
        settings.console.note("nothing has happened yet");
    } else {
        settings.console.data(&lines.join("\n"));
    }
    Ok(ExitCode::Done)
}

fn event_json(row: &StoredEvent) -> String {
    json_line(&json!({
        "at": rfc3339_ms(row.at_ms),
        "circuit": row.circuit,
        "event": row.event,
        "cause": row.cause,
        "failures": row.failures,
        "probe_at": row.probe_at_ms.map(rfc3339_ms),
        "by": row.by,
        "run": row.run,
    }))
}

fn event_line(row: &StoredEvent) -> String {
    let mut line =
        format!("{}  {:<20}  {:<15}", rfc3339_ms(row.at_ms), row.circuit.as_deref().unwrap_or("-"), row.event);
    let failures = row
        .failures
        .filter(|_| row.event == "opened")
        .map(|failures| format!("after {}", times(failures.into(), "failure")));
    let by = row.by.as_ref().map(|by| format!("by {by}"));
    for part in [failures, by, row.cause.clone()].into_iter().flatten() {
        line = format!("{line}  {}", plain_text(&part));
    }
    line.trim_end().to_owned()
}

fn outcome_json(row: &StoredOutcome) -> String {
    json_line(&json!({
        "at": rfc3339_ms(row.at_ms),
        "circuit": row.circuit,
        "outcome": row.outcome,
        "failure": row.failure,
        "duration_ms": row.duration_ms,
        "run": row.run,
    }))
}

fn outcome_line(row: &StoredOutcome) -> String {
    let failure = row.failure.as_deref().map(|failure| format!(" ({failure})")).unwrap_or_default();
    let took = Human(Duration::from_millis(row.duration_ms));
    format!("{}  {:<20}  {}{failure}  {took}", rfc3339_ms(row.at_ms), row.circuit, row.outcome)
}
