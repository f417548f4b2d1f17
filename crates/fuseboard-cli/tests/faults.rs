//! A store that cannot be used: the work does not notice, gates block, operators and lookers are told.

mod world;

use std::fs;
use std::process::Command;

use world::{World, assert_plain, end_of, finish, start};

/// A world in which the store cannot be used, and a word of the line that says so.
struct Broken {
    world: World,
    store: String,
    reason: &'static str,
    /// Whether there is no file yet, and no obstacle to see that.
    is_empty: bool,
    /// What the shell does before it starts us.
    before: &'static str,
}

impl Broken {
    fn command(&self, words: &[&str]) -> Command {
        let line = format!("{} exec \"$BIN\" \"$@\"", self.before);
        let mut command = self.world.other("bash", &[&["-c", &line, "bash"], words].concat());
        command.env("FUSEBOARD_STORE", &self.store);
        command
    }
}

fn broken_worlds() -> Vec<Broken> {
    let broken = |place: &str, reason, make: fn(&World)| {
        let world = World::new();
        make(&world);
        let store = format!("sqlite:{}", world.path(place).display());
        Broken { world, store, reason, is_empty: false, before: "" }
    };
    let nothing: fn(&World) = |_| ();
    let full = "trap '' XFSZ; ulimit -f 0;";
    vec![
        broken("file/below/state.db", "Not a directory", |world| fs::write(world.path("file"), "").unwrap()),
        broken("folder", "is no regular file", |world| fs::create_dir(world.path("folder")).unwrap()),
        broken("link", "link", |world| {
            world.exec("x", &["--result", "r"], "true");
            std::os::unix::fs::symlink(world.store(), world.path("link")).unwrap();
        }),
        Broken {
            is_empty: true,
            store: "sqlite:/proc/nowhere/state.db".into(),
            ..broken("x", "/proc/nowhere", nothing)
        },
        Broken { is_empty: true, before: full, ..broken("full/state.db", "full/state.db", nothing) },
    ]
}

#[test]
fn the_work_does_not_notice() {
    for broken in broken_worlds() {
        let ran = finish(broken.command(&["exec", "w", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]));
        assert_eq!((ran.code, ran.out().as_str()), (7, "out\n"), "{}: {}", broken.store, ran.err());
        assert!(ran.err().contains("err\n"), "{}", ran.err());
        let told: Vec<String> = ran.lines().into_iter().filter(|line| !line.contains("w failed (1 of 2)")).collect();
        assert_eq!(told.len(), 1, "{}: {}", broken.store, ran.err());
        assert!(told[0].contains(broken.reason) && told[0].contains("deciding in memory"), "{}", told[0]);
        assert!(told[0].contains("; "), "no remedy: {}", told[0]);
        if !broken.before.is_empty() {
            continue; // Nowhere can be noted that it was told.
        }
        let ran = finish(broken.command(&["exec", "w", "--", "true"]));
        assert_eq!((ran.code, ran.err().as_str()), (0, ""), "told twice: {}", broken.store);
    }
}

#[test]
fn no_gate_passes() {
    for broken in broken_worlds() {
        let ran = finish(broken.command(&["exec", "w", "--gate", "--", "true"]));
        assert_eq!(ran.code, 77, "{}: {}", broken.store, ran.err());
        assert!(ran.err().contains("no verdict"), "{}", ran.err());
    }
}

#[test]
fn operators_and_who_looks_are_told_by_69() {
    for broken in broken_worlds() {
        for words in [
            &["status"][..],
            &["status", "w"],
            &["status", "--format", "json"],
            &["history"],
            &["explain", "w"],
            &["switch", "w", "off", "--reason", "x"],
            &["switch", "w", "auto"],
            &["probe", "w"],
            &["reset", "w"],
            &["reset", "--all"],
        ] {
            // Where there can be nothing yet, that can be told: only to write needs the store.
            if broken.is_empty && words[0] != "switch" {
                continue;
            }
            let ran = finish(broken.command(words));
            assert_eq!(ran.code, 69, "{}: {words:?}: {}", broken.store, ran.err());
            assert_eq!((ran.lines().len(), ran.out().as_str()), (1, ""), "{}", ran.err());
        }
    }
}

#[test]
fn allowed_says_yes_and_record_says_0() {
    for broken in broken_worlds() {
        assert_eq!(finish(broken.command(&["allowed", "w"])).code, 0, "{}", broken.store);
        let ran = finish(broken.command(&["record", "w", "failure", "--reason", "x"]));
        assert_eq!(ran.code, 0, "{}: {}", broken.store, ran.err());
    }
}

