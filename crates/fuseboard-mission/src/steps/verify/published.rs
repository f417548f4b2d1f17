//! Whether others can see the work: `pull-request`, `pushed`.

use std::time::Duration;

use fuseboard_pipeline::process::{How, Stdin};
use fuseboard_pipeline::step::StepError;
use serde::Deserialize;

use super::check::Look;
use super::work::Work;
use crate::checker::{self, Said};

/// How long GitHub may take for an answer, at most.
const ASKED: Duration = Duration::from_secs(30);

/// An entry of what `gh pr list --json url` writes (GitHub CLI's manual, "gh help formatting").
#[derive(Deserialize)]
struct PullRequest {
    url: String,
}

/// `pull-request`: there is one for the branch, open or not.
pub(super) fn pull_request(work: &Work<'_>) -> Result<Look, StepError> {
    if !work.options.pull_request {
        return Ok(Look::Nothing("it is not asked for: pull_request = true".to_owned()));
    }
    on_branch(work, |branch| {
        Ok(match ask(work, branch)?.first() {
            Some(pull_request) => Look::Right(pull_request.url.clone()),
            None => Look::Wrong(format!("{branch} has no pull request")),
        })
    })
}

/// Asks by the GitHub CLI, which looks at the repository with the first git of `PATH`.
fn ask(work: &Work<'_>, branch: &str) -> Result<Vec<PullRequest>, StepError> {
    let (context, git) = (work.context, work.judged.git());
    git.refuse_programs()?;
    let command = context.command("gh")?.stdin(Stdin::Null).timeout(Some(ASKED));
    let command = command.env("GH_PROMPT_DISABLED", "1").env("GH_NO_UPDATE_NOTIFIER", "1").env("NO_COLOR", "1");
    let command = match git.search_path() {
        Some(path) => command.env("PATH", path),
        None => command,
    };
    let words = ["pr", "list", "--head", branch, "--state", "all", "--limit", "1", "--json", "url"];
    let ended = context.run(&command.args(words));
    if ended.how != How::Exited(0) {
        return Err(checker::no_verdict("gh pr list", &ended, &Said::of(&ended, context.redactor), String::new));
    }
    let answer: Option<Vec<PullRequest>> = serde_json::from_slice(&ended.stdout.bytes()).ok();
    let is_address = |found: &PullRequest| found.url.starts_with("https://") || found.url.starts_with("http://");
    answer.filter(|found| found.iter().all(is_address)).ok_or_else(|| {
        let said = ended.stdout.last_error(context.redactor).unwrap_or_else(|| "nothing".to_owned());
        StepError::new(format!("gh pr list answered what is no list of addresses: {said}"))
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
    let publishing = work.context.publishing;
    if publishing.is_some() && git.publishing().as_deref() != publishing {
        let why = "where the base is published has changed since the mission began: its name or a remote";
        return Ok(Look::Wrong(why.to_owned()));
    }
    git.branch()?.map_or_else(|| Ok(Look::Wrong("the work is on no branch".to_owned())), |branch| look(&branch))
}
