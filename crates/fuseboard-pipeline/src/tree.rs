//! The work tree that a run judges, as a trait: whether a verdict can be bound to a commit.

use std::path::PathBuf;

/// Looks at the work tree of a run. The pipeline asks once when it starts, and again at each gate's end.
pub trait Tree: Send + Sync {
    /// The commit that verdicts are bound to, and what stands against it.
    ///
    /// `exempt` are absolute paths that may be untracked, with what lies under them: the configuration in use, the
    /// job's own files, declared outputs. With `untracked_allowed` any file may be.
    fn judge(&self, exempt: &[PathBuf], untracked_allowed: bool) -> TreeState;

    /// Whether the commit that is checked out and all tracked files are still what they were. New untracked files do
    /// not matter. What was not bound to a commit has nothing to keep.
    ///
    /// # Errors
    /// What changed, or why that cannot be told, for people.
    fn check_unchanged(&self, since: &TreeState) -> Result<(), String>;
}

/// The work tree at one moment.
///
/// | `commit` | `problem` | verdicts are |
/// |---|---|---|
/// | some | none | bound to that commit |
/// | none | none | bound to none: there is no repository |
/// | any | some | no verdicts |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TreeState {
    /// The commit that is checked out.
    pub commit: Option<String>,
    /// Why no verdict can be bound to it, for people; it names the files.
    pub problem: Option<String>,
}
