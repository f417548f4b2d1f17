//! Merging in a work tree of our own, and the commits that come of it.
//!
//! A commit merges as its lines say: neither an attribute that stands in it (`merge=union` joins what conflicts, seen)
//! nor a setting of the repository (`merge.default`, `merge.renormalize`) has a say in it.

use std::fs;
use std::io;
use std::path::PathBuf;

use fuseboard_pipeline::repository::Repository;

use super::{Author, Call, CommitId, Git, GitError, TemporaryWorktree, path};

/// Settings of every call that merges.
const SETTINGS: [&str; 5] = [
    "merge.default=text",
    "merge.renormalize=false",
    "merge.renames=true",
    "merge.directoryRenames=conflict",
    // Git would write into the repository's configuration that it has such work trees.
    "worktree.useRelativePaths=false",
];

/// The trees without a file, of which git knows by itself: of SHA-1 and of SHA-256.
const EMPTY_TREES: [&str; 2] =
    ["4b825dc642cb6eb9a060e54bf8d69288fbee4904", "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"];

/// The largest file of attributes that is read, in bytes.
const MAX_ATTRIBUTES: u64 = 1024 * 1024;

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
    /// The commits it follows; more than one for a merge.
    pub parents: &'a [&'a CommitId],
    /// Who wrote what is in it.
    pub author: &'a Author,
    /// Its message, as it is.
    pub message: &'a str,
}

/// Who commits for a user who has told git no name.
const NOBODY: (&str, &str) = ("fuseboard", "fuseboard@localhost");

impl Git {
    /// Refuses attributes that stand beside the commits and decide how files merge: nothing can be set against them.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] naming the file.
    pub fn refuse_attributes(&self) -> Result<(), GitError> {
        let repository = Repository::containing(&self.folder).ok_or(GitError::NotARepository)?;
        let file = repository.common().join("info/attributes");
        let unreadable = |error: io::Error| GitError::cannot_tell(format!("{}: {error}", file.display()));
        let size = match fs::metadata(&file) {
            Ok(kind) if kind.is_file() => kind.len(),
            Ok(_) => return Err(GitError::cannot_tell(format!("{} is no file", file.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unreadable(error)),
        };
        let decides = size > MAX_ATTRIBUTES || {
            let text = fs::read(&file).map_err(unreadable)?;
            let mut lines = text.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().starts_with(b"#"));
            lines.any(|line| line.windows(5).any(|word| word == b"merge"))
        };
        if decides {
            let file = file.display();
            return Err(GitError::cannot_tell(format!("{file} can decide how files merge; take `merge` out of it")));
        }
        Ok(())
    }

    /// Brings what `commit` and its history have into a work tree of ours, without committing it there.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn squash(&self, worktree: &TemporaryWorktree<'_>, commit: &CommitId) -> Result<Merged, GitError> {
        let options =
            ["--squash", "--ff", "--quiet", "--no-stat", "--no-autostash", "--no-verify-signatures", "--no-gpg-sign"];
        self.bring(worktree, commit, "merge", &options)
    }

