//! `validate`: everything that is wrong, with its place, at once; and whether the file is trusted.

mod world;

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use world::{World, assert_plain};

const WRONG: &str = "\
[circuit]
trip_afer = 3

[pipeline]
jobs = 0

[[step]]
name = \"lint\"
kind = \"gat\"
run = [\"true\"]
";

const RIGHT: &str = "\
[pipeline]
deadline = \"10m\"

[[step]]
name = \"lint\"
kind = \"gate\"
run = [\"true\"]

[[step]]
name = \"log\"
kind = \"recorder\"
run = [\"true\"]
";

fn world(content: &str) -> World {
    let world = World::new();
    fs::write(world.path("fuseboard.toml"), content).unwrap();
    world
}

#[test]
fn a_file_without_fault_is_summed_up() {
    let world = world(RIGHT);
    let ran = world.run(&["validate"]);
    let file = world.path("fuseboard.toml").canonicalize().unwrap();
    assert_eq!(ran.code, 0, "{}", ran.err());
    assert_eq!(
        ran.out(),
        format!(
            "{}: 2 steps, 1 gate, deadline 10m, OK\n\
             not trusted as it is now, so it does not count; read it, then run `fuseboard trust`\n",
            file.display()
        )
    );
    assert_eq!(world.run(&["trust"]).code, 0);
    assert!(world.run(&["validate"]).out().ends_with("deadline 10m, OK\ntrusted as it is now\n"));
}

#[test]
fn a_change_after_trust_is_what_is_checked() {
    let world = world(RIGHT);
    world.run(&["trust"]);
    fs::write(world.path("fuseboard.toml"), WRONG).unwrap();
    let ran = world.run(&["validate"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out().contains("trip_afer") && ran.out().contains("not trusted"), "{}", ran.out());
}

#[test]
fn every_error_comes_with_its_place_its_line_carets_and_the_nearest_name() {
    let world = world(WRONG);
    let ran = world.run(&["validate"]);
    assert_eq!(ran.code, 1, "{}", ran.err());
    let file = world.path("fuseboard.toml").canonicalize().unwrap();
    let expected = format!(
        "{}:2:1: unknown key `trip_afer` in [circuit]\n  |\n2 | trip_afer = 3\n  | ^^^^^^^^^\n  | help: did you mean `trip_after`?\n\n",
        file.display()
    );
    assert!(ran.out().starts_with(&expected), "{}", ran.out());
    for part in [":5:8: ", "\n5 | jobs = 0\n  |        ^\n", ":9:8: ", "did you mean `gate`?", "\n3 errors\n"] {
        assert!(ran.out().contains(part), "{part:?} is missing:\n{}", ran.out());
    }
    assert_plain(&ran.stdout);
}

#[test]
fn colours_change_nothing_but_colours() {
    let world = world(WRONG);
    let coloured = world.run(&["validate", "--color", "always"]).out();
    assert!(coloured.contains("\u{1b}[1m\u{1b}[31m^^^^^^^^^\u{1b}[0m"), "{coloured:?}");
    let mut plain = String::new();
    for (at, piece) in coloured.split('\u{1b}').enumerate() {
        plain.push_str(if at == 0 { piece } else { piece.split_once('m').unwrap().1 });
    }
    assert_eq!(plain, world.run(&["validate"]).out());
}

#[test]
fn scripts_get_one_object() {
    let world = world(WRONG);
    let ran = world.run(&["validate", "--format", "json"]);
    assert_eq!(ran.code, 1);
    let answer = ran.json();
    assert_eq!(answer["schema"], "fuseboard.validate/1");
    assert_eq!(answer["trusted"], false);
    assert_eq!(answer["file"], world.path("fuseboard.toml").canonicalize().unwrap().to_str().unwrap());
    assert_eq!(
        answer["errors"][0],
        json!({
            "line": 2,
            "column": 1,
            "message": "unknown key `trip_afer` in [circuit]",
            "help": "did you mean `trip_after`?",
            "text": "trip_afer",
        })
    );
    assert_eq!(answer["errors"].as_array().unwrap().len(), 3);
    fs::write(world.path("fuseboard.toml"), RIGHT).unwrap();
    world.run(&["trust"]);
    let ran = world.run(&["validate", "--format", "json"]);
    assert_eq!((ran.code, &ran.json()["errors"], &ran.json()["trusted"]), (0, &json!([]), &json!(true)));
}

#[test]
fn the_file_that_is_named_is_checked_and_needs_no_trust() {
    let world = world(WRONG);
    fs::write(world.path("draft.toml"), RIGHT).unwrap();
    let ran = world.run(&["validate", "--config", "draft.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.out());
    assert!(
        ran.out().contains("draft.toml: 2 steps") && ran.out().ends_with("trusted as it is now\n"),
        "{}",
        ran.out()
    );
}

#[test]
fn without_a_file_there_is_nothing_wrong() {
    let world = World::new();
    let ran = world.run(&["validate"]);
    assert_eq!(ran.code, 0);
    assert!(ran.out().contains("fuseboard init"), "{}", ran.out());
    let answer = world.run(&["validate", "--format", "json"]).json();
    assert_eq!((&answer["file"], &answer["trusted"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_file_that_cannot_be_read_is_something_found() {
    let world = World::new();
    symlink("nowhere", world.path("fuseboard.toml")).unwrap();
    let ran = world.run(&["validate"]);
    assert_eq!(ran.code, 1);
    assert!(ran.out().contains("cannot be read"), "{}", ran.out());
    let answer = world.run(&["validate", "--format", "json"]).json();
    assert_eq!(answer["errors"][0]["line"], Value::Null);
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    assert_eq!(world.run(&["validate", "--config", "gone.toml"]).code, 1);
}

#[test]
fn the_options_of_built_in_steps_are_checked_too() {
    let world = world("[[step]]\nname = \"cost\"\nuses = \"usage\"\nwith = { price = \"p.toml\" }\n");
    let ran = world.run(&["validate"]);
    assert_eq!(ran.code, 1, "{}", ran.out());
    for part in [":4:10: ", "\n  |          ^^^^^\n", "did you mean `prices`?"] {
        assert!(ran.out().contains(part), "{part:?} is missing:\n{}", ran.out());
    }
}

#[test]
fn every_built_in_step_that_can_be_named_is_there() {
    for built_in in &fuseboard_pipeline::config::BUILT_INS {
        let world = world(&format!("[[step]]\nname = \"cost\"\nuses = \"{}\"\n", built_in.name));
        let ran = world.run(&["validate"]);
        assert!(!ran.out().contains("no step"), "{}: {}", built_in.name, ran.out());
    }
}

#[test]
fn what_a_file_holds_neither_acts_on_a_terminal_nor_shows_a_password() {
    let world = world("[store]\nfleet = \"redis://me:hunter2@host/0\"\n\"a\u{202e}b\u{9b}31m\" = 1\n");
    let ran = world.run(&["validate"]);
    assert_eq!(ran.code, 1);
    assert_plain(&ran.stdout);
    assert!(!ran.out().contains("hunter2"), "{}", ran.out());
}

#[test]
fn what_is_wrong_with_options_is_told_beside_everything_else() {
    let world = World::new();
    let file = "[pipeline]\njbos = 4\n[[step]]\nname = 'scan'\nuses = 'diff-scan'\nwith = { block_on = ['secrets'] }\n\
                [[step]]\nname = 'lint'\nuses = 'lint'\nwith = { comand = ['x'] }\n";
    std::fs::write(world.path("draft.toml"), file).unwrap();
    let ran = world.run(&["validate", "--config", "draft.toml", "--format", "json"]);
    let lines: Vec<i64> =
        ran.json()["errors"].as_array().unwrap().iter().map(|error| error["line"].as_i64().unwrap()).collect();
    assert_eq!((ran.code, lines), (1, vec![2, 6, 10, 10]), "{}", ran.out());
}
