//! What a gate judges: the commits between the base and what is checked out.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::step::{StepContext, StepError};

use crate::git::{CommitId, Diff, Git, GitError};

/// The work of a job, as commits: from `base`, where it left the base branch, to `head`.
pub(crate) struct Judged {
    git: Git,
    pub(crate) base: CommitId,
    pub(crate) head: CommitId,
}

impl Judged {
    /// The work of this job. Its base is where the option's branch stood before the job began, else the commit that
    /// the job recorded then: neither can be moved by the work. Only where neither is known it is looked for now, as
    /// [`Git::base`] does.
    pub(crate) fn of(context: &StepContext<'_>, option: Option<&str>) -> Result<Self, GitError> {
        let git = Git::of(context);
        let base = match (option.zip(context.before.branches.as_ref()), context.job.project.base.as_deref()) {
            (Some((name, branches)), _) => git.base_before(name, branches)?,
            // A full id is never looked up as a branch: somebody may have named one so.
            (None, Some(recorded)) => match CommitId::new(recorded) {
                Some(id) => git
                    .resolve(id.as_str())?
                    .ok_or_else(|| GitError::CannotTell(format!("the job's base {recorded} is no commit here")))?,
                None => git.base(Some(recorded))?,
            },
            (None, None) => git.base(option)?,
        };
        let head = git.head()?.ok_or_else(|| GitError::CannotTell("there is no commit yet".to_owned()))?;
        let base = git.merge_base(&base, &head)?;
        Ok(Self { git, base, head })
    }

    /// What the work changes.
    pub(crate) fn diff(&self) -> Result<Diff, GitError> {
        self.git.diff(&self.base, &self.head)
    }

    /// Git in the job's folder.
    pub(crate) fn git(&self) -> &Git {
        &self.git
    }

    /// A file as it was before, by its path from the top folder.
    pub(crate) fn before(&self, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        self.git.file_at(&self.base, path)
    }

    /// The files that held this text before.
    pub(crate) fn before_with(&self, text: &str) -> Result<HashSet<PathBuf>, GitError> {
        self.git.files_with(&self.base, text)
    }

    /// A file as it is committed now, by its path from the top folder.
    pub(crate) fn after(&self, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        self.git.file_at(&self.head, path)
    }

    /// The top folder, free of links.
    pub(crate) fn root(&self) -> Result<PathBuf, GitError> {
        Ok(real(&self.git.root()?))
    }

    /// The job's folder, from the top folder.
    pub(crate) fn folder(&self) -> Result<PathBuf, GitError> {
        let folder = real(self.git.folder());
        let below = folder.strip_prefix(self.root()?).map(Path::to_owned);
        below.map_err(|_| GitError::CannotTell(format!("{} lies in no work tree of git's", folder.display())))
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Whether the step may go on.
///
/// # Errors
/// The deadline has passed, or a signal came.
pub(crate) fn go_on(context: &StepContext<'_>) -> Result<(), StepError> {
    if let Some(signal) = context.interrupt.signal() {
        return Err(StepError::cut(format!("interrupted by signal {signal}")));
    }
    if context.deadline.has_passed() {
        return Err(StepError::cut("cut by the deadline"));
    }
    Ok(())
}
