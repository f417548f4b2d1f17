//! How a line is shown: in plain text, bounded, and without anything that could be a credential, not in part.

use fuseboard_pipeline::process::plain_text;

use super::matching::Matcher;
use super::pieces::PIECE;
use super::rules::RULES;

/// Longest line that is shown whole, in characters.
const MAX_SHOWN: usize = 160;

/// Longest piece of which more than the match is shown, in bytes: whatever is cut apart is never shown.
const MAX_LOOKED_AT: usize = 1024;

/// What is shown of a line in which this rule found something.
pub(super) fn finding(rule: usize, piece: &[u8]) -> String {
    let text = if piece.len() <= MAX_LOOKED_AT { line(piece) } else { String::new() };
    // The line may hide its credential from a plain view: then nothing of it is shown.
    let is_credential = matches!(RULES[rule].find, super::Find::Credential { .. });
    if !text.is_empty() && (!is_credential || text.contains('[')) && text.chars().count() <= MAX_SHOWN {
        return text;
    }
    let Some(span) = Matcher::get().spans(rule, piece).next() else { return String::new() };
    let found = &piece[span];
    if is_credential { format!("… {} …", mark(rule, found.len())) } else { format!("… {} …", line(found)) }
}

/// A line with a mark in the place of each credential; at most as long as a piece.
pub(crate) fn line(bytes: &[u8]) -> String {
    let bytes = &bytes[..bytes.len().min(PIECE)];
    // Control characters go first: what they interrupt would be whole again without them.
    let plain = plain_text(&String::from_utf8_lossy(bytes));
    let mut shown = String::new();
    let mut from = 0;
    for (rule, span) in Matcher::get().credentials(plain.as_bytes()) {
        // The patterns know bytes, so that a credential may begin or end within a character.
        shown.push_str(plain.get(from..plain.floor_char_boundary(span.start)).unwrap_or_default());
        shown.push_str(&mark(rule, span.len()));
        from = plain.ceil_char_boundary(span.end);
    }
    shown.push_str(plain.get(from..).unwrap_or_default());
    shown.trim().to_owned()
}

fn mark(rule: usize, length: usize) -> String {
    format!("[{}, {length} characters]", RULES[rule].id)
}
