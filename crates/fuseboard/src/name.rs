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
        let refuse = |rule| Err(NameError { name: text.chars().take(MAX_PART * 2).collect(), rule });
        let mut parts = 0;
        for part in text.split('/') {
            parts += 1;
            let Some(first) = part.bytes().next() else { return refuse(Rule::Empty) };
            if part.len() > MAX_PART {
                return refuse(Rule::Long);
            }
            if !first.is_ascii_lowercase() && !first.is_ascii_digit() {
                return refuse(Rule::Start);
            }
            if !part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b)) {
                return refuse(Rule::Character);
            }
        }
        if parts > 2 {
            return refuse(Rule::Parts);
        }
        Ok(Self(Arc::from(text)))
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
#[error("{name:?} is no circuit name: {rule}; write NAME or PROJECT/NAME, each [a-z0-9][a-z0-9._-]{{0,63}}")]
pub struct NameError {
    name: String,
    rule: Rule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Empty,
    Long,
    Start,
    Character,
    Parts,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a part is empty",
            Self::Long => "a part is longer than 64 characters",
            Self::Start => "a part starts with something else than a-z or 0-9",
            Self::Character => "a character is none of a-z 0-9 . _ -",
            Self::Parts => "it has more than two parts",
        })
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
    fn a_refusal_shows_no_control_character_and_is_bounded() {
        let text = CircuitName::new(&format!("a\u{1b}[31m{}", "x".repeat(10_000))).unwrap_err().to_string();
        assert!(!text.contains('\u{1b}') && text.len() < 400, "{text}");
    }
}
