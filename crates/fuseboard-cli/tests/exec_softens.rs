//! What the caller sees in place of a code: `--default`, `--best-effort`, `--skip-ok`, lists of codes, `--result`.

mod world;

use serde_json::{Value, json};
use world::{World, end_of, feed, signal, start};

#[test]
fn a_default_stands_for_what_was_not_made_and_only_then() {
    let world = World::new();
    let default = ["--default", "unknown"];
    for (script, shown) in [
        ("printf 'no line feed'", "no line feed"),
        ("true", ""),
        ("echo half; exit 3", "unknown\n"),
        ("echo half; kill -9 $$", "unknown\n"),
    ] {
        let ran = world.exec("count", &default, script);
        assert_eq!((ran.code, ran.out().as_str()), (0, shown), "{script}: {}", ran.err());
    }
    let skipped = world.exec("count", &default, "echo 5");
    assert_eq!((skipped.code, skipped.out().as_str()), (0, "unknown\n"));
    let circuit = world.circuit("count");
    assert_eq!((&circuit["totals"]["failure"], &circuit["totals"]["success"]), (&2.into(), &2.into()));
}

#[test]
fn a_default_stands_for_a_command_that_could_not_be_started_or_took_too_long() {
    let world = World::new();
    let ran = world.run(&["exec", "gone", "--default", "-1", "--", "./missing"]);
    assert_eq!((ran.code, ran.out().as_str()), (0, "-1\n"));
    let ran = world.exec("late", &["--default", "", "--timeout", "100ms"], "echo half; sleep 20");
    assert_eq!((ran.code, ran.out().as_str()), (0, "\n"));
}

#[test]
fn output_that_was_held_back_is_given_byte_for_byte() {
    let world = World::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000_003).collect();
    let ran = feed(world.command(&["exec", "cat", "--default", "x", "--", "cat"]), &bytes);
    assert!(ran.code == 0 && ran.stdout == bytes, "{} bytes, {}", ran.stdout.len(), ran.err());
}

#[test]
fn more_than_64_mb_cannot_be_held_back() {
    let world = World::new();
    let ran = world.exec("flood", &["--default", "too much"], "exec cat /dev/zero");
    assert_eq!((ran.code, ran.out().as_str()), (0, "too much\n"), "{}", ran.err());
    assert!(ran.err().contains("more than can be held back"), "{}", ran.err());
    assert_eq!(world.circuit("flood")["last_failure"]["kind"], "error");
    let ran = world.exec("enough", &["--default", "too much"], "exec head -c 67108864 /dev/zero");
    assert_eq!((ran.code, ran.stdout.len()), (0, 64 << 20), "{}", ran.err());
}

#[test]
fn best_effort_is_0_whatever_happens_and_the_circuit_learns_the_truth() {
    let world = World::new();
    for script in ["exit 3", "kill -9 $$", "true"] {
        assert_eq!(world.exec("work", &["--best-effort"], script).code, 0, "{script}");
    }
    assert_eq!(world.run(&["exec", "gone", "--best-effort", "--", "./missing"]).code, 0);
    assert_eq!(world.exec("late", &["--best-effort", "--timeout", "50ms"], "sleep 20").code, 0);
    for name in ["work", "gone"] {
        let circuit = world.circuit(name);
        assert_eq!((&circuit["state"], world.exec(name, &["--best-effort"], "exit 3").code), (&"open".into(), 0));
    }
}

#[test]
fn skip_ok_forgives_a_skip_and_no_failure() {
    let world = World::new();
    for (script, code) in [("exit 3", 3), ("exit 4", 4), ("exit 5", 0)] {
        assert_eq!(world.exec("work", &["--skip-ok"], script).code, code);
    }
    let ran = world.run(&["exec", "gone", "--skip-ok", "--", "./missing"]);
    assert_eq!(ran.code, 127);
}

#[test]
fn codes_say_what_is_a_success_and_what_tells_nothing() {
    let world = World::new();
    let options = ["--success-codes", "0,1, 3", "--ignore-codes", "4,75", "--trip-after", "100"];
    for code in [0, 1, 3, 4, 75, 2, 5] {
        assert_eq!(world.exec("codes", &options, &format!("exit {code}")).code, code);
    }
    let totals = &world.circuit("codes")["totals"];
    assert_eq!((&totals["success"], &totals["ignored"], &totals["failure"]), (&3.into(), &2.into(), &2.into()));
}

