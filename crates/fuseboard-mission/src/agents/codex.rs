//! Codex: its output is recognised, and not read by this version.

use super::objects::Object;
use super::{Agent, Reading};

/// Whether this line of `codex exec --json` is unmistakable.
pub(super) fn recognises(object: &Object<'_>) -> bool {
    let Some(kind) = object.text("type") else { return false };
    kind == "thread.started" && object.has("thread_id")
        || matches!(kind.as_str(), "turn.completed" | "turn.failed")
        || kind == "event_msg" && object.has("payload")
}

/// What is known of its work.
pub(super) fn reading() -> Reading {
    Reading::unmeasured(Some(Agent::Codex), "this version does not read the output of Codex")
}
