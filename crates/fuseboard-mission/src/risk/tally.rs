//! What was found, and what it counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use fuseboard_pipeline::config::Word as _;
use serde_json::{Value, json};

use super::level::RiskLevel;

/// How many places of a reason are kept.
const PLACES: usize = 3;

/// How many reasons a summary names.
const NAMED: usize = 5;

/// How many reasons are given as data.
const KEPT: usize = 100;

/// One reason: a rule, what it counts, and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule.
    pub rule: String,
    /// What was found, for people.
    pub what: String,
    /// What each time counts that is counted, the highest first.
    scores: Vec<u32>,
    /// The first places, as they may be shown; those that count most come first.
    places: Vec<(u32, String)>,
    /// In how many places it was found, those that do not count included.
    found: usize,
}

impl Reason {
    /// What it counts in all.
    pub fn score(&self) -> u32 {
        self.scores.iter().sum()
    }

    /// Where it was found, at most three places.
    pub fn places(&self) -> Vec<&str> {
        self.places.iter().map(|(_, place)| place.as_str()).collect()
    }

    fn summary(&self) -> String {
        let places = match self.places().join(", ") {
            places if places.is_empty() => return self.what.clone(),
            places => places,
        };
        let more = self.found - self.places.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{} × {} ({places}{more})", self.found, self.what)
    }

    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule,
            "what": self.what,
            "score": self.score(),
            "found": self.found,
            "places": self.places(),
        })
    }
}

/// Something that was found in one place.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// What tells the rule from all others.
    pub key: &'a str,
    /// The rule, as it may be shown.
    pub rule: &'a str,
    /// What was found, for people.
    pub what: &'a str,
    /// How many times it counts at most.
    pub most: usize,
    /// What it counts here.
    pub score: u32,
    /// Where, as it may be shown; `None` if it is nowhere in particular.
    pub place: Option<String>,
}

/// All reasons, by the keys of their rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(BTreeMap<String, Reason>);

impl Tally {
    /// One more place of a rule, of which at most [`Found::most`] count: those with the highest scores. What counts
    /// nothing is no reason.
    pub fn add(&mut self, found: Found<'_>) {
        if found.score == 0 {
            return;
        }
        let reason = match self.0.entry(found.key.to_owned()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Reason {
                rule: found.rule.to_owned(),
                what: found.what.to_owned(),
                scores: Vec::new(),
                places: Vec::new(),
                found: 0,
            }),
        };
        reason.found += 1;
        reason.scores.push(found.score);
        reason.scores.sort_unstable_by_key(|score| Reverse(*score));
        reason.scores.truncate(found.most);
        reason.places.extend(found.place.map(|place| (found.score, place)));
        reason.places.sort_by_key(|(score, _)| Reverse(*score));
        reason.places.truncate(PLACES);
    }

    /// All together.
    pub fn score(&self) -> u32 {
        self.0.values().map(Reason::score).fold(0, u32::saturating_add)
    }

    /// What that means.
    pub fn level(&self) -> RiskLevel {
        RiskLevel::of(self.score())
    }

    /// The reasons, the heaviest first.
    pub fn reasons(&self) -> Vec<&Reason> {
        let mut reasons: Vec<&Reason> = self.0.values().collect();
        reasons.sort_by_key(|reason| Reverse(reason.score()));
        reasons
    }

    /// All of it in one line, for people.
    pub fn summary(&self) -> String {
        let mut named: Vec<String> = self.reasons().iter().take(NAMED).map(|reason| reason.summary()).collect();
        let more = self.0.len() - named.len();
        if more > 0 {
            named.push(format!("{more} more"));
        }
        let reasons = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
        format!("risk {} ({}){reasons}", self.level().as_str(), self.score())
    }

    /// All of it as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "score": self.score(),
            "level": self.level().as_str(),
            "reasons": self.reasons().iter().take(KEPT).map(|reason| reason.to_json()).collect::<Vec<_>>(),
            "reasons_left_out": self.0.len().saturating_sub(KEPT),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rule: &str, most: usize, score: u32, place: Option<String>) -> Found<'_> {
        Found { key: rule, rule, what: rule, most, score, place }
    }

    #[test]
    fn the_highest_scores_count_whatever_the_order() {
        let mut tally = Tally::default();
        for (place, score) in [1, 2, 1, 4, 2].into_iter().enumerate() {
            tally.add(found("an a", 3, score, Some(format!("a:{place}"))));
        }
        tally.add(found("a b", 1, 9, None));
        assert_eq!((tally.score(), tally.level()), (17, RiskLevel::High));
        assert_eq!(tally.summary(), "risk high (17): a b, 5 × an a (a:3, a:1, a:4 and 2 more)");
    }

    #[test]
    fn what_counts_nothing_is_no_reason() {
        let mut tally = Tally::default();
        tally.add(found("an a", 3, 0, None));
        assert_eq!(tally, Tally::default());
        assert_eq!(tally.summary(), "risk low (0)");
    }

    #[test]
    fn more_reasons_than_are_kept_are_counted() {
        let mut tally = Tally::default();
        for key in (0..102).map(|number| number.to_string()) {
            tally.add(Found { key: &key, ..found("an a", 1, 3, None) });
        }
        assert_eq!(tally.to_json()["reasons"].as_array().unwrap().len(), 100);
        assert_eq!((&tally.to_json()["reasons_left_out"], tally.score()), (&2.into(), 306));
    }

    #[test]
    fn rules_of_one_name_and_two_keys_are_two() {
        let mut tally = Tally::default();
        for key in ["one", "two"] {
            tally.add(Found { key, ..found("an a", 1, 3, None) });
        }
        assert_eq!(tally.score(), 6);
    }
}
