//! A small world for one test: folders and an environment of its own, and the real program in it.
//!
//! When it goes, nothing that was started in it may be left: every process is known by an entry of its environment.
#![allow(dead_code, reason = "each file of tests uses its own part of it")]

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No call may take longer.
const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct World {
    folder: TempDir,
}

/// What one call came to.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) took: Duration,
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        for folder in ["home", "state", "config", "runtime", "work"] {
            fs::create_dir(world.folder.path().join(folder)).expect("a folder");
        }
        world
    }

    /// A path in the folder where the calls are made.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// The file with the circuits.
    pub(crate) fn store(&self) -> PathBuf {
        self.folder.path().join("state/fuseboard/state.db")
    }

    /// A shell script, made executable. Its lines may count on the folder where the calls are made.
    pub(crate) fn script(&self, name: &str, body: &str) -> String {
        let file = self.path(name);
        // Written aside and moved: a sibling that forks meanwhile must not hold it open for writing.
        let aside = self.path(&format!("{name}.new"));
        fs::write(&aside, format!("#!/bin/sh\n{body}\n")).expect("a script");
        fs::set_permissions(&aside, fs::Permissions::from_mode(0o755)).expect("permissions");
        fs::rename(aside, &file).expect("a script");
        file.to_str().expect("UTF-8").to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// `fuseboard` with these words, in this world and no other.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(fuseboard());
        command.args(words);
        self.surround(&mut command);
        command
    }

    /// Any other program in this world. `$BIN` is ours.
    pub(crate) fn other(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words);
        self.surround(&mut command);
        command.env("BIN", fuseboard());
        command
    }

    fn surround(&self, command: &mut Command) {
        let folder = |name: &str| self.folder.path().join(name);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("USER", "tester")
            .env("HOME", folder("home"))
            .env("XDG_STATE_HOME", folder("state"))
            .env("XDG_CONFIG_HOME", folder("config"))
            .env("XDG_RUNTIME_DIR", folder("runtime"))
            .env("WORLD", self.folder.path())
            .current_dir(folder("work"))
            .stdin(Stdio::null());
    }

    /// Gives the whole world to the user of [`World::by_an_ordinary_user`].
    pub(crate) fn give_away(&self) {
        if is_root() {
            let given = Command::new("chown").args(["-R", "65534:65534"]).arg(self.folder.path()).status();
            assert!(given.expect("chown").success());
        }
    }

    /// `fuseboard` by a user whom modes and owners keep out: who runs the tests or, where that is root, `nobody`.
    pub(crate) fn by_an_ordinary_user(&self, words: &[&str]) -> Command {
        if !is_root() {
            return self.command(words);
        }
        // The one that was built may lie where that user cannot go.
        let copy = self.folder.path().join("fuseboard");
        if !copy.exists() {
            fs::copy(fuseboard(), &copy).expect("a copy");
        }
        let user = ["--reuid=65534", "--regid=65534", "--clear-groups", copy.to_str().expect("UTF-8")];
        self.other("setpriv", &[&user, words].concat())
    }

    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        finish(self.command(words))
    }

    /// `exec` by a shell: `options` stand before `--`, `script` is the work.
    pub(crate) fn exec(&self, name: &str, options: &[&str], script: &str) -> Ran {
        let words = [&["exec", name], options, &["--", "sh", "-c", script]].concat();
        self.run(&words)
    }

    /// Opens the circuit by one failure.
    pub(crate) fn trip(&self, name: &str) {
        let ran = self.exec(name, &["--trip-after", "1"], "echo it is broken >&2; exit 9");
        assert_eq!(ran.code, 9, "{}", ran.err());
    }

    /// `status NAME --format json`: that circuit.
    pub(crate) fn circuit(&self, name: &str) -> Value {
        let ran = self.run(&["status", name, "--format", "json"]);
        assert_eq!(ran.code, 0, "{}", ran.err());
        ran.json()["circuits"][0].clone()
    }

    /// Waits until the next call of this circuit is a probe.
    pub(crate) fn await_probe(&self, name: &str) {
        wait_for("a probe", || self.circuit(name)["probe_due"] == true);
    }

    /// The events of this circuit, by their words.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let ran = self.run(&["history", name, "--format", "json"]);
        ran.json_lines().iter().map(|event| event["event"].as_str().expect("a word").to_owned()).collect()
    }

    /// Waits until there is a file of this name.
    pub(crate) fn await_file(&self, name: &str) {
        wait_for(name, || self.path(name).exists());
    }

    /// The processes that were started in this world and are still there, as far as they can be seen.
    pub(crate) fn census(&self) -> Vec<String> {
        let mark = format!("WORLD={}", self.folder.path().display());
        let is_ours = |environ: Vec<u8>| environ.split(|byte| *byte == 0).any(|entry| entry == mark.as_bytes());
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ours = processes.filter(|entry| fs::read(entry.path().join("environ")).is_ok_and(is_ours));
        ours.map(|entry| {
            let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            format!("{} {}", entry.file_name().display(), String::from_utf8_lossy(&words).replace('\0', " "))
        })
        .collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !thread::panicking() {
            assert_eq!(self.census(), Vec::<String>::new(), "processes were left behind");
        }
    }
}

