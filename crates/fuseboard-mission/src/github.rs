//! GitHub, through its command-line program `gh`, run by this module alone.
//!
//! `gh` knows who the user is and which repository the remotes lead to; it asks git for these, so that whoever calls
//! it looks at [`Git::refuse_programs`](crate::git::Git::refuse_programs) first. What it prints as JSON is listed by
//! `gh pr view --json`; formats: <https://cli.github.com/manual/gh_pr_view>, `gh_pr_merge`, `gh_api`.

use fuseboard::FailureKind;
use fuseboard_pipeline::process::{Command, Ended, How, Output};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::step::StepError;
use serde::Deserialize;

use crate::git::{CommitId, Git};

mod comments;
mod of_job;

pub use comments::Comment;
pub(crate) use of_job::{Sought, pull_request_of_job};

/// Most output of one call that is read, in bytes.
const MAX_OUTPUT: usize = 1024 * 1024;

/// How much of gh's complaints is kept, in bytes.
const MAX_COMPLAINT: usize = 16 * 1024;

/// Variables of every call: no question, no pager, no colour, no news.
const VARIABLES: [(&str, &str); 6] = [
    ("GH_PROMPT_DISABLED", "1"),
    ("GH_PAGER", ""),
    ("PAGER", ""),
    ("NO_COLOR", "1"),
    ("GH_NO_UPDATE_NOTIFIER", "1"),
    ("GH_SPINNER_DISABLED", "1"),
];

/// Variables that would have it speak of another repository, or print more than it is asked for.
const REMOVED: [&str; 5] = ["GH_REPO", "GH_FORCE_TTY", "GH_DEBUG", "DEBUG", "CLICOLOR_FORCE"];

/// The code by which `gh` says that it is not logged in.
const NOT_LOGGED_IN: i32 = 4;

/// What is asked of a pull request.
const FIELDS: &str = "url,state,headRefOid,baseRefName,isDraft,autoMergeRequest";

/// GitHub, as seen from a folder in a clone. No call is made when it is built.
#[derive(Clone, Copy, Debug)]
pub struct GitHub<'a> {
    git: &'a Git,
    redactor: &'a Redactor,
}

/// A pull request, as GitHub describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its address.
    pub url: String,
    /// Its repository as `HOST/OWNER/NAME`, read from its address.
    pub repository: String,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: String,
    /// Whether it is only a draft.
    pub is_draft: bool,
    /// The commit that it would merge.
    pub head: String,
    /// The branch into which it would.
    pub base: String,
    /// How it will be merged by itself, if that is armed: `SQUASH`, `MERGE` or `REBASE`.
    pub armed: Option<String>,
}

/// How a pull request is to be merged.
#[derive(Clone, Debug)]
pub struct Arming<'a> {
    /// The branch of the pull request. It must not begin with `-`.
    pub branch: &'a str,
    /// Its repository, as in [`PullRequest::repository`].
    pub repository: &'a str,
    /// `squash`, `merge` or `rebase`.
    pub method: &'a str,
    /// The commit that may be merged, and no other.
    pub commit: &'a CommitId,
    /// Whether GitHub deletes the branch afterwards.
    pub delete: bool,
}

/// Why `gh` gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GitHubError {
    /// It could not be started.
    #[error("{0}")]
    NotStarted(String),
    /// It failed, or what it said is not understood. Trying again helps only if the reason goes.
    #[error("{0}")]
    Failed(String),
    /// The deadline or a signal ended the call. Nobody's fault.
    #[error("{0}")]
    Cut(String),
}

impl From<GitHubError> for StepError {
    fn from(error: GitHubError) -> Self {
        match error {
            GitHubError::NotStarted(message) => Self::of(FailureKind::Spawn, message),
            GitHubError::Failed(message) => Self::new(message),
            GitHubError::Cut(message) => Self::cut(message),
        }
    }
}

impl<'a> GitHub<'a> {
    /// GitHub as seen from this git's folder, until its deadline. Secrets in what `gh` says are taken out.
    pub fn of(git: &'a Git, redactor: &'a Redactor) -> Self {
        Self { git, redactor }
    }

    /// The pull request of a branch, if it has one. The branch must not begin with `-`.
    ///
    /// # Errors
    /// [`GitHubError`]
    pub fn pull_request(&self, branch: &str) -> Result<Option<PullRequest>, GitHubError> {
        let ended = self.run(&["pr", "view", branch, "--json", FIELDS])?;
        match ended.how {
            How::Exited(0) => read(&ended.stdout.bytes()).map(Some).ok_or_else(|| {
                GitHubError::Failed("gh pr view printed no pull request that is understood; is gh too old?".to_owned())
            }),
            How::Exited(_) if String::from_utf8_lossy(&ended.stderr.bytes()).contains("no pull requests found") => {
                Ok(None)
            }
            _ => Err(self.failed("gh pr view", &ended)),
        }
    }

    /// The address of a pull request of a branch, open or not, if it ever had one. The branch is given as a value.
    ///
    /// # Errors
    /// [`GitHubError`]
    pub fn any_pull_request(&self, branch: &str) -> Result<Option<String>, GitHubError> {
        let head = format!("--head={branch}");
        let ended = self.run(&["pr", "list", &head, "--state", "all", "--limit", "1", "--json", "url"])?;
        if ended.how != How::Exited(0) {
            return Err(self.failed("gh pr list", &ended));
        }
        let listed: Option<Vec<Listed>> = serde_json::from_slice(&ended.stdout.bytes()).ok();
        let is_address = |listed: &Listed| repository_of(&listed.url).is_some();
        let listed = listed.filter(|all| all.iter().all(is_address)).ok_or_else(|| {
            let said = ended.stdout.last_error(self.redactor).unwrap_or_else(|| "nothing".to_owned());
            GitHubError::Failed(format!("gh pr list answered what is no list of addresses: {said}"))
        })?;
        Ok(listed.into_iter().next().map(|listed| listed.url))
    }

