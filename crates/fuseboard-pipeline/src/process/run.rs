//! The loop that watches one child: the states of the parent module's picture, in order of life.

use std::io;
use std::process::Child;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use signal_hook::consts::SIGINT;

use super::children::{self, Change};
use super::command::Command;
use super::deadline::{self, Deadline};
use super::ended::{Ended, How, NotStarted};
use super::family::{self, Family};
use super::interrupt::{Interrupt, poll_timeout};
use super::spawn;
use super::stream::Stream;
use super::terminal::Terminal;
use super::watch::Watch;

/// How long a killed process may take to disappear before it is called left behind.
const GIVE_UP_AFTER: Duration = Duration::from_secs(2);

/// How soon is looked for what is left, once the child itself has ended or was killed: nobody tells us when
/// a process that is not our child ends. The pause doubles up to the second value.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const LOOK_AGAIN_AT_MOST: Duration = Duration::from_millis(200);

/// How long the last output of something that we ended may wait for our reader.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);

/// The exit code by which a program says that Ctrl-C ended it.
const CTRL_C: i32 = 128 + SIGINT;

/// Runs a command to its end and says what it came to. `deadline` is the caller's, a whole pipeline's for
/// instance, not the command's own timeout. After it has passed, or a signal has come, nothing is started.
pub fn run(command: &Command, interrupt: &Interrupt, deadline: Deadline) -> Ended {
    run_while(command, interrupt, deadline, || ())
}

/// The same; `meanwhile` is done once the command has started. It must be short: until it is done nobody watches.
pub fn run_while(command: &Command, interrupt: &Interrupt, deadline: Deadline, meanwhile: impl FnOnce()) -> Ended {
    if let Some(signal) = interrupt.signal() {
        return Ended::before_start(How::Interrupted(signal));
    }
    if deadline.has_passed() {
        return Ended::before_start(How::Cut);
    }
    match Run::start(command, interrupt, deadline) {
        Ok(run) => {
            meanwhile();
            run.until_end()
        }
        Err(why) => Ended::before_start(How::NotStarted(why)),
    }
}

/// A run under way.
#[derive(Debug)]
struct Run<'a> {
    command: &'a Command,
    interrupt: &'a Interrupt,
    deadline: Deadline,
    timeout: Deadline,
    started: Instant,
    watch: Watch,
    child: Child,
    child_has_ended: bool,
    family: Family,
    terminal: Option<Terminal>,
    /// The child had the terminal when it ended: the keys went to it and not to us.
    had_terminal: bool,
    stdout: Option<Stream<'a>>,
    stderr: Option<Stream<'a>>,
    ending: Option<Ending>,
}

/// Something is being ended.
#[derive(Debug)]
struct Ending {
    /// Why; `None` if the child ended by itself and only its remains are ended.
    why: Option<How>,
    /// What was sent is less than SIGTERM: a shell's background jobs ignore SIGINT.
    asked_mildly: bool,
    kill: Deadline,
    /// Set once killing has begun: when what is still there is given up.
    give_up: Option<Deadline>,
    look: Deadline,
    pause: Duration,
}

/// What of a stream is waited for.
type Interest<'a> = for<'s> fn(&'s Stream<'a>) -> Option<PollFd<'s>>;

impl Ending {
    fn begin(why: Option<How>, signal: Signal, grace: Duration) -> Self {
        Self {
            why,
            asked_mildly: signal != Signal::SIGTERM,
            kill: Deadline::after(grace),
            give_up: None,
            look: Deadline::after(Duration::ZERO),
            pause: LOOK_AGAIN,
        }
    }

    fn kill_now(&mut self) {
        self.give_up = Some(Deadline::after(GIVE_UP_AFTER));
        self.look = Deadline::after(Duration::ZERO);
        self.pause = LOOK_AGAIN;
    }

    fn look_later(&mut self) {
        self.look = Deadline::after(self.pause);
        self.pause = (self.pause * 2).min(LOOK_AGAIN_AT_MOST);
    }
}

