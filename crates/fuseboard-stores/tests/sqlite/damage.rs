//! Files and records that are no store, or no longer: noticed, said, set aside, never taken for an empty one.

use std::fs;
use std::time::Duration;

use fuseboard::store::{Store, StoreTrouble, Swap};

use proptest::prelude::*;

use crate::home::{Home, counted, name, put};

type Damage = (&'static str, fn(&mut Vec<u8>));

const DAMAGES: &[Damage] = &[
    ("its header is zeroes", |bytes| bytes[..100].fill(0)),
    ("its header is garbage", |bytes| bytes[..100].fill(0xa5)),
    ("one page is garbage", |bytes| bytes[4096..8192].fill(0x5a)),
    ("it is cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
    ("it is cut within the header", |bytes| bytes.truncate(50)),
    ("it is cut to nothing", Vec::clear),
    ("it is a text", |bytes| *bytes = b"dear diary\n".repeat(1000)),
    ("its tables are missing", |bytes| {
        while let Some(at) = bytes.windows(8).position(|text| text == b"circuits") {
            bytes[at] = b'x';
        }
    }),
];

#[test]
fn a_damaged_file_is_set_aside_and_the_next_call_begins_anew() {
    for (what, damage) in DAMAGES {
        let home = Home::new().with_circuits();
        let mut bytes = fs::read(home.path()).unwrap();
        damage(&mut bytes);
        fs::write(home.path(), &bytes).unwrap();

        let store = home.store();
        let error = store.list().unwrap_err();
        assert_eq!(error.trouble, StoreTrouble::Corrupt, "{what}: {error}");
        let aside = home.beside(".corrupt-20260101T000000Z");
        assert!(error.to_string().contains(aside.to_str().unwrap()), "{what}: {error}");
        assert_eq!(fs::read(aside).unwrap(), bytes, "{what}");
        assert_eq!(store.damage(), Some(error.to_string().as_str()), "{what}");

        assert_eq!(store.load(&name("a")).unwrap().version, None, "{what}");
        put(&store, "a", None, &counted(5));
        let later = home.store();
        assert_eq!(later.load(&name("a")).unwrap().record, counted(5), "{what}");
        assert_eq!(later.damage(), None, "{what}: said once");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn whatever_the_file_holds_nothing_panics_and_the_store_works_again_in_the_end(
        wounds in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
    ) {
        let home = Home::new().with_circuits();
        let mut bytes = fs::read(home.path()).unwrap();
        for (at, byte) in wounds {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(home.path(), &bytes).unwrap();
        let store = home.store();
        let _ = (store.list(), store.events(None, None), store.outcomes(Some(&name("a")), None));
        let works = (0..4).map(|_| store.swap(&name("a"), None, &counted(1), &[])).any(|swap| swap.is_ok());
        // A wound in the header's marks makes it another program's, or a newer one's: refused for good.
        let refused = store.swap(&name("a"), None, &counted(1), &[]).is_err_and(|error| {
            let text = error.to_string();
            error.trouble == StoreTrouble::Newer || text.contains("another program") || text.contains("read-only")
        });
        prop_assert!(works || refused, "{:?}", store.swap(&name("a"), None, &counted(1), &[]));
    }
}

#[test]
fn a_swap_that_finds_damage_says_so_and_stores_nothing_in_that_call() {
    let home = Home::new().with_circuits();
    fs::write(home.path(), "dear diary").unwrap();
    let error = home.store().swap(&name("a"), None, &counted(1), &[]).unwrap_err();
    assert_eq!(error.trouble, StoreTrouble::Corrupt);
    assert!(!home.path().exists());
}

#[test]
fn two_damaged_files_of_one_second_are_both_kept() {
    let home = Home::new();
    for text in ["first", "second", "third"] {
        put(&home.store(), "a", None, &counted(1));
        fs::write(home.path(), text).unwrap();
        assert!(home.store().load(&name("a")).is_err());
    }
    for (suffix, text) in [("", "first"), ("-2", "second"), ("-3", "third")] {
        let path = home.beside(&format!(".corrupt-20260101T000000Z{suffix}"));
        assert_eq!(fs::read_to_string(path).unwrap(), text);
    }
}

#[test]
fn of_ten_processes_that_find_damage_at_once_one_sets_it_aside() {
    let home = Home::new().with_circuits();
    fs::write(home.path(), "dear diary").unwrap();
    let children: Vec<_> = (0..10).map(|_| home.child("load a")).collect();
    let said: Vec<_> = children
        .into_iter()
        .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    assert!(said.iter().all(|said| said.contains("sound") || said.contains("Corrupt: ")), "{said:#?}");
    assert_eq!(said.iter().filter(|said| said.contains("set aside as")).count(), 1, "{said:#?}");
    let databases = home.files(".corrupt-").into_iter().filter(|name| name.ends_with('Z')).count();
    assert_eq!(databases, 1);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    home.sql("CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
    let store = home.store();
    assert_eq!(store.load(&name("a")).unwrap_err().trouble, StoreTrouble::Corrupt);
    let error = store.swap(&name("a"), None, &counted(1), &[]).unwrap_err();
    assert!(error.to_string().contains("is a database of another program"), "{error}");
    assert_eq!(home.number("SELECT count(*) FROM bookmarks"), 1);
    assert_eq!(home.files(".corrupt-"), [""; 0]);
}

#[test]
fn a_store_of_a_newer_version_is_read_and_not_written() {
    let home = Home::new().with_circuits();
    home.sql("PRAGMA user_version = 2; ALTER TABLE circuits ADD COLUMN colour TEXT");
    let store = home.store();
    let loaded = store.load(&name("a")).unwrap();
    assert_eq!(loaded.record, counted(1));
    let error = store.swap(&name("a"), loaded.version, &counted(2), &[]).unwrap_err();
    assert_eq!(error.trouble, StoreTrouble::Newer);
    assert_eq!(store.load(&name("a")).unwrap(), loaded);
}

#[test]
fn a_store_of_a_newer_version_that_looks_otherwise_is_not_taken_for_a_damaged_one() {
    let home = Home::new().with_circuits();
    home.sql("PRAGMA user_version = 2; ALTER TABLE circuits RENAME COLUMN boot TO era");
    let store = home.store();
    assert_eq!(store.load(&name("a")).unwrap_err().trouble, StoreTrouble::Newer);
    assert_eq!(store.list().unwrap_err().trouble, StoreTrouble::Newer);
    assert_eq!(home.files(".corrupt-"), [""; 0]);
}

#[test]
fn a_damaged_record_stops_its_circuit_alone_and_a_reset_mends_it() {
    for damage in [
        "record = 'dear diary'",
        "record = X'ff00'",
        "record = 7",
        "record = ''",
        "record = zeroblob(16385)",
        "record = printf('%.*c', 20000, 'x')",
        "version = 'one'",
        "boot = X'ff'",
        "written_boot = 1.5",
        "written_wall = 'yesterday'",
    ] {
        let home = Home::new().with_circuits();
        let version = home.store().load(&name("b")).unwrap().version;
        home.sql(&format!("UPDATE circuits SET {damage} WHERE name = 'b'"));
        let store = home.store();
        let error = store.load(&name("b")).unwrap_err();
        assert_eq!(error.trouble, StoreTrouble::BadRecord, "{damage}: {error}");
        assert!(error.to_string().contains("circuit b ") && error.to_string().contains("fuseboard reset b"), "{error}");
        assert_eq!(store.load(&name("a")).unwrap().record, counted(1));
        let sound: Vec<_> = store.list().unwrap().into_iter().map(|(_, loaded)| loaded.is_ok()).collect();
        assert_eq!(sound, [true, false, true], "{damage}");
        assert_eq!(store.damage(), None, "{damage}");

        put(&store, "b", None, &counted(0));
        assert_eq!(store.load(&name("b")).unwrap().record, counted(0), "{damage}");
        let late = store.swap(&name("b"), version, &counted(9), &[]).unwrap();
        assert!(matches!(late, Swap::Conflict(_)), "{damage}: the version from before was accepted");
    }
}

#[test]
fn a_record_of_a_newer_format_is_not_replaced() {
    let home = Home::new().with_circuits();
    home.sql(r#"UPDATE circuits SET record = '{"format":2,"shape":"unknown"}' WHERE name = 'b'"#);
    let store = home.store();
    assert_eq!(store.load(&name("b")).unwrap_err().trouble, StoreTrouble::Newer);
    assert_eq!(store.swap(&name("b"), None, &counted(0), &[]).unwrap_err().trouble, StoreTrouble::Newer);
    assert_eq!(home.number(r#"SELECT count(*) FROM circuits WHERE record LIKE '{"format":2%'"#), 1);
}

#[test]
fn a_file_replaced_or_removed_in_use_is_said_once_and_then_what_is_there_counts() {
    let home = Home::new().with_circuits();
    let other = Home::new();
    put(&other.store(), "a", None, &counted(7));
    other.settle();
    let store = home.store();
    let version = store.load(&name("a")).unwrap().version;

    fs::rename(other.path(), home.path()).unwrap();
    let error = store.swap(&name("a"), version, &counted(2), &[]).unwrap_err();
    assert_eq!(error.trouble, StoreTrouble::Corrupt);
    assert!(error.to_string().contains("replaced or removed"), "{error}");
    assert_eq!(store.load(&name("a")).unwrap().record, counted(7));

    fs::remove_file(home.path()).unwrap();
    assert_eq!(store.load(&name("a")).unwrap_err().trouble, StoreTrouble::Corrupt);
    assert_eq!(store.load(&name("a")).unwrap().version, None);
    assert!(store.damage().is_some());
}

#[test]
fn who_holds_the_file_that_another_sets_aside_learns_it_and_goes_on_in_the_new_one() {
    let home = Home::new().with_circuits();
    let holder = home.store();
    let version = holder.load(&name("a")).unwrap().version;
    fs::rename(home.path(), home.beside(".corrupt-by-another")).unwrap();
    put(&home.store(), "a", None, &counted(3));
    assert_eq!(holder.swap(&name("a"), version, &counted(2), &[]).unwrap_err().trouble, StoreTrouble::Corrupt);
    let stale = holder.swap(&name("a"), version, &counted(2), &[]).unwrap();
    assert!(matches!(stale, Swap::Conflict(_)), "a version of the old file was accepted in the new one");
}

#[test]
fn while_somebody_writes_reading_goes_on_and_a_writer_gives_up_in_time() {
    let home = Home::new().with_circuits();
    let store = home.store().with_busy_limit(Duration::from_millis(30));
    let raw = home.raw();
    raw.execute_batch("BEGIN IMMEDIATE").unwrap();
    let version = store.load(&name("a")).unwrap().version;
    let error = store.swap(&name("a"), version, &counted(2), &[]).unwrap_err();
    assert_eq!(error.trouble, StoreTrouble::Busy);
    assert!(error.may_pass() && error.to_string().contains("30ms"), "{error}");
    raw.execute_batch("COMMIT").unwrap();
    put(&store, "a", version, &counted(2));
}
