//! Reads a TOML table key by key. Every complaint goes to one place with the span of what it is about, and the
//! keys that nobody asked for are the unknown ones.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::error::{ConfigErrors, Help, Sink, excerpt};
use super::source::Source;
use super::spanned::Spanned;
use super::tree::{self, Entry, Table, Value};
use super::value::{self, Complaint};
use super::word::Word;
use crate::exit_codes::ExitCodes;

/// Parses a text and reads its top table. Either everything was in order, or all errors come at once.
pub(super) fn read_document<T>(
    source: Source,
    text: &str,
    read: impl FnOnce(&mut TableReader<'_>) -> T,
) -> Result<T, ConfigErrors> {
    let sink = Sink::new(Arc::new(source));
    let value = tree::parse(text, &sink).map(|table| {
        let mut reader = TableReader::new(String::new(), &table, table.span(), &sink);
        let value = read(&mut reader);
        reader.finish();
        value
    });
    sink.finish(value)
}

/// Reads one table. A method returns `None` for a key that is absent and for one whose value is wrong; the
/// latter is remembered as an error, so that reading goes on and all errors come at once.
#[derive(Debug)]
pub struct TableReader<'a> {
    name: String,
    entries: &'a Table,
    span: Range<usize>,
    asked: Vec<&'a str>,
    sink: &'a Sink,
}

impl<'a> TableReader<'a> {
    pub(super) fn new(name: String, entries: &'a Table, span: Range<usize>, sink: &'a Sink) -> Self {
        Self { name, entries, span, asked: Vec::new(), sink }
    }

