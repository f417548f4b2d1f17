//! `status`: every circuit at a glance, one as a card, all as JSON.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use fuseboard::clock::{Clock, Human, SystemClock};
use fuseboard::record::Position;
use fuseboard::{Shown, View};
use fuseboard_pipeline::process::plain_text;
use serde_json::json;

use crate::Failed;
use crate::args::{Format, StatusArgs};
use crate::console::{BAD, FAINT, MIDDLING, PLAIN, styled};
use crate::exit_code::ExitCode;
use crate::settings::Settings;
use crate::show::{self, times};
use crate::table::Table;

/// Widest error text in the table, in characters; the card shows all of it.
const ERROR_WIDTH: usize = 60;

pub(crate) fn status(settings: &Settings, args: &StatusArgs) -> Result<ExitCode, Failed> {
    let names = args.names.iter().map(|name| settings.known(name)).collect::<Result<Vec<_>, _>>()?;
    let mut views = settings.views()?;
    let saved: u64 = views.iter().map(|view| view.totals.saved_ms).sum();
    if !names.is_empty() {
        views.retain(|view| names.contains(&view.name));
    }
    if args.open_only {
        views.retain(is_out);
    }
    let now = SystemClock.wall();
    match settings.format {
        Format::Json => {
            let circuits: Vec<_> =
                views.iter().map(|view| show::circuit_json(view, &settings.policy(&view.name))).collect();
            let answer = json!({"schema": "fuseboard.status/1", "circuits": circuits});
            settings.console.data(&show::json_line(&answer));
        }
        Format::Text => {
            let text = match (&views[..], args.names.len()) {
                ([view], 1) => card(view, now),
                ([], _) if args.open_only => "every circuit is closed".to_owned(),
                ([], _) => "no circuit yet; guard something: fuseboard exec NAME -- COMMAND".to_owned(),
                (views, _) => table(views, now),
            };
            settings.console.data(&format!("{text}\n{}", styled(FAINT, &saved_line(saved))));
        }
    }
    Ok(if args.fail_if_open && views.iter().any(is_out) { ExitCode::Found } else { ExitCode::Done })
}

/// Whether calls do not simply run: open, half-open, or switched off.
fn is_out(view: &View) -> bool {
    view.state != Shown::Closed || view.switch.as_ref().is_some_and(|switch| switch.position == Position::Off)
}

fn saved_line(saved_ms: u64) -> String {
    match saved_ms {
        0 => "no time saved yet: nothing was skipped".to_owned(),
        _ => format!("time saved by skipping what is broken: {}", Human(Duration::from_millis(saved_ms))),
    }
}

fn table(views: &[View], now: SystemTime) -> String {
    let head = ["CIRCUIT", "STATE", "SINCE", "FAILURES", "NEXT PROBE", "SKIPS", "LAST ERROR", "SWITCH"];
    let mut table = Table::new(head);
    for view in views {
        let style = match (view.state, &view.switch) {
            (Shown::Closed, None) => PLAIN,
            (Shown::Open, _) => BAD,
            (Shown::HalfOpen, _) | (Shown::Closed, Some(_)) => MIDDLING,
        };
        let error = view.last_failure.as_ref().filter(|_| view.failures > 0);
        let cells = [
            view.name.to_string(),
            view.state.as_str().to_owned(),
            view.since.map_or("-".to_owned(), |since| show::relative(since, now)),
            view.failures.to_string(),
            next_probe(view, now),
            view.skips.to_string(),
            error.map_or("-".to_owned(), |(_, text, _)| shortened(text)),
            view.switch.as_ref().map_or("-".to_owned(), |switch| switch.position.as_str().to_owned()),
        ];
        table.row(style, cells);
    }
    table.shown()
}

fn next_probe(view: &View, now: SystemTime) -> String {
    match (view.state, view.probe_at) {
        (Shown::Closed, _) => "-".to_owned(),
        _ if view.probe_due => "due".to_owned(),
        (Shown::HalfOpen, _) => "out".to_owned(),
        (Shown::Open, Some(at)) => show::relative(at, now),
        (Shown::Open, None) => "never".to_owned(),
    }
}

fn shortened(text: &str) -> String {
    let text = plain_text(text);
    if text.chars().count() <= ERROR_WIDTH { text } else { text.chars().take(ERROR_WIDTH - 1).chain(['…']).collect() }
}

fn card(view: &View, now: SystemTime) -> String {
    let totals = &view.totals;
    let mut card = String::new();
    let mut row = |title: &str, text: &str| {
        let _ = writeln!(card, "{:<12} {}", title, plain_text(text));
    };
    row("circuit", view.name.as_str());
    row("state", &show::state_word(view));
    if let Some(since) = view.since {
        row("since", &format!("{} ({})", show::rfc3339(since), show::relative(since, now)));
        let probes = u64::from(view.trips.saturating_sub(1));
        let failures = view.sample.map_or_else(|| times(view.failures.into(), "failure"), |sample| sample.to_string());
        row("opened", &format!("after {failures}, then {}", times(probes, "failed probe")));
        row("next probe", &next_probe(view, now));
        row("skips", &view.skips.to_string());
    } else {
        let recent = view.sample.filter(|sample| sample.calls > 0).map(|sample| format!("; {sample}"));
        row("failures", &format!("{} in a row{}", view.failures, recent.unwrap_or_default()));
    }
    if let Some((kind, text, at)) = &view.last_failure {
        row("last error", &format!("{text} ({kind}, {})", show::relative(*at, now)));
    }
    if let Some(switch) = &view.switch {
        let until = switch.until.map(|until| format!(", back to auto {}", show::relative(until, now)));
        let position = switch.position.as_str();
        row("switch", &format!("{position} by {}: {}{}", switch.by, switch.reason, until.unwrap_or_default()));
    }
    let counts: Vec<String> =
        totals.counts().iter().filter(|(_, count)| *count > 0).map(|(word, count)| format!("{count} {word}")).collect();
    row("calls", &if counts.is_empty() { "none".to_owned() } else { counts.join(", ") });
    card.truncate(card.trim_end().len());
    card
}
