//! Finds the JSON objects in a text that may hold other things, be cut, or be no JSON at all.
//!
//! One object on a line, several on a line, an array (read as its elements, so that a cut one still tells what
//! it holds), and objects over several lines are found; everything between them is skipped. What is looked at
//! in vain is bounded, so that the work grows with the text's length and not faster, and of an object only the
//! fields in [`FIELDS`] are kept, unparsed.

use std::cell::Cell;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Error, Value};

use super::MOST_TEXT;

/// The fields that some agent's format has use for.
const FIELDS: [&str; 46] = [
    "type",
    "subtype",
    "session_id",
    "model",
    "claude_code_version",
    "is_error",
    "api_error_status",
    "error",
    "errors",
    "result",
    "num_turns",
    "duration_ms",
    "total_cost_usd",
    "usage",
    "modelUsage",
    "permission_denials",
    "rate_limit_info",
    "thread_id",
    "payload",
    "response",
    "stats",
    "status",
    "item",
    "message",
    "role",
    "content",
    "metadata",
    "input_tokens",
    "inputTokens",
    "prompt_tokens",
    "promptTokens",
    "output_tokens",
    "outputTokens",
    "completion_tokens",
    "completionTokens",
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cache_read_tokens",
    "cacheReadTokens",
    "cache_creation_input_tokens",
    "cacheCreationInputTokens",
    "cache_write_tokens",
    "cacheWriteTokens",
    "cost_usd",
    "costUSD",
    "costUsd",
];

/// Longest field that is taken apart, in bytes. Those of an agent are far smaller.
const MOST_FIELD: usize = 1024 * 1024;

/// Largest count that is believed: beyond it a number is damage, and sums could not be stored.
const MOST_COUNT: u64 = 1_000_000_000_000_000;

/// Most money that is believed, in US dollars, likewise.
const MOST_MONEY: f64 = 1_000_000.0;

/// An object, as far as its known fields go.
pub(super) struct Object<'a>(Vec<(&'static str, &'a RawValue)>);

impl Object<'_> {
    pub(super) fn has(&self, field: &str) -> bool {
        self.raw(field).is_some()
    }

    /// Whether the field is this text.
    pub(super) fn is(&self, field: &str, text: &str) -> bool {
        self.text(field).is_some_and(|value| value == text)
    }

    /// A text, at most [`MOST_TEXT`] bytes of its end.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        let Text(text) = serde_json::from_str(self.raw(field)?).ok()?;
        let cut = text.len().saturating_sub(MOST_TEXT);
        Some(text[text.ceil_char_boundary(cut)..].to_owned())
    }

    /// A value of moderate size.
    pub(super) fn value(&self, field: &str) -> Option<Value> {
        let raw = self.raw(field).filter(|raw| raw.len() <= MOST_FIELD)?;
        serde_json::from_str(raw).ok()
    }

    pub(super) fn count(&self, field: &str) -> Option<u64> {
        self.value(field).as_ref().and_then(count)
    }

    fn raw(&self, field: &str) -> Option<&str> {
        let (_, raw) = self.0.iter().find(|(name, _)| *name == field)?;
        Some(raw.get()).filter(|raw| *raw != "null")
    }
}

/// A count, written as a number or as a text.
pub(super) fn count(value: &Value) -> Option<u64> {
    let count = match value {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    count.filter(|count| *count <= MOST_COUNT)
}

/// `1e3` is a count too.
fn whole(number: f64) -> Option<u64> {
    let is_whole = number >= 0.0 && number.fract() == 0.0 && number < 9e15;
    is_whole.then(|| format!("{number:.0}").parse().ok()).flatten()
}

/// Money, written as a number or as a text.
pub(super) fn money(value: &Value) -> Option<f64> {
    let money = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    money.filter(|money: &f64| (0.0..=MOST_MONEY).contains(money))
}

/// Tells every object, in order; whether there was any with a known field.
pub(super) fn each<'a>(text: &'a str, mut tell: impl FnMut(&Object<'a>)) -> bool {
    let any = Cell::new(false);
    let mut found = |object: &Object<'a>| {
        if !object.0.is_empty() {
            any.set(true);
            tell(object);
        }
    };
    let mut patience = text.len().saturating_add(64 * 1024);
    for line in text.lines() {
        within(line, AtEnd::Stop, &mut patience, &mut found);
    }
    // Only if no line holds one: what is nested in a line that was cut must not be taken for an event.
    if !any.get() {
        within(text, AtEnd::GoOn, &mut text.len().saturating_mul(4), &mut found);
    }
    any.get()
}

/// What to do about an object that the end of its piece cuts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtEnd {
    /// Look no further.
    Stop,
    /// Look whether something inside it is whole.
    GoOn,
}

fn within<'a>(piece: &'a str, at_end: AtEnd, patience: &mut usize, found: &mut impl FnMut(&Object<'a>)) {
    let mut rest = piece;
    while let Some(start) = rest.find('{') {
        rest = &rest[start..];
        // The braces of prose and of programs are told apart without a parser.
        if !rest[1..].trim_start().starts_with('"') {
            rest = &rest[1..];
            continue;
        }
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Object<'a>>();
        match stream.next() {
            Some(Ok(object)) => {
                found(&object);
                rest = &rest[stream.byte_offset()..];
            }
            Some(Err(error)) => {
                let looked_at = looked_at(rest, &error);
                if (error.is_eof() && at_end == AtEnd::Stop) || looked_at > *patience {
                    return;
                }
                *patience -= looked_at;
                rest = &rest[1..];
            }
            None => return,
        }
    }
}

/// How many bytes were read before the error.
fn looked_at(text: &str, error: &Error) -> usize {
    let lines: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    lines.saturating_add(error.column()).max(1)
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<(&'static str, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut fields: Self::Value = Vec::new();
                while let Some(Text(key)) = map.next_key()? {
                    let Some(name) = FIELDS.into_iter().find(|name| *name == key) else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    };
                    let value = map.next_value()?;
                    fields.retain(|(known, _)| *known != name); // of two the later one counts
                    fields.push((name, value));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Fields).map(Self)
    }
}

/// A text in which half of a surrogate pair is no error: programs that count in UTF-16 write such.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}
