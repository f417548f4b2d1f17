//! `commit`: commits what lies in the journal's folder, and pushes it.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `folder` | a folder in a git repository, relative to the configuration's folder | none: it must be given |
//! | `message` | the commit's message | `Journal of DAY` |
//! | `push` | whether it is pushed to the remote's branch of the same name | true |
//!
//! | | |
//! |---|---|
//! | done | committed, and pushed unless `push = false`; or there is nothing to commit |
//! | refused | no git repository, the one that the mission worked in, or one whose configuration could run programs; no branch is checked out (detached head); no remote |
//! | failed | a missing folder, a rejected push, git's own trouble; what was committed stays, and is pushed next time |

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::PrivateFolder;
use fuseboard_pipeline::config::{ConfigErrors, Help, Spanned, StepOptions, TableReader};
use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::git::{CommitId, Git, GitError};
use crate::place;

/// The step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The folder whose content is committed.
    pub folder: PathBuf,
    /// The commit's message, if it is not the default one.
    pub message: Option<String>,
    /// Whether it is pushed.
    pub push: bool,
}

/// Why there is no commit, or no push of it.
enum Stop {
    Refused(String),
    Failed(StepError),
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Self {
        Self::Failed(error.into())
    }
}

impl Commit {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    fn read(options: &mut TableReader<'_>) -> Self {
        let folder = options.path("folder");
        let folder = options.required("folder", folder, Help::advice("write folder = \"../journal\""));
        Self {
            folder: folder.map(Spanned::into_inner).unwrap_or_default(),
            message: options.filled_text("message").map(Spanned::into_inner),
            push: options.flag("push").is_none_or(|push| *push),
        }
    }

    fn commit(&self, context: &StepContext<'_>) -> Result<Told, Stop> {
        let folder = place::folder(context, Some(&self.folder), "").map_err(Stop::Failed)?;
        let root = own_repository(&folder, &context.job.project.path)?;
        let turns = PrivateFolder::new(context.state_folder.join("turns"));
        let turn = turns.lock(&sha256_hex(root.as_os_str().as_bytes()), context.deadline);
        let _turn = turn.map_err(|error| Stop::Failed(StepError::new(error.to_string())))?;
        let git = Git::of(context).in_folder(&folder);
        git.refuse_programs().map_err(refusal)?;
        let Some(branch) = git.branch()? else {
            return Err(Stop::Refused(format!("no branch is checked out in {} (detached head)", root.display())));
        };
        let remote = if self.push { Some(remote_of(&git, &branch)?) } else { None };
        let message = match &self.message {
            Some(message) => message.clone(),
            None => format!("Journal of {}", Day::of(place::ended_at(context))),
        };
        let new = git.commit_folder(&message)?;
        let pushed = match &remote {
            Some(remote) => push(&git, remote, &branch, new.as_ref())?,
            None => false,
        };
        let made = new.as_ref().map(|commit| format!("committed to {branch} as {}", commit.short()));
        let detail = match (made, &remote) {
            (Some(made), Some(remote)) => format!("{made}, and pushed to {remote}"),
            (Some(made), None) => made,
            (None, Some(remote)) if pushed => format!("nothing to commit; pushed earlier commits to {remote}"),
            (None, _) => "nothing to commit".to_owned(),
        };
        let commit = new.as_ref().map(CommitId::as_str);
        let output = json!({ "branch": branch, "commit": commit, "remote": remote, "pushed": pushed });
        Ok(Told::detail(detail).with(output))
    }
}

impl Step for Commit {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let shown = |text: String| context.redactor.redact(&plain_text(&text)).into_owned();
        match self.commit(context) {
            Ok(told) => Ok(Answer::Done(told)),
            Err(Stop::Refused(why)) => Ok(Answer::Refused(shown(why))),
            Err(Stop::Failed(error)) => Err(StepError { message: shown(error.message), ..error }),
        }
    }
}

/// The top folder of the folder's repository. It must have nothing to do with the one that the mission worked in: what an
/// agent has put on a branch there would be published past the gates, and of a repository that lies within its work tree an
/// agent decides where it is pushed to.
fn own_repository(folder: &Path, project: &Path) -> Result<PathBuf, Stop> {
    let Some(repository) = Repository::containing(folder) else {
        return Err(Stop::Refused(format!("{} lies in no git repository", folder.display())));
    };
    let shown = folder.display();
    if let Some(judged) = Repository::containing(project) {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if real(judged.common()) == real(repository.common()) {
            let why =
                format!("{shown} lies in a work tree of the repository that the mission worked in; use another one");
            return Err(Stop::Refused(why));
        }
        if real(folder).starts_with(real(judged.root())) {
            let why = format!("{shown} lies within the work tree that the mission worked in; move it out");
            return Err(Stop::Refused(why));
        }
    }
    Ok(repository.root().to_owned())
}

fn remote_of(git: &Git, branch: &str) -> Result<String, Stop> {
    let missing = || Stop::Refused("there is no remote to push to; add one, or write push = false".to_owned());
    git.remote_of(branch).map_err(refusal)?.ok_or_else(missing)
}

/// Pushes what the remote is not known to have; whether there was anything.
fn push(git: &Git, remote: &str, branch: &str, new: Option<&CommitId>) -> Result<bool, Stop> {
    let Some(head) = git.head()? else { return Ok(false) };
    if git.resolve(&format!("refs/remotes/{remote}/{branch}"))?.as_ref() == Some(&head) {
        return Ok(false);
    }
    git.push_forward(remote, branch, &head).map_err(|error| {
        let StepError { kind, message } = error.into();
        let stays = new.map_or_else(String::new, |new| format!("; committed as {}, pushed next time", new.short()));
        Stop::Failed(StepError { kind, message: format!("{message}{stays}") })
    })?;
    Ok(true)
}

/// What cannot be told about the repository itself is a reason not to touch it.
fn refusal(error: GitError) -> Stop {
    match error {
        GitError::NotARepository | GitError::CannotTell(_) => Stop::Refused(error.to_string()),
        GitError::Cut(_) => error.into(),
    }
}
