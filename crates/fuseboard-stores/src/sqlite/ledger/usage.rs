//! The table of usage: one row for each model of a run, with the wall's time. It outlives the run's own row.

use fuseboard_pipeline::job::ModelUsage;
use fuseboard_pipeline::ledger::StoredUsage;
use fuseboard_pipeline::stamp::Stamp;
use rusqlite::{Connection, Row, params};

use super::super::connection::Fault;
use super::stored::{Column, Damage, damaged, refused, shown};
use super::{retention, runs};
use crate::format::Stamp as Now;

/// How many models one run may have used.
const MOST_MODELS: usize = 256;

const RUN: Column = Column { name: "run", most: 128 };
const PROJECT: Column = Column { name: "project", most: 1024 };
const MODEL: Column = Column { name: "model", most: 1024 };

/// Stores what a run used, in place of what was there. It counts for the time at which it was first recorded.
pub(super) fn record(database: &Connection, run: &str, usage: &[ModelUsage], now: &Now) -> Result<(), Fault> {
    runs::check_id(run)?;
    if usage.len() > MOST_MODELS {
        let message = format!("the usage of run {run} is not written down: {} models are too many", usage.len());
        return Err(refused(message));
    }
    let mut first = database.prepare_cached("SELECT min(at) FROM usage WHERE run = ?1 AND typeof(at) = 'integer'")?;
    let at = first.query_row([run], |row| row.get::<_, Option<i64>>(0))?.unwrap_or(now.wall_ms);
    database.prepare_cached("DELETE FROM usage WHERE run = ?1")?.execute([run])?;
    for row in usage {
        insert(database, run, row, at, now)?;
    }
    Ok(())
}

fn insert(database: &Connection, run: &str, usage: &ModelUsage, at: i64, now: &Now) -> Result<(), Fault> {
    let ModelUsage { model, input_uncached, cache_read, cache_write, output, cost_usd } = usage;
    let tokens = |count: &Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    let mut insert = database.prepare_cached(
        "INSERT INTO usage (at, run, project, model, input_uncached, cache_read, cache_write, output, cost_usd)
         VALUES (?1, ?2, (SELECT project FROM runs WHERE id = ?2), ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let id = insert.insert(params![
        at,
        run,
        model.as_deref().map(|model| &model[..model.floor_char_boundary(MODEL.most)]),
        tokens(input_uncached),
        tokens(cache_read),
        tokens(cache_write),
        tokens(output),
        cost_usd.filter(|cost| is_amount(*cost)),
    ])?;
    retention::prune_usage(database, id, now)
}

fn is_amount(cost: f64) -> bool {
    cost.is_finite() && cost >= 0.0
}

/// What was recorded at `since` or later, oldest first.
pub(super) fn since(database: &Connection, since: Stamp) -> Result<Vec<StoredUsage>, Fault> {
    let [run, project, model] = [RUN, PROJECT, MODEL].map(|column| column.select());
    let mut select = database.prepare_cached(&format!(
        "SELECT id, at, {run}, {project}, {model}, input_uncached, cache_read, cache_write,
         output, cost_usd FROM usage WHERE at >= ?1 ORDER BY at, id"
    ))?;
    let mut rows = select.query([since.millis()])?;
    let mut usage = Vec::new();
    while let Some(row) = rows.next()? {
        usage.push(stored(row).map_err(|damage| damaged(&name(row), damage))?);
    }
    Ok(usage)
}

fn name(row: &Row<'_>) -> String {
    match (RUN.text(row, 2), row.get::<_, i64>(0)) {
        (Ok(Some(run)), _) => shown(run),
        (_, Ok(id)) => format!("of row {id} of the usage"),
        (_, Err(_)) => "of some usage".to_owned(),
    }
}

fn stored(row: &Row<'_>) -> Result<StoredUsage, Damage> {
    let tokens = |at| {
        let count = row.get::<_, Option<i64>>(at)?.map(u64::try_from).transpose();
        count.map_err(|_| Damage::Untrue("its usage has a negative number of tokens"))
    };
    let cost_usd: Option<f64> = row.get(12)?;
    if cost_usd.is_some_and(|cost| !is_amount(cost)) {
        return Err(Damage::Untrue("its cost is no amount"));
    }
    Ok(StoredUsage {
        at: Stamp::from_millis(row.get(1)?),
        run: RUN.some_text(row, 2)?,
        project: PROJECT.text(row, 4)?.map(str::to_owned),
        usage: ModelUsage {
            model: MODEL.text(row, 6)?.map(str::to_owned),
            input_uncached: tokens(8)?,
            cache_read: tokens(9)?,
            cache_write: tokens(10)?,
            output: tokens(11)?,
            cost_usd,
        },
    })
}
