//! The one place that knows regular expressions: which patterns of a table are in a text, and where.

use std::ops::Range;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

/// What no text contains, for rules without a pattern.
const NEVER: &str = r"[^\x00-\xff]";

/// A pattern of the table, `None` for what has none, and what makes its find harmless.
pub(crate) type Pattern = (Option<&'static str>, Option<&'static str>);

/// All patterns of a table, ready to match. They are ASCII: text from a diff need not be UTF-8.
pub(crate) struct Patterns {
    all: RegexSet,
    table: Vec<Pattern>,
    /// Each single pattern, and what makes it harmless; built when first needed.
    built: Vec<[OnceLock<Regex>; 2]>,
}

impl Patterns {
    pub(crate) fn of(table: Vec<Pattern>) -> Self {
        let all =
            RegexSetBuilder::new(table.iter().map(|(pattern, _)| pattern.unwrap_or(NEVER))).unicode(false).build();
        let built = table.iter().map(|_| [OnceLock::new(), OnceLock::new()]).collect();
        Self { all: all.expect("the patterns of the table are valid"), table, built }
    }

    /// Those that are somewhere in the text, as places in the table.
    pub(crate) fn found_in(&self, text: &[u8]) -> impl Iterator<Item = usize> + use<> {
        self.all.matches(text).into_iter()
    }

    /// Whether this one is in the text.
    pub(crate) fn is_in(&self, place: usize, text: &[u8]) -> bool {
        self.single(place, 0).is_match(text)
    }

    /// Where it is: the first group that took part, or all of it.
    pub(crate) fn spans<'t>(&'t self, place: usize, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        self.single(place, 0).captures_iter(text).filter_map(|captures| {
            let groups = captures.iter().skip(1).flatten().next();
            groups.or_else(|| captures.get(0)).map(|found| found.range())
        })
    }

    /// Whether what makes its find harmless is in the text.
    pub(crate) fn is_harmless(&self, place: usize, text: &[u8]) -> bool {
        self.single(place, 1).is_match(text)
    }

    fn single(&self, place: usize, which: usize) -> &Regex {
        self.built[place][which].get_or_init(|| {
            let (pattern, unless) = self.table[place];
            let text = if which == 0 { pattern } else { unless };
            RegexBuilder::new(text.unwrap_or(NEVER))
                .unicode(false)
                .build()
                .expect("the patterns of the table are valid")
        })
    }

    /// Builds every single pattern, too.
    #[cfg(test)]
    pub(crate) fn build_all(&self) {
        for place in 0..self.table.len() {
            self.single(place, 0);
            self.single(place, 1);
        }
    }
}
