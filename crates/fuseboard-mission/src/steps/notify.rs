//! `notify`: tells a person what needs one, and nothing after a healthy run but that it was one.
//!
//! | told | severity |
//! |---|---|
//! | a circuit of this run opened | warning |
//! | a circuit of this run closed | info |
//! | gates held back an action, or gave no verdict | action |
//! | the job failed | action; not logged in: urgent; the agent's limit: warning; stopped by somebody: info |
//! | the mission is stuck | action |
//!
//! Each sink gets each message once, and none waits for another that is broken. What cannot be delivered to one of them
//! waits for it in the spool (`spool/notices` in the state folder), the step fails, so that its circuit sees it, and
//! the next run tries again. The heartbeat goes last, since it tells of the sinks, too: it says that the run was well
//! only if what was to be told could be told.

mod message;
mod notices;
mod options;
pub mod outbox;
mod sink;
pub mod spool;
mod told;

use std::path::PathBuf;
use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told, Written};
use serde_json::json;

pub use self::message::{MOST_SUBJECT, MOST_TEXT, Message, Notice, Severity};
pub use self::notices::notices;
pub use self::options::Place;
use self::sink::Sink;
use self::spool::{Spool, Taken};

/// The outbox unless another file is named, in the state folder.
pub const DEFAULT_FILE: &str = "outbox.jsonl";

/// How long a sink, or the heartbeat, is waited for at most; less if the others would come too short.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `file` | the outbox: one JSON object a line, appended; relative to the configuration's folder | `outbox.jsonl` in the state folder, if there is neither `command` nor `webhook` |
/// | `command` | a program and its words, no shell; run once for each message, which it gets as JSON on its standard input, its subject and severity as `FUSEBOARD_NOTICE_SUBJECT` and `FUSEBOARD_NOTICE_SEVERITY` | none |
/// | `webhook` | an address to which each message is posted as JSON: `https`, or `http` on this machine | none |
/// | `webhook_env` | the variable of the environment that holds it | none |
/// | `ping` | the heartbeat: an address that is got after each run; with `/fail` at the end of its path if the job failed or a sink did | none |
/// | `ping_env` | the variable of the environment that holds it | none |
/// | `least` | the least severity that is told: `info`, `warning`, `action`, `urgent` | `info` |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// The outbox, if it is not the default one.
    pub file: Option<PathBuf>,
    /// The command; empty if there is none.
    pub command: Vec<String>,
    /// The webhook's address.
    pub webhook: Option<Place>,
    /// The heartbeat's address.
    pub ping: Option<Place>,
    /// The least severity that is told.
    pub least: Severity,
}

impl Default for Notify {
    fn default() -> Self {
        Self { file: None, command: Vec::new(), webhook: None, ping: None, least: Severity::Info }
    }
}

/// What came of all sinks.
#[derive(Debug, Default)]
struct Tally {
    retried: usize,
    troubles: Vec<StepError>,
}

impl Notify {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    fn new_messages(&self, context: &StepContext<'_>) -> Vec<Message> {
        let (job, at) = (context.job, Stamp::from(SystemClock.wall()));
        notices(job, context.ended, context.circuits)
            .iter()
            .filter(|notice| notice.severity >= self.least)
            .map(|notice| Message::new(notice, at, context.run, &job.project.name, context.redactor))
            .collect()
    }

