//! What was found, as data.

use std::collections::BTreeMap;

use fuseboard_pipeline::config::Word;
use fuseboard_pipeline::digest::sha256_hex;
use serde_json::{Value, json};

use super::baseline::Baseline;
use super::rule::{Group, Rule};
use super::waiver::{Waiver, WaiverSource};

/// How many findings are kept, those that block first; more are counted.
pub const MAX_FINDINGS: usize = 500;

/// How many findings of a group a reason names.
const NAMED: usize = 3;

/// One finding: a rule, and where it matched. No finding holds any part of a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: &'static Rule,
    /// The file, as it may be shown.
    pub path: String,
    /// The line in the new version; `None` if it is the file as a whole, or its name.
    pub line: Option<u64>,
    /// Whether it blocks.
    pub blocking: bool,
    /// The line, as it may be shown.
    pub shown: String,
    /// The reason for which it is waived.
    pub waived: Option<String>,
    /// Whether it stands in the baseline.
    pub in_baseline: bool,
}

/// All findings of a diff.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    kept: Vec<Finding>,
    waivers: Vec<Waiver>,
    waivers_left_out: usize,
    /// Of each group: how many, those beyond what is kept and those that are waived included.
    counts: BTreeMap<Group, usize>,
    blocking: BTreeMap<Group, usize>,
    waived: usize,
    in_baseline: usize,
}

impl Findings {
    pub(super) fn add_file(&mut self, found: Vec<Finding>, waivers: Vec<Waiver>, baseline: &mut Baseline) {
        for mut finding in found {
            *self.counts.entry(finding.rule.group).or_default() += 1;
            if finding.blocking {
                *self.blocking.entry(finding.rule.group).or_default() += 1;
            } else if let Some(waiver) = waivers.iter().find(|waiver| waiver.counts_for(finding.rule)) {
                finding.waived.clone_from(&waiver.reason);
                self.waived += 1;
            } else if baseline.takes(&finding) {
                finding.in_baseline = true;
                self.in_baseline += 1;
            }
            self.keep(finding);
        }
        let room = MAX_FINDINGS - self.waivers.len();
        self.waivers_left_out += waivers.len().saturating_sub(room);
        self.waivers.extend(waivers.into_iter().take(room));
    }

    fn keep(&mut self, finding: Finding) {
        if self.kept.len() < MAX_FINDINGS {
            self.kept.push(finding);
        } else if finding.blocking
            && let Some(place) = self.kept.iter().rposition(|kept| !kept.blocking)
        {
            self.kept.remove(place);
            self.kept.push(finding);
        }
    }

    /// The findings, at most [`MAX_FINDINGS`], in the order of the diff.
    pub fn kept(&self) -> &[Finding] {
        &self.kept
    }

    /// How many findings there are beyond those that are kept.
    pub fn left_out(&self) -> usize {
        self.total() - self.kept.len()
    }

    /// The waivers that the diff adds, and those of files in which they could matter.
    pub fn waivers(&self) -> &[Waiver] {
        &self.waivers
    }

    /// How many findings there are in all.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many of them block.
    pub fn blocking(&self) -> usize {
        self.blocking.values().sum()
    }

    /// What blocks, for people; `None` if nothing does.
    pub fn blocking_reason(&self) -> Option<String> {
        let reasons: Vec<String> = self.blocking.iter().map(|(group, count)| self.reason(*group, *count)).collect();
        (!reasons.is_empty()).then(|| reasons.join("; "))
    }

    fn reason(&self, group: Group, count: usize) -> String {
        let of_group = self.kept.iter().filter(|finding| finding.blocking && finding.rule.group == group);
        let mut named: Vec<String> = of_group.take(NAMED).map(Finding::place).collect();
        if count > named.len() {
            named.push(format!("{} more", count - named.len()));
        }
        format!("{}: {}", group.counted(count), named.join(", "))
    }

    /// All of it in one line, for people.
    pub fn summary(&self) -> String {
        let what = match self.total() {
            0 => return "nothing found".to_owned(),
            1 => "1 finding".to_owned(),
            total => format!("{total} findings"),
        };
        let groups: Vec<String> = self.counts.iter().map(|(group, count)| group.counted(*count)).collect();
        let blocks = match self.blocking() {
            0 => "none blocks".to_owned(),
            1 => "1 blocks".to_owned(),
            count => format!("{count} block"),
        };
        let waived = if self.waived > 0 { format!(", {} waived", self.waived) } else { String::new() };
        let known =
            if self.in_baseline > 0 { format!(", {} in the baseline", self.in_baseline) } else { String::new() };
        let added = self.waivers.iter().filter(|waiver| waiver.source == WaiverSource::Diff).count();
        let added =
            if added > 0 { format!("; the diff adds {added} waiver(s), which do not count") } else { String::new() };
        format!("{what} ({}), {blocks}{waived}{known}{added}", groups.join(", "))
    }

    /// All of it as JSON.
    pub fn to_json(&self) -> Value {
        let counts: serde_json::Map<String, Value> = Group::WORDS
            .iter()
            .map(|(word, group)| ((*word).to_owned(), json!(self.counts.get(group).unwrap_or(&0))))
            .collect();
        json!({
            "total": self.total(),
            "blocking": self.blocking(),
            "waived": self.waived,
            "in_baseline": self.in_baseline,
            "counts": counts,
            "findings": self.kept.iter().map(Finding::to_json).collect::<Vec<_>>(),
            "findings_left_out": self.left_out(),
            "waivers": self.waivers.iter().map(waiver_json).collect::<Vec<_>>(),
            "waivers_left_out": self.waivers_left_out,
        })
    }
}

impl Finding {
    /// What a finding is recognised by, in whatever line it stands: a SHA-256 over rule, path and what is shown of the
    /// line, so over no part of a credential.
    pub fn fingerprint(&self) -> String {
        sha256_hex([self.rule.id, &self.path, &self.shown].join("\0").as_bytes())
    }

    fn place(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line} ({})", self.path, self.rule.id)
    }

    fn to_json(&self) -> Value {
        json!({
            "rule": self.rule.id,
            "group": self.rule.group.as_str(),
            "what": self.rule.what,
            "path": self.path,
            "line": self.line,
            "severity": self.rule.severity.as_str(),
            "blocking": self.blocking,
            "shown": self.shown,
            "waived": self.waived,
            "in_baseline": self.in_baseline,
        })
    }
}

fn waiver_json(waiver: &Waiver) -> Value {
    json!({
        "rule": waiver.rule,
        "reason": waiver.reason,
        "path": waiver.path,
        "line": waiver.line,
        "added_by_diff": waiver.source == WaiverSource::Diff,
        "counts": waiver.source == WaiverSource::Base && waiver.reason.is_some() && !waiver.refused,
    })
}
