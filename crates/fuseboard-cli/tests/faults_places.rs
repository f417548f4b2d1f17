//! Places where no state can be kept, met by an ordinary user: the work does not notice, each call decides in memory,
//! one line names the place, the reason and one remedy, gates block. Root, whom no mode keeps out, plays that user.

mod world;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use world::{Ran, World, finish, is_root};

const STRANGER: u32 = 54_321;

/// A place, and what the line about it says: whose trouble it is, why, and what to do.
struct Place {
    name: &'static str,
    /// What comes of the world before the calls.
    make: fn(&World),
    /// What is set in the environment; nothing means: taken out of it.
    environment: &'static [(&'static str, Option<&'static str>)],
    said: [&'static str; 3],
    /// Whether it can be told that there is nothing yet.
    is_empty: bool,
}

const HOMELESS: [&str; 3] = ["the state has no place", "neither HOME nor XDG_STATE_HOME", "; set HOME"];

const PLACES: &[Place] = &[
    Place {
        name: "no home",
        make: |_| (),
        environment: &[("HOME", None), ("XDG_STATE_HOME", None)],
        said: HOMELESS,
        is_empty: false,
    },
    Place {
        name: "a home that is no absolute path",
        make: |_| (),
        environment: &[("HOME", Some("here")), ("XDG_STATE_HOME", Some(""))],
        said: HOMELESS,
        is_empty: false,
    },
    Place {
        name: "a folder that may not be written",
        make: |world| folder(world, 0o500),
        environment: &[],
        said: ["state/fuseboard/state.db.lock cannot be opened", "Permission denied", "; `chmod u+rwx /"],
        is_empty: true,
    },
    Place {
        name: "a folder that may not be looked into",
        make: |world| folder(world, 0o000),
        environment: &[],
        said: ["state/fuseboard/state.db cannot be looked at", "Permission denied", "; `chmod u+rwx /"],
        is_empty: false,
    },
    Place {
        name: "a folder above that may not be written",
        make: |world| mode(world.store().parent().unwrap().parent().unwrap(), 0o500),
        environment: &[],
        said: ["state/fuseboard cannot be created", "Permission denied", "; `chmod u+rwx /"],
        is_empty: true,
    },
    Place {
        name: "a folder that everybody may change",
        make: |world| folder(world, 0o777),
        environment: &[],
        said: ["state/fuseboard can be changed by everybody", "by everybody", "; `chmod o-w /"],
        is_empty: true,
    },
    Place {
        name: "a file that may not be written",
        make: |world| {
            assert_eq!(world.exec("other", &[], "true").code, 0);
            world.give_away();
            mode(&world.store(), 0o400);
        },
        environment: &[],
        said: ["state/fuseboard/state.db: it is read-only", "readonly database", "; make it writable"],
        is_empty: true,
    },
    Place {
        name: "a file of another user",
        make: |_| (),
        environment: &[("FUSEBOARD_STORE", Some("sqlite:/etc/passwd"))],
        said: ["/etc/passwd belongs to user 0", "and not to you", "; choose another place for the store"],
        is_empty: false,
    },
];

/// Only root can make a folder that is another's; to anybody else [`PLACES`] shows another's file.
const STRANGE_FOLDER: Place = Place {
    name: "a folder of another user",
    make: |world| {
        assert_eq!(world.exec("other", &[], "true").code, 0);
        world.give_away();
        folder(world, 0o755);
        chown(world.store().parent().unwrap(), Some(STRANGER), None).unwrap();
    },
    environment: &[],
    said: ["state/fuseboard belongs to user 54321", "and not to you", "; choose another place for the store"],
    is_empty: false,
};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// The state folder, with this mode.
fn folder(world: &World, bits: u32) {
    let folder = world.store().parent().unwrap().to_owned();
    fs::create_dir_all(&folder).unwrap();
    world.give_away();
    mode(&folder, bits);
}

/// One place in a world of its own.
struct Met {
    world: World,
    place: &'static Place,
}

impl Met {
    fn new(place: &'static Place) -> Self {
        let world = World::new();
        fs::create_dir(world.path("../tmp")).unwrap();
        world.give_away();
        (place.make)(&world);
        Self { world, place }
    }

