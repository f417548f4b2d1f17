//! Runs that never told their end.

use fuseboard_pipeline::ledger::{Ledger, Rows};
use fuseboard_pipeline::report::{Kind, Status, StepRow, VerdictWord};

use crate::home::{Home, gate, recorder, report, step};

#[test]
fn runs_without_an_end_are_unfinished_oldest_first() {
    let home = Home::new();
    let store = home.store();
    for id in ["z", "m", "a"] {
        store.begin(&home.head(id)).unwrap();
    }
    home.write("done", &[]);
    assert_eq!(store.unfinished().unwrap().whole, ["z", "m", "a"].map(|id| home.head(id)));
    store.interrupted("m", home.now()).unwrap();
    assert_eq!(store.unfinished().unwrap().whole, ["z", "a"].map(|id| home.head(id)));
}

#[test]
fn what_was_running_is_interrupted_and_a_gate_that_was_blocks() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    let half = StepRow { verdict: Some(VerdictWord::Pass), ..step("lint", Kind::Gate, Status::Running) };
    for row in [recorder("cost"), half, gate("tests"), step("merge", Kind::Action, Status::Running)] {
        store.step("r", &row).unwrap();
    }
    store.interrupted("r", home.now()).unwrap();

    let run = store.run("r").unwrap().unwrap();
    assert!(run.was_interrupted && run.ended_at.is_none() && run.report.is_none());
    let lint = StepRow {
        evaluated: Some(false),
        verdict: Some(VerdictWord::Block),
        why: Some("no verdict: interrupted".into()),
        ..step("lint", Kind::Gate, Status::Interrupted)
    };
    let merge = step("merge", Kind::Action, Status::Interrupted);
    assert_eq!(run.steps, [recorder("cost"), lint, gate("tests"), merge]);
}

#[test]
fn the_first_mark_of_an_interrupted_run_stays() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    let first = home.now();
    store.interrupted("r", first).unwrap();
    home.days_pass(1);
    store.interrupted("r", home.now()).unwrap();
    assert_eq!(home.number("SELECT interrupted_at FROM runs"), first.millis());
}

#[test]
fn a_run_believed_dead_that_tells_its_end_was_not_interrupted() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    store.step("r", &step("tests", Kind::Gate, Status::Running)).unwrap();
    store.interrupted("r", home.now()).unwrap();
    let report = report("r", home.now(), &[gate("tests")]);
    store.end("r", &report).unwrap();
    let run = store.run("r").unwrap().unwrap();
    assert_eq!((run.was_interrupted, run.report, run.steps), (false, Some(report), vec![gate("tests")]));
}

#[test]
fn a_damaged_step_does_not_keep_its_run_unfinished() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    for name in ["a", "b"] {
        store.step("r", &step(name, Kind::Action, Status::Running)).unwrap();
    }
    home.sql("UPDATE steps SET row = 'dear diary' WHERE name = 'a'");
    store.interrupted("r", home.now()).unwrap();
    assert_eq!(store.unfinished().unwrap(), Rows::default());
    assert_eq!(home.number("SELECT count(*) FROM steps WHERE row LIKE '%\"interrupted\"%'"), 1);
}
