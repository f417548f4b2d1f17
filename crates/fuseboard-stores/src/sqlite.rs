//! The store in a file: one SQLite database per user and host, shared by any number of processes.
//!
//! Reading is one statement, writing one short `IMMEDIATE` transaction; nothing is open in between. Waiting for
//! others, noticing that the file was replaced, and setting a damaged one aside happen in one place,
//! [`SqliteStore::attempt`] and its caller.

mod circuits;
mod connection;
mod history;
#[cfg(feature = "ledger")]
mod ledger;

use std::error::Error as _;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use fuseboard::CircuitName;
use fuseboard::clock::Clock;
use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Deferred, Listed, Loaded, Store, StoreError, StoreTrouble, Swap, Taken, Version};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::connection::{Fault, Open};
pub use self::history::{StoredEvent, StoredOutcome};
use crate::files::{Files, Identity};
use crate::format::Stamp;
use crate::format::portable::Portable;
use crate::patience::Patience;
use crate::spool::Spool;

/// How long a call waits for others, unless [`SqliteStore::set_busy_limit`] says otherwise.
const BUSY_LIMIT: Duration = Duration::from_secs(1);

/// Records and their history in one SQLite file.
///
/// Making one touches nothing. The file is opened by the first call, and made by the first that has something to
/// store: its folder with mode 0700, the files with 0600, unless it has a [group](SqliteStore::with_group). Moments are on
/// the boot clock's axis, so a jump of the wall clock moves nothing; after a reboot they are moved by the time that has
/// passed.
///
/// # Faults
///
/// | what is found | what happens |
/// |---|---|
/// | no file | every circuit has its default record, the history is empty; nothing is created by looking |
/// | a link, a file or folder of another user or writable by everybody, a network file system | [`StoreTrouble::Unreachable`] with the reason |
/// | others hold the file longer than the busy limit | [`StoreTrouble::Busy`] |
/// | a file of a newer version | read, but not written: [`StoreTrouble::Newer`] |
/// | a sound database of another program | [`StoreTrouble::Corrupt`]; it stays where it is |
/// | anything else that is no sound store | [`StoreTrouble::Corrupt`] for that call; set aside as `FILE.corrupt-DATE`, never deleted; the next call begins anew. Of several that find it at once, one sets it aside and says so; the others go on with what is there then |
/// | a file replaced or removed under the running process | [`StoreTrouble::Corrupt`] for that call; the next one uses what is there |
/// | one damaged record | [`StoreTrouble::BadRecord`] for that circuit; a swap that expects no record replaces it |
///
/// [`SqliteStore::damage`] remembers what was found, for gates that must not pass in such a run.
pub struct SqliteStore {
    files: Files,
    clock: Arc<dyn Clock>,
    busy_limit_ms: AtomicU64,
    open: Mutex<Option<Open>>,
    damage: OnceLock<String>,
}

