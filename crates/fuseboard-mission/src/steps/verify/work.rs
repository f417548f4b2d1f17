//! The work and its claim, and what its diff shows: `diff`, `tests`, `ahead`.

use std::path::PathBuf;

use fuseboard_pipeline::step::StepContext;

use super::Verify;
use super::check::Look;
use crate::git::{Diff, FileDiff, FileStatus, GitError, names};
use crate::judged::Judged;
use crate::scan::{Language, PathKind};

/// More commits than any work has; git counts them in 31 bits.
pub(super) const ALL: u32 = i32::MAX.unsigned_abs();

/// What is verified.
pub(super) struct Work<'a> {
    pub(super) context: &'a StepContext<'a>,
    pub(super) options: &'a Verify,
    pub(super) judged: Judged,
    pub(super) diff: Diff,
    /// Of all its commits, newest first, merges included.
    pub(super) subjects: Vec<String>,
}

impl<'a> Work<'a> {
    pub(super) fn of(context: &'a StepContext<'a>, options: &'a Verify) -> Result<Self, GitError> {
        let judged = Judged::of(context, options.base.as_deref())?;
        let diff = judged.diff()?;
        let commits = judged.git().commits(&judged.base, &judged.head, ALL)?;
        let subjects = commits.into_iter().map(|(_, subject)| subject).collect();
        Ok(Self { context, options, judged, diff, subjects })
    }

    /// Why no code is claimed, if none is.
    fn not_code(&self) -> Option<String> {
        let mode = self.context.job.mode.as_deref()?;
        let is_listed = self.options.not_code.iter().any(|other| other.eq_ignore_ascii_case(mode));
        is_listed.then(|| format!("a mission of the mode {mode} need not change code"))
    }
}

/// `diff`: the work of a code mission changes something.
pub(super) fn diff(work: &Work<'_>) -> Look {
    match (work.not_code(), work.diff.files.len()) {
        (Some(why), _) => Look::Nothing(why),
        (None, 0) => Look::Wrong("the work changes nothing".to_owned()),
        (None, 1) => Look::Right("1 file is changed".to_owned()),
        (None, count) => Look::Right(format!("{count} files are changed")),
    }
}

/// `tests`: who changes product code changes a test with it.
pub(super) fn tests(work: &Work<'_>) -> Look {
    let files = || work.diff.files.iter();
    let code: Vec<&PathBuf> = files().filter(|file| is_code(file)).map(|file| &file.path).collect();
    let tests = files().filter(|file| is_test(file)).count();
    match (code.is_empty(), tests) {
        (true, _) => Look::Nothing("no product code is changed".to_owned()),
        (false, 0) => Look::Wrong(format!("product code is changed and no test is: {}", names(&code))),
        (false, 1) => Look::Right("1 file with tests is changed, too".to_owned()),
        (false, count) => Look::Right(format!("{count} files with tests are changed, too")),
    }
}

fn is_code(file: &FileDiff) -> bool {
    let is_written_in = |language: Language| language != Language::Config;
    PathKind::of(&file.path) == PathKind::Product && Language::of(&file.path).is_some_and(is_written_in)
}

/// Rust's tests may stand in the file that they test.
fn is_test(file: &FileDiff) -> bool {
    let adds_test = || {
        let mut lines = file.added.iter().map(|(_, line)| line.trim_ascii());
        lines.any(|line| line.starts_with(b"#[") && (line.ends_with(b"test]") || line == b"#[cfg(test)]"))
    };
    let is_rust = Language::of(&file.path) == Some(Language::Rust);
    file.status != FileStatus::Deleted && (PathKind::of(&file.path) == PathKind::Test || (is_rust && adds_test()))
}

/// `ahead`: there are commits that the base has not.
pub(super) fn ahead(work: &Work<'_>) -> Look {
    match (work.subjects.len(), work.not_code()) {
        (0, Some(why)) => Look::Nothing(why),
        (0, None) => Look::Wrong("there is no commit that the base has not".to_owned()),
        (1, _) => Look::Right("1 commit ahead of the base".to_owned()),
        (count, _) => Look::Right(format!("{count} commits ahead of the base")),
    }
}
