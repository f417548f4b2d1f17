//! Text from outside, made safe to show.

/// `text` without what could act on a terminal or mislead a reader: escape sequences as a whole, control
/// characters (C0, DEL, C1), line separators, and the marks that turn the direction of writing. Tabs and
/// line feeds become blanks, so that no text forges a second line. All sequences are those of ECMA-48.
pub fn plain_text(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(char) = rest.next() {
        match char {
            '\u{1b}' => skip_escape(&mut rest),
            '\u{9b}' => skip_control_sequence(&mut rest),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut rest),
            '\t' | '\n' => plain.push(' '),
            _ if char.is_control() || misleads(char) => {}
            _ => plain.push(char),
        }
    }
    plain
}

/// Directional marks, embeddings, overrides and isolates, and what breaks a line without looking so.
fn misleads(char: char) -> bool {
    matches!(char, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What follows ESC: a control sequence, a string, or intermediates and one final character.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    let mut ahead = rest.clone();
    match ahead.next() {
        Some('[') => {
            *rest = ahead;
            skip_control_sequence(rest);
        }
        Some('P' | 'X' | ']' | '^' | '_') => {
            *rest = ahead;
            skip_string(rest);
        }
        Some(' '..='/') => {
            skip_while(rest, |char| matches!(char, ' '..='/'));
            skip_final(rest, '0'..='~');
        }
        Some('0'..='~') => *rest = ahead,
        // No sequence: only the ESC goes.
        _ => {}
    }
}

/// Parameters, intermediates and the final character of a control sequence.
fn skip_control_sequence(rest: &mut std::str::Chars<'_>) {
    skip_while(rest, |char| matches!(char, ' '..='?'));
    skip_final(rest, '@'..='~');
}

/// A string runs until BEL or ST. One that is not ended takes its line with it: what it holds was never meant
/// to be seen.
fn skip_string(rest: &mut std::str::Chars<'_>) {
    while let Some(char) = rest.next() {
        match char {
            '\u{7}' | '\u{9c}' => return,
            '\u{1b}' => return skip_final(rest, '\\'..='\\'),
            _ => {}
        }
    }
}

fn skip_while(rest: &mut std::str::Chars<'_>, belongs: impl Fn(char) -> bool) {
    let text = rest.as_str();
    *rest = text[text.find(|char| !belongs(char)).unwrap_or(text.len())..].chars();
}

fn skip_final(rest: &mut std::str::Chars<'_>, range: std::ops::RangeInclusive<char>) {
    if rest.clone().next().is_some_and(|char| range.contains(&char)) {
        rest.next();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_go_as_a_whole() {
        for (shown, raw) in [
            ("red", "\x1b[1;31mred\x1b[0m"),
            ("title", "\x1b]0;evil\x07ti\x1b]8;;http://x\x1b\\tle"),
            ("abc", "a\x1bPq#0\x1b\\b\x1b(Bc"),
            ("abc", "a\u{9b}31mb\u{9d}0;x\u{9c}c"),
            ("ab", "a\x1bcb"),
            ("a", "a\x1b"),
            ("a", "a\x1b["),
            ("a", "a\x1b]0;never ended"),
            ("aä", "a\x1bä"),
        ] {
            assert_eq!(plain_text(raw), shown, "{raw:?}");
        }
    }

    #[test]
    fn control_and_directional_characters_go() {
        assert_eq!(plain_text("a\0\u{8}\u{7f}\u{85}b\tc\r\n\u{202e}d\u{2066}e\u{200f}f\u{2028}g"), "ab c defg");
        assert_eq!(plain_text("Grüße, 世界 🎉"), "Grüße, 世界 🎉");
    }
}