impl SqliteStore {
    /// The store in this file, with moments on this clock.
    pub fn new(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Self {
        let files = Files::new(path.as_ref());
        let store =
            Self { files, clock, busy_limit_ms: AtomicU64::new(0), open: Mutex::default(), damage: OnceLock::new() };
        store.with_busy_limit(BUSY_LIMIT)
    }

    /// The same store with another busy limit.
    #[must_use]
    pub fn with_busy_limit(self, limit: Duration) -> Self {
        self.set_busy_limit(limit);
        self
    }

    /// The same store, which the members of a group, given by its number, may use too: the folder has mode 2770 then, the
    /// files 0660. What this user made without a group is widened when it is opened.
    #[must_use]
    pub fn with_group(mut self, group: u32) -> Self {
        self.files.set_group(group);
        self
    }

    /// How long further calls wait for others: 1 s unless set. Short before the work starts, longer when it has
    /// ended and only a report waits.
    pub fn set_busy_limit(&self, limit: Duration) {
        self.busy_limit_ms.store(limit.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Gets ready for a report that will come, while the work runs: what compiles statements then is time that the
    /// caller does not wait. Nothing is waited for, written, or opened anew; what fails will fail again and be told.
    pub fn prepare_report(&self) {
        if let Some(open) = &*self.slot() {
            let _ = circuits::prepare(&open.database).and_then(|()| history::prepare(&open.database));
        }
    }

    /// Closes the file until the next call opens it anew: before a fork, since neither process could rely on a
    /// connection that both have.
    pub fn disconnect(&self) {
        *self.slot() = None;
    }

    /// Where the database is or will be.
    pub fn path(&self) -> &Path {
        self.files.database()
    }

    /// What was first found damaged or replaced since this store was made, in words. A run in which this says
    /// something lets no gate pass, though later calls work.
    pub fn damage(&self) -> Option<&str> {
        self.damage.get().map(String::as_str)
    }

    /// The newest `limit` events (all if `None`), of one circuit or of all, oldest first.
    ///
    /// # Errors
    /// As for [`Store::list`].
    pub fn events(&self, circuit: Option<&CircuitName>, limit: Option<usize>) -> Result<Vec<StoredEvent>, StoreError> {
        let events = self.read(|database, _| Ok(history::events(database, circuit, limit)?))?;
        Ok(events.unwrap_or_default())
    }

    /// The newest `limit` outcomes (all that are kept if `None`), of one circuit or of all, oldest first.
    ///
    /// # Errors
    /// As for [`Store::list`].
    pub fn outcomes(
        &self,
        circuit: Option<&CircuitName>,
        limit: Option<usize>,
    ) -> Result<Vec<StoredOutcome>, StoreError> {
        let outcomes = self.read(|database, _| Ok(history::outcomes(database, circuit, limit)?))?;
        Ok(outcomes.unwrap_or_default())
    }

    /// Every circuit, for another store, and what is wrong with those that cannot be read.
    ///
    /// # Errors
    /// As for [`Store::list`].
    pub fn export(&self) -> Result<(Vec<Portable>, Vec<StoreError>), StoreError> {
        Ok(self.read(|database, _| circuits::export(database))?.unwrap_or_default())
    }

    /// Takes over circuits of another store: of each the one that was written last stands, by the clocks on the wall.
    /// All or nothing is done; the names of those that were taken.
    ///
    /// # Errors
    /// As for [`Store::swap`].
    pub fn import(&self, circuits: &[Portable]) -> Result<Vec<CircuitName>, StoreError> {
        let take = |database: &Connection, now: &Stamp| {
            let mut taken = Vec::new();
            for circuit in circuits {
                if circuits::import(database, circuit, now)? {
                    taken.push(circuit.name.clone());
                }
            }
            Ok(taken)
        };
        self.write(true, take, |_| true)
    }

    /// Reads; `None` if there is no file.
    fn read<T>(&self, act: impl Fn(&Connection, &Stamp) -> Result<T, Fault>) -> Result<Option<T>, StoreError> {
        self.patiently(|| self.attempt(|open, now| act(&open.database, now)))
    }

    /// Writes in one transaction, which is kept if `keep` says so of its answer, and with `sync` survives a loss of
    /// power. Begins a file if there is none.
    fn write<T>(
        &self,
        sync: bool,
        act: impl Fn(&Connection, &Stamp) -> Result<T, Fault>,
        keep: impl Fn(&T) -> bool,
    ) -> Result<T, StoreError> {
        let transact = |open: &Open, now: &Stamp| {
            if open.newer {
                return Err(open.is_newer().into());
            }
            let transaction = Transaction::new_unchecked(&open.database, TransactionBehavior::Immediate)?;
            let answer = act(&transaction, now)?;
            if keep(&answer) {
                transaction.commit()?;
                connection::tidy(&self.files, &open.database);
            }
            Ok(answer)
        };
        let synced = |open: &Open, now: &Stamp| {
            open.database.pragma_update(None, "synchronous", "FULL")?;
            let answer = transact(open, now);
            open.database.pragma_update(None, "synchronous", "NORMAL")?;
            answer
        };
        let attempt = || if sync { self.attempt(synced) } else { self.attempt(transact) };
        self.patiently(|| {
            if let Some(answer) = attempt()? {
                return Ok(answer);
            }
            connection::begin(&self.files, || self.date())?;
            // If it is gone again already, somebody else is at it.
            attempt()?.ok_or(Fault::Busy)
        })
    }

    /// Makes attempts until one ends otherwise than in contention, or the busy limit is over.
    fn patiently<T>(&self, attempt: impl Fn() -> Result<T, Fault>) -> Result<T, StoreError> {
        let limit = Duration::from_millis(self.busy_limit_ms.load(Ordering::Relaxed));
        let mut patience = Patience::of(limit);
        loop {
            match attempt() {
                Ok(answer) => return Ok(answer),
                Err(Fault::Busy) if patience.nap() => {}
                Err(Fault::Busy) => return Err(self.busy(limit)),
                Err(Fault::Damaged(identity, reason)) => match self.set_aside(identity, &reason) {
                    // Who set it aside says so. Here it is remembered, and what is there now is tried.
                    None if patience.nap() => {}
                    None => return Err(self.busy(limit)),
                    Some(error) => return Err(error),
                },
                Err(Fault::Sql(error)) => return Err(connection::told(self.path(), error)),
                Err(Fault::Told(error)) => return Err(error),
            }
        }
    }

    /// Does something with the open database; `None` if there is no file. The connection is kept for the next
    /// call as long as the path still leads to the same file.
    fn attempt<T>(&self, act: impl Fn(&Open, &Stamp) -> Result<T, Fault>) -> Result<Option<T>, Fault> {
        let mut slot = self.slot();
        if let Some(open) = &*slot {
            let found = self.files.find()?.filter(|found| found.identity == open.identity);
            if found.is_none_or(|found| found.empty) {
                *slot = None;
            }
            match found {
                Some(found) if found.empty => return Err(Fault::Damaged(found.identity, connection::CUT.to_owned())),
                Some(_) => {}
                None => return Err(self.replaced().into()),
            }
        }
        if slot.is_none() {
            *slot = connection::open(&self.files)?;
        }
        let Some(open) = &*slot else { return Ok(None) };
        let answer = act(open, &Stamp::of(&*self.clock)).map_err(|fault| open.judge(fault));
        if matches!(answer, Err(Fault::Damaged(..) | Fault::Sql(_))) {
            *slot = None;
        }
        answer.map(Some)
    }

    /// Moves a damaged file out of the way, once, however many find it. `None`: another process did it.
    fn set_aside(&self, damaged: Identity, reason: &str) -> Option<StoreError> {
        let path = self.path().display();
        let mut patience = Patience::of(BUSY_LIMIT);
        let moved = loop {
            match self.files.try_own() {
                Ok(Some(_own)) => break self.files.set_aside(damaged, &self.date()),
                Ok(None) if patience.nap() => {}
                Ok(None) => return Some(self.busy(BUSY_LIMIT)),
                Err(error) => break Err(error),
            }
        };
        let advice = "the next call begins anew: look at `fuseboard status` and set the switches again";
        let by_another = matches!(moved, Ok(None));
        let error = self.found_damage(match moved {
            Ok(Some(aside)) => format!("{path} was damaged ({reason}) and set aside as {}; {advice}", aside.display()),
            Ok(None) => format!("{path} was damaged ({reason}) and set aside by another process; {advice}"),
            Err(error) => {
                let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
                format!("{path} is damaged ({reason}) and could not be set aside ({why}); move it away")
            }
        });
        (!by_another).then_some(error)
    }

    fn replaced(&self) -> StoreError {
        self.found_damage(format!(
            "{} was replaced or removed while it was in use; what is there now counts from the next call on: \
             look at `fuseboard status`, the switches above all",
            self.path().display()
        ))
    }

    /// Remembers the first damage for [`SqliteStore::damage`].
    fn found_damage(&self, message: String) -> StoreError {
        self.damage.get_or_init(|| message.clone());
        StoreError::new(StoreTrouble::Corrupt, message)
    }

    fn busy(&self, limit: Duration) -> StoreError {
        let message = format!(
            "{0} was in use by others for {limit:?}; end the process that holds it (`fuser {0}` names it)",
            self.path().display()
        );
        StoreError::new(StoreTrouble::Busy, message)
    }

    /// Now, as it stands in the name of a file that was set aside.
    fn date(&self) -> String {
        // SQLite knows the calendar; this is too rare for a library of its own.
        let seconds = Stamp::of(&*self.clock).wall_ms.div_euclid(1000);
        Connection::open_in_memory()
            .and_then(|calendar| {
                calendar.query_row("SELECT strftime('%Y%m%dT%H%M%SZ', ?1, 'unixepoch')", [seconds], |row| row.get(0))
            })
            .unwrap_or_else(|_| seconds.to_string())
    }

    fn slot(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SqliteStore {
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError> {
        let stored = self.read(|database, now| circuits::load(database, name, now))?;
        Ok(stored.unwrap_or_else(|| Loaded { record: Record::default(), version: None, now: self.clock.now() }))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        rows: &[Row],
    ) -> Result<Swap, StoreError> {
        let act = |database: &Connection, now: &Stamp| {
            let swap = circuits::swap(database, name, expected, next, now)?;
            if matches!(swap, Swap::Done(_)) {
                rows.iter().try_for_each(|row| history::insert(database, row, now))?;
            }
            Ok(swap)
        };
        self.write(rows.iter().any(history::is_act), act, |swap| matches!(swap, Swap::Done(_)))
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        Ok(self.read(circuits::list)?.unwrap_or_default())
    }

    fn defer(&self, report: &Deferred) -> Result<(), StoreError> {
        Spool::of(&self.files).defer(report)
    }

    fn take_deferred(&self) -> Result<Taken, StoreError> {
        Spool::of(&self.files).take()
    }

    fn deferred(&self) -> Result<Vec<Deferred>, StoreError> {
        Spool::of(&self.files).waiting()
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuseboard::clock::FakeClock;

    #[test]
    fn only_what_an_operator_was_told_is_synced_at_once() {
        let home = tempfile::tempdir().unwrap();
        let store = SqliteStore::new(home.path().join("state/state.db"), Arc::new(FakeClock::new()));
        let level = |sync| {
            let read = |database: &Connection, _: &Stamp| {
                Ok(database.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?)
            };
            store.write(sync, read, |_| true).unwrap()
        };
        let (normal, full) = (1, 2);
        assert_eq!([level(false), level(true), level(false)], [normal, full, normal]);
    }
}
