//! Claude Code: `claude -p` with `--output-format json` or `stream-json`, with or without `--verbose`.
//!
//! | what | where it stands |
//! |---|---|
//! | everything of the end | the last object with `type: "result"`; results are never added up |
//! | usage | `modelUsage`, per model; without it `usage`, which is the main loop's alone |
//! | success | `subtype` is `success`, not `is_error`, and `api_error_status` neither 4xx nor 5xx |
//! | not logged in | `api_error_status` 401, or the last message's `error: "authentication_failed"` |
//! | either | a failed result's own words begin as those of `words.rs` do |
//! | limit | `api_error_status` 429, the last message's `error: "rate_limit"`, or the last `rate_limit_event` rejected |
//!
//! Every number may be written as a text or be null.

use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use fuseboard_pipeline::stamp::Stamp;
use serde_json::Value;

use super::objects::{Object, count, money};
use super::{Agent, NO_JSON, Reading, bounded, name, words};

/// Most models that one session is believed to use.
const MOST_MODELS: usize = 100;

/// Most refused tools that are named.
const MOST_DENIED: usize = 20;

/// Collects what the objects of an output tell.
#[derive(Default)]
pub(super) struct Reader {
    seen: bool,
    session_id: Option<String>,
    model: Option<String>,
    version: Option<String>,
    fault: Option<JobFailure>,
    limit: Limit,
    result: Option<Reading>,
}

/// What the last `rate_limit_event` says.
#[derive(Default)]
struct Limit {
    rejected: bool,
    resets_at: Option<Stamp>,
}

impl Reader {
    /// Whether anything was Claude's.
    pub(super) fn has_seen_any(&self) -> bool {
        self.seen
    }

    pub(super) fn take(&mut self, object: &Object<'_>) {
        match object.text("type").as_deref() {
            Some("system") if object.is("subtype", "init") => {
                self.seen = true;
                self.session_id = name(object, "session_id");
                self.model = name(object, "model");
                self.version = name(object, "claude_code_version");
            }
            Some("assistant") if object.has("session_id") => {
                self.seen = true;
                self.fault = object.text("error").and_then(|word| match word.as_str() {
                    "authentication_failed" => Some(JobFailure::Login),
                    "rate_limit" => Some(JobFailure::Quota),
                    _ => None,
                });
            }
            Some("rate_limit_event") => {
                self.seen = true;
                if let Some(info) = object.value("rate_limit_info") {
                    self.limit = Limit::of(&info);
                }
            }
            Some("result") if object.has("subtype") || object.has("is_error") => {
                self.seen = true;
                self.result = Some(self.result_of(object));
            }
            _ => {}
        }
    }

    /// What all of it comes to; `any` tells whether there was any JSON.
    pub(super) fn reading(self, any: bool) -> Reading {
        let mut reading = self.result.unwrap_or_else(|| {
            let why = match (self.seen, any) {
                (true, _) => "the output ends before the result: the agent was ended, or the output was cut",
                (false, true) => "the output holds no result of Claude Code",
                (false, false) => NO_JSON,
            };
            Reading::unmeasured(Some(Agent::Claude), why)
        });
        reading.session_id = reading.session_id.or(self.session_id);
        reading.model = self.model;
        reading.version = self.version;
        reading
    }

