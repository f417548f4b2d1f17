//! Processes that are killed in the middle of everything.

use std::io::Write;
use std::time::Duration;

use fuseboard::clock::Moment;
use fuseboard::store::Store;
use fuseboard_stores::SqliteStore;

use crate::history::outcome;
use crate::home::{Home, count_up, failures, name};

/// The act of a child that counts for ever, with one outcome row for each count, and tells each count that was
/// acknowledged.
pub(crate) fn hammer(store: &SqliteStore, circuit: &str) {
    loop {
        let count = count_up(store, circuit, |count| vec![outcome(circuit, Moment(0), count.into())]);
        // A line in one call, so that the reader never sees half of one.
        std::io::stdout().write_all(format!("count {count}\n").as_bytes()).unwrap();
    }
}

/// How many processes are killed in each store.
const KILLS: u64 = 50;

/// `FUSEBOARD_KILLS` kills in all, in stores of their own: of one circuit no more than 10 000 outcomes are kept.
#[test]
fn kills_tear_nothing_and_lose_nothing_that_was_acknowledged() {
    let kills = std::env::var("FUSEBOARD_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    for _ in 0..kills.div_ceil(KILLS) {
        survives_kills();
    }
}

fn survives_kills() {
    let home = Home::new();
    let (mut stored, mut round) = (0, 0);
    // On a busy machine the first children hardly get to work; later ones are left more time.
    while round < KILLS || stored <= 50 {
        assert!(round < 500, "the children hardly got to work: {stored}");
        let mut child = home.child("hammer a");
        // The kill shall fall anywhere: into the beginning of the file, a transaction, a checkpoint.
        std::thread::sleep(Duration::from_micros(3_000 + round * 700));
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let acknowledged = said.lines().filter_map(|line| line.split("count ").nth(1)).next_back();
        let acknowledged: u32 = acknowledged.map_or(0, |count| count.parse().unwrap());

        stored = failures(&home.store().load(&name("a")).unwrap().record);
        assert!(stored >= acknowledged, "round {round}: {acknowledged} was acknowledged, {stored} is there");
        if home.path().exists() {
            let sound: String = home.raw().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok", "round {round}");
            assert_eq!(
                home.number("SELECT count(*) FROM outcomes"),
                i64::from(stored),
                "record and rows, round {round}"
            );
        }
        round += 1;
    }
    assert_eq!(home.files(".corrupt-"), [""; 0]);
}
