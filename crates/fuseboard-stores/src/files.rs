//! The files of a store: where they lie, who may touch them, and how damaged ones are set aside.
//!
//! Nothing here opens the database itself. SQLite's locks belong to a process and an inode: closing any other
//! descriptor of that inode would silently drop them.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, lchown};
use std::path::{Path, PathBuf};

use fuseboard::store::{StoreError, StoreTrouble};

use crate::sys;

const ELSEWHERE: &str = "choose another place for the store (--store, FUSEBOARD_STORE)";

/// What SQLite keeps beside a database. Without them it is another database.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The paths of one store.
#[derive(Debug)]
pub(crate) struct Files {
    database: PathBuf,
    folder: PathBuf,
    /// The group that may use them, too. Without one they are their owner's alone.
    group: Option<u32>,
}

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// A database file that is there and may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) identity: Identity,
    pub(crate) empty: bool,
}

/// An open file whose lock is ours until this is dropped.
///
/// Closing the file would not do: a child that another thread is just starting has it open, too, until it begins
/// its program, and the lock would last as long.
#[derive(Debug)]
pub(crate) struct Held(pub(crate) File);

impl Drop for Held {
    fn drop(&mut self) {
        // The kernel lets go of it in any case, a little later.
        let _ = self.0.unlock();
    }
}

impl Identity {
    pub(crate) fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }
}

impl Files {
    /// The files of the store at `database`, made absolute, so that a change of the working folder moves
    /// nothing.
    pub(crate) fn new(database: &Path) -> Self {
        let database = std::path::absolute(database).unwrap_or_else(|_| database.to_owned());
        let folder = database.parent().unwrap_or(&database).to_owned();
        Self { database, folder, group: None }
    }

    pub(crate) fn set_group(&mut self, group: u32) {
        self.group = Some(group);
    }

    pub(crate) fn database(&self) -> &Path {
        &self.database
    }

    /// The path with this behind the database's own name.
    pub(crate) fn beside(&self, suffix: &str) -> PathBuf {
        let mut path = self.database.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Looks whether the database is there. Only a proved absence is one; a file that must not be used is an
    /// error that says why.
    pub(crate) fn find(&self) -> Result<Option<Found>, StoreError> {
        let path = &self.database;
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(trouble(path, "looked at", error)),
        };
        if meta.is_symlink() {
            return Err(refuse(path, "is a symbolic link, and links are not followed", "give the path it leads to"));
        }
        if !meta.is_file() {
            return Err(refuse(path, "is no regular file", ELSEWHERE));
        }
        self.check_owner(path, &meta, &[sys::user()])?;
        check_mode(path, &meta)?;
        Ok(Some(Found { identity: Identity::of(&meta), empty: meta.len() == 0 }))
    }

    /// Checks the folder of a database that is there.
    pub(crate) fn check_folder(&self) -> Result<(), StoreError> {
        let meta = fs::metadata(&self.folder).map_err(|error| trouble(&self.folder, "looked at", error))?;
        self.check_owner(&self.folder, &meta, &[sys::user(), 0])?;
        check_mode(&self.folder, &meta)?;
        match sys::network_file_system(&self.folder) {
            Some(kind) => Err(refuse(
                &self.folder,
                &format!("is on a network file system ({kind}), where processes cannot share a database safely"),
                ELSEWHERE,
            )),
            None => Ok(()),
        }
    }

    /// Makes the folder, for its owner and the group alone, if it is missing, and checks it.
    pub(crate) fn make_folder(&self) -> Result<(), StoreError> {
        if !self.folder.is_dir() {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
            made.map_err(|error| trouble(&self.folder, "created", error))?;
            self.share(&self.folder)?;
        }
        self.check_folder()
    }

    /// Lets the group use everything that is here and is ours.
    pub(crate) fn share_all(&self) -> Result<(), StoreError> {
        if self.group.is_none() {
            return Ok(());
        }
        let beside =
            COMPANIONS.iter().chain(&["", ".lock", ".spool", ".spool.taken"]).map(|suffix| self.beside(suffix));
        std::iter::once(self.folder.clone()).chain(beside).try_for_each(|path| self.share(&path))
    }

