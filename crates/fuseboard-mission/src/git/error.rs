//! What git did not tell.

use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::step::StepError;

/// Why there is no answer. None of these ever means "clean".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitError {
    /// The folder lies in no git repository.
    #[error("not a git repository")]
    NotARepository,
    /// The answer cannot be had, or not be believed. Trying again helps only if the reason goes.
    #[error("cannot tell: {0}")]
    CannotTell(String),
    /// The deadline or a signal ended the call. Nobody's fault.
    #[error("{0}")]
    Cut(String),
}

impl GitError {
    pub(super) fn cannot_tell(why: impl Into<String>) -> Self {
        Self::CannotTell(why.into())
    }
}

impl From<GitError> for StepError {
    fn from(error: GitError) -> Self {
        match error {
            GitError::Cut(_) => Self::cut(error.to_string()),
            GitError::NotARepository | GitError::CannotTell(_) => Self::new(error.to_string()),
        }
    }
}

/// Bytes from a repository in a message: one line, no control characters, at most [`fuseboard::MAX_MESSAGE`] bytes.
pub(super) fn shown(bytes: &[u8]) -> String {
    let text = plain_text(&String::from_utf8_lossy(bytes));
    let text = text.trim();
    text[..text.floor_char_boundary(fuseboard::MAX_MESSAGE)].to_owned()
}
