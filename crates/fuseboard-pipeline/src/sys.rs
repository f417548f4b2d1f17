//! What only Linux can tell about processes: who descends from whom, who carries a marker, which signals
//! were ignored when we started. Elsewhere each answer is the honest "not known" and a run falls back to
//! its process group.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use crate::process::{Marker, deadline};

/// Makes this process the one to which orphans among its descendants are handed, so that a daemon that a
/// timed-out command left behind can be found even if it cleared its environment. Lasts for the process'
/// life and is not inherited.
///
/// For a program's `main`, never for a library: whoever is a subreaper must expect children that it did
/// not start. [`crate::process::run`] reaps such orphans as they die, and takes every dead child in a
/// process group of its own for one; a program that calls this starts children in groups of their own
/// through `run` alone.
///
/// # Errors
///
/// The kernel's refusal; [`io::ErrorKind::Unsupported`] elsewhere than on Linux.
pub fn become_subreaper() -> io::Result<()> {
    #[cfg(target_os = "linux")]
    return Ok(nix::sys::prctl::set_child_subreaper(true)?);
    #[cfg(not(target_os = "linux"))]
    return Err(io::ErrorKind::Unsupported.into());
}

/// Whether orphans among our descendants become our children.
pub(crate) fn is_subreaper() -> bool {
    #[cfg(target_os = "linux")]
    return nix::sys::prctl::get_child_subreaper().unwrap_or(false);
    #[cfg(not(target_os = "linux"))]
    return false;
}

/// The living processes whose environment carries `marker`, this one excepted. What belongs to another user
/// cannot be read and does not appear; elsewhere than on Linux nothing does.
pub fn carriers_of(marker: &Marker) -> Vec<u32> {
    let carries = |process: &Process| Marking::of(process.pid, marker) == Marking::Ours;
    census()
        .iter()
        .filter(|process| !process.dead && carries(process))
        .filter_map(|process| u32::try_from(process.pid).ok())
        .filter(|pid| *pid != std::process::id())
        .collect()
}

/// What a process' environment says about the run it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marking {
    /// It carries this marker.
    Ours,
    /// It carries the marker of another run.
    Foreign,
    /// It carries none, or its environment cannot be read.
    None,
}

impl Marking {
    /// How the process `pid` is marked, by the environment that it was started with.
    pub(crate) fn of(pid: i32, marker: &Marker) -> Self {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        let value = environment.split(|byte| *byte == 0).find_map(|entry| {
            let rest = entry.strip_prefix(marker.name().as_bytes())?;
            rest.strip_prefix(b"=")
        });
        match value {
            Some(value) if OsStr::from_bytes(value) == marker.value() => Self::Ours,
            Some(_) => Self::Foreign,
            None => Self::None,
        }
    }
}

/// One line of the process table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    /// Clock ticks since boot: with the pid the identity of a process, for numbers come round again.
    pub(crate) started: u64,
    /// A zombie: it has ended, and only its parent has not asked yet.
    pub(crate) dead: bool,
}

/// The last census, and when it began.
static CENSUS: Mutex<Option<(Instant, Arc<[Process]>)>> = Mutex::new(None);

