//! What a command or a webhook was told: neither can be looked into, and a run that is played again must tell nothing
//! twice. One small file for each sink in `told` of the state folder, with the newest messages' digests.

use std::path::Path;

use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::{PrivateError, PrivateFolder};

use super::message::Message;

/// How many messages are remembered.
const REMEMBERED: usize = 1000;

/// Largest file, in bytes: a digest and a line feed for each.
const MOST_BYTES: usize = REMEMBERED * 65;

/// The messages that one sink was told.
#[derive(Debug)]
pub(super) struct ToldBefore {
    folder: PrivateFolder,
    name: String,
    known: Vec<String>,
}

impl ToldBefore {
    /// What the sink of this name was told.
    pub(super) fn of(sink: &str, state_folder: &Path) -> Result<Self, PrivateError> {
        let (folder, name) = (PrivateFolder::new(state_folder.join("told")), sha256_hex(sink.as_bytes()));
        let known = read(&folder, &name)?;
        Ok(Self { folder, name, known })
    }

    /// Whether it was told this one.
    pub(super) fn has(&self, message: &Message) -> bool {
        self.known.contains(&message.identity())
    }

    /// Notes that it has been told this one.
    pub(super) fn note(&self, message: &Message, deadline: Deadline) -> Result<(), PrivateError> {
        let _turn = self.folder.lock(&self.name, deadline)?;
        let mut known = read(&self.folder, &self.name)?;
        known.push(message.identity());
        let newest = &known[known.len().saturating_sub(REMEMBERED)..];
        self.folder.write(&self.name, (newest.join("\n") + "\n").as_bytes())
    }
}

fn read(folder: &PrivateFolder, name: &str) -> Result<Vec<String>, PrivateError> {
    let bytes = folder.read(name, MOST_BYTES)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}
