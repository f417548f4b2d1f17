//! Which rules match a piece, and where.

use std::ops::Range;
use std::sync::LazyLock;

use super::credential;
use super::patterns::{Pattern, Patterns};
use super::rule::Find;
use super::rules::RULES;

/// All rules, ready to match.
pub(super) struct Matcher(Patterns);

impl Matcher {
    pub(super) fn get() -> &'static Self {
        static MATCHER: LazyLock<Matcher> =
            LazyLock::new(|| Matcher(Patterns::of(RULES.iter().map(|rule| pattern(&rule.find)).collect())));
        &MATCHER
    }

    /// The rules whose pattern is somewhere in the text, as places in the table.
    pub(super) fn rules_in(&self, text: &[u8]) -> impl Iterator<Item = usize> + use<> {
        self.0.found_in(text)
    }

    /// Whether the rule finds something: of a credential, one that is no placeholder.
    pub(super) fn finds(&self, rule: usize, text: &[u8]) -> bool {
        match RULES[rule].find {
            Find::Credential { check, .. } => self.spans(rule, text).any(|span| credential::is_one(check, &text[span])),
            Find::Text { .. } => self.0.is_in(rule, text),
            Find::MoreLinesThan(_) => false,
        }
    }

    /// Where the rule matches; of a credential, where that is.
    pub(super) fn spans<'t>(&'t self, rule: usize, text: &'t [u8]) -> impl Iterator<Item = Range<usize>> + 't {
        self.0.spans(rule, text)
    }

    /// Whether what makes the rule's find harmless is in the text.
    pub(super) fn is_harmless(&self, rule: usize, text: &[u8]) -> bool {
        self.0.is_harmless(rule, text)
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
}

fn pattern(find: &Find) -> Pattern {
    match *find {
        Find::Text { pattern, unless } => (Some(pattern), unless),
        Find::Credential { pattern, .. } => (Some(pattern), None),
        Find::MoreLinesThan(_) => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::super::rule::Check;
    use super::*;

    #[test]
    fn every_pattern_of_the_table_can_be_built() {
        Matcher::get().0.build_all();
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
