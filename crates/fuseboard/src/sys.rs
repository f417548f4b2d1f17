//! What is asked of the operating system: the boot clock, and whether the holder of a lease still lives.
//! Linux is the first-class home; elsewhere the monotonic clock stands in and no holder is ever proved dead.

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::clock::{BootId, Moment};
use crate::record::Holder;

#[cfg(target_os = "linux")]
const SINCE_BOOT: nix::time::ClockId = nix::time::ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const SINCE_BOOT: nix::time::ClockId = nix::time::ClockId::CLOCK_MONOTONIC;

/// Time since the machine started.
pub(crate) fn since_boot() -> Moment {
    let time = nix::time::clock_gettime(SINCE_BOOT).unwrap_or_else(|_| nix::sys::time::TimeSpec::new(0, 0));
    Moment(time.tv_sec().saturating_mul(1000).saturating_add(time.tv_nsec() / 1_000_000))
}

/// The same, not newer than the kernel's last tick, which costs a fifth. No clock of the kernel's is both coarse and goes
/// on while the machine is suspended, so that the time spent asleep is looked up now and then.
#[cfg(target_os = "linux")]
pub(crate) fn since_boot_coarse() -> Moment {
    static ASLEEP: AtomicI64 = AtomicI64::new(0);
    static LOOKED: AtomicI64 = AtomicI64::new(i64::MIN);
    let nanos = |clock| match nix::time::clock_gettime(clock) {
        Ok(time) => time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec()),
        Err(_) => 0,
    };
    let awake = nanos(nix::time::ClockId::CLOCK_MONOTONIC_COARSE);
    if awake.saturating_sub(LOOKED.load(Ordering::Relaxed)) >= 100_000_000 {
        let since_boot = nanos(SINCE_BOOT);
        ASLEEP.store(since_boot.saturating_sub(nanos(nix::time::ClockId::CLOCK_MONOTONIC)), Ordering::Relaxed);
        LOOKED.store(awake, Ordering::Relaxed);
    }
    Moment(awake.saturating_add(ASLEEP.load(Ordering::Relaxed)) / 1_000_000)
}

/// The same: there is no coarse clock to be relied on.
#[cfg(not(target_os = "linux"))]
pub(crate) fn since_boot_coarse() -> Moment {
    since_boot()
}

/// The kernel's id of this boot, read once.
pub(crate) fn boot_id() -> BootId {
    static BOOT: OnceLock<BootId> = OnceLock::new();
    BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Arc::from(if text.trim().is_empty() { "unknown" } else { text.trim() })
    })
    .clone()
}

/// This process as the holder of a lease: looked at once, and anew after a fork.
pub(crate) fn this_process() -> Holder {
    static THIS: OnceLock<Holder> = OnceLock::new();
    let pid = std::process::id();
    let look = || Holder { pid, started: start_time(pid).unwrap_or(0), boot: boot_id(), namespace: pid_namespace() };
    let this = THIS.get_or_init(look);
    if this.pid == pid { this.clone() } else { look() }
}

/// Whether this holder certainly lives no more. Another boot, another container or anything unreadable
/// proves nothing, except that a process of an earlier boot of this machine cannot be told apart from one
/// of another machine and so is left to its lease.
pub(crate) fn proved_dead(holder: &Holder) -> bool {
    if holder.boot != boot_id()
        || &*holder.boot == "unknown"
        || holder.namespace != pid_namespace()
        || holder.namespace == 0
    {
        return false;
    }
    let Ok(raw) = i32::try_from(holder.pid) else { return false };
    match nix::sys::signal::kill(nix::unistd::Pid::from_raw(raw), None) {
        Err(nix::errno::Errno::ESRCH) => true,
        // The number may belong to a later process by now.
        _ => holder.started != 0 && start_time(holder.pid).is_some_and(|started| started != holder.started),
    }
}

/// Field 22 of `/proc/PID/stat`: when the process started, in clock ticks since boot. A zombie has one too,
/// but is as dead as can be: it counts as started never.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    if fields.next()? == "Z" {
        return Some(0);
    }
    fields.nth(18)?.parse().ok()
}

/// The inode of this process's pid namespace, 0 where there is none to be read.
fn pid_namespace() -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self/ns/pid").map_or(0, |meta| meta.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_an_ended_child_is_proved_dead() {
        assert!(!proved_dead(&this_process()));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let holder = Holder { pid: child.id(), started: start_time(child.id()).unwrap(), ..this_process() };
        child.wait().unwrap();
        assert!(proved_dead(&holder));
    }

    #[test]
    fn a_holder_of_another_boot_or_container_is_never_proved_dead() {
        let gone = Holder { pid: u32::MAX >> 1, started: 1, ..this_process() };
        assert!(proved_dead(&gone));
        assert!(!proved_dead(&Holder { boot: "another".into(), ..gone.clone() }));
        assert!(!proved_dead(&Holder { namespace: gone.namespace + 1, ..gone }));
    }
}
