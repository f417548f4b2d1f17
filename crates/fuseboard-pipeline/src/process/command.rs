//! What is to be run, as plain data.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a process that was asked to end may take before it is killed, unless told otherwise.
pub const KILL_AFTER: Duration = Duration::from_secs(5);

/// An entry of the environment by which what a run started is recognised later, however it was re-parented:
/// `FUSEBOARD_EXEC=ID` for a single command, `FUSEBOARD_STEP=RUN-ID/NAME` for a pipeline's step. The value
/// must be the run's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    name: OsString,
    value: OsString,
}

impl Marker {
    /// The entry `name=value`.
    pub fn new(name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The variable.
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Its value.
    pub fn value(&self) -> &OsStr {
        &self.value
    }
}

/// Where a child's standard input comes from.
#[derive(Debug, Default)]
pub enum Stdin {
    /// It is ours.
    #[default]
    Inherit,
    /// There is none: an end of file at once.
    Null,
    /// This file, from where it stands. The position is shared: a second run goes on where the first ended.
    File(File),
}

/// Where a child's standard output or standard error goes. By default it is inherited: the child writes to
/// ours itself and nothing of it is known.
#[derive(Debug, Default)]
pub struct Output {
    /// `None` for inherited.
    pub(super) keep: Option<Keep>,
    pub(super) passed_on: bool,
    pub(super) file: Option<File>,
}

/// How much of an output is kept in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// All of it; more than this ends the child.
    All(usize),
    /// So many bytes of its beginning and of its end.
    Ends { head: usize, tail: usize },
}

impl Output {
    /// Inherited.
    pub fn inherit() -> Self {
        Self::default()
    }

    /// Kept back entirely, up to `limit` bytes; more than that ends the child with
    /// [`OutputTooLarge`](super::How::OutputTooLarge).
    pub fn hold(limit: usize) -> Self {
        Self { keep: Some(Keep::All(limit)), ..Self::default() }
    }

    /// Not shown; `limit` bytes are kept, half of the beginning and half of the end.
    pub fn keep(limit: usize) -> Self {
        Self { keep: Some(Keep::Ends { head: limit / 2, tail: limit - limit / 2 }), ..Self::default() }
    }

    /// Passed on to ours as it comes; the last `limit` bytes are kept. When ours is closed or fails, the child
    /// does not notice: its output is taken in as before. Like any pipe's reader this one leaves when the
    /// child has ended, so that a daemon it left behind must not count on the pipe.
    pub fn tee(limit: usize) -> Self {
        Self { keep: Some(Keep::Ends { head: 0, tail: limit }), passed_on: true, file: None }
    }

    /// Written to `file` too, all of it. When that fails the rest is not written, nothing else changes, and
    /// the run's [`capture_error`](super::Ended::capture_error) says why. Nothing for an inherited output.
    #[must_use]
    pub fn and_file(mut self, file: File) -> Self {
        self.file = Some(file);
        self
    }
}

/// One command, how it is wired, and its limits.
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | `cwd`, environment, standard streams | ours |
/// | `timeout` | none |
/// | `kill_after` | [`KILL_AFTER`], 5 s |
/// | `foreground`, `end_all` | no |
/// | `marker` | none |
#[derive(Debug)]
pub struct Command {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) cwd: Option<PathBuf>,
    /// In order, the later one wins; `None` removes.
    pub(super) env: Vec<(OsString, Option<OsString>)>,
    pub(super) stdin: Stdin,
    pub(super) stdout: Output,
    pub(super) stderr: Output,
    pub(super) timeout: Option<Duration>,
    pub(super) kill_after: Duration,
    pub(super) foreground: bool,
    pub(super) end_all: bool,
    pub(super) marker: Option<Marker>,
}

impl Command {
    /// This program, searched for in `PATH` unless it has a slash.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            cwd: None,
            env: Vec::new(),
            stdin: Stdin::default(),
            stdout: Output::default(),
            stderr: Output::default(),
            timeout: None,
            kill_after: KILL_AFTER,
            foreground: false,
            end_all: false,
            marker: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The folder it works in. A program given with a slash and without a leading one is looked up from here.
    #[must_use]
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cwd = Some(folder.into());
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), Some(value.into())));
        self
    }

    /// Removes a variable from its environment.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.env.push((name.into(), None));
        self
    }

    /// Where its standard input comes from.
    #[must_use]
    pub fn stdin(mut self, stdin: Stdin) -> Self {
        self.stdin = stdin;
        self
    }

    /// Where its standard output goes.
    #[must_use]
    pub fn stdout(mut self, stdout: Output) -> Self {
        self.stdout = stdout;
        self
    }

    /// Where its standard error goes.
    #[must_use]
    pub fn stderr(mut self, stderr: Output) -> Self {
        self.stderr = stderr;
        self
    }

    /// How long it may take. Time for which a person had stopped it (Ctrl-Z) does not count.
    #[must_use]
    pub fn timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long it, and what it started, may take to end once asked to, before it is killed.
    #[must_use]
    pub fn kill_after(mut self, grace: Duration) -> Self {
        self.kill_after = grace;
        self
    }

    /// Whether the terminal is handed to it, if there is one and it is ours to give.
    #[must_use]
    pub fn foreground(mut self, foreground: bool) -> Self {
        self.foreground = foreground;
        self
    }

    /// Whether what it leaves behind is ended even if it ends by itself. Without this, daemons that a command
    /// means to leave running are left alone.
    #[must_use]
    pub fn end_all(mut self, end_all: bool) -> Self {
        self.end_all = end_all;
        self
    }

    /// The entry of the environment by which what it starts is recognised.
    #[must_use]
    pub fn marker(mut self, marker: Marker) -> Self {
        self.marker = Some(marker);
        self
    }

    /// The program, as it was given.
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// The file that would be started: the program itself if it has a slash, else the first executable file
    /// of that name in the child's `PATH`, else the first file of that name. `None` if there is none. It says
    /// what a failure was about; it is not what decides whether the program starts.
    pub fn program_file(&self) -> Option<PathBuf> {
        use std::os::unix::ffi::OsStrExt;

        let from_cwd = |path: &Path| self.cwd.as_ref().map_or_else(|| path.to_owned(), |cwd| cwd.join(path));
        if self.program.as_bytes().contains(&b'/') {
            return Some(from_cwd(Path::new(&self.program))).filter(|file| file.exists());
        }
        let changed = self.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        let path = changed.unwrap_or_else(|| std::env::var_os("PATH"))?;
        let files = || std::env::split_paths(&path).map(|folder| from_cwd(&folder.join(&self.program)));
        let executable = |file: &PathBuf| nix::unistd::access(file, nix::unistd::AccessFlags::X_OK).is_ok();
        files().find(|file| file.is_file() && executable(file)).or_else(|| files().find(|file| file.exists()))
    }
}
