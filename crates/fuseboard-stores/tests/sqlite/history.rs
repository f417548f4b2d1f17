//! Events and outcomes: stored with their record or not at all, read oldest first, pruned.

use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard::clock::{Clock, Moment};
use fuseboard::event::{Event, EventKind, OutcomeRow, Row};
use fuseboard::store::{Store, Swap};
use fuseboard_stores::{StoredEvent, StoredOutcome};

use crate::home::{Home, counted, name, put, put_with};

/// Midnight of 2026-01-01 UTC, where the fake clock starts, in Unix milliseconds.
const START: i64 = 1_767_225_600_000;

fn event(circuit: &str, at: Moment, kind: EventKind) -> Row {
    Row::Event(Event {
        at,
        circuit: Some(name(circuit)),
        kind,
        cause: None,
        failures: None,
        sample: None,
        probe_at: None,
        by: None,
        run: None,
    })
}

pub(crate) fn outcome(circuit: &str, at: Moment, millis: u64) -> Row {
    Row::Outcome(OutcomeRow {
        at,
        circuit: name(circuit),
        outcome: "success",
        failure: None,
        duration: Duration::from_millis(millis),
        run: None,
    })
}

#[test]
fn rows_come_back_whole_with_the_wall_time_of_their_moments() {
    let home = Home::new();
    let store = home.store();
    let now = home.clock.now();
    let full = Event {
        at: now,
        circuit: Some(name("app/a")),
        kind: EventKind::Opened,
        cause: Some("exit code 1".into()),
        failures: Some(2),
        sample: None,
        probe_at: Some(now.after(Duration::from_mins(5))),
        by: Some("ana".into()),
        run: Some("0198".into()),
    };
    let of_the_store = Event { circuit: None, kind: EventKind::StoreDegraded, ..full.clone() };
    let failed = OutcomeRow {
        at: now.after(Duration::from_secs(1)),
        circuit: name("app/a"),
        outcome: "failure",
        failure: Some(FailureKind::Timeout),
        duration: Duration::from_millis(1234),
        run: Some("0198".into()),
    };
    put_with(&store, "app/a", None, &counted(1), &[Row::Event(full), Row::Event(of_the_store), Row::Outcome(failed)]);

    let opened = StoredEvent {
        at_ms: START,
        circuit: Some("app/a".into()),
        event: "opened".into(),
        cause: Some("exit code 1".into()),
        failures: Some(2),
        probe_at_ms: Some(START + 300_000),
        by: Some("ana".into()),
        run: Some("0198".into()),
    };
    let degraded = StoredEvent { circuit: None, event: "store-degraded".into(), ..opened.clone() };
    assert_eq!(store.events(None, None).unwrap(), [opened.clone(), degraded]);
    assert_eq!(store.events(Some(&name("app/a")), None).unwrap(), [opened]);
    assert_eq!(
        store.outcomes(None, None).unwrap(),
        [StoredOutcome {
            at_ms: START + 1000,
            circuit: "app/a".into(),
            outcome: "failure".into(),
            failure: Some("timeout".into()),
            duration_ms: 1234,
            run: Some("0198".into()),
        }]
    );
}

#[test]
fn a_swap_that_conflicts_leaves_no_row() {
    let home = Home::new();
    let store = home.store();
    let rows = [event("a", home.clock.now(), EventKind::Opened), outcome("a", home.clock.now(), 1)];
    put(&store, "a", None, &counted(1));
    assert!(matches!(store.swap(&name("a"), None, &counted(2), &rows), Ok(Swap::Conflict(_))));
    assert_eq!((store.events(None, None).unwrap().len(), store.outcomes(None, None).unwrap().len()), (0, 0));
}