    /// Brings what `commit` itself changed into a work tree of ours, on top of what is there, without committing it.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn pick(&self, worktree: &TemporaryWorktree<'_>, commit: &CommitId) -> Result<Merged, GitError> {
        self.bring(worktree, commit, "cherry-pick", &["--no-commit", "--no-gpg-sign"])
    }

    fn bring(
        &self,
        worktree: &TemporaryWorktree<'_>,
        commit: &CommitId,
        how: &'static str,
        options: &[&str],
    ) -> Result<Merged, GitError> {
        let git = self.in_folder(worktree.folder());
        let call = git.merging(how, commit).args(options).args(["--strategy=ort", commit.as_str()]);
        // Nothing is committed, but git will not begin without a name.
        let said = git.as_committer(call)?.run()?;
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
                if files.is_empty() { Err(said.error(how)) } else { Ok(Merged::Conflict(files)) }
            }
            _ => Err(said.error(how)),
        }
    }

    /// A call that writes or compares files of our work tree: each as it stands in its commit.
    pub(super) fn merging(&self, name: &'static str, commit: &CommitId) -> Call<'_> {
        let empty = EMPTY_TREES.into_iter().find(|tree| tree.len() == commit.as_str().len()).unwrap_or_default();
        // The variable of that name would be passed over by a git that does not know it; the option is not.
        let mut options = vec![format!("--attr-source={empty}")];
        options.extend(SETTINGS.iter().flat_map(|setting| ["-c".to_owned(), (*setting).to_owned()]));
        self.call_with(&options, name).env("GIT_ATTR_NOSYSTEM", "1")
    }

    /// Makes a commit. No branch leads to it yet. The committer is who the user's own configuration names, else
    /// `fuseboard`.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn commit_tree(&self, commit: &NewCommit<'_>) -> Result<CommitId, GitError> {
        let parents = commit.parents.iter().flat_map(|parent| ["-p", parent.as_str()]);
        let call = self.call("commit-tree").arg("--no-gpg-sign").args(parents);
        let call = self
            .as_committer(call.args(["-m", commit.message, commit.tree]))?
            .env("GIT_AUTHOR_NAME", or_else(&commit.author.name, "unknown"))
            .env("GIT_AUTHOR_EMAIL", &commit.author.email)
            .env("GIT_AUTHOR_DATE", &commit.author.date);
        CommitId::of_line(&call.output()?)
    }

    /// Who commits and when, as git writes it into a commit.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn committer(&self) -> Result<String, GitError> {
        let line = self.as_committer(self.call("var").arg("GIT_COMMITTER_IDENT"))?.output()?;
        Ok(String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned())
    }

    /// The call, made in the name of who commits.
    fn as_committer<'a>(&self, call: Call<'a>) -> Result<Call<'a>, GitError> {
        let (name, email) = self.user()?;
        Ok(call.env("GIT_COMMITTER_NAME", name).env("GIT_COMMITTER_EMAIL", email))
    }

    /// The name and the address of the user.
    pub(super) fn user(&self) -> Result<(String, String), GitError> {
        let own = self.user_setting("user.name")?.zip(self.user_setting("user.email")?);
        Ok(own.unwrap_or_else(|| (NOBODY.0.to_owned(), NOBODY.1.to_owned())))
    }

    /// Makes a commit again, on another one and with another tree: author, message and encoding stay to the byte,
    /// signatures go. No branch leads to it yet.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn recommit(
        &self,
        worktree: &TemporaryWorktree<'_>,
        commit: &CommitId,
        tree: &str,
        parent: &CommitId,
        committer: &str,
    ) -> Result<CommitId, GitError> {
        let old = self.call("cat-file").args(["commit", commit.as_str()]).output()?;
        let new = again(&old, tree, parent, committer);
        let new = new.ok_or_else(|| GitError::cannot_tell(format!("the commit {} cannot be read", commit.short())))?;
        let file = worktree.scratch();
        fs::write(&file, new).map_err(|error| GitError::cannot_tell(format!("{}: {error}", file.display())))?;
        let call = self.call("hash-object").args(["-t", "commit", "-w", "--no-filters"]);
        CommitId::of_line(&call.operand(file).output()?)
    }

    /// Moves a branch from one commit to another, in one step, if it is still where it was.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if it is not, or cannot be moved; it is unchanged then.
    pub fn move_branch(&self, branch: &str, new: &CommitId, old: &CommitId) -> Result<(), GitError> {
        let name = format!("refs/heads/{branch}");
        // A branch that has become another one's name meanwhile is replaced, and the other one stays where it is.
        let call = self.call("update-ref").args(["--no-deref", "-m", "fuseboard: merge"]);
        call.args([&name, new.as_str(), old.as_str()]).output().map(|_| ())
    }
}

/// gitformat: headers, an empty line, the message. A header that has more lines (a signature) begins the others with a
/// blank.
fn again(commit: &[u8], tree: &str, parent: &CommitId, committer: &str) -> Option<Vec<u8>> {
    let end = commit.windows(2).position(|two| two == b"\n\n")?;
    let (headers, message) = commit.split_at(end + 1);
    let header = |name: &[u8]| headers.split_inclusive(|byte| *byte == b'\n').find(|line| line.starts_with(name));
    let mut new = format!("tree {tree}\nparent {parent}\n").into_bytes();
    new.extend(header(b"author ")?);
    new.extend(format!("committer {committer}\n").bytes());
    new.extend(header(b"encoding ").unwrap_or_default());
    new.extend(message);
    Some(new)
}

/// Git takes no name that is empty once it has left out what it does not allow in one.
fn or_else(name: &str, other: &str) -> String {
    let usable = name.chars().any(char::is_alphanumeric);
    if usable { name } else { other }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_made_again_keeps_its_author_message_and_encoding_to_the_byte_and_loses_its_signature() {
        let parent = CommitId::new(&"a1".repeat(20)).unwrap();
        let old = b"tree 12\nparent 34\nauthor \xc4 <a@b> 17 +0100\ncommitter X <y> 1 +0000\nencoding ISO-8859-1\n\
                    gpgsig -----\n encoding x\n -----\n\n\nOne\n\n\nauthor \xe4\n\n";
        let new = again(old, "56", &parent, "C <c@d> 2 +0000").unwrap();
        let mut expected = format!("tree 56\nparent {parent}\n").into_bytes();
        expected.extend(b"author \xc4 <a@b> 17 +0100\ncommitter C <c@d> 2 +0000\nencoding ISO-8859-1\n");
        expected.extend(b"\n\nOne\n\n\nauthor \xe4\n\n");
        assert_eq!(new, expected);
        assert_eq!(again(b"nonsense\n\n", "56", &parent, "C"), None);
    }
}
