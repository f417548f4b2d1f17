//! A notice, and what a sink gets of it.

use std::fmt;

use fuseboard_pipeline::config::Word;
use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::stamp::Stamp;
use serde::{Deserialize, Serialize};

/// Longest subject, in bytes.
pub const MOST_SUBJECT: usize = 200;

/// Longest text, in bytes.
pub const MOST_TEXT: usize = 4000;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is out, and heals by itself or not.
    Warning,
    /// Somebody has to look at it.
    Action,
    /// Somebody has to look at it before anything else can run.
    Urgent,
}

/// Something to tell a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What happened, in one line.
    pub subject: String,
    /// The rest of it, possibly in several lines.
    pub text: String,
}

/// A notice as a sink gets it: safe to show, bounded, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it was told.
    pub at: Stamp,
    /// The run that it is about.
    pub run: String,
    /// The project.
    pub project: String,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, in one line.
    pub subject: String,
    /// The rest of it, possibly in several lines.
    pub text: String,
}

impl Message {
    /// Makes a notice safe to give away.
    pub fn new(notice: &Notice, at: Stamp, run: &str, project: &str, redactor: &Redactor) -> Self {
        // Before and after: a secret may hold a control character, or have one put into it.
        let safe = |text: &str| redactor.redact(&plain_lines(&redactor.redact(text))).into_owned();
        let subject = bounded(&safe(&notice.subject).replace('\n', " "), MOST_SUBJECT);
        let text = bounded(&safe(&notice.text), MOST_TEXT);
        Self {
            at,
            run: run.to_owned(),
            project: bounded(&plain_text(project), MOST_SUBJECT),
            severity: notice.severity,
            subject,
            text,
        }
    }

    /// The message as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // texts and a moment: there is nothing in it that JSON cannot say
    }

    /// Whether both tell the same of the same run, whenever they were made.
    pub fn is_same_as(&self, other: &Self) -> bool {
        (&self.run, &self.project, self.severity, &self.subject)
            == (&other.run, &other.project, other.severity, &other.subject)
    }

    /// The same for all that [tell the same](Self::is_same_as), and for no other.
    pub fn identity(&self) -> String {
        sha256_hex([self.run.as_str(), &self.project, self.severity.as_str(), &self.subject].join("\0").as_bytes())
    }
}

/// The text without what could act on a terminal; its lines stay lines.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain_text).collect::<Vec<_>>().join("\n")
}

fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(most - '…'.len_utf8())])
}

impl Word for Severity {
    const WORDS: &'static [(&'static str, Self)] =
        &[("info", Self::Info), ("warning", Self::Warning), ("action", Self::Action), ("urgent", Self::Urgent)];
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