    /// Lets the group use a file or folder that we have made, or made earlier without a group. By its name: the database
    /// must not be opened here.
    pub(crate) fn share(&self, path: &Path) -> Result<(), StoreError> {
        let (Some(group), Ok(meta)) = (self.group, fs::symlink_metadata(path)) else { return Ok(()) };
        // In a folder, what is made later belongs to the same group.
        let mode = if meta.is_dir() { 0o2770 } else { 0o660 };
        let is_shared = meta.gid() == group && meta.mode() & mode == mode;
        // Under another name it may be something else, which a member of the group has linked here.
        let has_other_names = !meta.is_dir() && meta.nlink() > 1;
        if meta.uid() != sys::user() || meta.is_symlink() || has_other_names || is_shared {
            return Ok(());
        }
        if meta.is_dir() && meta.mode() & 0o007 != 0 && self.holds_others() {
            return Ok(());
        }
        // The owner's group first: it could clear the bit by which a folder passes it on.
        lchown(path, None, Some(group)).and_then(|()| sys::set_mode(path, mode)).map_err(|error| match error.kind() {
            // It is ours: what is missing is the membership.
            io::ErrorKind::PermissionDenied => {
                let why = format!("cannot be given to group {group}: {error}");
                refuse(path, &why, "become a member of that group, or use another (`[store] group`)")
            }
            _ => trouble(path, &format!("given to group {group}"), error),
        })
    }

    /// Whether the folder holds more than the store, such as a home or `/var/lib`.
    fn holds_others(&self) -> bool {
        let ours = self.database.file_name().unwrap_or_default().as_bytes();
        let is_ours =
            |entry: io::Result<fs::DirEntry>| entry.is_ok_and(|it| it.file_name().as_bytes().starts_with(ours));
        !fs::read_dir(&self.folder).is_ok_and(|mut entries| entries.all(is_ours))
    }

    /// Makes the names in the folder survive a loss of power.
    pub(crate) fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// Whether a store was ever begun here: the lock file is made before it and stays for ever.
    pub(crate) fn was_begun(&self) -> bool {
        self.beside(".lock").exists()
    }

    /// The right to open the database, if nobody is just beginning it or setting it aside. Until a connection
    /// has opened every companion, a new file under the old name would be mixed up with the old one's.
    pub(crate) fn try_share(&self) -> Result<Option<Held>, StoreError> {
        let (path, file) = self.lock_file()?;
        granted(&path, file.try_lock_shared(), file)
    }

    /// The right to change which file the database is.
    pub(crate) fn try_own(&self) -> Result<Option<Held>, StoreError> {
        let (path, file) = self.lock_file()?;
        granted(&path, file.try_lock(), file)
    }

    fn lock_file(&self) -> Result<(PathBuf, File), StoreError> {
        let path = self.beside(".lock");
        let file = private().read(true).write(true).open(&path).map_err(|error| trouble(&path, "opened", error))?;
        self.share(&path)?;
        Ok((path, file))
    }

    /// Gives the database, if it is still the one that was found damaged, and its companions a dated name.
    /// `None`: somebody else did it before. The caller owns the lock.
    pub(crate) fn set_aside(&self, damaged: Identity, date: &str) -> Result<Option<PathBuf>, StoreError> {
        if self.find()?.is_none_or(|found| found.identity != damaged) {
            return Ok(None);
        }
        let aside = self.free_name(date);
        move_to(&self.database, &aside)?;
        self.move_companions(&aside)?;
        Ok(Some(aside))
    }

    /// Moves what is left of a database that is gone, so that a new one is not taken for it. The caller owns
    /// the lock.
    pub(crate) fn clear_companions(&self, date: &str) -> Result<(), StoreError> {
        if COMPANIONS.iter().any(|suffix| self.beside(suffix).exists()) {
            self.move_companions(&self.free_name(date))?;
        }
        Ok(())
    }

    fn check_owner(&self, path: &Path, meta: &Metadata, accepted: &[u32]) -> Result<(), StoreError> {
        let is_shared = self.group == Some(meta.gid()) && meta.mode() & 0o060 == 0o060;
        if accepted.contains(&meta.uid()) || is_shared {
            return Ok(());
        }
        let why = format!("belongs to user {} and not to you ({})", meta.uid(), sys::user());
        let remedy = match self.group {
            Some(group) => format!("its owner can share it: `chgrp {group} {0} && chmod g+rw {0}`", path.display()),
            None => ELSEWHERE.to_owned(),
        };
        Err(refuse(path, &why, &remedy))
    }

    fn move_companions(&self, aside: &Path) -> Result<(), StoreError> {
        for suffix in COMPANIONS {
            let companion = self.beside(suffix);
            if companion.exists() {
                let mut to = aside.to_owned().into_os_string();
                to.push(suffix);
                move_to(&companion, Path::new(&to))?;
            }
        }
        Ok(())
    }

