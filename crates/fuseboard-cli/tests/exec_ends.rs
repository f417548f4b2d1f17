//! `exec` ends what it started: at a timeout, at signals. Each world counts its processes when it goes.

mod world;

use std::process::{Child, Command};

use world::{Ran, World, end_of, signal, start, wait_for};

/// Two generations below the command: one in its group, one that left it, both deaf to SIGTERM where `trap` says so.
fn family(trap: &str, last: &str) -> String {
    format!("{trap} sh -c '{trap} sleep 60; :' & setsid sh -c '{trap} sleep 60; :' & touch up; {last}")
}

fn sh(world: &World, options: &[&str], script: &str) -> Command {
    world.command(&[&["exec", "work"], options, &["--", "sh", "-c", script]].concat())
}

fn up(world: &World, command: Command) -> Child {
    let child = start(command);
    world.await_file("up");
    child
}

fn assert_nothing_is_left(world: &World, ran: &Ran) {
    assert_eq!(world.census(), Vec::<String>::new(), "{}", ran.err());
}

#[test]
fn a_timeout_is_124_and_a_failure_and_takes_everything_with_it() {
    let world = World::new();
    let ran = end_of(up(&world, sh(&world, &["--timeout", "300ms"], &family("", "sleep 60"))));
    assert_eq!(ran.code, 124, "{}", ran.err());
    assert_nothing_is_left(&world, &ran);
    let circuit = world.circuit("work");
    assert_eq!((&circuit["totals"]["timeout"], &circuit["totals"]["failure"]), (&1.into(), &0.into()));
    assert_eq!((&circuit["last_failure"]["kind"], &circuit["failures"]), (&"timeout".into(), &1.into()));
}

#[test]
fn who_ignores_sigterm_is_killed_after_the_grace() {
    let world = World::new();
    let options = ["--timeout", "200ms", "--kill-after", "300ms"];
    let ran = end_of(up(&world, sh(&world, &options, &family("trap \"\" TERM INT HUP;", "sleep 60; sleep 60"))));
    assert_eq!(ran.code, 124, "{}", ran.err());
    assert!((400..8000).contains(&ran.took.as_millis()), "{:?}", ran.took);
    assert_nothing_is_left(&world, &ran);
}

#[test]
fn who_ends_in_order_within_the_grace_is_heard_to_the_end() {
    let world = World::new();
    let script = "trap 'echo tidied up; exit 0' TERM; touch up; while :; do sleep 0.02; done";
    let ran = end_of(up(&world, sh(&world, &["--timeout", "200ms"], script)));
    assert_eq!((ran.code, ran.out().as_str()), (124, "tidied up\n"), "{}", ran.err());
}

#[test]
fn a_timeout_that_is_not_reached_changes_nothing() {
    let world = World::new();
    let ran = world.exec("work", &["--timeout", "30s", "--kill-after", "1s"], "echo fine; exit 3");
    assert_eq!((ran.code, ran.out().as_str()), (3, "fine\n"));
}

#[test]
fn a_signal_to_us_ends_the_command_and_tells_the_circuit_nothing() {
    for (name, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let world = World::new();
        let child = up(&world, sh(&world, &[], &family("", "sleep 60")));
        signal(&child, name);
        let ran = end_of(child);
        assert_eq!(ran.code, code, "{}", ran.err());
        assert_nothing_is_left(&world, &ran);
        let circuit = world.circuit("work");
        assert_eq!((&circuit["totals"]["ignored"], &circuit["failures"]), (&1.into(), &0.into()), "{name}");
    }
}

#[test]
fn the_command_hears_the_very_signal_and_may_tidy_up() {
    let world = World::new();
    let script = "trap 'echo got INT; exit 5' INT; touch up; while :; do sleep 0.02; done";
    let child = up(&world, sh(&world, &[], script));
    signal(&child, "INT");
    let ran = end_of(child);
    assert_eq!((ran.code, ran.out().as_str()), (130, "got INT\n"));
}

#[test]
fn a_second_signal_ends_the_grace() {
    let world = World::new();
    let child = up(&world, sh(&world, &["--kill-after", "50s"], "trap '' INT TERM; touch up; sleep 60; sleep 60"));
    signal(&child, "TERM");
    world::sleep(400);
    signal(&child, "TERM");
    let ran = end_of(child);
    assert_eq!(ran.code, 143);
    assert!(ran.took.as_secs() < 10, "{:?}", ran.took);
    assert_nothing_is_left(&world, &ran);
}

#[test]
fn an_interruption_is_neither_forgiven_nor_given_a_default() {
    let world = World::new();
    for options in [&["--best-effort"][..], &["--skip-ok"]] {
        let child = up(&world, sh(&world, options, "touch up; exec sleep 60"));
        signal(&child, "TERM");
        assert_eq!(end_of(child).code, 143, "{options:?}");
        std::fs::remove_file(world.path("up")).unwrap();
    }
}

#[test]
fn an_interrupted_probe_leaves_the_circuit_due_and_says_nothing_of_it() {
    let world = World::new();
    world.trip("work");
    assert_eq!(world.run(&["probe", "work"]).code, 0);
    let child = up(&world, sh(&world, &[], "touch up; exec sleep 60"));
    signal(&child, "INT");
    let ran = end_of(child);
    assert_eq!(ran.code_and_line(), (130, String::new()));
    let circuit = world.circuit("work");
    assert_eq!((&circuit["state"], &circuit["probe_due"]), (&"open".into(), &true.into()));
    assert_eq!(world.exec("work", &[], "true").code, 0);
    assert_eq!(world.circuit("work")["state"], "closed");
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_so() {
    let world = World::new();
    let script = "trap '' INT; \"$BIN\" exec work -- sh -c 'touch up; read line; exit 4'";
    let mut command = world.other("sh", &["-c", script]);
    let child = up(&world, {
        command.stdin(std::process::Stdio::piped());
        command
    });
    let pids = world.census();
    let ours = pids.iter().find(|line| line.contains("fuseboard exec")).expect("our process");
    let pid = ours.split(' ').next().unwrap();
    assert!(Command::new("kill").args(["-INT", pid]).status().unwrap().success());
    world::sleep(100);
    assert_eq!(end_of(child).code, 4, "ended by an end of input, not by the signal");
}

#[test]
fn killed_itself_it_leaves_a_probe_that_costs_one_cool_down_and_no_more() {
    let world = World::new();
    let options = ["--trip-after", "1", "--cool-down", "3s"];
    assert_eq!(world.exec("work", &options, "exit 7").code, 7);
    world.await_probe("work");
    let child = up(&world, sh(&world, &options, "touch up; exec sleep 60"));
    assert_eq!(world.circuit("work")["state"], "half-open");
    assert_eq!(world.exec("work", &options, "true").code, 75, "one probe at a time");
    signal(&child, "KILL");
    for line in world.census() {
        // What a killed Fuseboard leaves is nobody's; the next run of a pipeline would end it.
        let pid = line.split(' ').next().unwrap().to_owned();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }
    assert_eq!(end_of(child).code, -9);
    wait_for("the end of the rest", || world.census().is_empty());
    let lost = world.exec("work", &options, "true");
    assert_eq!(lost.code, 75, "a lost probe is a failed one: {}", lost.err());
    assert!(lost.err().contains("the probe's process died before it reported"), "{}", lost.err());
    world.await_probe("work");
    assert_eq!(world.exec("work", &options, "true").code, 0);
    assert_eq!(world.events("work"), ["opened", "probing", "probe-lost", "probing", "closed"]);
}
