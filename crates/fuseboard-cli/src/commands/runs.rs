//! `runs`: past runs of the pipeline, oldest first; or all about one of them.

use std::time::{Duration, SystemTime};

use fuseboard::clock::{Clock, Human, SystemClock};
use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::ledger::{Ledger, LedgerError, Rows, StoredRun};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{CircuitChanges, Kind, RunResult, Status, StepRow, VerdictWord};
use fuseboard_pipeline::stamp::Stamp;
use serde_json::{Value, json};

use crate::Failed;
use crate::args::{Format, RunsArgs};
use crate::console::{BAD, MIDDLING, STRONG, Style, styled};
use crate::exit_code::ExitCode;
use crate::report_table;
use crate::settings::Settings;
use crate::show;
use crate::table::Table;

/// The shortest beginning of an id that is shown, in characters.
const SHORTEST_ID: usize = 8;
/// Widest title in the table, in characters.
const TITLE_WIDTH: usize = 50;
/// How many of the newest runs are looked through to tell why an id is not one run's.
const LOOKED_THROUGH: usize = 1000;

pub(crate) fn runs(settings: &Settings, args: &RunsArgs) -> Result<ExitCode, Failed> {
    match &args.id {
        Some(id) => one(settings, id),
        None => newest(settings, args.limit),
    }
}

fn newest(settings: &Settings, limit: usize) -> Result<ExitCode, Failed> {
    // One more than is shown: the beginnings of ids then tell the oldest shown from its forerunner too.
    let Rows { whole: mut runs, damaged } =
        settings.history()?.runs(limit.saturating_add(1)).map_err(|error| unreadable(&error))?;
    for run in &damaged {
        settings.console.error(run);
    }
    let short = distinct_beginning(&runs);
    runs.drain(..runs.len().saturating_sub(limit));
    match settings.format {
        Format::Json => {
            let runs: Vec<Value> = runs.iter().map(summary_json).collect();
            settings.console.data(&show::json_line(&json!({"schema": "fuseboard.runs/1", "runs": runs})));
        }
        Format::Text if runs.is_empty() => settings.console.note("no run yet"),
        Format::Text => settings.console.data(&table(&runs, short, SystemClock.wall())),
    }
    Ok(ExitCode::Done)
}

fn one(settings: &Settings, id: &str) -> Result<ExitCode, Failed> {
    let ledger = settings.history()?;
    let run = ledger.run(id).map_err(|error| {
        let begins_so = |runs: Rows<StoredRun>| runs.whole.iter().filter(|run| run.head.id.starts_with(id)).count() > 1;
        let ambiguous = ledger.runs(LOOKED_THROUGH).is_ok_and(begins_so);
        if ambiguous { Failed::new(ExitCode::Usage, error) } else { unreadable(&error) }
    })?;
    let Some(run) = run else {
        let message = format!("no run has an id that begins with {id:?}; `fuseboard runs` lists them");
        return Err(Failed::new(ExitCode::Usage, message));
    };
    match settings.format {
        Format::Json => settings.console.data(&show::json_line(&run_json(&run))),
        Format::Text => {
            settings.console.data(&card(&run, SystemClock.wall()));
            let outputs: Vec<String> = steps(&run).iter().filter_map(kept_output).collect();
            if settings.console.is_verbose() && !outputs.is_empty() {
                settings.console.data(&format!("\n{}", outputs.join("\n\n")));
            } else if !outputs.is_empty() {
                settings.console.note(format_args!("what the steps printed: fuseboard runs {} -v", run.head.id));
            }
        }
    }
    Ok(ExitCode::Done)
}

fn unreadable(error: &LedgerError) -> Failed {
    Failed::new(ExitCode::NoStore, error)
}

/// What became of a run that need not have ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ended(RunResult),
    /// The steps have nothing to complain of, but the job that they followed failed.
    JobFailed(RunResult),
    /// It never ended: its process is gone.
    Interrupted,
    /// As far as can be told it is at it.
    Running,
}

impl Fate {
    fn of(run: &StoredRun) -> Self {
        match &run.report {
            Some(report) => match report.result {
                result @ (RunResult::Success | RunResult::Skipped) if !report.job.succeeded => Self::JobFailed(result),
                result => Self::Ended(result),
            },
            None if run.was_interrupted || run.head.holder.proved_dead() => Self::Interrupted,
            None => Self::Running,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Ended(result) | Self::JobFailed(result) => result.as_str(),
            Self::Interrupted => RunResult::Interrupted.as_str(),
            Self::Running => "running",
        }
    }

