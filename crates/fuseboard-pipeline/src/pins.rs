//! Files that a step's command names, as they were before the agent began: what judges the agent's work must
//! not have been changed by it.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
use std::path::{Path, PathBuf};

use crate::digest::sha256_hex;
use crate::repository::Repository;

/// Longest file that is pinned by its content, in bytes; a longer one counts as changed.
const MAX_PINNED: u64 = 16 << 20;

/// What the words of a command named when they were pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins(BTreeMap<PathBuf, Pinned>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pinned {
    /// Nothing, a folder, a device: no content that could be compared.
    NoFile,
    File(String),
    Unreadable,
}

/// Where the words of commands are looked up, found once for all of them.
pub(crate) struct Lookup<'a> {
    folder: &'a Path,
    /// The top of the folder's repository; outside of any, the folder itself. Free of links if it is there.
    root: PathBuf,
    /// The folders of `PATH` that lie there.
    programs: Vec<PathBuf>,
}

impl<'a> Lookup<'a> {
    pub(crate) fn from(folder: &'a Path) -> Self {
        let repository = Repository::containing(folder);
        let root = repository.as_ref().map_or(folder, Repository::root);
        let real = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let is_inside = |place: &PathBuf| {
            place.starts_with(root) || place.canonicalize().is_ok_and(|place| place.starts_with(&real))
        };
        let path = std::env::var_os("PATH");
        let places = path.iter().flat_map(std::env::split_paths).map(|place| folder.join(place));
        let programs = places.filter(is_inside).collect();
        Self { folder, root: real, programs }
    }
}

impl Pins {
    /// Pins every word that, seen from the folder, names or could come to name a file of its repository; outside of
    /// any, a file in the folder.
    pub(crate) fn of<'a>(words: impl IntoIterator<Item = &'a str>, lookup: &Lookup<'_>) -> Self {
        let places = words.into_iter().map(|word| lookup.folder.join(word));
        let inside = places.filter(|path| lies_in(path, &lookup.root));
        Self(inside.map(|path| (path.clone(), look(&path))).collect())
    }

    /// Whether there is a file that is watched, and not only places where none may appear.
    pub(crate) fn hold_a_file(&self) -> bool {
        self.0.values().any(|pinned| *pinned != Pinned::NoFile)
    }

    /// The same for the words of commands: where `PATH` leads into the repository, also what a program of that name is
    /// or would be there. Any word may be a program: the first one is, and what `env` is to start.
    pub(crate) fn of_command(words: &[String], lookup: &Lookup<'_>) -> Self {
        let mut pins = Self::of(words.iter().map(String::as_str), lookup);
        for place in &lookup.programs {
            for program in words.iter().filter(|word| !word.is_empty() && !word.contains('/')) {
                let candidate = place.join(program);
                let found = look(&candidate);
                pins.0.insert(candidate, found);
            }
        }
        pins
    }

    /// The first file that is not what it was.
    pub(crate) fn changed(&self) -> Option<&Path> {
        let changed = |(path, then): &(&PathBuf, &Pinned)| **then == Pinned::Unreadable || look(path) != **then;
        self.0.iter().find(changed).map(|(path, _)| path.as_path())
    }

    /// The pinned state as text, part of a step's fingerprint.
    pub(crate) fn stamp(&self) -> String {
        sha256_hex(format!("{:?}", self.0).as_bytes())
    }
}

/// Whether a path leads into a folder, or its name stands there, as far as it exists.
fn lies_in(path: &Path, root: &Path) -> bool {
    let folders = [path.canonicalize().ok(), path.parent().and_then(|parent| parent.canonicalize().ok())];
    let mut known = folders.into_iter().flatten().peekable();
    if known.peek().is_none() { path.starts_with(root) } else { known.any(|real| real.starts_with(root)) }
}

fn look(path: &Path) -> Pinned {
    match fs::metadata(path) {
        // What is too long for a name, such as a script in one word, names nothing.
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => Pinned::NoFile,
        Ok(meta) if !meta.is_file() => Pinned::NoFile,
        Ok(meta) if meta.len() <= MAX_PINNED => {
            fs::read(path).map_or(Pinned::Unreadable, |content| Pinned::File(sha256_hex(&content)))
        }
        Ok(_) | Err(_) => Pinned::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_a_command_names_is_missed_when_changed_removed_or_only_then_made() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("check.sh");
        let pins = || Pins::of(["sh", "check.sh", "-x", "later.sh"], &Lookup::from(folder.path()));
        fs::write(&script, "exit 1").unwrap();
        let before = pins();
        assert_eq!(before.changed(), None);
        fs::write(&script, "exit 0").unwrap();
        assert_eq!(before.changed(), Some(&*script));
        assert_ne!(before.stamp(), pins().stamp());
        fs::remove_file(&script).unwrap();
        assert_eq!(before.changed(), Some(&*script));
        fs::write(&script, "exit 1").unwrap();
        fs::write(folder.path().join("later.sh"), "exit 0").unwrap();
        assert_eq!(before.changed(), Some(&*folder.path().join("later.sh")));
    }

    #[test]
    fn what_lies_outside_of_the_folder_is_not_pinned() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Pins::of(["/bin/sh", "../made", "/nowhere/at/all"], &Lookup::from(folder.path())), Pins::default());
    }

    #[test]
    fn a_word_that_is_too_long_for_a_name_names_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let script = "echo one; ".repeat(100);
        assert_eq!(Pins::of(["sh", "-c", &script], &Lookup::from(folder.path())).changed(), None);
    }

    #[test]
    fn a_new_folder_changes_no_rule() {
        let folder = tempfile::tempdir().unwrap();
        let pins = Pins::of(["pytest", "tests"], &Lookup::from(folder.path()));
        fs::create_dir(folder.path().join("tests")).unwrap();
        assert_eq!(pins.changed(), None);
    }
}
