//! The sink `file`: an outbox to which messages are appended, one JSON object a line, for a person or another program to
//! take.

use std::path::Path;

use fuseboard_pipeline::process::Deadline;

use super::message::Message;
use crate::appended::{AppendError, AppendedFile};

/// Appends messages, all or none. Those which stand near its end already are left out, so that a replayed run tells nothing
/// twice.
///
/// # Errors
/// It cannot be written, is a link or no regular file, or somebody else holds it until the deadline.
pub fn append(outbox: &Path, messages: &[&Message], deadline: Deadline) -> Result<(), AppendError> {
    let turn = AppendedFile::new(outbox).turn(deadline)?;
    let known: Vec<Message> = turn.lines().filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let mut lines = String::new();
    for message in messages.iter().filter(|message| !known.iter().any(|known| known.is_same_as(message))) {
        lines.push_str(&message.to_json());
        lines.push('\n');
    }
    turn.append(lines.as_bytes())
}
