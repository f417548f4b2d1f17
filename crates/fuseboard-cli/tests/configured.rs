//! What stands in a configuration, as far as `exec` is concerned; and leases, which only a configuration can shorten.

mod world;

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;
use world::{World, end_of, finish, signal, start};

/// A world with this configuration in the file `c`.
fn configured(text: &str) -> World {
    let world = World::new();
    fs::write(world.path("c"), text).unwrap();
    world
}

const SHORT_LEASE: &str = "[circuit]\ntrip_after = 1\ncool_down = \"1s\"\njitter = 0.0\nlease = \"1s\"\n";

#[test]
fn a_probe_that_takes_longer_than_three_leases_closes_its_circuit() {
    let world = configured(SHORT_LEASE);
    let exec = |script: &str| world.exec("slow", &["--config", "c"], script);
    assert_eq!(exec("exit 7").code, 7);
    world.await_probe("slow");
    let words = ["exec", "slow", "--config", "c", "--", "sh", "-c", "touch up; sleep 4"];
    let probe = start(world.command(&words));
    world.await_file("up");
    for _ in 0..6 {
        assert_eq!(exec("true").code, 75, "the probe's lease ran out while its holder lived");
        world::sleep(500);
    }
    let ran = end_of(probe);
    assert!(ran.code == 0 && ran.err().contains("circuit CLOSED"), "{} {}", ran.code, ran.err());
    assert_eq!(world.events("slow"), ["opened", "probing", "closed"]);
    assert_eq!(world.circuit("slow")["totals"]["late"], 0);
}

#[test]
fn a_holder_that_was_stopped_loses_its_probe_and_reports_late() {
    let world = configured(SHORT_LEASE);
    let exec = |script: &str| world.exec("slow", &["--config", "c"], script);
    assert_eq!(exec("exit 7").code, 7);
    world.await_probe("slow");
    let words = ["exec", "slow", "--config", "c", "--", "sh", "-c", "touch up; sleep 1"];
    let probe = start(world.command(&words));
    world.await_file("up");
    signal(&probe, "STOP");
    world.await_probe("slow");
    let lost = exec("true");
    assert_eq!(lost.code, 75, "{}", lost.err());
    assert!(lost.err().contains("did not report before its lease ran out"), "{}", lost.err());
    signal(&probe, "CONT");
    let ran = end_of(probe);
    assert!(ran.code == 0 && ran.err().contains("too late to count"), "{} {}", ran.code, ran.err());
    assert_eq!(world.circuit("slow")["totals"]["late"], 1);
    world.await_probe("slow");
    assert_eq!(exec("true").code, 0);
    assert_eq!(world.circuit("slow")["state"], "closed");
}

#[test]
fn a_store_is_shared_with_the_group_that_the_configuration_names() {
    let group = |name: &str| {
        let world = configured(&format!("[store]\ngroup = \"{name}\"\n"));
        let ran = world.exec("one", &["--config", "c"], "exit 3");
        let mode = fs::metadata(world.store()).ok().map(|meta| meta.mode() & 0o777);
        (world, ran, mode)
    };
    let home = World::new();
    let ours = fs::metadata(home.path(".")).unwrap().gid().to_string();
    let (_, ran, mode) = group(&ours);
    assert_eq!((ran.code, mode), (3, Some(0o660)), "{}", ran.err());
    let (world, ran, mode) = group("no-such-group");
    assert_eq!((ran.code, mode), (3, None));
    let told = "the group \"no-such-group\" of `[store] group` is not in /etc/group; give its number";
    assert!(ran.err().contains(told), "{}", ran.err());
    let switched = world.run(&["--config", "c", "switch", "one", "off", "--reason", "x"]);
    assert!(switched.code == 69 && switched.err().contains(told), "{} {}", switched.code, switched.err());
}

#[test]
fn the_circuits_own_table_counts_and_the_command_line_counts_more() {
    let world = configured("[circuit]\ntrip_after = 3\n[circuits.one]\ntrip_after = 1\nsuccess_codes = [0, 4]\n");
    let codes = |name: &str, options: &[&str]| -> Vec<i32> {
        let options = [&["--config", "c"], options].concat();
        (0..4).map(|_| world.exec(name, &options, "exit 5").code).collect()
    };
    assert_eq!(codes("any", &[]), [5, 5, 5, 75]);
    assert_eq!(world.exec("one", &["--config", "c"], "exit 4").code, 4);
    assert_eq!(codes("one", &[]), [5, 75, 75, 75]);
    assert_eq!(codes("two", &["--trip-after", "2"]), [5, 5, 75, 75]);
}

/// At least half of four calls.
const RATE: &str = "[circuit]\nrate = { failures = 0.5, of = 4, within = \"1h\" }\n";

