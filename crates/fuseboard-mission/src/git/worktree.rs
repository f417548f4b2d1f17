//! Work trees: which branches are checked out, and one of our own that goes away again.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::make_private_folder;
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::sys::open_to_lock;

use super::{CommitId, Git, GitError, path};

/// How the names of our work trees begin, in the state folder and in the repository's own list.
const MARK: &str = "fuseboard-merge-";

/// How often is looked whether another merge of the same project has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often is tried to remove what a killed run left: a git of its own may still be writing there.
const CLEANINGS: u32 = 20;

/// The exclusive right to merge in a repository. There is one for each repository and private folder at a time, since
/// it holds a lock.
#[derive(Debug)]
pub struct Turn {
    repository: Repository,
    place: PathBuf,
    /// How all our work trees of this repository are called, up to the number of the process.
    name: String,
    /// Released last.
    _lock: File,
}

/// A detached work tree of our own, in a private folder. It goes when this is dropped.
#[derive(Debug)]
pub struct TemporaryWorktree<'a> {
    turn: &'a Turn,
    folder: PathBuf,
    record: PathBuf,
}

impl Git {
    /// Waits for the exclusive right that this file stands for, which is held for as long as it is open.
    pub(super) fn hold(&self, file: &Path, else_why: &str) -> Result<File, GitError> {
        let failed = |error: io::Error| GitError::cannot_tell(format!("{}: {error}", file.display()));
        let lock = open_to_lock(file).map_err(failed)?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(lock),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let rest = self.deadline.remaining().unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            if rest.is_zero() || self.interrupt.sleep(rest).is_some() {
                return Err(GitError::Cut(else_why.to_owned()));
            }
        }
    }

    /// Waits until no other merge of this repository, in any of its work trees, is under way, and removes what a
    /// killed one left.
    ///
    /// `place` is a private folder; it is made if it is missing.
    ///
    /// # Errors
    /// [`GitError::Cut`] at the deadline or a signal; [`GitError::CannotTell`] if the folder cannot be used.
    pub fn wait_for_turn(&self, place: &Path) -> Result<Turn, GitError> {
        let repository = Repository::containing(&self.folder).ok_or(GitError::NotARepository)?;
        let failed = |error: io::Error| GitError::cannot_tell(format!("{}: {error}", place.display()));
        make_private_folder(place).map_err(failed)?;
        let place = place.canonicalize().map_err(failed)?;
        let name = format!("{MARK}{:016x}", fingerprint(&[repository.common(), &place]));
        let lock = place.join(format!("{name}.lock"));
        let lock = self.hold(&lock, "another merge of this project is still under way")?;
        let turn = Turn { repository, place, name, _lock: lock };
        let mut attempts = CLEANINGS;
        while let Err(error) = turn.clean() {
            attempts -= 1;
            if attempts == 0 || self.interrupt.sleep(LOOK_AGAIN).is_some() {
                let (name, place) = (&turn.name, turn.place.display());
                return Err(GitError::cannot_tell(format!(
                    "{place}/{name}-… is left over and cannot be removed: {error}"
                )));
            }
        }
        Ok(turn)
    }

    /// A work tree of our own with this commit checked out, as it stands in the commit: no attribute converts or
    /// filters a file.
    ///
    /// # Errors
    /// [`GitError`]; nothing is left of it then.
    pub fn temporary_worktree<'a>(&self, turn: &'a Turn, commit: &CommitId) -> Result<TemporaryWorktree<'a>, GitError> {
        self.refuse_programs()?;
        // A git that a killed run left may still be at work on its own; the number keeps ours apart.
        let name = format!("{}-{}", turn.name, std::process::id());
        let (folder, record) = (turn.place.join(&name), turn.records().join(&name));
        let worktree = TemporaryWorktree { turn, folder, record };
        let call = self.merging("worktree", commit).args(["add", "--quiet", "--detach", "--"]);
        call.arg(worktree.folder.clone()).arg(commit.as_str()).output()?;
        Ok(worktree)
    }

    /// The work trees in which a branch is checked out.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn where_checked_out(&self, branch: &str) -> Result<Vec<PathBuf>, GitError> {
        let list = self.call("worktree").args(["list", "--porcelain", "-z"]).output()?;
        let wanted = format!("branch refs/heads/{branch}");
        let (mut folder, mut found) = (PathBuf::new(), Vec::new());
        for line in list.split(|byte| *byte == 0) {
            if let Some(name) = line.strip_prefix(b"worktree ") {
                folder = path(name);
            } else if line == wanted.as_bytes() {
                found.push(folder.clone());
            }
        }
        Ok(found)
    }
}

impl Turn {
    /// The repository's own list of work trees.
    fn records(&self) -> PathBuf {
        self.repository.common().join("worktrees")
    }

    /// Removes all work trees of ours, and what the repository knows of them. No git is run: what was half made is
    /// gone as well. Only names of ours are touched; `git worktree prune` would take others' entries along.
    fn clean(&self) -> io::Result<()> {
        for list in [&self.place, &self.records()] {
            let entries = match fs::read_dir(list) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                if entry.file_name().as_encoded_bytes().strip_prefix(self.name.as_bytes()).is_some_and(is_of_process) {
                    fs::remove_dir_all(entry.path())?;
                }
            }
        }
        self.leave_no_empty_list();
        Ok(())
    }

    /// As git does: no list is left if nothing is on it. It stays if anything is.
    fn leave_no_empty_list(&self) {
        let _ = fs::remove_dir(self.records());
    }
}

impl TemporaryWorktree<'_> {
    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A place for a file of ours that goes with it and is none of its files.
    pub(super) fn scratch(&self) -> PathBuf {
        self.record.join("fuseboard-commit")
    }
}

impl Drop for TemporaryWorktree<'_> {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next turn.
        for gone in [&self.folder, &self.record] {
            let _ = fs::remove_dir_all(gone);
        }
        self.turn.leave_no_empty_list();
    }
}

/// Whether this is the end of a work tree's name, and not that of the lock: git may have added a digit to it.
fn is_of_process(rest: &[u8]) -> bool {
    rest.first() == Some(&b'-')
}

/// FNV-1a over the paths: the same for each version of this program, so that they share the lock.
pub(super) fn fingerprint(paths: &[&Path]) -> u64 {
    let bytes = paths.iter().flat_map(|path| path.as_os_str().as_bytes().iter().chain([&0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
