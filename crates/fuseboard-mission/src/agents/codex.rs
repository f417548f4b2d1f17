//! Codex: `codex exec --json`, and the older session log with its `event_msg` lines.
//!
//! | what | where it stands |
//! |---|---|
//! | session | `thread_id` of `thread.started` |
//! | usage | `usage` of the last `turn.completed`, else `payload.info.total_token_usage` of the last `token_count`: running totals of the thread, never added up |
//! | last words | the last `item.completed` whose item is an `agent_message` |
//! | failure | the last turn ended with `turn.failed`; an `error` before a good turn is none |
//!
//! `cached_input_tokens` is a part of `input_tokens`. Codex names no model, no price and no duration.

use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use serde_json::Value;

use super::objects::{Object, count};
use super::{Agent, NO_JSON, Reading, bounded, name};

/// Collects what the lines of an output tell.
#[derive(Default)]
pub(super) struct Reader {
    seen: bool,
    thread: Option<String>,
    words: Option<String>,
    /// How the last turn ended; `None` while none has.
    turn: Option<Result<(), String>>,
    turns: u64,
    usage: Option<Value>,
    complaint: Option<String>,
}

impl Reader {
    /// Whether anything was unmistakably Codex's.
    pub(super) fn has_seen_any(&self) -> bool {
        self.seen
    }

    pub(super) fn take(&mut self, object: &Object<'_>) {
        match object.text("type").as_deref() {
            Some("thread.started") if object.has("thread_id") => {
                // Another thread counts from zero.
                *self = Self { seen: true, thread: name(object, "thread_id"), ..Self::default() };
            }
            Some("turn.completed") => {
                self.seen = true;
                self.turns += 1;
                self.turn = Some(Ok(()));
                self.usage = object.value("usage").or(self.usage.take());
            }
            Some("turn.failed") => {
                self.seen = true;
                self.turns += 1;
                let error = object.value("error").as_ref().and_then(message).or(self.complaint.take());
                self.turn = Some(Err(error.unwrap_or_else(|| "the turn failed".to_owned())));
            }
            Some("error") => self.complaint = object.text("message").map(|text| bounded(&text)),
            Some("item.completed") => {
                if let Some(item) = object.value("item").filter(|item| is(item, "type", "agent_message")) {
                    self.words = item.get("text").and_then(Value::as_str).map(str::to_owned);
                }
            }
            Some("event_msg") => {
                let Some(payload) = object.value("payload") else { return };
                self.seen = true;
                match payload.get("type").and_then(Value::as_str) {
                    Some("token_count") => {
                        let total = payload.pointer("/info/total_token_usage").cloned();
                        self.usage = total.or(self.usage.take());
                    }
                    Some("agent_message") => {
                        self.words = payload.get("message").and_then(Value::as_str).map(str::to_owned);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }

    /// What all of it comes to; `any` tells whether there was any JSON.
    pub(super) fn reading(self, any: bool) -> Reading {
        let measured = match (&self.usage, self.seen, any) {
            (Some(usage), ..) => row(usage).ok_or("the usage in the output holds no counts"),
            (None, true, _) => Err("the output tells no usage: no turn came to its end, or the output was cut"),
            (None, false, true) => Err("the output holds no event of Codex"),
            (None, false, false) => Err(NO_JSON),
        };
        let error = self.turn.as_ref().and_then(|turn| turn.as_ref().err().cloned());
        Reading {
            agent: Some(Agent::Codex),
            session_id: self.thread,
            result_text: self.words,
            ending: self
                .turn
                .as_ref()
                .map(|turn| if turn.is_ok() { "turn.completed" } else { "turn.failed" }.to_owned()),
            is_error: self.turn.as_ref().map(Result::is_err),
            failure: error.as_deref().map(failure),
            error,
            unmeasured: measured.as_ref().err().map(|why| (*why).to_owned()),
            usage: measured.ok().map(|row| vec![row]),
            num_turns: (self.turns > 0).then_some(self.turns),
            ..Reading::default()
        }
    }
}

fn is(value: &Value, field: &str, text: &str) -> bool {
    value.get(field).and_then(Value::as_str) == Some(text)
}

fn message(error: &Value) -> Option<String> {
    error.as_str().or_else(|| error.get("message").and_then(Value::as_str)).map(bounded)
}

/// How it failed, by its own words: Codex has no field for it.
fn failure(error: &str) -> JobFailure {
    let error = error.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| error.contains(word));
    if says(&["usage limit", "rate limit", "quota", "429 too many requests"]) {
        JobFailure::Quota
    } else if says(&["401 unauthorized", "not logged in", "log in again", "invalid api key"]) {
        JobFailure::Login
    } else {
        JobFailure::AgentError
    }
}

fn row(usage: &Value) -> Option<ModelUsage> {
    let of = |field| usage.get(field).and_then(count);
    let (input, cached) = (of("input_tokens"), of("cached_input_tokens"));
    let row = ModelUsage {
        model: None,
        input_uncached: input.map(|input| input.saturating_sub(cached.unwrap_or(0))),
        cache_read: cached,
        cache_write: of("cache_write_input_tokens"),
        output: of("output_tokens"),
        cost_usd: None,
    };
    row.tells_tokens().then_some(row)
}
