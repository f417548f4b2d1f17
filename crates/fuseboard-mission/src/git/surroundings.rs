//! What surrounds each program that is run on a repository: an environment and a search path in which neither the
//! caller's shell nor whoever works in the repository has a say.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use fuseboard_pipeline::process::{self, Command, Ended, Stdin};

use super::Git;

/// Variables of every call. All others that begin with `GIT_` are removed.
const VARIABLES: [(&str, &str); 8] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_GRAFT_FILE", "/dev/null"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_LITERAL_PATHSPECS", "1"),
    // Complaints are recognised by their words.
    ("LC_ALL", "C"),
];

impl Git {
    /// The command in this folder, without input, in an environment of ours. What it starts ends with it.
    pub(crate) fn surround(&self, command: Command) -> Command {
        let mut command = command.cwd(&self.folder).stdin(Stdin::Null).end_all(true);
        for (variable, _) in std::env::vars_os().filter(|(variable, _)| variable.as_bytes().starts_with(b"GIT_")) {
            command = command.env_remove(variable);
        }
        for (variable, value) in VARIABLES {
            command = command.env(variable, value);
        }
        if let Some(path) = &self.path {
            command = command.env("PATH", path);
        }
        if let Some(marker) = &self.marker {
            command = command.env(marker.name(), marker.value());
        }
        command
    }

    /// Runs it until its end, the deadline or a signal.
    pub(crate) fn run(&self, command: &Command) -> Ended {
        process::run(command, &self.interrupt, self.deadline)
    }
}

/// `PATH` without the folders that whoever works in the repository could put a program of their own into.
pub(super) fn path_outside(guarded: Option<&Path>) -> Option<OsString> {
    let inside = |folder: &Path| {
        let real = folder.canonicalize();
        folder.is_relative() || real.is_ok_and(|real| guarded.is_some_and(|guarded| real.starts_with(guarded)))
    };
    let path = std::env::var_os("PATH")?;
    std::env::join_paths(std::env::split_paths(&path).filter(|folder| !inside(folder))).ok()
}
