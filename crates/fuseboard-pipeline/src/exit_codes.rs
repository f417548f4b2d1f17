//! Lists of exit codes: which of a command's codes mean success, nothing, or a block.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// A set of exit codes, each 0 to 255; written with commas on the command line, as a list in `fuseboard.toml`.
///
/// ```
/// use fuseboard_pipeline::exit_codes::ExitCodes;
///
/// let codes: ExitCodes = "1, 101".parse()?;
/// assert!(codes.contains(101) && !codes.contains(2));
/// # Ok::<(), fuseboard_pipeline::exit_codes::ExitCodesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExitCodes(BTreeSet<u8>);

impl ExitCodes {
    /// No code at all.
    pub const NONE: Self = Self(BTreeSet::new());

    /// Whether the code is one of these. No code outside 0 to 255 is.
    pub fn contains(&self, code: i32) -> bool {
        u8::try_from(code).is_ok_and(|code| self.0.contains(&code))
    }

    /// Whether there is no code.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest code that is also one of the other ones.
    pub fn first_shared(&self, other: &Self) -> Option<u8> {
        self.0.intersection(&other.0).next().copied()
    }
}

impl FromIterator<u8> for ExitCodes {
    fn from_iter<I: IntoIterator<Item = u8>>(codes: I) -> Self {
        Self(codes.into_iter().collect())
    }
}

impl FromStr for ExitCodes {
    type Err = ExitCodesError;

    /// Reads codes with commas between them; an empty text is no code.
    fn from_str(text: &str) -> Result<Self, ExitCodesError> {
        if text.trim().is_empty() {
            return Ok(Self::NONE);
        }
        let code = |code: &str| code.trim().parse().map_err(|_| ExitCodesError(code.chars().take(20).collect()));
        text.split(',').map(code).collect()
    }
}

impl fmt::Display for ExitCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.0.iter().map(u8::to_string).collect();
        f.pad(&codes.join(","))
    }
}

/// A text that is no list of exit codes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no exit code; write numbers from 0 to 255 with commas between them")]
pub struct ExitCodesError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_with_commas() {
        let codes: ExitCodes = " 101,1 , 1".parse().unwrap();
        assert_eq!(codes.to_string(), "1,101");
        assert_eq!(codes.to_string().parse(), Ok(codes));
        assert_eq!("".parse(), Ok(ExitCodes::NONE));
    }

    #[test]
    fn what_is_no_exit_code_is_refused() {
        for bad in ["256", "-1", "1,,2", "x", "1;2", ","] {
            assert!(bad.parse::<ExitCodes>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn a_code_that_no_process_has_is_never_contained() {
        let codes: ExitCodes = (0..=255).collect();
        assert!(codes.contains(255) && !codes.contains(256) && !codes.contains(-1));
    }
}
