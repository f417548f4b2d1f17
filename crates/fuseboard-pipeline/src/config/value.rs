//! From a TOML value to a typed one, or to what is to be said about it.

use std::time::Duration;

use super::error::{Help, excerpt};
use super::tree::Value;
use super::word::Word;
use crate::duration::{self, DurationError};

/// Why a value is refused; the reader puts the key before it and the place beside it.
#[derive(Debug)]
pub(super) struct Complaint {
    /// Continues a sentence that begins with the key.
    pub(super) text: String,
    pub(super) help: Option<Help>,
}

impl Complaint {
    pub(super) fn new(text: impl Into<String>, help: Option<Help>) -> Self {
        Self { text: text.into(), help }
    }
}

fn wanted(what: &str, value: &Value) -> Complaint {
    wanted_or(what, value, None)
}

fn wanted_or(what: &str, value: &Value, help: Option<Help>) -> Complaint {
    Complaint::new(format!("must be {what}, not {}", described(value)), help)
}

/// A value as a message names it.
fn described(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("\"{}\"", excerpt(text)),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Flag(flag) => flag.to_string(),
        Value::Date => "a date".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    }
}

pub(super) fn text(value: &Value) -> Result<String, Complaint> {
    match value {
        // No file name, argument or environment variable can hold it, and the error would come late.
        Value::Text(text) if text.contains('\0') => Err(Complaint::new("contains a NUL character", None)),
        Value::Text(text) => Ok(text.clone()),
        Value::Integer(_) | Value::Float(_) | Value::Flag(_) => {
            Err(wanted_or("a text", value, Help::advice(format!("write \"{}\"", described(value)))))
        }
        Value::Date | Value::List(_) | Value::Table(_) => Err(wanted("a text", value)),
    }
}

pub(super) fn filled_text(value: &Value) -> Result<String, Complaint> {
    let text = text(value)?;
    if text.trim().is_empty() { Err(Complaint::new("is empty", None)) } else { Ok(text) }
}

/// A program and its arguments, each of which may be empty.
pub(super) fn command(value: &Value) -> Result<Vec<String>, Complaint> {
    let help = || Help::advice("write [[\"program\", \"argument\"]]");
    let Value::List(words) = value else { return Err(wanted_or("a list of lists of texts", value, help())) };
    let words = words.iter().map(|word| text(word)).collect::<Result<Vec<_>, _>>()?;
    match words.first() {
        Some(program) if !program.trim().is_empty() => Ok(words),
        _ => Err(Complaint::new("names no program", help())),
    }
}

pub(super) fn flag(value: &Value) -> Result<bool, Complaint> {
    match value {
        Value::Flag(flag) => Ok(*flag),
        Value::Text(text) if matches!(text.as_str(), "true" | "false") => {
            Err(wanted_or("true or false", value, Help::advice(format!("write {text} without quotes"))))
        }
        other => Err(wanted("true or false", other)),
    }
}

pub(super) fn integer(value: &Value, least: u32, most: u32) -> Result<u32, Complaint> {
    let range = match (least, most) {
        (0, u32::MAX) => "a whole number".to_owned(),
        (_, u32::MAX) => format!("a whole number, at least {least}"),
        _ => format!("a whole number from {least} to {most}"),
    };
    match value {
        Value::Integer(number) => u32::try_from(*number)
            .ok()
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| wanted(&range, value)),
        Value::Text(text) if text.parse::<u32>().is_ok() => {
            Err(wanted_or(&range, value, Help::advice(format!("write {text} without quotes"))))
        }
        other => Err(wanted(&range, other)),
    }
}

pub(super) fn number(value: &Value) -> Result<f64, Complaint> {
    let number = match value {
        Value::Float(number) => Some(*number),
        Value::Integer(number) => number.to_string().parse().ok(), // the nearest one, without a cast
        _ => None,
    };
    // `nan` and `inf` are numbers in TOML, and never what a setting means.
    number.filter(|number: &f64| number.is_finite()).ok_or_else(|| wanted("a number", value))
}

pub(super) fn duration(value: &Value) -> Result<Duration, Complaint> {
    duration_or(value, None).map(Option::unwrap_or_default)
}

/// A duration, or `None` for the one word that stands for "no limit".
pub(super) fn duration_or(value: &Value, word: Option<&str>) -> Result<Option<Duration>, Complaint> {
    let what = match word {
        Some(word) => format!("a duration such as \"5m\", or {word:?}"),
        None => "a duration such as \"5m\"".to_owned(),
    };
    let refuse = |error: &DurationError| Err(wanted_or(&what, value, Help::advice(error.advice())));
    match value {
        Value::Text(text) if word == Some(text) => Ok(None),
        Value::Text(text) => match duration::parse(text) {
            Ok(duration) => Ok(Some(duration)),
            Err(error) => {
                let text = format!("must be {what}, and \"{}\" {error}", excerpt(text));
                Err(Complaint::new(text, Help::advice(error.advice())))
            }
        },
        Value::Integer(_) | Value::Float(_) => {
            let advice = number(value).ok().and_then(duration::with_seconds);
            refuse(&DurationError::NoUnit { advice })
        }
        other => Err(wanted(&what, other)),
    }
}

pub(super) fn word<T: Word>(value: &Value) -> Result<T, Complaint> {
    let words = || T::WORDS.iter().map(|(word, _)| *word);
    let what = match words().map(|word| format!("{word:?}")).collect::<Vec<_>>().as_slice() {
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        all => format!("one of {}", all.join(", ")),
    };
    match value {
        Value::Text(text) => T::of_word(text).ok_or_else(|| wanted_or(&what, value, Help::nearest(text, words()))),
        other => Err(wanted(&what, other)),
    }
}
