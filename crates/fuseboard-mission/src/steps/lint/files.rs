//! Which of the changed files a linter is to look at.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::process::plain_text;

use crate::git::{Diff, FileStatus, GitError};
use crate::judged::Judged;
use crate::pattern;

/// First bytes of a name that programs take for more than a name: an option, a file with arguments.
const MARKS: [u8; 3] = [b'-', b'@', b'+'];

/// The files of a diff, as a linter in the job's folder is concerned.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// Those that it looks at, as words of a command line, relative to the job's folder.
    pub(super) meant: Vec<OsString>,
    /// Changed links, from the top folder. Where they lead was not changed by this, or lies outside.
    pub(super) links: Vec<PathBuf>,
    /// How many are gone.
    pub(super) gone: usize,
    /// How many lie outside of the job's folder.
    pub(super) outside: usize,
}

impl Files {
    /// Those of this diff that fit one of the patterns, all if there is no pattern.
    ///
    /// # Errors
    /// Git cannot tell the folders, or a file does not stand in the work tree: the linter would look at another one.
    pub(super) fn of(judged: &Judged, diff: &Diff, patterns: &[String]) -> Result<Self, GitError> {
        let (root, folder) = (judged.root()?, judged.folder()?);
        let mut files = Self::default();
        for file in &diff.files {
            let Ok(path) = file.path.strip_prefix(&folder) else {
                files.outside += 1;
                continue;
            };
            if !patterns.is_empty() && !patterns.iter().any(|pattern| pattern::fits_path(pattern, path)) {
                continue;
            }
            if file.status == FileStatus::Deleted {
                files.gone += 1;
            } else if !file.regular {
                files.links.push(file.path.clone());
            } else if stands_in(&root, &file.path) {
                files.meant.push(word(path));
            } else {
                let name = plain_text(&file.name());
                return Err(GitError::CannotTell(format!("{name} is not in the work tree as it is in the commit")));
            }
        }
        Ok(files)
    }
}

/// Whether there is a file of this path, and no link on the way to it.
fn stands_in(root: &Path, path: &Path) -> bool {
    let file = root.join(path);
    file.symlink_metadata().is_ok_and(|meta| meta.is_file()) && file.canonicalize().is_ok_and(|real| real == file)
}

/// The path as a word that can only be a path.
fn word(path: &Path) -> OsString {
    let is_marked = path.as_os_str().as_bytes().first().is_some_and(|first| MARKS.contains(first));
    if is_marked { Path::new(".").join(path).into_os_string() } else { path.as_os_str().to_owned() }
}
