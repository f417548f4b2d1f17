//! What added lines must not bring: credentials, debug leftovers, marks of unfinished work, huge files.
//!
//! | concept | where |
//! |---|---|
//! | what is looked for, as one table | [`RULES`] |
//! | where it does not count: tests, lock, generated and minified files | [`PathKind`] |
//! | comments that allow it | [`Waiver`] |
//! | what was known before | [`Baseline`] |
//! | what was found | [`Finding`], [`Findings`] |
//!
//! Rules whose [`Group`] blocks can be neither waived nor exempted. A credential is never repeated, not in part.
//!
//! ```
//! use std::convert::Infallible;
//! use std::path::Path;
//!
//! use fuseboard_mission::scan::{AddedFile, Scan};
//!
//! let line = concat!("key = 'AKIA", "IOSFODNN7EXAMPLE'").as_bytes();
//! let file = AddedFile { path: "src/a.py".as_ref(), lines: vec![(10, line)] };
//! let nothing_before = |_: &Path| Ok::<_, Infallible>(None);
//! let Ok(findings) = Scan::default().files([file], nothing_before, || Ok(()));
//! assert_eq!(findings.blocking_reason().as_deref(), Some("1 secret: src/a.py:10 (aws-access-key)"));
//! ```

mod baseline;
mod credential;
mod finding;
mod matching;
mod paths;
mod patterns;
mod pieces;
mod rule;
mod rules;
mod shown;
mod waiver;

use std::collections::BTreeSet;
use std::path::Path;

pub use baseline::Baseline;
pub use finding::{Finding, Findings, MAX_FINDINGS};
pub use paths::{Language, PathKind};
pub use pieces::{OVERLAP, PIECE};
pub use rule::{Check, Find, Group, Rule, Severity};
pub use rules::RULES;
pub use waiver::{MARK as WAIVER_MARK, Waiver, WaiverSource};

pub(crate) use patterns::Patterns;
pub(crate) use pieces::of_line as pieces_of_line;
pub(crate) use shown::line as shown_line;

use matching::Matcher;
use pieces::Piece;

use crate::git::{Diff, FileStatus};

/// How many pieces of text are looked at before the caller is asked again whether to go on.
const BREATH: usize = 256;

/// How many lines a call may run over, when a debug rule asks how the statement goes on.
const STATEMENT: usize = 20;

/// Most findings of one file that block, and that do not; further ones are not counted.
pub const MAX_PER_FILE: usize = 10_000;

/// The lines that a diff adds to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedFile<'a> {
    /// Its path from the repository's top folder; any bytes.
    pub path: &'a Path,
    /// Each added line, without its line feed, and its number in the new version.
    pub lines: Vec<(u64, &'a [u8])>,
}

impl<'a> AddedFile<'a> {
    /// Every file that is there after the diff.
    pub fn all_of(diff: &'a Diff) -> impl Iterator<Item = Self> {
        let files = diff.files.iter().filter(|file| file.status != FileStatus::Deleted);
        files.map(|file| Self {
            path: &file.path,
            lines: file.added.iter().map(|(number, line)| (u64::from(*number), line.as_slice())).collect(),
        })
    }
}

/// Which groups of rules block.
///
/// # Defaults
/// [`Group::Secret`] blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    block_on: BTreeSet<Group>,
    baseline: Baseline,
}

impl Default for Scan {
    fn default() -> Self {
        Self::new([Group::Secret])
    }
}

impl Scan {
    /// A scan in which these groups block.
    pub fn new(block_on: impl IntoIterator<Item = Group>) -> Self {
        Self { block_on: block_on.into_iter().collect(), baseline: Baseline::default() }
    }

    /// The same with findings that are known. They stay findings; those that block are never taken out.
    #[must_use]
    pub fn over(self, baseline: Baseline) -> Self {
        Self { baseline, ..self }
    }

    /// Whether findings of this group block.
    pub fn blocks_on(&self, group: Group) -> bool {
        self.block_on.contains(&group)
    }

    /// Looks at all files. `base` gives a file as it was before the diff, for its waivers; it is asked only where
    /// a waiver could matter, and may answer that there is none for a file without [`WAIVER_MARK`]. `go_on` is asked
    /// every now and then.
    ///
    /// # Errors
    /// Whatever `base` or `go_on` fail with; then nothing is known.
    pub fn files<'a, E>(
        &self,
        files: impl IntoIterator<Item = AddedFile<'a>>,
        mut base: impl FnMut(&Path) -> Result<Option<Vec<u8>>, E>,
        mut go_on: impl FnMut() -> Result<(), E>,
    ) -> Result<Findings, E> {
        let (mut findings, mut baseline) = (Findings::default(), self.baseline.clone());
        for file in files {
            go_on()?;
            let mut look = Look::new(self, &file);
            look.at_path();
            look.at_lines(&mut go_on)?;
            look.at_size();
            let Look { found, .. } = look;
            let waivers = self.waivers(&file, &found, &mut base)?;
            findings.add_file(found, waivers, &mut baseline);
        }
        Ok(findings)
    }

    /// The waivers of one file: those that it had before, if there is something to waive, and those that the
    /// diff itself adds.
    fn waivers<E>(
        &self,
        file: &AddedFile<'_>,
        found: &[Finding],
        base: &mut impl FnMut(&Path) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Vec<Waiver>, E> {
        let path = shown::line(file.path.as_os_str().as_encoded_bytes());
        let mut waivers = Vec::new();
        if found.iter().any(|finding| !finding.blocking)
            && let Some(before) = base(file.path)?
        {
            let lines = before.split(|byte| *byte == b'\n').zip(1..);
            waivers.extend(waiver::in_lines(&path, WaiverSource::Base, lines.map(|(line, number)| (number, line))));
        }
        waivers.extend(waiver::in_lines(&path, WaiverSource::Diff, file.lines.iter().copied()));
        for waiver in &mut waivers {
            waiver.refused = self.block_on.iter().any(|group| waiver.names_any_of(*group));
        }
        Ok(waivers)
    }
}

