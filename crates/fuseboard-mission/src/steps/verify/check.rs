//! What is verified, and what came of it: as words and as data.

use fuseboard_pipeline::config::Word;
use serde_json::{Value, json};

/// One thing that the gate looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Check {
    /// The diff of a code mission is not empty.
    Diff,
    /// Product code was changed together with tests.
    Tests,
    /// There is a pull request.
    PullRequest,
    /// There are commits that the base has not.
    Ahead,
    /// The branch stands on its remote as it does here.
    Pushed,
    /// No commit is meant to become part of another one, or unfinished.
    Fixup,
    /// The commits' subjects follow the convention of the base.
    Subjects,
    /// What was changed has to do with the title.
    Paths,
}

impl Word for Check {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("diff", Self::Diff),
        ("tests", Self::Tests),
        ("pull-request", Self::PullRequest),
        ("ahead", Self::Ahead),
        ("pushed", Self::Pushed),
        ("fixup", Self::Fixup),
        ("subjects", Self::Subjects),
        ("paths", Self::Paths),
    ];
}

/// What a look showed, with the reason for people.
pub(super) enum Look {
    Right(String),
    Wrong(String),
    /// There is nothing to look at.
    Nothing(String),
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Pass,
    /// It is wrong, which is told.
    Warn,
    /// It is wrong, which blocks.
    Fail,
    Skip,
    /// It cannot be told.
    Crashed,
}

impl Word for Outcome {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("fail", Self::Fail),
        ("warn", Self::Warn),
        ("crashed", Self::Crashed),
        ("pass", Self::Pass),
        ("skip", Self::Skip),
    ];
}

/// A check that was made.
pub(super) struct Checked {
    pub(super) check: Check,
    pub(super) outcome: Outcome,
    /// Made safe to show.
    pub(super) why: String,
}

impl Checked {
    /// For people: `tests: src/a.py changes and no test does`.
    pub(super) fn in_words(&self) -> String {
        match self.outcome {
            Outcome::Crashed => format!("{} crashed: {}", self.check.as_str(), self.why),
            Outcome::Pass | Outcome::Warn | Outcome::Fail | Outcome::Skip => {
                format!("{}: {}", self.check.as_str(), self.why)
            }
        }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"name": self.check.as_str(), "result": self.outcome.as_str(), "why": self.why})
    }
}

/// Those with this outcome, in words.
pub(super) fn those(checks: &[Checked], outcome: Outcome) -> Vec<String> {
    checks.iter().filter(|checked| checked.outcome == outcome).map(Checked::in_words).collect()
}

/// How many came to what, and what is wrong.
pub(super) fn summary(checks: &[Checked]) -> String {
    let count = |outcome: Outcome| checks.iter().filter(|checked| checked.outcome == outcome).count();
    let counts = Outcome::WORDS.iter().filter(|(_, outcome)| count(*outcome) > 0);
    let counts: Vec<String> = counts.map(|(word, outcome)| format!("{} {word}", count(*outcome))).collect();
    let wrong = [Outcome::Fail, Outcome::Warn].into_iter().flat_map(|outcome| those(checks, outcome));
    std::iter::once(counts.join(", ")).chain(wrong).collect::<Vec<_>>().join("; ")
}
