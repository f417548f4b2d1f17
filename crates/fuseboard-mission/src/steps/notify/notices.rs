//! What there is to tell of a run.

use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{BlockedBy, CircuitChanges, Kind, Reason, Status, StepRow, VerdictWord};

use serde::Deserialize as _;

use super::message::{Notice, Severity};
use crate::agents::words;

/// Most notices of one run. What is beyond is counted in the last of them.
const MOST_NOTICES: usize = 50;

/// What there is to tell of a run; nothing if it was healthy.
pub fn notices(job: &Job, rows: &[StepRow], circuits: &CircuitChanges) -> Vec<Notice> {
    let mut notices: Vec<Notice> = of_job(job, rows).into_iter().collect();
    notices.extend(rows.iter().filter_map(held_back));
    notices.extend(rows.iter().filter_map(not_done));
    notices.extend(rows.iter().filter(|row| !is_named_by_an_action(row, rows)).filter_map(no_pass));
    notices.extend(rows.iter().filter_map(alert));
    notices.extend(circuits.opened.iter().map(|circuit| opened(circuit, rows)));
    notices.extend(circuits.closed.iter().map(|circuit| Notice {
        severity: Severity::Info,
        subject: format!("{circuit} works again"),
        text: format!("The circuit {circuit} is closed."),
    }));
    let beyond = notices.len().saturating_sub(MOST_NOTICES);
    if beyond > 0 {
        notices.truncate(MOST_NOTICES - 1);
        notices.push(Notice {
            severity: Severity::Warning,
            subject: format!("{} more notices of this run", beyond + 1),
            text: format!("fuseboard runs {} shows all of it.", job.id),
        });
    }
    notices
}

fn of_job(job: &Job, rows: &[StepRow]) -> Option<Notice> {
    let stuck = rows.iter().find(|row| {
        let outcome = row.output.as_ref().and_then(|output| output.get("outcome"));
        row.kind == Kind::Recorder && outcome.is_some_and(|outcome| outcome == "stuck")
    });
    let title =
        job.title.as_deref().map_or_else(|| "the mission".to_owned(), |title| format!("\"{}\"", plain_text(title)));
    let session = stuck.and_then(|row| row.detail.as_deref());
    if job.succeeded {
        let text = session.unwrap_or("It could not go on.").to_owned();
        return stuck.map(|_| Notice { severity: Severity::Action, subject: format!("{title} is stuck"), text });
    }
    let (severity, how) = match job.failure_kind {
        Some(JobFailure::Login) => (Severity::Urgent, "the agent is not logged in"),
        Some(JobFailure::Quota) => (Severity::Warning, "the agent ran into its limit"),
        Some(JobFailure::Interrupted) => (Severity::Info, "somebody stopped it"),
        Some(JobFailure::Exit) => (Severity::Action, "it ended with an error"),
        Some(JobFailure::Signal) => (Severity::Action, "a signal ended it"),
        Some(JobFailure::Spawn) => (Severity::Action, "it could not be started"),
        Some(JobFailure::Timeout) => (Severity::Action, "it took too long"),
        Some(JobFailure::AgentError) => (Severity::Action, "the agent says that it failed"),
        None => (Severity::Action, "it did not do its work"),
    };
    let code = job.exit_code.map(|code| format!("Exit code {code}."));
    // An agent without last words may have said on standard error why.
    let complaint = || job.stderr_path.as_deref().and_then(words::last_line);
    let said = job.result_text.clone().or_else(complaint);
    let text = [code.as_deref(), session, said.as_deref()];
    let text = text.into_iter().flatten().collect::<Vec<_>>().join("\n");
    Some(Notice { severity, subject: format!("{title} failed: {how}"), text })
}

/// An action that gates hold back.
fn held_back(row: &StepRow) -> Option<Notice> {
    if row.kind != Kind::Action || row.reason != Some(Reason::GateBlocked) {
        return None;
    }
    let gates = row.blocked_by.as_deref().unwrap_or_default();
    let names: Vec<&str> = gates.iter().map(|gate| gate.gate.as_str()).collect();
    let line = |gate: &BlockedBy| {
        let how = if gate.evaluated { "blocks" } else { "gave no verdict" };
        format!("{} {how}: {}", gate.gate, gate.why.trim_start_matches("no verdict: "))
    };
    Some(Notice {
        severity: Severity::Action,
        subject: format!("{} was held back by {}", row.name, names.join(", ")),
        text: gates.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

/// An action that nothing held back, and that did not come about all the same. That its circuit is open was told when it opened.
fn not_done(row: &StepRow) -> Option<Notice> {
    Some(Notice {
        severity: Severity::Action,
        subject: format!("{} {}", row.name, row.not_done()?),
        text: row.detail.clone().or_else(|| row.last_error.clone()).unwrap_or_default(),
    })
}

/// A gate that was due and did not pass. One for which an action waited is told by that action.
fn no_pass(row: &StepRow) -> Option<Notice> {
    let how = match (row.status, row.verdict, row.reason) {
        (Status::Success, Some(VerdictWord::Block), _) => "blocks",
        (Status::Failed | Status::TimedOut, ..) => "gave no verdict",
        (Status::NotApplicable, Some(VerdictWord::Block), _) => "does not apply, and so blocks",
        (
            Status::Skipped,
            _,
            Some(Reason::CircuitOpen | Reason::SwitchedOff | Reason::Untrusted | Reason::Deadline),
        ) => "was not asked",
        _ => return None,
    };
    (row.kind == Kind::Gate).then(|| Notice {
        severity: Severity::Action,
        subject: format!("{} {how}", row.name),
        text: row.why.clone().or_else(|| row.last_error.clone()).unwrap_or_default(),
    })
}

/// What a recorder has told as data: `{"alert": {"subject": …, "text": …, "severity": …}}`.
fn alert(row: &StepRow) -> Option<Notice> {
    let alert = row.output.as_ref().filter(|_| row.kind == Kind::Recorder)?.get("alert")?;
    let text = |key: &str| alert.get(key).and_then(|text| text.as_str()).map(str::to_owned);
    let severity = alert.get("severity").and_then(|word| Severity::deserialize(word).ok());
    Some(Notice {
        severity: severity.unwrap_or(Severity::Warning),
        subject: text("subject")?,
        text: text("text").unwrap_or_default(),
    })
}

fn is_named_by_an_action(gate: &StepRow, rows: &[StepRow]) -> bool {
    let mut blocks = rows.iter().filter(|row| held_back(row).is_some()).flat_map(|row| row.blocked_by.iter().flatten());
    blocks.any(|block| block.gate == gate.name)
}

fn opened(circuit: &str, rows: &[StepRow]) -> Notice {
    let row = rows.iter().find(|row| row.circuit.as_deref() == Some(circuit));
    let error = row.and_then(|row| row.last_error.as_ref()).map(|error| format!("Last error: {error}"));
    let probe = row.and_then(|row| row.probe_at).map(|at| format!("It is tried again at {at}."));
    let advice = format!("fuseboard explain {circuit}");
    Notice {
        severity: Severity::Warning,
        subject: format!("{circuit} is out: its circuit opened"),
        text: [error, probe, Some(advice)].into_iter().flatten().collect::<Vec<_>>().join("\n"),
    }
}