    /// For people.
    fn shown(self) -> &'static str {
        match self {
            Self::JobFailed(_) => "job failed",
            fate => fate.as_str(),
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Ended(RunResult::Success | RunResult::Skipped) => Style::new(),
            Self::Ended(RunResult::Failed | RunResult::Blocked | RunResult::TimedOut | RunResult::Interrupted)
            | Self::JobFailed(_)
            | Self::Interrupted => BAD,
            Self::Running => MIDDLING,
        }
    }
}

/// The steps as reported; of a run without a report as they were told last, except that none runs on by itself.
fn steps(run: &StoredRun) -> Vec<StepRow> {
    let Some(report) = &run.report else {
        let is_over = Fate::of(run) == Fate::Interrupted;
        return run.steps.iter().map(|row| if is_over { ended(row) } else { row.clone() }).collect();
    };
    report.steps.clone()
}

/// A row of a run that is gone: what was under way was interrupted, and a gate that did not answer blocks.
fn ended(row: &StepRow) -> StepRow {
    let mut row = row.clone();
    if row.status == Status::Running {
        row.status = Status::Interrupted;
        if row.kind == Kind::Gate {
            (row.verdict, row.evaluated) = (Some(VerdictWord::Block), Some(false));
            row.why = Some("no verdict: interrupted".to_owned());
        }
    }
    row
}

fn job(run: &StoredRun) -> Option<&Job> {
    run.report.as_ref().map(|report| &report.job).or(run.job.as_ref())
}

// --- For people -------------------------------------------------------------------------------------------

fn table(runs: &[StoredRun], short: usize, now: SystemTime) -> String {
    let mut table = Table::new(["RUN", "WHEN", "PROJECT", "TITLE", "RESULT", "EXIT", "STEPS"]);
    for run in runs {
        let title = job(run).and_then(|job| job.title.as_deref());
        let cells = [
            run.head.id.chars().take(short).collect(),
            ago(run.head.started_at, now),
            plain_text(&run.head.project),
            title.map_or("-".to_owned(), |title| show::shortened(title, TITLE_WIDTH)),
            Fate::of(run).shown().to_owned(),
            run.report.as_ref().map_or("-".to_owned(), |report| report.exit_code.to_string()),
            report_table::summary(&steps(run)),
        ];
        table.row(Fate::of(run).style(), cells);
    }
    table.shown()
}

/// How many characters tell these runs from each other. Ids begin with the time, so runs that began together
/// share much of theirs.
fn distinct_beginning(runs: &[StoredRun]) -> usize {
    let mut ids: Vec<&str> = runs.iter().map(|run| run.head.id.as_str()).collect();
    ids.sort_unstable();
    let shared = |pair: &[&str]| pair[0].chars().zip(pair[1].chars()).take_while(|(a, b)| a == b).count();
    ids.windows(2).map(|pair| shared(pair) + 1).max().unwrap_or_default().max(SHORTEST_ID)
}

/// Everything about one run but the output that was kept.
fn card(run: &StoredRun, now: SystemTime) -> String {
    let fate = Fate::of(run);
    let began = run.head.started_at;
    let mut rows: Vec<(&str, String)> = vec![("run", run.head.id.clone()), ("project", run.head.project.clone())];
    if let Some(job) = job(run) {
        rows.extend(job.title.as_ref().map(|title| ("title", title.replace(['\n', '\r'], " "))));
        rows.extend(job.agent.as_ref().map(|agent| ("agent", agent.clone())));
    }
    rows.push(("job", job(run).map_or("its end was not written down".to_owned(), job_line)));
    rows.push(("began", format!("{began} ({})", ago(began, now))));
    if let Some(report) = &run.report {
        let [took, deadline] = [report.duration_ms, report.deadline_ms].map(|ms| Human(Duration::from_millis(ms)));
        rows.push(("took", format!("{took} of {deadline}")));
        rows.extend(circuits_line(&report.circuits).map(|line| ("circuits", line)));
        rows.extend((report.notices > 0).then(|| ("notices", report.notices.to_string())));
    }
    let told = match (&run.report, fate) {
        (Some(report), _) => format!("{} (exit code {})", fate.shown(), report.exit_code),
        (None, Fate::Interrupted) => format!("{}: it was ended before it could report", fate.as_str()),
        (None, _) => fate.as_str().to_owned(),
    };
    let width = 10;
    let rows = rows.iter().map(|(title, text)| format!("{title:<width$} {}", plain_text(text)));
    let result = format!("{:<width$} {}", "result", styled(fate.style(), &told));
    let lines: Vec<String> = rows.chain([result, String::new(), report_table::lines(&steps(run))]).collect();
    lines.join("\n")
}

