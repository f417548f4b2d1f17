//! Forks: no file is open across one, since SQLite's locks and its list of open files are a process's own.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use fuseboard::CircuitName;
use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Deferred, Listed, Loaded, Store, StoreError, Swap, Taken, Version};
use fuseboard_stores::SqliteStore;

/// How many calls are in a file at this moment, and which files may be open.
static FILES: Mutex<Files> = Mutex::new(Files { busy: 0, stores: Vec::new(), forks: 0 });
static DONE: Condvar = Condvar::new();

struct Files {
    busy: usize,
    stores: Vec<Weak<SqliteStore>>,
    forks: u64,
}

thread_local! {
    /// Held by the thread that forks, from before until after, in the parent and in the child.
    static HELD: RefCell<Option<MutexGuard<'static, Files>>> = const { RefCell::new(None) };
}

fn files() -> MutexGuard<'static, Files> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Before a fork: waits until nobody is in a file, keeps everybody out, and closes them all.
pub(crate) fn before() {
    let waited = DONE.wait_while(files(), |files| files.busy > 0);
    let mut files = waited.unwrap_or_else(PoisonError::into_inner);
    files.stores.retain(|store| {
        store.upgrade().is_some_and(|store| {
            store.disconnect();
            true
        })
    });
    HELD.with(|held| *held.borrow_mut() = Some(files));
}

/// After it: lets everybody in again.
pub(crate) fn after(in_child: bool) {
    HELD.with(|held| {
        if let Some(mut files) = held.borrow_mut().take() {
            files.forks += u64::from(in_child);
        }
    });
}

/// How many forks lie between this process and the first.
pub(crate) fn forks() -> u64 {
    files().forks
}

/// A store in a file that is closed while the process forks.
pub(crate) struct ForkSafe(Arc<SqliteStore>);

impl ForkSafe {
    pub(crate) fn new(store: SqliteStore) -> Self {
        let store = Arc::new(store);
        let mut files = files();
        files.stores.retain(|store| store.strong_count() > 0);
        files.stores.push(Arc::downgrade(&store));
        Self(store)
    }

    fn within<T>(&self, act: impl FnOnce(&SqliteStore) -> T) -> T {
        /// Says that the call is over, even if it panics.
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                files().busy -= 1;
                DONE.notify_all();
            }
        }
        files().busy += 1;
        let _leave = Leave;
        act(&self.0)
    }
}

impl Store for ForkSafe {
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError> {
        self.within(|store| store.load(name))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        rows: &[Row],
    ) -> Result<Swap, StoreError> {
        self.within(|store| store.swap(name, expected, next, rows))
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        self.within(SqliteStore::list)
    }

    fn defer(&self, report: &Deferred) -> Result<(), StoreError> {
        self.within(|store| store.defer(report))
    }

    fn take_deferred(&self) -> Result<Taken, StoreError> {
        self.within(SqliteStore::take_deferred)
    }

    fn deferred(&self) -> Result<Vec<Deferred>, StoreError> {
        self.within(SqliteStore::deferred)
    }
}
