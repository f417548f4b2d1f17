//! Where a store may lie, who may touch it, and places that cannot be used.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use fuseboard::clock::SystemClock;
use fuseboard::store::{Store, StoreError, StoreTrouble};
use fuseboard_stores::SqliteStore;

use crate::home::{Home, counted, name, put};
use crate::spool::report;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// Neither reading nor writing works, and the reason is said.
fn refused(store: &SqliteStore, reason: &str) {
    let told = |error: StoreError| {
        assert_eq!(error.trouble, StoreTrouble::Unreachable, "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    };
    told(store.load(&name("a")).unwrap_err());
    told(store.list().unwrap_err());
    told(store.swap(&name("a"), None, &counted(1), &[]).unwrap_err());
}

#[test]
fn looking_creates_nothing() {
    let home = Home::new();
    let store = home.store();
    assert_eq!(store.load(&name("a")).unwrap().version, None);
    assert_eq!(store.list().unwrap().len(), 0);
    assert_eq!(store.events(None, None).unwrap(), []);
    assert_eq!(store.outcomes(Some(&name("a")), Some(1)).unwrap(), []);
    assert_eq!(store.deferred().unwrap(), []);
    assert_eq!(store.take_deferred().unwrap().reports, []);
    assert_eq!(fs::read_dir(home.outside()).unwrap().count(), 0);
}

#[test]
fn a_store_is_its_owners_alone() {
    let home = Home::new();
    let store = home.store();
    put(&store, "a", None, &counted(1));
    store.defer(&report("a", 1)).unwrap();
    assert_eq!(mode(&home.folder()), 0o700);
    for suffix in ["", "-wal", "-shm", ".lock", ".spool"] {
        assert_eq!(mode(&home.beside(suffix)), 0o600, "state.db{suffix}");
    }
}

#[test]
fn a_path_below_a_file_is_no_absent_store() {
    let home = Home::new();
    fs::write(home.outside().join("state"), "a file").unwrap();
    refused(&home.store(), "state.db cannot be looked at");
    assert!(home.store().defer(&report("a", 1)).is_err());
}

#[test]
fn a_folder_in_the_files_place_is_refused() {
    let home = Home::new();
    fs::create_dir_all(home.path()).unwrap();
    refused(&home.store(), "is no regular file");
}

#[test]
fn a_link_is_not_followed_even_to_a_sound_store_or_to_nothing() {
    for there in [true, false] {
        let home = Home::new();
        let elsewhere = home.outside().join("elsewhere.db");
        if there {
            put(&SqliteStore::new(&elsewhere, Arc::new(SystemClock)), "a", None, &counted(1));
        }
        fs::create_dir(home.folder()).unwrap();
        symlink(&elsewhere, home.path()).unwrap();
        refused(&home.store(), "is a symbolic link");
        assert_eq!(elsewhere.exists(), there);
    }
}

#[test]
fn a_lock_or_spool_that_is_a_link_is_not_followed() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    for suffix in [".lock", ".spool"] {
        symlink(home.outside().join("planted"), home.beside(suffix)).unwrap();
    }
    assert!(home.store().swap(&name("a"), None, &counted(1), &[]).is_err());
    assert!(home.store().defer(&report("a", 1)).is_err());
    assert!(!home.outside().join("planted").exists());
}

#[test]
fn a_file_or_folder_that_everybody_can_change_is_refused() {
    let home = Home::new().with_circuits();
    for path in [home.path(), home.folder()] {
        let sound = mode(&path);
        fs::set_permissions(&path, Permissions::from_mode(sound | 0o002)).unwrap();
        refused(&home.store(), "can be changed by everybody; `chmod o-w ");
        fs::set_permissions(&path, Permissions::from_mode(sound)).unwrap();
    }
    assert!(home.store().load(&name("a")).is_ok());
}

#[test]
fn a_new_store_is_not_begun_where_everybody_can_change_it() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    fs::set_permissions(home.folder(), Permissions::from_mode(0o1777)).unwrap();
    assert!(home.store().swap(&name("a"), None, &counted(1), &[]).is_err());
    assert!(home.store().defer(&report("a", 1)).is_err());
    assert_eq!(home.files(""), [""; 0]);
}

#[test]
fn a_store_of_another_user_is_refused() {
    let home = Home::new().with_circuits();
    for path in [home.path(), home.folder()] {
        if chown(&path, Some(54_321), None).is_err() {
            // Only root can give a file away; for anybody else there is nothing to be shown.
            return;
        }
        refused(&home.store(), "belongs to user 54321 and not to you");
        chown(&path, Some(0), None).unwrap();
    }
}

#[test]
fn a_store_without_a_file_yet_is_begun_in_an_empty_file() {
    // As `mktemp` makes it. No store was ever begun there, so nothing can have been lost.
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    fs::write(home.path(), "").unwrap();
    let store = home.store();
    assert_eq!(store.load(&name("a")).unwrap().version, None);
    put(&store, "a", None, &counted(1));
    assert_eq!(store.load(&name("a")).unwrap().record, counted(1));
    assert_eq!(store.damage(), None);
}

#[test]
fn a_beginning_that_was_cut_short_does_not_disturb_the_next() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    for suffix in [".lock", ".new", ".new-wal"] {
        fs::write(home.beside(suffix), "half of something").unwrap();
    }
    put(&home.store(), "a", None, &counted(1));
    assert_eq!(home.files(".new"), [""; 0]);
}

#[test]
fn a_write_ahead_log_whose_database_is_gone_never_reaches_the_next_one() {
    let home = Home::new();
    put(&home.store(), "old", None, &counted(9));
    let log = fs::read(home.beside("-wal")).unwrap();
    fs::remove_file(home.path()).unwrap();
    let store = home.store();
    put(&store, "new", None, &counted(1));
    assert_eq!(store.list().unwrap().len(), 1);
    let kept = home.files(".corrupt-");
    let kept = kept.iter().find(|name| name.ends_with("-wal")).expect("it is kept under a dated name");
    assert_eq!(fs::read(home.folder().join(kept)).unwrap(), log);
}

/// The act of a child that may write only little: a swap too large for it, then a look.
pub(crate) fn fill(store: &SqliteStore, circuit: &str) {
    let mut record = counted(1);
    for _ in 0..200 {
        let expected = store.load(&name(circuit)).unwrap().version;
        record.totals.success += 1;
        if let Err(error) = store.swap(&name(circuit), expected, &record, &[]) {
            assert!(store.load(&name(circuit)).unwrap().version.is_some(), "reading goes on");
            println!("{:?}: {error}", error.trouble);
            return;
        }
    }
    println!("nothing was too large");
}

#[test]
fn a_full_disk_is_said_and_what_was_stored_stays() {
    let home = Home::new().with_circuits();
    // A limit on file sizes stands for the disk; its signal is ignored, so that the write fails.
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" --exact home::child --ignored --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env("FUSEBOARD_TEST_ACT", "fill a")
        .env("FUSEBOARD_TEST_STORE", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("Unreachable: ") && said.contains("state.db"), "{said}");
    assert!(home.store().load(&name("a")).unwrap().record.totals.success > 0);
    assert_eq!(home.files(".corrupt-"), [""; 0]);
}
