//! One child process, run by this process: its start, its end, its output, and what it leaves behind.

mod support;

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::thread;
use std::time::Duration;

use fuseboard_pipeline::process::{Command, Deadline, How, Interrupt, NotStarted, Output, Stdin, run};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::sys;
use support::{Census, Folder, eventually, now, run_freely, with_argument};

const SOON: Duration = Duration::from_millis(200);

// The end of a child.

#[test]
fn an_exit_code_is_passed_on() {
    let census = Census::new();
    for code in [0, 1, 2, 75, 124, 126, 127, 255] {
        let how = run_freely(&census.sh(&format!("exit {code}"))).how;
        assert_eq!((how.child_code(), how), (Some(code), How::Exited(code)));
    }
}

#[test]
fn a_signal_is_named_by_its_number_real_time_ones_too() {
    let census = Census::new();
    for signal in [1, 6, 9, 11, 15, 40] {
        let how = run_freely(&census.sh(&format!("kill -{signal} $$"))).how;
        assert_eq!((how.child_code(), how), (Some(128 + signal), How::Signalled(signal)));
    }
}

// The start of a child.

fn refusal(command: &Command) -> NotStarted {
    match run_freely(command).how {
        How::NotStarted(why) => why,
        how => panic!("it {how}"),
    }
}

#[track_caller]
fn assert_refused(command: &Command, code: i32, permanent: bool, words: &str) {
    let why = refusal(command);
    assert_eq!((why.code(), why.is_permanent()), (code, permanent), "{why}");
    assert!(why.message().contains(words), "{why}");
}

#[test]
fn what_is_not_found_is_127() {
    assert_refused(&Command::new("no-such-program-anywhere"), 127, true, "not found");
    assert_refused(&Command::new("/no/such/program"), 127, true, "not found");
    assert_refused(&Command::new(""), 127, true, "not found");
}

#[test]
fn a_script_whose_interpreter_is_missing_is_127_as_in_a_shell() {
    let folder = Folder::new("interpreter");
    let script = folder.executable("script", b"#!/no/such/interpreter\n");
    assert_refused(&Command::new(script), 127, true, "interpreter was not found");
}

#[test]
fn what_is_there_and_cannot_be_executed_is_126() {
    let folder = Folder::new("executable");
    let plain = folder.0.join("plain");
    fs::write(&plain, "#!/bin/sh\n").unwrap();
    assert_refused(&Command::new(&plain), 126, true, "not executable");
    assert_refused(&Command::new(&folder.0), 126, true, "is a folder");
    assert_refused(&Command::new(plain.join("below")), 126, true, "not a directory");
    let nonsense = folder.executable("nonsense", b"\x7fELF of another world");
    assert_refused(&Command::new(nonsense), 126, true, "neither a program");
}

#[test]
fn a_missing_folder_is_named_and_not_the_program() {
    assert_refused(&Command::new("true").cwd("/no/such/folder"), 127, true, "folder /no/such/folder");
}

#[test]
fn a_zero_byte_in_an_argument_cannot_be_helped() {
    assert_refused(&Command::new("true").args(["a\0b"]), 126, true, "");
}

#[test]
fn too_long_arguments_may_be_shorter_the_next_time() {
    assert_refused(&Command::new("true").args(["x".repeat(1 << 20)]), 126, false, "too long");
}

#[test]
fn nothing_is_started_once_the_deadline_has_passed() {
    let folder = Folder::new("deadline");
    let command = Command::new("touch").args(["started"]).cwd(&folder.0);
    let ended = run(&command, &Interrupt::never(), Deadline::after(Duration::ZERO));
    assert_eq!(ended.how, How::Cut);
    assert!(!folder.0.join("started").exists());
}

#[test]
fn environment_folder_and_standard_input_are_as_declared() {
    let census = Census::new();
    let folder = Folder::new("wiring");
    let mut input =
        File::options().read(true).write(true).create(true).truncate(true).open(folder.0.join("in")).unwrap();
    input.write_all(b"from the file").unwrap();
    input.rewind().unwrap();
    let command = census
        .sh("pwd -P; cat; echo \" $ADDED ${HOME-none} $FUSEBOARD_EXEC\"")
        .env("ADDED", "twice")
        .env("ADDED", "once")
        .env_remove("HOME")
        .cwd(&folder.0)
        .stdin(Stdin::File(input))
        .stdout(Output::hold(1000));
    let out = String::from_utf8(run_freely(&command).stdout.bytes()).unwrap();
    let cwd = folder.0.canonicalize().unwrap();
    assert_eq!(out, format!("{}\nfrom the file once none {}\n", cwd.display(), census.id()));
    let without = census.sh("cat").stdin(Stdin::Null);
    assert_eq!(run_freely(&without).how, How::Exited(0));
}

