//! A folder of small files that nobody else may write: what is trusted, and which project has which name.
//!
//! Folder 0700, files 0600, written whole or not at all. Nothing in it is followed through a link, and what
//! somebody else could have written is not believed.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::NamedTempFile;

use crate::process::Deadline;
use crate::sys;

/// How long who waits for a turn sleeps before it looks again.
const NAP: Duration = Duration::from_millis(10);

/// Why a private file cannot be used. The message names the path and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// The system refused.
    #[error("{path}: {source}{}", remedy(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// It is there, but somebody else could have put it there or changed it.
    #[error("{path} {why}; {remedy}")]
    Unsafe {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// A file is larger than any that was written here.
    #[error("{path} is larger than it can be; remove it")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl PrivateError {
    /// What the system refused to do with this file or folder.
    pub fn of(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

/// What to do, as the end of a sentence; nothing where who comes next may be luckier.
fn remedy(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::PermissionDenied => "; make what it lies in writable for you",
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => "; free some space there",
        Kind::NotADirectory => "; remove the file that is in a folder's place",
        Kind::TimedOut => "",
        _ => "; give another place for the state (XDG_STATE_HOME)",
    }
}

/// A folder of private files. It is made when something is written.
#[derive(Clone, Debug)]
pub struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// The private folder at this path.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Takes the turn of whoever reads a file in order to write it anew. Waits for the others until the deadline.
    ///
    /// # Errors
    /// [`PrivateError`]: somebody else has it for that long, or there can be no such file.
    pub fn lock(&self, name: &str, deadline: Deadline) -> Result<PrivateLock, PrivateError> {
        let path = self.made()?.join(format!("{name}.lock"));
        let io = |source| PrivateError::Io { path: path.clone(), source };
        let file = sys::open_to_lock(&path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        check(&path, &metadata, metadata.is_file(), "is no file")?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(PrivateLock(file)),
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) if deadline.has_passed() => {
                    return Err(io(io::Error::new(io::ErrorKind::TimedOut, "another process has it for too long")));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(NAP),
            }
        }
    }

    /// The content of a file of at most `limit` bytes, or `None` if there is none.
    ///
    /// # Errors
    /// [`PrivateError`]
    pub fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, PrivateError> {
        let Some(folder) = self.existing()? else { return Ok(None) };
        let path = folder.join(name);
        // NONBLOCK: a pipe that was put here must not hold us up; `check` refuses it then.
        let flags = sys::NO_FOLLOW | sys::NO_WAIT;
        let file = match OpenOptions::new().read(true).custom_flags(flags).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if sys::is_link_refused(&error) => {
                return Err(PrivateError::Unsafe { path, why: "is a link", remedy: "remove it" });
            }
            Err(source) => return Err(PrivateError::Io { path, source }),
        };
        let io = |source| PrivateError::Io { path: path.clone(), source };
        let metadata = file.metadata().map_err(io)?;
        check(&path, &metadata, metadata.is_file(), "is no file")?;
        let mut content = Vec::new();
        file.take(limit as u64 + 1).read_to_end(&mut content).map_err(io)?;
        if content.len() > limit {
            return Err(PrivateError::TooLarge { path });
        }
        Ok(Some(content))
    }

    /// The names of what is in it, sorted; none if it is not there.
    ///
    /// # Errors
    /// [`PrivateError`]
    pub fn names(&self) -> Result<Vec<String>, PrivateError> {
        let Some(folder) = self.existing()? else { return Ok(Vec::new()) };
        let io = |source| PrivateError::Io { path: folder.clone(), source };
        let entries = fs::read_dir(&folder).and_then(Iterator::collect::<io::Result<Vec<_>>>).map_err(io)?;
        let mut names: Vec<String> =
            entries.into_iter().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Puts a file in place of whatever has its name. It is on the disk when this returns.
    ///
    /// # Errors
    /// [`PrivateError`]
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), PrivateError> {
        let (folder, file) = self.written(content)?;
        let path = folder.join(name);
        file.persist(&path).map_err(|error| PrivateError::Io { path, source: error.error })?;
        sync(&folder)
    }

    /// Makes a file unless there is one; whether it did. Of several processes at once one succeeds, and the
    /// others find a whole file.
    pub(crate) fn create(&self, name: &str, content: &[u8]) -> Result<bool, PrivateError> {
        let (folder, file) = self.written(content)?;
        let path = folder.join(name);
        match file.persist_noclobber(&path) {
            Ok(_) => sync(&folder).map(|()| true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(PrivateError::Io { path, source: error.error }),
        }
    }

    /// A file under a name of its own, on the disk, with mode 0600, which is what `NamedTempFile` gives.
    fn written(&self, content: &[u8]) -> Result<(PathBuf, NamedTempFile), PrivateError> {
        let folder = self.made()?;
        let written = || {
            let mut file = NamedTempFile::new_in(&folder)?;
            file.write_all(content)?;
            file.as_file().sync_all()?;
            Ok(file)
        };
        written().map_err(|source| PrivateError::Io { path: folder.clone(), source }).map(|file| (folder.clone(), file))
    }

    fn existing(&self) -> Result<Option<PathBuf>, PrivateError> {
        match fs::symlink_metadata(&self.0) {
            Ok(metadata) => {
                check(&self.0, &metadata, metadata.is_dir(), "is no folder")?;
                Ok(Some(self.0.clone()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PrivateError::Io { path: self.0.clone(), source }),
        }
    }

    fn made(&self) -> Result<PathBuf, PrivateError> {
        if let Some(folder) = self.existing()? {
            return Ok(folder);
        }
        let made = make_private_folder(&self.0);
        made.map_err(|source| PrivateError::Io { path: self.0.clone(), source })?;
        // Somebody may have been faster: it is looked at like one that was there before.
        self.existing()?
            .ok_or_else(|| PrivateError::Io { path: self.0.clone(), source: io::ErrorKind::NotFound.into() })
    }
}

/// The turn of one process. Dropped, it is the next one's.
#[must_use = "dropped, it is the next one's turn"]
#[derive(Debug)]
pub struct PrivateLock(File);

impl PrivateLock {
    /// The turn that the lock of this file stands for.
    ///
    /// # Errors
    /// Another process has it, or there can be no lock.
    pub fn try_of(file: File) -> Result<Self, TryLockError> {
        file.try_lock().map(|()| Self(file))
    }
}

impl Drop for PrivateLock {
    fn drop(&mut self) {
        // Closing it would not do: a child that another thread is just starting has it open, too. If this fails,
        // the kernel lets go of it a little later.
        let _ = self.0.unlock();
    }
}

/// Makes a folder that only the user may look into, and those above it that are missing. One that is there stays as it is.
///
/// # Errors
/// The system's.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn check(path: &Path, metadata: &Metadata, right_kind: bool, why: &'static str) -> Result<(), PrivateError> {
    let refuse = |why, remedy| Err(PrivateError::Unsafe { path: path.to_owned(), why, remedy });
    if !right_kind {
        return refuse(why, "remove it");
    }
    if metadata.uid() != sys::user_id() {
        return refuse("belongs to another user", "remove it");
    }
    if metadata.mode() & 0o022 != 0 {
        return refuse("can be written by others", "take that right away with chmod go-w");
    }
    Ok(())
}

/// A rename is on the disk when its folder is.
fn sync(folder: &Path) -> Result<(), PrivateError> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| PrivateError::Io { path: folder.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PrivateFolder) {
        let top = tempfile::tempdir().unwrap();
        let folder = PrivateFolder::new(top.path().join("state/private"));
        (top, folder)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_was_written_is_read_and_nobody_else_can() {
        let (_top, folder) = folder();
        assert_eq!(folder.read("a", 10).unwrap(), None);
        folder.write("a", b"one").unwrap();
        folder.write("a", b"two").unwrap();
        assert_eq!(folder.read("a", 10).unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!((mode(&folder.0), mode(&folder.0.join("a"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left over");
    }

    #[test]
    fn a_file_is_created_once() {
        let (_top, folder) = folder();
        assert!(folder.create("a", b"first").unwrap());
        assert!(!folder.create("a", b"second").unwrap());
        assert_eq!(folder.read("a", 10).unwrap().as_deref(), Some(&b"first"[..]));
    }

    #[test]
    fn links_are_not_followed_and_strangers_files_not_believed() {
        let (top, folder) = folder();
        folder.write("good", b"x").unwrap();
        symlink(folder.0.join("good"), folder.0.join("link")).unwrap();
        folder.write("open", b"x").unwrap();
        fs::set_permissions(folder.0.join("open"), fs::Permissions::from_mode(0o622)).unwrap();
        fs::create_dir(folder.0.join("folder")).unwrap();
        for name in ["link", "open", "folder"] {
            assert!(matches!(folder.read(name, 10), Err(PrivateError::Unsafe { .. })), "{name}");
        }
        symlink(&folder.0, top.path().join("way-in")).unwrap();
        let through_a_link = PrivateFolder::new(top.path().join("way-in"));
        assert!(through_a_link.read("good", 10).is_err() && through_a_link.write("good", b"y").is_err());
    }

    #[test]
    fn a_folder_that_others_can_write_is_refused_with_the_remedy() {
        let (_top, folder) = folder();
        folder.write("a", b"x").unwrap();
        fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).unwrap();
        let error = folder.read("a", 10).unwrap_err().to_string();
        assert!(error.ends_with("can be written by others; take that right away with chmod go-w"), "{error}");
    }

    #[test]
    fn a_pipe_does_not_hold_up_a_reader() {
        let (_top, folder) = folder();
        folder.write("a", b"x").unwrap();
        nix::unistd::mkfifo(&folder.0.join("pipe"), nix::sys::stat::Mode::S_IRUSR).unwrap();
        assert!(matches!(folder.read("pipe", 10), Err(PrivateError::Unsafe { .. })));
    }

    #[test]
    fn one_has_its_turn_and_the_next_waits_for_it_as_long_as_it_may() {
        let (_top, folder) = folder();
        let turn = folder.lock("a", Deadline::NEVER).unwrap();
        let error = folder.lock("a", Deadline::after(Duration::from_millis(20))).unwrap_err().to_string();
        assert!(error.ends_with("a.lock: another process has it for too long"), "{error}");
        let other = folder.clone();
        let next = std::thread::spawn(move || other.lock("a", Deadline::NEVER).map(drop));
        drop(turn);
        next.join().unwrap().unwrap();
    }

    #[test]
    fn a_file_that_nobody_here_wrote_is_too_large() {
        let (_top, folder) = folder();
        folder.write("a", &[b'x'; 11]).unwrap();
        assert!(matches!(folder.read("a", 10), Err(PrivateError::TooLarge { .. })));
        assert!(folder.read("a", 11).unwrap().is_some());
    }
}
