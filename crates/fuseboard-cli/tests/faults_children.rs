//! What a child does that it should not: as the command of `exec`, as the agent, and as a step. The shell in which it
//! lives asks the kernel what its parent, the program, has used.

mod mission_stage;
mod world;

use std::process::Stdio;

use fuseboard_pipeline::process::Survivor;
use mission_stage::{Stage, gated};
use world::{World, assert_plain, end_of, feed, finish, is_root, start, wait_for};

/// Prints more on each stream than may be kept, then notes the largest memory that the program ever had.
const PRINTS_WITHOUT_END: &str = "head -c 200000000 /dev/zero & head -c 200000000 /dev/zero >&2; wait; \
                                  grep VmHWM /proc/$PPID/status >../peak";

/// More than the program has by itself when it was built for tests.
const MOST_KIB: u64 = 64 * 1024;

/// What was noted, in KiB.
fn peak(world: &World) -> u64 {
    let noted = world.read("../peak");
    noted.split_whitespace().nth(1).unwrap_or_else(|| panic!("{noted:?}")).parse().unwrap()
}

#[test]
fn a_child_that_prints_without_end_is_passed_on_and_not_kept() {
    let world = World::new();
    let mut command = world.command(&["exec", "loud", "--", "sh", "-c", &format!("{PRINTS_WITHOUT_END}; exit 3")]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    assert_eq!(command.status().unwrap().code(), Some(3));
    assert!(peak(&world) < MOST_KIB, "{} KiB", peak(&world));
    assert_eq!(world.circuit("loud")["last_error"], "exited with code 3");
}

#[test]
fn an_agent_and_a_step_that_print_without_end_are_captured_and_not_kept() {
    for is_agent in [true, false] {
        let step = format!("[[step]]\nname = 'loud'\nkind = 'recorder'\nrun = ['sh', '-c', '{PRINTS_WITHOUT_END}']\n");
        let stage = Stage::new(if is_agent { "" } else { &step });
        let mut command = stage.command(&[], if is_agent { PRINTS_WITHOUT_END } else { "true" });
        command.stdout(Stdio::null()).stderr(Stdio::null());
        assert_eq!(command.status().unwrap().code(), Some(0));
        assert!(peak(&stage.world) < MOST_KIB, "{} KiB", peak(&stage.world));
        let kept = std::fs::metadata(stage.world.store()).unwrap().len();
        assert!(kept < 1 << 20, "{kept} bytes in the file");
    }
}

/// A child, and the code that `exec` ends with.
const CHILDREN: &[(&str, &str, i32)] = &[
    ("closes its output", "exec >&- 2>&-; sleep 0.3; touch ../done; exit 6", 6),
    ("closes everything", "exec <&- >&- 2>&-; sleep 0.3; touch ../done; exit 6", 6),
    ("exits with 2, which agents read as a block", "touch ../done; exit 2", 2),
    ("exits with 75, which is ours for a skip", "touch ../done; exit 75", 75),
    ("exits with 77, which is ours for a block", "touch ../done; exit 77", 77),
    ("ends by a signal", "touch ../done; kill -KILL $$", 137),
    ("prints what acts on a terminal", "touch ../done; printf '\\033]0;x\\007\\033[2J\\233\\r\\n' >&2; exit 4", 4),
    ("prints what is no text", "touch ../done; head -c 9000 /dev/urandom >&2; echo >&2; exit 4", 4),
];

#[test]
fn what_a_child_does_to_itself_ends_it_with_its_own_code_and_is_a_failure() {
    for (what, script, code) in CHILDREN {
        let world = World::new();
        let ran = world.exec("odd", &[], script);
        assert!(ran.code == *code && world.path("../done").exists(), "{what}: {} {}", ran.code, ran.err());
        let lines = ran.err();
        let line = lines.lines().find(|line| line.contains("odd failed (1 of 2)")).unwrap_or_else(|| panic!("{what}"));
        assert_plain(line.split_once("fuseboard: ").unwrap().1.as_bytes());
        assert_eq!(world.circuit("odd")["failures"], 1, "{what}");
    }
}

#[test]
fn an_agent_that_does_it_ends_the_mission_with_its_own_code() {
    for (what, script, code) in CHILDREN {
        let stage = Stage::new("");
        let flown = stage.fly(&["--agent", "none"], script);
        assert_eq!((flown.code(), flown.report["job"]["succeeded"].as_bool()), (*code, Some(false)), "{what}");
        assert!(stage.has("done"), "{what}");
    }
}

#[test]
fn a_gate_that_does_it_gives_no_verdict_and_what_waits_for_it_does_not_run() {
    for (what, script, _) in CHILDREN {
        let stage = Stage::new(&gated("run = ['../gate']"));
        stage.world.script("../gate", script);
        let flown = stage.fly(&[], "true");
        assert_eq!(flown.code(), 77, "{what}: {}", flown.told());
        assert_eq!((flown.word("check", "verdict"), flown.row("check")["evaluated"].as_bool()), ("block", Some(false)));
        assert!(stage.has("done") && !stage.has("published"), "{what}: {}", flown.told());
        assert_plain(&flown.ran.stderr);
    }
}

/// Comes to live in a session of its own, without a parent, its output closed and deaf to SIGTERM.
const DAEMON: &str = "(setsid sh -c 'trap \"\" TERM HUP INT; exec >&- 2>&-; (sleep 600; :) & wait' &) ; touch ../up; ";

#[test]
fn a_daemon_deaf_to_sigterm_is_ended_with_what_was_cut_or_interrupted() {
    let world = World::new();
    let ran = world.exec("work", &["--timeout", "400ms", "--kill-after", "300ms"], &format!("{DAEMON} sleep 600"));
    assert_eq!((ran.code, world.census()), (124, vec![]), "{}", ran.err());
    std::fs::remove_file(world.path("../up")).unwrap();
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let script = format!("{DAEMON} sleep 600");
        let child = start(world.command(&["exec", "work", "--kill-after", "300ms", "--", "sh", "-c", &script]));
        world.await_file("../up");
        world::signal(&child, name);
        let ran = end_of(child);
        assert_eq!((ran.code, world.census()), (code, vec![]), "{name}: {}", ran.err());
        std::fs::remove_file(world.path("../up")).unwrap();
    }
}