#[test]
fn under_a_configured_rate_the_share_of_failures_opens_and_every_command_says_so() {
    let world = configured(RATE);
    let look = |words: &[&str]| world.run(&[words, &["--config", "c"]].concat());
    let ran = ["exit 5", "true", "exit 5", "exit 5", "true"].map(|script| world.exec("w", &["--config", "c"], script));
    assert_eq!(ran.iter().map(|ran| ran.code).collect::<Vec<_>>(), [5, 0, 5, 5, 75]);
    let line = "w failed (2 of 3 calls failed within 1h): exited with code 5";
    assert!(ran[2].err().contains(line), "{}", ran[2].err());
    let line = "w: circuit OPEN: 3 of 4 calls failed within 1h (last: exited with code 5); next probe in";
    assert!(ran[3].err().contains(line), "{}", ran[3].err());

    let status = look(&["status", "w", "--format", "json"]).json();
    let circuit = &status["circuits"][0];
    assert_eq!((&circuit["state"], &circuit["failures"]), (&json!("open"), &json!(3)));
    assert_eq!(circuit["policy"]["trip_after"], json!(null));
    assert_eq!(circuit["policy"]["rate"], json!({"failures": 0.5, "of": 4, "within": "1h"}));
    let card = look(&["status", "w"]).out();
    assert!(card.contains("after 3 of 4 calls failed within 1h, then 0 failed probes"), "{card}");
    let explained = look(&["explain", "w"]).out();
    assert!(explained.contains("after 3 of 4 calls failed within 1h."), "{explained}");
}

#[test]
fn the_card_of_a_closed_circuit_shows_the_calls_of_its_rate() {
    let world = configured(RATE);
    let codes = ["true", "exit 5"].map(|script| world.exec("w", &["--config", "c"], script).code);
    assert_eq!(codes, [0, 5]);
    let card = world.run(&["status", "w", "--config", "c"]).out();
    assert!(card.contains("1 in a row; 1 of 2 calls failed within 1h"), "{card}");
}

#[test]
fn trip_after_of_the_command_line_wins_over_a_configured_rate() {
    let world = configured(RATE);
    let ran = [(); 3].map(|()| world.exec("w", &["--config", "c", "--trip-after", "2"], "exit 5"));
    assert_eq!(ran.iter().map(|ran| ran.code).collect::<Vec<_>>(), [5, 5, 75]);
    assert!(ran[1].err().contains("w: circuit OPEN after 2 failures (last:"), "{}", ran[1].err());
}

#[test]
fn the_store_of_the_configuration_is_used() {
    let world = World::new();
    fs::write(world.path("c"), format!("[store]\nurl = \"sqlite:{}\"\n", world.path("own.db").display())).unwrap();
    let mut command = world.command(&["exec", "a", "--", "true"]);
    command.env("FUSEBOARD_CONFIG", world.path("c"));
    let ran = finish(command);
    // Inside of no repository the file counts, since it was named.
    assert_eq!(ran.code, 0, "{}", ran.err());
    let ran = world.run(&["exec", "a", "--config", "c", "--", "true"]);
    assert_eq!((ran.code, ran.err().as_str()), (0, ""));
    assert!(world.path("own.db").exists());
}

#[test]
fn under_a_broken_configuration_work_runs_by_the_defaults_and_no_gate_passes() {
    for text in ["[circuit", "[circuit]\ntripafter = 3\n", "[circuit]\ntrip_after = 0\n[sore]\n", "\u{1b}[31m = 1"] {
        let world = configured(text);
        for _ in 0..2 {
            let ran = world.exec("a", &["--config", "c"], "echo out; exit 5");
            assert_eq!((ran.code, ran.out().as_str()), (5, "out\n"), "{}", ran.err());
            assert!(
                ran.lines().iter().any(|line| line.contains("c:") || line.contains("configuration")),
                "{}",
                ran.err()
            );
            world::assert_plain(&ran.stderr);
        }
        assert_eq!(world.exec("a", &["--config", "c"], "true").code, 75, "trips after 2, the default");
        assert_eq!(world.exec("b", &["--config", "c", "--gate"], "touch ran").code, 77);
        assert!(!world.path("ran").exists());
        for words in
            [&["status", "--config", "c"][..], &["reset", "a", "--config", "c"], &["allowed", "a", "--config", "c"]]
        {
            assert_eq!(world.run(words).code, 0, "{words:?}: needs no valid configuration");
        }
    }
}

#[test]
fn a_configuration_that_is_not_there_is_told_of_and_stops_no_work() {
    let world = World::new();
    let ran = world.exec("a", &["--config", "no-such-file"], "echo out");
    assert_eq!((ran.code, ran.out().as_str()), (0, "out\n"), "{}", ran.err());
    assert!(ran.err().contains("no-such-file"), "{}", ran.err());
    assert_eq!(world.exec("a", &["--config", "no-such-file", "--gate"], "true").code, 77);
}
