//! The comment's text. All that comes from outside stands in code spans: there nothing is a link, a mention or HTML.

use std::fmt::Write as _;

use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::step::StepContext;

use super::said::Said;

/// Longest text, in bytes. GitHub takes 65 536 characters.
const MOST_TEXT: usize = 60_000;

/// Longest piece of text from outside, in bytes.
const MOST_PIECE: usize = 400;

/// The mark by which a comment of this step, for this project, is known again. Nobody sees it.
pub(super) fn mark(context: &StepContext<'_>) -> String {
    let plain = |text: &str| -> String {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || "._-".contains(char);
        text.chars().take(100).map(|char| if is_plain(char) { char } else { '_' }).collect()
    };
    format!("<!-- fuseboard {}/{} -->", plain(&context.job.project.name), plain(context.name))
}

/// The whole comment.
pub(super) fn body(mark: &str, said: &Said, context: &StepContext<'_>, most_findings: usize) -> String {
    if said.is_nothing() {
        return format!("{mark}\n**Fuseboard**: nothing blocks and nothing was found, as of the last run.");
    }
    let code = |text: &str| code(text, context);
    let commit = context.job.project.commit.as_deref().map(|commit| format!(", commit {}", code(commit)));
    let mut text = Text::new(format!("{mark}\n**Fuseboard**, run {}{}", code(context.run), commit.unwrap_or_default()));
    text.section("Blocks", &said.blocks, |block| {
        let how = if block.evaluated { "" } else { " gave no verdict" };
        format!("{}{how}: {}", code(&block.gate), code(&block.why))
    });
    text.section("Held back", &said.held_back, |held| {
        let gates: Vec<String> = held.gates.iter().map(|gate| code(gate)).collect();
        format!("{} by {}", code(&held.action), gates.join(", "))
    });
    let listed = &said.findings[..said.findings.len().min(most_findings)];
    text.section("Findings", listed, |finding| {
        let place = if finding.place.is_empty() { String::new() } else { format!(" {}", code(&finding.place)) };
        let blocks = if finding.blocks { ", blocks" } else { "" };
        format!("{}{place} {}{blocks}: {}", code(&finding.gate), code(&finding.rule), code(&finding.what))
    });
    text.not_listed((said.findings.len() - listed.len()).saturating_add(said.left_out));
    text.section("Waivers", &said.waivers, |waiver| {
        let counts = if waiver.counts { "" } else { " (brought by this work: it does not count)" };
        let reason = if waiver.reason.is_empty() { "no reason".to_owned() } else { code(&waiver.reason) };
        format!("{} {}: {reason}{counts}", code(&waiver.place), code(&waiver.rule))
    });
    text.done()
}

/// Whether two texts are the same to GitHub, which changes ends of lines.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let lines = |text: &str| text.trim_end().lines().map(str::to_owned).collect::<Vec<_>>();
    lines(one) == lines(other)
}

/// Text from outside as a code span: without secrets, in one line, bounded.
fn code(text: &str, context: &StepContext<'_>) -> String {
    // Before and after: a secret may hold a control character, or have one put into it.
    let plain = context.redactor.redact(&plain_text(&context.redactor.redact(text))).into_owned();
    let plain = match plain.trim() {
        "" => return "–".to_owned(),
        plain if plain.len() > MOST_PIECE => format!("{}…", &plain[..plain.floor_char_boundary(MOST_PIECE)]),
        plain => plain.to_owned(),
    };
    let longest = plain.split(|char| char != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    if longest == 0 { format!("{fence}{plain}{fence}") } else { format!("{fence} {plain} {fence}") }
}

/// A text that grows line by line up to its limit.
struct Text {
    text: String,
    left_out: usize,
}

impl Text {
    fn new(head: String) -> Self {
        Self { text: head, left_out: 0 }
    }

    fn section<T>(&mut self, title: &str, entries: &[T], line: impl Fn(&T) -> String) {
        if entries.is_empty() {
            return;
        }
        let _ = writeln!(self.text, "\n\n**{title}**"); // writing to a String cannot fail
        for entry in entries {
            let line = line(entry);
            if self.left_out == 0 && self.text.len() + line.len() < MOST_TEXT {
                self.text.push_str("\n- ");
                self.text.push_str(&line);
            } else {
                self.left_out += 1;
            }
        }
    }

    fn not_listed(&mut self, findings: usize) {
        if findings > 0 {
            let _ = write!(self.text, "\n\nFindings that are not listed: {findings}");
        }
    }

    fn done(mut self) -> String {
        if self.left_out > 0 {
            let _ = write!(self.text, "\n\nLines for which there is no room: {}", self.left_out);
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_of_lines_do_not_make_a_text_another() {
        assert!(is_same("a\r\nb\n", "a\nb"));
        assert!(!is_same("a\nb", "a b"));
    }
}
