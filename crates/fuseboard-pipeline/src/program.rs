//! What a command runs, as a fingerprint: so that a mended program is tried at once.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use fuseboard::Fingerprint;

use crate::process::Command;

/// Longest first line of a script that is looked at, in bytes; Linux itself reads 256.
const SHEBANG: u64 = 256;

/// The fingerprint of what the command would start: the resolved program, with its size, its time of
/// modification, and whether it can be started. A script that names an interpreter which is missing cannot.
pub fn fingerprint(command: &Command) -> Fingerprint {
    let missing = |subject: &str| Fingerprint { subject: subject.into(), stamp: "missing".into(), startable: false };
    let Some(file) = command.program_file() else { return missing(&command.program().to_string_lossy()) };
    let subject = file.to_string_lossy();
    let Ok(meta) = fs::metadata(&file) else { return missing(&subject) };
    let startable = meta.is_file() && is_executable(&meta) && interpreter_exists(&file);
    let stamp =
        format!("{}:{}.{:09}:{}", meta.len(), meta.mtime(), meta.mtime_nsec(), if startable { "x" } else { "-" });
    Fingerprint { subject: subject.as_ref().into(), stamp: stamp.into(), startable }
}

fn is_executable(meta: &Metadata) -> bool {
    meta.mode() & 0o111 != 0
}

/// Whether the interpreter that a script names is there; true for what is no script, or cannot be read.
fn interpreter_exists(file: &Path) -> bool {
    let mut head = Vec::new();
    if File::open(file).and_then(|file| file.take(SHEBANG).read_to_end(&mut head)).is_err() {
        return true;
    }
    let Some(line) = head.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next()) else {
        return true;
    };
    let line = String::from_utf8_lossy(line);
    line.split_whitespace()
        .next()
        .is_none_or(|interpreter| fs::metadata(interpreter).is_ok_and(|meta| is_executable(&meta)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(file: &Path, text: &str, mode: u32) {
        fs::write(file, text).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_program_that_is_edited_or_made_executable_has_another_stamp_and_the_same_subject() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("work");
        let seen = || fingerprint(&Command::new(&file));
        assert!(!seen().startable);
        let mut before = seen();
        for (text, mode, startable) in
            [("#!/bin/sh\n", 0o644, false), ("#!/bin/sh\n", 0o755, true), ("#!/bin/sh\nexit\n", 0o755, true)]
        {
            write(&file, text, mode);
            let after = seen();
            assert_ne!(before.stamp, after.stamp);
            assert_eq!((after.startable, &*after.subject), (startable, &*file.to_string_lossy()));
            before = after;
        }
    }

    #[test]
    fn a_script_whose_interpreter_is_missing_cannot_be_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("work");
        write(&file, "#!/no/such/interpreter\n", 0o755);
        assert!(!fingerprint(&Command::new(&file)).startable);
    }

    #[test]
    fn a_name_is_looked_up_on_the_path_and_arguments_do_not_matter() {
        let plain = fingerprint(&Command::new("true"));
        assert!(plain.startable && plain.subject.ends_with("/true"));
        assert_eq!(plain, fingerprint(&Command::new("true").args(["-x"])));
        assert_eq!(&*fingerprint(&Command::new("no-such-program-here")).subject, "no-such-program-here");
    }
}
