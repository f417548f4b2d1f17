//! Where messages go, and how each kind of sink is told.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use fuseboard::FailureKind;
use fuseboard_pipeline::make_private_folder;
use fuseboard_pipeline::process::{Deadline, How, Stdin, plain_text};
use fuseboard_pipeline::step::{StepContext, StepError};

use super::message::Message;
use super::options::Place;
use super::outbox;
use super::spool::SinkKey;
use super::told::ToldBefore;

/// A sink of messages.
#[derive(Debug)]
pub(super) enum Sink<'a> {
    /// A file to which they are appended.
    Outbox {
        path: PathBuf,
        /// Whether it is ours, in the state folder.
        is_ours: bool,
    },
    /// A program, run once for each message.
    Command { words: &'a [String], name: String },
    /// An address, called once for each message.
    Webhook { place: &'a Place, name: String },
}

/// How far it came.
#[derive(Debug, Default)]
pub(super) struct Delivered {
    /// So many messages, from the first on, are told, now or before.
    pub(super) count: usize,
    /// Why not all of them, or what else went wrong.
    pub(super) trouble: Option<StepError>,
}

impl Sink<'_> {
    /// The name of a sink that is no file. It stays the same when its words or its address change, so that what waits
    /// for the old ones goes to the new ones.
    pub(super) fn name(what: &str, context: &StepContext<'_>) -> String {
        format!("{what} of {} in {}", context.name, context.config_folder.display())
    }

    pub(super) fn key(&self) -> SinkKey {
        match self {
            Self::Outbox { path, .. } => SinkKey::Outbox(path.clone()),
            Self::Command { name, .. } | Self::Webhook { name, .. } => SinkKey::Named(name.clone()),
        }
    }

    /// Tells it these messages in their order, until one cannot be told.
    pub(super) fn tell(&self, messages: &[&Message], context: &StepContext<'_>, until: Deadline) -> Delivered {
        if messages.is_empty() {
            return Delivered::default();
        }
        match self {
            Self::Outbox { path, is_ours } => {
                // A folder that the user named is the user's to make.
                let made = if *is_ours { make_private_folder(context.state_folder) } else { Ok(()) };
                let made = made.map_err(|error| format!("{} cannot be made: {error}", context.state_folder.display()));
                let told = made.and_then(|()| {
                    outbox::append(path, messages, until).map_err(|error| format!("the outbox {error}"))
                });
                match told {
                    Ok(()) => Delivered { count: messages.len(), trouble: None },
                    Err(error) => Delivered { count: 0, trouble: Some(StepError::new(error)) },
                }
            }
            Self::Command { words, name } => {
                one_by_one(name, messages, context, until, |message| run(words, message, context, until))
            }
            Self::Webhook { place, name } => one_by_one(name, messages, context, until, |message| {
                let posted = place.address()?.post(message.to_json(), until, context.interrupt);
                posted.map_err(|error| StepError { message: format!("the webhook {}", error.message), ..error })
            }),
        }
    }
}

/// Tells each message by itself, and remembers it, so that it is told once.
fn one_by_one(
    sink: &str,
    messages: &[&Message],
    context: &StepContext<'_>,
    until: Deadline,
    tell: impl Fn(&Message) -> Result<(), StepError>,
) -> Delivered {
    let unknown = |error| StepError::new(format!("what was told before cannot be noted: {error}"));
    let told = match ToldBefore::of(sink, context.state_folder) {
        Ok(told) => told,
        Err(error) => return Delivered { count: 0, trouble: Some(unknown(error)) },
    };
    let mut delivered = Delivered::default();
    for message in messages {
        if !told.has(message) {
            if until.has_passed() {
                let late = StepError::of(FailureKind::Timeout, "there was no time for all that waits");
                delivered.trouble.get_or_insert(late);
                return delivered;
            }
            if let Err(error) = tell(message) {
                delivered.trouble = Some(error);
                return delivered;
            }
            if let Err(error) = told.note(message, until) {
                delivered.trouble.get_or_insert(unknown(error));
            }
        }
        delivered.count += 1;
    }
    delivered
}

/// Runs the command for one message: as JSON on its standard input, in short in its environment.
fn run(words: &[String], message: &Message, context: &StepContext<'_>, until: Deadline) -> Result<(), StepError> {
    let Some((program, arguments)) = words.split_first() else { return Err(StepError::new("no command")) };
    let input = file_of(message).map_err(|error| StepError::new(format!("no place for a message: {error}")))?;
    let command = context
        .command(program)?
        .args(arguments)
        .stdin(Stdin::File(input))
        .env("FUSEBOARD_NOTICE_SUBJECT", &message.subject)
        .env("FUSEBOARD_NOTICE_SEVERITY", message.severity.to_string())
        .timeout(until.remaining());
    let ended = context.run(&command);
    if ended.how == How::Exited(0) {
        return Ok(());
    }
    let program = context.redactor.redact(&plain_text(program)).into_owned();
    Err(StepError::of_end(&ended.how, format!("the command {program} {}", ended.in_words(context.redactor))))
}

fn file_of(message: &Message) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(message.to_json().as_bytes())?;
    file.write_all(b"\n")?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}