    fn run(&self, words: &[&str]) -> Ran {
        let mut command = self.world.by_an_ordinary_user(words);
        command.env("TMPDIR", self.world.path("../tmp"));
        for (name, value) in self.place.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        finish(command)
    }

    /// The lines about the place. Each says whose trouble it is, why, and one thing to do.
    fn lines(&self, ran: &Ran) -> Vec<String> {
        let [whose, why, remedy] = self.place.said;
        let lines: Vec<String> = ran.lines().into_iter().filter(|line| line.contains(whose)).collect();
        for line in &lines {
            assert!(line.contains(why) && line.contains(remedy), "{}: {line}", self.place.name);
            let remedies = line.replace("; deciding in memory", "").matches("; ").count();
            assert!(remedies == 1 && !line.contains(", or "), "{}: one remedy: {line}", self.place.name);
        }
        lines
    }
}

impl Drop for Met {
    fn drop(&mut self) {
        // So that the folder can be removed.
        for folder in ["state", "state/fuseboard"] {
            let folder = self.world.path("..").join(folder);
            if folder.exists() {
                mode(&folder, 0o700);
            }
        }
    }
}

fn places() -> impl Iterator<Item = Met> {
    PLACES.iter().chain(is_root().then_some(&STRANGE_FOLDER)).map(Met::new)
}

#[test]
fn the_work_does_not_notice_and_one_line_says_what_to_do() {
    for met in places() {
        let name = met.place.name;
        let ran = met.run(&["exec", "w", "--", "sh", "-c", "echo out; exit 7"]);
        assert_eq!((ran.code, ran.out().as_str()), (7, "out\n"), "{name}: {}", ran.err());
        let lines = met.lines(&ran);
        assert!(lines.len() == 1 && lines[0].ends_with("; deciding in memory"), "{name}: {}", ran.err());
        let again = met.run(&["exec", "w", "--", "sh", "-c", "exit 7"]);
        assert_eq!((again.code, met.lines(&again)), (7, vec![]), "{name}: told twice");
    }
}

#[test]
fn no_gate_passes_and_each_says_why() {
    for met in places() {
        let ran = met.run(&["exec", "w", "--gate", "--", "true"]);
        let lines: Vec<String> = ran.lines().into_iter().filter(|line| line.contains("no verdict")).collect();
        assert!(ran.code == 77 && lines.len() == 1, "{}: {} {}", met.place.name, ran.code, ran.err());
        assert!(met.place.said.iter().all(|part| lines[0].contains(part)), "{}: {}", met.place.name, ran.err());
    }
}

#[test]
fn operators_and_who_looks_are_told_by_69_and_scripts_go_on() {
    for met in places() {
        let name = met.place.name;
        for words in [&["switch", "w", "off", "--reason", "x"][..], &["status"], &["history"], &["explain", "w"]] {
            // Where there is nothing yet, or nothing is wrong with reading, that is told.
            if met.place.is_empty && words[0] != "switch" {
                continue;
            }
            let ran = met.run(words);
            assert_eq!((ran.code, met.lines(&ran).len()), (69, 1), "{name}: {words:?}: {}", ran.err());
        }
        assert_eq!(met.run(&["allowed", "w"]).code, 0, "{name}");
        assert_eq!(met.run(&["record", "w", "failure"]).code, 0, "{name}");
    }
}

#[test]
fn a_mission_flies_says_it_once_and_does_not_point_to_what_was_not_written() {
    for met in places() {
        let name = met.place.name;
        for flight in ["first", "second"] {
            let ran = met.run(&["mission", "--agent", "none", "--", "sh", "-c", "echo out; exit 7"]);
            assert_eq!((ran.code, ran.out().as_str()), (7, "out\n"), "{name}: {}", ran.err());
            assert_eq!(met.lines(&ran).len(), 1, "{name}, {flight}: {}", ran.err());
            assert!(ran.err().contains("; not written down") && !ran.err().contains("fuseboard runs"), "{}", ran.err());
        }
    }
}
