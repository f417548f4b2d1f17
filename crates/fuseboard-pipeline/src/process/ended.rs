//! What a run came to.

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::time::Duration;

use super::kept::Kept;
use crate::redact::Redactor;

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum How {
    /// By itself, with this exit code.
    Exited(i32),
    /// By a signal that nobody here sent.
    Signalled(i32),
    /// Its own timeout ran out and it was ended, whatever its status said then.
    TimedOut,
    /// The deadline given by the caller came and it was ended, or not even started.
    Cut,
    /// Somebody stopped us by this signal and it was ended, or not even started; or Ctrl-C ended it while it
    /// had the terminal.
    Interrupted(i32),
    /// It wrote more than was to be held and was ended.
    OutputTooLarge,
    /// It could not be started.
    NotStarted(NotStarted),
    /// It ended, but somebody else in this process took its status: a bug of the program around.
    Lost,
}

impl How {
    /// The code that a shell would show: the exit code, 128 + n for a signal, 126 or 127 for what could not be
    /// started. `None` where it was us who ended it.
    pub fn child_code(&self) -> Option<i32> {
        match self {
            Self::Exited(code) => Some(*code),
            Self::Signalled(signal) => Some(128 + signal),
            Self::NotStarted(why) => Some(why.code()),
            Self::TimedOut | Self::Cut | Self::Interrupted(_) | Self::OutputTooLarge | Self::Lost => None,
        }
    }

    pub(super) fn from_status(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;

        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Exited(code),
            (None, Some(signal)) => Self::Signalled(signal),
            (None, None) => Self::Lost,
        }
    }
}

/// In words that follow the command's name: "exited with code 3".
impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "exited with code {code}"),
            Self::Signalled(signal) => write!(f, "was ended by {}", signal_name(*signal)),
            Self::TimedOut => f.write_str("timed out"),
            Self::Cut => f.write_str("was cut by the deadline"),
            Self::Interrupted(signal) => write!(f, "was interrupted by {}", signal_name(*signal)),
            Self::OutputTooLarge => f.write_str("wrote more than can be held back"),
            Self::NotStarted(why) => write!(f, "could not be started: {why}"),
            Self::Lost => f.write_str("ended, but its exit status was lost"),
        }
    }
}

fn signal_name(signal: i32) -> String {
    nix::sys::signal::Signal::try_from(signal)
        .map_or_else(|_| format!("signal {signal}"), |name| name.as_str().to_owned())
}

/// Why a command could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotStarted {
    pub(super) code: i32,
    pub(super) permanent: bool,
    pub(super) message: String,
}

impl NotStarted {
    /// 127 if it, its interpreter or its folder was not found, else 126.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// Whether trying again cannot help: it has to be mended. False for lack of memory, processes, files or
    /// argument space.
    pub fn is_permanent(&self) -> bool {
        self.permanent
    }

    /// What is wrong, for people.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// A process that could not be ended, because it belongs to somebody else or hangs in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Its number.
    pub pid: u32,
    /// The name of its program, made safe to show.
    pub name: String,
}

impl Survivor {
    /// That it could not be ended, why that is so, and what to do, in words that follow its name.
    pub fn remedy(&self) -> String {
        format!(
            "could not be ended: it belongs to another user or hangs in the kernel; as root: `kill -KILL {}`",
            self.pid
        )
    }
}

impl fmt::Display for Survivor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.name, self.pid)
    }
}

/// The end of a run.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub how: How,
    /// From the start until nothing was left to wait for.
    pub duration: Duration,
    /// What was kept of its standard output; empty if that was inherited.
    pub stdout: Kept,
    /// What was kept of its standard error; empty if that was inherited.
    pub stderr: Kept,
    /// Why a file that output was to be written to is incomplete.
    pub capture_error: Option<io::Error>,
    /// What should have been ended and could not be. Always empty after a normal end of a command whose
    /// remains are left alone.
    pub left_behind: Vec<Survivor>,
}

impl Ended {
    /// How it ended and, if it said anything on its standard error, its last error: without secrets, in one line.
    pub fn in_words(&self, redactor: &Redactor) -> String {
        let said = self.stderr.last_error(redactor);
        said.map_or_else(|| self.how.to_string(), |said| format!("{}: {said}", self.how))
    }

    /// A run that never began.
    pub(super) fn before_start(how: How) -> Self {
        Self {
            how,
            duration: Duration::ZERO,
            stdout: Kept::default(),
            stderr: Kept::default(),
            capture_error: None,
            left_behind: Vec::new(),
        }
    }
}
