//! The report tells the truth: what each end of a step is called, and what the run ends with.

mod mission_stage;
mod world;

use std::time::Duration;

use mission_stage::{Flown, Stage};

/// A step of that name; further keys follow.
fn step(name: &str, kind: &str, script: &str, more: &str) -> String {
    format!("[[step]]\nname = '{name}'\nkind = '{kind}'\nrun = ['sh', '-c', '''{script}''']\n{more}\n")
}

#[test]
fn each_end_of_a_step_has_its_status_and_its_exit_code() {
    for (script, more, ends, failure, code_if_required) in [
        ("true", "", ("success", ""), "", 0),
        ("exit 3", "", ("failed", ""), "exit", 1),
        ("exit 1", "", ("failed", ""), "exit", 1),
        ("kill -9 $$", "", ("failed", ""), "signal", 1),
        ("sleep 20", "timeout = '200ms'", ("timed-out", ""), "timeout", 1),
        ("true", "enabled = false", ("skipped", "disabled"), "", 0),
        ("true", "on = 'failure'", ("skipped", "job-succeeded"), "", 0),
    ] {
        for kind in ["recorder", "action"] {
            for required in [false, true] {
                let stage = Stage::new(&step("work", kind, script, &format!("required = {required}\n{more}")));
                let flown = stage.fly(&[], "true");
                let told = format!("{kind} {script} {more} {required}: {}", flown.told());
                assert_eq!((flown.end_of("work"), flown.word("work", "failure")), (ends, failure), "{told}");
                assert!(flown.row("work")["verdict"].is_null() && flown.row("work")["evaluated"].is_null(), "{told}");
                assert_eq!(flown.code(), if required { code_if_required } else { 0 }, "{told}");
            }
        }
    }
}

#[test]
fn a_row_has_every_key_of_the_contract_and_the_report_too() {
    let stage = Stage::new(&step("work", "recorder", "true", ""));
    let flown = stage.fly(&["--title", "mend it", "--mode", "code", "--run-number", "3"], "true");
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(
        keys(flown.row("work")),
        "name kind circuit status reason failure duration_ms detail output evaluated verdict why commit blocked_by \
         probe_at last_error"
    );
    assert_eq!(
        keys(&flown.report),
        "schema id job started_at duration_ms deadline_ms result exit_code steps circuits notices"
    );
    assert_eq!(
        keys(&flown.report["job"]),
        "schema id title mode run_number agent session_id project started_at ended_at exit_code succeeded failure_kind \
         stdout_path stderr_path result_text usage"
    );
    assert_eq!(flown.report["schema"], "fuseboard.run/1");
    assert_eq!(flown.report["job"]["title"], "mend it");
    assert_eq!(flown.report["deadline_ms"], 1_800_000);
    let started = flown.report["started_at"].as_str().unwrap();
    assert!(started.len() == 24 && started.ends_with('Z'), "{started}");
}

#[test]
fn an_advisory_gate_is_told_and_blocks_nothing() {
    for (script, verdict, evaluated) in [("exit 1", "block", true), ("exit 9", "block", false), ("true", "pass", true)]
    {
        let publish = step("publish", "action", "touch ../published", "after = ['hint']");
        let stage = Stage::new(&(step("hint", "gate", script, "advisory = true") + &publish));
        let flown = stage.fly(&[], "true");
        assert_eq!((flown.word("hint", "verdict"), &flown.row("hint")["evaluated"]), (verdict, &evaluated.into()));
        assert!(flown.code() == 0 && stage.has("published"), "{}", flown.told());
    }
}

#[test]
fn a_due_gate_that_blocks_is_77_though_nothing_waits_for_it() {
    for script in ["exit 1", "exit 9", "kill -9 $$"] {
        let flown = Stage::new(&step("check", "gate", script, "")).fly(&[], "true");
        assert_eq!((flown.code(), &flown.report["result"]), (77, &"blocked".into()), "{script}: {}", flown.told());
    }
    for (options, more, agent, code) in
        [(&["--skip", "check"][..], "", "true", 0), (&[], "enabled = false", "true", 0), (&[], "", "exit 4", 4)]
    {
        let flown = Stage::new(&step("check", "gate", "exit 1", more)).fly(options, agent);
        assert_eq!(flown.code(), code, "{options:?} {more} {agent}: {}", flown.told());
        assert_ne!(flown.report["result"], "blocked", "{}", flown.told());
    }
}

#[test]
fn steps_run_after_the_jobs_that_they_are_meant_for() {
    let steps: String =
        ["success", "failure", "always"].map(|on| step(on, "recorder", "true", &format!("on = '{on}'"))).concat();
    let stage = Stage::new(&(steps + &step("act", "action", "true", "") + &step("note", "recorder", "true", "")));
    for (agent, ran, skipped) in [
        ("true", ["success", "always", "act", "note"].as_slice(), [("failure", "job-succeeded")].as_slice()),
        ("exit 1", &["failure", "always", "note"], &[("success", "job-failed"), ("act", "job-failed")]),
    ] {
        let flown = stage.fly(&[], agent);
        for name in ran {
            assert_eq!(flown.end_of(name), ("success", ""), "{agent}: {}", flown.told());
        }
        for (name, reason) in skipped {
            assert_eq!(flown.end_of(name), ("skipped", *reason), "{agent}: {}", flown.told());
        }
    }
}

