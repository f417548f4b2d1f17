//! What work is compared with: its base, and how that stands to it.

use std::collections::BTreeMap;

use super::{CommitId, Git, GitError, error};

/// Where the base is looked for when nobody names it, best first.
const BASES: [&str; 3] = [ORIGIN_HEAD, "refs/heads/main", "refs/heads/master"];

/// The usual branch of `origin`, as it was last seen there.
const ORIGIN_HEAD: &str = "refs/remotes/origin/HEAD";

/// The same for the base's name, which may also be known from `origin` alone.
const NAMED_BASES: [&str; 4] =
    ["refs/heads/main", "refs/remotes/origin/main", "refs/heads/master", "refs/remotes/origin/master"];

impl Git {
    /// The commit against which work is judged: that of `option`, a branch before anything else, else
    /// `origin/HEAD`, `main` or `master`.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if there is none.
    pub fn base(&self, option: Option<&str>) -> Result<CommitId, GitError> {
        let Some(name) = option else {
            let usual = self.usual_bases()?;
            let found = BASES.iter().find_map(|name| usual.iter().find(|(reference, _)| reference == name));
            return found.map(|(_, commit)| commit.clone()).ok_or_else(|| {
                GitError::cannot_tell(
                    "there is no base: neither origin/HEAD nor main nor master exists; name one by `base`",
                )
            });
        };
        // A tag of the branch's name must not take its place, as it would in git.
        for candidate in [format!("refs/heads/{name}"), format!("refs/remotes/{name}"), name.to_owned()] {
            if let Some(commit) = self.resolve(&candidate)? {
                return Ok(commit);
            }
        }
        self.root()?;
        Err(GitError::cannot_tell(format!("the base {} is no commit here", error::shown(name.as_bytes()))))
    }

    /// The name of the base branch: `option`, else the one that `origin/HEAD` names, else `main` or `master`, here
    /// or at `origin`.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if there is none.
    pub fn base_branch(&self, option: Option<&str>) -> Result<String, GitError> {
        if let Some(option) = option {
            return Ok(option.strip_prefix("refs/heads/").unwrap_or(option).to_owned());
        }
        // Also one that leads to nothing yet: it says where work goes.
        if let Some(name) = self.symbolic_ref(ORIGIN_HEAD)?
            && let Some(name) = name.strip_prefix("refs/remotes/origin/")
        {
            return Ok(name.to_owned());
        }
        let usual = self.usual_bases()?;
        let known = |name: &&&str| usual.iter().any(|(reference, _)| reference == **name);
        let name = NAMED_BASES.iter().find(known).and_then(|name| name.rsplit('/').next());
        name.map(str::to_owned).ok_or_else(|| {
            GitError::cannot_tell(
                "there is no base branch: neither origin/HEAD nor main nor master; name one by `base`",
            )
        })
    }

    /// Those of [`BASES`] and [`NAMED_BASES`] that lead to a commit, with it.
    fn usual_bases(&self) -> Result<Vec<(String, CommitId)>, GitError> {
        let format = "--format=%(objecttype) %(objectname) %(refname)";
        let list = self.call("for-each-ref").arg(format).args(BASES).args(NAMED_BASES).run()?;
        let base = |line: &[u8]| {
            let (commit, reference) = str::from_utf8(line).ok()?.strip_prefix("commit ")?.split_once(' ')?;
            Some((reference.to_owned(), CommitId::new(commit)?))
        };
        let lines = || list.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let found: Vec<_> = lines().filter_map(base).collect();
        if list.code == 0 && found.len() == lines().count() {
            return Ok(found);
        }
        // One of them stands at a tag, or its object is missing: that hides no other.
        let mut found = Vec::new();
        for name in BASES.into_iter().chain(NAMED_BASES) {
            found.extend(self.resolve(name)?.map(|commit| (name.to_owned(), commit)));
        }
        Ok(found)
    }

    /// The commit of a base that is named, a branch or a commit, when the branches stood so.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if there is none.
    pub fn base_before(&self, name: &str, before: &BTreeMap<String, String>) -> Result<CommitId, GitError> {
        let names = [name.to_owned(), format!("refs/heads/{name}"), format!("refs/remotes/{name}")];
        let then = names.iter().find_map(|name| CommitId::new(before.get(name)?));
        let commit = then.or_else(|| CommitId::new(name));
        let commit = commit.map(|commit| self.resolve(commit.as_str())).transpose()?.flatten();
        commit.ok_or_else(|| {
            let name = error::shown(name.as_bytes());
            GitError::cannot_tell(format!("the base {name} was no branch when the job began, and is no full commit id"))
        })
    }

    /// The commit at which each branch stands, here and as last seen on remotes, by the branch's full name. Names that
    /// are not UTF-8 are left out.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn branches(&self) -> Result<BTreeMap<String, String>, GitError> {
        let call = self.call("for-each-ref").args(["--format=%(objectname) %(refname)", "refs/heads", "refs/remotes"]);
        let list = call.output()?;
        let lines = list.split(|byte| *byte == b'\n').filter_map(|line| str::from_utf8(line).ok()?.split_once(' '));
        Ok(lines.map(|(commit, name)| (name.to_owned(), commit.to_owned())).collect())
    }

    /// Whether one commit is an ancestor of another, or the same.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn is_ancestor(&self, one: &CommitId, other: &CommitId) -> Result<bool, GitError> {
        let said = self.call("merge-base").args(["--is-ancestor", one.as_str(), other.as_str()]).run()?;
        match said.code {
            0 => Ok(true),
            1 => Ok(false),
            _ => Err(said.error("merge-base")),
        }
    }

    /// The newest commit that both descend from.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if there is none, which in a shallow clone says nothing.
    pub fn merge_base(&self, one: &CommitId, other: &CommitId) -> Result<CommitId, GitError> {
        let said = self.call("merge-base").args([one.as_str(), other.as_str()]).run()?;
        match said.code {
            0 => CommitId::of_line(said.stdout.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default()),
            1 if self.is_shallow()? => {
                Err(GitError::cannot_tell("this clone is shallow and does not reach back to a common commit"))
            }
            1 => Err(GitError::cannot_tell(format!("{} and {} have no common commit", one.short(), other.short()))),
            _ => Err(said.error("merge-base")),
        }
    }
}
