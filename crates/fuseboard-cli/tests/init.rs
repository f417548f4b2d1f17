//! `init`: a file to begin with, valid, trusted, and never over another one.

mod world;

use std::fs;
use std::os::unix::fs::symlink;

use world::{World, finish};

#[test]
fn each_template_is_valid_trusted_and_says_what_is_next() {
    for (words, steps, next) in [
        (&["init"][..], "22 steps, 5 gates", "fuseboard mission"),
        (&["init", "agent"], "22 steps, 5 gates", "fuseboard mission"),
        (&["init", "minimal"], "0 steps, 0 gates", "fuseboard exec"),
        (&["init", "ci"], "2 steps, 2 gates", "fuseboard after"),
    ] {
        let world = World::new();
        let ran = world.run(words);
        assert_eq!((ran.code, ran.out()), (0, String::new()), "{}", ran.err());
        assert!(ran.err().contains(next) && ran.err().contains("fuseboard validate"), "{}", ran.err());
        let checked = world.run(&["validate"]);
        assert_eq!(checked.code, 0, "{}", checked.out());
        assert!(checked.out().contains(&format!(": {steps}, deadline 30m, OK\n")), "{}", checked.out());
        assert!(checked.out().ends_with("trusted as it is now\n"), "{}", checked.out());
    }
}

#[test]
fn it_stands_in_the_repositorys_root() {
    let world = World::new();
    for folder in [".git/objects", "src/deep"] {
        fs::create_dir_all(world.path(folder)).unwrap();
    }
    fs::write(world.path(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
    let ran = world.run(&["-C", "src/deep", "init", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err());
    let file = world.path("fuseboard.toml").canonicalize().unwrap();
    assert_eq!(ran.json()["schema"], "fuseboard.init/1");
    assert_eq!(ran.json()["file"], file.to_str().unwrap());
    assert_eq!(world.run(&["-C", "src/deep", "validate", "--format", "json"]).json()["trusted"], true);
}

#[test]
fn what_is_there_stays_unless_forced() {
    let world = World::new();
    fs::write(world.path("fuseboard.toml"), "# mine\n").unwrap();
    let (code, line) = world.run(&["init"]).code_and_line();
    assert_eq!(code, 64);
    assert!(line.contains("is there already; --force"), "{line}");
    assert_eq!(world.read("fuseboard.toml"), "# mine\n");
    assert!(world.run(&["validate"]).out().contains("not trusted"), "and it was not trusted by that");
    assert_eq!(world.run(&["init", "--force"]).code, 0);
    assert!(world.read("fuseboard.toml").contains("[[step]]"));
    assert_eq!(fs::read_dir(world.path(".")).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_link_is_not_followed() {
    let world = World::new();
    fs::write(world.path("precious"), "keep me").unwrap();
    symlink("precious", world.path("fuseboard.toml")).unwrap();
    assert_eq!(world.run(&["init"]).code, 64);
    assert_eq!(world.run(&["init", "--force"]).code, 0);
    assert_eq!(world.read("precious"), "keep me");
    assert!(!world.path("fuseboard.toml").is_symlink());
}

#[test]
fn an_agent_cannot_write_and_trust_rules_of_its_own() {
    let world = World::new();
    let mut command = world.command(&["init", "minimal", "--force"]);
    command.env("FUSEBOARD_RUN", "0198");
    let ran = finish(command);
    assert_eq!(ran.code, 77, "{}", ran.err());
    assert!(!world.path("fuseboard.toml").exists());
}

#[test]
fn it_says_when_another_file_counts() {
    let world = World::new();
    fs::write(world.path("ci.toml"), "").unwrap();
    let mut command = world.command(&["init", "minimal"]);
    command.env("FUSEBOARD_CONFIG", "ci.toml");
    let ran = finish(command);
    assert_eq!(ran.code, 0);
    assert!(ran.lines().iter().any(|line| line.contains("ci.toml counts, not the new file")), "{}", ran.err());
}

#[test]
fn a_named_file_is_written_there() {
    let world = World::new();
    assert_eq!(world.run(&["init", "ci", "--config", "ci.toml"]).code, 0);
    assert!(world.read("ci.toml").contains("[[step]]"));
    assert!(!world.path("fuseboard.toml").exists());
    assert_eq!(world.run(&["init", "--config", "no/such/folder.toml"]).code, 64);
}

#[test]
fn quiet_says_nothing() {
    let ran = World::new().run(&["init", "-q"]);
    assert_eq!((ran.code, ran.out(), ran.err()), (0, String::new(), String::new()));
}
