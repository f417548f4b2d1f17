//! A file to which several processes append lines.
//!
//! Writers take turns by the file's own lock; what one of them appends goes with one write and is on the disk when it
//! returns, or is not there at all. Whoever empties the file may rename or remove it at any time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::process::Deadline;

/// How long a writer waits for its turn at most.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long it sleeps before it looks again.
const NAP: Duration = Duration::from_millis(10);

/// How much of the file's end a writer can look at, in bytes.
const LOOKED_BACK: u64 = 1024 * 1024;

/// A file that cannot be appended to.
#[derive(Debug, thiserror::Error)]
#[error("{path} {what}: {source}")]
pub struct AppendError {
    path: PathBuf,
    what: &'static str,
    source: io::Error,
}

/// The file at a path. It is made by who appends first, for the user alone; its folder has to be there.
#[derive(Debug)]
pub struct AppendedFile<'a>(&'a Path);

/// The file, while it is this writer's turn.
#[derive(Debug)]
pub struct Turn<'a> {
    path: &'a Path,
    file: File,
    length: u64,
    tail: Vec<u8>,
}

impl<'a> AppendedFile<'a> {
    /// The file at this path.
    pub fn new(path: &'a Path) -> Self {
        Self(path)
    }

    /// Waits for this writer's turn.
    ///
    /// # Errors
    /// It cannot be opened, is a link or no regular file, or somebody else holds it until the deadline.
    pub fn turn(&self, deadline: Deadline) -> Result<Turn<'a>, AppendError> {
        let mut file = self.owned(Deadline::after(PATIENCE).or_earlier(deadline))?;
        let trouble = |what| move |source| self.error(what, source);
        let length = file.metadata().map_err(trouble("cannot be looked at"))?.len();
        let tail = tail(&mut file, length).map_err(trouble("cannot be read"))?;
        Ok(Turn { path: self.0, file, length, tail })
    }

    /// The file under this name, locked.
    fn owned(&self, deadline: Deadline) -> Result<File, AppendError> {
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
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Err(io::Error::new(error.kind(), "its folder is not there; make it"));
                    }
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
            }
            Err(error) => return Err(error),
        }
        OpenOptions::new().read(true).append(true).open(self.0)
    }

    fn error(&self, what: &'static str, source: io::Error) -> AppendError {
        AppendError { path: self.0.to_owned(), what, source }
    }
}

impl Turn<'_> {
    /// How long the file is, in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The last lines of the file, up to 1 MiB of them; the first may be cut, and so may the last, by a crash.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.tail.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }

    /// Appends this text, all or nothing. It ends with a line feed; a line before it that a crash has cut is ended, so that
    /// it spoils nothing but itself.
    ///
    /// # Errors
    /// It cannot be written, as when the disk is full.
    pub fn append(mut self, text: &[u8]) -> Result<(), AppendError> {
        if text.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(text.len() + 2);
        if self.tail.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(text);
        if text.last().is_some_and(|last| *last != b'\n') {
            bytes.push(b'\n');
        }
        let written = match self.file.write(&bytes) {
            Ok(written) if written == bytes.len() => self.file.sync_all(),
            Ok(_) => Err(io::ErrorKind::StorageFull.into()),
            Err(error) => Err(error),
        };
        written.map_err(|error| {
            // What is half there would stand twice after the next attempt. If even this fails, its line feed helps.
            let _ = self.file.set_len(self.length);
            self.error(error)
        })?;
        // The name of a new file survives a loss of power only with its folder.
        if self.length == 0 { sync_folder(self.path).map_err(|error| self.error(error)) } else { Ok(()) }
    }

    fn error(&self, source: io::Error) -> AppendError {
        AppendError { path: self.path.to_owned(), what: "cannot be written", source }
    }
}

/// Puts the names in a file's folder on the disk.
pub(crate) fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
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
