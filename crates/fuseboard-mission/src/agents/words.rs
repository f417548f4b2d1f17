//! What agents write to standard error when they are at their limit or not logged in, as data.
//!
//! A line counts only if it begins with the message, after a word such as `Error:` at most: what an agent tells of its
//! work may hold the same words.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use fuseboard_pipeline::job::JobFailure;
use fuseboard_pipeline::stamp::Stamp;
use regex::Regex;

/// The version of these tables.
pub const VERSION: u32 = 1;

/// How much of the end of the standard error is searched, in bytes.
const SEARCHED: u64 = 64 * 1024;

/// Beginnings of lines, in lower case.
const QUOTA: &[&str] = &[
    "claude ai usage limit reached",
    "claude usage limit reached",
    "usage limit reached",
    "you've hit your usage limit",
    "you have hit your usage limit",
    "you've hit your limit",
    "you've reached your usage limit",
    "you exceeded your current quota",
    "5-hour limit reached",
    "weekly limit reached",
    "rate limit reached",
    "rate limit exceeded",
    "rate_limit_error",
    "429 too many requests",
    "insufficient_quota",
    "quota exceeded",
    "resource_exhausted",
];

/// Likewise for an agent that is not logged in.
const LOGIN: &[&str] = &[
    "invalid api key",
    "not logged in",
    "please run /login",
    "authentication_error",
    "oauth token has expired",
    "401 unauthorized",
    "your access token could not be refreshed",
];

/// What may stand before the message, in lower case.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"^[^a-z0-9]*(?:(?:[^ ]+ )?(?:api |stream |unexpected |fatal )?error[^a-z0-9]+|fatal[: ]+)?")
});

/// `|1760000000`: seconds since 1970.
static EPOCH: LazyLock<Regex> = LazyLock::new(|| compiled(r"\|([0-9]{10})(?:[^0-9]|$)"));

/// `2026-11-23t17:42:39z`, in lower case.
static MOMENT: LazyLock<Regex> = LazyLock::new(|| {
    compiled(r"[0-9]{4}-[0-9]{2}-[0-9]{2}t[0-9]{2}:[0-9]{2}(?::[0-9]{2})?(?:\.[0-9]+)?(?:z|[+-][0-9]{2}:[0-9]{2})")
});

/// `try again in 2 hours 5 minutes`, `retry after 3600s`, `retry-after: 60`, in lower case.
static IN_A_WHILE: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        r"(?:try again in|retry in|resets in|retry[- ]after:?) +(?:([0-9]{1,3}) ?(?:hours?|hrs?|h)(?:[, ]+|[^a-z]|$))?(?:([0-9]{1,4}) ?(?:minutes?|min|m)(?:[, ]+|[^a-z]|$))?(?:([0-9]{1,6})(?: ?(?:seconds?|sec|s)(?:[^a-z]|$)|[^ a-z0-9]|$))?",
    )
});

/// These are constants, and the tests try each.
fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("{error}"))
}

/// What a line of standard error tells of the agent's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The limit, or the login.
    pub failure: JobFailure,
    /// The line.
    pub line: String,
    /// When the limit is lifted, if the line says so.
    pub resets_at: Option<Stamp>,
}

/// Searches the end of a captured standard error; the last line that tells something counts.
///
/// # Errors
/// It cannot be read.
pub fn in_file(stderr: &Path, at: Stamp) -> io::Result<Option<Said>> {
    Ok(in_text(&end_of(stderr)?, at))
}

/// The last line of a captured standard error that is not empty, if it can be read.
pub fn last_line(stderr: &Path) -> Option<String> {
    end_of(stderr).ok()?.lines().rev().map(super::bounded).find(|line| !line.trim().is_empty())
}

fn end_of(stderr: &Path) -> io::Result<String> {
    if !std::fs::metadata(stderr)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut file = File::open(stderr)?;
    file.seek(SeekFrom::Start(file.metadata()?.len().saturating_sub(SEARCHED)))?;
    let mut bytes = Vec::new();
    file.take(SEARCHED).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The same for a text that was written at this moment.
pub fn in_text(text: &str, at: Stamp) -> Option<Said> {
    text.lines().rev().find_map(|line| {
        let lower = line.to_lowercase();
        let start = BEFORE.find(&lower).map_or(0, |found| found.end());
        let begins = |words: &[&str]| words.iter().any(|word| lower[start..].starts_with(word));
        let failure = if begins(QUOTA) {
            JobFailure::Quota
        } else if begins(LOGIN) {
            JobFailure::Login
        } else {
            return None;
        };
        Some(Said { failure, line: super::bounded(line), resets_at: reset_in(line, at) })
    })
}

/// When a limit is lifted, by what a line says that was written at this moment.
pub fn reset_in(line: &str, at: Stamp) -> Option<Stamp> {
    let line = &*line.to_lowercase();
    if let Some(epoch) = EPOCH.captures(line) {
        return epoch[1].parse::<i64>().ok().map(|seconds| Stamp::from_millis(seconds * 1000));
    }
    if let Some(moment) = MOMENT.find(line) {
        return moment.as_str().to_uppercase().parse().ok();
    }
    let found = IN_A_WHILE.captures(line)?;
    let number = |group| found.get(group).and_then(|text| text.as_str().parse::<u64>().ok());
    let seconds = [(1, 3600), (2, 60), (3, 1)].into_iter().filter_map(|(group, of)| Some(number(group)? * of));
    let seconds: u64 = seconds.sum();
    (seconds > 0).then(|| at.after(Duration::from_secs(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: i64 = 1_760_000_000_000;

    fn said(text: &str) -> Option<(JobFailure, Option<i64>)> {
        in_text(text, Stamp::from_millis(AT))
            .map(|said| (said.failure, said.resets_at.map(|at| (at.millis() - AT) / 1000)))
    }

    #[test]
    fn lines_of_agents_at_their_limit_tell_when_it_is_lifted() {
        use JobFailure::{Login, Quota};
        for (text, expected) in [
            ("Claude AI usage limit reached|1760003600", Some((Quota, Some(3600)))),
            (
                "working\nError: You've hit your usage limit. Try again in 2 hours 5 minutes.\n",
                Some((Quota, Some(7500))),
            ),
            ("ERROR: 429 Too Many Requests, retry-after: 60", Some((Quota, Some(60)))),
            ("✖ API Error: rate_limit_error", Some((Quota, None))),
            ("stream error: rate limit reached for the model; retry in 90s", Some((Quota, Some(90)))),
            ("RESOURCE_EXHAUSTED: resets at 2025-10-09T09:53:20Z", Some((Quota, Some(3600)))),
            ("Invalid API key · Please run /login", Some((Login, None))),
            ("fatal: Not logged in", Some((Login, None))),
            ("Weekly limit reached; try again in 3 days", Some((Quota, None))),
            ("API Error: rate limit exceeded. Try again in 5 min", Some((Quota, Some(300)))),
        ] {
            assert_eq!(said(text), expected, "{text}");
        }
    }

    #[test]
    fn what_an_agent_tells_of_its_work_does_not_count() {
        for text in [
            "I added a test for the usage limit reached message",
            "the server said: rate limit exceeded",
            "docs: usage limit reached",
            "",
            "é",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
    }
}
