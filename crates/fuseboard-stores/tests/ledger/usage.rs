//! What runs used.

use fuseboard_pipeline::job::ModelUsage;
use fuseboard_pipeline::ledger::{Ledger, StoredUsage};
use fuseboard_pipeline::stamp::Stamp;

use crate::home::{Home, usage};

fn recorded(home: &Home) -> Vec<(String, Option<String>, Option<f64>)> {
    let rows = home.store().usage_since(Stamp::from_millis(0)).unwrap();
    rows.into_iter().map(|row| (row.run, row.usage.model, row.usage.cost_usd)).collect()
}

#[test]
fn usage_comes_back_with_its_time_its_run_and_its_project() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    let full = ModelUsage {
        model: Some("opus".into()),
        input_uncached: Some(1),
        cache_read: Some(2),
        cache_write: Some(0),
        output: Some(u64::MAX / 2),
        cost_usd: Some(0.1 + 0.2),
    };
    store.record_usage("r", &[full.clone(), ModelUsage::default()]).unwrap();
    let first = home.now();
    home.days_pass(1);
    store.record_usage("stray", std::slice::from_ref(&full)).unwrap();

    let row = |at, run: &str, project: Option<&str>, usage: &ModelUsage| StoredUsage {
        at,
        run: run.to_owned(),
        project: project.map(str::to_owned),
        usage: usage.clone(),
    };
    let stray = row(home.now(), "stray", None, &full);
    let all =
        [row(first, "r", Some("app"), &full), row(first, "r", Some("app"), &ModelUsage::default()), stray.clone()];
    assert_eq!(store.usage_since(first).unwrap(), all);
    assert_eq!(store.usage_since(home.now()).unwrap(), [stray]);
}

#[test]
fn recording_again_replaces_and_keeps_the_time() {
    let home = Home::new();
    let store = home.store();
    store.record_usage("r", &[usage("a", 1, 1.0), usage("b", 1, 1.0)]).unwrap();
    store.record_usage("other", &[usage("a", 1, 3.0)]).unwrap();
    let first = home.now();
    home.days_pass(2);
    store.record_usage("r", &[usage("c", 1, 2.0)]).unwrap();
    let expected = [("other", "a", 3.0), ("r", "c", 2.0)];
    let expected = expected.map(|(run, model, cost)| (run.to_owned(), Some(model.to_owned()), Some(cost)));
    assert_eq!(recorded(&home), expected);
    let rows = store.usage_since(first).unwrap();
    assert!(rows.iter().all(|row| row.at == first), "an old run costs nothing today");
    store.record_usage("r", &[]).unwrap();
    assert_eq!(recorded(&home), expected[..1]);
}

#[test]
fn what_is_no_amount_is_unmeasured() {
    let home = Home::new();
    let odd = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.5].map(|cost| usage("a", u64::MAX, cost));
    home.store().record_usage("r", &odd).unwrap();
    let rows = home.store().usage_since(Stamp::from_millis(0)).unwrap();
    assert!(rows.iter().all(|row| row.usage.cost_usd.is_none() && row.usage.output.is_none()), "{rows:?}");
    assert_eq!(rows.len(), 4);
}

#[test]
fn usage_older_than_400_days_goes_and_younger_stays_without_its_run() {
    let home = Home::new();
    let store = home.store();
    let record = |prefix: &str| {
        for number in 0..64 {
            store.record_usage(&format!("{prefix}{number}"), &[usage("a", 1, 1.0)]).unwrap();
        }
    };
    record("old");
    home.days_pass(399);
    record("young");
    assert_eq!(recorded(&home).len(), 128);
    home.days_pass(2);
    record("new");
    assert_eq!(recorded(&home).len(), 128);
    assert!(recorded(&home)[0].0.starts_with("young"));
}

#[test]
fn rows_from_the_future_cannot_fill_the_file() {
    let home = Home::new();
    let store = home.store();
    store.record_usage("r", &[usage("a", 1, 1.0)]).unwrap();
    home.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
         INSERT INTO usage (at, run) SELECT 9e15, 'future' || i FROM n;
         INSERT INTO usage (id, at, run) VALUES (640063, 0, 'late')",
    );
    store.record_usage("next", &[usage("a", 1, 1.0)]).unwrap();
    assert!(home.number("SELECT count(*) FROM usage") < 10);
}
