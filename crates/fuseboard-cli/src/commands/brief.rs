//! `brief`: the morning page. What was done, what is out, what it cost, and what needs a person.

mod needs;

use std::collections::BTreeMap;
use std::time::Duration;

use fuseboard::Shown;
use fuseboard::clock::Human;
use fuseboard_pipeline::ledger::{Ledger, Rows, StoredRun};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{Kind, RunResult, Status};
use fuseboard_pipeline::usage_sum::UsageSum;
use serde_json::{Value, json};

use self::needs::Need;
use super::usage::{self, Used};
use crate::Failed;
use crate::args::{BriefArgs, Format};
use crate::console::{BAD, GOOD, STRONG, Style, styled};
use crate::exit_code::ExitCode;
use crate::prepared::now;
use crate::settings::Settings;
use crate::show;
use crate::table::Table;

/// How many of the newest runs are looked through.
const LOOKED_BACK: usize = 10_000;

pub(crate) fn brief(settings: &Settings, args: &BriefArgs) -> Result<ExitCode, Failed> {
    let no_store = |error: &dyn std::fmt::Display| Failed::new(ExitCode::NoStore, error);
    let since = now().before(args.since);
    let ledger = settings.history()?;
    let read = ledger.runs(LOOKED_BACK).map_err(|error| no_store(&error))?;
    let used = Used::of(ledger, &read, since).map_err(|error| no_store(&error))?;
    let Rows { whole: mut runs, damaged } = read;
    for run in &damaged {
        settings.console.error(run);
    }
    runs.retain(|run| run.head.started_at >= since);
    let out: Vec<_> = settings.views()?.into_iter().filter(|view| view.state != Shown::Closed).collect();
    let needs = needs::of(&runs, &out);
    let total: UsageSum = used.rows.iter().map(|row| &row.usage).collect();
    let counts = Counts::of(&runs);
    if settings.format == Format::Json {
        let circuits = out.iter().map(|view| show::circuit_json(view, &settings.policy(&view.name)));
        settings.console.data(&show::json_line(&json!({
            "schema": "fuseboard.brief/1",
            "since": since,
            "missions": counts.to_json(),
            "projects": projects(&runs).iter().map(|(name, counts)| (name.clone(), counts.to_json())).collect::<BTreeMap<_, _>>(),
            "circuits_out": circuits.collect::<Vec<_>>(),
            "usage": total.to_json(),
            "unmeasured_runs": used.unmeasured.len(),
            "needs": needs.iter().map(Need::to_json).collect::<Vec<_>>(),
        })));
    } else {
        let mut page = vec![head(args.since, &counts, &needs)];
        page.extend((!needs.is_empty()).then(|| titled("NEEDS A PERSON", &needs::table(&needs))));
        page.extend((!runs.is_empty()).then(|| titled("MISSIONS", &projects_table(&projects(&runs)))));
        page.push(money_line(&total, &used));
        settings.console.data(&page.join("\n\n"));
    }
    Ok(if needs.is_empty() { ExitCode::Done } else { ExitCode::Found })
}

/// What came of missions.
#[derive(Clone, Copy, Default)]
struct Counts {
    missions: usize,
    done: usize,
    merged: usize,
    blocked: usize,
    failed: usize,
    interrupted: usize,
    running: usize,
}

impl Counts {
    fn of<'a>(runs: impl IntoIterator<Item = &'a StoredRun>) -> Self {
        let mut counts = Self::default();
        for run in runs {
            counts.missions += 1;
            counts.merged += usize::from(is_merged(run));
            let place = match &run.report {
                Some(report) if !report.job.succeeded => &mut counts.failed,
                Some(report) => match report.result {
                    RunResult::Blocked => &mut counts.blocked,
                    RunResult::Interrupted => &mut counts.interrupted,
                    RunResult::Success | RunResult::Skipped | RunResult::Failed | RunResult::TimedOut => {
                        &mut counts.done
                    }
                },
                None if needs::is_gone(run) => &mut counts.interrupted,
                None => &mut counts.running,
            };
            *place += 1;
        }
        counts
    }

    fn to_json(self) -> Value {
        json!({
            "count": self.missions,
            "done": self.done,
            "merged": self.merged,
            "blocked": self.blocked,
            "failed": self.failed,
            "interrupted": self.interrupted,
            "running": self.running,
        })
    }
}

/// An action that merged tells the commit that it published.
fn is_merged(run: &StoredRun) -> bool {
    let steps = run.report.as_ref().map_or(&run.steps, |report| &report.steps);
    steps.iter().any(|row| {
        let output = row.output.as_ref();
        row.kind == Kind::Action
            && row.status == Status::Success
            && output.is_some_and(|output| output.get("strategy").is_some() && output.get("commit").is_some())
    })
}

fn projects(runs: &[StoredRun]) -> BTreeMap<String, Counts> {
    let mut by_project: BTreeMap<String, Vec<&StoredRun>> = BTreeMap::new();
    for run in runs {
        by_project.entry(run.head.project.clone()).or_default().push(run);
    }
    by_project.into_iter().map(|(name, runs)| (name, Counts::of(runs))).collect()
}

// --- For people -------------------------------------------------------------------------------------------

fn head(since: Duration, counts: &Counts, needs: &[Need]) -> String {
    let parts = [
        (counts.done, "done"),
        (counts.merged, "merged"),
        (counts.blocked, "blocked"),
        (counts.failed, "failed"),
        (counts.interrupted, "interrupted"),
        (counts.running, "under way"),
    ];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let missions = match counts.missions {
        0 => "no mission".to_owned(),
        count => format!("{}: {}", show::times(count as u64, "mission"), parts.join(", ")),
    };
    let (style, needed) = match needs.len() {
        0 => (GOOD, "nothing needs a person".to_owned()),
        1 => (BAD, "1 thing needs a person".to_owned()),
        count => (BAD, format!("{count} things need a person")),
    };
    format!("in the last {}: {missions}\n{}", Human(since), styled(style, &needed))
}

fn titled(title: &str, body: &str) -> String {
    format!("{}\n{body}", styled(STRONG, title))
}

fn projects_table(projects: &BTreeMap<String, Counts>) -> String {
    let mut table = Table::new(["PROJECT", "MISSIONS", "DONE", "MERGED", "BLOCKED", "FAILED", "INTERRUPTED"]);
    for (name, counts) in projects {
        let numbers = [counts.missions, counts.done, counts.merged, counts.blocked, counts.failed, counts.interrupted];
        let numbers = numbers.map(|number| if number == 0 { "-".to_owned() } else { number.to_string() });
        table.row(Style::new(), [plain_text(name)].into_iter().chain(numbers));
    }
    table.shown()
}

fn money_line(total: &UsageSum, used: &Used) -> String {
    let tokens = usage::tokens(total.tokens());
    let line = format!("used: {} for {tokens} tokens", usage::money(total.cost_usd));
    match used.missing() {
        _ if used.rows.is_empty() && used.unmeasured.is_empty() => "used: nothing".to_owned(),
        Some(missing) => format!("{line}; {missing}"),
        None => line,
    }
}
