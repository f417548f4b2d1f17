//! `exec` and its circuit: what opens it, what a skip is, what is tried again.

mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use world::{Ran, World, finish, sleep};

/// A command that leaves a mark each time that it runs, and fails.
const FAILS: &str = "echo x >>runs; echo the reason >&2; exit 7";

fn runs(world: &World) -> usize {
    world.read("runs").lines().count()
}

#[test]
fn two_failures_in_a_row_open_the_circuit_and_then_nothing_runs() {
    let world = World::new();
    let first = world.exec("notify", &[], FAILS).code_and_line();
    assert_eq!(first, (7, "fuseboard: notify failed (1 of 2): exited with code 7: the reason".to_owned()));
    let (code, line) = world.exec("notify", &[], FAILS).code_and_line();
    assert_eq!(code, 7);
    for part in [
        "notify: circuit OPEN after 2 failures (last: exited with code 7: the reason)",
        "next probe in ",
        "fuseboard probe notify",
    ] {
        assert!(line.contains(part), "{line}");
    }
    let skip = world.exec("notify", &[], FAILS);
    assert_eq!((skip.code, skip.out().as_str(), runs(&world)), (75, "", 2), "{}", skip.err());
    assert_eq!(world.events("notify"), ["opened"]);
}

#[test]
fn a_success_between_two_failures_keeps_it_closed() {
    let world = World::new();
    for code in [1, 0, 1, 0, 1] {
        assert_eq!(world.exec("flaky", &[], &format!("exit {code}")).code, code);
    }
    let circuit = world.circuit("flaky");
    assert_eq!((&circuit["state"], &circuit["failures"]), (&"closed".into(), &1.into()));
}

#[test]
fn a_skip_takes_some_milliseconds() {
    let world = World::new();
    world.trip("slow");
    let fastest = (0..10).map(|_| world.exec("slow", &[], "sleep 5").took).min().unwrap();
    assert!(fastest.as_millis() < 100, "{fastest:?}");
}

#[test]
fn of_the_skips_in_a_pipe_the_first_and_every_twentieth_are_told() {
    let world = World::new();
    world.trip("notify");
    let told: Vec<usize> = (1..=41).filter(|_| !world.exec("notify", &[], "true").stderr.is_empty()).collect();
    assert_eq!(told, [1, 20, 40]);
    let ran = world.run(&["-v", "exec", "notify", "--", "true"]);
    assert!(ran.err().contains("42 since it opened"), "{}", ran.err());
    assert_eq!(world.circuit("notify")["skips"], 42);
}

#[test]
fn quiet_says_nothing_about_failures_and_skips() {
    let world = World::new();
    for _ in 0..3 {
        let ran = world.run(&["-q", "exec", "notify", "--", "sh", "-c", "exit 7"]);
        assert_eq!(ran.err(), "");
    }
}

#[test]
fn trip_after_says_how_many_failures_it_takes() {
    let world = World::new();
    for (name, trip_after) in [("one", 1), ("four", 4)] {
        let fail = || world.exec(name, &["--trip-after", &trip_after.to_string()], "exit 3").code;
        let codes: Vec<i32> = (0..=trip_after).map(|_| fail()).collect();
        assert_eq!(codes, [vec![3; trip_after], vec![75]].concat(), "{name}");
    }
}

#[test]
fn after_the_cool_down_one_success_closes_it() {
    let world = World::new();
    let options = ["--trip-after", "1", "--cool-down", "2s"];
    assert_eq!(world.exec("notify", &options, "exit 7").code, 7);
    assert_eq!(world.exec("notify", &options, "true").code, 75);
    world.await_probe("notify");
    let (code, line) = world.exec("notify", &options, "true").code_and_line();
    assert_eq!((code, line.as_str()), (0, "fuseboard: notify: circuit CLOSED, it works again (after 1 failure)"));
    assert_eq!(world.exec("notify", &options, "true").code_and_line(), (0, String::new()));
    assert_eq!(world.events("notify"), ["opened", "probing", "closed"]);
}

#[test]
fn a_failed_probe_waits_twice_as_long() {
    let world = World::new();
    let options = ["--trip-after", "1", "--cool-down", "2s"];
    assert_eq!(world.exec("notify", &options, "exit 7").code, 7);
    world.await_probe("notify");
    let (code, line) = world.exec("notify", &options, "exit 8").code_and_line();
    assert!(code == 8 && line.contains("still OPEN, the probe failed (exited with code 8)"), "{code} {line}");
    sleep(2000);
    assert_eq!(world.exec("notify", &options, "true").code, 75, "twice as long");
    world.await_probe("notify");
    assert_eq!(world.exec("notify", &options, "true").code, 0);
    assert_eq!(world.events("notify"), ["opened", "probing", "reopened", "probing", "closed"]);
}

#[test]
fn with_cool_down_never_only_an_operator_brings_it_back() {
    let world = World::new();
    let (code, line) = world.exec("notify", &["--trip-after", "1", "--cool-down", "never"], "exit 7").code_and_line();
    assert!(code == 7 && line.contains("no probe will be made by itself"), "{line}");
    assert_eq!(world.exec("notify", &[], "true").code, 75);
    assert_eq!(world.circuit("notify")["probe_at"], serde_json::Value::Null);
    assert_eq!(world.run(&["probe", "notify"]).code, 0);
    assert_eq!(world.exec("notify", &[], "true").code, 0);
    assert_eq!(world.circuit("notify")["state"], "closed");
}

