//! The one place that knows regular expressions: which rules match a piece, and where.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::credential;
use super::rule::Find;
use super::rules::RULES;

/// What no text contains, for rules without a pattern.
const NEVER: &str = r"[^\x00-\xff]";

/// All rules, ready to match. The patterns are ASCII: text from a diff need not be UTF-8.
pub(super) struct Matcher {
    all: RegexSet,
    /// Each rule's own pattern, and what makes it harmless; built when first needed.
    built: Vec<[OnceLock<Regex>; 2]>,
}

impl Matcher {
    pub(super) fn get() -> &'static Self {
        static MATCHER: LazyLock<Matcher> = LazyLock::new(|| {
            let all = RegexSetBuilder::new(RULES.iter().map(|rule| pattern(&rule.find))).unicode(false).build();
            Matcher {
                all: all.expect("the patterns of the table are valid"),
                built: RULES.iter().map(|_| [OnceLock::new(), OnceLock::new()]).collect(),
            }
        });
        &MATCHER
    }

    /// The rules whose pattern is somewhere in the text, as places in the table.
    pub(super) fn rules_in(&self, text: &[u8]) -> impl Iterator<Item = usize> + use<> {
        self.all.matches(text).into_iter()
    }

    /// Whether the rule finds something: of a credential, one that is no placeholder.
    pub(super) fn finds(&self, rule: usize, text: &[u8]) -> bool {
        match RULES[rule].find {
            Find::Credential { check, .. } => self.spans(rule, text).any(|span| credential::is_one(check, &text[span])),
            Find::Text { .. } => self.single(rule, 0).is_match(text),
            Find::MoreLinesThan(_) => false,
        }
    }

    /// Where the rule matches; of a credential, where that is.
    pub(super) fn spans<'t>(&'t self, rule: usize, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        self.single(rule, 0).captures_iter(text).filter_map(|captures| {
            let groups = captures.iter().skip(1).flatten().next();
            groups.or_else(|| captures.get(0)).map(|found| found.range())
        })
    }

    /// Whether what makes the rule's find harmless is in the text.
    pub(super) fn is_harmless(&self, rule: usize, text: &[u8]) -> bool {
        self.single(rule, 1).is_match(text)
    }

    /// Where anything lies that could be a credential, placeholders included, joined and in order.
    pub(super) fn credentials(&self, text: &[u8]) -> Vec<(usize, Range<usize>)> {
        let mut spans: Vec<(usize, Range<usize>)> = self
            .rules_in(text)
            .filter(|rule| matches!(RULES[*rule].find, Find::Credential { .. }))
            .flat_map(|rule| self.spans(rule, text).map(move |span| (rule, span)))
            .collect();
        spans.sort_by_key(|(_, span)| (span.start, std::cmp::Reverse(span.end)));
        spans.dedup_by(|(_, next), (_, kept)| {
            let overlaps = next.start < kept.end;
            if overlaps {
                kept.end = kept.end.max(next.end);
            }
            overlaps
        });
        spans
    }

    fn single(&self, rule: usize, which: usize) -> &Regex {
        self.built[rule][which].get_or_init(|| {
            let text = match (which, RULES[rule].find) {
                (0, find) => pattern(&find),
                (_, Find::Text { unless: Some(unless), .. }) => unless,
                (_, _) => NEVER,
            };
            RegexBuilder::new(text).unicode(false).build().expect("the patterns of the table are valid")
        })
    }
}

fn pattern(find: &Find) -> &'static str {
    match find {
        Find::Text { pattern, .. } | Find::Credential { pattern, .. } => pattern,
        Find::MoreLinesThan(_) => NEVER,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::Check;
    use super::*;

    #[test]
    fn every_pattern_of_the_table_can_be_built() {
        for rule in 0..RULES.len() {
            Matcher::get().single(rule, 0);
            Matcher::get().single(rule, 1);
        }
    }

    #[test]
    fn what_could_be_a_credential_is_joined_where_it_overlaps() {
        let text = concat!("token = 'gh", "p_0123456789abcdefghijABCDEFGHIJ012345' x").as_bytes();
        let found = Matcher::get().credentials(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, 9..49);
    }

    #[test]
    fn a_check_is_asked_about_the_credential_alone() {
        assert!(matches!(RULES[0].find, Find::Credential { check: Check::Shape, .. }));
        assert!(!Matcher::get().finds(0, b"AKIAXXXXXXXXXXXXXXXX"));
    }
}
