//! What is kept of a value: its JSON, of bounded length. Where that would be too long, the longest texts in it
//! lose their middle.

use std::borrow::Cow;
use std::io;

use serde::{Serialize, Serializer};
use serde_json::Value;

/// No text is cut shorter than this, in bytes.
const SHORTEST: usize = 256;

/// The JSON of a value in at most `most` bytes; `None` if it has none, or is too long even with short texts.
pub(super) fn encode(value: &impl Serialize, most: usize) -> Option<String> {
    write(value, most).or_else(|| encode_short(&serde_json::to_value(value).ok()?, most))
}

/// The JSON of a step's output in at most `most` bytes. What cannot be cut to fit is left out, and that is said.
pub(super) fn encode_output(output: &Value, most: usize) -> Option<String> {
    let left_out = || write(&format!("[… left out: longer than {most} bytes …]"), most);
    write(output, most).or_else(|| encode_short(output, most)).or_else(left_out)
}

fn encode_short(value: &Value, most: usize) -> Option<String> {
    let shorter = |longest: &usize| Some(longest * 3 / 4).filter(|longest| *longest >= SHORTEST);
    std::iter::successors(Some(most / 16 * 15), shorter).find_map(|longest| write(&Short { value, longest }, most))
}

/// Stops as soon as it is too long, so that a huge value costs no more than a long one.
fn write(value: &impl Serialize, most: usize) -> Option<String> {
    let mut bytes = Bounded { bytes: Vec::new(), most };
    serde_json::to_writer(&mut bytes, value).ok()?;
    String::from_utf8(bytes.bytes).ok()
}

struct Bounded {
    bytes: Vec<u8>,
    most: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A value without the middles of texts that are longer than so many bytes.
struct Short<'a> {
    value: &'a Value,
    longest: usize,
}

impl Serialize for Short<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let longest = self.longest;
        let short = |value| Short { value, longest };
        match self.value {
            Value::String(text) => serializer.serialize_str(&excerpt(text, longest)),
            Value::Array(items) => serializer.collect_seq(items.iter().map(short)),
            Value::Object(fields) => serializer.collect_map(fields.iter().map(|(key, value)| (key, short(value)))),
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_)) => plain.serialize(serializer),
        }
    }
}

fn excerpt(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let head = text.floor_char_boundary(longest / 2);
    let tail = text.ceil_char_boundary(text.len() - longest / 2);
    Cow::Owned(format!("{}\n[… {} bytes left out …]\n{}", &text[..head], tail - head, &text[tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_fits_is_kept_to_the_byte() {
        let value = json!({"a": "ä".repeat(100), "b": [1, null, 0.1]});
        let whole = value.to_string();
        assert_eq!(encode(&value, whole.len()).as_deref(), Some(&*whole));
        assert_ne!(encode_output(&value, whole.len() - 1).as_deref(), Some(&*whole));
    }

    #[test]
    fn the_longest_texts_lose_their_middle_and_say_how_much() {
        let value = json!({"log": "äöü".repeat(1_000_000), "code": 7, "note": "short"});
        let text = encode(&value, 65_536).unwrap();
        assert!((48_000..=65_536).contains(&text.len()), "{}", text.len());
        let kept: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&kept["code"], &kept["note"]), (&json!(7), &json!("short")));
        let log = kept["log"].as_str().unwrap();
        let told: usize = log.split("[… ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let around = log.len() - format!("\n[… {told} bytes left out …]\n").len();
        assert_eq!(told + around, 6_000_000);
    }

    #[test]
    fn texts_that_grow_when_they_are_written_fit_too() {
        let text = encode(&json!({"log": "\u{1}".repeat(100_000)}), 65_536).unwrap();
        assert!(text.len() <= 65_536);
    }

    #[test]
    fn what_has_no_texts_to_cut_is_left_out_as_a_whole_or_refused() {
        let numbers = json!(vec![1; 100_000]);
        assert_eq!(encode(&numbers, 65_536), None);
        assert_eq!(encode_output(&numbers, 65_536).unwrap(), r#""[… left out: longer than 65536 bytes …]""#);
    }
}
