//! The file of the circuits, broken under way: whoever meets it, the work's own end stays what it is, it is said once, and
//! no gate passes in that run.

mod world;

use std::fs;

use world::{Ran, World, end_of, finish, start};

const GARBAGE: &str = "this is no database ";

/// The lines that say what happened to the file.
fn about_the_file(ran: &Ran) -> Vec<String> {
    ran.lines().into_iter().filter(|line| line.contains("state.db") && !line.contains("no verdict")).collect()
}

/// Makes the file one of a newer version, as SQLite itself would.
fn make_newer(world: &World) {
    let script = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as db: db.execute('PRAGMA user_version = 99')";
    let ran = finish(world.other("python3", &["-c", script, world.store().to_str().unwrap()]));
    assert_eq!(ran.code, 0, "{}", ran.err());
}

#[test]
fn of_ten_calls_that_find_a_damaged_file_at_once_each_ends_as_its_own_work_did_and_one_says_it() {
    for _ in 0..3 {
        let world = World::new();
        world.exec("w", &[], "true");
        fs::remove_dir_all(world.store().parent().unwrap()).unwrap();
        fs::create_dir(world.store().parent().unwrap()).unwrap();
        fs::write(world.store(), GARBAGE.repeat(500)).unwrap();
        let call = |code: i32| {
            let script = format!("echo {code}; exit {code}");
            start(world.command(&["exec", "w", "--trip-after", "1000", "--", "sh", "-c", &script]))
        };
        let children: Vec<_> = (0..10).map(call).collect();
        let ends: Vec<Ran> = children.into_iter().map(end_of).collect();
        for (code, ran) in (0..10).zip(&ends) {
            assert_eq!((ran.code, ran.out()), (code, format!("{code}\n")), "{}", ran.err());
        }
        let told: Vec<String> = ends.iter().flat_map(about_the_file).collect();
        assert_eq!(told.len(), 1, "{told:#?}");
        for part in ["state.db was damaged (file is not a database)", "set aside as /", "set the switches again"] {
            assert!(told[0].contains(part), "{told:?}");
        }
        let names = fs::read_dir(world.store().parent().unwrap()).unwrap();
        let names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let kept: Vec<&String> =
            names.iter().filter(|name| name.contains(".corrupt-") && name.ends_with('Z')).collect();
        assert_eq!(kept.len(), 1, "{names:?}");
        assert_eq!(fs::read_to_string(world.store().with_file_name(kept[0])).unwrap(), GARBAGE.repeat(500));
    }
}

#[test]
fn of_ten_gates_that_find_a_damaged_file_at_once_none_that_met_it_passes() {
    let world = World::new();
    fs::create_dir(world.store().parent().unwrap()).unwrap();
    fs::write(world.store(), GARBAGE.repeat(500)).unwrap();
    let children: Vec<_> = (0..10).map(|_| start(world.command(&["exec", "g", "--gate", "--", "true"]))).collect();
    let ends: Vec<Ran> = children.into_iter().map(end_of).collect();
    let blocked = ends.iter().filter(|ran| ran.code == 77).count();
    assert!(blocked >= 1 && ends.iter().all(|ran| [0, 77].contains(&ran.code)), "{blocked}");
    for ran in ends.iter().filter(|ran| ran.code == 77) {
        assert!(ran.err().contains("no verdict") || ran.err().contains("set aside"), "{}", ran.err());
    }
    assert_eq!(world.exec("g", &["--gate"], "true").code, 0, "and afterwards they go by the new file");
}

#[test]
fn a_file_of_a_newer_version_is_read_obeyed_and_left_as_it_is() {
    let world = World::new();
    world.trip("broken");
    world.exec("well", &[], "true");
    make_newer(&world);
    let bytes = fs::read(world.store()).unwrap();

    let ran = world.exec("well", &[], "echo out; exit 7");
    assert_eq!((ran.code, ran.out().as_str()), (7, "out\n"), "{}", ran.err());
    let told = about_the_file(&ran);
    assert_eq!(told.len(), 1, "{}", ran.err());
    assert!(told[0].contains("was written by a newer version of Fuseboard; use that version; deciding"), "{told:?}");
    let again = world.exec("well", &[], "exit 7");
    assert_eq!((again.code, about_the_file(&again)), (7, vec![]), "told twice");

    assert_eq!(world.exec("broken", &[], "true").code, 75, "what it says is obeyed");
    let gate = world.exec("well", &["--gate"], "true");
    assert!(
        gate.code == 77 && gate.err().contains("no verdict") && gate.err().contains("use that version"),
        "{}",
        gate.err()
    );
    let act = world.run(&["switch", "well", "off", "--reason", "x"]);
    assert!(act.code == 69 && act.err().contains("; use that version"), "{} {}", act.code, act.err());
    assert_eq!(world.run(&["allowed", "well"]).code, 0);
    assert_eq!(world.run(&["record", "well", "failure"]).code, 0);

    assert_eq!(fs::read(world.store()).unwrap(), bytes, "nothing was written");
    assert_eq!(world.run(&["status", "broken"]).code, 0, "who looks sees what is there");
}

const S: &str = "S=$XDG_STATE_HOME/fuseboard/state.db; ";

/// What becomes of the file while the work runs, as a line of shell in which `$S` is the file; and what is said of it.
const SPOILED: &[(&str, &str, &str)] = &[
    ("replaced by another", "cp $S $S.2; mv $S.2 $S", "was replaced or removed while it was in use"),
    ("removed", "rm $S", "was replaced or removed while it was in use"),
    ("removed with all that lies beside it", "rm -r ${S%/*}", "was replaced or removed while it was in use"),
    ("damaged", "rm $S-wal $S-shm; echo garbage >$S", "was damaged"),
    ("cut to nothing", "rm $S-wal $S-shm; : >$S", "was damaged"),
];

