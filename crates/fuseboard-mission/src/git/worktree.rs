//! Work trees: which branches are checked out, and one of our own that goes away again.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::repository::Repository;

use super::{CommitId, Git, GitError, path};

/// How the names of our work trees begin, in the state folder and in the repository's own list.
const MARK: &str = "fuseboard-merge-";

/// How often is looked whether another merge of the same project has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A detached work tree of our own, in a private folder. There is one for each repository and private folder at a
/// time, since it holds a lock; what a killed run left of it is removed by the next. It goes when this is dropped.
#[derive(Debug)]
pub struct TemporaryWorktree {
    folder: PathBuf,
    record: PathBuf,
    /// Released last.
    _lock: File,
}

/// The exclusive right to a [`TemporaryWorktree`] in a repository, before it is made.
#[derive(Debug)]
pub struct Turn {
    repository: Repository,
    place: PathBuf,
    name: String,
    lock: File,
}

impl Git {
    /// Waits until no other merge of this repository, in any of its work trees, is under way.
    ///
    /// `place` is a private folder; it is made if it is missing.
    ///
    /// # Errors
    /// [`GitError::Cut`] at the deadline or a signal; [`GitError::CannotTell`] if the folder cannot be used.
    pub fn wait_for_turn(&self, place: &Path) -> Result<Turn, GitError> {
        let repository = Repository::containing(&self.folder).ok_or(GitError::NotARepository)?;
        let failed = |error: io::Error| GitError::cannot_tell(format!("{}: {error}", place.display()));
        DirBuilder::new().recursive(true).mode(0o700).create(place).map_err(failed)?;
        let place = place.canonicalize().map_err(failed)?;
        let name = format!("{MARK}{:016x}", fingerprint(&[repository.common(), &place]));
        let lock = place.join(format!("{name}.lock"));
        let lock = File::options().create(true).append(true).open(lock).map_err(failed)?;
        loop {
            match lock.try_lock() {
                Ok(()) => return Ok(Turn { repository, place, name, lock }),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let rest = self.deadline.remaining().unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN);
            if rest.is_zero() || self.interrupt.sleep(rest).is_some() {
                return Err(GitError::Cut("another merge of this project is still under way".to_owned()));
            }
        }
    }

    /// A work tree of our own with this commit checked out.
    ///
    /// # Errors
    /// [`GitError`]; nothing is left of it then.
    pub fn temporary_worktree(&self, turn: Turn, commit: &CommitId) -> Result<TemporaryWorktree, GitError> {
        self.refuse_programs()?;
        let Turn { repository, place, name, lock } = turn;
        let worktree = TemporaryWorktree {
            folder: place.join(&name),
            record: repository.common().join("worktrees").join(&name),
            _lock: lock,
        };
        worktree.remove().map_err(|error| {
            GitError::cannot_tell(format!("{} is left over and cannot be removed: {error}", worktree.folder.display()))
        })?;
        let call = self.call("worktree").args(["add", "--quiet", "--detach", "--"]);
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

impl TemporaryWorktree {
    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes its files and what the repository knows of it. No git is run: this comes after a deadline, too, and
    /// what was half made is gone as well. Only these two names are touched; `git worktree prune` would take
    /// others' entries along.
    fn remove(&self) -> io::Result<()> {
        for gone in [&self.folder, &self.record] {
            match fs::remove_dir_all(gone) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        // As git does: no list is left if nothing is on it. It stays if anything is.
        let _ = self.record.parent().map(fs::remove_dir);
        Ok(())
    }
}

impl Drop for TemporaryWorktree {
    fn drop(&mut self) {
        // What cannot be removed now is found by the next one.
        let _ = self.remove();
    }
}

/// FNV-1a over the paths: the same for each version of this program, so that they share the lock.
fn fingerprint(paths: &[&Path]) -> u64 {
    let bytes = paths.iter().flat_map(|path| path.as_os_str().as_bytes().iter().chain([&0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
