//! What `with = { … }` of a merge may say.

use fuseboard_pipeline::config::{ConfigErrors, Help, Spanned, StepOptions, TableReader, Word};

use super::strategy::Strategy;
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
    /// What becomes of the branch's commits.
    pub strategy: Strategy,
    /// Who publishes.
    pub via: Via,
    /// Whether the branch is deleted on the remote: in the same push, or by the platform. The local one stays: it is
    /// checked out.
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

impl Word for Strategy {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Squash.as_str(), Self::Squash),
        (Self::Merge.as_str(), Self::Merge),
        (Self::Rebase.as_str(), Self::Rebase),
    ];
}

/// Who publishes the merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// We do, by git.
    #[default]
    Git,
    /// GitHub does, once its own conditions are met: the pull request's auto-merge is armed.
    Github,
}

impl Word for Via {
    const WORDS: &'static [(&'static str, Self)] = &[("git", Self::Git), ("github", Self::Github)];
}

impl Default for MergeOptions {
    fn default() -> Self {
        Self {
            branches: vec!["*".to_owned()],
            base: Base::Usual,
            strategy: Strategy::default(),
            via: Via::default(),
            delete: false,
        }
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
            name => {
                if !can_be_a_branch(name) {
                    let help = Help::advice("write the branch's name alone, such as \"release\"");
                    options.refuse(&base, format!("no branch can be called {name:?}"), help);
                }
                Base::Branch(name.to_owned())
            }
        });
        let strategy = options.word::<Strategy>("strategy").map(|strategy| *strategy);
        let via = options.word::<Via>("via").map(|via| *via);
        let delete = options.flag("delete").is_some_and(|delete| *delete);
        Self {
            branches: branches.unwrap_or(usual.branches),
            base: base.unwrap_or(usual.base),
            strategy: strategy.unwrap_or_default(),
            via: via.unwrap_or_default(),
            delete,
        }
    }
}

/// git-check-ref-format(1), so that a name is never taken for a revision such as `main~1`.
fn can_be_a_branch(name: &str) -> bool {
    let odd = |char: char| char.is_control() || " ~^:?*[\\".contains(char);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.strip_suffix(".lock").is_none();
    !name.contains(odd)
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_git_would_take_for_something_else_is_no_branchs() {
        for good in ["main", "release/1.2", "x{y}", "%s", "ä", "a@b", "HEAD"] {
            assert!(can_be_a_branch(good), "{good}");
        }
        for bad in [
            "",
            "main~1",
            "main^",
            "a b",
            "a:b",
            "ma*n",
            "a?",
            "[a]",
            "a\\b",
            "a..b",
            "main@{1}",
            "@",
            "-x",
            ".a",
            "a/.b",
            "a.lock",
            "a.",
            "/a",
            "a/",
            "a//b",
            "a\nb",
            "main^{commit}",
        ] {
            assert!(!can_be_a_branch(bad), "{bad:?}");
        }
    }
}
