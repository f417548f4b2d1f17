//! `fuseboard: allow RULE because …`: a comment by which a file says that a rule does not count in it.

use super::pieces;
use super::rule::{Group, Rule};
use super::rules::RULES;
use super::shown;

/// How every waiver begins: a file without this text has none.
pub const MARK: &str = "fuseboard: allow ";

/// Longest reason that is kept, in bytes.
const MAX_REASON: usize = 200;

/// Where a waiver was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaiverSource {
    /// In the file as it was before: it counts.
    Base,
    /// In what the diff adds: it is told and does not count.
    Diff,
}

/// A comment that allows a rule in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// The file, as it may be shown.
    pub path: String,
    /// The line, in the version in which it was found.
    pub line: u64,
    /// The rule, or group of rules; as it may be shown.
    pub rule: String,
    /// Why; `None` if no reason is given: then it does not count.
    pub reason: Option<String>,
    /// Where it was found.
    pub source: WaiverSource,
    /// Whether it names a rule that blocks: those cannot be waived.
    pub refused: bool,
}

impl Waiver {
    /// Whether findings of this rule are waived by it.
    pub fn counts_for(&self, rule: &Rule) -> bool {
        self.source == WaiverSource::Base && self.reason.is_some() && self.names(rule)
    }

    pub(super) fn names_any_of(&self, group: Group) -> bool {
        RULES.iter().any(|rule| rule.group == group && self.names(rule))
    }

    fn names(&self, rule: &Rule) -> bool {
        use fuseboard_pipeline::config::Word;

        self.rule == rule.id || self.rule == rule.group.as_str()
    }
}

/// The waivers in some lines of a file, whose path is one that may be shown.
pub(super) fn in_lines<'a>(
    path: &str,
    source: WaiverSource,
    lines: impl IntoIterator<Item = (u64, &'a [u8])>,
) -> Vec<Waiver> {
    let of_piece = |line: u64, piece: &[u8]| {
        let at = piece.windows(MARK.len()).position(|window| window == MARK.as_bytes())?;
        let text = String::from_utf8_lossy(&piece[at + MARK.len()..]).into_owned();
        let (rule, reason) = text.split_once(" because ").unwrap_or((&text, ""));
        let rule = rule.split_whitespace().next()?;
        let reason = shown::line(reason.trim_end_matches(['*', '/', '-', '>', ' ']).as_bytes());
        let reason = reason[..reason.floor_char_boundary(MAX_REASON)].to_owned();
        let mut rule = shown::line(rule.as_bytes());
        rule.truncate(rule.floor_char_boundary(MAX_REASON));
        let reason = Some(reason).filter(|reason| !reason.is_empty());
        Some(Waiver { path: path.to_owned(), line, rule, reason, source, refused: false })
    };
    let mut waivers = Vec::new();
    for (number, bytes) in lines {
        // Most lines have no colon, and one byte is found quickly.
        if bytes.len() >= MARK.len() && bytes.contains(&b':') {
            waivers.extend(pieces::of_line(bytes).filter_map(|piece| of_piece(number, &piece.bytes)));
        }
    }
    waivers
}
