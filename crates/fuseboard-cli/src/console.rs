//! Everything that the program prints. Standard output carries data, standard error lines for people; a closed
//! one harms nobody. Text from outside is made plain before it is shown.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::AnsiColor;
pub(crate) use anstyle::Style;
use fuseboard_pipeline::process::plain_text;

use crate::args::Color;

/// Nothing to say about it.
pub(crate) const PLAIN: Style = Style::new();
/// Something is broken or blocked.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// Something went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Something waits or is uncertain.
pub(crate) const MIDDLING: Style = AnsiColor::Yellow.on_default();
/// A name, a heading.
pub(crate) const STRONG: Style = Style::new().bold();
/// Less important.
pub(crate) const FAINT: Style = Style::new().dimmed();

/// The two streams and how much is said on them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    color: Color,
    quiet: bool,
    verbose: bool,
}

impl Console {
    pub(crate) fn new(color: Color, quiet: bool, verbose: bool) -> Self {
        Self { color, quiet, verbose }
    }

    /// Prints data. It may hold styles, which are dropped where colours are not wanted.
    pub(crate) fn data(self, text: &str) {
        let mut out = AutoStream::new(std::io::stdout(), self.choice(&std::io::stdout()));
        let _ = writeln!(out, "{text}");
        let _ = out.flush();
    }

    /// Whether the user wants to know more.
    pub(crate) fn is_verbose(self) -> bool {
        self.verbose
    }

    /// A line about what happened, unless the user wants quiet.
    pub(crate) fn note(self, text: impl Display) {
        if !self.quiet {
            self.line(PLAIN, &text);
        }
    }

    /// A line for who wants to know more.
    pub(crate) fn detail(self, text: impl Display) {
        if self.verbose {
            self.line(FAINT, &text);
        }
    }

    /// An error: what, why, what to do.
    pub(crate) fn error(self, text: impl Display) {
        self.line(BAD, &text);
    }

    /// Several errors, or one that takes several lines to say.
    pub(crate) fn errors(self, text: impl Display) {
        let text = text.to_string();
        self.write(BAD, &text.lines().map(plain_text).collect::<Vec<_>>().join("\n"));
    }

    fn line(self, style: Style, text: &dyn Display) {
        self.write(style, &plain_text(&text.to_string()));
    }

    fn write(self, style: Style, plain: &str) {
        let style = if self.choice(&std::io::stderr()) == ColorChoice::Never { PLAIN } else { style };
        // In one write, so that the lines of many processes do not run into each other.
        let line = format!("fuseboard: {style}{plain}{style:#}\n");
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn choice(self, stream: &impl IsTerminal) -> ColorChoice {
        match self.color {
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
            Color::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
                if stream.is_terminal() && !unwanted && !dumb { ColorChoice::AlwaysAnsi } else { ColorChoice::Never }
            }
        }
    }
}

/// Whether a person reads standard error.
pub(crate) fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

/// Text from outside as one plain line, in this style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", plain_text(text))
}
