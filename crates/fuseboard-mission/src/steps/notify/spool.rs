//! Messages that could not be delivered, one file each in `spool/notices` of the state folder, until a later
//! run delivers them.
//!
//! A file holds the message and the sink that it was meant for: an outbox by its path, any other by its name. One for
//! no sink, left by something that had none, goes to whichever comes first.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::{PrivateLock, make_private_folder};
use serde::{Deserialize, Serialize};

use super::message::Message;

/// How many messages wait at most; what comes after that is refused.
pub const MOST_WAITING: usize = 1000;

/// How many are tried again by one run.
const AT_ONCE: usize = 100;

/// Largest file, in bytes: a message is far smaller.
const MOST_BYTES: u64 = 64 * 1024;

/// A spool that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the spool {path} {what}: {source}")]
pub struct SpoolError {
    path: PathBuf,
    what: &'static str,
    source: io::Error,
}

/// The spool of a state folder. It is made by the first message.
#[derive(Clone, Debug)]
pub struct Spool(PathBuf);

/// What tells a sink from all others that use the same spool. It holds no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkKey {
    /// An outbox, by its path.
    Outbox(PathBuf),
    /// Any other: what it is, of which step, in which configuration.
    Named(String),
    /// Whichever comes first: told by something that has no sink.
    Any,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    outbox: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sink: Option<String>,
    message: Message,
}

impl Entry {
    fn new(key: &SinkKey, message: &Message) -> Self {
        let (outbox, sink) = match key {
            SinkKey::Outbox(path) => (Some(path.clone()), None),
            SinkKey::Named(name) => (None, Some(name.clone())),
            SinkKey::Any => (None, None),
        };
        Self { outbox, sink, message: message.clone() }
    }

    fn is_for(&self, key: &SinkKey) -> bool {
        match (&self.outbox, &self.sink, key) {
            (None, None, _) => true,
            (Some(meant), _, SinkKey::Outbox(path)) => meant == path,
            (_, Some(meant), SinkKey::Named(name)) => meant == name,
            _ => false,
        }
    }
}

impl Spool {
    /// The spool of this state folder.
    pub fn in_state_folder(state_folder: &Path) -> Self {
        Self(state_folder.join("spool").join("notices"))
    }

    /// Keeps the messages of a run that are meant for this sink, from this one on. One that waits already is kept once.
    ///
    /// # Errors
    /// They cannot be written, or too many wait already.
    pub fn keep(&self, key: &SinkKey, messages: &[Message], from: usize) -> Result<(), SpoolError> {
        if messages.len() <= from {
            return Ok(());
        }
        self.write(key, messages, from).map_err(|error| self.error("cannot be written", error))
    }

    /// How many messages wait.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn waiting(&self) -> Result<usize, SpoolError> {
        Ok(self.files()?.len())
    }

    /// Takes what waits for this sink, oldest first; nothing while another run is at it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn take(&self, key: &SinkKey) -> Result<Taken, SpoolError> {
        let files = self.files()?;
        if files.is_empty() {
            return Ok(Taken::default());
        }
        let lock = File::open(&self.0).map_err(|error| self.error("cannot be read", error))?;
        let Ok(lock) = PrivateLock::try_of(lock) else { return Ok(Taken::default()) };
        // Listed again: another run may have been at it until now.
        let entries = self.files()?.into_iter().filter_map(|path| {
            // What cannot be read stays, and is counted among those that wait.
            let entry = read(&path).filter(|entry| entry.is_for(key))?;
            Some((path, entry.message))
        });
        Ok(Taken { entries: entries.take(AT_ONCE).collect(), _lock: Some(lock) })
    }

    fn write(&self, key: &SinkKey, messages: &[Message], from: usize) -> io::Result<()> {
        make_private_folder(&self.0)?;
        let waiting = self.list()?.len();
        if waiting + messages.len() - from > MOST_WAITING {
            return Err(io::Error::other(format!("{waiting} notices wait already")));
        }
        for (number, message) in messages.iter().enumerate().skip(from) {
            let entry = Entry::new(key, message);
            let name = format!("{}-{:016x}-{number:02}", file_name(&message.run), digest(key));
            let path = self.0.join(&name).with_extension("json");
            // Under its own name only when it is whole. A replay replaces it by the same.
            let part = self.0.join(&name).with_extension("part");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
            file.write_all(&serde_json::to_vec(&entry)?)?;
            file.sync_all()?;
            fs::rename(&part, &path)?;
        }
        File::open(&self.0)?.sync_all()
    }

    fn files(&self) -> Result<Vec<PathBuf>, SpoolError> {
        self.list().map_err(|error| self.error("cannot be read", error))
    }

    /// The files of messages, oldest first: ids of runs are sorted by time.
    fn list(&self) -> io::Result<Vec<PathBuf>> {
        let folder = match fs::read_dir(&self.0) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let paths = folder.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
        let mut files: Vec<_> =
            paths.into_iter().filter(|path| path.extension().is_some_and(|it| it == "json")).collect();
        files.sort();
        Ok(files)
    }

    fn error(&self, what: &'static str, source: io::Error) -> SpoolError {
        SpoolError { path: self.0.clone(), what, source }
    }
}

/// Messages that wait, taken for delivery. Dropped, they wait on.
#[derive(Debug, Default)]
#[must_use = "they wait on until they are done"]
pub struct Taken {
    entries: Vec<(PathBuf, Message)>,
    _lock: Option<PrivateLock>,
}

impl Taken {
    /// The messages, oldest first.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.entries.iter().map(|(_, message)| message)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// So many of them, the oldest, are delivered; the others wait on.
    ///
    /// # Errors
    /// One of them cannot be removed, and will be tried again.
    pub fn done(self, count: usize) -> Result<(), SpoolError> {
        for (path, _) in self.entries.iter().take(count) {
            match fs::remove_file(path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(SpoolError { path: path.clone(), what: "cannot be removed", source });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// An entry, if this is one and no link or pipe.
fn read(path: &Path) -> Option<Entry> {
    if !fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Tells sinks apart, so that two of one run keep a file each.
fn digest(key: &SinkKey) -> u64 {
    let mut hasher = DefaultHasher::new();
    match key {
        SinkKey::Outbox(path) => path.hash(&mut hasher),
        SinkKey::Named(name) => name.hash(&mut hasher),
        SinkKey::Any => {}
    }
    hasher.finish()
}

/// A text as a part of a file's name: it may come from outside.
fn file_name(text: &str) -> String {
    let safe = |char: char| if char.is_ascii_alphanumeric() || char == '-' { char } else { '_' };
    let text: String = text.chars().map(safe).collect();
    text[text.len().saturating_sub(80)..].to_owned()
}
