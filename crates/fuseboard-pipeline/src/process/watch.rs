//! By what a run notices the end of its child.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::Child;
use std::time::Duration;

use signal_hook::consts::{SIGCHLD, SIGCONT};

use super::children;
use super::deadline::Deadline;
use super::interrupt::Wake;
use crate::sys;

/// How often orphans that were handed to us and have died are looked for while a child runs.
const REAP_AGAIN: Duration = Duration::from_millis(250);

/// How often is looked at a child for which there is no descriptor.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// What tells that there is news of a child.
#[derive(Debug)]
pub(super) enum Watch {
    /// A descriptor of the child, readable from its end on, and whether it was. Other children's ends wake nobody then.
    Descriptor(OwnedFd, bool),
    /// SIGCHLD, whichever child it is of, and SIGCONT: the shell may have brought us to the foreground.
    Signals(Wake),
    /// Nothing: no descriptor is to be had just now, or none that helps.
    Nothing,
}

impl Watch {
    /// What has to be there before the child is started. `stops`: it may stop, as one that has a terminal, and that must
    /// be noticed, too.
    ///
    /// # Errors
    /// No signal handler is to be had.
    pub(super) fn prepare(stops: bool) -> io::Result<Self> {
        // While SIGCHLD is ignored, as a caller may have left it, the kernel keeps no child's status: catching it ends that.
        if stops || !children::have_descriptors() || sys::is_ignored(SIGCHLD) {
            Wake::on(&[SIGCHLD, SIGCONT]).map(Self::Signals)
        } else {
            Ok(Self::Nothing)
        }
    }

    /// The same, with the child that was started.
    pub(super) fn over(self, child: &Child) -> Self {
        match self {
            Self::Nothing => {
                children::descriptor(child.id()).map_or(Self::Nothing, |descriptor| Self::Descriptor(descriptor, false))
            }
            other => other,
        }
    }

    /// What becomes readable when there is news; nothing that would stay readable after the child's end.
    pub(super) fn news(&self, child_has_ended: bool) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Descriptor(descriptor, _) => (!child_has_ended).then(|| descriptor.as_fd()),
            Self::Signals(wake) => Some(wake.as_fd()),
            Self::Nothing => None,
        }
    }

    /// Takes the news, before what they are of is looked at.
    pub(super) fn take(&mut self) {
        match self {
            Self::Signals(wake) => wake.clear(),
            Self::Descriptor(_, is_over) => *is_over = true,
            Self::Nothing => {}
        }
    }

    /// Nothing has become of the child, though there may have been news of its end: a debugger sees an end first, and may
    /// keep it to itself for long. Such a descriptor would wake us without a pause.
    pub(super) fn nothing_was_seen(&mut self) {
        if matches!(self, Self::Descriptor(_, true)) {
            *self = Self::Nothing;
        }
    }

    /// When to look though there is no news.
    pub(super) fn patience(&self, child_has_ended: bool) -> Deadline {
        match self {
            Self::Signals(_) => Deadline::NEVER,
            _ if child_has_ended => Deadline::NEVER,
            Self::Nothing => Deadline::after(LOOK_AGAIN),
            Self::Descriptor(..) if sys::is_subreaper() => Deadline::after(REAP_AGAIN),
            Self::Descriptor(..) => Deadline::NEVER,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};

    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    #[test]
    fn a_descriptor_that_tells_of_an_end_which_is_not_to_be_seen_yet_is_given_up() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let mut watch = Watch::Nothing.over(&child);
        watch.nothing_was_seen();
        assert!(matches!(watch, Watch::Descriptor(..)), "it runs");
        drop(child.stdin.take());
        let descriptor = watch.news(false).unwrap();
        poll(&mut [PollFd::new(descriptor, PollFlags::POLLIN)], PollTimeout::NONE).unwrap();
        watch.take();
        watch.nothing_was_seen();
        assert!(matches!(watch, Watch::Nothing));
        child.wait().unwrap();
    }
}
