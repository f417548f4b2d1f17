//! `completions` and `man`: made from the same words as `--help`.

mod world;

use std::fs;

use world::World;

#[test]
fn each_shell_gets_completions_that_know_the_commands() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = world.run(&["completions", shell]);
        assert_eq!((ran.code, ran.err()), (0, String::new()), "{shell}");
        for word in ["validate", "pick", "cool-down"] {
            assert!(ran.out().contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(world.run(&["completions", "tcsh"]).code, 64);
}

#[test]
fn bash_accepts_its_completions() {
    let world = World::new();
    let completions = world.run(&["completions", "bash"]).out();
    fs::write(world.path("completions"), completions).unwrap();
    let ran = world::finish(world.other("bash", &["-c", "source ./completions && complete -p fuseboard"]));
    assert_eq!(ran.code, 0, "{}", ran.err());
    assert!(ran.out().contains("fuseboard"), "{}", ran.out());
}

#[test]
fn each_command_has_a_page() {
    let world = World::new();
    assert_eq!(world.run(&["man", "share/man1"]).code, 0);
    for (page, part) in [
        ("fuseboard.1", "78"),
        ("fuseboard-exec.1", "kill"),
        ("fuseboard-runs.1", "limit"),
        ("fuseboard-pick.1", "seed"),
    ] {
        assert!(world.read(&format!("share/man1/{page}")).contains(part), "{page}");
    }
    fs::write(world.path("file"), "").unwrap();
    let (code, line) = world.run(&["man", "file"]).code_and_line();
    assert_eq!(code, 64);
    assert!(line.contains("cannot be written to file"), "{line}");
}