#[test]
fn a_disk_that_fills_up_later_harms_nobody() {
    let world = World::new();
    for _ in 0..3 {
        world.exec("w", &[], "true");
    }
    let full = |words: &str| {
        let line = format!("trap '' XFSZ; ulimit -f 0; exec \"$BIN\" {words}");
        finish(world.other("bash", &["-c", &line]))
    };
    let ran = full("exec w -- sh -c 'echo out; exit 7'");
    assert_eq!((ran.code, ran.out().as_str()), (7, "out\n"), "{}", ran.err());
    assert!(ran.err().contains("deciding in memory"), "{}", ran.err());
    assert_eq!(full("exec w --gate -- true").code, 77);
    assert_eq!(full("switch w off --reason x").code, 69);
    assert_eq!(full("allowed w").code, 0);
    assert_eq!(full("record w failure").code, 0);
    let ran = full("status"); // SQLite needs to write a little even to read
    assert!(ran.code == 69 && ran.lines().len() == 1, "{} {}", ran.code, ran.err());
    assert_eq!(world.exec("w", &[], "true").code, 0, "and when there is room again it goes on");
    assert_eq!(world.circuit("w")["state"], "closed");
}

#[test]
fn a_store_that_was_lost_twice_is_told_twice() {
    let world = World::new();
    let folder = world.store().parent().unwrap().to_owned();
    let aside = folder.with_file_name("aside");
    for _ in 0..2 {
        world.exec("w", &[], "true");
        fs::rename(&folder, &aside).unwrap();
        fs::write(&folder, "").unwrap();
        let told = world.exec("w", &[], "true").err();
        assert!(told.contains("deciding in memory"), "{told:?}");
        fs::remove_file(&folder).unwrap();
        fs::rename(&aside, &folder).unwrap();
    }
}

#[test]
fn a_pipe_where_it_is_noted_that_it_was_told_holds_nobody_up() {
    let broken = broken_worlds().swap_remove(1);
    let mark = broken.world.path("../runtime/fuseboard-store-lost");
    finish(broken.command(&["exec", "w", "--", "true"]));
    fs::remove_file(&mark).unwrap();
    assert!(Command::new("mkfifo").arg(mark).status().unwrap().success());
    let ran = finish(broken.command(&["exec", "w", "--", "true"]));
    assert!(ran.code == 0 && ran.err().contains("deciding in memory"), "{} {}", ran.code, ran.err());
}

#[test]
fn a_corrupt_file_is_set_aside_once_and_kept() {
    let world = World::new();
    world.exec("w", &[], "true");
    let folder = world.store().parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(world.store(), "garbage ".repeat(1000)).unwrap();
    let children: Vec<_> = (0..8).map(|_| start(world.command(&["exec", "w", "--", "sh", "-c", "exit 5"]))).collect();
    let ends: Vec<_> = children.into_iter().map(end_of).collect();
    assert!(
        ends.iter().all(|ran| [5, 75].contains(&ran.code)),
        "{:?}",
        ends.iter().map(|ran| ran.code).collect::<Vec<_>>()
    );
    let told: usize = ends.iter().map(|ran| ran.err().matches("set aside as").count()).sum();
    assert_eq!(told, 1);
    let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept: Vec<String> = names.filter(|name| name.contains(".corrupt-")).collect();
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(fs::read(folder.join(&kept[0])).unwrap(), "garbage ".repeat(1000).as_bytes());
}

#[test]
fn looking_at_a_corrupt_file_does_not_show_an_empty_board() {
    let world = World::new();
    fs::create_dir_all(world.store().parent().unwrap()).unwrap();
    fs::write(world.store(), "garbage ".repeat(1000)).unwrap();
    let ran = world.run(&["status"]);
    assert!(ran.code == 69 && !ran.err().is_empty(), "{} {:?} {:?}", ran.code, ran.out(), ran.err());
}

#[test]
fn a_store_in_a_place_with_an_evil_name_is_told_of_plainly() {
    let world = World::new();
    let evil = format!("sqlite:{}", world.path("a\u{1b}[31m\u{9b}2J\nfuseboard: all is well\u{202e}/b/c").display());
    fs::write(world.path("a\u{1b}[31m\u{9b}2J\nfuseboard: all is well\u{202e}"), "").unwrap();
    for words in [
        &["exec", "w", "--", "true"][..],
        &["status"],
        &["allowed", "w"],
        &["record", "w", "success"],
        &["exec", "w", "--gate", "--", "true"],
    ] {
        let mut command = world.command(words);
        command.env("FUSEBOARD_STORE", &evil).env("XDG_RUNTIME_DIR", "");
        let ran = finish(command);
        assert_plain(&ran.stderr);
        assert!(!ran.err().contains("\nfuseboard: all is well"), "a forged line: {:?}", ran.err());
    }
}
