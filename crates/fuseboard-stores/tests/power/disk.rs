//! A disk that may lose power: what SQLite writes below one folder is recorded in its order, and what would be there
//! after a crash is put together from that.

#![expect(
    unsafe_code,
    reason = "SQLite reaches files through a table of C functions (sqlite.org/vfs.html); each call is passed on to the \
              one that was there before, with the arguments that SQLite gave"
)]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi::{
    SQLITE_OK, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs, sqlite3_vfs_find, sqlite3_vfs_register,
};

/// What a disk writes at once or not at all, in bytes.
const SECTOR: usize = 512;

/// What was done to a file.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Write {
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        length: usize,
    },
    /// Everything before this is on the disk when it has returned.
    Sync,
}

/// A deed and the name of its file.
pub(crate) type Recorded = (String, Deed);

/// The content of files, by name.
pub(crate) type Image = BTreeMap<String, Vec<u8>>;

/// What becomes of each sector that was written and not synced when the power fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unsynced {
    Lost,
    Kept,
    /// As it happens, for this seed.
    Either(u64),
}

/// The files of a folder, and what is done to them from now on.
pub(crate) struct Disk {
    before: Image,
}

#[derive(Default)]
struct Recorder {
    folder: Option<String>,
    deeds: Vec<Recorded>,
    /// By the address of the open file: its name, and the table of functions that it had.
    open: HashMap<usize, (String, usize)>,
}

static RECORDER: OnceLock<Mutex<Recorder>> = OnceLock::new();
/// The address of the file system that SQLite used before.
static USUAL: OnceLock<usize> = OnceLock::new();

fn recorder() -> MutexGuard<'static, Recorder> {
    RECORDER.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner)
}

impl Disk {
    /// Records what SQLite does below this folder. There can be one at a time.
    pub(crate) fn of(folder: &Path) -> Self {
        install();
        let mut recorder = recorder();
        assert!(recorder.folder.is_none(), "another disk is recorded");
        recorder.folder = Some(format!("{}/", folder.to_str().unwrap()));
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let before = entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()));
        Self { before: before.collect() }
    }

    /// How much has been done so far.
    pub(crate) fn deeds() -> usize {
        recorder().deeds.len()
    }

    /// The end of recording: what was there before, and what was done.
    pub(crate) fn end(self) -> (Image, Vec<Recorded>) {
        let mut recorder = recorder();
        recorder.folder = None;
        (self.before, std::mem::take(&mut recorder.deeds))
    }
}

/// What is there when the power fails after these deeds.
pub(crate) fn after_loss_of_power(before: &Image, deeds: &[Recorded], unsynced: Unsynced) -> Image {
    let mut image = before.clone();
    let mut pending: BTreeMap<&str, Vec<&Deed>> = BTreeMap::new();
    for (name, deed) in deeds {
        let of_file = pending.entry(name).or_default();
        match deed {
            Deed::Sync => {
                let file = image.entry(name.clone()).or_default();
                for deed in std::mem::take(of_file) {
                    apply(file, deed, &mut || true);
                }
            }
            Deed::Write { .. } | Deed::Truncate { .. } => of_file.push(deed),
        }
    }
    let mut state = match unsynced {
        Unsynced::Lost => return image,
        Unsynced::Kept => 0,
        Unsynced::Either(seed) => seed | 1,
    };
    // xorshift; with 0 it stays at 0, which keeps everything.
    let mut is_kept = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state & 1 == 0
    };
    for (name, deeds) in pending {
        let file = image.entry(name.to_owned()).or_default();
        for deed in deeds {
            apply(file, deed, &mut is_kept);
        }
    }
    image
}

