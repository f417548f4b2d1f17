//! What needs a person, and what that person can type.

use fuseboard::View;
use fuseboard::clock::Clock as _;
use fuseboard_mission::steps::notify::spool::Spool;
use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::pause::Pauses;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{Kind, Reason, RunResult, Status, StepRow, VerdictWord};
use serde_json::{Value, json};

use crate::console::BAD;
use crate::home;
use crate::prepared::now;
use crate::show;
use crate::table::Table;

/// Widest reason in the table, in characters.
const WIDTH: usize = 90;

/// How much of a run's id is shown, in characters.
const SHORT_ID: usize = 13;

/// Something that a person has to look at.
pub(super) struct Need {
    /// `blocked`, `failed`, `not done`, `stuck`, `interrupted`, `circuit`, `spool` or `pause`.
    kind: &'static str,
    /// What it is about: a project, a circuit.
    about: String,
    why: String,
    /// What to type.
    command: String,
}

impl Need {
    pub(super) fn to_json(&self) -> Value {
        json!({ "kind": self.kind, "about": self.about, "why": self.why, "do": self.command })
    }
}

/// Everything that needs a person: missions that did not come to their end, circuits that are out, notices that were not
/// delivered, an agent at its limit.
pub(super) fn of(runs: &[StoredRun], out: &[View]) -> Vec<Need> {
    let mut needs: Vec<Need> = runs.iter().filter_map(of_run).collect();
    needs.extend(out.iter().map(of_circuit));
    needs.extend(of_pause());
    needs.extend(of_spool());
    needs
}

pub(super) fn table(needs: &[Need]) -> String {
    let mut table = Table::new(["WHAT", "WHERE", "WHY", "LOOK"]);
    for need in needs {
        let why = show::shortened(&need.why, WIDTH);
        table.row(BAD, [need.kind.to_owned(), plain_text(&need.about), why, need.command.clone()]);
    }
    table.shown()
}

/// Whether a run ended without a report.
pub(super) fn is_gone(run: &StoredRun) -> bool {
    run.report.is_none() && (run.was_interrupted || run.head.holder.proved_dead())
}

fn of_run(run: &StoredRun) -> Option<Need> {
    let job = run.report.as_ref().map(|report| &report.job).or(run.job.as_ref());
    let title = job.and_then(|job| job.title.clone()).map_or_else(String::new, |title| format!("{title}: "));
    let steps = run.report.as_ref().map_or(&run.steps, |report| &report.steps);
    let (kind, why) = match &run.report {
        None if is_gone(run) => ("interrupted", "it was ended before it could report".to_owned()),
        None => return None,
        Some(report) if !report.job.succeeded => {
            let how = report.job.failure_kind.map_or("failed", fuseboard_pipeline::job::JobFailure::as_str);
            ("failed", format!("the agent failed ({how})"))
        }
        Some(report) if report.result == RunResult::Blocked => ("blocked", blockers(steps)),
        Some(report) if report.result == RunResult::Interrupted => ("interrupted", "somebody stopped it".to_owned()),
        Some(_) => match steps.iter().find_map(not_done) {
            Some(why) => ("not done", why),
            None => ("stuck", steps.iter().find_map(stuck)?),
        },
    };
    let id: String = run.head.id.chars().take(SHORT_ID).collect();
    let about = run.head.project.clone();
    Some(Need { kind, about, why: format!("{title}{why}"), command: format!("fuseboard runs {id}") })
}

fn blockers(steps: &[StepRow]) -> String {
    let was_due = |row: &&StepRow| {
        !matches!(row.reason, Some(Reason::Disabled | Reason::NotSelected | Reason::JobFailed | Reason::JobSucceeded))
    };
    let gates = steps.iter().filter(|row| row.kind == Kind::Gate && row.verdict == Some(VerdictWord::Block));
    let gates = gates.filter(was_due);
    let said: Vec<String> = gates
        .map(|row| match &row.why {
            Some(why) => format!("{} ({why})", row.name),
            None => row.name.clone(),
        })
        .collect();
    format!("blocked by {}", said.join(", "))
}

/// An action that was due, and did not come about.
fn not_done(row: &StepRow) -> Option<String> {
    let is_open = row.kind == Kind::Action && row.status == Status::Skipped && row.reason == Some(Reason::CircuitOpen);
    let how = if is_open { "was not tried, its circuit is open" } else { row.not_done()? };
    let why = row.detail.as_ref().or(row.last_error.as_ref()).map(|why| format!(": {why}")).unwrap_or_default();
    Some(format!("{} {how}{why}", row.name))
}

fn stuck(row: &StepRow) -> Option<String> {
    let outcome = row.output.as_ref()?.get("outcome")?.as_str()?;
    (row.kind == Kind::Recorder && outcome == "stuck").then(|| row.detail.clone().unwrap_or_else(|| "stuck".to_owned()))
}

fn of_circuit(view: &View) -> Need {
    let since =
        view.since.map(|since| format!("since {}", show::relative(since, fuseboard::clock::SystemClock.wall())));
    let error = view.last_failure.as_ref().map(|(_, message, _)| format!("last error: {message}"));
    let parts: Vec<String> = [Some(show::state_word(view)), since, error].into_iter().flatten().collect();
    let name = view.name.to_string();
    Need { kind: "circuit", why: parts.join(", "), command: format!("fuseboard explain {name}"), about: name }
}

fn of_pause() -> Option<Need> {
    let pauses = Pauses::in_state_folder(&home::state_folder());
    match pauses.active(None, now()) {
        Ok(pause) => pause.map(|pause| Need {
            kind: "pause",
            why: format!("paused until {}: {}", pause.until, pause.why),
            command: format!("rm {}", pauses.file(&pause.agent).display()),
            about: pause.agent,
        }),
        Err(error) => {
            Some(Need { kind: "pause", about: "pauses".to_owned(), why: error.to_string(), command: "-".to_owned() })
        }
    }
}

fn of_spool() -> Option<Need> {
    let waiting = match Spool::in_state_folder(&home::state_folder()).waiting() {
        Ok(0) => return None,
        Ok(waiting) => format!("{} could not be delivered", show::times(waiting as u64, "notice")),
        Err(error) => error.to_string(),
    };
    Some(Need { kind: "spool", about: "notify".to_owned(), why: waiting, command: "fuseboard runs".to_owned() })
}
