//! Committing what lies in one folder of a work tree, as it is there.

use super::{CommitId, Git, GitError};

impl Git {
    /// Commits everything below this folder that is not as in `HEAD`, and nothing else: what is staged elsewhere stays
    /// staged. No hook runs. `None` if there was nothing to commit.
    ///
    /// # Errors
    /// [`GitError`]; [`GitError::CannotTell`] if git does not commit, as in the middle of a merge.
    pub fn commit_folder(&self, message: &str) -> Result<Option<CommitId>, GitError> {
        self.refuse_programs()?;
        let status = self.call("status").args(["--porcelain=v2", "-z", "--untracked-files=all", "--no-renames"]);
        if status.arg("--ignore-submodules=dirty").operand(".").output()?.is_empty() {
            return Ok(None);
        }
        self.call("add").arg("--all").operand(".").output()?;
        let options = ["--quiet", "--no-verify", "--no-gpg-sign", "--no-status", "--cleanup=verbatim", "--only"];
        let (name, email) = self.user()?;
        let call = self.call("commit").args(options).args(["-m", message]).operand(".");
        let call = call.env("GIT_AUTHOR_NAME", &name).env("GIT_AUTHOR_EMAIL", &email);
        call.env("GIT_COMMITTER_NAME", name).env("GIT_COMMITTER_EMAIL", email).output()?;
        self.head()
    }
}
