//! What the kernel tells of our own children: who there is, who has died, and when one ends.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::OnceLock;

use nix::errno::Errno;

use crate::sys;

/// All children of this process, also those that are dead and not reaped; `None` where the kernel does not tell. Cheap,
/// however many processes there are. Complete if none is started by us or reaped meanwhile.
pub(super) fn all() -> Option<Vec<i32>> {
    let first = std::process::id();
    let tasks = fs::read_dir("/proc/self/task").ok()?;
    let mut threads: Vec<u32> = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).collect();
    // Last, for it inherits the children of a thread that ends, and orphans.
    threads.sort_by_key(|thread| *thread == first);
    let mut children = Vec::new();
    for thread in threads {
        let list = match sys::read_proc(&format!("/proc/self/task/{thread}/children")) {
            Err(error) if thread != first && is_gone(&error) => continue,
            list => list.ok()?,
        };
        let whole = str::from_utf8(&list).ok().filter(|list| list.len() < sys::PROC_READ)?;
        children.extend(whole.split_ascii_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    Some(children)
}

/// Whether it means that a thread has ended.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(Errno::ESRCH as i32)
}

/// Some child of ours that has ended, and for whose status nobody has asked yet.
#[cfg(target_os = "linux")]
pub(super) fn dead() -> Option<i32> {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    waitid(Id::All, look).ok()?.pid().map(nix::unistd::Pid::as_raw)
}

/// Elsewhere nobody is handed orphans.
#[cfg(not(target_os = "linux"))]
pub(super) fn dead() -> Option<i32> {
    None
}

/// Whether there is a child at all, dead or alive.
#[cfg(target_os = "linux")]
pub(super) fn are_there() -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, waitid};
    waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT).is_ok()
}

/// Elsewhere nobody is handed orphans.
#[cfg(not(target_os = "linux"))]
pub(super) fn are_there() -> bool {
    false
}

/// What has become of a child since it was last asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It has ended. It stays a zombie, so that its number, which is its group's too, remains its own
    /// until [`Child::wait`] takes its status.
    Ended,
    /// It was stopped by this signal.
    Stopped(i32),
}

/// A descriptor of a process that becomes readable when it ends (`pidfd_open(2)`, since Linux 5.3).
#[cfg(target_os = "linux")]
pub(super) fn descriptor(pid: u32) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    pidfd_open(Pid::from_raw(pid.cast_signed())?, PidfdFlags::empty()).ok()
}

/// Elsewhere there are none.
#[cfg(not(target_os = "linux"))]
pub(super) fn descriptor(_: u32) -> Option<OwnedFd> {
    None
}

/// Whether there are such descriptors. A sandbox may forbid them.
pub(super) fn have_descriptors() -> bool {
    static THERE_ARE: OnceLock<bool> = OnceLock::new();
    *THERE_ARE.get_or_init(|| descriptor(std::process::id()).is_some())
}

/// Asks after a child without waiting. Its status is left to the standard library, which knows real-time
/// signals; `nix` does not and reports such a death as `EINVAL`.
#[cfg(target_os = "linux")]
pub(super) fn change_of(child: &mut Child) -> Option<Change> {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};

    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    let stops = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
    match waitid(Id::Pid(pid), stops | WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
        Ok(WaitStatus::Exited(..) | WaitStatus::Signaled(..)) | Err(Errno::EINVAL | Errno::ECHILD) => {
            Some(Change::Ended)
        }
        Ok(WaitStatus::Stopped(_, signal)) => {
            // Asked again without WNOWAIT, so that one stop is reported once.
            let _ = waitid(Id::Pid(pid), stops);
            Some(Change::Stopped(signal as i32))
        }
        _ => None,
    }
}

/// Asks after a child without waiting. Stops are not seen here.
#[cfg(not(target_os = "linux"))]
pub(super) fn change_of(child: &mut Child) -> Option<Change> {
    match child.try_wait() {
        Ok(None) => None,
        Ok(Some(_)) | Err(_) => Some(Change::Ended),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn they_are_told_whichever_thread_started_them_and_until_they_are_reaped() {
        let start = || std::process::Command::new("true").spawn().unwrap();
        let mut elsewhere = std::thread::spawn(start).join().unwrap();
        let mut here = start();
        let pids = [here.id().cast_signed(), elsewhere.id().cast_signed()];
        let told = || all().unwrap();
        assert!(pids.iter().all(|pid| told().contains(pid)));
        here.wait().unwrap();
        assert!(!told().contains(&pids[0]) && told().contains(&pids[1]));
        elsewhere.wait().unwrap();
    }
}
