//! What becomes of a branch's commits, made but not yet published.
//!
//! | strategy | the base gets | on a base that has moved |
//! |---|---|---|
//! | `squash` | one commit | three-way merge |
//! | `merge` | one commit that follows both | three-way merge |
//! | `rebase` | the branch's commits | each is picked by itself; what becomes empty is left out |
//!
//! If the base is where the branch left it there is nothing to merge: the tree is the one that the gates judged, and
//! with `rebase` so are the commits.

use std::path::PathBuf;

use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::step::StepContext;

use super::{Candidate, Stop, failed, refusal, refused};
use crate::git::{CommitId, Git, Merged, NewCommit, Turn, names};

/// Most commits that a message lists.
const LISTED: u32 = 100;

/// How a branch becomes a part of its base.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// As one commit, by the branch's last author.
    #[default]
    Squash,
    /// By one commit that follows both, even if the base has not moved.
    Merge,
    /// As its own commits, each by its author, on top of the base.
    Rebase,
}

impl Strategy {
    /// The word for it in `with = { … }`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Merge => "merge",
            Self::Rebase => "rebase",
        }
    }
}

/// A branch that may be merged, and where its base stands.
pub(super) struct Work<'a> {
    pub(super) git: &'a Git,
    pub(super) context: &'a StepContext<'a>,
    pub(super) turn: &'a Turn,
    pub(super) candidate: &'a Candidate,
    pub(super) old: &'a CommitId,
}

/// What is to be published.
pub(super) struct Made {
    /// Where the base goes.
    pub(super) commit: CommitId,
    /// How many commits of the branch are in it.
    pub(super) commits: u64,
    /// How many were left out, since the base has what they change.
    pub(super) dropped: u64,
    /// Whether its tree is the branch's, which the gates judged.
    pub(super) as_judged: bool,
}

impl Work<'_> {
    /// Makes it by this strategy.
    pub(super) fn made(&self, strategy: Strategy) -> Result<Made, Stop> {
        let (git, head) = (self.git, &self.candidate.head);
        let count = git.ahead(self.old, head)?;
        if count == 0 {
            return Err(self.nothing());
        }
        let fork = git.merge_base(self.old, head).map_err(refusal)?;
        if fork != *self.old {
            git.refuse_attributes().map_err(refusal)?;
        }
        match strategy {
            Strategy::Squash => self.joined(&fork, count, &[self.old], git.subject(head)?),
            Strategy::Merge => self.joined(&fork, count, &[self.old, head], String::new()),
            Strategy::Rebase => self.replayed(&fork),
        }
    }

    /// One commit with everything, which follows these. It is called after the job's title, else by this subject.
    fn joined(&self, fork: &CommitId, count: u64, parents: &[&CommitId], subject: String) -> Result<Made, Stop> {
        let (git, Candidate { branch, head, base, .. }) = (self.git, self.candidate);
        let tree = if fork == self.old {
            git.commit(head)?.tree
        } else {
            let worktree = git.temporary_worktree(self.turn, self.old)?;
            match git.squash(&worktree, head)? {
                Merged::Clean(tree) => tree,
                Merged::Conflict(files) => {
                    return Err(failed(format!("{branch} and {base} conflict in {}", listed(&files))));
                }
            }
        };
        if tree == git.commit(self.old)?.tree {
            return Err(self.nothing());
        }
        let (message, author) = (self.message(subject, count)?, git.last_author(head)?);
        let commit = git.commit_tree(&NewCommit { tree: &tree, parents, author: &author, message: &message })?;
        Ok(Made { commit, commits: count, dropped: 0, as_judged: fork == self.old })
    }

    /// Commit by commit, on top of the base.
    fn replayed(&self, fork: &CommitId) -> Result<Made, Stop> {
        let (git, Candidate { branch, head, base, .. }) = (self.git, self.candidate);
        let commits = git.line(self.old, head)?;
        if let Some((merge, _)) = commits.iter().find(|(_, parents)| parents.len() != 1) {
            return Err(refused(format!(
                "{branch} has a merge of its own ({}), which cannot be rebased; strategy = \"squash\" or \"merge\" can",
                merge.short()
            )));
        }
        let old_tree = git.commit(self.old)?.tree;
        if fork == self.old {
            if git.commit(head)?.tree == old_tree {
                return Err(self.nothing());
            }
            return Ok(Made { commit: head.clone(), commits: commits.len() as u64, dropped: 0, as_judged: true });
        }
        let worktree = git.temporary_worktree(self.turn, self.old)?;
        let committer = git.committer()?;
        let (mut tip, mut tree, mut dropped) = (self.old.clone(), old_tree.clone(), 0);
        let mut before = git.commit(fork)?.tree;
        for (commit, _) in &commits {
            let after = git.commit(commit)?.tree;
            let began_empty = after == before;
            before = after;
            let picked = match git.pick(&worktree, commit)? {
                Merged::Clean(picked) => picked,
                Merged::Conflict(files) => {
                    let (short, subject, files) = (commit.short(), git.subject(commit)?, listed(&files));
                    return Err(failed(format!("{short} ({subject}) of {branch} and {base} conflict in {files}")));
                }
            };
            if picked == tree && !began_empty {
                dropped += 1;
                continue;
            }
            tip = git.recommit(&worktree, commit, &picked, &tip, &committer)?;
            tree = picked;
        }
        if tree == old_tree {
            return Err(self.nothing());
        }
        Ok(Made { commit: tip, commits: commits.len() as u64 - dropped, dropped, as_judged: false })
    }

    fn nothing(&self) -> Stop {
        let Candidate { branch, base, .. } = self.candidate;
        Stop::Nothing(format!("{base} has everything of {branch} already"))
    }

    /// The job's title, else this subject, and the commits.
    fn message(&self, subject: String, count: u64) -> Result<String, Stop> {
        let (context, Candidate { branch, head, .. }) = (self.context, self.candidate);
        let title = context.job.title.as_deref().map(|title| context.redactor.redact(&plain_text(title)).into_owned());
        let title = title.map(|title| title[..title.floor_char_boundary(fuseboard::MAX_MESSAGE)].trim().to_owned());
        let subject = title.filter(|title| !title.is_empty()).unwrap_or(subject);
        let subject = if subject.is_empty() { format!("Merge {branch}") } else { subject };
        let redacted = |text: &str| context.redactor.redact(text).into_owned();
        let subject = redacted(&subject);
        let listed = self.git.commits(self.old, head, LISTED)?;
        let mut lines: Vec<String> = listed
            .iter()
            .rev()
            .map(|(commit, subject)| format!("* {} ({})", redacted(subject), commit.short()))
            .collect();
        if count > u64::from(LISTED) {
            lines.insert(0, format!("* … {} earlier ones", count - u64::from(LISTED)));
        }
        Ok(format!("{subject}\n\n{}\n", lines.join("\n")))
    }
}

fn listed(files: &[PathBuf]) -> String {
    names(&files.iter().collect::<Vec<_>>())
}