#[test]
fn a_success_code_that_is_not_0_counts_as_made_for_the_default() {
    let world = World::new();
    let ran = world.exec("grep", &["--default", "none", "--success-codes", "0,1"], "echo found; exit 1");
    assert_eq!((ran.code, ran.out().as_str()), (0, "found\n"));
}

/// `--result`, without what differs from call to call.
fn result(world: &World, name: &str, options: &[&str], script: &str) -> Value {
    let options = [&["--result", "result.json"], options].concat();
    world.exec(name, &options, script);
    let text = world.read("result.json");
    assert!(text.ends_with("}\n"), "{text:?}");
    let mut result: Value = serde_json::from_str(&text).unwrap();
    std::fs::remove_file(world.path("result.json")).unwrap();
    let keys: Vec<&str> = result.as_object().unwrap().keys().map(String::as_str).collect();
    let wanted =
        ["schema", "circuit", "outcome", "failure", "exit_code", "duration_ms", "state", "probe_at", "last_error"];
    assert_eq!(keys, wanted);
    for key in ["probe_at", "duration_ms"] {
        if !result[key].is_null() {
            result[key] = "some".into();
        }
    }
    result
}

#[test]
fn the_result_file_tells_each_outcome() {
    let world = World::new();
    let shape = |circuit: &str, outcome: &str, code: i32| {
        json!({"schema": "fuseboard.exec/1", "circuit": circuit, "outcome": outcome, "failure": null, "exit_code": code,
            "duration_ms": "some", "state": "closed", "probe_at": null, "last_error": null})
    };
    let with = |mut shape: Value, changes: Value| {
        shape.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        shape
    };
    assert_eq!(result(&world, "a", &[], "true"), shape("a", "success", 0));
    assert_eq!(result(&world, "a", &["--ignore-codes", "4"], "exit 4"), shape("a", "ignored", 4));
    let failed = json!({"failure": "exit", "last_error": "exited with code 7: why"});
    assert_eq!(result(&world, "a", &["--best-effort"], "echo why >&2; exit 7"), with(shape("a", "failure", 7), failed));
    let opened =
        json!({"failure": "signal", "last_error": "was ended by SIGKILL", "state": "open", "probe_at": "some"});
    assert_eq!(result(&world, "a", &[], "kill -9 $$"), with(shape("a", "failure", 137), opened));
    let skipped =
        json!({"duration_ms": null, "last_error": "was ended by SIGKILL", "state": "open", "probe_at": "some"});
    assert_eq!(result(&world, "a", &[], "true"), with(shape("a", "skipped", 75), skipped));
    let late = json!({"failure": "timeout", "last_error": "timed out"});
    assert_eq!(result(&world, "b", &["--timeout", "50ms"], "exec sleep 20"), with(shape("b", "failure", 124), late));
    let blocked = with(shape("c", "success", 1), json!({}));
    assert_eq!(result(&world, "c", &["--gate"], "exit 1"), blocked);
}

#[test]
fn the_result_file_tells_of_a_failed_start_and_of_an_interruption() {
    let world = World::new();
    assert_eq!(world.run(&["exec", "gone", "--result", "r", "--", "./missing"]).code, 127);
    let result: Value = serde_json::from_str(&world.read("r")).unwrap();
    assert_eq!(
        (&result["failure"], &result["exit_code"], &result["state"]),
        (&"spawn".into(), &127.into(), &"open".into())
    );
    let child = start(world.command(&["exec", "cut", "--result", "r2", "--", "sh", "-c", "touch up; exec sleep 30"]));
    world.await_file("up");
    signal(&child, "TERM");
    assert_eq!(end_of(child).code, 143);
    let result: Value = serde_json::from_str(&world.read("r2")).unwrap();
    assert_eq!((&result["outcome"], &result["exit_code"]), (&"ignored".into(), &143.into()));
}

#[test]
fn a_result_that_cannot_be_written_is_said_and_changes_no_code() {
    let world = World::new();
    for file in ["no/such/folder/r", "/dev/full", "."] {
        let ran = world.exec("work", &["--result", file, "--trip-after", "9"], "exit 7");
        assert_eq!(ran.code, 7);
        assert!(ran.err().contains(&format!("cannot write the result to {file}")), "{}", ran.err());
    }
}
