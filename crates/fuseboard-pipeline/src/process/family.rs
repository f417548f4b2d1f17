//! All that descends from one child, found and ended.
//!
//! A process belongs to a run's family if one of these holds:
//!
//! 1. it is in the child's process group;
//! 2. its environment carries the run's marker;
//! 3. it was once seen to belong, or its parent belongs. The tree is looked at before anything is signalled,
//!    so that nobody gets away by losing a parent then;
//! 4. it is an orphan that was handed to us ([`crate::sys::become_subreaper`]), carries no marker of another
//!    run, and can only be ours: see [`Family::other_runs`].
//!
//! What left the group, the session and its parents and cleared its environment shows none of these signs
//! unless we are a subreaper. It is then neither found nor named; nothing short of a cgroup could find it.
//!
//! Where we are one, the kernel hands us whatever loses its parent, so that a child which ended by itself has left
//! nobody if we have no children but those of runs under way. The process table is then not looked at.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, ExitStatus};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp};

use super::children;
use super::command::Marker;
use super::deadline::Deadline;
use super::ended::Survivor;
use super::text::plain_text;
use crate::sys::{self, Marking, Process};

/// The runs under way in this process, over all threads.
static UNDER_WAY: Mutex<UnderWay> = Mutex::new(UnderWay { children: BTreeSet::new(), since: 0, spared: false });

struct UnderWay {
    children: BTreeSet<i32>,
    /// When the first child of the present busy period was started: since then some run was under way.
    since: u64,
    /// In this busy period a run ended whose remains are to be left alone.
    spared: bool,
}

/// Shared by those who start a child, until it is registered, and those who reap one. Taken before [`UNDER_WAY`].
static COMING_AND_GOING: RwLock<()> = RwLock::new(());

fn coming_or_going() -> RwLockReadGuard<'static, ()> {
    COMING_AND_GOING.read().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until every child that was started is registered, for one that nobody has registered yet would be taken for an
/// orphan, and keeps all of them as they are.
fn nobody_moves() -> RwLockWriteGuard<'static, ()> {
    COMING_AND_GOING.write().unwrap_or_else(PoisonError::into_inner)
}

fn under_way() -> MutexGuard<'static, UnderWay> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A child and all that came from it.
#[derive(Debug)]
pub(super) struct Family {
    child: Pid,
    marker: Option<Marker>,
    /// Pid and start of each member that was ever seen.
    known: BTreeSet<(i32, u64)>,
    /// The remains of the child's normal end are left alone.
    spared: bool,
}

impl Family {
    /// Starts a child by `spawn` and registers it, before another run can take it for an orphan.
    pub(super) fn start<E>(
        marker: Option<Marker>,
        spawn: impl FnOnce() -> Result<Child, E>,
    ) -> Result<(Self, Child), E> {
        let _coming = coming_or_going();
        let child = spawn()?;
        let pid = child.id().cast_signed();
        let started = sys::process(pid).map_or(0, |process| process.started);
        let mut runs = under_way();
        if runs.children.is_empty() {
            (runs.since, runs.spared) = (started, false);
        }
        runs.since = runs.since.min(started);
        runs.children.insert(pid);
        Ok((Self { child: Pid::from_raw(pid), marker, known: BTreeSet::new(), spared: false }, child))
    }

    /// The child's process group.
    pub(super) fn group(&self) -> Pid {
        self.child
    }

    /// Sends a signal to the group and to every member outside of it, and SIGCONT after it, because a stopped
    /// process hears nothing but SIGKILL. Returns the members that lived until now.
    pub(super) fn signal(&mut self, signal: Signal) -> Vec<Process> {
        let living = self.living();
        for signal in [signal, Signal::SIGCONT] {
            let _ = killpg(self.child, signal);
            for process in living.iter().filter(|process| process.group != self.child.as_raw()) {
                let _ = kill(Pid::from_raw(process.pid), signal);
            }
        }
        living
    }

    /// The members that live. Those that are dead and ours to reap are reaped, the child itself excepted.
    pub(super) fn living(&mut self) -> Vec<Process> {
        let (dead, living): (Vec<Process>, Vec<Process>) = self.members().into_iter().partition(|it| it.dead);
        let us = our_pid();
        let _going = coming_or_going();
        for orphan in dead.into_iter().filter(|it| it.parent == us && it.pid != self.child.as_raw()) {
            let _ = waitpid(Pid::from_raw(orphan.pid), Some(WaitPidFlag::WNOHANG));
        }
        living
    }

    /// Whether nobody is left, once the child has ended by itself.
    pub(super) fn is_gone(&mut self) -> bool {
        there_are_no_orphans() || self.living().is_empty()
    }

    /// The members that live, by name.
    pub(super) fn survivors(&mut self) -> Vec<Survivor> {
        let name = |pid| plain_text(&String::from_utf8_lossy(&sys::name_of(pid)));
        self.living()
            .into_iter()
            .map(|process| Survivor { pid: process.pid.cast_unsigned(), name: name(process.pid) })
            .collect()
    }

    /// Leaves what is left of the family alone from now on.
    pub(super) fn spare(&mut self) {
        self.spared = true;
    }

