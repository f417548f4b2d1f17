//! The work tree that a run judges, as a trait: whether a verdict can be bound to a commit.

use std::path::{Path, PathBuf};

/// Looks at the work tree of a run. The pipeline asks once when it starts, and again at each gate's end.
pub trait Tree: Send + Sync {
    /// The commit that verdicts are bound to, and what stands against it.
    ///
    /// `exempt` may be untracked: the configuration in use, the job's own files, declared outputs. With
    /// `untracked_allowed` any file may be.
    fn judge(&self, exempt: &[Exempt], untracked_allowed: bool) -> TreeState;

    /// Whether the commit that is checked out and all tracked files are still what they were. New untracked files do
    /// not matter. What was not bound to a commit has nothing to keep.
    ///
    /// # Errors
    /// What changed, or why that cannot be told, for people.
    fn check_unchanged(&self, since: &TreeState) -> Result<(), String>;
}

/// Regular files that may be untracked. What bears such a name and is none, a folder above all, may hold anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exempt {
    /// This one, by its absolute path.
    File(PathBuf),
    /// Files of days, such as `2026-11-23.md`, in this folder.
    DaysIn(PathBuf),
}

impl Exempt {
    /// The path that it is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) | Self::DaysIn(path) => path,
        }
    }

    /// The same about another path.
    #[must_use]
    pub fn at(&self, path: PathBuf) -> Self {
        match self {
            Self::File(_) => Self::File(path),
            Self::DaysIn(_) => Self::DaysIn(path),
        }
    }

    /// Whether this file, by its absolute path, is meant.
    pub fn covers(&self, file: &Path) -> bool {
        let is_meant = match self {
            Self::File(path) => path == file,
            Self::DaysIn(folder) => file.parent() == Some(folder) && is_of_a_day(file),
        };
        is_meant && file.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
    }
}

/// `2026-11-23.md` or `2026-11-23.json`
fn is_of_a_day(file: &Path) -> bool {
    let Some((day, ending)) = file.file_name().and_then(|name| name.to_str()?.split_once('.')) else { return false };
    let is_shaped = |(at, byte): (usize, u8)| if [4, 7].contains(&at) { byte == b'-' } else { byte.is_ascii_digit() };
    day.len() == 10 && day.bytes().enumerate().all(is_shaped) && ["md", "json"].contains(&ending)
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
