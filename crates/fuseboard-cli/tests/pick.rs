//! `pick`: the next arm, and why there is none.

mod world;

use std::fs;

use serde_json::json;
use world::{World, assert_plain};

/// What a step `bandit` leaves behind.
fn learned(world: &World, set: &str, arms: &[(&str, f64, f64)]) {
    let folder = world.store().with_file_name("bandit");
    fs::create_dir_all(&folder).unwrap();
    let arm = |(name, alpha, beta): &(&str, f64, f64)| {
        ((*name).to_owned(), json!({"alpha": alpha, "beta": beta, "updated_at": "2026-11-23T17:42:39.569Z"}))
    };
    let arms: serde_json::Map<_, _> = arms.iter().map(arm).collect();
    let state = json!({"schema": "fuseboard.bandit/1", "arms": arms, "runs": []});
    fs::write(folder.join(format!("{set}.json")), state.to_string()).unwrap();
}

#[test]
fn the_arm_that_did_better_is_printed_alone() {
    let world = World::new();
    learned(&world, "project", &[("parser", 900.0, 10.0), ("docs", 10.0, 900.0)]);
    let ran = world.run(&["pick"]);
    assert_eq!((ran.code, ran.out(), ran.err()), (0, "parser\n".to_owned(), String::new()));
}

#[test]
fn a_seed_gives_the_same_again_and_the_answer_tells_it() {
    let world = World::new();
    learned(&world, "agent", &[("claude", 3.0, 2.0), ("codex", 2.0, 2.0)]);
    let pick = |words: &[&str]| world.run(&[&["pick", "--set", "agent", "--format", "json"], words].concat()).json();
    let drawn = pick(&[]);
    assert_eq!(drawn["schema"], "fuseboard.pick/1");
    let seed = drawn["seed"].as_u64().unwrap().to_string();
    assert_eq!(pick(&["--seed", &seed]), drawn);
    let best = drawn["arms"]
        .as_array()
        .unwrap()
        .iter()
        .max_by(|a, b| a["sample"].as_f64().unwrap().total_cmp(&b["sample"].as_f64().unwrap()));
    assert_eq!(best.unwrap()["name"], drawn["picked"]);
    assert_eq!((&drawn["arms"][0]["name"], &drawn["arms"][0]["mean"]), (&json!("claude"), &json!(0.6)));
}

#[test]
fn only_the_arms_that_are_named_take_part_and_new_ones_begin_at_the_prior() {
    let world = World::new();
    learned(&world, "project", &[("parser", 900.0, 10.0)]);
    let drawn = world.run(&["pick", "new", "other", "new", "--format", "json"]).json();
    let arms = drawn["arms"].as_array().unwrap();
    assert_eq!(arms.len(), 2);
    assert!(arms.iter().all(|arm| arm["alpha"] == 1.0 && arm["beta"] == 1.0), "{drawn}");
    let ran = world.run(&["pick", "parser", "-v"]);
    assert_eq!(ran.out(), "parser\n");
    assert!(ran.err().contains("of 900.0 to 10.0") && ran.err().contains("--seed"), "{}", ran.err());
}

#[test]
fn without_any_arm_it_says_what_to_do() {
    let world = World::new();
    let (code, line) = world.run(&["pick"]).code_and_line();
    assert_eq!(code, 64);
    assert!(line.contains("the set project knows no arm yet") && line.contains("fuseboard pick ARM"), "{line}");
    assert!(!world.store().with_file_name("bandit").exists(), "looking makes nothing");
}

#[test]
fn unreadable_state_is_69_even_if_arms_are_named() {
    let world = World::new();
    learned(&world, "project", &[("parser", 2.0, 1.0)]);
    let file = world.store().with_file_name("bandit").join("project.json");
    fs::write(&file, "{").unwrap();
    for words in [&["pick"][..], &["pick", "parser"]] {
        let ran = world.run(words);
        assert_eq!((ran.code, ran.out()), (69, String::new()));
        assert!(ran.err().contains("project.json holds no arms") && ran.err().contains("mend it"), "{}", ran.err());
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "{");
}

#[test]
fn names_are_shown_plain() {
    let world = World::new();
    let ran = world.run(&["pick", "\u{1b}[31mred\u{7}", "-v"]);
    assert_eq!((ran.code, ran.out()), (0, "red\n".to_owned()));
    assert_plain(&ran.stderr);
    learned(&world, "project", &[("\u{1b}[31mred", 2.0, 1.0)]);
    let ran = world.run(&["pick", "-v"]);
    assert_plain(&ran.stdout);
    assert_plain(&ran.stderr);
}

#[test]
fn what_missions_teach_is_what_is_picked() {
    let world = World::new();
    let config = "[[step]]\nname = \"learn\"\nuses = \"bandit\"\nwith = { arm = \"mode\" }\n";
    fs::write(world.path("fuseboard.toml"), config).unwrap();
    assert_eq!(world.run(&["trust"]).code, 0);
    for _ in 0..3 {
        assert_eq!(world.run(&["after", "--exit-code", "3", "--mode", "quick"]).code, 0);
    }
    let drawn = world.run(&["pick", "--set", "mode", "quick", "careful", "--format", "json"]).json();
    assert_eq!((&drawn["arms"][1]["name"], &drawn["arms"][1]["beta"]), (&json!("quick"), &json!(4.0)));
}

#[test]
fn a_full_disk_is_a_failure_of_the_step_and_what_was_learned_stays() {
    let world = World::new();
    let config = "[[step]]\nname = \"learn\"\nuses = \"bandit\"\nwith = { arm = \"mode\" }\n";
    fs::write(world.path("fuseboard.toml"), config).unwrap();
    assert_eq!(world.run(&["trust"]).code, 0);
    assert_eq!(world.run(&["after", "--exit-code", "3", "--mode", "quick"]).code, 0);
    let folder = world.store().with_file_name("bandit");
    let before = fs::read_to_string(folder.join("mode.json")).unwrap();
    // No file may grow, and the signal that would tell so is ignored.
    let line =
        "trap '' XFSZ; ulimit -f 0; exec \"$BIN\" --store memory: after --exit-code 3 --mode quick --format json";
    let ran = world::finish(world.other("sh", &["-c", line]));
    let step = &ran.json()["steps"][0];
    assert_eq!((&step["status"], &step["failure"]), (&json!("failed"), &json!("error")), "{}", ran.err());
    assert!(step["last_error"].as_str().unwrap().starts_with("cannot learn: "), "{step}");
    assert_eq!(fs::read_to_string(folder.join("mode.json")).unwrap(), before);
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the file and its lock: {names:?}");
}
