//! `exec --gate`: nothing passes that was not judged.

mod world;

use std::fs;

use world::{World, end_of, finish, signal, start};

#[test]
fn only_0_passes_and_a_block_code_is_passed_on() {
    let world = World::new();
    for (options, own, seen, total) in [
        (&[][..], 0, 0, "success"),
        (&[], 1, 1, "success"),
        (&[], 2, 77, "failure"),
        (&[], 75, 77, "failure"),
        (&["--block-codes", "1,101"], 101, 101, "success"),
        (&["--block-codes", "101"], 1, 77, "failure"),
        (&["--success-codes", "0,3"], 3, 77, "success"),
        (&["--success-codes", "0,3"], 1, 1, "success"),
        (&["--ignore-codes", "4"], 4, 77, "ignored"),
        (&["--ignore-codes", "4"], 0, 0, "success"),
    ] {
        let before = world.run(&["status", "--format", "json"]).json();
        let count = |status: &serde_json::Value| status["circuits"][0]["totals"][total].as_u64().unwrap_or(0);
        let ran = world.exec("review", &[&["--gate", "--trip-after", "99"], options].concat(), &format!("exit {own}"));
        assert_eq!(ran.code, seen, "{options:?} {own}: {}", ran.err());
        let after = world.run(&["status", "--format", "json"]).json();
        assert_eq!(count(&after), count(&before) + 1, "{options:?} {own} is no {total}");
    }
}

#[test]
fn what_gives_no_verdict_is_77() {
    let world = World::new();
    let gate = ["--gate", "--trip-after", "99"];
    assert_eq!(world.exec("g", &gate, "kill -9 $$").code, 77);
    assert_eq!(world.exec("g", &[&gate[..], &["--timeout", "100ms"]].concat(), "sleep 20").code, 77);
    assert_eq!(world.run(&["exec", "gone", "--gate", "--", "./missing"]).code, 77);
    assert_eq!(world.run(&["exec", "gone", "--gate", "--", "./missing"]).code, 77, "a skip");
}

#[test]
fn a_skipped_gate_is_77_and_runs_nothing() {
    let world = World::new();
    world.trip("g");
    let ran = world.exec("g", &["--gate"], "touch ran");
    assert!(ran.code == 77 && !world.path("ran").exists(), "{}", ran.err());
    assert_eq!(world.run(&["switch", "h", "off", "--reason", "never mind"]).code, 0);
    assert_eq!(world.exec("h", &["--gate"], "touch ran").code, 77);
    assert!(!world.path("ran").exists());
}

#[test]
fn switched_on_a_gate_runs_and_still_has_to_pass() {
    let world = World::new();
    assert_eq!(world.run(&["switch", "g", "on", "--reason", "release day"]).code, 0);
    for (script, code) in [("exit 9", 77), ("exit 9", 77), ("exit 9", 77), ("exit 1", 1), ("exit 0", 0)] {
        assert_eq!(world.exec("g", &["--gate"], script).code, code, "{script}");
    }
    assert_eq!(world.circuit("g")["state"], "closed");
}

#[test]
fn an_interrupted_gate_does_not_pass_and_says_by_which_signal() {
    let world = World::new();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let words =
            ["exec", "g", "--gate", "--", "sh", "-c", "trap 'exit 0' INT TERM; touch up; while :; do sleep 0.05; done"];
        let child = start(world.command(&words));
        world.await_file("up");
        signal(&child, name);
        assert_eq!(end_of(child).code, code);
        fs::remove_file(world.path("up")).unwrap();
    }
    assert_eq!(world.circuit("g")["totals"]["ignored"], 2);
}

#[test]
fn a_gate_whose_store_breaks_while_it_judges_does_not_pass() {
    let world = World::new();
    assert_eq!(world.exec("g", &["--gate"], "true").code, 0);
    let spoil = "rm -rf \"$XDG_STATE_HOME/fuseboard\"; echo x >\"$XDG_STATE_HOME/fuseboard\"";
    let ran = world.exec("g", &["--gate"], spoil);
    assert!(ran.code == 77 && ran.err().contains("no verdict"), "{} {}", ran.code, ran.err());
}

#[test]
fn a_gate_found_on_a_corrupt_store_blocks_this_once() {
    let world = World::new();
    fs::create_dir_all(world.store().parent().unwrap()).unwrap();
    fs::write(world.store(), "this is no database, however long one looks at it".repeat(100)).unwrap();
    let ran = world.exec("g", &["--gate"], "true");
    assert!(ran.code == 77 && ran.err().contains("set aside as"), "{} {}", ran.code, ran.err());
    assert_eq!(world.exec("g", &["--gate"], "true").code, 0);
}

#[test]
fn in_the_memory_store_a_gate_is_judged_as_ever() {
    let world = World::new();
    for (script, code) in [("exit 0", 0), ("exit 1", 1), ("exit 9", 77)] {
        let mut command = world.command(&["exec", "g", "--gate", "--", "sh", "-c", script]);
        command.env("FUSEBOARD_STORE", "memory:");
        assert_eq!(finish(command).code, code);
    }
}

#[test]
fn whatever_the_store_holds_a_gate_passes_only_if_its_command_ran_and_said_so() {
    let world = World::new();
    world.trip("g");
    assert_eq!(world.run(&["switch", "g", "on", "--reason", "release day"]).code, 0);
    let sound: Vec<(std::path::PathBuf, Vec<u8>)> = ["", "-wal"]
        .map(|suffix| std::path::PathBuf::from(format!("{}{suffix}", world.store().display())))
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .into();
    let (mut passed, mut state) = (0, 0x9e37_79b9_7f4a_7c15_u64);
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    for round in 0..80 {
        for (path, bytes) in &sound {
            let mut bytes = bytes.clone();
            for _ in 0..random(2 * round + 1) {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).unwrap();
            }
            if random(8) == 0 {
                bytes.truncate(random(bytes.len()));
            }
            fs::write(path, bytes).unwrap();
        }
        let own = i32::from(round % 4 == 0);
        let _ = fs::remove_file(world.path("ran"));
        let ran = world.exec("g", &["--gate"], &format!("touch ran; exit {own}"));
        assert!([own, 77].contains(&ran.code), "round {round}: {} {}", ran.code, ran.err());
        assert!(ran.code == 77 || world.path("ran").exists(), "round {round}: {}", ran.err());
        passed += usize::from(ran.code == 0);
    }
    assert!((1..60).contains(&passed), "all or none passed: {passed}");
}