impl Ran {
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Fuseboard's own lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.err().lines().filter(|line| line.starts_with("fuseboard: ")).map(str::to_owned).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error}: {} {}", self.out(), self.err()))
    }

    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out().lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect()
    }

    /// The code, and Fuseboard's only line.
    pub(crate) fn code_and_line(&self) -> (i32, String) {
        let lines = self.lines();
        assert!(lines.len() <= 1, "more than one line: {}", self.err());
        (self.code, lines.into_iter().next().unwrap_or_default())
    }
}

/// Whether nothing keeps out who runs the tests.
pub(crate) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").expect("this process").uid() == 0
}

/// The program as it was just built, or the one of `$FUSEBOARD_BIN`: an installed one, a release.
pub(crate) fn fuseboard() -> OsString {
    std::env::var_os("FUSEBOARD_BIN").unwrap_or_else(|| env!("CARGO_BIN_EXE_fuseboard").into())
}

/// Starts a call whose output is read later.
pub(crate) fn start(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program can be started")
}

/// Runs a call to its end.
pub(crate) fn finish(command: Command) -> Ran {
    end_of(start(command))
}

/// Runs a call that reads this.
pub(crate) fn feed(mut command: Command, input: &[u8]) -> Ran {
    command.stdin(Stdio::piped());
    let mut child = start(command);
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_vec();
    let writer = thread::spawn(move || drop(stdin.write_all(&input)));
    let ran = end_of(child);
    writer.join().expect("a writer");
    ran
}

/// The end of a call that was started.
pub(crate) fn end_of(mut child: Child) -> Ran {
    fn reader(stream: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
        thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.map(|mut stream| stream.read_to_end(&mut bytes));
            bytes
        })
    }
    let started = now();
    drop(child.stdin.take());
    let (stdout, stderr) = (reader(child.stdout.take()), reader(child.stderr.take()));
    let status = loop {
        if let Some(status) = child.try_wait().expect("a child") {
            break status;
        }
        if started.elapsed() > LIMIT {
            child.kill().expect("a child");
            panic!("still running after {LIMIT:?}");
        }
        thread::sleep(Duration::from_millis(1));
    };
    let took = started.elapsed();
    let [stdout, stderr] = [stdout, stderr].map(|reader| reader.join().expect("a reader"));
    Ran { code: code_of(&Output { status, stdout: Vec::new(), stderr: Vec::new() }), stdout, stderr, took }
}

/// The code; minus the signal's number for who was killed by one.
fn code_of(output: &Output) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    output.status.code().unwrap_or_else(|| -output.status.signal().unwrap_or(0))
}

/// Sends a signal.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().expect("kill");
    assert!(sent.success());
}

/// Waits until something holds.
pub(crate) fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let until = now() + LIMIT;
    while !holds() {
        assert!(now() < until, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub(crate) fn sleep(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}

#[expect(clippy::disallowed_methods, reason = "real processes take real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Asserts that text which Fuseboard wrote has nothing in it that acts on a terminal or misleads a reader.
pub(crate) fn assert_plain(bytes: &[u8]) {
    let text = String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| panic!("not UTF-8: {bytes:?}"));
    let bad = |char: &char| {
        (char.is_control() && *char != '\n')
            || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(text.chars().find(bad), None, "{text:?}");
}

pub(crate) fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