impl<'a> Run<'a> {
    /// Everything that can fail comes before the child: once it runs, nothing may keep us from watching it.
    fn start(command: &'a Command, interrupt: &'a Interrupt, deadline: Deadline) -> Result<Self, NotStarted> {
        let not_started = |error: io::Error| NotStarted::new(command, &error);
        let (stdout, child_stdout) = Stream::open(&command.stdout, io::stdout()).map_err(not_started)?;
        let (stderr, child_stderr) = Stream::open(&command.stderr, io::stderr()).map_err(not_started)?;
        let tty = command.foreground.then(Terminal::device).flatten();
        let watch = Watch::prepare(tty.is_some()).map_err(not_started)?;
        let spawn = || spawn::spawn(command, child_stdout, child_stderr);
        let (family, child) = Family::start(command.marker.clone(), spawn)?;
        let terminal = tty.and_then(|tty| Terminal::for_child(tty, family.group()));
        Ok(Self {
            command,
            interrupt,
            deadline,
            timeout: Deadline::after_any(command.timeout),
            started: deadline::now(),
            watch: watch.over(&child),
            child,
            child_has_ended: false,
            family,
            terminal,
            had_terminal: false,
            stdout,
            stderr,
            ending: None,
        })
    }

    fn until_end(mut self) -> Ended {
        let mut woken = true;
        loop {
            if woken {
                self.look_at_child();
            }
            self.heed_limits();
            if self.is_over() {
                break;
            }
            woken = self.wait(self.next_moment(), Stream::interest);
        }
        self.flush();
        self.finish()
    }

    /// After a signal: sees the child's end, follows its stops, and does what else a signal can mean.
    fn look_at_child(&mut self) {
        while !self.child_has_ended {
            match (children::change_of(&mut self.child), &mut self.terminal) {
                (Some(Change::Ended), terminal) => {
                    self.child_has_ended = true;
                    self.had_terminal = terminal.as_mut().is_some_and(Terminal::take_back);
                }
                (Some(Change::Stopped(signal)), Some(terminal)) => {
                    self.timeout = self.timeout.postponed(terminal.follow_stop(signal));
                }
                (Some(Change::Stopped(_)), None) => {}
                (None, terminal) => {
                    terminal.iter_mut().for_each(Terminal::lend_again);
                    self.watch.nothing_was_seen();
                    return family::reap_orphans();
                }
            }
        }
    }

    /// Begins to end what has reached a limit, and kills what has outlasted its grace.
    fn heed_limits(&mut self) {
        match &mut self.ending {
            None if self.child_has_ended => {}
            None => {
                if let Some(why) = self.reason_to_end() {
                    self.begin_ending(Some(why));
                }
            }
            Some(ending) => {
                let is_due = ending.kill.has_passed() || self.interrupt.insisted();
                if is_due && ending.give_up.is_none() {
                    ending.kill_now();
                }
            }
        }
    }

    fn reason_to_end(&self) -> Option<How> {
        if self.is_too_large() {
            Some(How::OutputTooLarge)
        } else if let Some(signal) = self.interrupt.signal() {
            Some(How::Interrupted(signal))
        } else if self.timeout.has_passed() && self.timeout.is_before(self.deadline) {
            // Whose moment came first decides: a timeout is the command's fault, a cut is not.
            Some(How::TimedOut)
        } else {
            self.deadline.has_passed().then_some(How::Cut)
        }
    }

    fn is_too_large(&self) -> bool {
        [&self.stdout, &self.stderr].into_iter().flatten().any(Stream::is_too_large)
    }

    fn begin_ending(&mut self, why: Option<How>) {
        let signal = match why {
            Some(How::Interrupted(signal)) => Signal::try_from(signal).unwrap_or(Signal::SIGTERM),
            _ => Signal::SIGTERM,
        };
        self.family.signal(signal);
        self.ending = Some(Ending::begin(why, signal, self.command.kill_after));
    }

    /// Whether there is nothing left to wait for, or no use in waiting.
    fn is_over(&mut self) -> bool {
        if self.child_has_ended && self.ending.is_none() {
            if !self.command.end_all {
                self.family.spare();
                return true;
            }
            if self.family.is_gone() {
                return true;
            }
            self.begin_ending(None);
        }
        let Some(ending) = &mut self.ending else { return false };
        let killing = ending.give_up.is_some();
        if !(self.child_has_ended || killing) || !ending.look.has_passed() {
            return false;
        }
        ending.look_later();
        let left = if killing {
            self.family.signal(Signal::SIGKILL)
        } else if std::mem::take(&mut ending.asked_mildly) {
            self.family.signal(Signal::SIGTERM)
        } else {
            self.family.living()
        };
        (left.is_empty() && self.child_has_ended) || ending.give_up.is_some_and(Deadline::has_passed)
    }

