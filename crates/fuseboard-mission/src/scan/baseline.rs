//! Findings that were known before: they are told, and stand in nobody's way.

use std::collections::BTreeMap;

use super::finding::Finding;

/// Fingerprints of findings that are known, each as often as there are such findings: one more of a kind is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline(BTreeMap<String, usize>);

impl Baseline {
    /// How many findings it knows.
    pub fn len(&self) -> usize {
        self.0.values().sum()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it knows this finding, which it then knows once less.
    pub(super) fn takes(&mut self, finding: &Finding) -> bool {
        if self.0.is_empty() {
            return false;
        }
        match self.0.get_mut(&finding.fingerprint()) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) | None => false,
        }
    }
}

impl FromIterator<String> for Baseline {
    fn from_iter<I: IntoIterator<Item = String>>(fingerprints: I) -> Self {
        let mut known = BTreeMap::new();
        for fingerprint in fingerprints {
            *known.entry(fingerprint).or_default() += 1;
        }
        Self(known)
    }
}
