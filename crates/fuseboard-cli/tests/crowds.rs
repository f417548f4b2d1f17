//! Many processes on one circuit: no count is lost, one probe at a time.

mod world;

use std::process::Child;

use world::{Ran, World, end_of, start};

/// Starts so many calls at once and returns their ends.
fn crowd(world: &World, size: usize, words: &[&str]) -> Vec<Ran> {
    let children: Vec<Child> = (0..size).map(|_| start(world.command(words))).collect();
    children.into_iter().map(end_of).collect()
}

/// How many calls are made at once, unless `FUSEBOARD_CROWD` says otherwise.
fn many() -> usize {
    std::env::var("FUSEBOARD_CROWD").ok().and_then(|crowd| crowd.parse().ok()).unwrap_or(200)
}

#[test]
fn many_calls_at_once_lose_no_count_and_print_nothing() {
    let world = World::new();
    let ends = crowd(&world, many(), &["exec", "busy", "--", "true"]);
    for ran in &ends {
        assert_eq!((ran.code, ran.err().as_str()), (0, ""));
    }
    assert_eq!(world.circuit("busy")["totals"]["success"], many());
    assert_eq!(world.run(&["history", "busy", "--outcomes", "--format", "json"]).json_lines().len(), many().min(1000));
}

#[test]
fn many_failures_at_once_are_all_counted_and_open_it_once() {
    let world = World::new();
    let ends = crowd(&world, many(), &["exec", "busy", "--", "sh", "-c", "exit 3"]);
    assert!(ends.iter().all(|ran| [3, 75].contains(&ran.code)));
    let opened: usize = ends.iter().map(|ran| ran.err().matches("circuit OPEN").count()).sum();
    assert_eq!(opened, 1);
    let totals = &world.circuit("busy")["totals"];
    let counted: u64 = ["failure", "late", "skipped"].iter().map(|key| totals[key].as_u64().unwrap()).sum();
    assert_eq!(counted, many() as u64, "{totals}");
    assert_eq!(world.events("busy"), ["opened"]);
}

#[test]
fn many_circuits_at_once_are_all_kept() {
    let world = World::new();
    let names: Vec<String> = (0..many()).map(|at| format!("c{at:04}")).collect();
    let children: Vec<Child> = names.iter().map(|name| start(world.command(&["exec", name, "--", "true"]))).collect();
    for ran in children.into_iter().map(end_of) {
        assert_eq!((ran.code, ran.err().as_str()), (0, ""));
    }
    let status = world.run(&["status", "--format", "json"]).json();
    let kept: Vec<&str> =
        status["circuits"].as_array().unwrap().iter().map(|circuit| circuit["name"].as_str().unwrap()).collect();
    assert_eq!(kept, names);
}

#[test]
fn of_sixteen_callers_of_a_due_circuit_exactly_one_runs() {
    for outcome in ["exit 0", "exit 8"] {
        let world = World::new();
        world.trip("due");
        assert_eq!(world.run(&["probe", "due"]).code, 0);
        let script = format!("echo x >>runs; sleep 3; {outcome}");
        let mut codes: Vec<i32> =
            crowd(&world, 16, &["exec", "due", "--", "sh", "-c", &script]).iter().map(|ran| ran.code).collect();
        codes.sort_unstable();
        assert_eq!(world.read("runs").lines().count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| **code == 75).count(), 15, "{codes:?}");
        let state = &world.circuit("due")["state"];
        assert_eq!(state, if outcome == "exit 0" { "closed" } else { "open" });
    }
}

#[test]
fn recorders_lookers_and_operators_at_once_disturb_nobody() {
    let world = World::new();
    let words: [&[&str]; 5] = [
        &["record", "mixed", "success"],
        &["exec", "mixed", "--", "true"],
        &["status", "--format", "json"],
        &["reset", "mixed"],
        &["allowed", "mixed"],
    ];
    world.exec("mixed", &[], "true");
    let children: Vec<Child> = (0..100).map(|at| start(world.command(words[at % 5]))).collect();
    for ran in children.into_iter().map(end_of) {
        assert_eq!(ran.code, 0, "{}", ran.err());
        assert!(!ran.err().contains("store"), "{}", ran.err());
    }
    // A reset begins a new period: what was admitted before it reports late.
    let totals = &world.circuit("mixed")["totals"];
    assert_eq!(totals["success"].as_u64().unwrap() + totals["late"].as_u64().unwrap(), 41, "{totals}");
}
