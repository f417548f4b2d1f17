//! What a rule is: plain data.

use fuseboard_pipeline::config::Word;

use super::paths::Language;

/// What is looked for in added lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, by which waivers and reports call it.
    pub id: &'static str,
    /// The group that it belongs to, by which options call it.
    pub group: Group,
    /// What was found if it matches, for people.
    pub what: &'static str,
    /// How bad that is.
    pub severity: Severity,
    /// In which languages it counts; empty: in every file.
    pub languages: &'static [Language],
    /// Where it does not count although the language fits, unless it blocks: names as for [`PathKind`].
    ///
    /// [`PathKind`]: super::PathKind
    pub except: &'static [&'static str],
    /// How it is found.
    pub find: Find,
}

impl Rule {
    /// Whether something can make what it finds harmless.
    pub(super) fn has_exception(&self) -> bool {
        matches!(self.find, Find::Text { unless: Some(_), .. })
    }
}

/// How a rule finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Find {
    /// By a pattern in one line, unless another one matches the statement that begins there.
    Text {
        /// What is looked for.
        pattern: &'static str,
        /// What makes it harmless.
        unless: Option<&'static str>,
    },
    /// By a pattern whose first group that took part, or all of it, is a credential.
    Credential {
        /// What is looked for.
        pattern: &'static str,
        /// Which of them are none.
        check: Check,
    },
    /// By the number of a file's added lines: more than this.
    MoreLinesThan(u64),
}

/// What tells a credential from something that only stands in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The shape says it all; only one whose body is nothing but `x` is a placeholder.
    Shape,
    /// A shape that ordinary words can have, too: there must be a run of 16 letters and digits, with a digit.
    LongRun,
    /// Anything can stand here: it must be no placeholder, name, path or lookup, and not be too regular.
    Value,
    /// A password in an address: it must be no placeholder or lookup.
    Password,
}

/// A group of rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// Credentials.
    Secret,
    /// Debug leftovers.
    Debug,
    /// Marks of unfinished work.
    Todo,
    /// Many added lines in one file.
    Large,
}

impl Word for Group {
    const WORDS: &'static [(&'static str, Self)] =
        &[("secret", Self::Secret), ("debug", Self::Debug), ("todo", Self::Todo), ("large", Self::Large)];
}

impl Group {
    /// So many findings of this group, in words.
    pub(super) fn counted(self, count: usize) -> String {
        let (one, many) = match self {
            Self::Secret => ("secret", "secrets"),
            Self::Debug => ("debug leftover", "debug leftovers"),
            Self::Todo => ("unfinished mark", "unfinished marks"),
            Self::Large => ("large file", "large files"),
        };
        format!("{count} {}", if count == 1 { one } else { many })
    }
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a look.
    Note,
    /// Probably not meant.
    Warning,
    /// Must not be published.
    Error,
}

impl Severity {
    /// The word used in JSON; those of SARIF's `level`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