    /// Has GitHub merge a pull request as soon as its own conditions are met, which may be at once. Nothing local is
    /// touched.
    ///
    /// # Errors
    /// [`GitHubError`]. If it was cut it may or may not have arrived.
    pub fn arm(&self, arming: &Arming<'_>) -> Result<(), GitHubError> {
        let method = format!("--{}", arming.method);
        // With its repository given, gh leaves local branches and the work tree alone, whatever it deletes there.
        let mut words = vec!["pr", "merge", arming.branch, "--repo", arming.repository, "--auto", &method];
        words.extend(["--match-head-commit", arming.commit.as_str()]);
        if arming.delete {
            words.push("--delete-branch");
        }
        let ended = self.run(&words)?;
        if ended.how == How::Exited(0) { Ok(()) } else { Err(self.failed("gh pr merge", &ended)) }
    }

    /// Runs it until it has exited.
    fn run(&self, words: &[&str]) -> Result<Ended, GitHubError> {
        let command = Command::new("gh").stdout(Output::hold(MAX_OUTPUT)).stderr(Output::keep(MAX_COMPLAINT));
        let mut command = self.git.surround(command).args(words);
        for (variable, value) in VARIABLES {
            command = command.env(variable, value);
        }
        for variable in REMOVED {
            command = command.env_remove(variable);
        }
        let ended = self.git.run(&command);
        let name = format!("gh {} {}", words[0], words[1]);
        match &ended.how {
            How::Exited(_) => Ok(ended),
            How::Cut | How::Interrupted(_) => Err(GitHubError::Cut(format!("{name} {}", ended.how))),
            How::NotStarted(why) if why.is_permanent() => Err(GitHubError::NotStarted(format!(
                "gh cannot be started: {}; install it (https://cli.github.com)",
                why.message()
            ))),
            _ => Err(self.failed(&name, &ended)),
        }
    }

    fn failed(&self, name: &str, ended: &Ended) -> GitHubError {
        let is_unknown = ended.how == How::Exited(NOT_LOGGED_IN);
        let remedy = if is_unknown { "; log in by gh auth login, or set GH_TOKEN" } else { "" };
        GitHubError::Failed(format!("{name} {}{remedy}", ended.in_words(self.redactor)))
    }
}

/// An entry of what `gh pr list --json url` prints.
#[derive(Deserialize)]
struct Listed {
    url: String,
}

/// What `gh pr view --json` prints, as far as it is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    url: String,
    state: String,
    head_ref_oid: String,
    base_ref_name: String,
    is_draft: bool,
    auto_merge_request: Option<Armed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Armed {
    merge_method: String,
}

fn read(json: &[u8]) -> Option<PullRequest> {
    let printed: Printed = serde_json::from_slice(json).ok()?;
    Some(PullRequest {
        repository: repository_of(&printed.url)?,
        url: printed.url,
        state: printed.state,
        is_draft: printed.is_draft,
        head: printed.head_ref_oid,
        base: printed.base_ref_name,
        armed: printed.auto_merge_request.map(|armed| armed.merge_method),
    })
}

/// `https://HOST/OWNER/NAME/pull/NUMBER`
fn repository_of(url: &str) -> Option<String> {
    let parts: Vec<&str> = url.strip_prefix("https://")?.split('/').collect();
    let [host, owner, name, "pull", number] = parts[..] else { return None };
    let is_plain = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && part.chars().all(|char| char.is_ascii_alphanumeric() || "-._:".contains(char))
    };
    let fits = [host, owner, name].into_iter().all(is_plain) && number.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| format!("{host}/{owner}/{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_is_read_as_gh_prints_it() {
        let printed = |armed: &str| {
            format!(
                r#"{{"autoMergeRequest":{armed},"baseRefName":"main","headRefOid":"a1","isDraft":false,"state":"OPEN",
                    "url":"https://github.com/example/app/pull/7"}}"#
            )
        };
        let request = read(printed("null").as_bytes()).unwrap();
        assert_eq!((request.repository.as_str(), request.base.as_str()), ("github.com/example/app", "main"));
        assert_eq!((request.head.as_str(), request.armed, request.is_draft), ("a1", None, false));
        let armed = r#"{"authorEmail":null,"enabledAt":"2026-01-01T00:00:00Z","mergeMethod":"SQUASH"}"#;
        assert_eq!(read(printed(armed).as_bytes()).unwrap().armed.as_deref(), Some("SQUASH"));
        for nonsense in ["", "null", "[]", "{}", "not json", &printed("7")] {
            assert_eq!(read(nonsense.as_bytes()), None, "{nonsense}");
        }
    }

    #[test]
    fn an_address_that_is_no_pull_requests_names_no_repository() {
        assert_eq!(repository_of("https://git.example.org:8443/a/b.c/pull/1").unwrap(), "git.example.org:8443/a/b.c");
        for other in [
            "http://github.com/a/b/pull/1",
            "https://github.com/a/b",
            "https://github.com/a/b/issues/1",
            "https://github.com/a/b/pull/x",
            "https://github.com/--x/b/pull/1",
            "https://u:p@github.com/a/b/pull/1",
            "https://github.com/a b/c/pull/1",
            "https:///a/b/pull/1",
        ] {
            assert_eq!(repository_of(other), None, "{other}");
        }
    }
}
