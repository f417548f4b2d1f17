//! The work tree of a repository, as the pipeline judges it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::tree::{Exempt, Tree, TreeState};

use super::error::shown;
use super::{Git, GitError};

/// Most files that a message names.
const NAMED: usize = 5;

/// The tree in which this [`Git`] works.
#[derive(Clone, Debug)]
pub struct GitTree {
    git: Git,
    is_repository: bool,
    longest_look: Option<Duration>,
}

impl GitTree {
    /// The tree of the folder in which `git` works. Each look ends at its deadline. `is_repository` says whether
    /// there was a repository before the work to be judged began: if git finds none any more, nothing can be told.
    pub fn new(git: Git, is_repository: bool) -> Self {
        Self { git, is_repository, longest_look: None }
    }

    /// The same, where a look takes no longer than this: after one that hangs there is time left for what follows.
    #[must_use]
    pub fn looking_at_most(self, longest_look: Duration) -> Self {
        Self { longest_look: Some(longest_look), ..self }
    }

    fn look(&self, exempt: &[Exempt], untracked_allowed: bool) -> Result<TreeState, GitError> {
        let git =
            &self.longest_look.map_or_else(|| self.git.clone(), |longest| self.git.until(Deadline::after(longest)));
        let Some(head) = git.head()? else {
            // Asked for its error: a folder outside of any repository has no top folder.
            git.root()?;
            return Ok(TreeState { commit: None, problem: Some("there is no commit yet".to_owned()) });
        };
        let changes = git.changes()?;
        let root = git.root()?;
        let root = root.canonicalize().unwrap_or(root);
        let exempt: Vec<Exempt> = exempt.iter().map(|exempt| exempt.at(real(exempt.path()))).collect();
        let is_exempt = |file: &PathBuf| exempt.iter().any(|exempt| exempt.covers(&root.join(file)));
        let strangers: Vec<&PathBuf> = if untracked_allowed {
            Vec::new()
        } else {
            changes.untracked.iter().filter(|file| !is_exempt(file)).collect()
        };
        let problems: Vec<String> = [
            (changes.tracked.iter().collect(), "changes that are not committed"),
            (strangers, "files that git does not know (commit, ignore or allow them)"),
        ]
        .into_iter()
        .filter(|(files, _): &(Vec<&PathBuf>, _)| !files.is_empty())
        .map(|(files, what)| format!("{what}: {}", names(&files)))
        .collect();
        let problem = (!problems.is_empty()).then(|| problems.join("; "));
        Ok(TreeState { commit: Some(head.to_string()), problem })
    }
}

impl Tree for GitTree {
    fn judge(&self, exempt: &[Exempt], untracked_allowed: bool) -> TreeState {
        match self.look(exempt, untracked_allowed) {
            Ok(state) => state,
            Err(GitError::NotARepository) if !self.is_repository => TreeState::default(),
            Err(error) => TreeState { commit: None, problem: Some(error.to_string()) },
        }
    }

    fn check_unchanged(&self, since: &TreeState) -> Result<(), String> {
        if let Some(problem) = &since.problem {
            return Err(problem.clone());
        }
        if since.commit.is_none() {
            return Ok(());
        }
        let now = self.judge(&[], true);
        if now.commit != since.commit {
            let name =
                |commit: &Option<String>| commit.as_deref().map_or("none", |id| &id[..id.len().min(10)]).to_owned();
            let moved = format!("the commit changed from {} to {}", name(&since.commit), name(&now.commit));
            return Err(now.problem.unwrap_or(moved));
        }
        now.problem.map_or(Ok(()), Err)
    }
}

/// Some of the names, in one line.
pub(crate) fn names(files: &[&PathBuf]) -> String {
    let shown: Vec<String> = files.iter().take(NAMED).map(|file| shown(file.as_os_str().as_encoded_bytes())).collect();
    let more = files.len().saturating_sub(NAMED);
    if more == 0 { shown.join(", ") } else { format!("{} and {more} more", shown.join(", ")) }
}

/// The path with the links on the way to it followed, as far as they exist. A link in its own place is not.
fn real(path: &Path) -> PathBuf {
    let place =
        |path: &Path| Some(path.parent()?.canonicalize().ok()?.join(path.file_name().unwrap_or(OsStr::new(""))));
    place(path).unwrap_or_else(|| path.to_owned())
}