    fn members(&mut self) -> Vec<Process> {
        let census = sys::census();
        if census.is_empty() {
            return self.group_alone();
        }
        let (others, orphans_since) = self.other_runs();
        let us = our_pid();
        let is_possible = |process: &Process| process.pid > 1 && process.pid != us && !others.contains(&process.pid);
        let mut members: BTreeSet<i32> = BTreeSet::new();
        for process in census.iter().filter(|process| is_possible(process)) {
            let is_known = self.known.contains(&(process.pid, process.started));
            if is_known || process.group == self.child.as_raw() || self.claims(process, orphans_since) {
                members.insert(process.pid);
            }
        }
        // A child's number may be lower than its parent's: once more until nothing is found.
        loop {
            let found = census.iter().filter(|process| members.contains(&process.parent)).map(|it| it.pid);
            let found: Vec<i32> = found.filter(|pid| !members.contains(pid)).collect();
            if found.is_empty() {
                break;
            }
            members.extend(found);
        }
        let members: Vec<Process> = census.iter().filter(|it| members.contains(&it.pid)).copied().collect();
        self.known.extend(members.iter().map(|process| (process.pid, process.started)));
        members
    }

    /// Whether a process belongs by its marker, or as an orphan without any.
    fn claims(&self, process: &Process, orphans_since: Option<u64>) -> bool {
        // Who was there before us carries no marker of ours, and to read it is dear.
        let marker = self.marker.as_ref().filter(|_| process.started >= sys::our_start());
        let marking = marker.map_or(Marking::None, |marker| Marking::of(process.pid, marker));
        let is_orphan = || {
            orphans_since.is_some_and(|since| process.started >= since)
                && process.parent == our_pid()
                // What the program starts by other means stays in our group.
                && process.group != getpgrp().as_raw()
        };
        marking == Marking::Ours || (marking == Marking::None && is_orphan())
    }

    /// The children of the other runs under way; and since when an orphan without any sign can only be ours, if so. Its
    /// birth does not tell which of several runs it came from, so only the last run under way may end it, and none if a
    /// run of the same busy period ended whose daemons are to be left alone. In a pipeline, where every step ends all,
    /// strays are therefore ended by the step that ends last; a single command ends its own.
    fn other_runs(&self) -> (BTreeSet<i32>, Option<u64>) {
        drop(nobody_moves());
        let runs = under_way();
        let mut others = runs.children.clone();
        let is_ours = others.remove(&self.child.as_raw());
        let alone = is_ours && others.is_empty();
        (others, (alone && !runs.spared && sys::is_subreaper()).then_some(runs.since))
    }

    /// Without a process table the group is all that is known, and stands for one process.
    fn group_alone(&self) -> Vec<Process> {
        let group = self.child.as_raw();
        let lives = killpg(self.child, None).is_ok();
        let whole = Process { pid: group, parent: our_pid(), group, started: 0, dead: false };
        Vec::from_iter(lives.then_some(whole))
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let _nobody = nobody_moves();
        let mut runs = under_way();
        runs.children.remove(&self.child.as_raw());
        runs.spared |= self.spared;
        // Of two runs that end at once neither can tell whose an orphan is. Whoever is last ends those.
        if runs.children.is_empty() && !runs.spared && sys::is_subreaper() && children::are_there() {
            end_orphans(runs.since, self.marker.as_ref());
        }
    }
}

/// Takes the status of a run's child, after which its number, and its group's, may be another's.
pub(super) fn reap(child: &mut Child) -> io::Result<ExitStatus> {
    let _going = coming_or_going();
    child.wait()
}

/// Whether we would have been handed every orphan, and have none. A look at our children alone, however many processes the
/// machine has.
fn there_are_no_orphans() -> bool {
    let _nobody = nobody_moves();
    let runs = under_way();
    sys::is_subreaper() && children::all().is_some_and(|ours| ours.iter().all(|pid| runs.children.contains(pid)))
}

/// Ends the orphans of a busy period that is over, those which carry a marker excepted: they are somebody's, such as a run
/// that goes on by itself. The others belong to runs that end all, and had their time.
fn end_orphans(since: u64, marker: Option<&Marker>) {
    let us = our_pid();
    let is_orphan = |process: &Process| {
        process.parent == us
            && process.started >= since
            && process.group != getpgrp().as_raw()
            && marker.is_none_or(|marker| Marking::of(process.pid, marker) == Marking::None)
    };
    for orphan in sys::census().iter().filter(|process| is_orphan(process)) {
        let pid = Pid::from_raw(orphan.pid);
        let _ = kill(pid, Signal::SIGKILL);
        // One that the kernel holds does not hold us: it dies when it is let go.
        let is_gone = || !matches!(waitpid(pid, Some(WaitPidFlag::WNOHANG)), Ok(WaitStatus::StillAlive));
        let until = Deadline::after(Duration::from_secs(1));
        while !is_gone() && !until.has_passed() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Reaps the orphans that have died, for a long run starts thousands of them and each zombie holds a number.
/// What the program started by other means is in our own group and is left to whoever waits for it.
pub(super) fn reap_orphans() {
    if !sys::is_subreaper() {
        return;
    }
    // A look at all processes is dear, and most often nobody has died but a run's own child.
    if children::dead().is_none_or(|dead| under_way().children.contains(&dead)) {
        return;
    }
    let _nobody = nobody_moves();
    let runs = under_way();
    // Asked again: the first answer may have been a run's own child, reaped and forgotten by now.
    if children::dead().is_none_or(|dead| runs.children.contains(&dead)) {
        return;
    }
    let us = our_pid();
    for process in sys::census().iter() {
        let is_orphan = process.parent == us && process.group != getpgrp().as_raw();
        if process.dead && is_orphan && !runs.children.contains(&process.pid) {
            let _ = waitpid(Pid::from_raw(process.pid), Some(WaitPidFlag::WNOHANG));
        }
    }
}

fn our_pid() -> i32 {
    std::process::id().cast_signed()
}
