//! Remotes: where their branches stand, fetching without touching a reference, and one push.

use super::{Call, CommitId, Git, GitError, error::shown};

/// What one push is to do, all of it or nothing.
#[derive(Clone, Debug)]
pub struct PushPlan<'a> {
    /// The remote's name.
    pub remote: &'a str,
    /// The branch that moves.
    pub branch: &'a str,
    /// Where it stands: if it does not, the push is rejected.
    pub old: &'a CommitId,
    /// Where it goes.
    pub new: &'a CommitId,
    /// A branch that goes away with it, and where it stands.
    pub delete: Option<(&'a str, &'a CommitId)>,
}

/// Options of each push.
const PUSH: [&str; 5] = ["--porcelain", "--no-verify", "--no-signed", "--no-follow-tags", "--recurse-submodules=no"];

impl Git {
    /// Where a branch stands on a remote, asked there; `None` if it has none of that name.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn remote_branch(&self, remote: &str, branch: &str) -> Result<Option<CommitId>, GitError> {
        self.refuse_programs()?;
        let name = format!("refs/heads/{branch}");
        let list = self.call("ls-remote").args(["--quiet", "--refs", "--", remote, &name]).output()?;
        // The name is a pattern there, which `x/refs/heads/NAME` fits as well.
        let of_name = |line: &[u8]| {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            (&line[tab + 1..] == name.as_bytes()).then(|| CommitId::of_line(&line[..tab]))
        };
        list.split(|byte| *byte == b'\n').find_map(of_name).transpose()
    }

    /// Fetches what leads to a remote's branch. No reference of the repository changes.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn fetch_objects(&self, remote: &str, branch: &str) -> Result<(), GitError> {
        self.refuse_programs()?;
        let options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap="];
        let more = ["--no-prune", "--no-auto-maintenance", "--no-write-commit-graph", "--"];
        let call = self.call("fetch").args(options).args(more);
        call.args([remote, &format!("refs/heads/{branch}")]).output().map(|_| ())
    }

    /// Pushes once.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] with the remote's reason if it was rejected; nothing changed there then. A push that
    /// was [cut](GitError::Cut) may or may not have arrived.
    pub fn push(&self, plan: &PushPlan<'_>) -> Result<(), GitError> {
        self.refuse_programs()?;
        let lease = |branch: &str, commit: &CommitId| format!("--force-with-lease=refs/heads/{branch}:{commit}");
        let mut call = self.call("push").args(PUSH).arg(lease(plan.branch, plan.old));
        if let Some((branch, commit)) = plan.delete {
            call = call.arg("--atomic").arg(lease(branch, commit));
        }
        call = call.args(["--", plan.remote, &format!("{}:refs/heads/{}", plan.new, plan.branch)]);
        if let Some((branch, _)) = plan.delete {
            call = call.arg(format!(":refs/heads/{branch}"));
        }
        pushed(call, plan.branch)
    }

    /// Brings a commit to a remote's branch, which is made if it is missing, and holds no commit that this one does not
    /// follow.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn push_forward(&self, remote: &str, branch: &str, commit: &CommitId) -> Result<(), GitError> {
        self.refuse_programs()?;
        let call = self.call("push").args(PUSH).args(["--no-force", "--", remote]);
        pushed(call.arg(format!("{commit}:refs/heads/{branch}")), branch)
    }

    /// The remote to which a branch belongs: the one it is set up for, else `origin`, else the only one. `None` if
    /// there are no remotes.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] if there are several and none of these, or if it has more than one address, to
    /// which no single push could go.
    pub fn remote_of(&self, branch: &str) -> Result<Option<String>, GitError> {
        let remotes = self.remotes()?;
        let own = self.own_setting(&format!("branch.{branch}.remote"))?;
        let named = |name: &str| remotes.iter().find(|remote| remote.name == name);
        let remote = match (own.as_deref().and_then(named).or_else(|| named("origin")), remotes.as_slice()) {
            (Some(remote), _) | (None, [remote]) => remote,
            (None, []) => return Ok(None),
            (None, _) => {
                return Err(GitError::cannot_tell(format!("which remote {} belongs to", shown(branch.as_bytes()))));
            }
        };
        if remote.urls.len() + remote.push_urls.len() != 1 {
            let name = shown(remote.name.as_bytes());
            return Err(GitError::cannot_tell(format!("the remote {name} has more than one address")));
        }
        Ok(Some(remote.name.clone()))
    }
}

fn pushed(call: Call<'_>, branch: &str) -> Result<(), GitError> {
    let said = call.run()?;
    if said.code == 0 {
        return Ok(());
    }
    // `!<TAB>FROM:TO<TAB>[rejected] (stale info)`
    let rejected = said.stdout.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"!\t"));
    Err(match rejected.and_then(|line| line.rsplit(|byte| *byte == b'\t').next()) {
        Some(reason) => GitError::cannot_tell(format!("the push to {branch} was {}", shown(reason))),
        None => said.error("push"),
    })
}
