//! Acting: `record`, `switch`, `probe`, `reset`.

mod world;

use world::{World, finish};

#[test]
fn outcomes_that_were_seen_elsewhere_open_and_close_a_circuit() {
    let world = World::new();
    let record = |words: &[&str]| world.run(&[&["record", "notify"], words].concat()).code_and_line();
    assert_eq!(record(&["success"]), (0, String::new()));
    assert_eq!(record(&["ignored"]), (0, String::new()));
    let (code, line) = record(&["failure", "--reason", "no route"]);
    assert_eq!((code, line.as_str()), (0, "fuseboard: notify failed (1 of 2): no route"));
    let (code, line) = record(&["failure"]);
    assert!(code == 0 && line.contains("circuit OPEN after 2 failures"), "{line}");
    assert_eq!(world.run(&["allowed", "notify"]).code, 75);
    for outcome in ["success", "failure", "ignored"] {
        let (code, line) = record(&[outcome]);
        assert!(code == 0 && line.contains("does not count while the circuit is open"), "{outcome}: {line}");
    }
    assert_eq!(world.circuit("notify")["last_error"], "recorded as failed", "a report that does not count changed it");
    world.run(&["probe", "notify"]);
    let (code, line) = record(&["success"]);
    assert!(code == 0 && line.contains("circuit CLOSED"), "{line}");
    let totals = &world.circuit("notify")["totals"];
    assert_eq!((&totals["success"], &totals["failure"], &totals["ignored"]), (&3.into(), &3.into(), &2.into()));
}

#[test]
fn switched_off_nothing_runs_until_it_is_switched_back() {
    let world = World::new();
    let ran = world.run(&["switch", "w", "off", "--reason", "the chat is being moved"]);
    assert_eq!((ran.code, ran.out().as_str()), (0, ""), "{}", ran.err());
    let (code, line) = world.exec("w", &[], "touch ran").code_and_line();
    assert_eq!(code, 75);
    assert!(line.contains("because tester switched it off: the chat is being moved"), "{line}");
    assert!(!world.path("ran").exists());
    assert_eq!(world.run(&["switch", "w", "auto"]).code, 0);
    assert_eq!(world.exec("w", &[], "touch ran").code, 0);
    let history = world.run(&["history", "w", "--format", "json"]).json_lines();
    let acts: Vec<_> =
        history.iter().map(|event| (event["cause"].as_str().unwrap(), event["by"].as_str().unwrap())).collect();
    assert_eq!(acts, [("off: the chat is being moved", "tester"), ("auto", "tester")]);
}

#[test]
fn switched_on_everything_runs_and_the_state_is_frozen() {
    let world = World::new();
    world.trip("w");
    world.run(&["switch", "w", "on", "--reason", "we need it"]);
    for code in [0, 5, 5, 5] {
        assert_eq!(world.exec("w", &[], &format!("exit {code}")).code, code);
    }
    let circuit = world.circuit("w");
    assert_eq!(
        (&circuit["state"], &circuit["totals"]["failure"], &circuit["trips"]),
        (&"open".into(), &4.into(), &1.into())
    );
    world.run(&["switch", "w", "auto", "--reason", "enough"]);
    assert_eq!(world.exec("w", &[], "true").code, 75);
}

#[test]
fn a_switch_goes_back_by_itself_after_its_time() {
    let world = World::new();
    assert_eq!(world.run(&["switch", "w", "off", "--reason", "a nap", "--for", "2s"]).code, 0);
    assert_eq!(world.exec("w", &[], "true").code, 75);
    world::wait_for("auto", || world.circuit("w")["switch"].is_null());
    assert_eq!(world.exec("w", &[], "true").code, 0);
    assert_eq!(world.run(&["switch", "w", "off", "--reason", "longest", "--for", "720h"]).code, 0);
}

#[test]
fn a_probe_by_hand_makes_the_next_call_the_probe_and_forgives_nothing() {
    let world = World::new();
    world.trip("w");
    assert_eq!(world.run(&["probe", "w"]).code, 0);
    assert_eq!(world.exec("w", &[], "exit 8").code, 8);
    let circuit = world.circuit("w");
    assert_eq!((&circuit["state"], &circuit["trips"]), (&"open".into(), &2.into()));
    assert_eq!(world.exec("w", &[], "true").code, 75);
    world.exec("closed", &[], "true");
    let (code, line) = world.run(&["probe", "closed"]).code_and_line();
    assert!(code == 0 && line.contains("nothing to bring forward"), "{line}");
}

#[test]
fn a_reset_forgives_everything_but_leaves_the_switch() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.trip(name);
    }
    world.run(&["switch", "b", "off", "--reason", "x"]);
    assert_eq!(world.run(&["reset", "a", "b"]).code, 0);
    let state = |name: &str| world.circuit(name)["state"].as_str().unwrap().to_owned();
    assert_eq!([state("a"), state("b"), state("c")], ["closed", "closed", "open"]);
    assert_eq!(world.circuit("b")["switch"]["position"], "off");
    assert_eq!(world.run(&["reset", "--all"]).code, 0);
    assert_eq!(state("c"), "closed");
    assert_eq!(world.circuit("b")["switch"]["position"], "off");
}

#[test]
fn names_never_seen_are_64_with_the_nearest() {
    let world = World::new();
    world.exec("notify", &[], "true");
    for words in [
        &["probe", "notfy"][..],
        &["reset", "notfy"],
        &["explain", "notfy"],
        &["status", "notfy"],
        &["history", "notfy"],
        &["reset", "notify", "notfy"],
    ] {
        let (code, line) = world.run(words).code_and_line();
        assert_eq!(
            (code, line.as_str()),
            (64, "fuseboard: circuit notfy was never seen; did you mean notify?"),
            "{words:?}"
        );
    }
    let (code, line) = world.run(&["explain", "elephant"]).code_and_line();
    assert!(code == 64 && line.ends_with("`fuseboard status` lists what there is"), "{line}");
    assert_eq!(world.run(&["switch", "new", "off", "--reason", "before it starts"]).code, 0, "may be switched before");
}

#[test]
fn an_operators_act_inside_a_mission_is_refused() {
    let world = World::new();
    world.trip("w");
    for words in [
        &["switch", "w", "off", "--reason", "x"][..],
        &["switch", "w", "auto"],
        &["probe", "w"],
        &["reset", "w"],
        &["reset", "--all"],
    ] {
        let mut command = world.command(words);
        command.env("FUSEBOARD_RUN", "0198");
        let (code, line) = finish(command).code_and_line();
        assert!(code == 77 && line.contains("refused inside a mission"), "{words:?}: {code} {line}");
    }
    for words in [&["status"][..], &["explain", "w"], &["history"], &["record", "w", "failure"]] {
        let mut command = world.command(words);
        command.env("FUSEBOARD_RUN", "0198");
        assert_eq!(finish(command).code, 0, "{words:?}");
    }
    assert_eq!(world.events("w"), ["opened"]);
}

#[test]
fn operators_acts_work_while_everything_else_is_switched_off_by_the_environment() {
    let world = World::new();
    world.trip("w");
    let mut command = world.command(&["reset", "w"]);
    command.env("FUSEBOARD", "off");
    let ran = finish(command);
    assert_eq!(ran.code, 0, "{}", ran.err());
}
