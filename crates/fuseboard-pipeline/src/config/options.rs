//! `with = { … }`: a built-in step's own options, which only the step can read.

use std::path::Path;
use std::sync::Arc;

use super::error::{ConfigErrors, Sink};
use super::source::Source;
use super::spanned::Spanned;
use super::table::TableReader;
use super::tree::{self, Table};

/// The options of one step, not yet looked at, with their places in the file.
///
/// A built-in step reads them once, when the configuration is checked, into a type of its own. What it asks for
/// are its options; every other key is unknown, and all that is wrong is told at once:
///
/// ```
/// use fuseboard_pipeline::config::{Help, StepOptions, TableReader};
///
/// struct Merge {
///     branches: Vec<String>,
///     delete: bool,
/// }
///
/// fn read(options: &mut TableReader<'_>) -> Merge {
///     let branches = options.texts("branches");
///     if let Some(branches) = &branches && branches.is_empty() {
///         options.refuse(branches, "`branches` is empty: nothing could be merged", Help::advice("write [\"agent/*\"]"));
///     }
///     Merge {
///         branches: branches.into_iter().flat_map(|texts| texts.into_inner()).map(|text| text.into_inner()).collect(),
///         delete: options.flag("delete").is_some_and(|delete| *delete),
///     }
/// }
///
/// let options = StepOptions::of_text("branches = ['agent/*']\ndelte = true").unwrap();
/// let errors = options.read(read).err().expect("`delte` is no option");
/// assert_eq!(errors.to_string(), "options:2:1: unknown key `delte` (did you mean `delete`?)");
/// ```
#[derive(Clone)]
pub struct StepOptions {
    step: String,
    table: Spanned<Table>,
    source: Arc<Source>,
}

impl StepOptions {
    pub(super) fn new(step: String, table: Spanned<Table>, source: Arc<Source>) -> Self {
        Self { step, table, source }
    }

    /// Options from a text of their own, for a step's tests.
    ///
    /// # Errors
    /// [`ConfigErrors`] if the text is not valid TOML.
    pub fn of_text(text: &str) -> Result<Self, ConfigErrors> {
        let source = Arc::new(Source::new(Path::new("options"), text));
        let sink = Sink::new(Arc::clone(&source));
        let table = tree::parse(text, &sink);
        Ok(Self { step: String::new(), table: sink.finish(table)?, source })
    }

    /// Whether no option is given.
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// A complaint about the step as a whole.
    pub fn refuse(&self, message: &str) -> ConfigErrors {
        let refused = self.read(|reader| reader.refuse_table(message, None));
        refused.expect_err("a reader that complained has no value")
    }

    /// Reads all options. Keys for which `read` did not ask are unknown.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong; those of several steps of one file are joined with
    /// [`ConfigErrors::and`].
    pub fn read<T>(&self, read: impl FnOnce(&mut TableReader<'_>) -> T) -> Result<T, ConfigErrors> {
        let sink = Sink::new(Arc::clone(&self.source));
        let name = if self.step.is_empty() { String::new() } else { format!("`with` of {}", self.step) };
        let mut reader = TableReader::new(name, &self.table, self.table.span(), &sink);
        let value = read(&mut reader);
        reader.finish();
        sink.finish(Some(value))
    }
}

// The file's text is no part of what the options are, and two texts can hold the same options.
impl PartialEq for StepOptions {
    fn eq(&self, other: &Self) -> bool {
        self.table == other.table
    }
}

impl std::fmt::Debug for StepOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.table.fmt(f)
    }
}
