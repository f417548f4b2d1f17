//! What the ledger forgets, a little with each run that ends: few rows, so that nobody waits for it, and more
//! than came in meanwhile.

use rusqlite::{Connection, params};

use super::super::connection::Fault;
use crate::format::Stamp as Now;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How long the output of steps is kept.
const OUTPUT_KEPT_MS: i64 = 14 * DAY_MS;

/// How long runs, their steps, and usage are kept.
const RUNS_KEPT_MS: i64 = 400 * DAY_MS;

/// How many runs are kept, and how many rows of usage.
const MOST_RUNS: i64 = 50_000;
const MOST_USAGE: i64 = 500_000;

/// Beyond this much in the whole file, the oldest outputs go, then the oldest runs. The history of circuits has
/// the rest of the 500 MB.
const MOST_BYTES: i64 = 400_000_000;

/// So many runs stay whatever the file's size: it may be others that fill it.
const NEWEST_RUNS: i64 = 100;

const OUTPUTS_AT_ONCE: u32 = 64;
const RUNS_AT_ONCE: u32 = 16;

/// One row of usage in so many prunes.
const USAGE_EVERY: i64 = 64;
const USAGE_AT_ONCE: u32 = 256;

/// Forgets outputs and runs.
pub(super) fn prune(database: &Connection, now: &Now) -> Result<(), Fault> {
    prune_to(database, now, MOST_BYTES)
}

fn prune_to(database: &Connection, now: &Now, most_bytes: i64) -> Result<(), Fault> {
    let newest: i64 =
        database.prepare_cached("SELECT coalesce(max(number), 0) FROM runs")?.query_row([], |row| row.get(0))?;
    drop_outputs(database, now.wall_ms.saturating_sub(OUTPUT_KEPT_MS), newest)?;
    drop_runs(database, now.wall_ms.saturating_sub(RUNS_KEPT_MS), newest.saturating_sub(MOST_RUNS))?;
    if used(database)? > most_bytes {
        let old = newest.saturating_sub(NEWEST_RUNS);
        if drop_outputs(database, i64::MAX, old)? == 0 {
            drop_runs(database, i64::MIN, old)?;
        }
    }
    Ok(())
}

/// Drops some outputs told before `before`, of runs up to `last`.
fn drop_outputs(database: &Connection, before: i64, last: i64) -> Result<usize, Fault> {
    let mut drop = database.prepare_cached(
        "UPDATE steps SET output = NULL WHERE id IN (SELECT id FROM steps
         WHERE output IS NOT NULL AND at < ?1 AND run <= ?2 ORDER BY at LIMIT ?3)",
    )?;
    Ok(drop.execute(params![before, last, OUTPUTS_AT_ONCE])?)
}

/// Drops some of the oldest runs: those that began before `before`, or have a number up to `last`.
fn drop_runs(database: &Connection, before: i64, last: i64) -> Result<(), Fault> {
    let mut drop = database.prepare_cached(
        "DELETE FROM runs WHERE number IN (SELECT number FROM runs ORDER BY number LIMIT ?3)
         AND (started_at < ?1 OR number <= ?2) RETURNING number",
    )?;
    let dropped = drop.query_map(params![before, last, RUNS_AT_ONCE], |row| row.get::<_, i64>(0))?;
    let dropped = dropped.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut steps = database.prepare_cached("DELETE FROM steps WHERE run = ?1")?;
    for run in dropped {
        steps.execute([run])?;
    }
    Ok(())
}

/// How many bytes of the file are in use. Freed pages stay in it and are used again.
fn used(database: &Connection) -> Result<i64, Fault> {
    let pragma = |name| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = pragma("page_count")?.saturating_sub(pragma("freelist_count")?);
    Ok(pages.saturating_mul(pragma("page_size")?))
}

/// Forgets usage now and then, after the row with this id was written.
pub(super) fn prune_usage(database: &Connection, id: i64, now: &Now) -> Result<(), Fault> {
    if id % USAGE_EVERY == 0 {
        let mut drop = database.prepare_cached(
            "DELETE FROM usage WHERE id IN (SELECT id FROM usage ORDER BY id LIMIT ?1) AND (at < ?2 OR id <= ?3)",
        )?;
        drop.execute(params![USAGE_AT_ONCE, now.wall_ms.saturating_sub(RUNS_KEPT_MS), id.saturating_sub(MOST_USAGE)])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use fuseboard::clock::FakeClock;

    use crate::SqliteStore;

    /// Runs with one step each, which has an output.
    fn store_of(runs: i64, home: &tempfile::TempDir) -> SqliteStore {
        let store = SqliteStore::new(home.path().join("state/state.db"), Arc::new(FakeClock::new()));
        let fill = |database: &Connection, now: &Now| {
            for run in 1..=runs {
                let values = params![run, now.wall_ms];
                let add = "INSERT INTO runs (number, id, project, started_at, holder) VALUES (?1, ?1, '', ?2, '{}')";
                database.execute(add, values)?;
                let add = "INSERT INTO steps (run, name, at, row, output) VALUES (?1, '', ?2, '{}', '1')";
                database.execute(add, values)?;
            }
            Ok(())
        };
        store.write(false, fill, |()| true).unwrap();
        store
    }

    /// What is left after so many prunes of a file that may have so many bytes: the oldest output and run.
    fn left(store: &SqliteStore, prunes: usize, most_bytes: i64) -> (i64, i64) {
        let prune = |database: &Connection, now: &Now| {
            (0..prunes).try_for_each(|_| prune_to(database, now, most_bytes))?;
            let one = |select| database.query_row(select, [], |row| row.get::<_, i64>(0));
            Ok((one("SELECT min(run) FROM steps WHERE output IS NOT NULL")?, one("SELECT min(run) FROM steps")?))
        };
        store.write(false, prune, |_| true).unwrap()
    }

    #[test]
    fn a_file_that_is_too_large_loses_the_oldest_outputs_first_and_never_the_newest_runs() {
        let home = tempfile::tempdir().unwrap();
        let store = store_of(250, &home);
        assert_eq!(left(&store, 9, MOST_BYTES), (1, 1));
        assert_eq!(left(&store, 1, 0), (65, 1));
        assert_eq!(left(&store, 2, 0), (151, 1));
        assert_eq!(left(&store, 1, 0), (151, 17));
        assert_eq!(left(&store, 99, 0), (151, 151));
    }
}
