//! Whether others can see the work: `pull-request`, `pushed`.

use fuseboard_pipeline::step::StepError;

use super::check::Look;
use super::work::Work;
use crate::github::GitHub;

/// `pull-request`: there is one for the branch, open or not.
pub(super) fn pull_request(work: &Work<'_>) -> Result<Look, StepError> {
    if !work.options.pull_request {
        return Ok(Look::Nothing("it is not asked for: pull_request = true".to_owned()));
    }
    on_branch(work, |branch| {
        let git = work.judged.git();
        // gh asks git about the repository.
        git.refuse_programs()?;
        Ok(match GitHub::of(git, work.context.redactor).any_pull_request(branch)? {
            Some(address) => Look::Right(address),
            None => Look::Wrong(format!("{branch} has no pull request")),
        })
    })
}

/// `pushed`: the branch stands on its remote as it does here.
pub(super) fn pushed(work: &Work<'_>) -> Result<Look, StepError> {
    if work.subjects.is_empty() {
        return Ok(Look::Nothing("there is no commit to push".to_owned()));
    }
    let git = work.judged.git();
    on_branch(work, |branch| {
        let Some(remote) = git.remote_of(branch)? else { return Ok(Look::Nothing("there is no remote".to_owned())) };
        Ok(match git.remote_branch(&remote, branch)? {
            Some(there) if there == work.judged.head => Look::Right(format!("{branch} stands on {remote} as here")),
            Some(there) => Look::Wrong(format!("{branch} stands on {remote} at {}, not as here", there.short())),
            None => Look::Wrong(format!("{branch} is not on {remote}")),
        })
    })
}

/// Looks at the branch, if it is one and others look for it where they did before the mission.
fn on_branch(work: &Work<'_>, look: impl FnOnce(&str) -> Result<Look, StepError>) -> Result<Look, StepError> {
    let git = work.judged.git();
    let publishing = &work.context.before.publishing;
    if publishing.is_some() && git.publishing() != *publishing {
        let why = "where the base is published has changed since the mission began: its name or a remote";
        return Ok(Look::Wrong(why.to_owned()));
    }
    git.branch()?.map_or_else(|| Ok(Look::Wrong("the work is on no branch".to_owned())), |branch| look(&branch))
}
