//! Reports that wait: torn lines, takers that die, crowds of writers.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::thread;
use std::time::Duration;

use fuseboard::store::{Deferred, Store, StoreTrouble};
use fuseboard::{Outcome, Policy};
use fuseboard_stores::SqliteStore;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::home::{Home, counted, put};

pub(crate) fn report(circuit: &str, number: i64) -> Deferred {
    Deferred {
        circuit: circuit.to_owned(),
        epoch: None,
        unpermitted: true,
        outcome: Outcome::Success,
        duration: Duration::from_millis(5),
        policy: Policy::default(),
        wall_ms: number,
        run: None,
    }
}

/// The act of a child that defers so many reports.
pub(crate) fn defer_many(store: &SqliteStore, count: i64) {
    (0..count).for_each(|number| store.defer(&report("child", number)).unwrap());
}

fn numbers(reports: &[Deferred]) -> Vec<i64> {
    reports.iter().map(|report| report.wall_ms).collect()
}

fn append(home: &Home, bytes: &[u8]) {
    OpenOptions::new().append(true).open(home.beside(".spool")).unwrap().write_all(bytes).unwrap();
}

#[test]
fn a_torn_line_costs_that_report_alone_and_is_counted() {
    let home = Home::new();
    let store = home.store();
    store.defer(&report("a", 1)).unwrap();
    append(&home, b"\n{\"circuit\":\"a\",\"epo");
    store.defer(&report("a", 2)).unwrap();
    append(&home, b"\xff\xfe\n{}\n");
    let taken = store.take_deferred().unwrap();
    assert_eq!((numbers(&taken.reports), taken.unreadable), (vec![1, 2], 3));
    taken.done().unwrap();
    assert_eq!(home.files(".spool"), [""; 0]);
}

#[test]
fn what_a_dead_taker_held_comes_before_what_was_deferred_since() {
    let home = Home::new();
    let store = home.store();
    store.defer(&report("a", 1)).unwrap();
    // Dropping the handle frees the lock, as the kernel does for the dead.
    drop(store.take_deferred().unwrap());
    store.defer(&report("a", 2)).unwrap();
    assert_eq!(numbers(&store.deferred().unwrap()), [1, 2]);
    for expected in [1, 2] {
        let taken = home.store().take_deferred().unwrap();
        assert_eq!(numbers(&taken.reports), [expected]);
        taken.done().unwrap();
    }
    assert_eq!(home.files(".spool"), [""; 0]);
}

#[test]
fn a_taker_that_died_between_its_two_steps_loses_and_doubles_nothing() {
    let home = Home::new();
    let store = home.store();
    store.defer(&report("a", 1)).unwrap();
    fs::hard_link(home.beside(".spool"), home.beside(".spool.taken")).unwrap();
    let taken = store.take_deferred().unwrap();
    assert_eq!(numbers(&taken.reports), [1]);
    store.defer(&report("a", 2)).unwrap();
    taken.done().unwrap();
    let taken = store.take_deferred().unwrap();
    assert_eq!(numbers(&taken.reports), [2]);
}

#[test]
fn writers_do_not_wait_for_a_taker_that_is_slow() {
    let home = Home::new();
    let store = home.store();
    store.defer(&report("a", 1)).unwrap();
    let slow = store.take_deferred().unwrap();
    store.defer(&report("a", 2)).unwrap();
    store.defer(&report("a", 3)).unwrap();
    assert_eq!(numbers(&home.store().take_deferred().unwrap().reports), [0; 0], "one taker at a time");
    slow.done().unwrap();
    assert_eq!(numbers(&store.take_deferred().unwrap().reports), [2, 3]);
}

#[test]
fn a_crowd_of_writers_and_takers_neither_loses_nor_doubles_a_report() {
    let home = Home::new();
    let children: Vec<_> = (0..8).map(|_| home.child("defer 200")).collect();
    let take = || {
        let taken = home.store().take_deferred().unwrap();
        assert_eq!(taken.unreadable, 0);
        let count = taken.reports.len();
        taken.done().unwrap();
        count
    };
    let during: usize = thread::scope(|scope| {
        let takers: Vec<_> = (0..2).map(|_| scope.spawn(|| (0..300).map(|_| take()).sum::<usize>())).collect();
        takers.into_iter().map(|taker| taker.join().unwrap()).sum()
    });
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let after = take() + take();
    assert_eq!(during + after, 8 * 200);
}

#[test]
fn a_full_spool_refuses_and_keeps_what_it_has() {
    let home = Home::new();
    let store = home.store();
    store.defer(&report("a", 1)).unwrap();
    append(&home, &b"\n".repeat(8 << 20));
    let error = store.defer(&report("a", 2)).unwrap_err();
    assert_eq!(error.trouble, StoreTrouble::Unreachable);
    assert_eq!(numbers(&store.deferred().unwrap()), [1]);
}

#[test]
fn a_pipe_in_the_place_of_reports_holds_nobody_up() {
    let home = Home::new();
    let store = home.store();
    put(&store, "a", None, &counted(1));
    for suffix in [".spool", ".spool.taken"] {
        mkfifo(&home.beside(suffix), Mode::S_IRWXU).unwrap();
        assert!(store.take_deferred().is_err(), "{suffix}");
        fs::remove_file(home.beside(suffix)).unwrap();
    }
    mkfifo(&home.beside(".spool"), Mode::S_IRWXU).unwrap();
    assert!(store.defer(&report("a", 1)).is_err());
    // Nor does whoever reads it get a report.
    let _reader = OpenOptions::new().read(true).write(true).open(home.beside(".spool")).unwrap();
    let error = store.defer(&report("a", 1)).unwrap_err();
    assert!(error.to_string().contains("no regular file; remove it"), "{error}");
}
