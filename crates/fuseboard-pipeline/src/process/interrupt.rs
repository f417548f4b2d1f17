//! Signals that ask the program to stop, and the self-pipes by which that is heard.

use std::fmt;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use super::deadline::{Deadline, now};

/// What follows the first signal within this time is its echo, not impatience: `timeout(1)` signals its
/// child and then the child's group, a closing terminal and its shell both send SIGHUP.
const ECHO: Duration = Duration::from_millis(250);

/// How often is looked for a second signal once the first has come.
const LISTEN_AGAIN: Duration = Duration::from_millis(50);

/// Whether somebody asked the program to stop, by SIGINT, SIGTERM or SIGHUP. Clones share what was heard.
///
/// The first signal is passed on to what runs and begins its grace; a second one of any kind, at least a
/// quarter of a second later, ends it at once.
#[derive(Clone, Default)]
pub struct Interrupt(Option<Arc<Installed>>);

struct Installed {
    caught: Vec<i32>,
    /// Readable from the first signal on, for ever.
    bell: Wake,
    heard: Mutex<Heard>,
}

struct Heard {
    signals: Signals,
    first: Option<(i32, Instant)>,
    again: bool,
}

impl Interrupt {
    /// Catches the three signals from now on; for a program's `main`, once. One that is ignored already
    /// (SIGHUP under `nohup`, SIGINT in the background of a script) stays ignored, by what is started too.
    ///
    /// # Errors
    ///
    /// Neither files nor signal handlers are to be had.
    pub fn install() -> io::Result<Self> {
        let is_heard = |signal: &i32| !crate::sys::is_ignored(*signal);
        let caught: Vec<i32> = [SIGINT, SIGTERM, SIGHUP].into_iter().filter(is_heard).collect();
        let heard = Heard { signals: Signals::new(&caught)?, first: None, again: false };
        let bell = Wake::on(&caught)?;
        Ok(Self(Some(Arc::new(Installed { caught, bell, heard: Mutex::new(heard) }))))
    }

    /// One that never comes: for work that a signal must not cut, and for tests.
    pub fn never() -> Self {
        Self(None)
    }

    /// The first signal that came.
    pub fn signal(&self) -> Option<i32> {
        self.with(|heard| heard.first.map(|(signal, _)| signal)).flatten()
    }

    /// Whether a second signal came.
    pub fn insisted(&self) -> bool {
        self.with(|heard| heard.again).unwrap_or(false)
    }

    /// Sleeps for so long, or until a signal comes, and returns the first that ever did.
    pub fn sleep(&self, duration: Duration) -> Option<i32> {
        let until = Deadline::after(duration);
        while self.signal().is_none() && !until.has_passed() {
            let mut fds: Vec<PollFd> =
                self.bell().map(|bell| PollFd::new(bell, PollFlags::POLLIN)).into_iter().collect();
            let _ = poll(&mut fds, poll_timeout(until));
        }
        self.signal()
    }

    /// What becomes readable when the first signal comes; nothing after that, or if none is caught.
    pub(super) fn bell(&self) -> Option<BorrowedFd<'_>> {
        let installed = self.0.as_ref()?;
        self.signal().is_none().then(|| installed.bell.as_fd())
    }

    /// How long whoever waits may do so before it looks again whether a second signal has come.
    pub(super) fn patience(&self) -> Deadline {
        if self.signal().is_some() { Deadline::after(LISTEN_AGAIN) } else { Deadline::NEVER }
    }

    /// The signals that are caught here.
    pub(super) fn caught(&self) -> &[i32] {
        self.0.as_ref().map_or(&[], |installed| &installed.caught)
    }

    fn with<T>(&self, look: impl FnOnce(&Heard) -> T) -> Option<T> {
        let mut heard = self.0.as_ref()?.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.listen();
        Some(look(&heard))
    }
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt").field("caught", &self.caught()).field("signal", &self.signal()).finish()
    }
}

impl Heard {
    fn listen(&mut self) {
        for signal in self.signals.pending() {
            match self.first {
                None => self.first = Some((signal, now())),
                Some((_, at)) => self.again |= at.elapsed() >= ECHO,
            }
        }
    }
}

/// A descriptor that becomes readable when one of some signals comes. Each waiter has one of its own, because
/// it has to be emptied by whoever it woke. The standing of things is never read from it: a wake-up only
/// means that it is time to look at everything.
#[derive(Debug)]
pub(super) struct Wake {
    pipe: UnixStream,
    registered: Vec<SigId>,
}

impl Wake {
    /// Wakes at these signals until dropped.
    pub(super) fn on(signals: &[i32]) -> io::Result<Self> {
        let (pipe, handler) = UnixStream::pair()?;
        pipe.set_nonblocking(true)?;
        let mut wake = Self { pipe, registered: Vec::with_capacity(signals.len()) };
        for signal in signals {
            wake.registered.push(low_level::pipe::register(*signal, handler.try_clone()?)?);
        }
        Ok(wake)
    }

    /// Forgets the wake-ups so far. Before what woke us is looked at, never after: a signal that comes in
    /// between must wake us again.
    pub(super) fn clear(&self) {
        let mut bytes = [0; 64];
        while matches!((&self.pipe).read(&mut bytes), Ok(1..)) {}
    }

    /// Waits for a signal, at most until `until`.
    pub(super) fn wait(&self, until: Deadline) {
        let mut fds = [PollFd::new(self.as_fd(), PollFlags::POLLIN)];
        // Interrupted or not, the caller looks again.
        let _ = poll(&mut fds, poll_timeout(until));
        self.clear();
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl Drop for Wake {
    fn drop(&mut self) {
        for id in &self.registered {
            low_level::unregister(*id);
        }
    }
}

/// `poll(2)` counts in milliseconds: rounded up, lest the last one is spent in a busy loop.
pub(super) fn poll_timeout(until: Deadline) -> PollTimeout {
    until.remaining().map_or(PollTimeout::NONE, |rest| {
        let millis = rest.as_nanos().div_ceil(1_000_000);
        PollTimeout::try_from(i32::try_from(millis).unwrap_or(i32::MAX)).unwrap_or(PollTimeout::MAX)
    })
}