    fn result_of(&self, object: &Object<'_>) -> Reading {
        let status = object.count("api_error_status").filter(|status| (400..600).contains(status));
        let ending = name(object, "subtype");
        let is_error = is_error(object, ending.as_deref(), status);
        let failure = (is_error == Some(true)).then(|| match status {
            Some(401) => JobFailure::Login,
            Some(429) => JobFailure::Quota,
            _ if self.limit.rejected => self.fault.unwrap_or(JobFailure::Quota),
            _ => self.fault.unwrap_or(JobFailure::AgentError),
        });
        let result_text = object.text("result");
        let cost_usd = object.value("total_cost_usd").as_ref().and_then(money);
        let measured = rows(object, self.model.as_deref(), cost_usd);
        let error = (is_error == Some(true)).then(|| error_line(object, result_text.as_deref(), ending.as_deref()));
        // Older versions say it in words alone.
        let in_words = || Some(words::in_text(error.as_deref()?, Stamp::from_millis(0))?.failure);
        let failure = failure.map(|failure| match failure {
            JobFailure::AgentError => in_words().unwrap_or(failure),
            other => other,
        });
        Reading {
            agent: Some(Agent::Claude),
            version: None,
            session_id: name(object, "session_id"),
            model: None,
            result_text,
            ending,
            is_error,
            failure,
            error,
            unmeasured: measured.as_ref().err().map(|why| (*why).to_owned()),
            usage: measured.ok(),
            cost_usd,
            num_turns: object.count("num_turns"),
            duration_ms: object.count("duration_ms"),
            denied: denied(object),
            limit_resets_at: if failure == Some(JobFailure::Quota) { self.limit.resets_at } else { None },
        }
    }
}

impl Limit {
    fn of(info: &Value) -> Self {
        // Seconds since 1970.
        let resets_at = info.get("resetsAt").and_then(count).and_then(|at| i64::try_from(at).ok());
        Self {
            rejected: info.get("status").and_then(Value::as_str) == Some("rejected"),
            resets_at: resets_at.map(|at| Stamp::from_millis(at.saturating_mul(1000))),
        }
    }
}

/// What the result says of itself; `None` if it does not.
fn is_error(object: &Object<'_>, ending: Option<&str>, status: Option<u64>) -> Option<bool> {
    let flag = match object.value("is_error") {
        Some(Value::Bool(flag)) => Some(flag),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    if flag == Some(true) || status.is_some() {
        return Some(true);
    }
    match ending {
        Some(ending) => Some(ending != "success"),
        None => flag,
    }
}

/// One row per model, or why there is none.
fn rows(object: &Object<'_>, model: Option<&str>, cost_usd: Option<f64>) -> Result<Vec<ModelUsage>, &'static str> {
    if let Some(Value::Object(models)) = object.value("modelUsage") {
        if models.len() > MOST_MODELS {
            return Err("the result names more models than any session uses");
        }
        let rows = models.iter().map(|(name, usage)| ModelUsage {
            model: Some(bounded(name)),
            input_uncached: usage.get("inputTokens").and_then(count),
            cache_read: usage.get("cacheReadInputTokens").and_then(count),
            cache_write: usage.get("cacheCreationInputTokens").and_then(count),
            output: usage.get("outputTokens").and_then(count),
            cost_usd: usage.get("costUSD").and_then(money),
        });
        let rows: Vec<_> = rows.filter(ModelUsage::tells_tokens).collect();
        if !rows.is_empty() {
            return Ok(rows);
        }
    }
    let usage = object.value("usage").ok_or("the result tells no usage")?;
    let row = ModelUsage {
        model: model.map(str::to_owned),
        input_uncached: usage.get("input_tokens").and_then(count),
        cache_read: usage.get("cache_read_input_tokens").and_then(count),
        cache_write: usage.get("cache_creation_input_tokens").and_then(count),
        output: usage.get("output_tokens").and_then(count),
        cost_usd,
    };
    if row.tells_tokens() { Ok(vec![row]) } else { Err("the usage in the result holds no counts") }
}

/// What went wrong, in one line: the first error, else the last words, else the ending.
fn error_line(object: &Object<'_>, result: Option<&str>, ending: Option<&str>) -> String {
    let errors = object.value("errors");
    let first = errors.as_ref().and_then(|errors| errors.get(0)).and_then(Value::as_str);
    let line = first.or(result).and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
    bounded(line.or(ending).unwrap_or("the agent says that it failed"))
}

fn denied(object: &Object<'_>) -> Vec<String> {
    let Some(Value::Array(denials)) = object.value("permission_denials") else { return Vec::new() };
    let mut tools: Vec<String> =
        denials.iter().filter_map(|denial| denial.get("tool_name")?.as_str().map(bounded)).collect();
    tools.sort();
    tools.dedup();
    tools.truncate(MOST_DENIED);
    tools
}
