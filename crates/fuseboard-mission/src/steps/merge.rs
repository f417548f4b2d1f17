//! Merges the mission's branch into its base: in a work tree of its own, published by one push or one update.
//!
//! | | |
//! |---|---|
//! | done | the base has one commit more, with the branch's last author |
//! | not applicable | the base has everything already |
//! | refused | the rules say no, or somebody could be hurt: see [`Merge`] |
//! | failed | a conflict, a rejected push, git's own trouble; everything is as it was |

use std::path::PathBuf;

use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::git::{CommitId, Git, GitError, Merged, NewCommit, PushPlan, names};

mod options;

pub use options::{Base, MergeOptions};

/// Most commits that a message lists.
const LISTED: u32 = 100;

/// Where merges are made, in the state folder.
const PLACE: &str = "merges";

/// The step.
///
/// It refuses outside of a git repository; if the repository's configuration could run programs; for a branch that
/// fits no pattern, or is the base; if `HEAD` is not the job's branch and commit; with changes in tracked files; if
/// the branch is not pushed while the base belongs to a remote; and, without a remote, if the base is checked out
/// anywhere. The user's work tree, index and branches are never touched; the base moves by one update, or not.
#[derive(Clone, Debug)]
pub struct Merge {
    options: MergeOptions,
}

/// Why there is no merge.
enum Stop {
    Refused(String),
    Nothing(String),
    Failed(StepError),
}

impl From<GitError> for Stop {
    fn from(error: GitError) -> Self {
        Self::Failed(error.into())
    }
}

/// A mission's branch that may be merged, as far as the repository itself can tell.
struct Candidate {
    branch: String,
    head: CommitId,
    base: String,
    remote: Option<String>,
}

impl Merge {
    /// The step with the options of `with = { … }`.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong.
    pub fn new(options: &StepOptions) -> Result<Self, ConfigErrors> {
        MergeOptions::of(options).map(Self::with)
    }

    /// The step with these options.
    pub fn with(options: MergeOptions) -> Self {
        Self { options }
    }

    fn merge(&self, context: &StepContext<'_>) -> Result<Told, Stop> {
        let git = Git::of(context);
        git.refuse_programs().map_err(refusal)?;
        // Whatever is looked at must still hold when it is acted on, so the wait comes first.
        let turn = git.wait_for_turn(&context.state_folder.join(PLACE))?;
        let Candidate { branch, head, base, remote } = self.candidate(&git, context)?;
        let old = match &remote {
            Some(remote) => on_remote(&git, remote, &base, &branch, &head)?,
            None => here(&git, &base)?,
        };
        let moved = self.moved(context, &old, &base)?;
        let count = git.ahead(&old, &head)?;
        let nothing = || Stop::Nothing(format!("{base} has everything of {branch} already"));
        if count == 0 {
            return Err(nothing());
        }
        let worktree = git.temporary_worktree(turn, &old)?;
        let tree = match git.squash(&worktree, &head)? {
            Merged::Clean(tree) => tree,
            Merged::Conflict(files) => {
                let files: Vec<&PathBuf> = files.iter().collect();
                return Err(failed(format!("{branch} and {base} conflict in {}", names(&files))));
            }
        };
        if tree == git.commit(&old)?.tree {
            return Err(nothing());
        }
        let message = message(&git, context, &branch, &old, &head, count)?;
        let author = git.last_author(&head)?;
        let new = git.commit_tree(&NewCommit { tree: &tree, parent: &old, author: &author, message: &message })?;
        let deleted = if let Some(remote) = &remote {
            let delete = self.options.delete.then_some((branch.as_str(), &head));
            git.push(&PushPlan { remote, branch: &base, old: &old, new: &new, delete })?;
            delete.is_some()
        } else {
            git.move_branch(&base, &new, &old)?;
            false
        };
        drop(worktree);
        let commits = if count == 1 { "1 commit".to_owned() } else { format!("{count} commits") };
        let moved_since = moved.map_or_else(String::new, |from| {
            format!(
                "; {base} had moved since the mission began ({} to {}), it merged cleanly",
                from.short(),
                old.short()
            )
        });
        Ok(Told::detail(format!("{commits} of {branch} into {base} as {}{moved_since}", new.short())).with(json!({
            "branch": branch, "base": base, "remote": remote, "commits": count, "old": old.as_str(),
            "commit": new.as_str(), "base_moved": !moved_since.is_empty(), "deleted": deleted,
        })))
    }

