//! The sink `file`: an outbox to which messages are appended, for a person or another program to take.
//!
//! One JSON object a line. Writers take turns by the file's own lock; what one of them appends goes with one
//! write and is on the disk when it returns. Whoever empties the outbox may rename or remove it at any time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::process::Deadline;

use super::Message;

/// How long a writer waits for its turn at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it sleeps before it looks again.
const NAP: Duration = Duration::from_millis(10);

/// How much of the outbox's end is searched for messages that stand there already, in bytes.
const LOOKED_BACK: u64 = 1024 * 1024;

/// An outbox that cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("the outbox {path} {what}: {source}")]
pub struct OutboxError {
    path: PathBuf,
    what: &'static str,
    source: io::Error,
}

/// The outbox at a path.
#[derive(Debug)]
pub struct Outbox<'a>(&'a Path);

impl<'a> Outbox<'a> {
    /// The outbox at this path. It is made by the first message.
    pub fn new(path: &'a Path) -> Self {
        Self(path)
    }

    /// Appends messages, all or none. Those which stand near its end already are left out, so that a replayed
    /// run tells nothing twice.
    ///
    /// # Errors
    /// It cannot be written, is a link or no regular file, or somebody else holds it until the deadline.
    pub fn append(&self, messages: &[&Message], deadline: Deadline) -> Result<(), OutboxError> {
        let mut file = self.owned(Deadline::after(PATIENCE).or_earlier(deadline))?;
        let trouble = |what| move |source| self.error(what, source);
        let length = file.metadata().map_err(trouble("cannot be looked at"))?.len();
        let tail = tail(&mut file, length).map_err(trouble("cannot be read"))?;
        let known: Vec<Message> =
            tail.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let mut lines = Vec::new();
        for message in messages.iter().filter(|message| !known.iter().any(|known| known.is_same_as(message))) {
            serde_json::to_writer(&mut lines, message)
                .map_err(|error| self.error("cannot be written", error.into()))?;
            lines.push(b'\n');
        }
        // A line that a crash has cut is ended, so that it spoils nothing but itself.
        if tail.last().is_some_and(|last| *last != b'\n') {
            lines.insert(0, b'\n');
        }
        if lines.is_empty() {
            return Ok(());
        }
        let written = match file.write(&lines) {
            Ok(written) if written == lines.len() => file.sync_all(),
            Ok(_) => Err(io::ErrorKind::StorageFull.into()),
            Err(error) => Err(error),
        };
        written.map_err(|error| {
            // What is half there would be told twice by the next attempt. If even this fails, its line feed helps.
            let _ = file.set_len(length);
            self.error("cannot be written", error)
        })?;
        // The name of a new file survives a loss of power only with its folder.
        if length == 0 { self.sync_folder().map_err(trouble("cannot be written")) } else { Ok(()) }
    }

    /// The file under this name, locked.
    fn owned(&self, deadline: Deadline) -> Result<File, OutboxError> {
        loop {
            let file = self.open().map_err(|error| self.error("cannot be opened", error))?;
            match file.try_lock() {
                Ok(()) if is_at(&file, self.0) => return Ok(file),
                // Renamed or removed meanwhile, or another writer's turn.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(self.error("cannot be locked", error)),
            }
            if deadline.has_passed() {
                return Err(self.error("is held by another process", io::ErrorKind::TimedOut.into()));
            }
            std::thread::sleep(NAP);
        }
    }

    fn open(&self) -> io::Result<File> {
        match fs::symlink_metadata(self.0) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(metadata) if metadata.is_symlink() => {
                return Err(io::Error::other("it is a link, and links are not followed; name the file itself"));
            }
            Ok(_) => return Err(io::Error::other("it is no regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // `create_new` follows no link. Somebody faster is met below.
                let made = OpenOptions::new().append(true).create_new(true).mode(0o600).open(self.0);
                match made {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            Err(error) => return Err(error),
        }
        OpenOptions::new().read(true).append(true).open(self.0)
    }

    fn sync_folder(&self) -> io::Result<()> {
        let folder = self.0.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }

    fn error(&self, what: &'static str, source: io::Error) -> OutboxError {
        OutboxError { path: self.0.to_owned(), what, source }
    }
}

/// Whether this name still leads to the open file, and not through a link.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

fn tail(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(length.saturating_sub(LOOKED_BACK)))?;
    let mut tail = Vec::new();
    file.take(LOOKED_BACK).read_to_end(&mut tail)?;
    Ok(tail)
}