#[test]
fn steps_that_wait_for_nothing_run_side_by_side_as_many_as_jobs_allows() {
    let two = step("one", "recorder", "sleep 0.8", "") + &step("two", "recorder", "sleep 0.8", "");
    let took = |jobs: &str| {
        let flown = Stage::new(&format!("[pipeline]\njobs = {jobs}\n{two}")).fly(&[], "true");
        assert_eq!(flown.code(), 0);
        flown.report["duration_ms"].as_u64().unwrap()
    };
    let (together, in_turn) = (took("2"), took("1"));
    assert!((800..1500).contains(&together), "{together} ms");
    assert!(in_turn >= 1600, "{in_turn} ms");
}

#[test]
fn order_is_that_of_after_and_last_comes_last() {
    let note = |name: &str, more: &str| step(name, "recorder", &format!("echo {name} >>../order"), more);
    let stage = Stage::new(
        &[
            note("end", "last = true"),
            note("third", "after = ['second']"),
            note("second", "after = ['first']"),
            // Waiting includes whatever end the other has.
            step("first", "recorder", "sleep 0.2; echo first >>../order; exit 1", ""),
        ]
        .concat(),
    );
    let flown = stage.fly(&[], "true");
    assert_eq!(stage.read("order"), "first\nsecond\nthird\nend\n", "{}", flown.told());
    let names: Vec<_> = flown.report["steps"].as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["end", "third", "second", "first"], "the rows stand in the order of the file");
}

#[test]
fn what_the_deadline_cuts_is_really_gone_and_its_circuit_is_not_told() {
    let family = "sh -c 'sleep 61' & setsid sh -c 'trap \"\" TERM; sleep 62' & (setsid sh -c 'sleep 63' &); touch ../up; \
                  trap '' TERM; sleep 64; sleep 65";
    let steps = step("family", "recorder", family, "") + &step("later", "recorder", "true", "after = ['family']");
    let end = step("end", "recorder", "touch ../end", "last = true");
    let stage =
        Stage::new(&format!("[pipeline]\ndeadline = '2s'\n[circuits.family]\nkill_after = '300ms'\n{steps}{end}"));
    let flown = stage.fly(&[], "true");
    assert_eq!(stage.world.census(), Vec::<String>::new(), "{}", flown.told());
    assert!(stage.has("up"), "{}", flown.told());
    assert_eq!(flown.end_of("family"), ("timed-out", "deadline"), "{}", flown.told());
    assert_eq!(flown.end_of("later"), ("skipped", "deadline"), "{}", flown.told());
    assert_eq!((flown.code(), &flown.report["result"]), (124, &"timed-out".into()), "{}", flown.told());
    assert!(flown.ran.took < Duration::from_secs(5), "{:?}", flown.ran.took);
    assert_eq!(stage.world.circuit("family")["totals"]["ignored"], 1);
}

#[test]
fn time_is_kept_for_what_comes_last() {
    let steps = step("slow", "recorder", "sleep 20", "") + &step("end", "recorder", "touch ../end", "last = true");
    let stage = Stage::new(&format!("[pipeline]\ndeadline = '5s'\n{steps}"));
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.end_of("slow"), ("timed-out", "deadline"), "{}", flown.told());
    assert!(flown.end_of("end") == ("success", "") && stage.has("end"), "{}", flown.told());
}

#[test]
fn three_failing_runs_read_failed_failed_skipped_and_the_circuit_is_told_once() {
    let stage = Stage::new(&step("push", "recorder", "echo no route >&2; exit 1", ""));
    let flights = [(); 3].map(|()| stage.fly(&[], "true"));
    let ends = flights.each_ref().map(|flown| flown.end_of("push"));
    assert_eq!(ends, [("failed", ""), ("failed", ""), ("skipped", "circuit-open")]);
    let opened = flights.each_ref().map(|flown| flown.report["circuits"]["opened"].as_array().unwrap().len());
    assert_eq!(opened, [0, 1, 0]);
    let lines = flights.each_ref().map(|flown| flown.ran.lines().iter().filter(|line| line.contains("OPEN")).count());
    assert_eq!(lines, [0, 1, 0], "{} {}", flights[1].ran.err(), flights[2].ran.err());
    let third = flights[2].row("push");
    assert!(third["probe_at"].is_string() && third["last_error"].as_str().unwrap().contains("no route"), "{third}");
    assert_eq!(flights.each_ref().map(Flown::code), [0, 0, 0]);
    assert_eq!(flights[2].report["circuits"]["open"][0], "push");
}

#[test]
fn a_healthy_run_sends_no_notice_and_others_say_what_needs_a_person() {
    let tell = "[[step]]\nname = 'tell'\nuses = 'notify'\n";
    let stage = Stage::new(
        &(step("check", "gate", "test ! -e ../broken", "")
            + &step("publish", "action", "true", "gated_by = ['check']")
            + tell),
    );
    let outbox = || stage.read("state/fuseboard/outbox.jsonl");
    let flown = stage.fly(&[], "true");
    assert_eq!((flown.code(), outbox().as_str(), &flown.report["notices"]), (0, "", &0.into()), "{}", flown.told());
    let flown = stage.fly(&[], "touch ../broken");
    assert_eq!((flown.code(), &flown.report["notices"]), (77, &1.into()), "{}", flown.told());
    assert!(outbox().contains("publish was held back by check") && outbox().lines().count() == 1, "{}", outbox());
    let flown = stage.fly(&[], "exit 5");
    assert_eq!((flown.code(), &flown.report["notices"]), (5, &1.into()), "{}", flown.told());
    assert!(outbox().lines().count() == 2 && outbox().contains("Exit code 5"), "{}", outbox());
}
