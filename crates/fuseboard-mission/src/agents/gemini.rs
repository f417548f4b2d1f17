//! Gemini CLI: its output is recognised, and not read by this version.

use super::objects::Object;
use super::{Agent, Reading};

/// Whether this object is the answer of `gemini --output-format json`, or the last line of its stream.
pub(super) fn recognises(object: &Object<'_>) -> bool {
    let is_answer = object.has("response") && !object.has("type");
    let is_last_line = object.is("type", "result") && object.has("status");
    object.has("stats") && (is_answer || is_last_line)
}

/// What is known of its work.
pub(super) fn reading() -> Reading {
    Reading::unmeasured(Some(Agent::Gemini), "this version does not read the output of Gemini CLI")
}
