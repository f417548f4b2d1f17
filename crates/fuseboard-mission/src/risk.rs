//! How risky a diff is, as a score.
//!
//! | concept | where |
//! |---|---|
//! | what raises the score, as one table | [`RISKS`] |
//! | how much is a lot | [`SIZES`], [`FILES`] |
//! | what a score means | [`RiskLevel`] |
//! | what was found | [`Tally`], [`Reason`] |
//!
//! A rule counts once in a file, and in few files, so that a long diff is no avalanche. Lines of tests, lock, generated
//! and minified files count half, rounded down; their paths, and credentials, count whole. Nothing is excused by
//! a comment, and no comment is left out: the work that is judged could have written it so.

mod level;
mod rules;
mod tally;

use std::path::Path;
use std::sync::LazyLock;

pub use level::RiskLevel;
pub use rules::{FILES, Look, RISKS, Risk, SIZES};
pub use tally::{Found, Reason, Tally};

use crate::git::{Diff, FileDiff, FileStatus};
use crate::scan::{AddedFile, Group, Language, PathKind, Patterns, Scan, pieces_of_line, shown_line};
use crate::test_changes::TestChanges;

/// What a credential counts, wherever it stands: [`RiskLevel::Critical`] by itself.
pub const CREDENTIAL: u32 = 20;

/// From how many characters without a blank on, all of them letters, digits and `+/=_-`, a text is packed.
const PACKED: usize = 500;

/// How many characters written by their numbers make a text hidden.
const ESCAPES: usize = 40;

/// How many pieces of text are looked at before the caller is asked again whether to go on.
const BREATH: usize = 256;

fn patterns() -> &'static Patterns {
    static PATTERNS: LazyLock<Patterns> =
        LazyLock::new(|| Patterns::of(RISKS.iter().map(|risk| (risk.pattern(), None)).collect()));
    &PATTERNS
}

/// What a diff risks. `go_on` is asked every now and then.
///
/// # Errors
/// Whatever `go_on` fails with; then nothing is known.
pub fn assess<E>(diff: &Diff, mut go_on: impl FnMut() -> Result<(), E>) -> Result<Tally, E> {
    let mut tally = Tally::default();
    of_size(diff, &mut tally);
    let removed_tests = TestChanges::of(diff, &[]).removed;
    for file in &diff.files {
        go_on()?;
        of_path(file, &removed_tests, &mut tally);
        if file.status != FileStatus::Deleted {
            of_lines(file, &mut tally, &mut go_on)?;
        }
    }
    of_credentials(diff, &mut tally, go_on)?;
    Ok(tally)
}

/// What one of our rules found; it counts once.
fn found<'a>(rule: &'a str, what: &'a str, score: u32, place: Option<String>) -> Found<'a> {
    Found { key: rule, rule, what, most: 1, score, place }
}

/// Whether people have to read each line of the file.
fn counts_whole(path: &Path) -> bool {
    PathKind::of(path) == PathKind::Product
}

fn of_size(diff: &Diff, tally: &mut Tally) {
    let (whole, half): (Vec<&FileDiff>, Vec<_>) = diff.files.iter().partition(|file| counts_whole(&file.path));
    let lines = |files: Vec<&FileDiff>| files.iter().map(|file| file.added.len()).sum::<usize>();
    let (lines, files) = (lines(whole) + lines(half) / 2, diff.files.len());
    let score_of =
        |table: &[(usize, u32)], count| table.iter().rev().find(|(more, _)| count > *more).map(|size| size.1);
    if let Some(score) = score_of(&SIZES, lines) {
        tally.add(found("size", &format!("{lines} added lines"), score, None));
    }
    if let Some(score) = score_of(&FILES, files) {
        tally.add(found("files", &format!("{files} files"), score, None));
    }
}

fn of_path(file: &FileDiff, removed_tests: &[String], tally: &mut Tally) {
    let path = file.path.as_os_str().as_encoded_bytes();
    for (place, risk) in RISKS.iter().enumerate() {
        let applies = match risk.look {
            Look::Path(_) => patterns().is_in(place, path),
            Look::Kind(kind) => PathKind::of(&file.path) == kind,
            Look::RemovedTest => removed_tests.contains(&file.name()),
            Look::Line { .. } | Look::Packed => false,
        };
        if applies {
            tally.add(Found { most: risk.most, ..found(risk.id, risk.what, risk.score, Some(shown_line(path))) });
        }
    }
}

fn of_lines<E>(file: &FileDiff, tally: &mut Tally, go_on: &mut impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let language = Language::of(&file.path);
    // What has no ending may be any program, by its first line.
    let may_be_any = language.is_none() && file.path.extension().is_none();
    let counts = |languages: &[Language]| {
        languages.is_empty() || may_be_any || language.is_some_and(|language| languages.contains(&language))
    };
    let path = shown_line(file.path.as_os_str().as_encoded_bytes());
    let mut is_known = [false; RISKS.len()];
    let mut looked_at = 0;
    for (number, line) in &file.added {
        for piece in pieces_of_line(line) {
            looked_at += 1;
            if looked_at % BREATH == 0 {
                go_on()?;
            }
            let packed = is_packed(&piece.bytes).then_some(rules::PACKED_TEXT);
            for place in patterns().found_in(&piece.bytes).chain(packed) {
                let risk = &RISKS[place];
                let applies = match risk.look {
                    Look::Line { languages, .. } => counts(languages),
                    Look::Packed => counts(&rules::CODE),
                    Look::Path(_) | Look::Kind(_) | Look::RemovedTest => false,
                };
                if applies && !std::mem::replace(&mut is_known[place], true) {
                    let score = if counts_whole(&file.path) { risk.score } else { risk.score / 2 };
                    let place = Some(format!("{path}:{number}"));
                    tally.add(Found { most: risk.most, ..found(risk.id, risk.what, score, place) });
                }
            }
        }
    }
    Ok(())
}

fn of_credentials<E>(diff: &Diff, tally: &mut Tally, go_on: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let findings = Scan::default().files(AddedFile::all_of(diff), |_| Ok(None), go_on)?;
    for finding in findings.kept().iter().filter(|finding| finding.rule.group == Group::Secret) {
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        tally.add(found("credential", "a credential", CREDENTIAL, Some(format!("{}{line}", finding.path))));
    }
    Ok(())
}

/// Whether a text is nothing that a person has written.
fn is_packed(text: &[u8]) -> bool {
    let is_of_run = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_-".contains(byte);
    let has_run = || text.split(|byte| !is_of_run(byte)).any(|run| run.len() >= PACKED);
    let escapes = || text.windows(2).filter(|pair| matches!(*pair, br"\x" | br"\u")).count();
    (text.len() >= PACKED && has_run()) || (text.len() >= 4 * ESCAPES && escapes() >= ESCAPES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_the_table_can_be_built() {
        patterns().build_all();
    }

    #[test]
    fn packed_text_stands_where_the_table_says() {
        assert_eq!(RISKS[rules::PACKED_TEXT].look, Look::Packed);
    }
}