    /// When to look again if nothing happens.
    fn next_moment(&self) -> Deadline {
        match &self.ending {
            None => self.timeout.or_earlier(self.deadline),
            Some(Ending { give_up: None, kill, .. }) if !self.child_has_ended => *kill,
            Some(ending) => ending.look.or_earlier(ending.give_up.unwrap_or(ending.kill)),
        }
    }

    /// Waits for news of the child, for a signal, or until the output, as far as it is of `interest`, can flow, and lets it
    /// flow. Whether it is time to look at the child.
    fn wait(&mut self, until: Deadline, interest: Interest<'a>) -> bool {
        let readable = |fd| PollFd::new(fd, PollFlags::POLLIN);
        let wanted = [
            self.interrupt.bell().map(readable),
            self.watch.news(self.child_has_ended).map(readable),
            self.stdout.as_ref().and_then(interest),
            self.stderr.as_ref().and_then(interest),
        ];
        let is_wanted = wanted.each_ref().map(Option::is_some);
        let mut fds: Vec<PollFd> = wanted.into_iter().flatten().collect();
        let until = until.or_earlier(self.interrupt.patience()).or_earlier(self.watch.patience(self.child_has_ended));
        if poll(&mut fds, poll_timeout(until)).is_err() {
            // EINTR. To look once too often is never wrong.
            return true;
        }
        let mut ready = fds.iter().map(|fd| fd.revents().is_none_or(|events| !events.is_empty()));
        let [bell, news, stdout, stderr] = is_wanted.map(|wanted| wanted && ready.next().unwrap_or(false));
        for (stream, is_ready) in [(&mut self.stdout, stdout), (&mut self.stderr, stderr)] {
            stream.iter_mut().filter(|_| is_ready).for_each(Stream::advance);
        }
        if news {
            self.watch.take();
        }
        bell || news || !(stdout || stderr)
    }

    /// Passes on what the child wrote before it ended; what it left behind may hold the pipe open for ever and
    /// is not waited for. A reader that does not read is, as it would be without us, until the deadline or a
    /// signal; if we had to end something already, only for a moment.
    fn flush(&mut self) {
        let until = if self.ending.is_some() { Deadline::after(FLUSH_WITHIN) } else { self.deadline };
        let heard = (self.interrupt.signal(), self.interrupt.insisted());
        loop {
            let done = [&mut self.stdout, &mut self.stderr].map(|it| it.as_mut().is_none_or(Stream::drain));
            let hurried = (self.interrupt.signal(), self.interrupt.insisted()) != heard;
            if done == [true; 2] || hurried || until.has_passed() {
                return;
            }
            self.wait(until, Stream::backlog);
        }
    }

    fn finish(mut self) -> Ended {
        let left_behind = if self.ending.is_some() { self.family.survivors() } else { Vec::new() };
        let too_large = self.is_too_large().then_some(How::OutputTooLarge);
        // Only now: until here its zombie kept the group's number from being given to others.
        let own_end = self.child_has_ended.then(|| family::reap(&mut self.child).map_or(How::Lost, How::from_status));
        let why = self.ending.and_then(|ending| ending.why).or(too_large);
        let how = match (why, own_end) {
            (Some(why), _) => why,
            (None, Some(How::Signalled(SIGINT) | How::Exited(CTRL_C))) if self.had_terminal => {
                pass_on_ctrl_c(self.interrupt);
                How::Interrupted(SIGINT)
            }
            (None, own_end) => own_end.unwrap_or(How::Lost),
        };
        let (stdout, stdout_error) = self.stdout.map(Stream::into_parts).unwrap_or_default();
        let (stderr, stderr_error) = self.stderr.map(Stream::into_parts).unwrap_or_default();
        Ended {
            how,
            duration: self.started.elapsed(),
            stdout,
            stderr,
            capture_error: stdout_error.or(stderr_error),
            left_behind,
        }
    }
}

/// Ctrl-C reached only the child's group. Without us it would have reached ours too, and with it the script
/// around us, which is to end as it would have then. Our own handler hears it as any other; without one it
/// would end us, so then nobody is told.
fn pass_on_ctrl_c(interrupt: &Interrupt) {
    if interrupt.caught().contains(&SIGINT) {
        let our_group = Pid::from_raw(0);
        let _ = kill(our_group, Signal::SIGINT);
    }
}
