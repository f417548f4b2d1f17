//! What `with = { … }` of a merge may say.

use fuseboard_pipeline::config::{ConfigErrors, Help, Spanned, StepOptions, TableReader, Word};

use crate::pattern;

/// How a branch is merged.
///
/// # Defaults
///
/// | | |
/// |---|---|
/// | `branches` | `["*"]`: every branch but the base |
/// | `base` | the branch that `origin/HEAD` names, else `main`, `master` |
/// | `strategy` | `"squash"` |
/// | `via` | `"git"` |
/// | `delete` | no |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeOptions {
    /// Patterns of the branches that may be merged: `*` is any text, `/` included, `?` any one character.
    pub branches: Vec<String>,
    /// The base.
    pub base: Base,
    /// Whether the branch is deleted on the remote, in the same push. The local one stays: it is checked out.
    pub delete: bool,
}

/// Into what is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// The repository's base branch.
    Usual,
    /// The same, but only if it stands where it stood when the mission began: `"fixed"`.
    Fixed,
    /// This branch.
    Branch(String),
}

#[derive(Clone, Copy, PartialEq)]
enum Strategy {
    Squash,
    Merge,
    Rebase,
}

impl Word for Strategy {
    const WORDS: &'static [(&'static str, Self)] =
        &[("squash", Self::Squash), ("merge", Self::Merge), ("rebase", Self::Rebase)];
}

#[derive(Clone, Copy, PartialEq)]
enum Via {
    Git,
    Github,
}

impl Word for Via {
    const WORDS: &'static [(&'static str, Self)] = &[("git", Self::Git), ("github", Self::Github)];
}

impl Default for MergeOptions {
    fn default() -> Self {
        Self { branches: vec!["*".to_owned()], base: Base::Usual, delete: false }
    }
}

impl MergeOptions {
    /// Reads the options of `with = { … }`.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    /// Whether a branch of this name may be merged.
    pub fn allow(&self, branch: &str) -> bool {
        self.branches.iter().any(|pattern| pattern::fits(pattern, branch))
    }

    fn read(options: &mut TableReader<'_>) -> Self {
        let usual = Self::default();
        let branches = options.texts("branches").map(|branches| {
            if branches.is_empty() {
                options.refuse(
                    &branches,
                    "`branches` is empty: nothing could be merged",
                    Help::advice("write [\"agent/*\"]"),
                );
            }
            for branch in branches.iter().filter(|branch| branch.contains(['[', '\\', ' ', '^', '~', ':'])) {
                let help = Help::advice("only `*` and `?` have a meaning");
                options.refuse(branch, format!("no branch's name fits {:?}", branch.as_str()), help);
            }
            branches.into_inner().into_iter().map(Spanned::into_inner).collect()
        });
        let base = options.filled_text("base").map(|base| match base.as_str() {
            "fixed" => Base::Fixed,
            name => Base::Branch(name.to_owned()),
        });
        let later = Help::advice("leave it out");
        if let Some(strategy) = options.word::<Strategy>("strategy")
            && *strategy != Strategy::Squash
        {
            let message = format!("the strategy {:?} is not supported by this version", strategy.as_str());
            options.refuse(&strategy, message, later.clone());
        }
        if let Some(via) = options.word::<Via>("via")
            && *via != Via::Git
        {
            options.refuse(&via, format!("via = {:?} is not supported by this version", via.as_str()), later);
        }
        let delete = options.flag("delete").is_some_and(|delete| *delete);
        Self { branches: branches.unwrap_or(usual.branches), base: base.unwrap_or(usual.base), delete }
    }
}