    fn sinks(&self, context: &StepContext<'_>) -> Vec<Sink<'_>> {
        let mut sinks = Vec::new();
        if let Some(file) = &self.file {
            sinks.push(Sink::Outbox { path: context.config_folder.join(file), is_ours: false });
        } else if self.command.is_empty() && self.webhook.is_none() {
            sinks.push(Sink::Outbox { path: context.state_folder.join(DEFAULT_FILE), is_ours: true });
        }
        if !self.command.is_empty() {
            sinks.push(Sink::Command { words: &self.command, name: Sink::name("command", context) });
        }
        if let Some(place) = &self.webhook {
            sinks.push(Sink::Webhook { place, name: Sink::name("webhook", context) });
        }
        sinks
    }

    fn beat(&self, is_well: bool, context: &StepContext<'_>) -> Result<Option<&'static str>, StepError> {
        let Some(place) = &self.ping else { return Ok(None) };
        let (address, word) = (place.address()?, if is_well { "success" } else { "fail" });
        let too_long = |error| StepError::new(format!("the heartbeat's address {error}"));
        let address = if is_well { address } else { address.with(word).map_err(too_long)? };
        let beaten = within(context, 1, |until| address.get(until, context.interrupt));
        beaten.map_err(|error| StepError { message: format!("the heartbeat {}", error.message), ..error })?;
        Ok(Some(word))
    }
}

impl Step for Notify {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let (job, new) = (context.job, self.new_messages(context));
        let spool = Spool::in_state_folder(context.state_folder);
        let (mut tally, sinks) = (Tally::default(), self.sinks(context));
        for (sink, before) in sinks.iter().zip(0..) {
            let left = sinks.len() - before + usize::from(self.ping.is_some());
            tally.tell(sink, &new, &spool, context, left);
        }
        let beaten = self.beat(job.succeeded && tally.troubles.is_empty(), context);
        let beaten = beaten.unwrap_or_else(|error| {
            tally.troubles.push(error);
            None
        });
        let waiting = spool.waiting().map_err(|error| StepError::new(error.to_string()));
        match waiting {
            Ok(waiting) if tally.troubles.is_empty() => {
                let output =
                    json!({ "notices": new.len(), "retried": tally.retried, "waiting": waiting, "heartbeat": beaten });
                let summary = summary(new.len(), tally.retried, waiting, beaten);
                Ok(Answer::Done(Told::detail(summary).with(output)))
            }
            waiting => Err(tally.error(waiting)),
        }
    }

    fn left_out(&self, context: &StepContext<'_>) -> Option<String> {
        let new = self.new_messages(context);
        let spool = Spool::in_state_folder(context.state_folder);
        let kept = self.sinks(context).iter().try_for_each(|sink| spool.keep(&sink.key(), &new, 0));
        match kept {
            Ok(()) if new.is_empty() => None,
            Ok(()) => Some(format!("what it had to tell waits in the spool: {}", new.len())),
            Err(error) => Some(format!("what it had to tell is lost: {}, because {error}", new.len())),
        }
    }

    fn names_files(&self) -> Vec<String> {
        self.command.clone()
    }

    fn writes_files(&self) -> Vec<Written> {
        self.file.iter().cloned().map(Written::File).collect()
    }
}

impl Tally {
    /// Tells a sink what waits for it and what is new. `left` sinks are not done yet, this one included.
    fn tell(&mut self, sink: &Sink<'_>, new: &[Message], spool: &Spool, context: &StepContext<'_>, left: usize) {
        let key = sink.key();
        // What waits goes first, so that the order stays. A broken spool holds up nothing new.
        let waiting = spool.take(&key).unwrap_or_else(|error| {
            self.troubles.push(StepError::new(error.to_string()));
            Taken::default()
        });
        let all: Vec<&Message> = waiting.messages().chain(new).collect();
        let mut count = 0;
        let told = within(context, left, |until| {
            let delivered = sink.tell(&all, context, until);
            count = delivered.count;
            delivered.trouble.map_or(Ok(()), Err)
        });
        self.troubles.extend(told.err());
        let old = count.min(waiting.len());
        self.retried += old;
        if let Err(error) = waiting.done(old) {
            self.troubles.push(StepError::new(error.to_string()));
        }
        let done = count - old;
        if let Err(error) = spool.keep(&key, new, done) {
            let lost = format!("lost of this run: {}, because {error}", new.len() - done);
            self.troubles.push(StepError::new(lost));
        }
    }

    /// All that went wrong, in one. It is a cut if nothing but cuts went wrong.
    fn error(mut self, waiting: Result<usize, StepError>) -> StepError {
        let wait = waiting.map(|count| (count > 0).then(|| format!("waiting in the spool: {count}")));
        let wait = wait.unwrap_or_else(|error| {
            self.troubles.push(error);
            None
        });
        let kind = self.troubles.iter().find_map(|trouble| trouble.kind);
        let mut messages: Vec<String> = self.troubles.into_iter().map(|trouble| trouble.message).collect();
        messages.dedup();
        messages.extend(wait);
        StepError { kind, message: messages.join("; ") }
    }
}

/// Does this until the patience ends, or this one's share of the time that is left for so many. That a share was too
/// short is nobody's fault.
fn within<T>(
    context: &StepContext<'_>,
    left: usize,
    work: impl FnOnce(Deadline) -> Result<T, StepError>,
) -> Result<T, StepError> {
    let share = context.deadline.remaining().map(|rest| rest / u32::try_from(left).unwrap_or(u32::MAX).max(1));
    let is_short = share.is_some_and(|share| share < PATIENCE);
    let limit = if is_short { share.unwrap_or(PATIENCE) } else { PATIENCE };
    work(Deadline::after(limit)).map_err(|error| match error.kind {
        Some(FailureKind::Timeout) if is_short => StepError { kind: None, ..error },
        _ => error,
    })
}

fn summary(new: usize, retried: usize, still: usize, beaten: Option<&str>) -> String {
    let told = match new {
        0 => "nothing to tell".to_owned(),
        1 => "told 1 notice".to_owned(),
        new => format!("told {new} notices"),
    };
    let retried = (retried > 0).then(|| format!("told {retried} of earlier runs"));
    let still = (still > 0).then(|| format!("waiting in the spool: {still}"));
    let beaten = beaten.map(|word| format!("heartbeat sent: {word}"));
    [Some(told), retried, still, beaten].into_iter().flatten().collect::<Vec<_>>().join("; ")
}
