//! The tables of events and outcomes: written with the record that they explain, read oldest first, and pruned
//! a little now and then by those who write.

use fuseboard::CircuitName;
use fuseboard::event::{Event, EventKind, OutcomeRow, Row as NewRow};
use rusqlite::{Connection, Row, params};

use crate::format::Stamp;

/// How long rows are kept: 90 days.
const KEPT_MS: i64 = 90 * 24 * 3600 * 1000;

/// How many outcomes of one circuit are kept and read.
const MOST_OUTCOMES: u32 = 10_000;

/// How many rows a whole table keeps, so that the file stays bounded whatever is written and whatever the
/// wall clock did to the rows' age.
const MOST_ROWS: i64 = 500_000;

/// One write in so many prunes, and drops at most [`PRUNED_AT_ONCE`] rows: more than came in meanwhile, and
/// few enough that nobody waits for it.
const PRUNED_EVERY: i64 = 64;
const PRUNED_AT_ONCE: u32 = 256;

/// The longest text kept in a row, in bytes.
const LONGEST_TEXT: usize = 1024;

/// One event, as it is read back. Moments are in milliseconds since the Unix epoch, as the wall clock told
/// them when the event was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// When.
    pub at_ms: i64,
    /// Which circuit; `None` for what concerns the store as a whole.
    pub circuit: Option<String>,
    /// What: the word of an [`EventKind`].
    pub event: String,
    /// Why: the error's text, the operator's reason.
    pub cause: Option<String>,
    /// After how many failures in a row.
    pub failures: Option<u32>,
    /// When a probe was due.
    pub probe_at_ms: Option<i64>,
    /// The operator.
    pub by: Option<String>,
    /// The pipeline's run that it happened in.
    pub run: Option<String>,
}

/// What one guarded call came to, as it is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOutcome {
    /// When it was reported, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The circuit.
    pub circuit: String,
    /// `success`, `failure`, `skipped`, `ignored` or `late`.
    pub outcome: String,
    /// How it failed: the word of a [`FailureKind`](fuseboard::FailureKind).
    pub failure: Option<String>,
    /// How long the work took, in milliseconds.
    pub duration_ms: u64,
    /// The pipeline's run that it happened in.
    pub run: Option<String>,
}

/// Whether a person did this and was told that it is done: it must survive a loss of power.
pub(super) fn is_act(row: &NewRow) -> bool {
    let NewRow::Event(event) = row else { return false };
    match event.kind {
        EventKind::Switched | EventKind::Reset | EventKind::ProbeRequested => true,
        EventKind::Opened
        | EventKind::Probing
        | EventKind::Reopened
        | EventKind::Closed
        | EventKind::ProbeLost
        | EventKind::StoreDegraded
        | EventKind::StoreRestored => false,
    }
}

/// Writes one row, inside the caller's transaction.
pub(super) fn insert(database: &Connection, row: &NewRow, now: &Stamp) -> rusqlite::Result<()> {
    match row {
        NewRow::Event(event) => insert_event(database, event, now),
        NewRow::Outcome(outcome) => insert_outcome(database, outcome, now),
    }
}

fn insert_event(database: &Connection, event: &Event, now: &Stamp) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached(
        "INSERT INTO events (at, circuit, event, cause, failures, probe_at, by, run)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let id = insert.insert(params![
        now.wall_of(event.at),
        event.circuit.as_ref().map(CircuitName::as_str),
        event.kind.as_str(),
        event.cause.as_deref().map(cut),
        event.failures,
        event.probe_at.map(|moment| now.wall_of(moment)),
        event.by.as_deref().map(cut),
        event.run.as_deref().map(cut),
    ])?;
    if id % PRUNED_EVERY == 0 {
        database
            .prepare_cached(
                "DELETE FROM events WHERE id IN (SELECT id FROM events ORDER BY id LIMIT ?1) AND (at < ?2 OR id <= ?3)",
            )?
            .execute(params![PRUNED_AT_ONCE, now.wall_ms.saturating_sub(KEPT_MS), id - MOST_ROWS])?;
    }
    Ok(())
}