// Limits.

#[test]
fn a_timeout_ends_a_child_that_ignores_sigterm_within_its_grace() {
    let census = Census::new();
    let stubborn = census.sh("trap '' TERM; while :; do sleep 0.05; done").timeout(Some(SOON)).kill_after(SOON);
    let ended = run_freely(&stubborn);
    assert_eq!((ended.how, ended.left_behind), (How::TimedOut, vec![]));
    assert!(ended.duration >= SOON * 2 && ended.duration < Duration::from_secs(3), "{:?}", ended.duration);
}

#[test]
fn a_child_that_heeds_sigterm_is_not_waited_for_longer() {
    let census = Census::new();
    let ended = run_freely(&census.sh("sleep 600").timeout(Some(SOON)).kill_after(Duration::from_mins(1)));
    assert_eq!(ended.how, How::TimedOut);
    assert!(ended.duration < Duration::from_secs(3), "{:?}", ended.duration);
}

#[test]
fn what_a_child_says_while_it_is_ended_is_still_heard() {
    let census = Census::new();
    let command = census.sh("trap 'echo cleaned up >&2; exit 0' TERM; sleep 600 & wait");
    let ended = run_freely(&command.timeout(Some(SOON)).stderr(Output::keep(1000)));
    assert_eq!(ended.how, How::TimedOut);
    assert_eq!(ended.stderr.last_error(&Redactor::default()).as_deref(), Some("cleaned up"));
}

#[test]
fn the_rest_of_the_group_has_the_rest_of_the_grace() {
    let census = Census::new();
    let command = census.sh("sh -c \"trap 'sleep 0.3; echo saved >&2; exit' TERM; sleep 600 & wait\" & exec sleep 600");
    let ended = run_freely(&command.timeout(Some(SOON)).stderr(Output::keep(1000)));
    assert_eq!(ended.stderr.last_error(&Redactor::default()).as_deref(), Some("saved"));
}

#[test]
fn a_stopped_child_is_ended_too() {
    let census = Census::new();
    let ended =
        run_freely(&census.sh("kill -STOP $$; sleep 600").timeout(Some(SOON)).kill_after(Duration::from_mins(1)));
    assert_eq!(ended.how, How::TimedOut);
    assert!(ended.duration < Duration::from_secs(3), "{:?}", ended.duration);
}

#[test]
fn the_callers_deadline_is_a_cut_and_the_commands_own_timeout_is_not() {
    let census = Census::new();
    let command = census.sh("sleep 600").timeout(Some(Duration::from_mins(1)));
    assert_eq!(run(&command, &Interrupt::never(), Deadline::after(SOON)).how, How::Cut);
    let command = census.sh("sleep 600").timeout(Some(SOON));
    assert_eq!(run(&command, &Interrupt::never(), Deadline::after(Duration::from_mins(1))).how, How::TimedOut);
}

// What came from the child.

#[test]
fn a_timeout_ends_grandchildren_double_forks_and_new_sessions() {
    let census = Census::new();
    let script = "sleep 600 & (sleep 600 & ) ; setsid sleep 600 & setsid sh -c '(sleep 600 & )'; sleep 600";
    let ended = run_freely(&census.sh(script).timeout(Some(SOON * 2)));
    assert_eq!((ended.how, ended.left_behind), (How::TimedOut, vec![]));
    assert!(sys::carriers_of(&census.marker).is_empty());
}

#[test]
fn a_timeout_ends_a_descendant_in_its_own_session_with_a_cleared_environment() {
    let census = Census::new();
    let argument = format!("600.{}", std::process::id());
    let script = format!("setsid env -i sleep {argument} & sleep 600");
    let ended = run_freely(&census.sh(&script).timeout(Some(SOON * 2)));
    assert_eq!((ended.how, ended.left_behind), (How::TimedOut, vec![]));
    assert!(with_argument(&argument).is_empty());
}

#[test]
fn a_normal_end_leaves_a_daemon_alone_and_does_not_wait_for_it() {
    let census = Census::new();
    let command = census.sh("echo started >&2; sleep 600 & setsid sleep 600 & exit 0").stderr(Output::keep(1000));
    let ended = run_freely(&command.timeout(Some(Duration::from_mins(1))));
    assert_eq!(ended.how, How::Exited(0));
    assert_eq!(ended.stderr.last_error(&Redactor::default()).as_deref(), Some("started"));
    assert!(ended.duration < Duration::from_secs(5), "{:?}", ended.duration);
    assert_eq!(census.clean(), 2);
}

