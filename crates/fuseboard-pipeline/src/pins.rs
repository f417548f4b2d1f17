//! Files that a step's command names, as they were before the agent began: what judges the agent's work must
//! not have been changed by it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::digest::sha256_hex;

/// Longest file that is pinned by its content, in bytes; a longer one counts as changed.
const MAX_PINNED: u64 = 16 << 20;

/// What the words of a command named when they were pinned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pins(BTreeMap<PathBuf, Pinned>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pinned {
    Absent,
    /// A folder, a device: nothing whose content could be compared.
    Other,
    File(String),
    Unreadable,
}

impl Pins {
    /// Pins every word that names, or could come to name, a file inside `folder`.
    pub(crate) fn of<'a>(words: impl IntoIterator<Item = &'a str>, folder: &Path) -> Self {
        let inside = words.into_iter().map(|word| folder.join(word)).filter(|path| path.starts_with(folder));
        Self(inside.map(|path| (path.clone(), look(&path))).collect())
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

fn look(path: &Path) -> Pinned {
    match fs::metadata(path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound || error.kind() == std::io::ErrorKind::NotADirectory =>
        {
            Pinned::Absent
        }
        Ok(meta) if !meta.is_file() => Pinned::Other,
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
        let pins = || Pins::of(["sh", "check.sh", "-x", "later.sh"], folder.path());
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
        assert_eq!(Pins::of(["/bin/sh"], folder.path()), Pins::default());
    }
}