/// All processes that can be seen; none where there is no `/proc`. A census that another thread began after this call serves
/// both, for many runs may end at once.
pub(crate) fn census() -> Arc<[Process]> {
    let asked = deadline::now();
    let mut last = CENSUS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((began, census)) = &*last
        && *began >= asked
    {
        return census.clone();
    }
    let began = deadline::now();
    let census: Arc<[Process]> = match fs::read_dir("/proc") {
        Ok(entries) => entries.filter_map(|entry| process(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect(),
        Err(_) => Arc::default(),
    };
    *last = Some((began, census.clone()));
    census
}

/// When this process was started, as [`Process::started`]; 0 where that cannot be told.
pub(crate) fn our_start() -> u64 {
    static STARTED: OnceLock<u64> = OnceLock::new();
    let find = || process(std::process::id().cast_signed()).map_or(0, |process| process.started);
    *STARTED.get_or_init(find)
}

/// The process `pid`, if there is one and it can be seen.
pub(crate) fn process(pid: i32) -> Option<Process> {
    let stat = read_proc(&format!("/proc/{pid}/stat")).ok()?;
    // The name in field 2 may hold anything, brackets and blanks included; what follows it is numbers.
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let mut fields = str::from_utf8(&stat[after_name..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    let started = fields.nth(16)?.parse().ok()?;
    Some(Process { pid, parent, group, started, dead: matches!(state, "Z" | "X" | "x") })
}

/// The name of a process' program, for messages; empty if it cannot be read.
pub(crate) fn name_of(pid: i32) -> Vec<u8> {
    let mut name = fs::read(format!("/proc/{pid}/comm")).unwrap_or_default();
    name.truncate(name.trim_ascii_end().len());
    name
}

/// Whether this process ignored a signal when it was first asked, as under `nohup` or in the background of a script.
/// Where that cannot be told it did not.
pub(crate) fn is_ignored(signal: i32) -> bool {
    static MASK: OnceLock<u64> = OnceLock::new();
    let read = || {
        let status = read_proc("/proc/self/status").unwrap_or_default();
        let status = String::from_utf8_lossy(&status);
        let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        mask.unwrap_or(0)
    };
    MASK.get_or_init(read) >> (signal - 1) & 1 == 1
}

/// An empty file without a name: in memory, so that no full disk is in its way, or where there is no such thing, in the
/// folder for temporary files.
pub(crate) fn nameless_file() -> io::Result<fs::File> {
    #[cfg(target_os = "linux")]
    if let Ok(file) = nix::sys::memfd::memfd_create(c"fuseboard", nix::sys::memfd::MFdFlags::MFD_CLOEXEC) {
        return Ok(file.into());
    }
    tempfile::tempfile()
}

/// The most that is read of a file of `/proc`, in bytes.
pub(crate) const PROC_READ: usize = 8192;

/// A file of `/proc` in one read: the kernel makes its text anew for each.
pub(crate) fn read_proc(path: &str) -> io::Result<Vec<u8>> {
    let mut text = vec![0; PROC_READ];
    let length = fs::File::open(path)?.read(&mut text)?;
    text.truncate(length);
    Ok(text)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write};
    use std::process::Stdio;

    use super::*;

    #[test]
    fn this_process_is_in_the_census_with_its_group() {
        let here = i32::try_from(std::process::id()).unwrap();
        let found = census().iter().copied().find(|process| process.pid == here).unwrap();
        assert_eq!(found.group, nix::unistd::getpgrp().as_raw());
        assert_eq!(found.parent, nix::unistd::getppid().as_raw());
        assert!(!found.dead && found.started > 0);
    }

    #[test]
    fn a_process_is_marked_by_the_whole_name_and_the_whole_value() {
        let mut cat = std::process::Command::new("cat");
        let mut child = cat.env("FB_MARK", "one").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // Its environment can be read a moment after it was started: once it has answered.
        child.stdin.as_mut().unwrap().write_all(b"!").unwrap();
        child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert_eq!(Marking::of(pid, &Marker::new("FB_MARK", "one")), Marking::Ours);
        assert_eq!(Marking::of(pid, &Marker::new("FB_MARK", "on")), Marking::Foreign);
        assert_eq!(Marking::of(pid, &Marker::new("FB_MAR", "K=one")), Marking::None);
        assert_eq!(carriers_of(&Marker::new("FB_MARK", "one")), [child.id()]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(carriers_of(&Marker::new("FB_MARK", "one")).is_empty());
    }
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    user_id() == 0
}

/// The user whose rights this process has.
pub fn user_id() -> u32 {
    nix::unistd::geteuid().as_raw()
}

/// For opening a file: not through a link.
pub(crate) const NO_FOLLOW: i32 = nix::fcntl::OFlag::O_NOFOLLOW.bits();
/// For opening a file: a pipe without a writer is no reason to wait.
pub(crate) const NO_WAIT: i32 = nix::fcntl::OFlag::O_NONBLOCK.bits();

/// Writes a file whole, or to a device, but not through a link: one that others left there would lead elsewhere. A
/// pipe is not waited for.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidInput`] for a link, a pipe, a folder.
pub fn write_through_no_link(file: &Path, content: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt as _;

    let refuse = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, what.to_owned()));
    match fs::symlink_metadata(file).map(|meta| meta.file_type()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => replace_file(file, content),
        Err(error) => Err(error),
        Ok(kind) if kind.is_file() => replace_file(file, content),
        Ok(kind) if kind.is_char_device() => {
            let mut options = fs::OpenOptions::new();
            options.write(true).custom_flags(NO_FOLLOW | NO_WAIT).open(file)?.write_all(content)
        }
        Ok(kind) if kind.is_symlink() => refuse("it is a link, and links are not followed"),
        Ok(_) => refuse("it is neither a file nor a device"),
    }
}

/// Opens a regular file for reading, but not through a link. Nothing else is waited for, such as a pipe's writer.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidInput`] for a link, and for what is no regular file.
pub fn open_regular(file: &Path) -> io::Result<fs::File> {
    let refuse = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, what.to_owned());
    let opened = fs::OpenOptions::new().read(true).custom_flags(NO_FOLLOW | NO_WAIT).open(file);
    let opened = opened.map_err(|error| {
        if is_link_refused(&error) { refuse("it is a link, and links are not followed") } else { error }
    })?;
    if opened.metadata()?.is_file() { Ok(opened) } else { Err(refuse("it is no regular file")) }
}

/// Opens a file to be locked, for the user alone; it is made if it is missing. Neither is a link followed, nor a pipe's
/// reader waited for.
///
/// # Errors
/// The system's, for a link and for a pipe, too.
pub fn open_to_lock(file: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600).custom_flags(NO_FOLLOW | NO_WAIT).open(file)
}

/// Writes a file whole or not at all, in the place of the one that is there; a link is replaced, not followed.
///
/// # Errors
/// The system's; [`io::ErrorKind::InvalidInput`] for a device, a pipe, a folder. Then what was there is there still.
pub fn replace_file(file: &Path, content: &[u8]) -> io::Result<()> {
    if fs::symlink_metadata(file).is_ok_and(|meta| !meta.is_file() && !meta.is_symlink()) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file"));
    }
    let aside = |number: u32| {
        let mut aside = file.as_os_str().to_owned();
        aside.push(format!(".{}.{number}", std::process::id()));
        PathBuf::from(aside)
    };
    // A process of this number may have been killed here before.
    let mut numbers = (0..100).map(aside);
    let aside = loop {
        let Some(aside) = numbers.next() else { return Err(io::ErrorKind::AlreadyExists.into()) };
        match create_file(&aside, content) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => break made.map(|()| aside)?,
        }
    };
    fs::rename(&aside, file).inspect_err(|_| drop(fs::remove_file(&aside)))
}

/// Writes a file that is not there yet, and through no link.
///
/// # Errors
/// The system's, [`io::ErrorKind::AlreadyExists`] among them.
pub fn create_file(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut made = fs::OpenOptions::new().write(true).create_new(true).open(file)?;
    made.write_all(content).and_then(|()| made.sync_all()).inspect_err(|_| drop(fs::remove_file(file)))
}

/// Whether a file was not opened because it is a link.
pub(crate) fn is_link_refused(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::ELOOP as i32)
}
