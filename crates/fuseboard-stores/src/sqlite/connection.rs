//! Opening the database, beginning a new one, and what SQLite's errors mean for a store.

use std::path::Path;
use std::time::Duration;

use fuseboard::store::{StoreError, StoreTrouble};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use crate::files::{Files, Found, Identity, private, trouble};

/// Marks a database as Fuseboard's: "FUSE".
const APPLICATION_ID: i32 = 0x4655_5345;

/// The schema that this version writes. A higher one can be read as far as it looks alike, not written.
const SCHEMA_VERSION: i32 = 1;

/// `circuits.idle` marks what may go when the store is full. Ids and numbers of rows only grow, so that they
/// tell the order even where the wall clock jumped. The ledger's tables are there whether this build keeps one
/// or not: builds share the file.
const SCHEMA: &str = "
CREATE TABLE circuits (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    record TEXT NOT NULL,
    idle INTEGER NOT NULL,
    boot TEXT NOT NULL,
    written_boot INTEGER NOT NULL,
    written_wall INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    circuit TEXT,
    event TEXT NOT NULL,
    cause TEXT,
    failures INTEGER,
    probe_at INTEGER,
    by TEXT,
    run TEXT
);
CREATE INDEX events_of ON events (circuit);
CREATE TABLE outcomes (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    circuit TEXT NOT NULL,
    outcome TEXT NOT NULL,
    failure TEXT,
    duration_ms INTEGER NOT NULL,
    run TEXT
);
CREATE INDEX outcomes_of ON outcomes (circuit);
CREATE TABLE runs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    holder TEXT NOT NULL,
    ended_at INTEGER,
    interrupted_at INTEGER,
    job TEXT,
    report TEXT
);
CREATE INDEX runs_unfinished ON runs (number) WHERE ended_at IS NULL AND interrupted_at IS NULL;
CREATE TABLE steps (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    place INTEGER,
    row TEXT NOT NULL,
    output TEXT,
    UNIQUE (run, name)
);
CREATE INDEX steps_with_output ON steps (at) WHERE output IS NOT NULL;
CREATE TABLE usage (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run TEXT NOT NULL,
    project TEXT,
    model TEXT,
    input_uncached INTEGER,
    cache_read INTEGER,
    cache_write INTEGER,
    output INTEGER,
    cost_usd REAL
);
CREATE INDEX usage_of ON usage (run);
CREATE INDEX usage_at ON usage (at);
";

/// For each connection. Checkpoints are made by [`tidy`].
const SETTINGS: &str = "PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;";

/// How long the write-ahead log may grow, in bytes, before a writer brings it into the database. Longer: every
/// one-shot process reads and sums it up from its start, 1.2 ms for 4 MiB. Shorter: more of them pay for the
/// syncing, 5 ms and more.
const LONGEST_LOG: u64 = 1 << 20;

/// How long that writer waits for readers, who are done in a moment.
const TIDY_LIMIT: Duration = Duration::from_millis(20);

/// What is wrong with an empty file where a store was.
pub(super) const CUT: &str = "it was cut to nothing";

/// The longest value that is ever read, so that a hostile file cannot fill the memory.
const LONGEST_VALUE: i32 = 1 << 20;

/// A database that is open.
pub(super) struct Open {
    pub(super) database: Connection,
    pub(super) identity: Identity,
    /// A newer version made it.
    pub(super) newer: bool,
}

/// Why an attempt came to nothing.
#[derive(Debug)]
pub(super) enum Fault {
    /// Others are at it; trying again helps.
    Busy,
    /// This file is no sound database of ours.
    Damaged(Identity, String),
    /// SQLite said so.
    Sql(rusqlite::Error),
    /// What the caller is told as it is.
    Told(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        use ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
        match code(&error) {
            Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed) => Self::Busy,
            _ => Self::Sql(error),
        }
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Told(error)
    }
}

impl Open {
    /// What a fault in this database means.
    pub(super) fn judge(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Sql(error) if self.newer && code(&error) == Some(ErrorCode::Unknown) => {
                Fault::Told(self.is_newer().caused_by(error))
            }
            fault => fault.judged(self.identity),
        }
    }

    /// What a writer is told of a database that a newer version made.
    pub(super) fn is_newer(&self) -> StoreError {
        let path = self.database.path().unwrap_or("the store");
        let message = format!("{path} was written by a newer version of Fuseboard; use that version");
        StoreError::new(StoreTrouble::Newer, message)
    }
}

impl Fault {
    /// The same fault, where SQLite's words prove that the file with this identity is damaged.
    fn judged(self, identity: Identity) -> Self {
        use ErrorCode::{DatabaseCorrupt, NotADatabase, TooBig, Unknown};
        match self {
            // Our statements are fixed: what they name is missing only from a schema that is not ours.
            Self::Sql(error) if matches!(code(&error), Some(DatabaseCorrupt | NotADatabase | TooBig | Unknown)) => {
                Self::Damaged(identity, error.to_string())
            }
            other => other,
        }
    }
}