#[test]
fn what_cannot_be_started_trips_at_once_with_one_line() {
    let world = World::new();
    fs::write(world.path("plain"), "#!/bin/sh\n").unwrap();
    fs::create_dir(world.path("folder")).unwrap();
    world.script("orphan", "");
    fs::write(world.path("orphan"), "#!/no/such/interpreter\n").unwrap();
    fs::write(world.path("empty"), "").unwrap();
    let cases = [
        ("missing", "./missing", 127, "not found"),
        ("no-path", "no-such-program-anywhere", 127, "not found"),
        ("plain", "./plain", 126, "not executable"),
        ("folder", "./folder", 126, ""),
        ("orphan", "./orphan", 127, "its interpreter was not found"),
        ("below", "./plain/below", 126, ""),
    ];
    for (name, program, code, part) in cases {
        let ran = world.run(&["exec", name, "--", program]);
        let (ended, line) = ran.code_and_line();
        assert!(
            ended == code && line.contains("circuit OPEN after 1 failure") && line.contains(part),
            "{ended} {line}"
        );
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
        assert_eq!(world.circuit(name)["last_failure"]["kind"], "spawn");
        assert_eq!(world.run(&["exec", name, "--", program]).code, 75, "{name}");
    }
}

/// A spawn failure of `./work`, mended like this, is tried at once and closes.
fn is_tried_when(mend: impl Fn(&World) -> Ran) {
    let world = World::new();
    let ran = mend(&world);
    assert_eq!(ran.code, 0, "{}", ran.err());
    assert_eq!(ran.lines().len(), 2, "{}", ran.err());
    assert!(ran.lines()[0].contains("changed since it failed, trying"), "{}", ran.err());
    assert!(ran.lines()[1].contains("circuit CLOSED"), "{}", ran.err());
}

#[test]
fn a_program_that_was_put_in_its_place_is_tried_at_once() {
    is_tried_when(|world| {
        assert_eq!(world.run(&["exec", "w", "--", "./work"]).code, 127);
        world.script("work", "exit 0");
        world.run(&["exec", "w", "--", "./work"])
    });
}

#[test]
fn a_program_that_was_made_executable_is_tried_at_once() {
    is_tried_when(|world| {
        world.script("work", "exit 0");
        let mode = |mode| fs::set_permissions(world.path("work"), fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert_eq!(world.run(&["exec", "w", "--", "./work"]).code, 126);
        mode(0o755);
        world.run(&["exec", "w", "--", "./work"])
    });
}

#[test]
fn a_corrected_spelling_is_tried_at_once() {
    is_tried_when(|world| {
        assert_eq!(world.run(&["exec", "w", "--", "tru"]).code, 127);
        world.run(&["exec", "w", "--", "true"])
    });
}

#[test]
fn an_edited_program_is_tried_at_once() {
    is_tried_when(|world| {
        let work = world.script("work", "exit 3");
        assert_eq!(world.run(&["exec", "w", "--trip-after", "1", "--", &work]).code, 3);
        assert_eq!(world.run(&["exec", "w", "--", &work]).code, 75);
        world.script("work", "exit 0 # mended");
        world.run(&["exec", "w", "--", &work])
    });
}

#[test]
fn other_arguments_or_another_program_change_nothing_for_work_that_failed() {
    let world = World::new();
    let work = world.script("work", "exit 3");
    assert_eq!(world.run(&["exec", "w", "--trip-after", "1", "--", &work]).code, 3);
    assert_eq!(world.run(&["exec", "w", "--", &work, "harder"]).code, 75);
    assert_eq!(world.run(&["exec", "w", "--", "true"]).code, 75);
}

#[test]
fn a_mended_program_that_still_fails_waits_longer() {
    let world = World::new();
    let work = world.script("work", "exit 3");
    assert_eq!(world.run(&["exec", "w", "--trip-after", "1", "--", &work]).code, 3);
    world.script("work", "exit 4 # not mended");
    assert_eq!(world.run(&["exec", "w", "--", &work]).code, 4);
    assert_eq!(world.run(&["exec", "w", "--", &work]).code, 75);
    let circuit = world.circuit("w");
    assert_eq!((&circuit["trips"], &circuit["last_error"]), (&2.into(), &"exited with code 4".into()));
}

#[test]
fn switched_off_by_the_environment_no_store_is_touched() {
    let world = World::new();
    for (words, code) in [
        (&["exec", "n", "--", "sh", "-c", "echo done; exit 7"][..], 7),
        (&["exec", "n", "--gate", "--", "sh", "-c", "exit 1"], 1),
        (&["exec", "n", "--gate", "--", "sh", "-c", "exit 9"], 77),
        (&["exec", "n", "--gate", "--", "true"], 0),
        (&["exec", "n", "--", "./missing"], 127),
        (&["allowed", "n"], 0),
        (&["record", "n", "failure"], 0),
    ] {
        let mut command = world.command(words);
        command.env("FUSEBOARD", "off");
        let ran = finish(command);
        assert_eq!(ran.code, code, "{words:?} {}", ran.err());
    }
    assert!(!world::exists(&world.store()));
    assert!(!world::exists(world.store().parent().unwrap()), "a folder was made");
}
