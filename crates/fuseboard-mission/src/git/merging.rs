//! Merging in a work tree of our own, and the commit that comes of it.

use std::path::PathBuf;

use super::{Author, CommitId, Git, GitError, TemporaryWorktree, path};

/// What a merge came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// The id of the tree that holds both.
    Clean(String),
    /// Files that were changed on both sides in ways that do not fit.
    Conflict(Vec<PathBuf>),
}

/// A commit to be made.
#[derive(Clone, Debug)]
pub struct NewCommit<'a> {
    /// The id of its tree.
    pub tree: &'a str,
    /// The commit it follows.
    pub parent: &'a CommitId,
    /// Who wrote what is in it.
    pub author: &'a Author,
    /// Its message, as it is.
    pub message: &'a str,
}

/// Who commits for a user who has told git no name.
const NOBODY: (&str, &str) = ("fuseboard", "fuseboard@localhost");

impl Git {
    /// Brings what `commit` has into a work tree of ours, without committing it there.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn squash(&self, worktree: &TemporaryWorktree, commit: &CommitId) -> Result<Merged, GitError> {
        let git = self.in_folder(worktree.folder());
        let options =
            ["--squash", "--ff", "--quiet", "--no-stat", "--no-autostash", "--no-verify-signatures", "--no-gpg-sign"];
        let said = git.call("merge").args(options).arg(commit.as_str()).run()?;
        match said.code {
            0 => {
                let tree = git.call("write-tree").output()?;
                // A tree's id has the form of a commit's.
                Ok(Merged::Clean(CommitId::of_line(&tree)?.to_string()))
            }
            1 => {
                let list = git.call("diff").args(["--name-only", "--diff-filter=U", "-z", "--no-relative"]);
                let list = list.args(["--no-ext-diff", "--no-textconv", "--ignore-submodules=dirty"]).output()?;
                let files: Vec<PathBuf> =
                    list.split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(path).collect();
                if files.is_empty() { Err(said.error("merge")) } else { Ok(Merged::Conflict(files)) }
            }
            _ => Err(said.error("merge")),
        }
    }

    /// Makes a commit. No branch leads to it yet. The committer is who the user's own configuration names, else
    /// `fuseboard`.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn commit_tree(&self, commit: &NewCommit<'_>) -> Result<CommitId, GitError> {
        let own = self.user_setting("user.name")?.zip(self.user_setting("user.email")?);
        let (name, email) = own.unwrap_or_else(|| (NOBODY.0.to_owned(), NOBODY.1.to_owned()));
        let call = self
            .call("commit-tree")
            .args(["--no-gpg-sign", "-p", commit.parent.as_str(), "-m", commit.message, commit.tree])
            .env("GIT_AUTHOR_NAME", or_else(&commit.author.name, "unknown"))
            .env("GIT_AUTHOR_EMAIL", &commit.author.email)
            .env("GIT_AUTHOR_DATE", &commit.author.date)
            .env("GIT_COMMITTER_NAME", name)
            .env("GIT_COMMITTER_EMAIL", email);
        CommitId::of_line(&call.output()?)
    }

    /// Moves a branch from one commit to another, in one step, if it is still where it was.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if it is not, or cannot be moved; it is unchanged then.
    pub fn move_branch(&self, branch: &str, new: &CommitId, old: &CommitId) -> Result<(), GitError> {
        let name = format!("refs/heads/{branch}");
        let call = self.call("update-ref").args(["-m", "fuseboard: merge", &name, new.as_str(), old.as_str()]);
        call.output().map(|_| ())
    }
}

/// Git takes no name that is empty once it has left out what it does not allow in one.
fn or_else(name: &str, other: &str) -> String {
    let usable = name.chars().any(char::is_alphanumeric);
    if usable { name } else { other }.to_owned()
}