fn apply(file: &mut Vec<u8>, deed: &Deed, is_kept: &mut dyn FnMut() -> bool) {
    match deed {
        Deed::Write { at, bytes } => {
            for (number, sector) in bytes.chunks(SECTOR).enumerate().filter(|_| is_kept()) {
                let from = at + number * SECTOR;
                file.resize(file.len().max(from + sector.len()), 0);
                file[from..from + sector.len()].copy_from_slice(sector);
            }
        }
        Deed::Truncate { length } if is_kept() => file.resize(*length, 0),
        Deed::Truncate { .. } | Deed::Sync => {}
    }
}

/// Puts this file system in front of SQLite's own, for connections that are opened from now on.
fn install() {
    USUAL.get_or_init(|| {
        // SAFETY: SQLite's default file system lives as long as the program; the copy is never freed.
        unsafe {
            let usual = sqlite3_vfs_find(std::ptr::null());
            let ours = Box::leak(Box::new(*usual));
            ours.zName = c"power".as_ptr();
            ours.pNext = std::ptr::null_mut();
            ours.xOpen = Some(open);
            assert_eq!(sqlite3_vfs_register(ours, 1), SQLITE_OK);
            usual as usize
        }
    });
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let usual = USUAL.get().copied().unwrap_or_default() as *mut sqlite3_vfs;
    // SAFETY: `file` is as large as the usual file system asks for, since ours is its copy; `name` is null or a C string.
    unsafe {
        let code = (*usual).xOpen.unwrap()(usual, name, file, flags, out);
        if code != SQLITE_OK || name.is_null() || (*file).pMethods.is_null() {
            return code;
        }
        let path = CStr::from_ptr(name).to_string_lossy().into_owned();
        let mut recorder = recorder();
        if let Some(name) = recorder.folder.as_deref().and_then(|folder| path.strip_prefix(folder)) {
            let name = name.to_owned();
            let real = (*file).pMethods;
            let mut ours: sqlite3_io_methods = *real;
            ours.xWrite = Some(write);
            ours.xTruncate = Some(truncate);
            ours.xSync = Some(sync);
            ours.xClose = Some(close);
            (*file).pMethods = Box::leak(Box::new(ours));
            recorder.open.insert(file as usize, (name, real as usize));
        }
        code
    }
}

/// Does something with the functions that a file had, and records it if it was done.
unsafe fn passed_on(
    file: *mut sqlite3_file,
    act: impl FnOnce(&sqlite3_io_methods) -> c_int,
    deed: impl FnOnce() -> Deed,
) -> c_int {
    let (name, real) = recorder().open.get(&(file as usize)).cloned().expect("an open file");
    // SAFETY: the address of a table that SQLite keeps for the program's life.
    let code = act(unsafe { &*(real as *const sqlite3_io_methods) });
    let mut recorder = recorder();
    if code == SQLITE_OK && recorder.folder.is_some() {
        recorder.deeds.push((name, deed()));
    }
    code
}

unsafe extern "C" fn write(file: *mut sqlite3_file, data: *const c_void, amount: c_int, at: sqlite3_int64) -> c_int {
    // SAFETY: SQLite gives `amount` bytes at `data`.
    unsafe {
        let bytes = || std::slice::from_raw_parts(data.cast::<u8>(), usize::try_from(amount).unwrap()).to_vec();
        let deed = || Deed::Write { at: usize::try_from(at).unwrap(), bytes: bytes() };
        passed_on(file, |real| real.xWrite.unwrap()(file, data, amount, at), deed)
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    let deed = || Deed::Truncate { length: usize::try_from(length).unwrap() };
    // SAFETY: as SQLite called it.
    unsafe { passed_on(file, |real| real.xTruncate.unwrap()(file, length), deed) }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: as SQLite called it.
    unsafe { passed_on(file, |real| real.xSync.unwrap()(file, flags), || Deed::Sync) }
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let (_, real) = recorder().open.remove(&(file as usize)).expect("an open file");
    // SAFETY: as for `passed_on`.
    unsafe { (*(real as *const sqlite3_io_methods)).xClose.unwrap()(file) }
}
