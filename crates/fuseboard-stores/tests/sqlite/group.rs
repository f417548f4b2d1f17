//! A store that the members of a group share.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use fuseboard::store::Store;
use fuseboard_stores::SqliteStore;

use crate::home::{Home, counted, name, put};
use crate::spool::report;

const BESIDE: [&str; 5] = ["", "-wal", "-shm", ".lock", ".spool"];
const GROUP: u32 = 54_300;

fn shared_by_our_group(home: &Home) -> SqliteStore {
    home.store().with_group(fs::metadata(home.outside()).unwrap().gid())
}

fn modes(home: &Home) -> Vec<u32> {
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    std::iter::once(mode(&home.folder())).chain(BESIDE.map(|suffix| mode(&home.beside(suffix)))).collect()
}

#[test]
fn the_group_may_use_every_file_of_it() {
    let home = Home::new();
    let store = shared_by_our_group(&home);
    put(&store, "a", None, &counted(1));
    store.defer(&report("a", 1)).unwrap();
    assert_eq!(modes(&home), [0o2770, 0o660, 0o660, 0o660, 0o660, 0o660]);
}

#[test]
fn what_was_its_owners_alone_is_widened() {
    let home = Home::new();
    let private = home.store();
    put(&private, "a", None, &counted(1));
    private.defer(&report("a", 1)).unwrap();
    assert_eq!(modes(&home), [0o700, 0o600, 0o600, 0o600, 0o600, 0o600]);
    assert_eq!(shared_by_our_group(&home).load(&name("a")).unwrap().record, counted(1));
    assert_eq!(modes(&home), [0o2770, 0o660, 0o660, 0o660, 0o660, 0o660]);
}

#[test]
fn what_is_not_the_stores_alone_keeps_its_mode() {
    let home = Home::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o7777;
    fs::create_dir(home.folder()).unwrap();
    fs::set_permissions(home.folder(), Permissions::from_mode(0o755)).unwrap();
    let other = home.folder().join("other");
    fs::write(&other, "").unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o600)).unwrap();
    put(&shared_by_our_group(&home), "a", None, &counted(1));
    assert_eq!((mode(&home.folder()), mode(&home.path())), (0o755, 0o660));
    fs::hard_link(&other, home.beside(".spool.taken")).unwrap();
    shared_by_our_group(&home).load(&name("a")).unwrap();
    assert_eq!(mode(&other), 0o600);
    for other in [other, home.beside(".spool.taken")] {
        fs::remove_file(other).unwrap();
    }
    shared_by_our_group(&home).load(&name("a")).unwrap();
    assert_eq!(mode(&home.folder()), 0o2770);
}

/// Only root can act as other users; for anybody else there is nothing to be shown.
#[test]
fn members_work_on_one_file_and_strangers_do_not() {
    let home = Home::new();
    fs::create_dir(home.folder()).unwrap();
    if chown(home.folder(), Some(54_321), Some(GROUP)).is_err() {
        return;
    }
    fs::set_permissions(home.outside(), Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(home.folder(), Permissions::from_mode(0o700)).unwrap();
    let program = home.outside().join("member");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let by = |user: u32, group: u32, act: &str| {
        let mut command = Command::new(&program);
        command.args(["--exact", "home::child", "--ignored", "--nocapture"]).uid(user).gid(group);
        let command = command.env("FUSEBOARD_TEST_ACT", act).env("FUSEBOARD_TEST_STORE", home.path());
        let output = command.env("FUSEBOARD_TEST_GROUP", GROUP.to_string()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let (owner, member, stranger) = ((54_321, GROUP), (54_322, GROUP), (54_323, 54_399));
    for ((user, group), circuit) in [(owner, "a"), (member, "b"), (owner, "c")] {
        let said = by(user, group, &format!("put {circuit}"));
        assert!(said.contains("stored"), "{user}: {said}");
    }
    let said = by(member.0, member.1, "load a");
    assert!(said.contains("sound"), "{said}");
    for act in ["load a", "put d"] {
        let said = by(stranger.0, stranger.1, act);
        assert!(said.contains("Unreachable") && said.contains("Permission denied"), "{said}");
    }
    let owners = BESIDE[..4].iter().map(|suffix| fs::metadata(home.beside(suffix)).unwrap().gid());
    assert!(owners.into_iter().all(|group| group == GROUP));
    chown(home.path(), None, Some(stranger.1)).unwrap();
    let said = by(owner.0, stranger.1, "load a");
    assert!(said.contains("become a member of that group"), "{said}");
}
