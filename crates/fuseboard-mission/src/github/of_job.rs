//! The pull request of a job's branch.

use fuseboard_pipeline::step::{StepContext, StepError};

use super::{GitHub, PullRequest};
use crate::git::{Git, GitError};

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sought {
    /// It is open, or merged with just the job's commit.
    Found(PullRequest),
    /// There is none, and why.
    None(String),
    /// It is not looked for, and why.
    Refused(String),
}

/// Looks for it where others looked for it before the mission.
pub(crate) fn pull_request_of_job(git: &Git, context: &StepContext<'_>) -> Result<Sought, StepError> {
    let project = &context.job.project;
    let Some(branch) = project.branch.as_deref() else { return Ok(none("the mission ended on no branch")) };
    if branch.starts_with('-') {
        return Ok(Sought::Refused(format!("gh would take {branch} for an option")));
    }
    // gh asks git about the repository.
    let remote = match git.refuse_programs().and_then(|()| git.remote_of(branch)) {
        Ok(remote) => remote,
        Err(GitError::NotARepository) => return Ok(none("this is no git repository")),
        Err(GitError::CannotTell(why)) => return Ok(Sought::Refused(why)),
        Err(cut @ GitError::Cut(_)) => return Err(cut.into()),
    };
    if remote.is_none() {
        return Ok(none("there is no remote, and so no pull request"));
    }
    let is_as_before = |before: &String| git.base_branch(None).is_ok_and(|base| git.is_published_as(before, &base));
    if !context.before.publishing.as_ref().is_none_or(is_as_before) {
        return Ok(Sought::Refused("a remote or the way there has changed since the mission began".to_owned()));
    }
    let Some(request) = GitHub::of(git, context.redactor).pull_request(branch)? else {
        return Ok(none(&format!("{branch} has no pull request")));
    };
    let is_ours = request.state == "MERGED" && Some(request.head.as_str()) == project.commit.as_deref();
    if request.state == "OPEN" || is_ours {
        return Ok(Sought::Found(request));
    }
    Ok(none(&format!("{} is {}", request.url, request.state.to_lowercase())))
}

fn none(why: &str) -> Sought {
    Sought::None(why.to_owned())
}