#[test]
fn a_daemon_that_writes_for_ever_does_not_keep_a_run_from_ending() {
    let census = Census::new();
    let ended = run_freely(&census.sh("yes >&2 & sleep 0.1").stderr(Output::keep(1000)));
    assert_eq!(ended.how, How::Exited(0));
    // `yes` found nobody to read any more.
    eventually("the end of yes", || sys::carriers_of(&census.marker).is_empty());
}

#[test]
fn with_end_all_a_normal_end_leaves_nothing() {
    let census = Census::new();
    let ended = run_freely(&census.sh("sleep 600 & setsid sleep 600 & sleep 0.1; exit 4").end_all(true));
    assert_eq!((ended.how, ended.left_behind), (How::Exited(4), vec![]));
    assert!(sys::carriers_of(&census.marker).is_empty());
}

#[test]
fn the_end_of_one_run_leaves_the_others_alone() {
    let (quick, slow) = (Census::new(), Census::new());
    thread::scope(|scope| {
        let slow = scope.spawn(|| {
            run_freely(
                &slow.sh("sleep 600 & sleep 1; kill -0 $! && kill $! && echo alive; wait").stdout(Output::hold(100)),
            )
        });
        let ended = run_freely(&quick.sh("sleep 600 & setsid sleep 600 & sleep 600").timeout(Some(SOON)));
        assert_eq!((ended.how, ended.left_behind), (How::TimedOut, vec![]));
        let slow = slow.join().unwrap();
        assert_eq!((slow.how, slow.stdout.bytes().as_slice()), (How::Exited(0), b"alive\n".as_slice()));
    });
}

#[test]
fn many_runs_at_once_each_hear_of_their_own_end() {
    let census = Census::new();
    thread::scope(|scope| {
        for code in 0..16 {
            let command = census.sh(&format!("sleep 0.0{code}; exit {code}"));
            scope.spawn(move || assert_eq!(run_freely(&command).how, How::Exited(code)));
        }
    });
}

// Output.

#[test]
fn of_50_megabytes_a_bounded_tail_is_kept() {
    let census = Census::new();
    let script = "head -c 50000000 /dev/zero | tr '\\0' x >&2; printf '\\nthe last line' >&2; exit 9";
    let folder = Folder::new("megabytes");
    let file = File::create(folder.0.join("err")).unwrap();
    let ended = run_freely(&census.sh(script).stderr(Output::keep(4096).and_file(file)));
    assert_eq!(ended.how, How::Exited(9));
    assert_eq!((ended.stderr.bytes().len(), ended.stderr.total()), (4096, 50_000_014));
    assert_eq!(ended.stderr.last_error(&Redactor::default()).as_deref(), Some("the last line"));
    assert_eq!(fs::metadata(folder.0.join("err")).unwrap().len(), 50_000_014);
    assert!(ended.capture_error.is_none());
}

#[test]
fn bytes_are_kept_as_they_are() {
    let census = Census::new();
    let ended = run_freely(&census.sh(r"printf '\000\377\033[31m\r\n'").stdout(Output::hold(100)));
    assert_eq!(ended.stdout.bytes(), b"\0\xff\x1b[31m\r\n");
}

#[test]
fn more_than_may_be_held_ends_the_child() {
    let census = Census::new();
    let ended = run_freely(&census.sh("yes").stdout(Output::hold(100_000)));
    assert_eq!((ended.how, ended.left_behind), (How::OutputTooLarge, vec![]));
    let exact = census.sh("head -c 100000 /dev/zero").stdout(Output::hold(100_000));
    assert_eq!(run_freely(&exact).how, How::Exited(0));
    let by_one = census.sh("head -c 100001 /dev/zero").stdout(Output::hold(100_000));
    assert_eq!(run_freely(&by_one).how, How::OutputTooLarge);
}

#[test]
fn a_file_that_cannot_be_written_does_not_disturb_the_child() {
    let census = Census::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let ended = run_freely(&census.sh("echo out; exit 3").stdout(Output::keep(100).and_file(full)));
    assert_eq!((ended.how, ended.stdout.bytes().as_slice()), (How::Exited(3), b"out\n".as_slice()));
    assert_eq!(ended.capture_error.unwrap().kind(), std::io::ErrorKind::StorageFull);
}

#[test]
fn a_child_that_closes_its_output_is_still_waited_for() {
    let census = Census::new();
    let command = census.sh("exec >&- 2>&-; sleep 0.3; exit 6").stdout(Output::keep(9)).stderr(Output::keep(9));
    let start = now();
    assert_eq!(run_freely(&command).how, How::Exited(6));
    assert!(start.elapsed() >= Duration::from_millis(300));
}
