//! What concerns the whole process that runs a child: signals to it, its own output, and orphans.

mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{Census, eventually, now, run_one, with_argument};

/// The example under way on a shell script. The scripts wait in short sleeps: a shell that gets a signal while
/// it is starting something may lose it, on behalf of what it starts.
struct Runner {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
}

impl Runner {
    fn start(census: &Census, settings: &[(&str, &str)], script: &str) -> Self {
        Self::spawn(Command::new(run_one()).args(["sh", "-c", script]).envs(settings.iter().copied()), census)
    }

    fn spawn(command: &mut Command, census: &Census) -> Self {
        let command = command.env("ID", census.id()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    /// The rest of its output, and what it says of the end.
    fn end(mut self) -> (String, String) {
        let mut out = String::new();
        self.out.read_to_string(&mut out).unwrap();
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        self.child.wait().unwrap();
        (out, said)
    }
}

const PATIENT: (&str, &str) = ("KILL_AFTER_MS", "60000");

#[test]
fn the_first_signal_is_passed_on_as_it_is() {
    let census = Census::new();
    for (signal, number) in [(Signal::SIGTERM, 15), (Signal::SIGINT, 2), (Signal::SIGHUP, 1)] {
        let script = "for s in TERM INT HUP; do trap \"echo heard $s; exit 0\" $s; done; echo ready; while :; do sleep 0.05; done";
        let mut runner = Runner::start(&census, &[PATIENT], script);
        assert_eq!(runner.line(), "ready");
        runner.signal(signal);
        let (out, said) = runner.end();
        assert_eq!(out.trim_end(), format!("heard {}", &signal.as_str()[3..]));
        assert!(said.contains(&format!("Interrupted({number}) left []")), "{said}");
    }
}

#[test]
fn a_second_signal_of_any_kind_kills_at_once() {
    let census = Census::new();
    let script = "trap 'echo heard' TERM; echo ready; while :; do sleep 0.05; done";
    let mut runner = Runner::start(&census, &[PATIENT], script);
    assert_eq!(runner.line(), "ready");
    runner.signal(Signal::SIGTERM);
    assert_eq!(runner.line(), "heard");
    // Sleeps, because what comes at once is taken for an echo of the first.
    thread::sleep(Duration::from_millis(400));
    runner.signal(Signal::SIGINT);
    let (_, said) = runner.end();
    assert!(said.contains("Interrupted(15) left []"), "{said}");
}

#[test]
fn an_echo_of_the_first_signal_is_not_impatience() {
    let census = Census::new();
    let script = "trap 'echo heard; sleep 1; echo cleaned; exit' TERM; echo ready; while :; do sleep 0.05; done";
    let mut runner = Runner::start(&census, &[PATIENT], script);
    assert_eq!(runner.line(), "ready");
    runner.signal(Signal::SIGTERM);
    // Sleeps, so that the two are heard apart.
    thread::sleep(Duration::from_millis(20));
    runner.signal(Signal::SIGTERM);
    assert_eq!(runner.end().0, "heard\ncleaned\n");
}

#[test]
fn a_signal_that_was_ignored_before_stays_ignored_for_the_child_too() {
    let census = Census::new();
    let script = "trap '' HUP; exec \"$0\" sh -c 'kill -HUP $PPID; kill -HUP $$; sleep 0.2; echo survived'";
    let runner = Runner::spawn(Command::new("sh").args(["-c", script]).arg(run_one()), &census);
    let (out, said) = runner.end();
    assert_eq!(out, "survived\n");
    assert!(said.contains("Exited(0)"), "{said}");
}

#[test]
fn a_childs_status_is_not_lost_where_the_caller_ignores_the_ends_of_children() {
    let census = Census::new();
    let mut command = Command::new("env");
    command.args(["--ignore-signal=CHLD"]).arg(run_one()).args(["sh", "-c", "sleep 0.1; exit 3"]);
    let (_, said) = Runner::spawn(&mut command, &census).end();
    assert!(said.contains("Exited(3)"), "{said}");
}

#[test]
fn nothing_is_lost_of_what_is_passed_on() {
    let census = Census::new();
    let script = "head -c 3000000 /dev/urandom | tee /dev/stderr | cksum >/dev/null; exit 3";
    let mut runner = Runner::start(&census, &[("TEE", "1")], script);
    let mut err = Vec::new();
    runner.child.stderr.take().unwrap().read_to_end(&mut err).unwrap();
    let end = b"run_one: Exited(3) left []\n";
    assert_eq!(err.len(), 3_000_000 + end.len());
    assert!(err.ends_with(end));
    assert_eq!(runner.child.wait().unwrap().code(), Some(3));
}

#[test]
fn a_closed_output_of_ours_does_not_disturb_the_child() {
    let census = Census::new();
    let script = "head -c 300000 /dev/zero; echo half; head -c 300000 /dev/zero >&2; exit 5";
    let mut runner = Runner::start(&census, &[("TEE", "1")], script);
    drop(runner.child.stderr.take());
    drop(runner.out);
    assert_eq!(runner.child.wait().unwrap().code(), Some(5));
}

#[test]
fn a_reader_that_does_not_read_does_not_suspend_the_timeout() {
    let census = Census::new();
    let settings = [("TEE", "1"), ("TIMEOUT_MS", "300"), ("KILL_AFTER_MS", "300")];
    let start = now();
    let mut runner = Runner::start(&census, &settings, "yes");
    // Only now: nothing was read before its end.
    let code = runner.child.wait().unwrap().code();
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(code, Some(124));
    let (_, said) = runner.end();
    assert!(said.contains("TimedOut"), "{said}");
}

#[test]
fn a_subreaper_ends_orphans_that_nothing_else_tells() {
    let census = Census::new();
    let argument = format!("700.{}", std::process::id());
    let script = format!("setsid env -i sh -c '(sleep {argument} & )'; sleep 600");
    for limit in ["TIMEOUT_MS", "DEADLINE_MS"] {
        let (_, said) = Runner::start(&census, &[(limit, "400"), ("SUBREAPER", "1")], &script).end();
        assert!(said.contains("left []"), "{said}");
        assert!(with_argument(&argument).is_empty());
    }
    let all = [("END_ALL", "1"), ("SUBREAPER", "1")];
    let (_, said) = Runner::start(&census, &all, &script.replace("600", "0.1")).end();
    assert!(said.contains("Exited(0) left []"), "{said}");
    assert!(with_argument(&argument).is_empty());
}

#[test]
fn a_subreaper_too_leaves_daemons_alone_after_a_normal_end() {
    let census = Census::new();
    let argument = format!("800.{}", std::process::id());
    let script = format!("setsid env -i sh -c '(sleep {argument} >/dev/null 2>&1 & )'; exit 0");
    let (_, said) = Runner::start(&census, &[("SUBREAPER", "1")], &script).end();
    assert!(said.contains("Exited(0)"), "{said}");
    let daemons = with_argument(&argument);
    assert_eq!(daemons.len(), 1);
    kill(Pid::from_raw(daemons[0]), Signal::SIGKILL).unwrap();
    eventually("the daemon's end", || with_argument(&argument).is_empty());
}

#[test]
fn a_subreaper_reaps_the_orphans_of_a_long_run() {
    let census = Census::new();
    let script = "for i in 1 2 3 4 5 6 7 8; do (sleep 0.0$i & ) ; done; sleep 0.5; ps -o stat= --ppid $PPID";
    let (out, _) = Runner::start(&census, &[("SUBREAPER", "1")], script).end();
    assert!(!out.contains('Z'), "{out}");
}

#[test]
fn the_files_of_one_run_are_not_left_open() {
    let census = Census::new();
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let once = || support::run_freely(&census.sh("exit 0").stdout(fuseboard_pipeline::process::Output::tee(10)));
    once();
    let before = open();
    (0..5).for_each(|_| drop(once()));
    assert!(open() <= before + 3, "{} files are open, {before} were", open());
}
