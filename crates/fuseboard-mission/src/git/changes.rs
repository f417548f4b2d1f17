//! What differs between the work tree and the commit that is checked out.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use fuseboard_pipeline::make_private_folder;

use super::{Git, GitError, error::shown, path, worktree::fingerprint};

/// The indexes of our own that this process has made.
static MADE: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// How deep submodules are looked into.
const SUBMODULES: u8 = 8;

/// Files of the work tree that are not as in the commit, by their paths from the top folder; any bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files that git knows and that were changed, added to the index, removed, or are in conflict.
    pub tracked: Vec<PathBuf>,
    /// Files that git does not know and is not told to ignore.
    pub untracked: Vec<PathBuf>,
}

impl Git {
    /// What differs between the work tree and `HEAD`, populated submodules included.
    ///
    /// # Errors
    /// [`GitError`]; [`GitError::CannotTell`] if the repository's configuration could have a program run, and if
    /// the index is told not to look at a file.
    pub fn changes(&self) -> Result<Changes, GitError> {
        self.changes_within(SUBMODULES)
    }

    fn changes_within(&self, depth: u8) -> Result<Changes, GitError> {
        self.refuse_programs()?;
        let root = self.root()?;
        let status = self.call("status").args(["--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"]);
        // The commit of a submodule is compared, its files are not: that would obey its own configuration.
        let status = status.arg("--ignore-submodules=dirty").output()?;
        let mut changes = parse(&status)?;
        let submodules = self.look_at_index(&root)?;
        if changes.tracked.is_empty() {
            changes.tracked = self.changes_beside_the_index(&root)?;
        }
        for submodule in submodules {
            let inner = root.join(&submodule);
            if inner.join(".git").symlink_metadata().is_err() {
                if is_empty(&inner) {
                    continue; // not populated
                }
                let name = shown(submodule.as_os_str().as_encoded_bytes());
                return Err(GitError::cannot_tell(format!("the submodule {name} is no repository, and not empty")));
            }
            if depth == 0 {
                return Err(GitError::cannot_tell("submodules are nested too deeply"));
            }
            let within = self.in_folder(inner).changes_within(depth - 1)?;
            changes.tracked.extend(within.tracked.iter().map(|path| submodule.join(path)));
            changes.untracked.extend(within.untracked.iter().map(|path| submodule.join(path)));
        }
        Ok(changes)
    }

    /// What has changed, by an index of our own: that of the repository is written by whoever works there, and may call
    /// any file the same as the one that was committed. This process's first look reads every file.
    fn changes_beside_the_index(&self, root: &Path) -> Result<Vec<PathBuf>, GitError> {
        let Some(head) = self.head()? else { return Ok(Vec::new()) };
        let failed = |error: io::Error| GitError::cannot_tell(format!("an index of our own: {error}"));
        let make = |folder: &&Path| make_private_folder(folder).is_ok();
        let kept = self.indexes.as_deref().filter(make);
        let passing;
        let place = if let Some(folder) = kept {
            folder
        } else {
            passing = tempfile::tempdir().map_err(failed)?;
            passing.path()
        };
        let index = place.join(format!("{:016x}", fingerprint(&[root])));
        let _turn = self.hold(&index.with_extension("turn"), "another look at this project is still under way")?;
        // What a git that was killed left: nobody else is here.
        drop(fs::remove_file(index.with_extension("lock")));
        if MADE.lock().unwrap_or_else(PoisonError::into_inner).insert(index.clone()) {
            drop(fs::remove_file(&index));
        }
        let ours = |name: &'static str| self.call(name).env("GIT_INDEX_FILE", &index);
        ours("read-tree").args(["--reset", "--no-sparse-checkout", head.as_str()]).output()?;
        let status = ours("status").args(["--porcelain=v2", "-z", "--untracked-files=no", "--no-renames"]);
        // What it has read it notes in the index, which is ours.
        let status = status.arg("--ignore-submodules=dirty").env("GIT_OPTIONAL_LOCKS", "1");
        Ok(parse(&status.output()?)?.tracked)
    }

    /// The submodules of the index. An entry that git is told not to look at hides changes.
    fn look_at_index(&self, root: &Path) -> Result<Vec<PathBuf>, GitError> {
        let git = self.in_folder(root);
        let entries = git.call("ls-files").args(["-z", "-v", "--stage", "--cached"]).output()?;
        let mut submodules = Vec::new();
        for entry in entries.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let tab = entry.iter().position(|byte| *byte == b'\t').ok_or_else(not_understood)?;
            let (facts, name) = (&entry[..tab], path(&entry[tab + 1..]));
            let [tag, b' ', facts @ ..] = facts else { return Err(not_understood()) };
            let hidden = match tag {
                // A file that is not looked at may differ from the commit in any way, being absent among them.
                b'S' | b's' => true,
                tag => tag.is_ascii_lowercase(),
            };
            if hidden {
                let name = shown(name.as_os_str().as_encoded_bytes());
                return Err(GitError::cannot_tell(format!(
                    "the index hides changes of {name}; git update-index --no-assume-unchanged --no-skip-worktree {name}"
                )));
            }
            if facts.starts_with(b"160000 ") {
                submodules.push(name);
            }
        }
        Ok(submodules)
    }
}

/// Whether there is nothing in a folder, or no folder.
fn is_empty(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// git-status(1), "Porcelain Format Version 2".
fn parse(status: &[u8]) -> Result<Changes, GitError> {
    let mut changes = Changes::default();
    for entry in status.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        // How many words stand before the path.
        let (words, files) = match entry[0] {
            b'1' => (8, &mut changes.tracked),
            b'u' => (10, &mut changes.tracked),
            b'?' => (1, &mut changes.untracked),
            b'#' | b'!' => continue,
            _ => return Err(not_understood()),
        };
        let name = entry.splitn(words + 1, |byte| *byte == b' ').nth(words).ok_or_else(not_understood)?;
        files.push(path(name));
    }
    Ok(changes)
}

fn not_understood() -> GitError {
    GitError::cannot_tell("git's status is not understood")
}
