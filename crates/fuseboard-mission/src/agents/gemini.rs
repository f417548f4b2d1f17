//! Gemini CLI: `gemini -p` with `--output-format json` or `stream-json`.
//!
//! | what | where it stands |
//! |---|---|
//! | session, model | `session_id` of the answer; in a stream of `init`, which also names the model |
//! | usage | `stats.models.MODEL.tokens`, per model, of this call alone |
//! | last words | `response`; in a stream the `content` of the assistant's messages since the last of somebody else's |
//! | failure | `error`, or `status` other than `success` |
//!
//! What was not cached is `input`, in older versions `prompt` less `cached`; output is `candidates` and `thoughts`. No price.

use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use serde_json::Value;

use super::objects::{Object, count};
use super::{Agent, MOST_TEXT, NO_JSON, Reading, bounded, name};

/// Most models that one call is believed to use.
const MOST_MODELS: usize = 100;

/// Collects what the objects of an output tell.
#[derive(Default)]
pub(super) struct Reader {
    seen: bool,
    session_id: Option<String>,
    model: Option<String>,
    words: Option<String>,
    ending: Option<String>,
    error: Option<(Option<u64>, String)>,
    stats: Option<Value>,
}

impl Reader {
    /// Whether anything was unmistakably Gemini's.
    pub(super) fn has_seen_any(&self) -> bool {
        self.seen
    }

    pub(super) fn take(&mut self, object: &Object<'_>) {
        match object.text("type").as_deref() {
            None => self.take_answer(object),
            Some("init") if object.has("session_id") => {
                (self.session_id, self.model) = (name(object, "session_id"), name(object, "model"));
            }
            Some("message") if object.has("content") => self.take_message(object),
            Some("error") => self.error = object.text("message").map(|text| (None, bounded(&text))),
            Some("result") if object.has("status") => {
                self.seen = true;
                self.ending = name(object, "status");
                self.stats = object.value("stats");
                let error = object.value("error").as_ref().and_then(complaint);
                // An error before a good end was none.
                let failed = self.ending.as_deref() != Some("success");
                self.error = error.or(self.error.take()).filter(|_| failed);
            }
            Some(_) => {}
        }
    }

    fn take_answer(&mut self, object: &Object<'_>) {
        let error = object.value("error").as_ref().and_then(complaint);
        if object.has("stats") && (object.has("response") || error.is_some())
            || object.has("response") && error.is_some()
        {
            self.seen = true;
        }
        if object.has("stats") || object.has("response") || error.is_some() {
            self.session_id = name(object, "session_id").or(self.session_id.take());
            self.words = object.text("response").or(self.words.take());
            self.stats = object.value("stats").or(self.stats.take());
            self.ending = Some(if error.is_some() { "error" } else { "success" }.to_owned());
            self.error = error;
        }
    }

    fn take_message(&mut self, object: &Object<'_>) {
        if !object.is("role", "assistant") {
            self.words = None;
            return;
        }
        let said = self.words.take().unwrap_or_default() + &object.text("content").unwrap_or_default();
        let cut = said.ceil_char_boundary(said.len().saturating_sub(MOST_TEXT));
        self.words = Some(said[cut..].to_owned());
    }

    /// What all of it comes to; `any` tells whether there was any JSON.
    pub(super) fn reading(self, any: bool) -> Reading {
        let measured = match (&self.stats, self.seen, any) {
            (Some(stats), ..) => rows(stats),
            (None, true, _) => Err("the output tells no usage"),
            (None, false, true) => {
                Err("the output holds no answer of Gemini CLI: the agent was ended, or the output was cut")
            }
            (None, false, false) => Err(NO_JSON),
        };
        let is_error = self.ending.as_deref().map(|ending| ending != "success");
        let failure = match &self.error {
            _ if is_error != Some(true) => None,
            Some((Some(41 | 401), _)) => Some(JobFailure::Login),
            Some((Some(429), _)) => Some(JobFailure::Quota),
            _ => Some(JobFailure::AgentError),
        };
        Reading {
            agent: Some(Agent::Gemini),
            session_id: self.session_id,
            model: self.model,
            result_text: self.words,
            is_error,
            failure,
            error: failure
                .map(|_| self.error.map_or_else(|| "the agent says that it failed".to_owned(), |(_, text)| text)),
            ending: self.ending,
            unmeasured: measured.as_ref().err().map(|why| (*why).to_owned()),
            usage: measured.ok(),
            ..Reading::default()
        }
    }
}

/// The code and the text of an error.
fn complaint(error: &Value) -> Option<(Option<u64>, String)> {
    let text = error.as_str().or_else(|| error.get("message").and_then(Value::as_str))?;
    Some((error.get("code").and_then(count), bounded(text)))
}

fn rows(stats: &Value) -> Result<Vec<ModelUsage>, &'static str> {
    let models = stats.get("models").and_then(Value::as_object).ok_or("the statistics name no model")?;
    if models.len() > MOST_MODELS {
        return Err("the statistics name more models than any call uses");
    }
    let rows = models.iter().filter_map(|(model, told)| {
        let tokens = told.get("tokens")?;
        let of = |field| tokens.get(field).and_then(count);
        let cached = of("cached");
        let uncached = of("input").or_else(|| Some(of("prompt")?.saturating_sub(cached.unwrap_or(0))));
        let output = match (of("candidates"), of("thoughts")) {
            (None, None) => None,
            (said, thought) => Some(said.unwrap_or(0).saturating_add(thought.unwrap_or(0))),
        };
        Some(ModelUsage {
            model: Some(bounded(model)),
            input_uncached: uncached,
            cache_read: cached,
            cache_write: None,
            output,
            cost_usd: None,
        })
    });
    let rows: Vec<ModelUsage> = rows.filter(ModelUsage::tells_tokens).collect();
    if rows.is_empty() { Err("the statistics hold no counts") } else { Ok(rows) }
}
