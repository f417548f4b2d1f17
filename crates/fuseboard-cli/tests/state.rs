//! Circuits are carried to another machine, and of each the newer one stands.

mod world;

use std::fs;

use fuseboard_pipeline::stamp::Stamp;
use serde_json::Value;
use world::{World, feed, sleep};

/// Carries the circuits of one world to another.
fn carry(from: &World, to: &World) -> world::Ran {
    let file = from.path("circuits.json");
    let exported = from.run(&["state", "export", file.to_str().unwrap()]);
    assert_eq!((exported.code, exported.out()), (0, String::new()), "{}", exported.err());
    to.run(&["state", "import", "--format", "json", file.to_str().unwrap()])
}

#[test]
fn what_one_runner_learned_the_next_one_knows() {
    let (first, next) = (World::new(), World::new());
    first.trip("deploy");
    first.run(&["switch", "mail", "off", "--reason", "moving", "--for", "2h"]);
    first.run(&["exec", "fine", "--", "true"]);
    let carried = carry(&first, &next);
    assert_eq!(carried.code, 0, "{}", carried.err());
    assert_eq!(carried.json()["taken"], serde_json::json!(["deploy", "fine", "mail"]));
    for name in ["deploy", "mail", "fine"] {
        let (there, here) = (first.circuit(name), next.circuit(name));
        for field in ["/state", "/failures", "/last_error", "/switch/reason", "/switch/position", "/totals"] {
            assert_eq!(there.pointer(field), here.pointer(field), "{name}: {field}");
        }
        for field in ["/since", "/probe_at", "/switch/until"] {
            let at = |circuit: &Value| {
                let text = circuit.pointer(field)?.as_str()?.parse::<Stamp>().unwrap();
                Some(text.millis())
            };
            // Moments are told by two clocks, of which each call asks one after the other.
            assert!(at(&there).zip(at(&here)).is_none_or(|(there, here)| there.abs_diff(here) < 50), "{name}: {field}");
            assert_eq!(at(&there).is_some(), at(&here).is_some(), "{name}: {field}");
        }
    }
    assert_eq!(next.exec("deploy", &[], "true").code, 75, "it is skipped there, too");
}

#[test]
fn the_newer_one_stands_whichever_way_it_is_carried() {
    let (first, second) = (World::new(), World::new());
    first.trip("deploy");
    sleep(5);
    second.exec("deploy", &[], "true");
    assert_eq!(carry(&first, &second).json()["kept"], 1, "the second is newer");
    assert_eq!(second.circuit("deploy")["state"], "closed");
    assert_eq!(carry(&second, &first).json()["taken"], serde_json::json!(["deploy"]));
    assert_eq!(first.circuit("deploy")["state"], "closed");
    for _ in 0..2 {
        assert_eq!(carry(&second, &first).json()["kept"], 1, "once is enough");
        assert_eq!(carry(&first, &second).json()["kept"], 1);
    }
}

#[test]
fn a_moment_of_the_future_does_not_win_for_ever() {
    let (first, second) = (World::new(), World::new());
    first.trip("deploy");
    let text = first.run(&["state", "export", "-"]).out();
    let wall = text.lines().find(|line| line.contains("written_wall")).unwrap().trim().to_owned();
    let forged = text.replace(&wall, "\"written_wall\": 9000000000000000,");
    let taken = feed(second.command(&["state", "import", "-"]), forged.as_bytes());
    assert_eq!(taken.code, 0, "{}", taken.err());
    assert_eq!(second.circuit("deploy")["state"], "open");
    sleep(5);
    second.run(&["reset", "deploy"]);
    feed(second.command(&["state", "import", "-"]), text.as_bytes());
    assert_eq!(second.circuit("deploy")["state"], "closed", "what an operator did later stands");
}

#[test]
fn what_is_no_state_is_refused_and_changes_nothing() {
    let world = World::new();
    world.trip("deploy");
    let text = world.run(&["state", "export", "-"]).out();
    for (wrong, said) in [
        ("{".to_owned(), "it holds no circuits"),
        (text.replace("state/1", "state/7"), "its schema is"),
        (text.replace("\"deploy\"", "\"../../x\""), "is no circuit's name"),
    ] {
        fs::write(world.path("wrong.json"), &wrong).unwrap();
        let ran = world.run(&["state", "import", "wrong.json"]);
        assert_eq!(ran.code, 64, "{}", ran.err());
        assert!(ran.err().contains(said) && ran.err().contains("wrong.json"), "{}", ran.err());
    }
    assert_eq!(world.run(&["state", "import", "gone.json"]).code, 64);
    assert_eq!(world.circuit("deploy")["state"], "open");
    assert_eq!(world.run(&["state", "export", "--store", "memory:", "-"]).code, 69);
}

#[test]
fn an_agent_imports_nothing() {
    let world = World::new();
    world.trip("deploy");
    fs::write(world.path("state.json"), world.run(&["state", "export", "-"]).out()).unwrap();
    let mut command = world.command(&["state", "import", "state.json"]);
    command.env("FUSEBOARD_RUN", "01a209b5-dc00-7000-8000-000000000000");
    assert_eq!(world::finish(command).code, 77);
}
