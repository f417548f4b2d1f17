//! The table of circuits: one row a circuit, swapped by its version.

use fuseboard::CircuitName;
use fuseboard::clock::Moment;
use fuseboard::record::{Record, State};
use fuseboard::store::{Listed, Loaded, StoreError, StoreTrouble, Swap, Version};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::connection::Fault;
use crate::format::portable::Portable;
use crate::format::{self, FormatError, Stamp};

/// How many circuits a store keeps.
pub(super) const MOST_CIRCUITS: u32 = 10_000;

/// A record longer than `format::MAX_BYTES`, 16384, is not even fetched.
const COLUMNS: &str = "version, octet_length(record), iif(octet_length(record) <= 16384, record, ''), boot,
    written_boot, written_wall";

/// Reads one circuit; the default record if there is none.
pub(super) fn load(database: &Connection, name: &CircuitName, now: &Stamp) -> Result<Loaded, Fault> {
    let mut select = database.prepare_cached(&format!("SELECT {COLUMNS} FROM circuits WHERE name = ?1"))?;
    let stored = select.query_row([name.as_str()], |row| Ok(loaded(row, now))).optional()?;
    match stored {
        None => Ok(Loaded { record: Record::default(), version: None, now: now.now }),
        Some(Ok(loaded)) => Ok(loaded),
        Some(Err(damage)) => Err(damage.of(name.as_str()).into()),
    }
}

/// Reads every circuit, by name.
pub(super) fn list(database: &Connection, now: &Stamp) -> Result<Vec<Listed>, Fault> {
    let mut select = database.prepare_cached(&format!("SELECT {COLUMNS}, name FROM circuits ORDER BY name"))?;
    let mut rows = select.query([])?;
    let mut circuits = Vec::new();
    while let Some(row) = rows.next()? {
        // A name that is none was not written by us, and nobody can ask for it.
        let Some(name) = row.get_ref(6)?.as_str().ok().and_then(|name| CircuitName::new(name).ok()) else { continue };
        let loaded = loaded(row, now).map_err(|damage| damage.of(name.as_str()));
        circuits.push((name, loaded));
    }
    Ok(circuits)
}

/// Stores a record if it still has the version `expected`. Runs inside the caller's transaction, which must be
/// given up unless the answer is [`Swap::Done`].
pub(super) fn swap(
    database: &Connection,
    name: &CircuitName,
    expected: Option<Version>,
    next: &Record,
    now: &Stamp,
) -> Result<Swap, Fault> {
    let written = match expected {
        Some(version) => update(database, name, version, next, now)?,
        None => insert(database, name, next, now)?,
    };
    if let Some(version) = written {
        return Ok(Swap::Done(version));
    }
    match load(database, name, now) {
        Ok(there) => Ok(Swap::Conflict(Box::new(there))),
        Err(Fault::Told(error)) if error.trouble == StoreTrouble::BadRecord && expected.is_none() => {
            database.prepare_cached("DELETE FROM circuits WHERE name = ?1")?.execute([name.as_str()])?;
            swap(database, name, expected, next, now)
        }
        Err(fault) => Err(fault),
    }
}

const UPDATE: &str = "UPDATE circuits SET version = version + 1, record = ?3, idle = ?4, boot = ?5, written_boot = ?6,
     written_wall = ?7 WHERE name = ?1 AND version = ?2 RETURNING version";

/// Has the usual swap compiled, for a connection that is going to make one.
pub(super) fn prepare(database: &Connection) -> rusqlite::Result<()> {
    database.prepare_cached(UPDATE).map(drop)
}

fn update(
    database: &Connection,
    name: &CircuitName,
    expected: Version,
    next: &Record,
    now: &Stamp,
) -> rusqlite::Result<Option<Version>> {
    let mut update = database.prepare_cached(UPDATE)?;
    let version = expected.0.cast_signed();
    let values = params![name.as_str(), version, format::encode(next), idle(next), &*now.boot, now.now.0, now.wall_ms];
    update.query_row(values, version_of).optional()
}

