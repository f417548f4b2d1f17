//! How moments and circuits look to people and to scripts.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use fuseboard::clock::Human;
use fuseboard::{Mode, Policy, Shown, View};
use fuseboard_pipeline::duration;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{Report, RunResult, Status, StepRow, VerdictWord};
use fuseboard_pipeline::stamp::Stamp;
use serde_json::{Value, json};

use crate::report_table;

/// `1 failure`, `2 failures`.
pub(crate) fn times(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A text from outside in one line of so many characters at most.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    let text = plain_text(&text.replace(['\n', '\r'], " "));
    if text.chars().count() <= width { text } else { text.chars().take(width - 1).chain(['…']).collect() }
}

/// A value as JSON on one line. What could act on a terminal or mislead a reader is escaped, which JSON allows for
/// every character.
pub(crate) fn json_line(value: &Value) -> String {
    let mut line = String::new();
    for char in value.to_string().chars() {
        if char.is_ascii_graphic() || !plain_text(char.encode_utf8(&mut [0; 4])).is_empty() {
            line.push(char);
        } else {
            let _ = write!(line, "\\u{:04x}", u32::from(char));
        }
    }
    line
}

/// A moment for scripts: RFC 3339, UTC, milliseconds.
pub(crate) fn rfc3339(moment: SystemTime) -> String {
    Stamp::from(moment).to_string()
}

/// A moment for scripts, from milliseconds since the Unix epoch.
pub(crate) fn rfc3339_ms(millis: i64) -> String {
    Stamp::from_millis(millis).to_string()
}

/// A moment for people, seen from now: `3m ago`, `in 2h`.
pub(crate) fn relative(moment: SystemTime, now: SystemTime) -> String {
    match moment.duration_since(now) {
        Ok(ahead) if ahead < Duration::from_secs(1) => "now".to_owned(),
        Ok(ahead) => format!("in {}", Human(ahead)),
        Err(passed) => format!("{} ago", Human(passed.duration())),
    }
}

/// What a person calls the state, the operator's hand included.
pub(crate) fn state_word(view: &View) -> String {
    match &view.switch {
        Some(switch) => format!("{} (switched {})", view.state.as_str(), switch.position.as_str()),
        None if view.state == Shown::Open && view.probe_due => "open, probe due".to_owned(),
        None => view.state.as_str().to_owned(),
    }
}

/// One circuit of `fuseboard.status/1`.
pub(crate) fn circuit_json(view: &View, policy: &Policy) -> Value {
    let totals = &view.totals;
    json!({
        "name": view.name.as_str(),
        "state": view.state.as_str(),
        "switch": view.switch.as_ref().map(|switch| json!({
            "position": switch.position.as_str(),
            "by": switch.by,
            "reason": switch.reason,
            "until": switch.until.map(rfc3339),
        })),
        "failures": view.failures,
        "since": view.since.map(rfc3339),
        "probe_at": view.probe_at.map(rfc3339),
        "probe_due": view.probe_due,
        "trips": view.trips,
        "skips": view.skips,
        "last_error": view.last_failure.as_ref().map(|(_, message, _)| message),
        "last_failure": view.last_failure.as_ref().map(|(kind, _, at)| json!({"kind": kind.as_str(), "at": rfc3339(*at)})),
        "policy": policy_json(policy),
        "totals": {
            "success": totals.success,
            "failure": totals.failure,
            "timeout": totals.timeout,
            "skipped": totals.skipped,
            "ignored": totals.ignored,
            "late": totals.late,
        },
        "hosts": [],
    })
}

fn policy_json(policy: &Policy) -> Value {
    json!({
        "trip_after": policy.trip_after(),
        "rate": policy.rate().map(|rate| json!({
            "failures": rate.failures,
            "of": rate.of,
            "within": duration::format(rate.within),
        })),
        "slow_after": policy.slow_after().map(duration::format),
        "cool_down": policy.cool_down().map_or_else(|| "never".to_owned(), duration::format),
        "cool_down_factor": policy.cool_down_factor(),
        "cool_down_max": duration::format(policy.cool_down_max()),
        "jitter": policy.jitter(),
        "probes": policy.probes(),
        "lease": duration::format(policy.lease()),
        "observe": policy.mode() == Mode::Observe,
    })
}

/// The sign of a step's end.
pub(crate) fn symbol(row: &StepRow) -> &'static str {
    match (row.status, row.verdict) {
        (Status::Success, Some(VerdictWord::Block)) => "✋",
        (Status::Success, _) => "✓",
        (Status::Failed, _) => "✗",
        (Status::TimedOut, _) => "⏱",
        (Status::Skipped, _) => "–",
        (Status::NotApplicable, _) => "·",
        (Status::Interrupted, _) => "!",
        (Status::Running, _) => "…",
    }
}

/// A step's end in one line.
pub(crate) fn step_line(row: &StepRow) -> String {
    let mut line = format!("{} {}", symbol(row), row.name);
    if let Some(reason) = row.reason {
        line = format!("{line}  skipped: {reason}").replace(
            "skipped: deadline",
            if row.status == Status::TimedOut { "cut by the deadline" } else { "skipped: deadline" },
        );
    }
    if let Some(took) = row.duration_ms {
        line = format!("{line}  {}", Human(Duration::from_millis(took)));
    }
    match report_table::why(row) {
        why if why.is_empty() => line,
        why if row.reason.is_some_and(|reason| why == format!("no verdict: {reason}")) => line,
        why => format!("{line}  {why}"),
    }
}

/// A run's end in one line, and where more of it is to be read, if it was written down.
pub(crate) fn run_line(report: &Report, is_written: bool) -> String {
    let took = Human(Duration::from_millis(report.duration_ms));
    let result = match report.result {
        result @ (RunResult::Success | RunResult::Skipped) if !report.job.succeeded => {
            format!("the job failed; the steps after it: {result}")
        }
        result => result.to_string(),
    };
    let more = if is_written { format!("see: fuseboard runs {}", report.id) } else { "not written down".to_owned() };
    format!("{result} after {took}, exit code {}; {more}", report.exit_code)
}
