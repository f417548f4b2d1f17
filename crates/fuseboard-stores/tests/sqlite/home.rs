//! A store in a temporary folder, on a clock that the test moves, and the hands to damage it with.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use fuseboard::clock::{FakeClock, SystemClock};
use fuseboard::record::{Outage, Record, State};
use fuseboard::store::{Store, Swap, Version};
use fuseboard::{CircuitName, event::Row};
use fuseboard_stores::SqliteStore;
use rusqlite::Connection;

pub(crate) struct Home {
    dir: tempfile::TempDir,
    pub(crate) clock: FakeClock,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: FakeClock::new() }
    }

    /// The folder around the store's own.
    pub(crate) fn outside(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("state.db")
    }

    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        self.folder().join(format!("state.db{suffix}"))
    }

    /// Another handle, as another process has one.
    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::new(self.path(), Arc::new(self.clock.clone()))
    }

    /// A store that circuits `a`, `b` and `c` were written to, everything in the one file.
    pub(crate) fn with_circuits(self) -> Self {
        let store = self.store();
        for circuit in ["a", "b", "c"] {
            put(&store, circuit, None, &counted(1));
        }
        drop(store);
        self.settle();
        self
    }

    /// The database itself, for what no store would do to it.
    pub(crate) fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    /// Brings the write-ahead log into the database file.
    pub(crate) fn settle(&self) {
        let raw = self.raw();
        raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    }

    pub(crate) fn sql(&self, statements: &str) {
        self.raw().execute_batch(statements).unwrap();
    }

    pub(crate) fn number(&self, select: &str) -> i64 {
        self.raw().query_row(select, [], |row| row.get(0)).unwrap()
    }

    /// Names of the folder's files that contain this.
    pub(crate) fn files(&self, part: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.folder()) else { return Vec::new() };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.contains(part)).collect()
    }

    /// This test binary again, in the part of `act` on this store; see [`child`].
    pub(crate) fn child(&self, act: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "home::child", "--ignored", "--nocapture"])
            .env("FUSEBOARD_TEST_ACT", act)
            .env("FUSEBOARD_TEST_STORE", self.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

pub(crate) fn name(text: &str) -> CircuitName {
    text.parse().unwrap()
}

pub(crate) fn counted(failures: u32) -> Record {
    Record { state: State::Closed { failures, window: None }, ..Record::default() }
}

pub(crate) fn failures(record: &Record) -> u32 {
    match &record.state {
        State::Closed { failures, .. } => *failures,
        state @ (State::Open { .. } | State::HalfOpen { .. }) => panic!("{state:?} is not closed"),
    }
}

pub(crate) fn open_record(store: &SqliteStore, until: Option<std::time::Duration>) -> Record {
    let now = store.load(&name("any")).unwrap().now;
    let cost = std::time::Duration::ZERO;
    let outage = Outage { since: now, failures: 2, sample: None, trips: 1, ignored: 0, skips: 0, cost };
    Record { state: State::Open { outage, until: until.map(|by| now.after(by)) }, ..Record::default() }
}

pub(crate) fn put(store: &SqliteStore, circuit: &str, expected: Option<Version>, record: &Record) -> Version {
    put_with(store, circuit, expected, record, &[])
}

pub(crate) fn put_with(
    store: &SqliteStore,
    circuit: &str,
    expected: Option<Version>,
    record: &Record,
    rows: &[Row],
) -> Version {
    match store.swap(&name(circuit), expected, record, rows).unwrap() {
        Swap::Done(version) => version,
        Swap::Conflict(there) => panic!("{circuit} is {there:?}"),
    }
}

/// Adds one failure to a circuit, with `rows` of that count, until nobody else was faster.
pub(crate) fn count_up(store: &SqliteStore, circuit: &str, rows: impl Fn(u32) -> Vec<Row>) -> u32 {
    let circuit = name(circuit);
    let mut there = store.load(&circuit).unwrap();
    loop {
        let next = failures(&there.record) + 1;
        match store.swap(&circuit, there.version, &counted(next), &rows(next)).unwrap() {
            Swap::Done(_) => return next,
            Swap::Conflict(now) => there = *now,
        }
    }
}

/// What [`Home::child`] runs. By itself, without an act, it does nothing.
#[test]
#[ignore = "a part that other tests start as a process of its own"]
fn child() {
    let (Ok(act), Some(path)) = (std::env::var("FUSEBOARD_TEST_ACT"), std::env::var_os("FUSEBOARD_TEST_STORE")) else {
        return;
    };
    let store = SqliteStore::new(path, Arc::new(SystemClock)).with_busy_limit(std::time::Duration::from_mins(1));
    let group = std::env::var("FUSEBOARD_TEST_GROUP").ok().and_then(|group| group.parse().ok());
    let store = match group {
        Some(group) => store.with_group(group),
        None => store,
    };
    match act.split_once(' ').unwrap_or((&act, "")) {
        ("count", times) => {
            for _ in 0..times.parse::<u32>().unwrap() {
                count_up(&store, "counter", |_| Vec::new());
            }
        }
        ("load", circuit) => match store.load(&name(circuit)) {
            Ok(_) => println!("sound"),
            Err(error) => println!("{:?}: {error}", error.trouble),
        },
        ("hammer", circuit) => super::crashes::hammer(&store, circuit),
        ("fill", circuit) => super::places::fill(&store, circuit),
        ("put", circuit) => match store.swap(&name(circuit), None, &counted(1), &[]) {
            Ok(_) => println!("stored"),
            Err(error) => println!("{:?}: {error}", error.trouble),
        },
        ("defer", count) => super::spool::defer_many(&store, count.parse().unwrap()),
        (other, _) => panic!("no such act: {other}"),
    }
}
