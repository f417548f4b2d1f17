//! What a command that judges said, in a few plain lines.

use fuseboard_pipeline::process::Ended;
use fuseboard_pipeline::redact::Redactor;

/// How many of the last lines of each output are looked at and kept.
const LINES: usize = 40;

/// How lines begin that only repeat that something failed.
const NOISE: [&str; 9] = [
    "make:",
    "make[",
    "npm ERR!",
    "npm error",
    "error: test failed, to rerun",
    "note: ",
    "FAIL",
    "exit status",
    "Error 1",
];

/// The ends of a command's outputs, made safe to keep and show.
pub(crate) struct Said {
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

impl Said {
    pub(crate) fn of(ended: &Ended, redactor: &Redactor) -> Self {
        Self { stdout: ended.stdout.last_lines(LINES, redactor), stderr: ended.stderr.last_lines(LINES, redactor) }
    }

    /// The line that tells most: a count of failed tests, else the last one that is no mere echo of the failure.
    pub(crate) fn summary(&self) -> Option<String> {
        let last = |lines: [&Vec<String>; 2], is_it: fn(&str) -> bool| {
            let mut newest_first = lines.into_iter().flat_map(|lines| lines.iter().rev().map(|line| bare(line)));
            newest_first.find(|line| is_it(line)).map(str::to_owned)
        };
        last([&self.stdout, &self.stderr], counts_failures)
            .or_else(|| last([&self.stderr, &self.stdout], is_meaningful))
            .or_else(|| last([&self.stderr, &self.stdout], |line| !line.is_empty()))
    }

    /// The last lines that are no mere echo of a failure, oldest first: those of the standard output, which is where
    /// findings are written, if there are any.
    pub(crate) fn last_telling(&self, count: usize) -> Vec<&str> {
        let outputs = [&self.stdout, &self.stderr].map(|lines| {
            let telling = lines.iter().map(String::as_str).filter(|line| is_meaningful(bare(line)));
            telling.collect::<Vec<_>>()
        });
        let lines = outputs.into_iter().find(|lines| !lines.is_empty()).unwrap_or_default();
        lines[lines.len().saturating_sub(count)..].to_vec()
    }

    /// Whether a recipe of make could not start its program, or `python -m` has no such module: the code says
    /// nothing about what was to be judged then.
    pub(crate) fn program_is_missing(&self) -> bool {
        let not_started = |line: &String| {
            line.starts_with("make") && (line.ends_with("] Error 127") || line.ends_with("] Error 126"))
        };
        let no_module = |line: &String| line.contains(": No module named ") && !line.contains('\'');
        self.stderr.iter().any(not_started)
            || (self.stdout.is_empty() && self.stderr.len() == 1 && self.stderr.iter().any(no_module))
    }
}

fn is_meaningful(line: &str) -> bool {
    !line.is_empty() && !NOISE.iter().any(|noise| line.starts_with(noise))
}

/// Without the rules that some programs draw around a line.
fn bare(line: &str) -> &str {
    line.trim_matches(|char: char| matches!(char, '=' | '-' | '_' | '*' | '#' | ' '))
}

/// `3 failed, 12 passed`, `test result: FAILED. 1 passed; 2 failed`, `Tests: 1 failed, 3 total`, `2 failing`,
/// `FAILED (failures=1)`.
fn counts_failures(line: &str) -> bool {
    let words: Vec<&str> =
        line.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_count = |word: &str| word.parse::<u64>().is_ok_and(|count| count > 0);
    let is_failure = |word: &str| ["failed", "failing", "failures", "failure", "errors"].contains(&word);
    words.windows(2).any(|pair| {
        (is_count(pair[0]) && is_failure(pair[1])) || (is_failure(pair[0]) && is_count(pair[1]) && line.contains('='))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(stdout: &[&str], stderr: &[&str]) -> String {
        said(stdout, stderr).summary().unwrap_or_default()
    }

    #[test]
    fn the_count_of_failed_tests_says_most() {
        for (line, shown) in [
            ("==== 3 failed, 12 passed in 0.12s ====", "3 failed, 12 passed in 0.12s"),
            (
                "test result: FAILED. 1 passed; 2 failed; 0 ignored",
                "test result: FAILED. 1 passed; 2 failed; 0 ignored",
            ),
            ("Tests:       1 failed, 3 passed, 4 total", "Tests:       1 failed, 3 passed, 4 total"),
            ("  2 failing", "2 failing"),
            ("FAILED (failures=1)", "FAILED (failures=1)"),
        ] {
            assert_eq!(summary(&["before", line, "after"], &["make: *** [Makefile:2: test] Error 1"]), shown);
            assert_eq!(summary(&[], &[line, "npm ERR! x"]), shown);
        }
    }

    #[test]
    fn without_a_count_the_last_line_that_is_no_echo_is_shown() {
        assert_eq!(
            summary(&["--- FAIL: TestX (0.00s)", "    x_test.go:5: no", "FAIL"], &["make: *** x"]),
            "x_test.go:5: no"
        );
        assert_eq!(summary(&["0 failed"], &["assertion broke", "make: *** x"]), "assertion broke");
        assert_eq!(summary(&["only stdout"], &[]), "only stdout");
        assert_eq!(summary(&["FAIL"], &[]), "FAIL");
        assert_eq!(summary(&[], &[]), "");
    }

    fn said(stdout: &[&str], stderr: &[&str]) -> Said {
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        Said { stdout: lines(stdout), stderr: lines(stderr) }
    }

    #[test]
    fn the_last_telling_lines_are_findings_before_complaints() {
        let both = said(&["a.py:1: x", "a.py:2: y", "Found 2 errors.", "----"], &["warning"]);
        assert_eq!(both.last_telling(2), ["a.py:2: y", "Found 2 errors."]);
        assert_eq!(said(&["exit status 1"], &["a.go:1: x", "make: *** x"]).last_telling(3), ["a.go:1: x"]);
        assert!(said(&[], &["FAIL"]).last_telling(3).is_empty());
    }

    #[test]
    fn a_program_that_was_not_there_is_known_by_what_starts_it() {
        for (stdout, stderr) in [
            (&["checking"][..], &["sh: x: not found", "make: *** [Makefile:2: lint] Error 127"][..]),
            (&[], &["/usr/bin/python3: No module named ruff"]),
        ] {
            assert!(said(stdout, stderr).program_is_missing(), "{stderr:?}");
        }
        for (stdout, stderr) in [
            (&["1 failed"][..], &["make: *** [Makefile:2: test] Error 1"][..]),
            (&[], &["E: ModuleNotFoundError: No module named 'x'"]),
            (&["a.py:1: x"], &["/usr/bin/python3: No module named ruff"]),
        ] {
            assert!(!said(stdout, stderr).program_is_missing(), "{stderr:?}");
        }
    }
}
