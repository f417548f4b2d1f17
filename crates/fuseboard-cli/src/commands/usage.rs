//! `usage`: tokens and money, by model, day or project.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::ledger::{Ledger, LedgerError, Rows, StoredRun, StoredUsage};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::usage_sum::{Sum, UsageSum};
use serde_json::{Value, json};

use crate::Failed;
use crate::args::{Format, UsageArgs, UsageBy};
use crate::console::{STRONG, Style};
use crate::exit_code::ExitCode;
use crate::prepared::now;
use crate::settings::Settings;
use crate::show;
use crate::table::Table;

/// How many of the newest runs are looked through for those of which nothing was measured.
const LOOKED_BACK: usize = 10_000;

/// What the command shows for a figure of which nothing is known.
const UNKNOWN: &str = "?";

pub(crate) fn usage(settings: &Settings, args: &UsageArgs) -> Result<ExitCode, Failed> {
    let since = Day::of(now().before(Duration::from_hours(24) * (args.days - 1))).starts_at();
    let used = Used::since(settings.history()?, since).map_err(|error| Failed::new(ExitCode::NoStore, error))?;
    let groups = used.grouped(args.by);
    let total: UsageSum = used.rows.iter().map(|row| &row.usage).collect();
    match settings.format {
        Format::Json => settings.console.data(&show::json_line(&json!({
            "schema": "fuseboard.usage/1",
            "by": args.by.as_str(),
            "since": since,
            "rows": groups.iter().map(|(key, group)| group_json(Some(key), group)).collect::<Vec<_>>(),
            "total": group_json(None, &Group { sum: total, runs: used.runs() }),
            "unmeasured_runs": used.unmeasured.len(),
        }))),
        Format::Text if groups.is_empty() && used.unmeasured.is_empty() => {
            settings.console.note("nothing was used yet; the step `usage` writes it down");
        }
        Format::Text => {
            settings.console.data(&table(args.by, &groups, &Group { sum: total, runs: used.runs() }));
            if let Some(line) = used.missing() {
                settings.console.note(line);
            }
        }
    }
    Ok(ExitCode::Done)
}

/// What was used since a moment, and the runs of which that is not known.
pub(super) struct Used {
    pub(super) rows: Vec<StoredUsage>,
    /// The projects of runs of which nothing was measured, or which cannot be read, one for each run.
    pub(super) unmeasured: Vec<String>,
}

struct Group {
    sum: UsageSum,
    runs: usize,
}

impl Used {
    pub(super) fn since(ledger: &dyn Ledger, since: Stamp) -> Result<Self, LedgerError> {
        Self::of(ledger, &ledger.runs(LOOKED_BACK)?, since)
    }

    /// The same where the runs have been read already.
    pub(super) fn of(ledger: &dyn Ledger, runs: &Rows<StoredRun>, since: Stamp) -> Result<Self, LedgerError> {
        let rows = ledger.usage_since(since)?;
        let measured: BTreeSet<&str> = rows.iter().map(|row| row.run.as_str()).collect();
        let is_unmeasured = |run: &&StoredRun| {
            run.head.started_at >= since && run.may_have_used() && !measured.contains(run.head.id.as_str())
        };
        let unmeasured = runs.whole.iter().filter(is_unmeasured).map(|run| run.head.project.clone());
        let unmeasured = unmeasured.chain(runs.damaged.iter().map(|_| UNKNOWN.to_owned())).collect();
        Ok(Self { rows, unmeasured })
    }

    fn runs(&self) -> usize {
        self.rows.iter().map(|row| row.run.as_str()).collect::<BTreeSet<_>>().len()
    }

    fn grouped(&self, by: UsageBy) -> BTreeMap<String, Group> {
        let mut groups: BTreeMap<String, (UsageSum, BTreeSet<&str>)> = BTreeMap::new();
        for row in &self.rows {
            let key = match by {
                UsageBy::Model => row.usage.model.clone(),
                UsageBy::Day => Some(Day::of(row.at).to_string()),
                UsageBy::Project => row.project.clone(),
            };
            let (sum, runs) = groups.entry(key.unwrap_or_else(|| UNKNOWN.to_owned())).or_default();
            sum.add(&row.usage);
            runs.insert(&row.run);
        }
        groups.into_iter().map(|(key, (sum, runs))| (key, Group { sum, runs: runs.len() })).collect()
    }

    /// What is missing in the figures, in one line.
    pub(super) fn missing(&self) -> Option<String> {
        let unpriced = self.rows.iter().filter(|row| row.usage.cost_usd.is_none()).count();
        let unpriced = (unpriced > 0).then(|| format!("{} without a price", show::times(unpriced as u64, "row")));
        let unmeasured = self.unmeasured.len();
        let unmeasured = (unmeasured > 0).then(|| format!("{} unmeasured", show::times(unmeasured as u64, "run")));
        let parts: Vec<String> = [unmeasured, unpriced].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| format!("not in these figures: {}", parts.join(", ")))
    }
}

fn table(by: UsageBy, groups: &BTreeMap<String, Group>, total: &Group) -> String {
    let mut table = Table::new([
        by.as_str().to_uppercase().as_str(),
        "RUNS",
        "INPUT",
        "CACHE READ",
        "CACHE WRITE",
        "OUTPUT",
        "COST",
    ]);
    for (key, group) in groups {
        table.row(Style::new(), cells(&plain_text(key), group));
    }
    if groups.len() != 1 {
        table.row(STRONG, cells("total", total));
    }
    table.shown()
}

fn cells(key: &str, group: &Group) -> [String; 7] {
    let UsageSum { input_uncached, cache_read, cache_write, output, cost_usd } = group.sum;
    [
        key.to_owned(),
        group.runs.to_string(),
        tokens(input_uncached),
        tokens(cache_read),
        tokens(cache_write),
        tokens(output),
        money(cost_usd),
    ]
}

/// `12345`, `≥12345` if some figures are missing, `?` if all are.
pub(super) fn tokens(sum: Sum<u64>) -> String {
    sum.known.map_or(UNKNOWN.to_owned(), |known| format!("{}{known}", at_least(sum.unknown)))
}

/// `$1.25`, likewise.
pub(super) fn money(sum: Sum<f64>) -> String {
    sum.known.map_or(UNKNOWN.to_owned(), |known| format!("{}${known:.2}", at_least(sum.unknown)))
}

fn at_least(unknown: usize) -> &'static str {
    if unknown > 0 { "≥" } else { "" }
}

fn group_json(key: Option<&str>, group: &Group) -> Value {
    let mut json = group.sum.to_json();
    if let Value::Object(fields) = &mut json {
        fields.insert("runs".to_owned(), json!(group.runs));
        if let Some(key) = key {
            let key = if key == UNKNOWN { Value::Null } else { json!(key) };
            fields.insert("key".to_owned(), key);
        }
    }
    json
}
