//! A line as the patterns see it: bounded pieces of plain bytes.

use std::borrow::Cow;

/// Longest piece that is looked at at once, in bytes: longer lines are looked at in several, none is left out.
pub const PIECE: usize = 64 * 1024;

/// How much of a piece the next one repeats, in bytes, so that nothing is cut apart.
pub const OVERLAP: usize = 4 * 1024;

/// A part of a line.
pub(crate) struct Piece<'a> {
    pub(crate) bytes: Cow<'a, [u8]>,
    /// Whether it can be text: only credentials are looked for in anything else.
    pub(crate) is_text: bool,
}

/// The pieces of a line. Carriage returns end lines here, too. NUL bytes are left out: what is ASCII in UTF-16
/// and UTF-32, of either byte order and with or without a byte order mark, reads as ASCII then, even though the
/// line was cut at a line feed's byte.
pub(crate) fn of_line(line: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let has_nul = line.contains(&0);
    line.split(|byte| *byte == b'\r').filter(|part| !part.is_empty()).flat_map(Windows::of).map(move |window| {
        let bytes = without_nul(window, has_nul);
        let is_text = !has_nul || !bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t');
        Piece { bytes, is_text }
    })
}

fn without_nul(bytes: &[u8], has_nul: bool) -> Cow<'_, [u8]> {
    if has_nul { Cow::Owned(bytes.iter().copied().filter(|byte| *byte != 0).collect()) } else { Cow::Borrowed(bytes) }
}

struct Windows<'a>(Option<&'a [u8]>);

impl<'a> Windows<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        Self(Some(bytes))
    }
}

impl<'a> Iterator for Windows<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.0.take()?;
        if rest.len() <= PIECE {
            return Some(rest);
        }
        self.0 = Some(&rest[PIECE - OVERLAP..]);
        Some(&rest[..PIECE])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(line: &[u8]) -> Vec<Vec<u8>> {
        of_line(line).map(|piece| piece.bytes.into_owned()).collect()
    }

    #[test]
    fn a_short_line_is_one_piece_and_an_empty_one_none() {
        assert_eq!(pieces(b"abc"), [b"abc"]);
        assert!(pieces(b"").is_empty() && pieces(b"\r").is_empty());
    }

    #[test]
    fn carriage_returns_end_lines() {
        assert_eq!(pieces(b"a\rb\r"), [b"a", b"b"]);
    }

    #[test]
    fn what_lies_across_a_border_is_whole_in_one_of_the_pieces() {
        for start in [PIECE - 10, PIECE - OVERLAP, 2 * PIECE - OVERLAP - 1, 3 * PIECE] {
            let mut line = vec![b' '; 4 * PIECE];
            line[start..start + 20].copy_from_slice(&[b'x'; 20]);
            let pieces = pieces(&line);
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert!(pieces.iter().any(|piece| piece.windows(20).any(|window| window == [b'x'; 20])), "{start}");
        }
    }

    #[test]
    fn wide_characters_read_as_ascii_and_other_bytes_are_no_text() {
        let line: Vec<u8> = "\u{feff}key".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(pieces(&line), [b"\xff\xfekey"]);
        assert!(of_line(&line).all(|piece| piece.is_text));
        assert!(of_line(b"\x7fELF\0\x01\x02").all(|piece| !piece.is_text));
    }
}
