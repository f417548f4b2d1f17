//! Names of circuits: validated once, cheap to copy afterwards.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Longest part of a name, in bytes.
pub(crate) const MAX_PART: usize = 64;

/// The name of a circuit: `NAME`, or `PROJECT/NAME` for a circuit that belongs to a project.
///
/// Each part matches `[a-z0-9][a-z0-9._-]{0,63}`; there are at most two. Cloning copies a pointer.
///
/// ```
/// use fuseboard::CircuitName;
///
/// let name: CircuitName = "app/reflect".parse()?;
/// assert_eq!(name.project(), Some("app"));
/// assert_eq!(name.short(), "reflect");
/// assert!("Reflect!".parse::<CircuitName>().is_err());
/// # Ok::<(), fuseboard::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CircuitName(Arc<str>);

impl CircuitName {
    /// Checks and makes a name.
    ///
    /// # Errors
    /// [`NameError`] tells which rule the text breaks.
    pub fn new(text: &str) -> Result<Self, NameError> {
        match broken_rule(text) {
            None => Ok(Self(Arc::from(text))),
            Some(rule) => Err(NameError { name: text.chars().take(MAX_PART * 2).collect(), rule }),
        }
    }

    /// The whole name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The project's part of `PROJECT/NAME`, or `None`.
    pub fn project(&self) -> Option<&str> {
        self.0.split_once('/').map(|(project, _)| project)
    }

    /// The part behind the project, or the whole name.
    pub fn short(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, short)| short)
    }
}

impl FromStr for CircuitName {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

/// A name and its text are equal, ordered and hashed alike.
impl std::borrow::Borrow<str> for CircuitName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CircuitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CircuitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text is no circuit name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no circuit name: {}; write NAME or PROJECT/NAME, each [a-z0-9][a-z0-9._-]{{0,63}}", rule.as_str())]
pub struct NameError {
    name: String,
    rule: Rule,
}

/// Which rule of names a text breaks. `const`, so that the compiler can be made to ask.
pub(crate) const fn broken_rule(text: &str) -> Option<Rule> {
    let text = text.as_bytes();
    let (mut parts, mut length, mut at) = (1, 0, 0);
    while at < text.len() {
        let byte = text[at];
        let starts = byte.is_ascii_lowercase() || byte.is_ascii_digit();
        match byte {
            b'/' if length == 0 => return Some(Rule::Empty),
            b'/' => (parts, length) = (parts + 1, 0),
            _ if length == 0 && !starts => return Some(Rule::Start),
            _ if !starts && !matches!(byte, b'.' | b'_' | b'-') => return Some(Rule::Character),
            _ if length == MAX_PART => return Some(Rule::Long),
            _ => length += 1,
        }
        at += 1;
    }
    match (length, parts) {
        (0, _) => Some(Rule::Empty),
        (_, 1 | 2) => None,
        _ => Some(Rule::Parts),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Empty,
    Long,
    Start,
    Character,
    Parts,
}

impl Rule {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "a part is empty",
            Self::Long => "a part is longer than 64 characters",
            Self::Start => "a part starts with something else than a-z or 0-9",
            Self::Character => "a character is none of a-z 0-9 . _ -",
            Self::Parts => "it has more than two parts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_or_two_valid_parts() {
        for good in ["a", "0", "app/reflect", "a.b_c-d", &"x".repeat(64)] {
            assert_eq!(CircuitName::new(good).map(|n| n.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "/", "a/", "/a", "a/b/c", "A", "-a", ".a", "a b", "a\u{1b}[31m", "ä", &"x".repeat(65)] {
            assert!(CircuitName::new(bad).is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn each_rule_is_told_by_its_own_words() {
        let long = "x".repeat(65);
        let broken = [
            ("a/", Rule::Empty),
            (&long, Rule::Long),
            ("-a", Rule::Start),
            ("a b", Rule::Character),
            ("a/b/c", Rule::Parts),
        ];
        for (text, rule) in broken {
            let told = CircuitName::new(text).unwrap_err().to_string();
            assert!(told.contains(rule.as_str()), "{told}");
        }
    }

    #[test]
    fn a_refusal_shows_no_control_character_and_is_bounded() {
        let text = CircuitName::new(&format!("a\u{1b}[31m{}", "x".repeat(10_000))).unwrap_err().to_string();
        assert!(!text.contains('\u{1b}') && text.len() < 400, "{text}");
    }
}