/// One file under examination.
struct Look<'a> {
    scan: &'a Scan,
    file: &'a AddedFile<'a>,
    /// The path as it may be shown.
    path: String,
    kind: PathKind,
    language: Option<Language>,
    is_binary: bool,
    found: Vec<Finding>,
    /// How many findings there are that do not block, and that do.
    counted: [usize; 2],
}

impl<'a> Look<'a> {
    fn new(scan: &'a Scan, file: &'a AddedFile<'a>) -> Self {
        Self {
            scan,
            file,
            path: shown::line(file.path.as_os_str().as_encoded_bytes()),
            kind: PathKind::of(file.path),
            language: Language::of(file.path),
            is_binary: false,
            found: Vec::new(),
            counted: [0; 2],
        }
    }

    /// A credential in a file's name is one, too.
    fn at_path(&mut self) {
        let path = self.file.path.as_os_str().as_encoded_bytes();
        for index in Matcher::get().rules_in(path) {
            let rule = &RULES[index];
            if rule.group == Group::Secret && self.applies(rule) && Matcher::get().finds(index, path) {
                self.tell(rule, None, self.path.clone());
            }
        }
    }

    fn at_lines<E>(&mut self, go_on: &mut impl FnMut() -> Result<(), E>) -> Result<(), E> {
        let mut looked_at = 0;
        for (at, (number, bytes)) in self.file.lines.iter().enumerate() {
            let first_of_line = self.found.len();
            for piece in pieces::of_line(bytes) {
                looked_at += 1;
                if looked_at % BREATH == 0 {
                    go_on()?;
                }
                self.is_binary |= !piece.is_text;
                self.at_piece(at, *number, &piece, first_of_line);
            }
        }
        Ok(())
    }

    /// One finding per rule and line is enough.
    fn at_piece(&mut self, at: usize, number: u64, piece: &Piece<'_>, first_of_line: usize) {
        for index in Matcher::get().rules_in(&piece.bytes) {
            let rule = &RULES[index];
            let is_known = self.found[first_of_line..].iter().any(|finding| finding.rule.id == rule.id);
            if is_known || !self.applies(rule) || (!piece.is_text && rule.group != Group::Secret) {
                continue;
            }
            if Matcher::get().finds(index, &piece.bytes) && !self.is_excused(index, at, &piece.bytes) {
                self.tell(rule, Some(number), shown::finding(index, &piece.bytes));
            }
        }
    }

    fn at_size(&mut self) {
        let added = self.file.lines.len() as u64;
        for rule in &RULES {
            if let Find::MoreLinesThan(limit) = rule.find
                && added > limit
                && !self.is_binary
                && self.applies(rule)
            {
                self.tell(rule, None, format!("{added} added lines"));
            }
        }
    }

    /// Whether the rule counts in this file. What blocks counts in every file that it is made for.
    fn applies(&self, rule: &Rule) -> bool {
        if !rule.languages.is_empty() && self.language.is_none_or(|language| !rule.languages.contains(&language)) {
            return false;
        }
        self.scan.blocks_on(rule.group)
            || (self.kind == PathKind::Product && !paths::matches_any(self.file.path, rule.except))
            || rule.group == Group::Secret
    }

    /// Whether a debug rule's `unless` holds for the statement that begins here, or the line is a comment.
    fn is_excused(&self, index: usize, at: usize, piece: &[u8]) -> bool {
        let rule = &RULES[index];
        if rule.group == Group::Debug && self.language.is_some_and(|language| language.is_comment(piece)) {
            return true;
        }
        rule.has_exception() && Matcher::get().is_harmless(index, &self.statement(at, piece))
    }

    /// The piece, and what follows until its parentheses are closed.
    fn statement(&self, at: usize, piece: &[u8]) -> Vec<u8> {
        let is_open = |text: &[u8]| {
            let depth = text.iter().map(|byte| i64::from(*byte == b'(') - i64::from(*byte == b')'));
            depth.sum::<i64>() > 0
        };
        let mut statement = piece.to_vec();
        let mut last = self.file.lines[at].0;
        for (number, bytes) in self.file.lines[at + 1..].iter().take(STATEMENT) {
            if !is_open(&statement) || *number != last + 1 || statement.len() > PIECE {
                break;
            }
            last = *number;
            statement.push(b' ');
            statement.extend_from_slice(&bytes[..bytes.len().min(PIECE)]);
        }
        statement
    }

    fn tell(&mut self, rule: &'static Rule, line: Option<u64>, shown: String) {
        let blocking = self.scan.blocks_on(rule.group);
        let counted = &mut self.counted[usize::from(blocking)];
        if *counted == MAX_PER_FILE {
            return;
        }
        *counted += 1;
        let path = self.path.clone();
        self.found.push(Finding { rule, path, line, blocking, shown, waived: None, in_baseline: false });
    }
}
