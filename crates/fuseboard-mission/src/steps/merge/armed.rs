//! `via = "github"`: the pull request's auto-merge is armed, and GitHub publishes by itself.
//!
//! | case | answer |
//! |---|---|
//! | armed, or armed already by the same strategy | done |
//! | no pull request, not open, a draft, another base, another commit; armed by another strategy | refused |
//! | `gh` fails, or is not understood | failed |

use fuseboard_pipeline::step::{StepContext, StepError, Told};
use serde_json::json;

use super::{Candidate, Merge, Stop, all_is_judged, moved_clause, on_remote, refused};
use crate::git::Git;
use crate::github::{Arming, GitHub, GitHubError};

impl From<GitHubError> for Stop {
    fn from(error: GitHubError) -> Self {
        let remedy = if matches!(error, GitHubError::NotStarted(_)) { ", or write via = \"git\"" } else { "" };
        let error = StepError::from(error);
        Self::Failed(StepError { message: error.message.clone() + remedy, ..error })
    }
}

impl Merge {
    pub(super) fn arm(&self, git: &Git, context: &StepContext<'_>, candidate: &Candidate) -> Result<Told, Stop> {
        let Candidate { branch, head, base, remote } = candidate;
        if branch.starts_with('-') {
            return Err(refused(format!("gh would take {branch} for an option")));
        }
        let Some(remote) = remote else {
            return Err(refused("there is no remote, and so no pull request; write via = \"git\""));
        };
        let old = on_remote(git, remote, candidate)?;
        all_is_judged(git, context, candidate, &old)?;
        let moved = self.moved(git, context, &old, base)?;
        let github = GitHub::of(git, context.redactor);
        let Some(request) = github.pull_request(branch)? else {
            return Err(refused(format!("{branch} has no pull request")));
        };
        let url = &request.url;
        if request.state != "OPEN" {
            return Err(refused(format!("{url} is {}", request.state.to_lowercase())));
        }
        if request.is_draft {
            return Err(refused(format!("{url} is a draft")));
        }
        if request.base != *base {
            return Err(refused(format!("{url} goes into {} and not into {base}", request.base)));
        }
        if request.head != head.as_str() {
            return Err(refused(format!("{url} is not at {}, which was judged", head.short())));
        }
        // GitHub's words are ours.
        let method = self.options.strategy.as_str();
        let already = match &request.armed {
            Some(armed) if armed.eq_ignore_ascii_case(method) => true,
            Some(armed) => {
                let armed = armed.to_lowercase();
                return Err(refused(format!("{url} is armed to {armed} already; gh pr merge --disable-auto {url}")));
            }
            None => false,
        };
        if !already {
            github.arm(&Arming {
                branch,
                repository: &request.repository,
                method,
                commit: head,
                delete: self.options.delete,
            })?;
        }
        let done = if already { "was armed already" } else { "is armed" };
        let moved_since = moved_clause(moved.as_ref(), &old, base);
        let detail = format!("auto-merge ({method}) of {url} {done}: GitHub merges it once it may{moved_since}");
        Ok(Told::detail(detail).with(json!({
            "via": "github", "strategy": method, "branch": branch, "base": base, "remote": remote, "url": url,
            "head": head.as_str(), "old": old.as_str(), "armed": true, "already": already, "base_moved": moved.is_some(),
        })))
    }
}
