//! A TOML text as a tree of plain values with spans. Here alone the `toml` crate is named.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeArray, DeTable, DeValue};

use super::error::{Help, Sink};
use super::spanned::Spanned;

/// A value of a TOML file.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Float(f64),
    Flag(bool),
    Date,
    List(Vec<Spanned<Value>>),
    Table(Table),
}

/// The entries of a table by key.
pub(super) type Table = BTreeMap<String, Entry>;

/// The value of a key, and where the key stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) key: Spanned<()>,
    pub(super) value: Spanned<Value>,
}

/// The top table of a text, or `None` with all the mistakes in the sink. Nesting is bounded by the parser.
pub(super) fn parse(text: &str, sink: &Sink) -> Option<Spanned<Table>> {
    let (document, mistakes) = DeTable::parse_recoverable(text);
    for mistake in &mistakes {
        let span = mistake.span().unwrap_or(0..0);
        let help = advice(text, mistake.message(), &span);
        sink.push(span, format!("not valid TOML: {}", mistake.message()), help);
    }
    // What the parser saved of a broken text is guesswork; complaints about that would mislead.
    mistakes.is_empty().then(|| Spanned::new(table(document.get_ref()), document.span()))
}

/// The mistakes that circuit names invite: they may hold `/`, which TOML wants quoted.
fn advice(text: &str, message: &str, span: &Range<usize>) -> Option<Help> {
    let offending = text.get(span.clone())?;
    (message.contains("unquoted key") && offending.starts_with('/'))
        .then(|| Help::Advice("put a name with `/` in quotes: [circuits.\"project/name\"]".to_owned()))
}

fn table(table: &DeTable<'_>) -> Table {
    let entry = |(key, value): (&toml::Spanned<toml::de::DeString<'_>>, &toml::Spanned<DeValue<'_>>)| {
        let entry = Entry { key: Spanned::new((), key.span()), value: spanned(value) };
        (key.get_ref().to_string(), entry)
    };
    table.iter().map(entry).collect()
}

fn list(list: &DeArray<'_>) -> Vec<Spanned<Value>> {
    list.iter().map(spanned).collect()
}

fn spanned(found: &toml::Spanned<DeValue<'_>>) -> Spanned<Value> {
    let value = match found.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        // TOML's integers are 64 bits wide, which the crate leaves to its user. What is larger is no integer.
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Float(number.as_str().parse().unwrap_or(f64::INFINITY)),
        },
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Date,
        DeValue::Array(elements) => Value::List(list(elements)),
        DeValue::Table(entries) => Value::Table(table(entries)),
    };
    Spanned::new(value, found.span())
}
