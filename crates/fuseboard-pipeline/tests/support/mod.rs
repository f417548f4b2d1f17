//! What the tests of processes share: commands with a marker of their own, and a census after each.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fuseboard_pipeline::process::{Command, Deadline, Ended, Interrupt, Marker, run};
use fuseboard_pipeline::sys;

/// A marker that no other test has. When it goes, what still carries it is killed, and the test fails if it
/// did not say that it expected that.
pub(crate) struct Census {
    pub(crate) marker: Marker,
}

impl Census {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { marker: Marker::new("FUSEBOARD_EXEC", id) }
    }

    pub(crate) fn id(&self) -> &str {
        self.marker.value().to_str().unwrap()
    }

    /// `sh -c script`, with the marker.
    pub(crate) fn sh(&self, script: &str) -> Command {
        Command::new("sh").args(["-c", script]).marker(self.marker.clone())
    }

    /// Ends what carries the marker, waits for that, and says how many there were.
    pub(crate) fn clean(&self) -> usize {
        let carriers = sys::carriers_of(&self.marker);
        for pid in &carriers {
            let pid = nix::unistd::Pid::from_raw(pid.cast_signed());
            let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
        eventually("the end of what was killed", || sys::carriers_of(&self.marker).is_empty());
        carriers.len()
    }
}

impl Drop for Census {
    fn drop(&mut self) {
        let left = self.clean();
        assert!(left == 0 || std::thread::panicking(), "{left} processes were left behind");
    }
}

pub(crate) fn run_freely(command: &Command) -> Ended {
    run(command, &Interrupt::never(), Deadline::NEVER)
}

#[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Waits until something holds that another process brings about.
#[track_caller]
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let start = now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "did not come: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The living processes that have this argument, whatever their environment.
pub(crate) fn with_argument(argument: &str) -> Vec<i32> {
    let has_it = |pid: &i32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|it| it == argument.as_bytes())
    };
    let entries = fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok()).filter(has_it).collect()
}

/// The example that runs one command, for what concerns a whole process. `cargo test` builds it.
pub(crate) fn run_one() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push("run_one");
    assert!(path.exists(), "{} is missing: cargo build --examples", path.display());
    path
}

/// An empty folder that goes with the test.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("fuseboard-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A file with this content that may be executed.
    pub(crate) fn executable(&self, name: &str, content: &[u8]) -> PathBuf {
        use std::io::Write as _;
        use std::process::{Command, Stdio};
        let path = self.0.join(name);
        // Written by another process: a child that a sibling starts meanwhile would hold ours open, and a file that somebody
        // may write to is not executed.
        let script = "cat >\"$0\" && chmod 755 \"$0\"";
        let mut writer = Command::new("sh").args(["-c", script]).arg(&path).stdin(Stdio::piped()).spawn().unwrap();
        writer.stdin.take().unwrap().write_all(content).unwrap();
        assert!(writer.wait().unwrap().success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