/// A version starts anywhere, so that a circuit which was dropped and comes back, or lives in a store that was
/// begun anew, never meets a version that somebody still holds.
fn insert(database: &Connection, name: &CircuitName, next: &Record, now: &Stamp) -> Result<Option<Version>, Fault> {
    let mut insert = database.prepare_cached(
        "INSERT INTO circuits (name, version, record, idle, boot, written_boot, written_wall)
         VALUES (?1, random() & 0x3fffffffffffffff, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING version",
    )?;
    let values = params![name.as_str(), format::encode(next), idle(next), &*now.boot, now.now.0, now.wall_ms];
    let version = insert.query_row(values, version_of).optional()?;
    if version.is_some() {
        make_room(database, name)?;
    }
    Ok(version)
}

/// Every circuit as it stands in the file, for another store, and what is wrong with those that cannot be read.
pub(super) fn export(database: &Connection) -> Result<(Vec<Portable>, Vec<StoreError>), Fault> {
    let mut select = database.prepare_cached(&format!("SELECT {COLUMNS}, name FROM circuits ORDER BY name"))?;
    let mut rows = select.query([])?;
    let (mut circuits, mut damaged) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let Some(name) = row.get_ref(6)?.as_str().ok().and_then(|name| CircuitName::new(name).ok()) else { continue };
        match stored(row) {
            Ok((record, written)) => circuits.push(Portable { name, record, written }),
            Err(damage) => damaged.push(damage.of(name.as_str())),
        }
    }
    Ok((circuits, damaged))
}

/// Takes over a circuit of another store if it was written later than the one that is here, by the clocks on the wall; one
/// that claims to be of the future counts as of now. Whether it was.
pub(super) fn import(database: &Connection, circuit: &Portable, now: &Stamp) -> Result<bool, Fault> {
    let Portable { name, record, written } = circuit;
    let wall = written.wall_ms.min(now.wall_ms);
    let mut upsert = database.prepare_cached(
        "INSERT INTO circuits (name, version, record, idle, boot, written_boot, written_wall)
         VALUES (?1, random() & 0x3fffffffffffffff, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (name) DO UPDATE SET version = version + 1, record = excluded.record, idle = excluded.idle,
         boot = excluded.boot, written_boot = excluded.written_boot, written_wall = excluded.written_wall
         WHERE excluded.written_wall > written_wall",
    )?;
    let values = params![name.as_str(), format::encode(record), idle(record), &*written.boot, written.now.0, wall];
    let is_taken = upsert.execute(values)? > 0;
    if is_taken {
        make_room(database, name)?;
    }
    Ok(is_taken)
}

/// Drops the circuit that was left alone longest, if there are too many.
fn make_room(database: &Connection, newcomer: &CircuitName) -> Result<(), Fault> {
    let stored: u32 = database.prepare_cached("SELECT count(*) FROM circuits")?.query_row([], |row| row.get(0))?;
    if stored <= MOST_CIRCUITS {
        return Ok(());
    }
    let mut drop = database.prepare_cached(
        "DELETE FROM circuits WHERE name =
         (SELECT name FROM circuits WHERE idle AND name <> ?1 ORDER BY written_wall LIMIT 1)",
    )?;
    if drop.execute([newcomer.as_str()])? > 0 {
        return Ok(());
    }
    let message = format!(
        "circuit {newcomer} is not stored: there are {MOST_CIRCUITS} already, and none of them is closed without a \
         switch; `fuseboard reset` those that are used no more"
    );
    Err(StoreError::new(StoreTrouble::Unreachable, message).into())
}

/// Whether forgetting the circuit would lose nothing but its totals.
fn idle(record: &Record) -> bool {
    matches!(record.state, State::Closed { .. }) && record.switch.is_none()
}

fn version_of(row: &Row<'_>) -> rusqlite::Result<Version> {
    row.get(0).map(|version: i64| Version(version.cast_unsigned()))
}

/// What is wrong with one row.
#[derive(Debug, thiserror::Error)]
enum Damage {
    #[error(transparent)]
    Record(#[from] FormatError),
    #[error("a column has no value of its kind: {0}")]
    Column(#[from] rusqlite::Error),
}

impl Damage {
    fn of(self, circuit: &str) -> StoreError {
        let (trouble, remedy) = match &self {
            Self::Record(FormatError::Newer(_)) => (StoreTrouble::Newer, "use the newer version".to_owned()),
            _ => (StoreTrouble::BadRecord, format!("`fuseboard reset {circuit}` begins it anew")),
        };
        StoreError::new(trouble, format!("the record of circuit {circuit} cannot be read: {self}; {remedy}"))
            .caused_by(self)
    }
}

fn loaded(row: &Row<'_>, now: &Stamp) -> Result<Loaded, Damage> {
    let version = version_of(row)?;
    let (record, written) = stored(row)?;
    Ok(Loaded { record: format::shifted(record, now.shift_from(&written)), version: Some(version), now: now.now })
}

/// A record as it stands in the file, and when it was written.
fn stored(row: &Row<'_>) -> Result<(Record, Stamp), Damage> {
    let length = usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX);
    if length > format::MAX_BYTES {
        return Err(FormatError::Long(length).into());
    }
    let record = format::decode(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?)?;
    let written = Stamp { boot: row.get::<_, String>(3)?.into(), now: Moment(row.get(4)?), wall_ms: row.get(5)? };
    Ok((record, written))
}
