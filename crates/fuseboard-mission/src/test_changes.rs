//! What the work itself does to the tests by which it is judged.

use std::path::{Path, PathBuf};

use fuseboard_pipeline::process::plain_text;
use serde_json::{Value, json};

use crate::git::{Diff, FileDiff, FileStatus};
use crate::scan::PathKind;

/// Most files that are named.
const NAMED: usize = 3;

/// What a diff does to tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TestChanges {
    /// Changed files that say what the test command does.
    definition: Vec<String>,
    /// Test files that are gone.
    pub(crate) removed: Vec<String>,
    /// Test files that lose more lines than they gain.
    shortened: Vec<String>,
}

impl TestChanges {
    /// What this diff does, given the files that define the command, from the top folder.
    pub(crate) fn of(diff: &Diff, defined_by: &[PathBuf]) -> Self {
        let is_test = |file: &&FileDiff| PathKind::of(&file.path) == PathKind::Test;
        let tests = || diff.files.iter().filter(is_test);
        let named = |files: &mut dyn Iterator<Item = &FileDiff>| files.map(|file| plain_text(&file.name())).collect();
        let is_moved = |gone: &FileDiff| {
            let mut new = tests().filter(|file| file.status == FileStatus::Added);
            new.any(|file| file.path.file_name() == gone.path.file_name() && added(file) >= gone.removed)
        };
        Self {
            definition: named(&mut diff.files.iter().filter(|file| defined_by.contains(&file.path))),
            removed: named(&mut tests().filter(|file| file.status == FileStatus::Deleted && !is_moved(file))),
            shortened: named(
                &mut tests().filter(|file| file.status == FileStatus::Modified && file.removed > added(file)),
            ),
        }
    }

    /// In words, each a clause of its own; empty if there is nothing to say.
    pub(crate) fn clauses(&self) -> Vec<String> {
        let clause =
            |what: &str, files: &[String]| (!files.is_empty()).then(|| format!("the diff {what} {}", list(files)));
        [
            clause("changes what defines the command:", &self.definition),
            clause("removes tests:", &self.removed),
            clause("shortens tests:", &self.shortened),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// As data.
    pub(crate) fn to_json(&self) -> Value {
        json!({"definition": self.definition, "removed": self.removed, "shortened": self.shortened})
    }
}

fn added(file: &FileDiff) -> u32 {
    u32::try_from(file.added.len()).unwrap_or(u32::MAX)
}

fn list(files: &[String]) -> String {
    let more = files.len().saturating_sub(NAMED);
    let named = files[..files.len() - more].join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

/// The paths, from the top folder.
pub(crate) fn below(folder: &Path, paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.into_iter().map(|path| folder.join(path)).collect()
}
