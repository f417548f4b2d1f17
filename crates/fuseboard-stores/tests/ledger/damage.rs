//! Rows that hold something else than the ledger wrote.

use fuseboard_pipeline::ledger::Ledger;
use fuseboard_pipeline::stamp::Stamp;

use crate::home::{Home, gate, recorder, usage};

fn with_two_runs() -> Home {
    let home = Home::new();
    for id in ["good", "bad"] {
        home.write(id, &[recorder("cost"), gate("tests")]);
    }
    home
}

#[test]
fn a_damaged_run_is_an_error_that_names_it_and_stops_no_other() {
    const BAD: &str = "(SELECT number FROM runs WHERE id = 'bad')";
    let of_runs = [
        "project = X'ff'",
        "project = printf('%.*c', 2000, 'x')",
        "started_at = 'yesterday'",
        "holder = 'dear diary'",
        "holder = '{}'",
        "ended_at = 1.5",
        "ended_at = NULL",
        "interrupted_at = 'never'",
        "job = NULL",
        "job = ''",
        "job = X'ff'",
        "job = '[]'",
        "job = printf('%.*c', 300000, '[')",
        "job = printf('%.*c', 200000, '[')",
        "job = zeroblob(5000000)",
        r#"job = '{"schema": "fuseboard.job/2"}'"#,
        "report = NULL",
        "report = '{}'",
        "report = replace(report, 'fuseboard.run/1', 'fuseboard.run/2')",
        "report = replace(report, '\"blocked\"', '\"fine\"')",
    ];
    let of_steps = [
        "row = ''",
        "row = 7",
        "row = X'ff00'",
        "row = replace(row, '\"success\"', '\"green\"')",
        "row = zeroblob(5000000)",
        "name = name || '2'",
        "name = zeroblob(5000000 + id)",
        "place = 'first'",
        "output = 'dear diary'",
        "output = X'ff'",
        "output = printf('%.*c', 70000, '7')",
    ];
    let runs = of_runs.map(|damage| format!("UPDATE runs SET {damage} WHERE id = 'bad'"));
    let steps = of_steps.map(|damage| format!("UPDATE steps SET {damage} WHERE run = {BAD}"));
    for damage in runs.into_iter().chain(steps) {
        let home = with_two_runs();
        home.sql(&damage);
        let store = home.store();
        let listed = store.runs(9).unwrap();
        assert_eq!(listed.whole.iter().map(|run| run.head.id.as_str()).collect::<Vec<_>>(), ["good"], "{damage}");
        assert_eq!((listed.damaged.len(), listed.damaged[0].run.as_str()), (1, "bad"), "{damage}");
        for error in [store.run("bad").unwrap_err(), listed.damaged[0].error.clone()] {
            assert!(error.to_string().starts_with("run bad cannot be read: "), "{damage}: {error}");
            assert!(error.to_string().len() < 400, "{damage}: {error}");
        }
        assert!(store.run("good").unwrap().is_some(), "{damage}");
        assert_eq!(store.damage(), None, "{damage}");
        home.write("next", &[recorder("cost")]);
    }
}

#[test]
fn an_endless_number_of_steps_is_not_read() {
    let home = with_two_runs();
    home.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
         INSERT INTO steps (run, name, at, row)
         SELECT run, 'copy' || i, at, replace(row, '\"cost\"', '\"copy' || i || '\"')
         FROM steps, n WHERE name = 'cost' AND run = 2",
    );
    let error = home.store().run("bad").unwrap_err().to_string();
    assert!(error.contains("run bad cannot be read: it has more than 256 steps"), "{error}");
}

#[test]
fn an_id_that_would_act_on_a_terminal_does_not_reach_it() {
    let home = with_two_runs();
    home.sql("UPDATE runs SET id = 'bad' || char(27) || '[2J', job = '' WHERE id = 'bad'");
    let error = home.store().runs(9).unwrap().damaged[0].to_string();
    assert!(error.contains(r"bad\u{1b}[2J") && !error.contains('\u{1b}'), "{error}");
    home.sql("UPDATE runs SET id = zeroblob(5000000), job = '' WHERE id LIKE 'bad%'");
    let error = home.store().runs(9).unwrap().damaged[0].to_string();
    assert!(error.starts_with("run number 2 cannot be read"), "{error}");
    assert_eq!(home.store().damage(), None);
}

#[test]
fn a_damaged_beginning_is_named_and_can_still_be_marked() {
    let home = Home::new();
    let store = home.store();
    for id in ["a", "b"] {
        store.begin(&home.head(id)).unwrap();
    }
    home.sql("UPDATE runs SET holder = 'dear diary' WHERE id = 'a'");
    let unfinished = store.unfinished().unwrap();
    assert_eq!((unfinished.whole, unfinished.damaged.len()), (vec![home.head("b")], 1));
    let damaged = &unfinished.damaged[0];
    assert!(damaged.to_string().starts_with("run a cannot be read: its holder"), "{damaged}");
    store.interrupted(&damaged.run, home.now()).unwrap();
    assert_eq!(store.unfinished().unwrap(), vec![home.head("b")].into());
}

#[test]
fn usage_of_a_run_without_a_name_is_an_error_that_names_its_row() {
    for run in ["X'ff'", "zeroblob(5000000)", "printf('%.*c', 200, 'x')"] {
        let home = Home::new();
        home.store().record_usage("bad", &[usage("opus", 1, 0.5)]).unwrap();
        home.sql(&format!("UPDATE usage SET run = {run}"));
        let error = home.store().usage_since(Stamp::from_millis(0)).unwrap_err().to_string();
        assert!(error.starts_with("run of row 1 of the usage cannot be read: its run "), "{run}: {error}");
    }
}

#[test]
fn damaged_usage_is_an_error_that_names_its_run_until_it_is_recorded_anew() {
    for damage in [
        "output = -1",
        "output = 'many'",
        "cost_usd = -0.5",
        "cost_usd = 9e999",
        "cost_usd = 'much'",
        "model = X'ff'",
        "model = printf('%.*c', 2000, 'x')",
        "project = 7 || X'ff'",
        "at = 'later'",
    ] {
        let home = Home::new();
        let store = home.store();
        store.record_usage("bad", &[usage("opus", 1, 0.5)]).unwrap();
        store.record_usage("good", &[usage("opus", 1, 0.5)]).unwrap();
        home.sql(&format!("UPDATE usage SET {damage} WHERE run = 'bad'"));
        let error = store.usage_since(Stamp::from_millis(0)).unwrap_err().to_string();
        assert!(error.starts_with("run bad cannot be read: "), "{damage}: {error}");
        store.record_usage("bad", &[usage("opus", 1, 0.5)]).unwrap();
        assert_eq!(store.usage_since(Stamp::from_millis(0)).unwrap().len(), 2, "{damage}");
    }
}