    /// A text, possibly empty.
    pub fn text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.read(key, value::text)
    }

    /// A text that is more than white space.
    pub fn filled_text(&mut self, key: &'static str) -> Option<Spanned<String>> {
        self.read(key, value::filled_text)
    }

    /// A path, as it is written.
    pub fn path(&mut self, key: &'static str) -> Option<Spanned<PathBuf>> {
        self.filled_text(key).map(|path| path.map(PathBuf::from))
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str) -> Option<Spanned<bool>> {
        self.read(key, value::flag)
    }

    /// A whole number from `least` to `most`.
    pub fn integer(&mut self, key: &'static str, least: u32, most: u32) -> Option<Spanned<u32>> {
        self.read(key, |value| value::integer(value, least, most))
    }

    /// A finite number, with or without a fraction.
    pub fn number(&mut self, key: &'static str) -> Option<Spanned<f64>> {
        self.read(key, value::number)
    }

    /// A duration, possibly zero.
    pub fn duration(&mut self, key: &'static str) -> Option<Spanned<Duration>> {
        self.read(key, value::duration)
    }

    /// A duration longer than zero: a limit.
    pub fn limit(&mut self, key: &'static str) -> Option<Spanned<Duration>> {
        self.read(key, |value| match value::duration(value)? {
            Duration::ZERO => Err(Complaint::new("must be longer than nothing", None)),
            limit => Ok(limit),
        })
    }

    /// A duration, or `None` for the one word that stands for "no limit".
    pub fn duration_or(&mut self, key: &'static str, word: &str) -> Option<Spanned<Option<Duration>>> {
        self.read(key, |value| value::duration_or(value, Some(word)))
    }

    /// One of a few words.
    pub fn word<T: Word>(&mut self, key: &'static str) -> Option<Spanned<T>> {
        self.read(key, value::word)
    }

    /// A list of exit codes.
    pub fn exit_codes(&mut self, key: &'static str) -> Option<Spanned<ExitCodes>> {
        let codes = self.list(key, "exit codes", "[0]", |value| value::integer(value, 0, 255))?;
        Some(codes.map(|codes| codes.into_iter().filter_map(|code| u8::try_from(*code).ok()).collect()))
    }

    /// A list of words, each of which is one of a few.
    pub fn words<T: Word>(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<T>>>> {
        let example = T::WORDS.first().map_or("", |(word, _)| word);
        self.list(key, "words", &format!("[{example:?}]"), value::word)
    }

    /// A list of texts that are more than white space.
    pub fn texts(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        self.list(key, "texts", "[\"…\"]", value::filled_text)
    }

    /// A list of texts, each possibly empty: a command's arguments.
    pub fn arguments(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<String>>>> {
        self.list(key, "texts", "[\"program\", \"argument\"]", value::text)
    }

    /// A list of commands, each a list of texts of which the first one names a program.
    pub fn commands(&mut self, key: &'static str) -> Option<Spanned<Vec<Spanned<Vec<String>>>>> {
        self.list(key, "lists of texts", "[[\"program\", \"argument\"]]", value::command)
    }

    /// Complains about a value that was read.
    pub fn refuse<T>(&self, value: &Spanned<T>, message: impl Into<String>, help: Option<Help>) {
        self.sink.push(value.span(), message, help);
    }

    /// Complains about the table as a whole.
    pub fn refuse_table(&self, message: impl Into<String>, help: Option<Help>) {
        self.sink.push(self.span.clone(), message, help);
    }

    /// The value, or a complaint that the table lacks it.
    pub fn required<T>(&self, key: &'static str, value: Option<T>, help: Option<Help>) -> Option<T> {
        // A key that is there has already been complained about.
        if value.is_none() && !self.entries.contains_key(key) {
            self.refuse_table(format!("`{key}` is missing{}", self.within()), help);
        }
        value
    }

    /// Whether the key is there, right or wrong.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Refuses a key that is known but not possible here, and says why.
    pub fn forbid(&mut self, key: &'static str, why: impl fmt::Display, help: Option<Help>) {
        if let Some(entry) = self.entry(key) {
            self.sink.push(entry.key.span(), format!("`{key}` is not possible{}: {why}", self.within()), help);
        }
    }

    /// A table inside this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<TableReader<'a>> {
        let entry = self.entry(key)?;
        let (name, example) = match self.name.as_str() {
            "" => (format!("[{key}]"), format!("[{key}]")),
            outer => (format!("`{key}` of {outer}"), format!("{key} = {{ … }}")),
        };
        self.as_table(key, &entry.value, name, &example)
    }

    /// Each `[[key]]`, in the order of the file.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<TableReader<'a>> {
        let Some(Entry { value, .. }) = self.entry(key) else { return Vec::new() };
        let Value::List(list) = &**value else {
            self.sink.push(value.span(), format!("`{key}` must be a list"), Help::advice(format!("write [[{key}]]")));
            return Vec::new();
        };
        let name = format!("[[{key}]]");
        list.iter().filter_map(|value| self.as_table(key, value, name.clone(), &name)).collect()
    }

    /// Every entry, where the keys are names and not settings: the name, and the table behind it.
    pub(super) fn named_tables(&mut self) -> Vec<(Spanned<String>, TableReader<'a>)> {
        let parent = self.name.trim_matches(['[', ']']).to_owned();
        let named = self.entries.iter().filter_map(|(key, entry)| {
            let shown = excerpt(key);
            let name = format!("[{parent}.{shown}]");
            let table = self.as_table(&shown, &entry.value, name.clone(), &name)?;
            Some((Spanned::new(key.clone(), entry.key.span()), table))
        });
        named.collect()
    }

    /// The names of those unknown keys that are tables themselves. They count as known from then on.
    pub(super) fn take_unknown_tables(&mut self) -> Vec<Spanned<&'a str>> {
        let tables = self.unknown().filter(|(_, entry)| matches!(*entry.value, Value::Table(_)));
        let names: Vec<_> = tables.map(|(key, entry)| Spanned::new(key.as_str(), entry.key.span())).collect();
        self.asked.extend(names.iter().map(|name| **name));
        names
    }

    /// The keys and values of a table as they are, for somebody else to read later.
    pub(super) fn opaque(&mut self, key: &'static str) -> Option<Spanned<Table>> {
        let table = self.table(key)?;
        Some(Spanned::new(table.entries.clone(), table.span))
    }

    /// Keys that were not asked for but are known.
    pub(super) fn know<const N: usize>(&mut self, keys: [&'static str; N]) {
        self.asked.extend(keys);
    }

    /// What the table is called in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Calls the table something else in messages.
    pub(super) fn set_name(&mut self, name: String) {
        self.name = name;
    }

    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    pub(super) fn sink(&self) -> &'a Sink {
        self.sink
    }

    /// Complains about every key that was not asked for, so this ends the reading.
    pub(super) fn finish(self) {
        for (key, entry) in self.unknown() {
            if self.sink.is_full() {
                return;
            }
            let message = format!("unknown key `{}`{}", excerpt(key), self.within());
            self.sink.push(entry.key.span(), message, Help::nearest(key, self.asked.iter().copied()));
        }
    }

    fn unknown(&self) -> impl Iterator<Item = (&'a String, &'a Entry)> {
        self.entries.iter().filter(|(key, _)| !self.asked.contains(&key.as_str()))
    }

    fn within(&self) -> String {
        if self.name.is_empty() { String::new() } else { format!(" in {}", self.name) }
    }

    fn entry(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.asked.push(key);
        self.entries.get(key)
    }

    fn read<T>(
        &mut self,
        key: &'static str,
        convert: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<Spanned<T>> {
        let entry = self.entry(key)?;
        self.converted(key, &entry.value, convert)
    }

    fn converted<T>(
        &self,
        key: &str,
        value: &Spanned<Value>,
        convert: impl FnOnce(&Value) -> Result<T, Complaint>,
    ) -> Option<Spanned<T>> {
        match convert(value) {
            Ok(converted) => Some(Spanned::new(converted, value.span())),
            Err(Complaint { text, help }) => {
                self.sink.push(value.span(), format!("`{key}` {text}"), help);
                None
            }
        }
    }

    /// A list, each of whose elements is complained about by itself. One wrong element spoils the list.
    fn list<T>(
        &mut self,
        key: &'static str,
        of: &str,
        example: &str,
        convert: impl Fn(&Value) -> Result<T, Complaint>,
    ) -> Option<Spanned<Vec<Spanned<T>>>> {
        let Entry { value, .. } = self.entry(key)?;
        let Value::List(list) = &**value else {
            let help = Help::advice(format!("write a list such as {example}"));
            self.sink.push(value.span(), format!("`{key}` must be a list of {of}"), help);
            return None;
        };
        let elements: Vec<_> = list.iter().map(|element| self.converted(key, element, &convert)).collect();
        let elements: Option<Vec<_>> = elements.into_iter().collect();
        Some(Spanned::new(elements?, value.span()))
    }

    fn as_table(&self, key: &str, value: &'a Spanned<Value>, name: String, example: &str) -> Option<TableReader<'a>> {
        let Value::Table(entries) = &**value else {
            let message = format!("`{key}` must be a table{}", self.within());
            self.sink.push(value.span(), message, Help::advice(format!("write {example}")));
            return None;
        };
        Some(Self::new(name, entries, value.span(), self.sink))
    }
}
