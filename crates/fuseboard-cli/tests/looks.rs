//! Looking: `allowed`, `status`, `history`, `explain`. Nothing that looks changes anything.

mod world;

use std::fs;

use fuseboard_pipeline::stamp::Stamp;
use serde_json::{Value, json};
use world::{World, finish};

/// The keys of an object, in their order.
fn keys(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn allowed_says_0_or_75_and_nothing_else() {
    let world = World::new();
    let allowed = |name: &str| {
        let ran = world.run(&["allowed", name]);
        assert_eq!((ran.out(), ran.err()), (String::new(), String::new()));
        ran.code
    };
    assert_eq!(allowed("never-seen"), 0);
    assert_eq!(world.exec("w", &["--trip-after", "1", "--cool-down", "2s"], "exit 1").code, 1);
    assert_eq!(allowed("w"), 75);
    world.await_probe("w");
    assert_eq!((allowed("w"), allowed("w")), (0, 0), "a due probe is not taken");
    world.run(&["switch", "w", "off", "--reason", "x"]);
    assert_eq!(allowed("w"), 75);
    world.run(&["switch", "w", "on", "--reason", "x"]);
    assert_eq!(allowed("w"), 0);
}

#[test]
fn allowed_while_a_probe_is_out_says_no() {
    let world = World::new();
    world.trip("w");
    world.run(&["probe", "w"]);
    let child = world::start(world.command(&["exec", "w", "--", "sh", "-c", "touch up; sleep 0.5"]));
    world.await_file("up");
    assert_eq!(world.run(&["allowed", "w"]).code, 75);
    assert_eq!(world.circuit("w")["state"], "half-open");
    assert_eq!(world::end_of(child).code, 0);
}

#[test]
fn looking_changes_no_byte_of_the_store() {
    let world = World::new();
    world.trip("open");
    world.exec("fine", &[], "true");
    let bytes = || {
        let folder = fs::read_dir(world.store().parent().unwrap()).unwrap();
        let mut files: Vec<_> = folder.map(|entry| entry.unwrap().path()).filter(|path| path.is_file()).collect();
        files.sort();
        let shown: Vec<_> = files.iter().filter(|file| !file.to_str().unwrap().ends_with("-shm")).collect();
        shown.into_iter().map(|file| (file.clone(), fs::read(file).unwrap())).collect::<Vec<_>>()
    };
    let before = bytes();
    for words in [
        &["allowed", "open"][..],
        &["allowed", "fine"],
        &["allowed", "new"],
        &["status"],
        &["status", "open"],
        &["status", "--format", "json"],
        &["history"],
        &["history", "open", "--outcomes"],
        &["explain", "open"],
    ] {
        world.run(words);
        assert!(bytes() == before, "{words:?} wrote to the store");
    }
}

#[test]
fn looking_at_nothing_makes_no_store() {
    let world = World::new();
    for words in [&["status"][..], &["history"], &["allowed", "x"], &["status", "--format", "json"]] {
        let ran = world.run(words);
        assert_eq!(ran.code, 0, "{}", ran.err());
        assert!(!world::exists(&world.store()), "{words:?} made a store");
    }
    assert_eq!(
        world.run(&["status", "--format", "json"]).json(),
        json!({"schema": "fuseboard.status/1", "circuits": []})
    );
}

#[test]
fn status_as_json_has_exactly_these_keys() {
    let world = World::new();
    world.trip("notify");
    world.exec("notify", &[], "true");
    let status = world.run(&["status", "--format", "json"]).json();
    assert_eq!(keys(&status), ["schema", "circuits"]);
    assert_eq!(status["schema"], "fuseboard.status/1");
    let circuit = &status["circuits"][0];
    let wanted = [
        "name",
        "state",
        "switch",
        "failures",
        "since",
        "probe_at",
        "probe_due",
        "trips",
        "skips",
        "last_error",
        "last_failure",
        "policy",
        "totals",
        "hosts",
    ];
    assert_eq!(keys(circuit), wanted);
    assert_eq!(keys(&circuit["totals"]), ["success", "failure", "timeout", "skipped", "ignored", "late"]);
    assert_eq!(keys(&circuit["last_failure"]), ["kind", "at"]);
    for (key, value) in [
        ("name", json!("notify")),
        ("state", json!("open")),
        ("switch", json!(null)),
        ("failures", json!(1)),
        ("probe_due", json!(false)),
        ("trips", json!(1)),
        ("skips", json!(1)),
        ("last_error", json!("exited with code 9: it is broken")),
        ("hosts", json!([])),
        ("totals", json!({"success": 0, "failure": 1, "timeout": 0, "skipped": 1, "ignored": 0, "late": 0})),
    ] {
        assert_eq!(circuit[key], value, "{key}");
    }
    for moment in [&circuit["since"], &circuit["probe_at"], &circuit["last_failure"]["at"]] {
        let text = moment.as_str().expect("a moment");
        assert!(text.len() == 24 && text.as_bytes()[10] == b'T' && text.ends_with('Z'), "{text}");
    }
}

#[test]
fn a_closed_circuit_has_the_same_keys_with_nulls() {
    let world = World::new();
    world.exec("fine", &[], "true");
    let circuit = world.circuit("fine");
    assert_eq!(keys(&circuit).len(), 14);
    for key in ["switch", "since", "probe_at", "last_error", "last_failure"] {
        assert_eq!(circuit[key], Value::Null, "{key}");
    }
    world.run(&["switch", "fine", "off", "--reason", "because", "--for", "2h"]);
    let switch = &world.circuit("fine")["switch"];
    assert_eq!(keys(switch), ["position", "by", "reason", "until"]);
    assert_eq!(
        (&switch["position"], &switch["by"], &switch["reason"]),
        (&"off".into(), &"tester".into(), &"because".into())
    );
}

#[test]
fn the_moments_of_an_outage_stay_the_same_from_look_to_look() {
    let world = World::new();
    world.trip("notify");
    let moments = || {
        let circuit = world.circuit("notify");
        ["since", "probe_at"].map(|key| circuit[key].as_str().unwrap().parse::<Stamp>().unwrap())
    };
    let first = moments();
    for _ in 0..20 {
        for (now, before) in moments().into_iter().zip(first) {
            let drift = now.millis() - before.millis();
            assert!(drift.abs() <= 50, "{now} was {before}");
        }
    }
}

#[test]
fn the_table_shows_each_circuit_and_the_time_saved() {
    let world = World::new();
    world.exec("fine", &[], "true");
    world.exec("dead", &["--trip-after", "1"], "sleep 0.2; echo no route >&2; exit 1");
    world.exec("dead", &[], "true");
    let ran = world.run(&["status"]);
    let out = ran.out();
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 4, "{out}");
    for word in ["CIRCUIT", "STATE", "SINCE", "FAILURES", "NEXT PROBE", "SKIPS", "LAST ERROR", "SWITCH"] {
        assert!(lines[0].contains(word), "{out}");
    }
    assert!(lines[1].starts_with("dead") && lines[1].contains("open") && lines[1].contains("no route"), "{out}");
    assert!(lines[2].starts_with("fine") && lines[2].contains("closed"), "{out}");
    assert!(lines[3].starts_with("time saved by skipping what is broken: 2"), "{out}");
    assert!(lines[3].ends_with("ms"), "{out}");
}

