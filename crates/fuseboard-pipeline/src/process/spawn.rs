//! Starting a child, and saying why it could not be started.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Stdio};

use nix::errno::Errno;

use super::command::{Command, Stdin};
use super::ended::NotStarted;

/// Starts the child in a process group of its own.
pub(super) fn spawn(command: &Command, stdout: Stdio, stderr: Stdio) -> Result<Child, NotStarted> {
    let mut builder = std::process::Command::new(&command.program);
    builder.args(&command.args).process_group(0);
    for (name, value) in &command.env {
        match value {
            Some(value) => builder.env(name, value),
            None => builder.env_remove(name),
        };
    }
    if let Some(marker) = &command.marker {
        builder.env(marker.name(), marker.value());
    }
    if let Some(cwd) = &command.cwd {
        builder.current_dir(cwd);
    }
    let stdin = match &command.stdin {
        Stdin::Inherit => Ok(Stdio::inherit()),
        Stdin::Null => Ok(Stdio::null()),
        Stdin::File(file) => file.try_clone().map(Stdio::from),
    };
    builder.stdin(stdin.map_err(|error| NotStarted::new(command, &error))?);
    builder.stdout(stdout).stderr(stderr).spawn().map_err(|error| NotStarted::new(command, &error))
}

impl NotStarted {
    /// The kernel says one number for several causes: a missing interpreter and a missing folder are "not
    /// found" too. The code follows the number alone, as in a shell; the words look closer.
    pub(super) fn new(command: &Command, error: &io::Error) -> Self {
        let errno = error.raw_os_error().map(Errno::from_raw);
        let permanent = match errno {
            Some(errno) => needs_mending(errno),
            // What the standard library refuses by itself: a zero byte in an argument.
            None => error.kind() == io::ErrorKind::InvalidInput,
        };
        let code = if errno == Some(Errno::ENOENT) { 127 } else { 126 };
        Self { code, permanent, message: describe(command, errno, error) }
    }
}

/// Whether trying again fails again until somebody changes a file or the command. Everything not listed is
/// lack of something, or bad luck (a text file that is being written).
fn needs_mending(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ENOENT
            | Errno::EACCES
            | Errno::EPERM
            | Errno::ENOEXEC
            | Errno::ENOTDIR
            | Errno::EISDIR
            | Errno::ELOOP
            | Errno::ENAMETOOLONG
            | Errno::EINVAL
            | Errno::ELIBBAD
    )
}

fn describe(command: &Command, errno: Option<Errno>, error: &io::Error) -> String {
    let program = command.program.to_string_lossy();
    if let Some(cwd) = command.cwd.as_ref().filter(|cwd| !cwd.is_dir()) {
        return format!("{program}: its folder {} cannot be entered", cwd.display());
    }
    let file = command.program_file();
    match (errno, file) {
        (Some(Errno::ENOENT), None) => format!("{program}: not found"),
        (Some(Errno::ENOENT), Some(file)) => format!("{}: its interpreter was not found", file.display()),
        (Some(Errno::EACCES), Some(file)) if file.is_dir() => format!("{}: is a folder", file.display()),
        (Some(Errno::EACCES), Some(file)) => format!("{}: not executable", file.display()),
        (Some(Errno::ENOEXEC), Some(file)) => {
            format!("{}: neither a program for this machine nor a script with #!", file.display())
        }
        (Some(Errno::E2BIG), _) => format!("{program}: arguments and environment are too long"),
        (Some(errno), _) => format!("{program}: {}", errno.desc().to_lowercase()),
        (None, _) => format!("{program}: {error}"),
    }
}
