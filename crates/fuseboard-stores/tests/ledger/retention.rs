//! What the ledger forgets, and what it does not.

use fuseboard_pipeline::ledger::Ledger;
use fuseboard_pipeline::report::StepRow;

use crate::home::{Home, gate, recorder};

#[test]
fn the_output_of_steps_goes_after_14_days_and_nothing_else_of_them() {
    let home = Home::new();
    let store = home.store();
    home.write("old", &[recorder("cost"), gate("tests")]);
    home.days_pass(13);
    home.write("young", &[recorder("cost")]);
    assert_eq!(store.run("old").unwrap().unwrap().steps[0], recorder("cost"));
    home.days_pass(2);
    home.write("new", &[]);
    let kept = [StepRow { output: None, ..recorder("cost") }, gate("tests")];
    let old = store.run("old").unwrap().unwrap();
    assert_eq!(old.steps, kept);
    assert_eq!(old.report.unwrap().steps, kept);
    assert_eq!(store.run("young").unwrap().unwrap().steps, [recorder("cost")]);
}

#[test]
fn runs_go_with_their_steps_after_400_days() {
    let home = Home::new();
    for number in 0..20 {
        home.write(&format!("old{number}"), &[recorder("cost")]);
    }
    home.days_pass(399);
    home.write("young", &[recorder("cost")]);
    assert_eq!(home.number("SELECT count(*) FROM runs"), 21);
    home.days_pass(2);
    home.write("new1", &[recorder("cost")]);
    home.write("new2", &[recorder("cost")]);
    let ids: Vec<_> = home.store().runs(9).unwrap().whole.into_iter().map(|run| run.head.id).collect();
    assert_eq!(ids, ["young", "new1", "new2"]);
    assert_eq!(home.number("SELECT count(*) FROM steps"), 3);
}

#[test]
fn runs_that_are_killed_for_ever_are_forgotten_too() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("old")).unwrap();
    home.days_pass(401);
    store.begin(&home.head("new")).unwrap();
    store.interrupted("new", home.now()).unwrap();
    assert_eq!(store.run("old").unwrap(), None);
}

#[test]
fn of_very_many_runs_the_newest_50_000_stay_whatever_their_dates() {
    let home = Home::new();
    home.write("first", &[recorder("cost")]);
    home.sql(
        "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 50003)
         INSERT INTO runs (number, id, project, started_at, holder) SELECT i, 'r' || i, 'app', 9e15, '{}' FROM n;
         UPDATE runs SET started_at = 9e15",
    );
    home.write("last", &[]);
    assert_eq!(home.number("SELECT count(*) FROM runs"), 50_000);
    assert_eq!(home.number("SELECT min(number) FROM runs"), 5);
    assert_eq!(home.number("SELECT count(*) FROM steps"), 0);
}
