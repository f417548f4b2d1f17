//! The SQLite store keeps the contract of stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fuseboard::clock::SystemClock;
use fuseboard::store::contract;
use fuseboard_stores::SqliteStore;

#[test]
fn the_sqlite_store_keeps_the_contract() {
    let home = tempfile::tempdir().unwrap();
    let number = AtomicU32::new(0);
    contract::check(|| {
        let path = home.path().join(format!("{}/state.db", number.fetch_add(1, Ordering::Relaxed)));
        Box::new(SqliteStore::new(path, Arc::new(SystemClock)))
    });
}

#[test]
fn sqlite_is_of_a_version_whose_write_ahead_log_is_sound() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}
