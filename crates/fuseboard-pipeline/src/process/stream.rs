//! One output of a child on its way: taken in, passed on, written to a file, kept.

use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags};
use nix::unistd::{read, write};

use super::command::{Keep, Output};
use super::kept::Kept;

/// How much is read at once. Larger ones gain nothing: what is passed on goes in pieces of [`FITS`].
const CHUNK: usize = 16 * 1024;

/// What poll(2) promises to fit when it calls a pipe writable. Our own output may be blocking, and has to
/// stay so: the flag belongs to everybody who has it open.
const FITS: usize = 4096;

/// The most that a pipe can hold: what a child wrote before it ended is at most this. More can only come
/// from somebody that it left behind, who may write for ever.
const PIPE_MAX: usize = 1024 * 1024;

/// One output of a child. Nothing is read while something waits to be passed on, so that memory is bounded
/// and a child that is faster than our reader waits, as it would without us.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    /// The pipe from the child; `None` after its end.
    from: Option<PipeReader>,
    /// Ours, if it is passed on; `None` also after it failed.
    to: Option<OwnedFd>,
    /// Read and not yet passed on: `buffer[waiting]`.
    buffer: Vec<u8>,
    waiting: std::ops::Range<usize>,
    file: Option<&'a File>,
    file_error: Option<io::Error>,
    kept: Kept,
    limit: Option<u64>,
    /// What was taken in since the child's end.
    drained: usize,
}

impl<'a> Stream<'a> {
    /// The stream for an output, and what the child gets for it; `ours` is what it is passed on to. No stream
    /// for an output that is inherited.
    pub(super) fn open(output: &'a Output, ours: impl AsFd) -> io::Result<(Option<Self>, Stdio)> {
        let Some(keep) = output.keep else { return Ok((None, Stdio::inherit())) };
        let (from, childs) = io::pipe()?;
        fcntl(&from, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let limit = match keep {
            Keep::All(limit) => Some(limit as u64),
            Keep::Ends { .. } => None,
        };
        let stream = Self {
            from: Some(from),
            to: output.passed_on.then(|| ours.as_fd().try_clone_to_owned()).transpose()?,
            buffer: vec![0; CHUNK],
            waiting: 0..0,
            file: output.file.as_ref(),
            file_error: None,
            kept: Kept::new(keep),
            limit,
            drained: 0,
        };
        Ok((Some(stream), childs.into()))
    }

    /// What to poll for: room for what waits, else more to read.
    pub(super) fn interest(&self) -> Option<PollFd<'_>> {
        let more = || self.from.as_ref().map(|from| PollFd::new(from.as_fd(), PollFlags::POLLIN));
        self.backlog().or_else(more)
    }

    /// Room for what waits to be passed on, if anything does.
    pub(super) fn backlog(&self) -> Option<PollFd<'_>> {
        let to = self.to.as_ref().filter(|_| !self.waiting.is_empty())?;
        Some(PollFd::new(to.as_fd(), PollFlags::POLLOUT))
    }

    /// Does what it was polled for.
    pub(super) fn advance(&mut self) {
        if self.waiting.is_empty() {
            self.take_in();
        } else {
            self.pass_on();
        }
    }

    /// After the child's end: takes in what is there, until something has to wait for our reader. Whether all
    /// is done.
    pub(super) fn drain(&mut self) -> bool {
        while self.waiting.is_empty() && self.drained < PIPE_MAX {
            match self.take_in() {
                0 => return true,
                count => self.drained += count,
            }
        }
        self.waiting.is_empty()
    }

    /// Whether more came than is to be held.
    pub(super) fn is_too_large(&self) -> bool {
        self.limit.is_some_and(|limit| self.kept.total() > limit)
    }

    /// What was kept, and why the file is incomplete if it is.
    pub(super) fn into_parts(self) -> (Kept, Option<io::Error>) {
        (self.kept, self.file_error)
    }

    /// Reads once and returns how much there was; 0 also if there is nothing now.
    fn take_in(&mut self) -> usize {
        let Some(from) = &self.from else { return 0 };
        let count = match read(from, &mut self.buffer) {
            Ok(count @ 1..) => count,
            Err(Errno::EAGAIN | Errno::EINTR) => return 0,
            Ok(0) | Err(_) => {
                self.from = None;
                return 0;
            }
        };
        let bytes = &self.buffer[..count];
        self.kept.push(bytes);
        if let Some(mut file) = self.file
            && let Err(error) = file.write_all(bytes)
        {
            self.file_error = Some(error);
            self.file = None;
        }
        if self.to.is_some() {
            self.waiting = 0..count;
        }
        count
    }

    /// Writes as much as cannot block. A reader that is gone (EPIPE), or a terminal (EIO), is no concern of
    /// the child's: it is taken in further and passed on no more.
    fn pass_on(&mut self) {
        let Some(to) = &self.to else { return };
        let end = self.waiting.end.min(self.waiting.start + FITS);
        match write(to, &self.buffer[self.waiting.start..end]) {
            Ok(written) => self.waiting.start += written,
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            Err(_) => {
                self.to = None;
                self.waiting = 0..0;
            }
        }
    }
}
