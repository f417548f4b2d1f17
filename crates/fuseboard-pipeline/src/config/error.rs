//! What is wrong with a file: data with exact places, collected so that all of it comes at once.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::source::Source;
use crate::nearest::nearest;

/// Most errors that are kept of one file. Who has more than this reads the first ones first.
pub const MAX_ERRORS: usize = 100;

/// Longest excerpt of a file in a message, in characters.
const EXCERPT: usize = 60;

/// One thing that is wrong in a configuration file, and where.
///
/// Its `Display` is one line: ``fuseboard.toml:12:1: unknown key `trip_afer` in [circuit] (did you mean
/// `trip_after`?)``. Control characters of the file are escaped in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// Its line, counted from 1.
    pub line: usize,
    /// The column in characters, counted from 1.
    pub column: usize,
    /// The offending bytes, counted from the file's start.
    pub span: Range<usize>,
    /// The offending text as it stands there (its first line, 60 characters at most).
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<Help>,
}

/// What to do about an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Help {
    /// The known name that was probably meant.
    DidYouMean(String),
    /// What to write instead.
    Advice(String),
}

impl Help {
    /// Advice in words, as an error takes it.
    pub fn advice(text: impl Into<String>) -> Option<Self> {
        Some(Self::Advice(text.into()))
    }

    /// The nearest of the known names, if one is near.
    pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        nearest(word, names).map(|name| Self::DidYouMean(name.to_owned()))
    }
}

impl fmt::Display for Help {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DidYouMean(name) => write!(f, "did you mean `{name}`?"),
            Self::Advice(advice) => f.write_str(advice),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = printable(&self.file.to_string_lossy());
        write!(f, "{file}:{}:{}: {}", self.line, self.column, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for ConfigError {}

/// Everything that is wrong with one file, in the order in which it stands there; never empty.
#[derive(Clone, Debug)]
pub struct ConfigErrors {
    source: Arc<Source>,
    errors: Vec<ConfigError>,
}

impl ConfigErrors {
    /// The errors.
    pub fn errors(&self) -> &[ConfigError] {
        &self.errors
    }

    /// The file that they are about.
    pub fn file(&self) -> &Path {
        self.source.file()
    }

    /// The file's text, which the spans index, for excerpts. Passwords in addresses are masked.
    pub fn text(&self) -> &str {
        self.source.text()
    }

    /// These errors and those of another check of the same file.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.errors.extend(other.errors);
        self.sort();
        self
    }

    fn sort(&mut self) {
        self.errors.sort_by_key(|error| (error.span.start, error.span.end));
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, error) in self.errors.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Collects the errors of one file while it is read.
#[derive(Debug)]
pub(super) struct Sink {
    source: Arc<Source>,
    // Several readers of nested tables complain into one sink, so they share it.
    errors: RefCell<Vec<ConfigError>>,
}

impl Sink {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { source, errors: RefCell::default() }
    }

    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Whether no further error is kept, so that its help need not be worked out.
    pub(super) fn is_full(&self) -> bool {
        self.errors.borrow().len() >= MAX_ERRORS
    }

    pub(super) fn push(&self, span: Range<usize>, message: impl Into<String>, help: Option<Help>) {
        if self.is_full() {
            return;
        }
        let (line, column) = self.source.position(span.start);
        let text = excerpt(self.source.slice(span.clone()));
        let file = self.source.file().to_owned();
        self.errors.borrow_mut().push(ConfigError { file, line, column, span, text, message: message.into(), help });
    }

    /// The value if there is one and nothing was wrong, else everything that was. Whoever has no value has
    /// said why.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        let errors = self.errors.into_inner();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            _ => {
                let mut errors = ConfigErrors { source: self.source, errors };
                errors.sort();
                Err(errors)
            }
        }
    }
}

/// The first line of a piece of a file, cut and without control characters.
pub(super) fn excerpt(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut: String = line.chars().take(EXCERPT).collect();
    let dots = if cut.len() < line.len() { "…" } else { "" };
    printable(&cut) + dots
}

/// The text with every character that a terminal would obey (control, bidirectional, invisible) escaped.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut shown, c| {
        match c {
            '\'' | '"' | '\\' => shown.push(c), // `escape_debug` would quote them, which only disturbs here
            _ => shown.extend(c.escape_debug()),
        }
        shown
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sink(text: &str) -> Sink {
        Sink::new(Arc::new(Source::new(Path::new("dir/fuseboard.toml"), text)))
    }

    #[test]
    fn an_error_is_one_line_with_place_and_help() {
        let sink = sink("[circuit]\ntrip_afer = 2\n");
        sink.push(10..19, "unknown key", Help::nearest("trip_afer", ["trip_after"]));
        let errors = sink.finish(Some(())).unwrap_err();
        assert_eq!(errors.to_string(), "dir/fuseboard.toml:2:1: unknown key (did you mean `trip_after`?)");
        assert_eq!(errors.errors()[0].text, "trip_afer");
    }

    #[test]
    fn errors_come_in_the_order_of_the_file() {
        let sink = sink("a\nb\nc\n");
        sink.push(4..5, "third", None);
        sink.push(0..1, "first", None);
        sink.push(2..3, "second", None);
        let errors = sink.finish(Some(())).unwrap_err();
        let messages: Vec<_> = errors.errors().iter().map(|e| e.message.as_str()).collect();
        assert_eq!(messages, ["first", "second", "third"]);
    }

    #[test]
    fn a_file_full_of_errors_keeps_the_first_ones() {
        let sink = sink("x");
        for _ in 0..10_000 {
            sink.push(0..1, "again", None);
        }
        assert_eq!(sink.finish(Some(())).unwrap_err().errors().len(), MAX_ERRORS);
    }

    #[test]
    fn an_excerpt_shows_no_control_character_and_is_bounded() {
        let text = excerpt(&format!("\u{1b}[31m\u{202e}{}\nmore", "x".repeat(500)));
        assert!(text.starts_with("\\u{1b}[31m\\u{202e}xxx") && text.ends_with('…') && text.len() < 120, "{text}");
        assert_eq!(excerpt("it's \"so\" \\ ä"), "it's \"so\" \\ ä");
    }
}
