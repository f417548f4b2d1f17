//! What `with = { … }` of a reflection may say.

use std::path::PathBuf;
use std::time::Duration;

use fuseboard_pipeline::config::{Help, Spanned, TableReader};

use super::attempts::Caps;
use crate::checker;

/// The word in whose place the prompt is put.
pub(super) const PROMPT: &str = "{prompt}";

/// The options, as the table in [`super`] tells them.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) command: Vec<String>,
    pub(super) file: PathBuf,
    pub(super) at_least: Duration,
    pub(super) keywords: Vec<String>,
    pub(super) journal: Option<PathBuf>,
    pub(super) journal_chars: u32,
    pub(super) caps: Caps,
}

impl Options {
    pub(super) fn read(options: &mut TableReader<'_>) -> Self {
        let example = "[\"claude\", \"-p\", \"--output-format\", \"json\", \"{prompt}\"]";
        let command = checker::command(options, example);
        let command = options.required("command", command, Help::advice(format!("write command = {example}")));
        let command = command.map(Spanned::into_inner).unwrap_or_default();
        check_command(options, &command);
        let file = options.path("file");
        let file = options.required("file", file, Help::advice("write file = \"reflections.md\""));
        let keywords = options.texts("keywords");
        let journal = options.path("journal").map(Spanned::into_inner);
        if let Some(keywords) = &keywords {
            let help = || Help::advice("write journal = \"journal.md\"");
            if journal.is_none() && !options.has("journal") {
                options.refuse(keywords, "`keywords` count only with a `journal`, which is missing", help());
            }
            for keyword in keywords.iter().filter(|keyword| super::words(keyword).trim().is_empty()) {
                options.refuse(keyword, "a keyword needs a letter or a digit", None);
            }
        }
        let max_cost_usd = options.number("max_cost_usd").map_or(1.0, |most| {
            if *most <= 0.0 {
                options.refuse(
                    &most,
                    "`max_cost_usd` must be above 0",
                    Help::advice("write enabled = false to stop it"),
                );
            }
            *most
        });
        Self {
            command: command.into_iter().map(Spanned::into_inner).collect(),
            file: file.map(Spanned::into_inner).unwrap_or_default(),
            at_least: options.limit("at_least").map_or(Duration::from_secs(45 * 60), |time| *time),
            keywords: keywords.into_iter().flat_map(Spanned::into_inner).map(Spanned::into_inner).collect(),
            journal,
            journal_chars: options.integer("journal_chars", 1, 1_000_000).map_or(500, |count| *count),
            caps: Caps { per_day: options.integer("per_day", 1, 100).map_or(4, |count| *count), max_cost_usd },
        }
    }
}

/// Where the prompt is to stand must be plain.
fn check_command(options: &TableReader<'_>, words: &[Spanned<String>]) {
    for word in words.iter().filter(|word| word.contains(PROMPT) && word.as_str() != PROMPT) {
        let help = Help::advice("put it in the place of a whole word: \"{prompt}\"");
        options.refuse(word, "`{prompt}` stands within a word, where its text could be taken for something else", help);
    }
    let mut places = words.iter().enumerate().filter(|(_, word)| word.as_str() == PROMPT);
    if let Some((0, word)) = places.next() {
        options.refuse(word, "`{prompt}` stands in the place of the program", Help::advice("put the agent before it"));
    }
    if let Some((_, word)) = places.next() {
        options.refuse(word, "`{prompt}` stands there twice", Help::advice("leave one out"));
    }
}
