//! Text from outside never reaches a terminal or a pipe raw in Fuseboard's own words.

mod world;

use std::fs;

use serde_json::Value;
use world::{World, assert_plain, feed, finish};

/// Colours, a title, an erased screen (also as C1), a reversed and a forged line, a bell, a null byte's stand-ins.
const EVIL: &str = "a\u{1b}[31mb\u{1b}]0;title\u{7}c\u{9b}2Jd\u{9d}0;x\u{9c}e\u{202e}f\u{2066}g\u{200f}h\r\nfuseboard: forged\u{2028}i\u{8}j\u{85}k\u{7f}";

/// Every command that shows what is known of this circuit, on a pipe.
fn assert_shown_plainly(world: &World, name: &str) {
    for words in [
        &["status"][..],
        &["status", name],
        &["status", "--format", "json"],
        &["explain", name],
        &["explain", name, "--format", "json"],
        &["history"],
        &["history", name, "--format", "json"],
        &["history", name, "--outcomes"],
        &["history", name, "--outcomes", "--format", "json"],
        &["-v", "exec", name, "--", "true"],
        &["-v", "allowed", name],
        &["-v", "record", name, "failure"],
        &["probe", name],
    ] {
        let ran = world.run(words);
        assert!(ran.code != 64 && ran.code != 70, "{words:?}: {}", ran.err());
        assert_plain(&ran.stdout);
        if words.contains(&"json") {
            ran.json_lines();
        } else {
            assert!(!ran.out().lines().any(|line| line.starts_with("fuseboard: forged")), "{words:?}: {}", ran.out());
        }
        assert_plain(&ran.stderr);
        assert!(!ran.err().lines().any(|line| line.starts_with("fuseboard: forged")), "{words:?}: {}", ran.err());
    }
}

#[test]
fn evil_words_on_standard_error_are_shown_plainly_later() {
    let world = World::new();
    fs::write(world.path("evil"), EVIL).unwrap();
    for name in ["a", "b"] {
        let ran = world.exec(name, &["--trip-after", "1"], "cat evil >&2; exit 3");
        assert_eq!(ran.code, 3);
        let err = ran.stderr.strip_prefix(EVIL.as_bytes()).expect("the command's own output, untouched");
        assert_plain(err);
        assert_shown_plainly(&world, name);
    }
}

#[test]
fn evil_reasons_of_operators_and_recorders_are_shown_plainly() {
    let world = World::new();
    assert_plain(&world.run(&["record", "a", "failure", "--reason", EVIL]).stderr);
    assert_plain(&world.run(&["record", "a", "failure", "--reason", EVIL]).stderr);
    assert_shown_plainly(&world, "a");
    for position in ["off", "on", "auto"] {
        let ran = world.run(&["switch", "b", position, "--reason", EVIL]);
        assert_eq!(ran.code, 0);
        assert_plain(&ran.stderr);
        assert!(!ran.err().contains("\nfuseboard: forged"), "{}", ran.err());
        assert_shown_plainly(&world, "b");
    }
}

#[test]
fn evil_names_of_programs_users_and_runs_are_shown_plainly() {
    let world = World::new();
    let program = format!("./{}", EVIL.replace('/', ""));
    let ran = world.run(&["exec", "a", "--", &program]);
    assert_eq!(ran.code, 127);
    assert_plain(&ran.stderr);
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    assert_shown_plainly(&world, "a");
    let mut command = world.command(&["exec", "off", "--", &program]);
    command.env("FUSEBOARD", "off");
    let ran = finish(command);
    assert_plain(&ran.stderr);
    assert!(!ran.err().contains("\nfuseboard: forged"), "{}", ran.err());
    let mut command = world.command(&["switch", "a", "off", "--reason", "x"]);
    command.env("USER", EVIL);
    assert_plain(&finish(command).stderr);
    assert_shown_plainly(&world, "a");
    let mut command = world.command(&["exec", "c", "--trip-after", "1", "--", "false"]);
    command.env("FUSEBOARD_RUN", EVIL);
    assert_plain(&finish(command).stderr);
    assert_shown_plainly(&world, "c");
}

#[test]
fn a_result_with_evil_words_is_sound_json() {
    let world = World::new();
    fs::write(world.path("evil"), EVIL).unwrap();
    world.exec("a", &["--result", "r"], "cat evil >&2; exit 3");
    let text = world.read("r");
    let result: Value = serde_json::from_str(&text).unwrap();
    let error = result["last_error"].as_str().unwrap();
    assert!(!text.contains('\u{1b}') && text.lines().count() == 1, "{text:?}");
    assert_plain(error.as_bytes());
    let ran = world.exec("b", &["--result", "no/such\n\u{1b}[31mfile"], "true");
    assert_plain(&ran.stderr);
    assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
}

#[test]
fn endless_lines_and_binary_on_standard_error_leave_a_short_last_error() {
    let world = World::new();
    for (name, script) in [
        ("long", "head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 3"),
        ("binary", "head -c 300000 /dev/urandom >&2; exit 3"),
        ("nulls", "head -c 300000 /dev/zero >&2; exit 3"),
        ("feeds", "yes '' | head -c 300000 >&2; exit 3"),
        ("silent", "exit 3"),
    ] {
        assert_eq!(world.exec(name, &["--trip-after", "1"], script).code, 3);
        let circuit = world.circuit(name);
        let error = circuit["last_error"].as_str().unwrap();
        assert!(error.len() <= 512 && error.starts_with("exited with code 3"), "{name}: {error:?}");
        assert_plain(error.as_bytes());
        assert_shown_plainly(&world, name);
    }
}

#[test]
fn progress_bars_leave_the_words_that_were_last_seen() {
    let world = World::new();
    world.exec("bar", &[], "printf '10%%\\r50%%\\rerror: no space left\\n\\n' >&2; exit 3");
    assert_eq!(world.circuit("bar")["last_error"], "exited with code 3: error: no space left");
}

#[test]
fn a_command_that_reads_for_ever_gets_its_end_of_input() {
    let world = World::new();
    assert_eq!(feed(world.command(&["exec", "wc", "--", "wc", "-c"]), &[b'x'; 100]).out(), "100\n");
}