#[test]
fn a_file_that_is_spoiled_while_the_work_runs_changes_no_code_and_is_said_once() {
    for (what, spoil, said) in SPOILED {
        let world = World::new();
        world.exec("w", &[], "true");
        let ran = world.exec("w", &[], &format!("{S}{spoil}; echo out; exit 7"));
        assert_eq!((ran.code, ran.out().as_str()), (7, "out\n"), "{what}: {}", ran.err());
        // SQLite may have all that it needs in its memory: then the next call finds it.
        let next = world.exec("w", &[], "exit 8");
        assert_eq!(next.code, 8, "{what}: {}", next.err());
        let told: Vec<String> = [&ran, &next].into_iter().flat_map(about_the_file).collect();
        assert_eq!(told.len(), 1, "{what}: {} {}", ran.err(), next.err());
        assert!(told[0].contains(said) && told[0].contains("fuseboard status"), "{what}: {told:?}");
    }
}

#[test]
fn a_gate_that_finds_that_its_file_was_spoiled_does_not_pass_and_the_one_after_it_does() {
    for (what, spoil, said) in SPOILED {
        let world = World::new();
        world.exec("g", &["--gate"], "true");
        let mut ran = world.exec("g", &["--gate"], &format!("{S}{spoil}"));
        if ran.code == 0 {
            assert_eq!((*what, ran.err().as_str()), ("damaged", ""), "only what is not read at the end goes unnoticed");
            ran = world.exec("g", &["--gate"], "true");
        }
        assert_eq!(ran.code, 77, "{what}: {}", ran.err());
        assert!(ran.err().contains("no verdict") && ran.err().contains(said), "{what}: {}", ran.err());
        assert_eq!(world.exec("g", &["--gate"], "true").code, 0, "{what}: it goes on");
    }
}

#[test]
fn of_ten_calls_that_cannot_reach_the_store_at_once_one_says_it() {
    for _ in 0..3 {
        let world = World::new();
        fs::write(world.path("../state/fuseboard"), "in the folder's place").unwrap();
        let children: Vec<_> =
            (0..10).map(|_| start(world.command(&["exec", "w", "--", "sh", "-c", "exit 7"]))).collect();
        let ends: Vec<Ran> = children.into_iter().map(end_of).collect();
        assert!(ends.iter().all(|ran| ran.code == 7));
        let told: Vec<String> = ends.iter().flat_map(about_the_file).collect();
        assert_eq!(told.len(), 1, "{told:#?}");
    }
}

#[test]
fn calls_that_are_killed_at_any_moment_leave_a_sound_file_and_what_the_next_one_tells_is_exact() {
    let world = World::new();
    let finished = 3 + (0..40).filter(|round| killed_after(&world, round * 500)).count();
    for _ in 0..3 {
        let ran = world.exec("w", &[], "true");
        assert_eq!((ran.code, ran.err().as_str()), (0, ""), "nothing is torn, nothing is said");
    }
    let counted = world.circuit("w")["totals"]["success"].as_u64().unwrap();
    assert!(counted >= finished as u64, "{finished} had told their end, {counted} were counted");
    let told = world.run(&["history", "w", "--outcomes", "--format", "json"]).json_lines().len() as u64;
    assert_eq!(told, counted, "record and history agree");
    let names = fs::read_dir(world.store().parent().unwrap()).unwrap();
    let names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.contains(".corrupt-")), "{names:?}");
}

/// Kills a call so many microseconds after its start; whether it had ended before.
fn killed_after(world: &World, micros: u64) -> bool {
    let mut child = start(world.command(&["exec", "w", "--", "true"]));
    std::thread::sleep(std::time::Duration::from_micros(micros));
    child.kill().unwrap();
    end_of(child).code == 0
}

#[test]
fn a_file_that_somebody_holds_keeps_the_work_waiting_for_a_second_at_most_and_no_count_is_lost() {
    let world = World::new();
    world.exec("w", &[], "true");
    let script = "import os, sqlite3, sys, time\n\
                  db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('BEGIN IMMEDIATE')\n\
                  open('up', 'w')\n\
                  while not os.path.exists('go'): time.sleep(0.02)\n\
                  db.execute('COMMIT')";
    let holder = start(world.other("python3", &["-c", script, world.store().to_str().unwrap()]));
    world.await_file("up");
    for code in [7, 0, 8] {
        let ran = world.exec("w", &[], &format!("exit {code}"));
        assert_eq!((ran.code, about_the_file(&ran)), (code, vec![]), "the report waits in the spool");
        assert!(ran.took.as_millis() < 2500, "{:?}", ran.took);
    }
    let act = world.run(&["switch", "w", "off", "--reason", "x"]);
    assert!(act.code == 69 && act.lines().len() == 1, "{} {}", act.code, act.err());
    assert!(act.err().contains("state.db was in use by others for 1s; end the process that holds it"), "{}", act.err());
    fs::write(world.path("go"), "").unwrap();
    assert_eq!(end_of(holder).code, 0);
    assert_eq!(world.exec("w", &[], "true").code, 0);
    let totals = &world.circuit("w")["totals"];
    assert_eq!((&totals["success"], &totals["failure"]), (&3.into(), &2.into()), "{totals}");
}