const INSERT_OUTCOME: &str =
    "INSERT INTO outcomes (at, circuit, outcome, failure, duration_ms, run) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Has the row of an outcome compiled, for a connection that is going to write one.
pub(super) fn prepare(database: &Connection) -> rusqlite::Result<()> {
    database.prepare_cached(INSERT_OUTCOME).map(drop)
}

fn insert_outcome(database: &Connection, row: &OutcomeRow, now: &Stamp) -> rusqlite::Result<()> {
    let mut insert = database.prepare_cached(INSERT_OUTCOME)?;
    let id = insert.insert(params![
        now.wall_of(row.at),
        row.circuit.as_str(),
        row.outcome,
        row.failure.map(fuseboard::FailureKind::as_str),
        i64::try_from(row.duration.as_millis()).unwrap_or(i64::MAX),
        row.run.as_deref().map(cut),
    ])?;
    if id % PRUNED_EVERY == 0 {
        database
            .prepare_cached(
                "DELETE FROM outcomes WHERE id IN (SELECT id FROM outcomes ORDER BY id LIMIT ?1)
                 AND (at < ?2 OR id <= ?3)",
            )?
            .execute(params![PRUNED_AT_ONCE, now.wall_ms.saturating_sub(KEPT_MS), id - MOST_ROWS])?;
        // The newest row beyond the circuit's share, and those before it.
        database
            .prepare_cached(
                "DELETE FROM outcomes WHERE id IN (SELECT id FROM outcomes WHERE circuit = ?1 AND id <=
                 (SELECT id FROM outcomes WHERE circuit = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2) ORDER BY id LIMIT ?3)",
            )?
            .execute(params![row.circuit.as_str(), MOST_OUTCOMES, PRUNED_AT_ONCE])?;
    }
    Ok(())
}

/// The newest `limit` events, of one circuit or of all, oldest first.
pub(super) fn events(
    database: &Connection,
    circuit: Option<&CircuitName>,
    limit: Option<usize>,
) -> rusqlite::Result<Vec<StoredEvent>> {
    let columns = "at, circuit, event, cause, failures, probe_at, by, run";
    newest(database, "events", columns, circuit, limit, |row| {
        Ok(StoredEvent {
            at_ms: row.get(0)?,
            circuit: row.get(1)?,
            event: row.get(2)?,
            cause: row.get(3)?,
            failures: row.get(4)?,
            probe_at_ms: row.get(5)?,
            by: row.get(6)?,
            run: row.get(7)?,
        })
    })
}

/// The newest `limit` outcomes, of one circuit or of all, oldest first.
pub(super) fn outcomes(
    database: &Connection,
    circuit: Option<&CircuitName>,
    limit: Option<usize>,
) -> rusqlite::Result<Vec<StoredOutcome>> {
    let columns = "at, circuit, outcome, failure, duration_ms, run";
    let share = circuit.map(|_| MOST_OUTCOMES as usize);
    let limit = limit.into_iter().chain(share).min();
    newest(database, "outcomes", columns, circuit, limit, |row| {
        Ok(StoredOutcome {
            at_ms: row.get(0)?,
            circuit: row.get(1)?,
            outcome: row.get(2)?,
            failure: row.get(3)?,
            duration_ms: row.get::<_, i64>(4)?.try_into().unwrap_or(0),
            run: row.get(5)?,
        })
    })
}

/// Reads from the newest back and turns the order. A row that is damaged by itself is left out: it is history,
/// and what stands around it still tells.
fn newest<T>(
    database: &Connection,
    table: &str,
    columns: &str,
    circuit: Option<&CircuitName>,
    limit: Option<usize>,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let of = if circuit.is_some() { "WHERE circuit = ?1" } else { "WHERE ?1 IS NULL" };
    let mut select =
        database.prepare_cached(&format!("SELECT {columns} FROM {table} {of} ORDER BY id DESC LIMIT ?2"))?;
    let limit = limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
    let mut rows = select.query(params![circuit.map(CircuitName::as_str), limit])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(read(row));
    }
    found.reverse();
    Ok(found)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}