#[test]
fn a_daemon_deaf_to_sigterm_is_ended_with_the_agent_and_the_step_that_started_it() {
    for is_agent in [true, false] {
        let step = "[[step]]\nname = 'odd'\nkind = 'recorder'\nrun = ['../step']\n";
        let stage = Stage::new(if is_agent { "" } else { step });
        stage.world.script("../step", DAEMON);
        let flown = stage.fly(&[], if is_agent { DAEMON } else { "true" });
        assert_eq!((flown.code(), stage.world.census()), (0, vec![]), "{}", flown.told());
        assert!(stage.has("up"));
    }
}

#[test]
fn what_cannot_be_started_is_named_with_the_reason_and_what_to_type() {
    let world = World::new();
    std::fs::write(world.path("plain"), "x").unwrap();
    std::fs::write(world.path("torn"), b"\x7fELF").unwrap();
    std::fs::set_permissions(world.path("torn"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.script("orphan", "");
    std::fs::write(world.path("orphan"), "#!/no/such/interpreter\n").unwrap();
    for (name, program, code, why) in [
        ("a", "./nothing", 127, "./nothing: not found"),
        ("b", "./plain", 126, "plain: not executable"),
        ("c", ".", 126, "is a folder"),
        ("d", "./torn", 126, "neither a program for this machine nor a script"),
        ("e", "./orphan", 127, "its interpreter was not found"),
        ("f", "./plain/below", 126, "not a directory"),
    ] {
        let ran = world.run(&["exec", name, "--", program]);
        let (ended, line) = ran.code_and_line();
        assert_eq!(ended, code, "{program}: {line}");
        assert!(line.contains(why) && line.ends_with(&format!("; to try now: fuseboard probe {name}")), "{line}");
    }
}

#[test]
fn a_child_that_reads_for_ever_ends_with_its_input_or_its_time() {
    let world = World::new();
    assert_eq!(feed(world.command(&["exec", "wc", "--", "wc", "-c"]), &b"x".repeat(100_000)).out(), "100000\n");
    let mut command = world.command(&["exec", "cat", "--timeout", "300ms", "--", "cat"]);
    command.stdin(Stdio::piped());
    let mut child = start(command);
    let kept_open = child.stdin.take();
    let ran = end_of(child);
    assert_eq!((ran.code, world.census()), (124, vec![]), "{}", ran.err());
    drop(kept_open);
}

#[test]
fn what_cannot_be_ended_is_named_with_the_reason_and_one_thing_to_do() {
    let said = Survivor { pid: 7, name: "sleep".into() }.remedy();
    assert_eq!(said, "could not be ended: it belongs to another user or hangs in the kernel; as root: `kill -KILL 7`");
    if !is_root() {
        return; // Only root can give an ordinary user a child that is somebody else's.
    }
    let world = World::new();
    let other = world.path("other");
    std::fs::copy("/usr/bin/setpriv", &other).unwrap();
    world.give_away();
    std::os::unix::fs::chown(&other, Some(0), Some(0)).unwrap();
    std::fs::set_permissions(&other, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).unwrap();
    let script = "./other --reuid=54321 --clear-groups sh -c 'echo $$ >&2; exec sleep 60 >/dev/null 2>&1'";
    let words = ["exec", "w", "--timeout", "400ms", "--kill-after", "200ms", "--", "sh", "-c", script];
    let ran = finish(world.by_an_ordinary_user(&words));
    let pid = ran.err().lines().next().unwrap().to_owned();
    drop(finish(world.other("kill", &["-KILL", &pid])));
    assert_eq!(ran.code, 124, "{}", ran.err());
    let line =
        format!("fuseboard: sleep (pid {pid}) {}", said.replace("`kill -KILL 7`", &format!("`kill -KILL {pid}`")));
    assert_eq!(ran.lines().iter().filter(|told| **told == line).count(), 1, "{}", ran.err());
    wait_for("its end", || world.census().is_empty());
}
