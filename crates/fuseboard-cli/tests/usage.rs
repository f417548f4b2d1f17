//! Wrong words: code 64, never 2; and what `--help` says.

mod world;

use world::{World, assert_plain};

#[test]
fn every_usage_error_is_64_and_starts_nothing() {
    let world = World::new();
    let long = "x".repeat(65);
    let touch = ["--", "touch", "ran"];
    for words in [
        &["exec", "a", "--unknown"][..],
        &["--unknown", "exec", "a"],
        &["exec", "A"],
        &["exec", ""],
        &["exec", "a/b/c"],
        &["exec", "a b"],
        &["exec", "-a"],
        &["exec", &long],
        &["exec", "../a"],
        &["exec", "a\nb"],
        &["exec", "a", "--timeout", "5"],
        &["exec", "a", "--timeout", "0s"],
        &["exec", "a", "--timeout", "-5s"],
        &["exec", "a", "--timeout", "soon"],
        &["exec", "a", "--timeout", "never"],
        &["exec", "a", "--kill-after", "1d"],
        &["exec", "a", "--cool-down", "5"],
        &["exec", "a", "--cool-down", "9000h"],
        &["exec", "a", "--trip-after", "0"],
        &["exec", "a", "--trip-after", "-1"],
        &["exec", "a", "--trip-after", "two"],
        &["exec", "a", "--success-codes", "256"],
        &["exec", "a", "--success-codes", "1;2"],
        &["exec", "a", "--ignore-codes", "-1"],
        &["exec", "a", "--scope", "galaxy"],
        &["exec", "a", "--gate", "--default", "x"],
        &["exec", "a", "--gate", "--best-effort"],
        &["exec", "a", "--gate", "--skip-ok"],
        &["exec", "a", "--format", "xml"],
        &["exec", "a", "--color", "pink"],
        &["exec", "a", "-q", "-v"],
        &["exec", "a", "b"],
        &["--store", "no-such-kind", "exec", "a"],
        &["-C", "/no/such/folder", "exec", "a"],
        &["allowed", "a"],
    ] {
        let words = [words, &touch].concat();
        let ran = world.run(&words);
        assert_eq!(ran.code, 64, "{words:?}: {}", ran.err());
        assert!(ran.err().starts_with("fuseboard: "), "{words:?}: {}", ran.err());
        assert_eq!(ran.out(), "", "{words:?}");
        assert!(!world.path("ran").exists(), "{words:?} ran the command");
    }
}

#[test]
fn words_that_are_missing_are_64_too() {
    let world = World::new();
    for words in [
        &[][..],
        &["exec"],
        &["exec", "a"],
        &["exec", "a", "--"],
        &["exec", "--", "true"],
        &["exec", "a", "true"],
        &["no-such-command"],
        &["allowed"],
        &["allowed", "A"],
        &["record", "a"],
        &["record", "a", "perhaps"],
        &["record", "A", "success"],
        &["explain"],
        &["status", "A"],
        &["history", "A"],
        &["history", "--limit", "some"],
        &["switch", "a"],
        &["switch", "a", "sideways"],
        &["switch", "a", "off"],
        &["switch", "a", "on"],
        &["switch", "a", "off", "--reason", " "],
        &["switch", "a", "off", "--reason", "x", "--for", "721h"],
        &["switch", "a", "off", "--reason", "x", "--for", "0s"],
        &["probe"],
        &["pick"],
        &["pick", "a", "--set", "../b"],
        &["pick", "a", "--seed", "-1"],
        &["pick", " "],
        &["reset"],
        &["reset", "a", "--all"],
    ] {
        let ran = world.run(words);
        assert_eq!(ran.code, 64, "{words:?}: {}", ran.err());
        assert_eq!(ran.out(), "", "{words:?}");
    }
    assert!(!world::exists(&world.store()), "a usage error made a store");
}

#[test]
fn a_usage_error_says_what_is_wrong_and_what_to_write() {
    let world = World::new();
    for (words, part) in [
        (&["exec", "a", "--timeout", "5", "--", "true"][..], "write \"5s\""),
        (&["exec", "Notify", "--", "true"], "write NAME or PROJECT/NAME"),
        (&["exec", "a", "--timout", "5s", "--", "true"], "--timeout"),
        (&["exce", "a", "--", "true"], "exec"),
        (&["switch", "a", "off", "--reason", "x", "--for", "800h"], "720h"),
        (&["exec", "a", "--trip-after", "0", "--", "true"], "trip_after must be at least 1"),
    ] {
        let ran = world.run(words);
        assert!(ran.err().contains(part), "{words:?}: {part:?} is missing in {}", ran.err());
    }
}

#[test]
fn what_was_typed_is_shown_without_its_escape_sequences() {
    let world = World::new();
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[31mred\u{9b}2J\u{202e}";
    for words in &[
        vec!["exec", evil, "--", "true"],
        vec![evil],
        vec!["exec", "a", "--timeout", evil, "--", "true"],
        vec!["--store", evil, "status"],
        vec!["-C", evil, "status"],
        vec!["switch", "a", evil],
        vec!["status", evil],
        vec!["exec", "a", "--success-codes", evil, "--", "true"],
        vec!["exec", "a", &format!("--{evil}")[..], "--", "true"],
    ] {
        let ran = world.run(words);
        assert_eq!(ran.code, 64, "{words:?}");
        assert_plain(&ran.stderr);
    }
}

#[test]
fn help_shows_every_exit_code_and_an_example_of_each_command() {
    let world = World::new();
    let top = world.run(&["--help"]);
    assert_eq!(top.code, 0);
    for code in ["0", "1", "64", "69", "70", "75", "77", "78", "124", "126", "127", "130", "143"] {
        let is_listed = |line: &str| line.starts_with("  ") && line.split_whitespace().any(|word| word == code);
        assert!(top.out().lines().any(is_listed), "{code} is missing:\n{}", top.out());
    }
    for command in [
        "exec",
        "allowed",
        "record",
        "status",
        "history",
        "switch",
        "reset",
        "runs",
        "pick",
        "validate",
        "init",
        "completions",
        "man",
    ] {
        let ran = world.run(&[command, "--help"]);
        assert_eq!(ran.code, 0);
        assert!(ran.out().contains("Example"), "{command} has no example:\n{}", ran.out());
        assert!(ran.out().contains(&format!("fuseboard {command} ")), "{command}:\n{}", ran.out());
        assert!(top.out().contains(&format!("\n  {command} ")), "{command} is not listed");
    }
    for command in ["explain", "probe"] {
        assert_eq!(world.run(&[command, "--help"]).code, 0);
    }
}

#[test]
fn version_says_name_and_number() {
    let world = World::new();
    let ran = world.run(&["--version"]);
    assert_eq!((ran.code, ran.out()), (0, format!("fuseboard {}\n", env!("CARGO_PKG_VERSION"))));
}
