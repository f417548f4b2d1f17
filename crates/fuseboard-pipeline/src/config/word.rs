//! Values that are one of a few words.

/// A type whose values are words in `fuseboard.toml` and on the command line. The table is the one home of
/// the spelling.
pub trait Word: Copy + PartialEq + Sized + 'static {
    /// Every word and what it stands for, in the order in which they are listed to people.
    const WORDS: &'static [(&'static str, Self)];

    /// The word for this value.
    fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| *word)
    }

    /// The value of a word, spelled exactly.
    fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, value)| *value)
    }
}
