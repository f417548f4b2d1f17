//! The work tree that gates judge, as a trait: git enters elsewhere.

use std::path::PathBuf;

/// What a verdict can be bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeState {
    /// The commit that is checked out; `None` outside of a repository.
    pub commit: Option<String>,
    /// Why no verdict can be bound to it; the message names the files.
    pub problem: Option<String>,
}

/// A work tree that can be told from another.
pub trait Tree: Send + Sync {
    /// Judges the tree once, when the pipeline starts: no changes in tracked files, no untracked file that is
    /// neither ignored nor exempt.
    fn judge(&self, exempt: &[PathBuf], untracked_allowed: bool) -> TreeState;

    /// Whether HEAD and all tracked files are what they were.
    ///
    /// # Errors
    /// What has changed, or why that cannot be told.
    fn check_unchanged(&self, since: &TreeState) -> Result<(), String>;
}
