//! A file's text: where its lines begin, and fit to be shown.

use std::ops::Range;
use std::path::{Path, PathBuf};

/// A file's text as it may be shown, and the place of every byte in it.
#[derive(Clone, Debug)]
pub(super) struct Source {
    file: PathBuf,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub(super) fn new(file: &Path, text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { file: file.to_owned(), text: mask_secrets(text), line_starts }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text of a span, or as much of it as exists.
    pub(super) fn slice(&self, span: Range<usize>) -> &str {
        let start = self.text.floor_char_boundary(span.start);
        let end = self.text.floor_char_boundary(span.end).max(start);
        &self.text[start..end]
    }

    /// Line and column (in characters) of a byte, both counted from 1.
    pub(super) fn position(&self, byte: usize) -> (usize, usize) {
        let byte = self.text.floor_char_boundary(byte);
        let line = self.line_starts.partition_point(|start| *start <= byte);
        let start = self.line_starts[line - 1];
        (line, self.text[start..byte].chars().count() + 1)
    }
}

/// The text with the password of each `scheme://user:password@host`, and what follows the host of a web address, replaced
/// by as many `*` as it has bytes, so that excerpts hold no secret and every span stays where it is.
fn mask_secrets(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let hide = |masked: &mut String, secret: &str| masked.extend(std::iter::repeat_n('*', secret.len()));
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, address) = rest.split_at(at + 3);
        masked.push_str(before);
        let end = address.find(|c: char| c.is_whitespace() || "\"'".contains(c)).unwrap_or(address.len());
        let host_end = address[..end].find(['/', '?', '#']).unwrap_or(end);
        let authority = &address[..host_end];
        match password(authority) {
            Some((user, password)) => {
                masked.push_str(user);
                hide(&mut masked, password);
                masked.push_str(&authority[user.len() + password.len()..]);
            }
            None => masked.push_str(authority),
        }
        rest = &address[host_end..];
        // Services put their tokens there.
        if ["http://", "https://"].iter().any(|scheme| before.ends_with(scheme)) {
            let (secret, after) = address[host_end..].split_at(end - host_end);
            let slash = &secret[..secret.len().min(1)];
            masked.push_str(slash);
            hide(&mut masked, &secret[slash.len()..]);
            rest = after;
        }
    }
    masked + rest
}

/// The user with its colon, and the password, of an address' authority `user:password@host`.
pub(super) fn password(authority: &str) -> Option<(&str, &str)> {
    let (credentials, _) = authority.rsplit_once('@')?;
    let colon = credentials.find(':')?;
    let (user, password) = credentials.split_at(colon + 1);
    (!password.is_empty()).then_some((user, password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters_from_one() {
        let source = Source::new(Path::new("f"), "ab\näöx\n\nend");
        let cases = [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (5, (2, 2)), (7, (2, 3)), (9, (3, 1)), (10, (4, 1))];
        for (byte, position) in cases {
            assert_eq!(source.position(byte), position, "byte {byte}");
        }
        assert_eq!(source.position(13), (4, 4), "the end");
        assert_eq!(source.position(1_000), (4, 4), "beyond the end");
        assert_eq!(source.position(4), (2, 1), "inside a character");
    }

    #[test]
    fn a_slice_never_leaves_the_text() {
        let source = Source::new(Path::new("f"), "ä");
        #[expect(clippy::reversed_empty_ranges, reason = "that is the case under test")]
        let spans = [0..2, 0..9, 1..2, 5..9, 2..0];
        assert_eq!(spans.map(|span| source.slice(span)), ["ä", "ä", "ä", "", ""]);
    }

    #[test]
    fn secrets_in_addresses_are_masked_in_place() {
        let text = "fleet = \"redis://app:s3cret@host/0\" # https://x.org/a:b@c\nurl = 'redis://:pä@h' http://a:b";
        let masked = mask_secrets(text);
        assert_eq!(
            masked,
            "fleet = \"redis://app:******@host/0\" # https://x.org/*****\nurl = 'redis://:***@h' http://a:b"
        );
        assert_eq!(masked.len(), text.len());
        for (text, expected) in [
            ("webhook = 'https://h.org:8/a/b?c' # d", "webhook = 'https://h.org:8/*****' # d"),
            ("ping = \"http://h.org?ä\"", "ping = \"http://h.org?**\""),
            ("https://h.org#x y", "https://h.org#* y"),
            ("https://u:p@h.org/ä", "https://u:*@h.org/**"),
            ("https://", "https://"),
        ] {
            assert_eq!(mask_secrets(text), expected);
        }
    }
}
