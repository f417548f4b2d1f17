//! `exec` changes nothing about the command that it guards: code, output, input, arguments.

mod world;

use std::fs;
use std::process::Stdio;

use world::{World, end_of, feed, finish, start};

#[test]
fn every_exit_code_is_passed_on() {
    let world = World::new();
    for code in [0, 1, 2, 3, 63, 64, 69, 70, 75, 77, 78, 100, 124, 125, 126, 127, 128, 130, 143, 200, 254, 255] {
        let ran = world.exec("codes", &["--trip-after", "1000"], &format!("exit {code}"));
        assert_eq!(ran.code, code, "{}", ran.err());
    }
}

#[test]
fn death_by_a_signal_is_128_and_its_number() {
    let world = World::new();
    for (name, number) in [("HUP", 1), ("INT", 2), ("QUIT", 3), ("KILL", 9), ("USR1", 10), ("PIPE", 13), ("TERM", 15)] {
        let ran = world.exec("signals", &["--trip-after", "1000"], &format!("ulimit -c 0; kill -{name} $$"));
        assert_eq!(ran.code, 128 + number, "{name}: {}", ran.err());
    }
    assert_eq!(world.circuit("signals")["totals"]["failure"], 7);
}

#[test]
fn both_outputs_come_through_byte_for_byte() {
    let world = World::new();
    let bytes: Vec<u8> = (0..10_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(world.path("bytes"), &bytes).unwrap();
    let ran = world.exec("bytes", &[], "cat bytes & cat bytes >&2; wait");
    assert_eq!(ran.code, 0);
    assert!(ran.stdout == bytes, "standard output differs ({} bytes)", ran.stdout.len());
    assert!(ran.stderr == bytes, "standard error differs ({} bytes)", ran.stderr.len());
}

#[test]
fn output_comes_while_the_command_still_runs() {
    use std::io::Read;
    let world = World::new();
    let mut child = start(world.command(&["exec", "streams", "--", "sh", "-c", "echo one; echo two >&2; read go"]));
    let mut four = [0; 4];
    child.stdout.as_mut().unwrap().read_exact(&mut four).unwrap();
    assert_eq!(&four, b"one\n");
    child.stderr.as_mut().unwrap().read_exact(&mut four).unwrap();
    assert_eq!(&four, b"two\n");
    end_of(child);
}

#[test]
fn standard_input_is_the_commands_own() {
    let world = World::new();
    let bytes: Vec<u8> = (0..=255).cycle().take(1_000_000).collect();
    let ran = feed(world.command(&["exec", "input", "--", "cat"]), &bytes);
    assert_eq!((ran.code, ran.stdout == bytes), (0, true), "{}", ran.err());
}

#[test]
fn who_stops_reading_early_ends_the_pipeline_as_ever() {
    let world = World::new();
    let ran = finish(world.other("bash", &["-c", "\"$BIN\" exec y -- yes | head -1; echo ${PIPESTATUS[0]}"]));
    assert_eq!(ran.out(), "y\n141\n", "{}", ran.err());
}

#[test]
fn words_behind_the_dashes_belong_to_the_command() {
    let world = World::new();
    let echo = world.script("show", "for word; do printf '[%s]' \"$word\"; done");
    let ran = world.run(&["exec", "words", "--", &echo, "--gate", "-q", "--", "", "a b", "$HOME", "*", "é\n"]);
    assert_eq!((ran.code, ran.out().as_str()), (0, "[--gate][-q][--][][a b][$HOME][*][é\n]"));
}

#[test]
fn words_that_are_not_utf_8_reach_the_command() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let words = [&b"exec"[..], b"raw", b"--", b"printf", b"%s", b"\xff\xfe"].map(OsStr::from_bytes);
    assert_eq!(finish(world.command(&words)).stdout, b"\xff\xfe");
}

#[test]
fn environment_and_folder_are_the_callers() {
    let world = World::new();
    let mut command = world.command(&["exec", "env", "--", "sh", "-c", "echo \"$GREETING\"; pwd"]);
    command.env("GREETING", "good day");
    assert_eq!(finish(command).out(), format!("good day\n{}\n", world.path("").canonicalize().unwrap().display()));
}

#[test]
fn dash_c_is_where_the_command_works() {
    let world = World::new();
    fs::create_dir(world.path("below")).unwrap();
    let ran = world.run(&["-C", "below", "exec", "pwd", "--", "pwd"]);
    assert_eq!(ran.out(), format!("{}\n", world.path("below").canonicalize().unwrap().display()));
}

#[test]
fn a_daemon_that_was_left_running_keeps_nobody_waiting() {
    let world = World::new();
    let ran = world.exec("daemon", &[], "sleep 3 >/dev/null & echo started");
    assert_eq!((ran.code, ran.out().as_str()), (0, "started\n"));
    assert!(ran.took.as_millis() < 2500, "{:?}", ran.took);
    assert_eq!(world.census().len(), 1, "the daemon is left alone: {:?}", world.census());
    world::wait_for("the daemon's end", || world.census().is_empty());
}

#[test]
fn closed_and_full_outputs_harm_neither_the_command_nor_its_code() {
    let world = World::new();
    for words in ["exec e --", "exec e --default x --", "-v exec e --gate --block-codes 5 --"] {
        for redirection in
            [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full", ">/dev/full 2>/dev/full"]
        {
            let line = format!("\"$BIN\" {words} sh -c 'touch ran; exit 5' {redirection}; echo $? >code");
            finish(world.other("sh", &["-c", &line]));
            let wanted = if words.contains("default") { "0\n" } else { "5\n" };
            assert_eq!(world.read("code"), wanted, "{words} {redirection}");
            assert!(world.path("ran").exists(), "{words} {redirection}");
            fs::remove_file(world.path("ran")).unwrap();
            world.run(&["reset", "--all"]);
        }
    }
}

#[test]
fn data_for_a_closed_output_is_no_panic() {
    let world = World::new();
    world.trip("gone");
    for words in [
        "status",
        "status --format json",
        "history",
        "explain gone",
        "--help",
        "exec --help",
        "--version",
        "allowed gone --format json",
    ] {
        for redirection in [">&-", ">/dev/full", "2>&-", "2>/dev/full"] {
            let ran = finish(world.other("sh", &["-c", &format!("\"$BIN\" {words} {redirection}")]));
            assert!([0, 75].contains(&ran.code), "{words} {redirection}: {} {}", ran.code, ran.err());
            assert!(!ran.err().contains("panicked"), "{words} {redirection}: {}", ran.err());
        }
        let mut command = world.command(&words.split(' ').collect::<Vec<_>>());
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = command.stdout(writer).stderr(Stdio::null()).status().unwrap();
        assert!(status.code().is_some_and(|code| [0, 75].contains(&code)), "{words}: {status}");
    }
}

#[test]
fn a_reader_who_left_standard_error_does_not_disturb_the_command() {
    let world = World::new();
    let line = "{ \"$BIN\" exec loud -- sh -c 'for i in 1 2 3; do echo noise >&2; sleep 0.05; done; exit 6'; echo $? >code; } 2>&1 >/dev/null | true";
    finish(world.other("bash", &["-c", line]));
    world::wait_for("the code", || world.read("code").ends_with('\n'));
    assert_eq!(world.read("code"), "6\n");
}