fn ago(began: Stamp, now: SystemTime) -> String {
    let since_epoch = Duration::from_millis(u64::try_from(began.millis()).unwrap_or_default());
    show::relative(SystemTime::UNIX_EPOCH + since_epoch, now)
}

fn job_line(job: &Job) -> String {
    let code = job.exit_code.map(|code| format!(" (exit code {code})")).unwrap_or_default();
    match (job.succeeded, job.failure_kind) {
        (true, _) => format!("succeeded{code}"),
        (false, Some(kind)) => format!("failed: {}{code}", kind.as_str()),
        (false, None) => format!("failed{code}"),
    }
}

fn circuits_line(changes: &CircuitChanges) -> Option<String> {
    let named = [("opened", &changes.opened), ("closed", &changes.closed), ("open", &changes.open)];
    let parts = named.iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> = parts.map(|(word, names)| format!("{word}: {}", names.join(", "))).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// What a step left: a command's streams as they were printed, a built-in step's result as JSON.
fn kept_output(row: &StepRow) -> Option<String> {
    let output = row.output.as_ref()?;
    let stream = |key| output.get(key).and_then(Value::as_str);
    let parts: Vec<(&str, String)> = match (stream("stdout"), stream("stderr")) {
        (Some(stdout), Some(stderr)) => {
            let streams = [("standard output", stdout), ("standard error", stderr)];
            streams
                .into_iter()
                .filter(|(_, text)| !text.trim().is_empty())
                .map(|(n, text)| (n, text.to_owned()))
                .collect()
        }
        _ => vec![("result", serde_json::to_string_pretty(output).unwrap_or_default())],
    };
    let shown = parts.iter().map(|(what, text)| {
        let text: Vec<String> = text.trim_end().lines().map(plain_text).collect();
        format!("{}\n{}", styled(STRONG, &format!("{}, {what}:", row.name)), text.join("\n"))
    });
    let shown: Vec<String> = shown.collect();
    (!shown.is_empty()).then(|| shown.join("\n\n"))
}

// --- For scripts ------------------------------------------------------------------------------------------

/// One of `fuseboard.runs/1`: what a list needs of a run.
fn summary_json(run: &StoredRun) -> Value {
    let job = job(run);
    let steps: Vec<Value> = steps(run)
        .iter()
        .map(|row| {
            json!({
                "name": row.name,
                "kind": row.kind,
                "status": row.status,
                "reason": row.reason,
                "verdict": row.verdict,
                "duration_ms": row.duration_ms,
            })
        })
        .collect();
    json!({
        "id": run.head.id,
        "project": run.head.project,
        "title": job.and_then(|job| job.title.as_ref()),
        "agent": job.and_then(|job| job.agent.as_ref()),
        "started_at": run.head.started_at,
        "ended_at": run.ended_at,
        "duration_ms": run.report.as_ref().map(|report| report.duration_ms),
        "result": Fate::of(run).as_str(),
        "exit_code": run.report.as_ref().map(|report| report.exit_code),
        "steps": steps,
    })
}

/// The report as it was made; of a run that never ended what is known, in the same form.
fn run_json(run: &StoredRun) -> Value {
    match &run.report {
        Some(report) => json!(report),
        None => json!({
            "schema": "fuseboard.run/1",
            "id": run.head.id,
            "job": run.job,
            "started_at": run.head.started_at,
            "duration_ms": null,
            "deadline_ms": null,
            "result": Fate::of(run).as_str(),
            "exit_code": null,
            "steps": steps(run),
            "circuits": null,
            "notices": null,
        }),
    }
}
