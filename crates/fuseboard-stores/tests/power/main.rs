//! Loss of power at every moment: what an operator was told is there afterwards, and nothing is torn.

mod disk;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use disk::{Disk, Image, Unsynced, after_loss_of_power};
use fuseboard::clock::SystemClock;
use fuseboard::record::Position;
use fuseboard::{Board, CircuitName};
use fuseboard_stores::SqliteStore;

/// Enough for the write-ahead log to be brought into the database several times.
const ACTS: usize = 120;
/// Ordinary writes before each act.
const WRITES: usize = 5;

fn name(text: &str) -> CircuitName {
    text.parse().unwrap()
}

fn board(path: &Path) -> (Arc<SqliteStore>, Board) {
    let store = Arc::new(SqliteStore::new(path, Arc::new(SystemClock)));
    (store.clone(), Board::builder().shared_store(store).build())
}

/// How many acts, and how many ordinary failures, the store knows.
fn known(path: &Path) -> (usize, u64) {
    let (store, board) = board(path);
    let view = |circuit: &str| board.view(&name(circuit)).unwrap();
    let acts = view("switched").and_then(|view| view.switch).map_or(0, |switch| switch.reason.parse().unwrap());
    let failures = view("work").map_or(0, |view| view.totals.failure);
    assert_eq!(store.damage(), None);
    (acts, failures)
}

fn put(image: &Image, folder: &Path) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir(folder).unwrap();
    // The index of the log is in memory, and gone.
    for (name, content) in image.iter().filter(|(name, _)| !name.ends_with("-shm")) {
        fs::write(folder.join(name), content).unwrap();
    }
}

#[test]
fn what_an_operator_was_told_outlives_a_loss_of_power_at_any_moment() {
    let home = tempfile::tempdir().unwrap();
    let top = home.path().canonicalize().unwrap();
    let (folder, image_folder) = (top.join("state"), top.join("image"));
    let path = folder.join("state.db");
    let (store, first) = board(&path);
    first.operator("ann").switch(&name("switched"), Position::Off, "0", None).unwrap();
    store.disconnect();
    rusqlite::Connection::open(&path).unwrap().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();

    let disk = Disk::of(&folder);
    // The acts that were acknowledged, and the failures before them, when so much had been done.
    let mut told = vec![(0, 0, 0)];
    let circuit = first.circuit_with(&name("work"), patient()).unwrap();
    let mut failures = 0;
    for act in 1..=ACTS {
        for _ in 0..WRITES {
            circuit.permit().unwrap().failure(&format!("{act} {}", "x".repeat(400)));
            failures += 1;
        }
        first.operator("ann").switch(&name("switched"), Position::Off, &act.to_string(), None).unwrap();
        told.push((Disk::deeds(), act, failures));
    }
    drop((circuit, first, store));
    let (before, deeds) = disk.end();
    let truncations = deeds.iter().filter(|(_, deed)| matches!(deed, disk::Deed::Truncate { length: 0 })).count();
    assert!(truncations >= 2, "the log was never emptied: {truncations} of {} deeds", deeds.len());

    // Each moment in the long form; else one of twelve, and those around the emptying of the log.
    let is_long = std::env::var_os("FUSEBOARD_KILLS").is_some();
    let is_truncation = |deed: &disk::Recorded| matches!(deed.1, disk::Deed::Truncate { .. });
    let is_near =
        |moment: usize| deeds[moment.saturating_sub(4)..deeds.len().min(moment + 3)].iter().any(is_truncation);
    for moment in (0..=deeds.len()).filter(|moment| is_long || moment % 12 == 0 || is_near(*moment)) {
        let (_, acts, before_them) = told.iter().rfind(|(then, ..)| *then <= moment).unwrap();
        for unsynced in [Unsynced::Lost, Unsynced::Kept, Unsynced::Either(moment as u64 * 7919 + 13)] {
            put(&after_loss_of_power(&before, &deeds[..moment], unsynced), &image_folder);
            let (known_acts, known_failures) = known(&image_folder.join("state.db"));
            let at = format!("{moment} of {} deeds, {unsynced:?}", deeds.len());
            assert!(known_acts >= *acts && known_acts <= acts + 1, "{at}: act {known_acts} after {acts} were told");
            assert!(known_failures >= *before_them, "{at}: {known_failures} of {before_them} failures before that act");
        }
    }
    assert_eq!(known(&path), (ACTS, failures));
}

/// A policy under which the ordinary failures open nothing.
fn patient() -> fuseboard::Policy {
    fuseboard::Policy::builder().trip_after(1_000_000).build().unwrap()
}

#[test]
fn what_is_not_synced_is_lost_kept_or_torn_by_sectors() {
    use disk::Deed::{Sync, Truncate, Write};
    let write = |at, byte| ("f".to_owned(), Write { at, bytes: vec![byte; 1024] });
    let before = Image::from([("f".to_owned(), vec![0; 1024])]);
    let deeds = [write(0, 1), ("f".to_owned(), Sync), write(0, 2), ("f".to_owned(), Truncate { length: 512 })];
    let after = |upto: usize, unsynced| after_loss_of_power(&before, &deeds[..upto], unsynced)["f"].clone();
    assert_eq!(after(1, Unsynced::Lost), [0; 1024]);
    assert_eq!(after(2, Unsynced::Lost), [1; 1024]);
    assert_eq!(after(3, Unsynced::Lost), [1; 1024]);
    assert_eq!(after(3, Unsynced::Kept), [2; 1024]);
    assert_eq!(after(4, Unsynced::Kept), [2; 512]);
    let torn = (0..64).map(|seed| after(3, Unsynced::Either(seed))).any(|file| file[0] != file[1023]);
    assert!(torn);
}