#[test]
fn a_single_name_is_shown_as_a_card() {
    let world = World::new();
    world.trip("dead");
    world.run(&["switch", "dead", "on", "--reason", "we need it"]);
    let card = world.run(&["status", "dead"]).out();
    for line in ["circuit      dead", "state        open (switched on)", "skips        0", "on by tester: we need it"] {
        assert!(card.contains(line), "{line:?} is missing in\n{card}");
    }
}

#[test]
fn open_only_and_fail_if_open_look_for_what_does_not_run() {
    let world = World::new();
    let codes = |words: &[&str]| world.run(&[&["status"], words].concat()).code;
    world.exec("fine", &[], "true");
    assert_eq!((codes(&["--fail-if-open"]), codes(&["--open-only"])), (0, 0));
    world.run(&["switch", "fine", "off", "--reason", "x"]);
    assert_eq!(codes(&["--fail-if-open"]), 1, "switched off");
    world.run(&["switch", "fine", "auto"]);
    world.trip("dead");
    assert_eq!((codes(&[]), codes(&["--fail-if-open"]), codes(&["--fail-if-open", "fine"])), (0, 1, 0));
    let open = world.run(&["status", "--open-only", "--format", "json"]).json();
    let names: Vec<&Value> = open["circuits"].as_array().unwrap().iter().map(|circuit| &circuit["name"]).collect();
    assert_eq!(names, ["dead"]);
}

