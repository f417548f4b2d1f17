//! `[pipeline]`: what holds for all steps together.

use std::time::Duration;

use super::spanned::Spanned;
use super::table::TableReader;
use super::word::Word;

/// `[pipeline]`.
///
/// # Defaults
///
/// | setting | default | range |
/// |---|---|---|
/// | `deadline` | 30 min | above 0 … 365 days |
/// | `jobs` | 4 | 1 … 256 |
/// | `at_start` | keep | keep, probe, reset |
/// | `untracked` | refuse | refuse, allow |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PipelineSection {
    /// How long all steps together may take.
    pub deadline: Duration,
    /// How many steps run at a time.
    pub jobs: u32,
    /// What the first mission of a loop does to the project's open circuits.
    pub at_start: AtStart,
    /// Whether untracked files that are not ignored keep gates from judging.
    pub untracked: Untracked,
}

impl Default for PipelineSection {
    fn default() -> Self {
        Self { deadline: Duration::from_mins(30), jobs: 4, at_start: AtStart::Keep, untracked: Untracked::Refuse }
    }
}

/// What `mission --run-number 1` does to the project's open circuits; never to switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AtStart {
    /// Leaves them as they are.
    #[default]
    Keep,
    /// Makes them due for a probe.
    Probe,
    /// Resets them.
    Reset,
}

impl Word for AtStart {
    const WORDS: &'static [(&'static str, Self)] =
        &[("keep", Self::Keep), ("probe", Self::Probe), ("reset", Self::Reset)];
}

/// What untracked files that are not ignored mean for a gate's verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Untracked {
    /// The tree is not the commit: no verdict can be bound to it.
    #[default]
    Refuse,
    /// They do not matter.
    Allow,
}

impl Word for Untracked {
    const WORDS: &'static [(&'static str, Self)] = &[("refuse", Self::Refuse), ("allow", Self::Allow)];
}

impl PipelineSection {
    pub(super) fn read(mut table: TableReader<'_>) -> Self {
        let defaults = Self::default();
        let section = Self {
            deadline: table.limit("deadline").map_or(defaults.deadline, Spanned::into_inner),
            jobs: table.integer("jobs", 1, 256).map_or(defaults.jobs, Spanned::into_inner),
            at_start: table.word("at_start").map_or(defaults.at_start, Spanned::into_inner),
            untracked: table.word("untracked").map_or(defaults.untracked, Spanned::into_inner),
        };
        table.finish();
        section
    }
}
