//! Job control: the terminal is lent to a child's process group and taken back.
//!
//! Keys such as Ctrl-C and Ctrl-Z go to the terminal's foreground group, and nobody else may read from it.
//! As the child has a group of its own, it needs the terminal for a pager, a password, an editor. But
//! whatever shares *our* group, such as the `less` at the end of a pipeline, loses it meanwhile; so it is
//! lent at once only if nobody of a pipeline can be there, and else when the child asks: the kernel stops a
//! background group that reaches for the terminal, and we see that.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::time::Duration;

use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::stat::{SFlag, fstat};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

use super::deadline::{Deadline, now};
use super::interrupt::Wake;

/// How long our own stop may take to come into effect; it does not at all if nobody could continue us.
const STOP_WITHIN: Duration = Duration::from_millis(100);

/// The controlling terminal, for the time of one run. Until it is dropped SIGTTOU is blocked in this thread:
/// else taking the terminal back from the background would stop us.
#[derive(Debug)]
pub(super) struct Terminal {
    tty: File,
    ours: Pid,
    child: Pid,
    /// Lent without being asked for.
    eager: bool,
    lent: bool,
    mask_before: SigSet,
}

impl Terminal {
    /// The device of the controlling terminal, if there is one.
    pub(super) fn device() -> Option<File> {
        OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
    }

    /// The terminal that `child` may need, lent at once if that harms nobody. `None` if it cannot be lent.
    pub(super) fn for_child(tty: File, child: Pid) -> Option<Self> {
        let mask_before = SigSet::thread_get_mask().ok()?;
        SigSet::from(Signal::SIGTTOU).thread_block().ok()?;
        let eager = io::stdin().is_terminal() && !is_pipe(io::stdout());
        let mut terminal = Self { tty, ours: getpgrp(), child, eager, lent: false, mask_before };
        terminal.lend_again();
        Some(terminal)
    }

    /// Lends it if that is due without being asked: at the start, and when the shell has brought us to the
    /// foreground.
    pub(super) fn lend_again(&mut self) {
        if self.eager && !self.lent && self.lend() {
            // It may have reached for the terminal before, and have been stopped by that.
            self.continue_child();
        }
    }

    /// Takes the terminal back if it was lent. Whether it was: the keys went to the child.
    pub(super) fn take_back(&mut self) -> bool {
        if self.lent {
            let _ = tcsetpgrp(&self.tty, self.ours);
        }
        std::mem::take(&mut self.lent)
    }

    /// The child was stopped. If it reached for the terminal and it is ours to lend, it gets it and goes on;
    /// else we stop too, as the shell expects of its job, and the child goes on when we do. Returns how long
    /// we were stopped.
    pub(super) fn follow_stop(&mut self, signal: i32) -> Duration {
        let wants_terminal = [Signal::SIGTTIN as i32, Signal::SIGTTOU as i32].contains(&signal);
        let mut stopped = Duration::ZERO;
        if !(wants_terminal && self.lend()) {
            let had_it = self.take_back();
            stopped = stop_ourselves(if wants_terminal { Signal::SIGTTIN } else { Signal::SIGTSTP });
            if had_it || wants_terminal || self.eager {
                self.lend();
            }
        }
        // Once and last: a second one could undo the next Ctrl-Z.
        self.continue_child();
        stopped
    }

    /// Hands the terminal to the child's group if it is ours. Whether it is lent now.
    fn lend(&mut self) -> bool {
        if !self.lent && tcgetpgrp(&self.tty) == Ok(self.ours) {
            self.lent = tcsetpgrp(&self.tty, self.child).is_ok();
        }
        self.lent
    }

    fn continue_child(&self) {
        let _ = killpg(self.child, Signal::SIGCONT);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.take_back();
        let _ = self.mask_before.thread_set_mask();
    }
}

/// Stops our process group as the terminal would have done had the child been in it, and returns after it was
/// continued. By a signal that the kernel discards if no shell is there to continue us.
fn stop_ourselves(signal: Signal) -> Duration {
    let start = now();
    // The stop may come into effect on another thread, a moment after `kill` has returned: what tells that it
    // is over is SIGCONT.
    let continued = Wake::on(&[Signal::SIGCONT as i32]);
    let _ = kill(Pid::from_raw(0), signal);
    if let Ok(wake) = continued {
        wake.wait(Deadline::after(STOP_WITHIN));
    }
    start.elapsed()
}

fn is_pipe(output: impl AsFd) -> bool {
    fstat(output).is_ok_and(|stat| {
        let kind = SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT;
        kind == SFlag::S_IFIFO || kind == SFlag::S_IFSOCK
    })
}
