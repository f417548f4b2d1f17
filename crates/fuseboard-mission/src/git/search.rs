//! Which files of a commit hold a text.

use std::collections::HashSet;
use std::path::PathBuf;

use super::{CommitId, Git, GitError, path};

impl Git {
    /// The files of a commit that hold this text in one of their lines, byte for byte, by their paths from the top
    /// folder. One call, however many files there are.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn files_with(&self, commit: &CommitId, text: &str) -> Result<HashSet<PathBuf>, GitError> {
        // It looks below the current folder only.
        let top = self.in_folder(self.root()?);
        let call = top.call("grep").args(["-l", "-z", "--fixed-strings", "--text", "--full-name", "--no-color"]);
        let said = call.args(["--no-recurse-submodules", "-e", text, commit.as_str()]).run()?;
        match said.code {
            0 => {
                // `COMMIT:PATH`
                let start = commit.as_str().len() + 1;
                let found = said.stdout.split(|byte| *byte == 0).filter_map(|entry| entry.get(start..));
                Ok(found.map(path).collect())
            }
            1 => Ok(HashSet::new()),
            _ => Err(said.error("grep")),
        }
    }
}
