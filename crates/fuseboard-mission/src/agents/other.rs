//! Agents of no known kind that tell their usage in a common shape.
//!
//! | what | where it stands |
//! |---|---|
//! | usage | the last object with counts of tokens: in its `usage`, `stats` or `metadata`, or in itself |
//! | last words | `result` or `response` of that object |
//!
//! Counts are written `input_tokens`, `inputTokens` or `prompt_tokens`, and alike. Whether the agent succeeded is not taken
//! from an output that nobody knows.

use serde_json::{Map, Value};

use fuseboard_pipeline::job::ModelUsage;

use super::objects::{Object, count, money};
use super::{Reading, bounded, name};

/// Where counts may stand, the object itself apart.
const PLACES: [&str; 3] = ["usage", "stats", "metadata"];

const INPUT: [&str; 4] = ["input_tokens", "inputTokens", "prompt_tokens", "promptTokens"];
const OUTPUT: [&str; 4] = ["output_tokens", "outputTokens", "completion_tokens", "completionTokens"];
const CACHE_READ: [&str; 4] =
    ["cache_read_input_tokens", "cacheReadInputTokens", "cache_read_tokens", "cacheReadTokens"];
const CACHE_WRITE: [&str; 4] =
    ["cache_creation_input_tokens", "cacheCreationInputTokens", "cache_write_tokens", "cacheWriteTokens"];
const COST: [&str; 4] = ["total_cost_usd", "cost_usd", "costUSD", "costUsd"];

/// Collects what the objects of an output tell.
#[derive(Default)]
pub(super) struct Reader {
    session_id: Option<String>,
    found: Option<(ModelUsage, Option<String>)>,
}

impl Reader {
    pub(super) fn take(&mut self, object: &Object<'_>) {
        self.session_id = name(object, "session_id").or(self.session_id.take());
        let own = own_figures(object);
        let places = PLACES.iter().filter_map(|place| object.value(place));
        let row = places.chain([own]).find_map(|figures| row(&figures, object));
        if let Some(row) = row {
            let words = object.text("result").or_else(|| object.text("response"));
            self.found = Some((row, words));
        }
    }

    /// What all of it comes to; `None` if nothing was told.
    pub(super) fn reading(self) -> Option<Reading> {
        let (row, result_text) = self.found?;
        let cost_usd = row.cost_usd;
        let usage = Some(vec![row]);
        Some(Reading { session_id: self.session_id, result_text, usage, cost_usd, ..Reading::default() })
    }
}

/// The figures that stand in the object itself.
fn own_figures(object: &Object<'_>) -> Value {
    let names = [INPUT, OUTPUT, CACHE_READ, CACHE_WRITE, COST].concat();
    let fields = names.into_iter().filter_map(|name| Some((name.to_owned(), object.value(name)?)));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn row(figures: &Value, object: &Object<'_>) -> Option<ModelUsage> {
    let first = |names: [&str; 4]| names.iter().find_map(|name| count(figures.get(name)?));
    let cost = |of: &dyn Fn(&str) -> Option<Value>| COST.iter().find_map(|name| money(&of(name)?));
    let row = ModelUsage {
        model: figures.get("model").and_then(Value::as_str).map(bounded).or_else(|| name(object, "model")),
        input_uncached: first(INPUT),
        cache_read: first(CACHE_READ),
        cache_write: first(CACHE_WRITE),
        output: first(OUTPUT),
        cost_usd: cost(&|name| figures.get(name).cloned()).or_else(|| cost(&|name| object.value(name))),
    };
    // One count alone may be of anything.
    (row.input_uncached.is_some() && row.output.is_some()).then_some(row)
}
