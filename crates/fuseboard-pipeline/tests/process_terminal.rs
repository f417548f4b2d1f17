//! The terminal, lent to a child and taken back: an interactive shell on a terminal of its own, typed at.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fuseboard_pipeline::process::Marker;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use support::{Census, now, run_one};

// What a child is interrupted in is `exec`ed: a shell that gets a signal while it starts something may lose it,
// or be stopped inside the kernel where nobody notices, with and without us.

/// A shell with job control, on a terminal.
struct Shell {
    terminal: File,
    process: Child,
    /// What came and was not yet asked for.
    unread: String,
    census: Census,
}

impl Shell {
    fn start() -> Self {
        // Not the marker of the runs: a run that is ended ends what carries its own, and the shell is not its.
        let id = Census::new().id().to_owned();
        let census = Census { marker: Marker::new("FUSEBOARD_TERMINAL", id) };
        let pty = openpty(None, None).unwrap();
        let end = || Stdio::from(pty.slave.try_clone().unwrap());
        let mut setsid = Command::new("setsid");
        setsid.args(["--ctty", "--wait", "bash", "--norc", "--noprofile", "--noediting", "-i"]);
        setsid.env("PS1", "$ ").env("TERM", "dumb").env("ID", census.id()).env("FOREGROUND", "1");
        setsid.env(census.marker.name(), census.marker.value()).env("RUN_ONE", run_one());
        let process = setsid.stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        Self { terminal: pty.master.into(), process, unread: String::new(), census }
    }

    fn types(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until this was shown. What is typed is shown too, so that what is looked for must not be in it.
    #[track_caller]
    fn shows(&mut self, text: &str) {
        let start = now();
        while !self.unread.contains(text) {
            let mut fds = [PollFd::new(std::os::fd::AsFd::as_fd(&self.terminal), PollFlags::POLLIN)];
            let readable = poll(&mut fds, PollTimeout::from(100_u8)).unwrap() > 0;
            assert!(start.elapsed() < Duration::from_secs(10), "{text:?} was not shown, but {:?}", self.unread);
            if readable {
                let mut bytes = [0; 4096];
                let count = self.terminal.read(&mut bytes).unwrap();
                self.unread += &String::from_utf8_lossy(&bytes[..count]);
            }
        }
        let (_, rest) = self.unread.split_once(text).unwrap();
        self.unread = rest.to_owned();
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        self.census.clean();
        let _ = self.process.wait();
    }
}

/// A command that answers to each line, so that its answer differs from what the terminal shows by itself.
const ECHO: &str = "$RUN_ONE sed -u 's/^/got /'";

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const CTRL_Z: &str = "\x1a";

#[test]
fn a_child_reads_what_is_typed() {
    let mut shell = Shell::start();
    shell.types("$RUN_ONE sh -c 'read a; echo \"got $a\"; read b </dev/tty; echo \"and $b\"'\n");
    shell.types("one\n");
    shell.shows("got one");
    shell.types("two\n");
    shell.shows("and two");
    shell.shows("Exited(0)");
    shell.types("read c; echo \"shell got $c\"\nthree\n");
    shell.shows("shell got three");
}

#[test]
fn ctrl_c_reaches_the_child_and_the_script_around_us() {
    let mut shell = Shell::start();
    shell.types(
        "sh -c 'trap \"echo script to\"ld INT; $RUN_ONE sh -c \"echo child r\"uns\"; exec sleep 600\"; echo we\"nt on\"'\n",
    );
    shell.shows("child runs");
    shell.types(CTRL_C);
    shell.shows("Interrupted(2) left []");
    shell.shows("script told");
    shell.shows("went on");
}

#[test]
fn a_child_that_handles_ctrl_c_goes_on() {
    let mut shell = Shell::start();
    // It reads first: once it has, it has the terminal.
    let script = "trap \"echo hand\"led INT; read a; echo r\"uns\"; read a; read a; echo \"got $a\"";
    shell.types(&format!("$RUN_ONE sh -c '{script}'\nstart\n"));
    shell.shows("runs");
    shell.types(CTRL_C);
    shell.shows("handled");
    shell.types("line\nline\n");
    shell.shows("got line");
    shell.shows("Exited(0)");
}

#[test]
fn ctrl_z_stops_the_child_and_us_and_fg_continues_both() {
    let mut shell = Shell::start();
    shell.types(&format!("{ECHO}\n"));
    for _ in 0..3 {
        shell.types("one\n");
        shell.shows("got one");
        shell.types(CTRL_Z);
        shell.shows("Stopped");
        shell.types("echo shell is \"ba\"ck\n");
        shell.shows("shell is back");
        shell.types("fg\n");
        shell.shows("fg\r\n");
    }
    shell.types("two\n");
    shell.shows("got two");
    shell.types(CTRL_D);
    shell.shows("Exited(0)");
}

#[test]
fn time_for_which_a_person_stopped_it_does_not_count() {
    let mut shell = Shell::start();
    shell.types("TIMEOUT_MS=2000 $RUN_ONE sh -c 'read a; echo r\"uns\"; exec sleep 1'\nstart\n");
    shell.shows("runs");
    shell.types(CTRL_Z);
    shell.shows("Stopped");
    shell.types("sleep 2.5; fg\n");
    shell.shows("Exited(0)");
}

#[test]
fn a_background_job_leaves_the_terminal_alone_until_it_is_brought_forward() {
    let mut shell = Shell::start();
    shell.types(&format!("{ECHO} &\n"));
    shell.shows("$ ");
    shell.types("echo shell re\"ads\"\n");
    shell.shows("shell reads");
    shell.types("sleep 0.5; jobs\n");
    shell.shows("Stopped");
    shell.types("fg\n");
    shell.shows("fg\r\n");
    shell.types("one\n");
    shell.shows("got one");
    shell.types(CTRL_D);
    shell.shows("Exited(0)");
}

#[test]
fn a_pager_behind_us_keeps_the_terminal() {
    let mut shell = Shell::start();
    shell.types("$RUN_ONE sh -c 'echo from the ch\"ild\"; sleep 1' | sh -c 'read a; echo \"$a\"; read b </dev/tty; echo \"pager got $b\"; cat'\n");
    shell.shows("from the child");
    shell.types("key\n");
    shell.shows("pager got key");
    shell.shows("Exited(0)");
}

#[test]
fn a_child_in_a_pipeline_gets_the_terminal_when_it_asks() {
    let mut shell = Shell::start();
    shell.types("$RUN_ONE sh -c 'read a </dev/tty; echo \"got $a\"' | cat\n");
    shell.types("password\n");
    shell.shows("got password");
    shell.types("echo shell is \"ba\"ck\n");
    shell.shows("shell is back");
}

#[test]
fn ctrl_c_in_a_pipeline_reaches_the_child_through_us() {
    let mut shell = Shell::start();
    shell.types("$RUN_ONE sh -c 'echo r\"uns\"; exec sleep 600' | cat\n");
    shell.shows("runs");
    shell.types(CTRL_C);
    shell.shows("Interrupted(2) left []");
}

#[test]
fn the_terminal_comes_back_after_a_timeout() {
    let mut shell = Shell::start();
    shell.types("TIMEOUT_MS=300 $RUN_ONE cat\n");
    shell.shows("TimedOut left []");
    shell.types("read c; echo \"shell got $c\"\nthree\n");
    shell.shows("shell got three");
}
