//! A step that stands for the programs in a folder: each becomes a step of its own, in the order of their names.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fuseboard::CircuitName;

use crate::config::{StepDeclaration, Work};

/// What the names of such steps begin with.
const PREFIX: &str = "hooks.";

/// Most programs of one folder.
const MOST_PROGRAMS: usize = 100;

/// Longest part of a file's name that is kept, in bytes.
const MOST_NAME: usize = 50;

/// The programs of a folder, in the order of their names; none if the folder is not there. Hidden files and an editor's
/// leftovers (`name~`) are none, and neither is what cannot be executed.
///
/// # Errors
/// The folder cannot be read, is none, or holds more than 100 programs.
pub fn programs_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| is_program(path));
    if paths.len() > MOST_PROGRAMS {
        return Err(io::Error::other(format!("{} programs are more than {MOST_PROGRAMS}", paths.len())));
    }
    paths.sort();
    Ok(paths)
}

fn is_program(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let is_executable = |data: fs::Metadata| data.is_file() && data.permissions().mode() & 0o111 != 0;
    !name.starts_with('.') && !name.ends_with('~') && fs::metadata(path).is_ok_and(is_executable)
}

/// The steps that a declaration stands for, one after the other, and what each runs; each is declared like it. `taken` are
/// names of steps.
pub(crate) fn steps_of(
    declaration: &StepDeclaration,
    programs: &[PathBuf],
    taken: &mut BTreeSet<String>,
) -> Vec<(StepDeclaration, Vec<String>)> {
    let mut steps: Vec<(StepDeclaration, Vec<String>)> = Vec::new();
    for program in programs {
        let Some((name, command)) = named(program, taken) else { continue };
        let mut step = declaration.clone();
        if let Some((before, _)) = steps.last() {
            step.waits.after.push(before.name.clone().map(|name| name.to_string()));
        }
        step.name = declaration.name.clone().map(|_| name);
        step.work = Work::Command(vec![command.clone()]);
        steps.push((step, vec![command]));
    }
    steps
}

/// The step's name and the program's path, if both can be written.
fn named(program: &Path, taken: &mut BTreeSet<String>) -> Option<(CircuitName, String)> {
    let plain = |char: char| if char.is_ascii_alphanumeric() || "._-".contains(char) { char } else { '-' };
    let name: String = program.file_name()?.to_str()?.to_lowercase().chars().map(plain).take(MOST_NAME).collect();
    let numbered = |number: u32| if number == 1 { name.clone() } else { format!("{name}-{number}") };
    let name = (1..10_000).map(|number| format!("{PREFIX}{}", numbered(number))).find(|name| !taken.contains(name))?;
    taken.insert(name.clone());
    Some((CircuitName::new(&name).ok()?, program.to_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_what_can_be_executed_in_the_order_of_their_names() {
        let top = tempfile::tempdir().unwrap();
        assert_eq!(programs_in(&top.path().join("nowhere")).unwrap(), Vec::<PathBuf>::new());
        for (name, mode) in [("b", 0o755), ("a", 0o700), ("README", 0o644), (".hidden", 0o755), ("a~", 0o755)] {
            fs::write(top.path().join(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(top.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::create_dir(top.path().join("folder")).unwrap();
        assert_eq!(programs_in(top.path()).unwrap(), [top.path().join("a"), top.path().join("b")]);
        assert!(programs_in(&top.path().join("a")).is_err(), "it is no folder");
    }

    #[test]
    fn their_names_become_names_of_steps_and_no_two_are_alike() {
        let mut taken = BTreeSet::from(["hooks.tell".to_owned()]);
        let mut name = |file: &str| named(Path::new(file), &mut taken).unwrap().0.to_string();
        assert_eq!(name("/x/10-Tell Me.sh"), "hooks.10-tell-me.sh");
        assert_eq!(name("/x/10-tell-me.sh"), "hooks.10-tell-me.sh-2");
        assert_eq!(name("/x/tell"), "hooks.tell-2");
        assert_eq!(name("/x/ä"), "hooks.-");
    }
}