/// Opens the database that is there; `None` if there is none.
pub(super) fn open(files: &Files) -> Result<Option<Open>, Fault> {
    let Some(found) = files.find()? else { return Ok(None) };
    if found.empty && !files.was_begun() {
        return Ok(None);
    }
    files.check_folder()?;
    files.share_all()?;
    let Some(_share) = files.try_share()? else { return Err(Fault::Busy) };
    // Only what is there under the lock stays there until every companion is open.
    let Some(found) = files.find()? else { return Ok(None) };
    open_found(files, found).map(Some).map_err(|fault| fault.judged(found.identity))
}

fn open_found(files: &Files, Found { identity, empty }: Found) -> Result<Open, Fault> {
    if empty {
        // A store is never empty: it is begun under another name and appears whole.
        return Err(Fault::Damaged(identity, CUT.to_owned()));
    }
    let database = connect(files.database())?;
    database.execute_batch(SETTINGS)?;
    let mark: i32 = database.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if mark != APPLICATION_ID {
        // Sound and of somebody else. It is the path that is wrong, so nothing is moved.
        let message = format!(
            "{} is a database of another program; choose another place for the store (--store, FUSEBOARD_STORE)",
            files.database().display()
        );
        return Err(StoreError::new(StoreTrouble::Corrupt, message).into());
    }
    let version: i32 = database.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(Open { database, identity, newer: version > SCHEMA_VERSION })
}

/// Begins a new database, unless there is one. It is made under another name and given its own when it is
/// whole, so that no crash leaves half of one and no crowd of first callers meets one that is being made.
pub(super) fn begin(files: &Files, date: impl Fn() -> String) -> Result<(), Fault> {
    files.make_folder()?;
    let begun = files.was_begun();
    let Some(_own) = files.try_own()? else { return Err(Fault::Busy) };
    if files.find()?.is_some_and(|found| !found.empty || begun) {
        return Ok(());
    }
    files.clear_companions(&date())?;
    let path = files.beside(".new");
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(trouble(&path, "removed", error))?,
        _ => {}
    }
    private().write(true).create_new(true).open(&path).map_err(|error| trouble(&path, "created", error))?;
    files.share(&path)?;
    make_schema(&path)?;
    std::fs::rename(&path, files.database()).map_err(|error| trouble(files.database(), "created", error))?;
    files.sync_folder().map_err(|error| trouble(files.database(), "created", error))?;
    Ok(())
}

/// Empties the write-ahead log, if it has grown long, after a write.
///
/// SQLite's own checkpoints do not serve here: they leave the log in place, to be begun again by a later writer
/// of the same period in which somebody always has the database open. One-shot processes have no such period:
/// each of them would read the whole log, write it into the database once more, and make it longer.
pub(super) fn tidy(files: &Files, database: &Connection) {
    let length = std::fs::metadata(files.beside("-wal")).map_or(0, |meta| meta.len());
    if length <= LONGEST_LOG {
        return;
    }
    // What fails here was stored all the same, and the next writer tries again.
    let _ = database.busy_timeout(TIDY_LIMIT);
    let _ = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let _ = database.busy_timeout(Duration::ZERO);
}

fn make_schema(path: &Path) -> Result<(), Fault> {
    let mut database = connect(path)?;
    // Here the ordinary close is wanted: it brings everything into the one file.
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    database.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    database.close().map_err(|(_, error)| Fault::from(error))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(path, flags)?;
    // Waiting is done outside, with a spread that SQLite's own has not.
    database.busy_timeout(Duration::ZERO)?;
    for (option, on) in [
        // The last connection to close would checkpoint and sync: most of a one-shot process's time.
        (DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true),
        // The file is untrusted: nothing that its schema carries is run.
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        database.set_db_config(option, on)?;
    }
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, LONGEST_VALUE)?;
    Ok(database)
}

/// What kind of error it is. rusqlite keeps errors in a statement's text apart from all others.
fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    match error {
        rusqlite::Error::SqlInputError { error, .. } => Some(error.code),
        other => other.sqlite_error_code(),
    }
}

/// What the caller is told of an SQLite error that is neither contention nor damage.
pub(super) fn told(path: &Path, error: rusqlite::Error) -> StoreError {
    let (reason, remedy) = match code(&error) {
        Some(ErrorCode::DiskFull) => ("the disk is full", "free some space there"),
        Some(ErrorCode::ReadOnly) => ("it is read-only", "make it writable (chmod u+w, also its folder)"),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            ("it cannot be opened", "make it and its folder readable and writable for you")
        }
        Some(ErrorCode::SystemIoFailure) => ("reading or writing failed", "check the disk's space and health"),
        _ => ("SQLite refused", "choose another place for the store (--store, FUSEBOARD_STORE)"),
    };
    let message = format!("{}: {reason} ({error}); {remedy}", path.display());
    StoreError::new(StoreTrouble::Unreachable, message).caused_by(error)
}