#[test]
fn the_newest_rows_are_read_oldest_first_whatever_the_wall_clock_did() {
    let home = Home::new();
    let store = home.store();
    let mut version = None;
    for number in 0..6 {
        let circuit = if number % 2 == 0 { "even" } else { "odd" };
        home.clock.set_wall(home.clock.wall() - Duration::from_hours(1));
        version = Some(put_with(&store, "x", version, &counted(1), &[outcome(circuit, home.clock.now(), number)]));
    }
    let durations = |circuit: Option<&str>, limit| {
        let circuit = circuit.map(name);
        let rows = store.outcomes(circuit.as_ref(), limit).unwrap();
        rows.into_iter().map(|row| row.duration_ms).collect::<Vec<_>>()
    };
    assert_eq!(durations(None, None), [0, 1, 2, 3, 4, 5]);
    assert_eq!(durations(None, Some(2)), [4, 5]);
    assert_eq!(durations(Some("odd"), None), [1, 3, 5]);
    assert_eq!(durations(Some("odd"), Some(2)), [3, 5]);
    assert_eq!(durations(Some("odd"), Some(0)), [0; 0]);
    assert_eq!(durations(Some("none"), Some(9)), [0; 0]);
}

#[test]
fn rows_older_than_90_days_go_while_others_are_written() {
    let home = Home::new();
    let store = home.store();
    let mut version = None;
    let mut write = |times: usize| {
        let now = home.clock.now();
        let rows = [outcome("a", now, 0), event("a", now, EventKind::Opened)];
        for _ in 0..times {
            version = Some(put_with(&store, "a", version, &counted(1), &rows));
        }
    };
    write(300);
    home.clock.advance(Duration::from_hours(24 * 90 + 1));
    write(200);
    assert_eq!(store.outcomes(None, None).unwrap().len(), 200);
    assert_eq!(store.events(None, None).unwrap().len(), 200);
}

#[test]
fn of_one_circuit_the_newest_10_000_outcomes_are_kept() {
    let home = Home::new();
    let store = home.store();
    let mut version = put_with(&store, "a", None, &counted(1), &[outcome("b", home.clock.now(), 0)]);
    home.sql(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10100)
         INSERT INTO outcomes (at, circuit, outcome, duration_ms) SELECT {START}, 'a', 'success', i FROM n"
    ));
    assert_eq!(store.outcomes(Some(&name("a")), None).unwrap().len(), 10_000, "no more are read than are kept");
    for _ in 0..64 {
        version = put_with(&store, "a", Some(version), &counted(1), &[outcome("a", home.clock.now(), 77)]);
    }
    let stored = home.number("SELECT count(*) FROM outcomes WHERE circuit = 'a'");
    assert!((10_000..10_064).contains(&stored), "{stored}");
    assert_eq!(store.outcomes(Some(&name("a")), None).unwrap().last().unwrap().duration_ms, 77);
    assert_eq!(store.outcomes(Some(&name("b")), None).unwrap().len(), 1, "another circuit's rows stay");
}

#[test]
fn rows_from_the_future_cannot_fill_the_file() {
    let home = Home::new();
    let store = home.store();
    let version = put_with(&store, "a", None, &counted(1), &[outcome("a", home.clock.now(), 0)]);
    home.sql(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO outcomes (at, circuit, outcome, duration_ms) SELECT {START} * 2, 'b', 'success', i FROM n;
         INSERT INTO outcomes (id, at, circuit, outcome, duration_ms) VALUES (640063, {START}, 'c', 'success', 1)"
    ));
    put_with(&store, "a", Some(version), &counted(1), &[outcome("a", home.clock.now(), 0)]);
    assert!(home.number("SELECT count(*) FROM outcomes") < 60);
}

#[test]
fn a_damaged_row_of_the_history_hides_no_other() {
    let home = Home::new();
    let store = home.store();
    let rows = [1, 2, 3].map(|number| outcome("a", home.clock.now(), number));
    put_with(&store, "a", None, &counted(1), &rows);
    home.sql("UPDATE outcomes SET outcome = X'ff' WHERE duration_ms = 2");
    let left: Vec<_> = store.outcomes(None, None).unwrap().into_iter().map(|row| row.duration_ms).collect();
    assert_eq!(left, [1, 3]);
}