    /// `state.db.corrupt-DATE`, with a number behind it if that is taken.
    fn free_name(&self, date: &str) -> PathBuf {
        let free = |name: &PathBuf| {
            let is_free = |suffix| {
                let mut name = name.clone().into_os_string();
                name.push(suffix);
                Path::new(&name).symlink_metadata().is_err()
            };
            is_free("") && COMPANIONS.into_iter().all(is_free)
        };
        let numbered = (2_u32..).map(|number| format!(".corrupt-{date}-{number}"));
        let names = std::iter::once(format!(".corrupt-{date}")).chain(numbered);
        names.map(|name| self.beside(&name)).find(free).expect("there are more numbers than files")
    }
}

/// Options for a file that is its owner's alone and is never opened through a link; a pipe in its place is not waited for.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600).custom_flags(sys::NO_FOLLOW | sys::NO_WAIT);
    options
}

/// A file that cannot be used, with the reason and the remedy that fits it.
pub(crate) fn trouble(path: &Path, verb: &str, error: io::Error) -> StoreError {
    use io::ErrorKind as Kind;
    let remedy = match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => "free some space there",
        Kind::PermissionDenied => &permission_remedy(path),
        _ => ELSEWHERE,
    };
    let message = format!("{} cannot be {verb}: {error}; {remedy}", path.display());
    StoreError::new(StoreTrouble::Unreachable, message).caused_by(error)
}

/// What gives the right that is missing: to the file or, where that is not there or cannot be seen, to what it lies in.
fn permission_remedy(path: &Path) -> String {
    let mut there = path.ancestors().filter_map(|path| Some((path, path.symlink_metadata().ok()?)));
    match there.next() {
        Some((place, meta)) if meta.uid() == sys::user() => {
            let rights = if meta.is_dir() { "u+rwx" } else { "u+rw" };
            format!("`chmod {rights} {}`", place.display())
        }
        _ => ELSEWHERE.to_owned(),
    }
}

fn refuse(path: &Path, why: &str, remedy: &str) -> StoreError {
    StoreError::new(StoreTrouble::Unreachable, format!("{} {why}; {remedy}", path.display()))
}

fn check_mode(path: &Path, meta: &Metadata) -> Result<(), StoreError> {
    if meta.mode() & 0o002 == 0 {
        return Ok(());
    }
    // Such a folder belongs to all, as /tmp does: what is wrong is not its mode but the place.
    let shared = meta.is_dir() && (meta.mode() & 0o1000 != 0 || meta.uid() != sys::user());
    let remedy = if shared {
        "use a folder of your own, which only you can change".to_owned()
    } else {
        format!("`chmod o-w {}`", path.display())
    };
    Err(refuse(path, "can be changed by everybody", &remedy))
}

fn granted(path: &Path, answer: Result<(), TryLockError>, file: File) -> Result<Option<Held>, StoreError> {
    match answer {
        Ok(()) => Ok(Some(Held(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(trouble(path, "locked", error)),
    }
}

fn move_to(from: &Path, to: &Path) -> Result<(), StoreError> {
    fs::rename(from, to).map_err(|error| trouble(from, "set aside", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_ends_with_its_owner_though_a_child_still_has_the_file_open() {
        let home = tempfile::tempdir().unwrap();
        let files = Files::new(&home.path().join("state.db"));
        let held = files.try_own().unwrap().unwrap();
        // The same open file, as a child has it between its birth and its program.
        let inherited = held.0.try_clone().unwrap();
        assert!(files.try_own().unwrap().is_none());
        drop(held);
        assert!(files.try_own().unwrap().is_some());
        drop(inherited);
    }

    #[test]
    fn only_the_file_that_was_found_damaged_is_set_aside() {
        let home = tempfile::tempdir().unwrap();
        let files = Files::new(&home.path().join("state.db"));
        let place = |name: &str, text: &str| fs::write(home.path().join(name), text).unwrap();
        place("state.db", "damaged");
        let damaged = files.find().unwrap().unwrap().identity;
        // Somebody else found it too, was faster, and has begun anew.
        fs::rename(files.database(), files.beside(".corrupt-by-another")).unwrap();
        place("state.db", "sound");
        place("state.db-wal", "sound");
        assert!(files.set_aside(damaged, "DATE").unwrap().is_none());
        let sound = files.find().unwrap().unwrap().identity;
        assert_eq!(files.set_aside(sound, "DATE").unwrap(), Some(files.beside(".corrupt-DATE")));
        assert!(files.beside(".corrupt-DATE-wal").exists());
        assert!(files.set_aside(sound, "DATE").unwrap().is_none());
    }
}
