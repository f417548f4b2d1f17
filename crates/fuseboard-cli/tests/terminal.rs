//! On a terminal: colours, lines for who watches, Ctrl-C. Python's `pty` lends the terminal.

mod world;

use std::process::Command;

use world::{Ran, World, finish};

/// Runs a line of shell on a terminal of its own; types `$KEYS` once the file `up` is there; prints what was shown.
const PTY: &str = r#"
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh", "-c", sys.argv[1]])
keys, shown, until = os.environ.get("KEYS", "").encode(), b"", time.monotonic() + 50
while time.monotonic() < until:
    if keys and os.path.exists("up"):
        time.sleep(0.2)
        os.write(fd, keys)
        keys = b""
    if select.select([fd], [], [], 0.05)[0]:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
"#;

fn on_terminal(world: &World, line: &str) -> Command {
    let mut command = world.other("python3", &["-c", PTY, line]);
    command.env("TERM", "xterm");
    command
}

fn shown(world: &World, line: &str) -> Ran {
    finish(on_terminal(world, line))
}

#[test]
fn the_command_keeps_the_terminal_for_all_three_streams() {
    let world = World::new();
    let ran = shown(&world, "\"$BIN\" exec tty -- sh -c 'test -t 0 && test -t 1 && test -t 2 && echo all three'");
    assert_eq!((ran.code, ran.out().trim_end()), (0, "all three"));
    let ran = shown(&world, "\"$BIN\" exec half --default x -- sh -c 'test -t 1 || echo held back'");
    assert_eq!(ran.out().trim_end(), "held back");
}

#[test]
fn colours_are_for_terminals_unless_told_otherwise() {
    let world = World::new();
    world.trip("dead");
    let has_colours = |line: &str| shown(&world, line).out().contains("\u{1b}[");
    assert!(has_colours("\"$BIN\" status"));
    assert!(has_colours("\"$BIN\" status no-such-circuit"));
    assert!(!has_colours("NO_COLOR=1 \"$BIN\" status"));
    assert!(has_colours("NO_COLOR= \"$BIN\" status"), "an empty NO_COLOR says nothing");
    assert!(!has_colours("\"$BIN\" --color never status"));
    assert!(has_colours("NO_COLOR=1 \"$BIN\" --color always status"));
    assert!(!has_colours("TERM=dumb \"$BIN\" status"));
    assert!(!has_colours("\"$BIN\" status | cat"));
    assert!(!has_colours("\"$BIN\" status --format json"));
    assert!(!world.run(&["status"]).out().contains('\u{1b}'));
    assert!(world.run(&["status", "--color", "always"]).out().contains("\u{1b}["));
    assert!(!world.run(&["status", "--format", "json", "--color", "always"]).out().contains('\u{1b}'));
}

#[test]
fn on_a_terminal_every_skip_is_told() {
    let world = World::new();
    world.trip("dead");
    for count in 1..=3 {
        let ran = shown(&world, "\"$BIN\" exec dead -- true");
        assert!(ran.code == 75 && ran.out().contains(&format!("{count} since it opened")), "{}", ran.out());
    }
}

#[test]
fn ctrl_c_ends_the_command_and_us_with_130() {
    let world = World::new();
    let line = "\"$BIN\" exec work -- sh -c 'touch up; exec sleep 60'; echo \"code $?\"; test -e \"$HOME\"";
    let line = format!("trap : INT; {line}");
    let mut command = on_terminal(&world, &line);
    command.env("KEYS", "\u{3}");
    let ran = finish(command);
    assert!(ran.out().contains("code 130"), "{:?}", ran.out());
    assert_eq!(world.circuit("work")["totals"]["ignored"], 1);
    assert_eq!(world.circuit("work")["failures"], 0);
}

#[test]
fn a_command_may_take_ctrl_c_for_its_own() {
    let world = World::new();
    let script = "trap 'echo caught; exit 4' INT; touch up; while :; do sleep 0.05; done";
    let line = format!("trap : INT; \"$BIN\" exec work -- sh -c \"{script}\"; echo \"code $?\"");
    let mut command = on_terminal(&world, &line);
    command.env("KEYS", "\u{3}");
    let ran = finish(command);
    assert!(ran.out().contains("caught") && ran.out().contains("code 4"), "{:?}", ran.out());
}

#[test]
fn what_is_typed_reaches_the_command() {
    let world = World::new();
    let line = "\"$BIN\" exec ask -- sh -c 'touch up; read word; echo \"got $word\"'";
    let mut command = on_terminal(&world, line);
    command.env("KEYS", "hello\n");
    assert!(finish(command).out().contains("got hello"));
}

#[test]
fn an_operator_at_a_terminal_may_act_even_inside_a_mission() {
    let world = World::new();
    world.trip("dead");
    let ran = shown(&world, "FUSEBOARD_RUN=0198 \"$BIN\" reset dead");
    assert_eq!(ran.code, 0, "{}", ran.out());
    assert_eq!(world.circuit("dead")["state"], "closed");
}
