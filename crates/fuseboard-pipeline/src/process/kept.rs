//! What is kept of an output: bytes, and never more than was agreed.

use std::collections::VecDeque;

use super::command::Keep;
use super::text::plain_text;
use crate::redact::Redactor;

/// The beginning and the end of an output, as bytes; what was in between is counted. Equal input in other
/// pieces gives the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    head_room: usize,
    tail_room: usize,
    total: u64,
}

impl Kept {
    pub(super) fn new(keep: Keep) -> Self {
        let (head_room, tail_room) = match keep {
            Keep::All(limit) => (limit, 0),
            Keep::Ends { head, tail } => (head, tail),
        };
        Self { head_room, tail_room, ..Self::default() }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (head, rest) = bytes.split_at(bytes.len().min(self.head_room - self.head.len()));
        self.head.extend_from_slice(head);
        let last = &rest[rest.len().saturating_sub(self.tail_room)..];
        self.tail.drain(..(self.tail.len() + last.len()).saturating_sub(self.tail_room));
        self.tail.extend(last);
    }

    /// How many bytes there were in all.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many bytes of them are not here.
    pub fn left_out(&self) -> u64 {
        self.total - (self.head.len() + self.tail.len()) as u64
    }

    /// What is here, in order; nothing shows where something was left out.
    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_slice(), self.tail.as_slices().0, self.tail.as_slices().1].concat()
    }

    /// The same, without a copy where nothing was left out.
    pub fn into_bytes(mut self) -> Vec<u8> {
        let (one, other) = self.tail.as_slices();
        self.head.extend_from_slice(one);
        self.head.extend_from_slice(other);
        self.head
    }

    /// What is here, for people: a line of its own stands where something was left out.
    pub fn excerpt(&self) -> Vec<u8> {
        if self.left_out() == 0 {
            return self.bytes();
        }
        let mut excerpt = self.head.clone();
        if excerpt.last().is_some_and(|last| *last != b'\n') {
            excerpt.push(b'\n');
        }
        excerpt.extend_from_slice(format!("[… {} bytes left out …]\n", self.left_out()).as_bytes());
        excerpt.extend(&self.tail);
        excerpt
    }

    /// The last `count` lines with something in them, oldest first: decoded, without control characters and
    /// secrets, each at most [`fuseboard::MAX_MESSAGE`] bytes. A line that was rewritten (`\r`) counts as several.
    pub fn last_lines(&self, count: usize, redactor: &Redactor) -> Vec<String> {
        let bytes = self.bytes();
        let text = String::from_utf8_lossy(&bytes);
        let plain: Vec<String> = text.split(['\n', '\r']).map(plain_text).collect();
        // Redacted as a whole and before anything is cut: a secret may have several lines, and half of one is
        // not recognised.
        let plain = plain.join("\n");
        let redacted = redactor.redact(&plain);
        let mut lines: Vec<String> =
            redacted.lines().rev().map(shortened).filter(|line| !line.is_empty()).take(count).collect();
        lines.reverse();
        lines
    }

    /// The last line with something in it, as in [`Kept::last_lines`]: what a command that failed most often
    /// said last.
    pub fn last_error(&self, redactor: &Redactor) -> Option<String> {
        self.last_lines(1, redactor).pop()
    }
}

/// The text without blanks around it, cut at a character's border.
fn shortened(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(fuseboard::MAX_MESSAGE)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(head: usize, tail: usize, pieces: &[&[u8]]) -> Kept {
        let mut kept = Kept::new(Keep::Ends { head, tail });
        for piece in pieces {
            kept.push(piece);
        }
        kept
    }

    fn last_error(kept: &Kept) -> Option<String> {
        kept.last_error(&Redactor::default())
    }

    #[test]
    fn beginning_and_end_are_kept_and_the_middle_is_counted() {
        let one = kept(3, 4, &[b"0123456789"]);
        assert_eq!((one.bytes().as_slice(), one.left_out(), one.total()), (b"0126789".as_slice(), 3, 10));
        assert_eq!(one.excerpt(), "012\n[… 3 bytes left out …]\n6789".as_bytes());
        let many = kept(3, 4, &[b"01", b"", b"2345", b"6", b"789"]);
        assert_eq!(many, one);
    }

    #[test]
    fn what_fits_is_kept_whole() {
        let whole = kept(3, 4, &[b"01234", b"56"]);
        assert_eq!((whole.excerpt().as_slice(), whole.left_out()), (b"0123456".as_slice(), 0));
        assert_eq!(kept(0, 0, &[b"abc"]).left_out(), 3);
    }

    #[test]
    fn the_last_error_is_the_last_line_with_something_in_it() {
        let some = kept(0, 4096, &[b"first\nsecond \x1b[31mred\x1b[0m\r\n \t\n\x1b[K\n"]);
        assert_eq!(last_error(&some).as_deref(), Some("second red"));
        assert_eq!(some.last_lines(9, &Redactor::default()), ["first", "second red"]);
        assert_eq!(last_error(&kept(0, 100, &[b"\n \n"])), None);
        let rewritten = kept(0, 100, &[b"10%\r20%\rbad \xff byte\r"]);
        assert_eq!(last_error(&rewritten).as_deref(), Some("bad \u{fffd} byte"));
    }

    #[test]
    fn the_last_error_is_at_most_512_bytes() {
        let long = kept(0, 4096, &["x".as_bytes(), "ä".repeat(1000).as_bytes()]);
        assert_eq!(last_error(&long).unwrap().len(), 511);
    }

    #[test]
    fn the_last_error_holds_no_secret_not_even_the_half_that_fits() {
        let redactor = Redactor::from_env([("TOKEN".into(), "s3cr3t-s3cr3t".into())]);
        let text = format!("{}s3cr3t-\x1b[0ms3cr3t", "x".repeat(fuseboard::MAX_MESSAGE - 6));
        let error = kept(0, 4096, &[text.as_bytes()]).last_error(&redactor).unwrap();
        assert!(error.ends_with("xx***"), "{error}");
    }
}