    fn candidate(&self, git: &Git, context: &StepContext<'_>) -> Result<Candidate, Stop> {
        let project = &context.job.project;
        let branch = project.branch.clone().ok_or_else(|| refused("the mission ended on no branch"))?;
        if !self.options.allow(&branch) {
            return Err(refused(format!("{branch} fits none of {}", self.options.branches.join(", "))));
        }
        let commit = project.commit.as_deref().and_then(CommitId::new);
        let commit = commit.ok_or_else(|| refused("the mission's commit is not known"))?;
        let current = git.branch()?;
        if current.as_ref() != Some(&branch) {
            let current = current.as_deref().unwrap_or("no branch");
            return Err(refused(format!("{current} is checked out and no longer {branch}")));
        }
        if git.head()?.as_ref() != Some(&commit) {
            return Err(refused(format!("{branch} has moved since the mission ended at {}", commit.short())));
        }
        let changes = git.changes().map_err(refusal)?;
        if !changes.tracked.is_empty() {
            let files: Vec<&PathBuf> = changes.tracked.iter().collect();
            return Err(refused(format!("there are changes that are not committed: {}", names(&files))));
        }
        if context.publishing.is_some() && git.publishing().as_deref() != context.publishing {
            return Err(refused(
                "where the base is published has changed since the mission began: its name or a remote",
            ));
        }
        let base = match &self.options.base {
            Base::Usual | Base::Fixed => git.base_branch(None)?,
            Base::Branch(name) => git.base_branch(Some(name))?,
        };
        if base == branch {
            return Err(refused(format!("{branch} is the base itself")));
        }
        let remote = git.remote_of(&base).map_err(refusal)?;
        Ok(Candidate { branch, head: commit, base, remote })
    }

    /// Where the base stood when the mission began, if it stands elsewhere now.
    fn moved(&self, context: &StepContext<'_>, old: &CommitId, base: &str) -> Result<Option<CommitId>, Stop> {
        let began = context.job.project.base.as_deref().and_then(CommitId::new);
        let fixed = self.options.base == Base::Fixed;
        match began {
            None if fixed => Err(refused(format!("where {base} stood when the mission began is not known"))),
            Some(began) if began != *old && fixed => {
                let (from, to) = (began.short(), old.short());
                Err(refused(format!("{base} has moved since the mission began ({from} to {to})")))
            }
            began => Ok(began.filter(|began| began != old)),
        }
    }
}

impl Step for Merge {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let shown = |text: String| context.redactor.redact(&plain_text(&text)).into_owned();
        match self.merge(context) {
            Ok(told) => Ok(Answer::Done(told)),
            Err(Stop::Refused(why)) => Ok(Answer::Refused(shown(why))),
            Err(Stop::Nothing(why)) => Ok(Answer::NotApplicable(shown(why))),
            Err(Stop::Failed(error)) => Err(StepError { message: shown(error.message), ..error }),
        }
    }

    fn is_atomic(&self) -> bool {
        true
    }
}

/// Where the base stands here, if it may be moved here.
fn here(git: &Git, base: &str) -> Result<CommitId, Stop> {
    let old = git.resolve(&format!("refs/heads/{base}"))?;
    let old = old.ok_or_else(|| refused(format!("there is no branch {base}")))?;
    match git.where_checked_out(base)?.first() {
        Some(folder) => {
            Err(refused(format!("{base} is checked out in {}, whose files would not follow", folder.display())))
        }
        None => Ok(old),
    }
}

/// Where the base stands on its remote, if the branch is there as it is here. The commit is here when this returns.
fn on_remote(git: &Git, remote: &str, base: &str, branch: &str, head: &CommitId) -> Result<CommitId, Stop> {
    if git.remote_branch(remote, branch)?.as_ref() != Some(head) {
        return Err(refused(format!("{branch} is not pushed to {remote}")));
    }
    let old = git.remote_branch(remote, base)?;
    let old = old.ok_or_else(|| refused(format!("{remote} has no branch {base}")))?;
    if git.resolve(old.as_str())?.is_none() {
        git.fetch_objects(remote, base)?;
    }
    Ok(old)
}

/// The job's title or the branch's last subject, and the commits.
fn message(
    git: &Git,
    context: &StepContext<'_>,
    branch: &str,
    old: &CommitId,
    head: &CommitId,
    count: u64,
) -> Result<String, Stop> {
    let title = context.job.title.as_deref().map(|title| context.redactor.redact(&plain_text(title)).into_owned());
    let title = title.map(|title| title[..title.floor_char_boundary(fuseboard::MAX_MESSAGE)].trim().to_owned());
    let subject = match title.filter(|title| !title.is_empty()) {
        Some(title) => title,
        None => git.subject(head)?,
    };
    let subject = if subject.is_empty() { format!("Merge {branch}") } else { subject };
    let listed = git.commits(old, head, LISTED)?;
    let mut lines: Vec<String> =
        listed.iter().rev().map(|(commit, subject)| format!("* {subject} ({})", commit.short())).collect();
    if count > u64::from(LISTED) {
        lines.insert(0, format!("* … {} earlier ones", count - u64::from(LISTED)));
    }
    Ok(format!("{subject}\n\n{}\n", lines.join("\n")))
}

fn refused(why: impl Into<String>) -> Stop {
    Stop::Refused(why.into())
}

fn failed(why: impl Into<String>) -> Stop {
    Stop::Failed(StepError::new(why))
}

/// What cannot be told about the repository itself is a reason not to touch it.
fn refusal(error: GitError) -> Stop {
    match error {
        GitError::NotARepository | GitError::CannotTell(_) => Stop::Refused(error.to_string()),
        GitError::Cut(_) => error.into(),
    }
}
