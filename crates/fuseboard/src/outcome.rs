//! What a call came to: the words that a caller reports in.

use std::fmt;
use std::sync::Arc;

/// Longest error text that is kept, in bytes; more is cut at a character's border.
pub const MAX_MESSAGE: usize = 512;

/// What one admitted call came to, as its circuit sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Outcome {
    /// The work was done. A negative answer ("lint found problems") is an answer: success.
    Success,
    /// The work was not done.
    Failure(Failure),
    /// Nothing can be said: cancelled, cut by a deadline or a signal.
    Ignored,
}

/// A failure: how, in what words, and what it was that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failure {
    /// How the work failed.
    pub kind: FailureKind,
    /// The error's text, at most [`MAX_MESSAGE`] bytes.
    pub message: Arc<str>,
    /// What failed, so that mended work is recognised.
    pub fingerprint: Option<Fingerprint>,
}

impl Failure {
    /// A failure of this kind; `message` is cut to [`MAX_MESSAGE`] bytes.
    pub fn new(kind: FailureKind, message: &str) -> Self {
        let mut end = message.len().min(MAX_MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        Self { kind, message: Arc::from(&message[..end]), fingerprint: None }
    }

    /// An error value.
    pub fn error(error: &dyn fmt::Display) -> Self {
        Self::new(FailureKind::Error, &error.to_string())
    }

    /// The same failure with the fingerprint of what failed.
    #[must_use]
    pub fn of(mut self, fingerprint: Option<Fingerprint>) -> Self {
        self.fingerprint = fingerprint;
        self
    }
}

/// How work failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum FailureKind {
    /// An error value, or lack of memory, processes or arguments space.
    Error,
    /// A process ended with an exit code that means failure.
    Exit,
    /// A process was ended by a signal that nobody here sent.
    Signal,
    /// The work panicked.
    Panic,
    /// The work's own timeout ran out, or it was slower than the policy's `slow_after`.
    Timeout,
    /// The program could not be started: not found, not executable, bad format. Trips at once.
    Spawn,
    /// A probe never reported.
    Lost,
}

impl FailureKind {
    /// The word used in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Exit => "exit",
            Self::Signal => "signal",
            Self::Panic => "panic",
            Self::Timeout => "timeout",
            Self::Spawn => "spawn",
            Self::Lost => "lost",
        }
    }

    /// Whether one such failure opens a circuit, whatever its trip rule says: trying again cannot help.
    pub fn trips_at_once(self) -> bool {
        self == Self::Spawn
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Identity and state of what a call runs: for a command the resolved program, for a pipeline's step its
/// declaration, program and pinned files. An open circuit is due at once when the same `subject` shows
/// another `stamp`: somebody mended it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fingerprint {
    /// What it is: the program's path, or the step's name.
    pub subject: Arc<str>,
    /// The state it is in: size, time of modification, digest.
    pub stamp: Arc<str>,
    /// Whether it can be started as it is now. Mends a circuit that was opened by a failure to start.
    pub startable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_at_a_characters_border() {
        let failure = Failure::new(FailureKind::Error, &"ä".repeat(1000));
        assert_eq!(failure.message.len(), MAX_MESSAGE);
        let odd = Failure::new(FailureKind::Error, &format!("x{}", "ä".repeat(1000)));
        assert_eq!(odd.message.len(), MAX_MESSAGE - 1);
    }
}
