//! How much a store keeps, and what it costs to come and go.

use std::fs;
use std::time::Duration;

use fuseboard::record::{Position, Record, Switch};
use fuseboard::store::{Store, StoreTrouble};

use crate::history::outcome;
use crate::home::{Home, counted, name, open_record, put, put_with};

/// A store that is full of copies of circuit `seed`.
fn full(seed: &Record) -> Home {
    let home = Home::new();
    let store = home.store();
    put(&store, "seed", None, seed);
    home.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
         INSERT INTO circuits SELECT 'copy' || i, version, record, idle, boot, written_boot, written_wall + i
         FROM circuits, n WHERE name = 'seed'",
    );
    home
}

#[test]
fn in_a_full_store_the_longest_idle_closed_circuit_makes_room() {
    let home = full(&counted(0));
    let store = home.store();
    home.clock.advance(Duration::from_hours(1));
    let switch = Switch {
        position: Position::Off,
        by: "ana".into(),
        reason: "test".into(),
        since: store.load(&name("seed")).unwrap().now,
        until: None,
        skips: 0,
    };
    // The two that were left alone longest are no candidates.
    let seed = store.load(&name("seed")).unwrap().version;
    put(&store, "seed", seed, &Record { switch: Some(switch), ..Record::default() });
    let first = store.load(&name("copy1")).unwrap().version;
    put(&store, "copy1", first, &open_record(&store, None));
    home.sql("UPDATE circuits SET written_wall = 0 WHERE name IN ('seed', 'copy1')");

    put(&store, "new", None, &counted(1));
    assert_eq!(store.load(&name("new")).unwrap().record, counted(1));
    assert_eq!(store.load(&name("copy2")).unwrap().version, None);
    for kept in ["seed", "copy1", "copy3"] {
        assert!(store.load(&name(kept)).unwrap().version.is_some(), "{kept}");
    }
    assert_eq!(home.number("SELECT count(*) FROM circuits"), 10_000);
}

#[test]
fn a_store_full_of_open_circuits_takes_no_new_one_and_says_what_to_do() {
    let seed = open_record(&Home::new().store(), None);
    let home = full(&seed);
    let store = home.store();
    let rows = [outcome("new", store.load(&name("seed")).unwrap().now, 1)];
    let error = store.swap(&name("new"), None, &counted(1), &rows).unwrap_err();
    assert_eq!(error.trouble, StoreTrouble::Unreachable);
    assert!(error.to_string().contains("fuseboard reset"), "{error}");
    assert_eq!(home.number("SELECT count(*) FROM circuits"), 10_000);
    assert_eq!(store.outcomes(None, None).unwrap(), []);
    // Those that are there go on.
    let version = store.load(&name("copy5")).unwrap().version;
    put(&store, "copy5", version, &counted(3));
}

#[test]
fn a_circuit_that_was_dropped_and_comes_back_has_other_versions() {
    let home = Home::new();
    let store = home.store();
    let before = put(&store, "a", None, &counted(0));
    home.sql("DELETE FROM circuits");
    let after = put(&store, "a", None, &counted(0));
    assert_ne!(before, after);
}

#[test]
fn closing_leaves_the_write_ahead_log_to_a_later_call() {
    let home = Home::new();
    put(&home.store(), "a", None, &counted(1));
    assert!(fs::metadata(home.beside("-wal")).unwrap().len() > 0);
}

#[test]
fn the_write_ahead_log_stays_small_in_one_process_and_over_many() {
    let home = Home::new();
    let length = || fs::metadata(home.beside("-wal")).unwrap().len();
    let now = fuseboard::clock::Clock::now(&home.clock);
    let long_lived = home.store();
    let mut version = None;
    let mut longest = 0;
    for number in 0..1400 {
        // Each of the later handles is the only one for as long as it lives, as in a one-shot process.
        let one_shot = (number >= 1000).then(|| home.store());
        let store = one_shot.as_ref().unwrap_or(&long_lived);
        version = Some(put_with(store, "a", version, &counted(1), &[outcome("a", now, number)]));
        longest = longest.max(length());
        if number == 999 {
            assert!((3 << 18..5 << 18).contains(&longest), "{longest}");
            assert!(length() < longest, "it was emptied");
        }
    }
    assert!(longest < 5 << 18, "{longest}");
}