#[test]
fn history_tells_events_oldest_first_and_as_json_one_object_a_line() {
    let world = World::new();
    world.trip("a");
    world.trip("b");
    world.run(&["reset", "a"]);
    let ran = world.run(&["history", "--format", "json"]);
    let events = ran.json_lines();
    let shown: Vec<_> =
        events.iter().map(|event| (event["circuit"].as_str().unwrap(), event["event"].as_str().unwrap())).collect();
    assert_eq!(shown, [("a", "opened"), ("b", "opened"), ("a", "reset")]);
    for event in &events {
        assert_eq!(keys(event), ["at", "circuit", "event", "cause", "failures", "probe_at", "by", "run"]);
    }
    assert_eq!((&events[0]["failures"], &events[0]["cause"]), (&1.into(), &"exited with code 9: it is broken".into()));
    assert_eq!((&events[2]["by"], &events[2]["failures"]), (&"tester".into(), &Value::Null));
    let text = world.run(&["history", "a"]).out();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() == 2 && lines[0].contains("opened") && lines[1].contains("reset"), "{text}");
}

#[test]
fn history_of_outcomes_has_one_row_for_each_call() {
    let world = World::new();
    let mut command = world.command(&["exec", "a", "--trip-after", "1", "--", "sh", "-c", "exit 3"]);
    command.env("FUSEBOARD_RUN", "run-1");
    finish(command);
    world.exec("a", &[], "true");
    world.exec("b", &[], "true");
    let rows = world.run(&["history", "--outcomes", "--format", "json"]).json_lines();
    let shown: Vec<_> =
        rows.iter().map(|row| (&row["circuit"], &row["outcome"], &row["failure"], &row["run"])).collect();
    let (a, b, null) = (json!("a"), json!("b"), Value::Null);
    let (failure, skipped, success, exit, run) =
        (json!("failure"), json!("skipped"), json!("success"), json!("exit"), json!("run-1"));
    assert_eq!(shown, [(&a, &failure, &exit, &run), (&a, &skipped, &null, &null), (&b, &success, &null, &null)]);
    assert_eq!(keys(&rows[0]), ["at", "circuit", "outcome", "failure", "duration_ms", "run"]);
    assert_eq!(world.run(&["history", "b", "--outcomes"]).out().lines().count(), 1);
    let newest = world.run(&["history", "--outcomes", "--limit", "1", "--format", "json"]).json_lines();
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0]["circuit"], "b");
}

#[test]
fn explain_says_why_what_next_and_what_to_type() {
    let world = World::new();
    world.trip("dead");
    world.exec("dead", &[], "true");
    let text = world.run(&["explain", "dead"]).out();
    for part in [
        "open since",
        "it is broken",
        "1 call",
        "is a probe",
        "fuseboard probe dead",
        "fuseboard reset dead",
        "fuseboard history dead",
    ] {
        assert!(text.contains(part), "{part:?} is missing in\n{text}");
    }
    let json = world.run(&["explain", "dead", "--format", "json"]).json();
    assert_eq!(keys(&json), ["schema", "circuit", "sentences"]);
    assert_eq!(json["schema"], "fuseboard.explain/1");
}
