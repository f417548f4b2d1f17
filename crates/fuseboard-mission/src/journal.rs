//! A journal: a folder with a Markdown file for each day, to which sections are appended.
//!
//! A section ends with its mark, a comment in a line of its own. So one that a crash has cut is none, and one that is there
//! is not written again.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::process::{Deadline, plain_text};
use fuseboard_pipeline::step::StepError;
use fuseboard_pipeline::sys;

use crate::appended::AppendedFile;

/// A journal's folder in the state folder, unless another one is named.
pub const DEFAULT_FOLDER: &str = "journal";

/// Longest file of one day, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// What has a meaning in Markdown within a line.
const SYNTAX: [char; 10] = ['\\', '`', '*', '_', '[', ']', '<', '>', '~', '|'];

/// The journal in this folder, which is there.
#[derive(Debug)]
pub struct Journal<'a>(&'a Path);

/// What a section is known by. Text from outside stands in no line that looks like it: see [`escaped`] and [`quoted`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark(String);

impl Mark {
    /// The mark with these words.
    pub fn new(words: &str) -> Self {
        Self(format!("<!-- fuseboard {words} -->"))
    }
}

impl<'a> Journal<'a> {
    /// The journal in this folder.
    pub fn new(folder: &'a Path) -> Self {
        Self(folder)
    }

    /// The file of a day.
    pub fn file(&self, day: Day) -> PathBuf {
        self.0.join(format!("{day}.md"))
    }

    /// Appends a section to the day's file, unless one with its mark is there; whether it did. It is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// The file cannot be read or written, or somebody else holds it until the deadline.
    pub fn append(&self, day: Day, section: &str, mark: &Mark, deadline: Deadline) -> Result<bool, StepError> {
        let file = self.file(day);
        let failed = |error: &dyn std::error::Error| StepError::new(format!("the journal {error}"));
        let turn = AppendedFile::new(&file).turn(deadline).map_err(|error| failed(&error))?;
        if self.has(day, mark)? {
            return Ok(false);
        }
        let head = if turn.length() == 0 { format!("# {day}, {}\n", day.weekday()) } else { String::new() };
        let text = format!("{head}\n{}\n\n{}\n", section.trim_end(), mark.0);
        turn.append(text.as_bytes()).map_err(|error| failed(&error))?;
        Ok(true)
    }

    /// Whether the day's file has a section with this mark.
    ///
    /// # Errors
    /// There is something under its name that cannot be read.
    pub fn has(&self, day: Day, mark: &Mark) -> Result<bool, StepError> {
        let file = self.file(day);
        let searched = || -> io::Result<bool> {
            let file = match sys::open_regular(&file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
                file => file?,
            };
            if file.metadata()?.len() > MOST_BYTES {
                return Err(io::Error::other(format!("it is longer than any day's journal, {MOST_BYTES} bytes")));
            }
            let mut text = Vec::new();
            file.take(MOST_BYTES).read_to_end(&mut text)?;
            Ok(text.split(|byte| *byte == b'\n').any(|line| line == mark.0.as_bytes()))
        };
        searched().map_err(|error| StepError::new(format!("the journal {} cannot be read: {error}", file.display())))
    }
}

/// Text from outside in one line of Markdown, in which it has no meaning but itself.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in plain_text(text).chars() {
        if SYNTAX.contains(&char) {
            escaped.push('\\');
        }
        escaped.push(char);
    }
    escaped
}

/// Markdown from outside as a quotation: whatever it opens ends with it.
pub fn quoted(text: &str) -> String {
    let line = |line: &str| match plain_text(line).trim_end() {
        "" => ">\n".to_owned(),
        line => format!("> {line}\n"),
    };
    text.lines().map(line).collect()
}
