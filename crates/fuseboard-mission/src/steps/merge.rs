//! Merges the mission's branch into its base: in a work tree of its own, published by one push or one update; or has
//! GitHub do it.
//!
//! | | |
//! |---|---|
//! | done | the base has the work; see [`Strategy`] for the form. Or GitHub has been told to merge |
//! | not applicable | the base has everything already |
//! | refused | the rules say no, or somebody could be hurt: see [`Merge`] |
//! | failed | a conflict, a rejected push, git's or gh's own trouble; everything is as it was |

use std::path::PathBuf;

use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{Kind, StepRow};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use crate::git::{CommitId, Git, GitError, PushPlan, Turn, names};

mod armed;
mod options;
mod strategy;

pub use options::{Base, MergeOptions, Via};
pub use strategy::Strategy;

use strategy::{Made, Work};

/// Where merges are made, in the state folder.
const PLACE: &str = "merges";

/// The step.
///
/// It refuses outside of a git repository; if the repository's configuration could run programs; for a branch that
/// fits no pattern, or is the base; if `HEAD` is not the job's branch and commit; with changes in tracked files; if
/// the branch is not pushed while the base belongs to a remote; and, without a remote, if the base is checked out
/// anywhere, or is only another name of a branch. A branch with merges of its own is not rebased. The user's work
/// tree, index and branches are never touched; the base moves by one update, or not.
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
        let candidate = self.candidate(&git, context)?;
        match self.options.via {
            Via::Git => self.publish(&git, context, &turn, &candidate),
            Via::Github => self.arm(&git, context, &candidate),
        }
    }

    fn publish(&self, git: &Git, context: &StepContext<'_>, turn: &Turn, candidate: &Candidate) -> Result<Told, Stop> {
        let Candidate { branch, head, base, remote } = candidate;
        let old = match remote {
            Some(remote) => on_remote(git, remote, candidate)?,
            None => here(git, base)?,
        };
        all_is_judged(git, context, candidate, &old)?;
        let moved = self.moved(git, context, &old, base)?;
        let strategy = self.options.strategy;
        let work = Work { git, context, turn, candidate, old: &old };
        let Made { commit: new, commits, dropped, as_judged } = work.made(strategy)?;
        let deleted = if let Some(remote) = remote {
            let delete = self.options.delete.then_some((branch.as_str(), head));
            git.push(&PushPlan { remote, branch: base, old: &old, new: &new, delete })?;
            delete.is_some()
        } else {
            git.move_branch(base, &new, &old)?;
            false
        };
        let counted = if commits == 1 { "1 commit".to_owned() } else { format!("{commits} commits") };
        let left_out =
            if dropped == 0 { String::new() } else { format!("; {dropped} left out, {base} has them already") };
        let moved_since = moved_clause(moved.as_ref(), &old, base);
        let unjudged = match (as_judged, &moved) {
            (true, _) => String::new(),
            (false, Some(_)) => ": no gate has judged the two together".to_owned(),
            (false, None) => format!("; {base} has commits of its own: no gate has judged the two together"),
        };
        let detail = format!("{counted} of {branch} into {base} as {}{left_out}{moved_since}{unjudged}", new.short());
        Ok(Told::detail(detail).with(json!({
            "strategy": strategy.as_str(), "branch": branch, "base": base, "remote": remote, "commits": commits,
            "dropped": dropped, "old": old.as_str(), "commit": new.as_str(), "base_moved": moved.is_some(),
            "as_judged": as_judged, "deleted": deleted,
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
        let base = match &self.options.base {
            Base::Usual | Base::Fixed => git.base_branch(None)?,
            Base::Branch(name) => git.base_branch(Some(name))?,
        };
        let Some(published) = &context.before.publishing else {
            return Err(refused("where the base was published before the mission is not known"));
        };
        if !git.is_published_as(published, &base) {
            return Err(refused(
                "where the base is published has changed since the mission began: its name, a remote or the way there",
            ));
        }
        if base == branch {
            return Err(refused(format!("{branch} is the base itself")));
        }
        let remote = git.remote_of(&base).map_err(refusal)?;
        Ok(Candidate { branch, head: commit, base, remote })
    }

    /// Where the base stood when the mission began, if it stands elsewhere now. Of a base that is not the usual one
    /// that is not known.
    fn moved(
        &self,
        git: &Git,
        context: &StepContext<'_>,
        old: &CommitId,
        base: &str,
    ) -> Result<Option<CommitId>, Stop> {
        let began = context.job.project.base.as_deref().and_then(CommitId::new);
        match (began, &self.options.base) {
            (None, Base::Fixed) => Err(refused(format!("where {base} stood when the mission began is not known"))),
            (Some(began), Base::Fixed) if began != *old => {
                let (from, to) = (began.short(), old.short());
                Err(refused(format!("{base} has moved since the mission began ({from} to {to})")))
            }
            (_, Base::Branch(_)) if git.base_branch(None).ok().as_deref() != Some(base) => Ok(None),
            (began, _) => Ok(began.filter(|began| began != old)),
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
    if let Some(other) = git.alias_of(base)? {
        return Err(refused(format!("{base} is only another name of {other}; name that one by `base`")));
    }
    match git.where_checked_out(base)?.first() {
        Some(folder) => {
            Err(refused(format!("{base} is checked out in {}, whose files would not follow", folder.display())))
        }
        None => Ok(old),
    }
}

/// Whether the gates that told where they began have seen all that would be merged: they may have judged against
/// another base.
fn all_is_judged(git: &Git, context: &StepContext<'_>, candidate: &Candidate, old: &CommitId) -> Result<(), Stop> {
    let Candidate { branch, head, base, .. } = candidate;
    let began = |row: &StepRow| CommitId::new(row.output.as_ref()?.get("base")?.as_str()?);
    for row in context.ended.iter().filter(|row| row.kind == Kind::Gate) {
        let Some(judged) = began(row) else { continue };
        if !git.is_ancestor(&judged, &git.merge_base(old, head)?)? {
            return Err(refused(format!(
                "{} has judged {branch} from {} on, and not all that would come into {base}; give it the same `base`",
                row.name,
                judged.short()
            )));
        }
    }
    Ok(())
}

/// Where the base stands on its remote, if the branch is there as it is here. The commit is here when this returns.
fn on_remote(git: &Git, remote: &str, candidate: &Candidate) -> Result<CommitId, Stop> {
    let old = pushed(git, remote, candidate)?;
    if git.resolve(old.as_str())?.is_none() {
        git.fetch_objects(remote, &candidate.base)?;
    }
    Ok(old)
}

/// Where the base stands on its remote, if the branch is there as it is here.
fn pushed(git: &Git, remote: &str, candidate: &Candidate) -> Result<CommitId, Stop> {
    let Candidate { branch, head, base, .. } = candidate;
    if git.remote_branch(remote, branch)?.as_ref() != Some(head) {
        return Err(refused(format!("{branch} is not pushed to {remote}")));
    }
    git.remote_branch(remote, base)?.ok_or_else(|| refused(format!("{remote} has no branch {base}")))
}

/// That the base has moved, if it has.
fn moved_clause(from: Option<&CommitId>, to: &CommitId, base: &str) -> String {
    from.map_or_else(String::new, |from| {
        format!("; {base} had moved since the mission began ({} to {})", from.short(), to.short())
    })
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
