//! Reads what a scanner reports, result by result, so that a long report takes no more room than a short one.

use std::collections::HashMap;
use std::fmt;

use fuseboard_pipeline::process::plain_text;
use serde::Deserializer as _;
use serde::de::{SeqAccess, Visitor};

use super::document::{Component, Descriptor, Document, Entry, Invocation, Level, Named, Run};
use super::place::{Place, Roots};
use super::{MAX_BYTES, VERSION};

/// Longest part of a message that is kept, in bytes.
const MAX_WHY: usize = 200;

/// How many parts of a rule's name may follow that of the rule, and one.
const PARTS: usize = 8;

/// Why a report is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SarifError {
    /// It is larger than [`MAX_BYTES`].
    #[error("it is larger than {} MB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// It is no SARIF of this version, or damaged.
    #[error("it is no SARIF {VERSION} that can be read: {0}")]
    Damaged(String),
    /// The scanner says itself that it did not finish.
    #[error("{0} says that it did not finish its work")]
    Unfinished(String),
}

/// A result that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// The scanner, by its own name; any text.
    pub tool: String,
    /// Its rule; any text, empty if it names none.
    pub rule: String,
    /// How bad it is: as the result says, else as its rule does, else [`Level::Warning`].
    pub level: Level,
    /// Its `security-severity`, from 0 to 10, if the result or its rule tells it.
    pub severity: Option<f64>,
    /// Where it lies; empty if it does not say.
    pub places: Vec<Place>,
    /// Whether the report itself says that it does not count.
    pub suppressed: bool,
    /// Our fingerprint, in a report that we wrote.
    pub fingerprint: Option<String>,
}

/// What a report holds beside its results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The scanners, by their own names; any text.
    pub tools: Vec<String>,
    /// How many results there are in all.
    pub results: usize,
    /// How many of them are none: the problem is gone (`baselineState`), or there never was one (`kind`).
    pub left_out: usize,
}

/// Reads reports on one repository.
#[derive(Clone, Debug)]
pub struct Reader {
    roots: Roots,
}

impl Reader {
    /// For the repository that lies there.
    pub fn new(roots: Roots) -> Self {
        Self { roots }
    }

    /// Reads a report, and hands over each result that counts.
    ///
    /// # Errors
    /// [`SarifError`]; then nothing that was handed over means anything.
    pub fn read(&self, bytes: &[u8], mut each: impl FnMut(Reported)) -> Result<Summary, SarifError> {
        if bytes.len() > MAX_BYTES {
            return Err(SarifError::TooLarge);
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let document: Document<'_> = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
        if document.version != VERSION {
            return Err(SarifError::Damaged(format!("its version is {}", plain(&document.version))));
        }
        if document.runs.0.is_empty() {
            return Err(SarifError::Damaged("it has no run, so that nothing was looked at".to_owned()));
        }
        let mut summary = Summary::default();
        for run in document.runs.0 {
            self.run(run, &mut summary, &mut each)?;
        }
        Ok(summary)
    }

    fn run(&self, run: Run<'_>, summary: &mut Summary, each: &mut impl FnMut(Reported)) -> Result<(), SarifError> {
        let tool = run.tool.driver.name.0.clone();
        if let Some(elsewhere) = run.external_property_file_references
            && (elsewhere.results.is_some() || elsewhere.invocations.is_some())
        {
            return Err(SarifError::Damaged("its results lie in other files".to_owned()));
        }
        if run.invocations.iter().flat_map(|invocations| &invocations.0).any(is_unfinished) {
            return Err(SarifError::Unfinished(plain(&tool)));
        }
        let rules = Rules::of(run.tool.driver, run.tool.extensions.map(|extensions| extensions.0).unwrap_or_default());
        let bases = run.original_uri_base_ids.unwrap_or(Named(Vec::new()));
        summary.tools.push(tool.clone());
        // SARIF 2.1.0, 3.14.23: a run that attempted to detect results has a list of them, if an empty one.
        let Some(results) = run.results else {
            return Err(SarifError::Damaged(format!("{} gives no list of results", plain(&tool))));
        };
        let read = serde_json::Deserializer::from_str(results.get()).deserialize_seq(Each(|entry: Entry| {
            summary.results += 1;
            if !is_result(&entry) {
                summary.left_out += 1;
                return;
            }
            let rule = rules.rule_of(&entry);
            let severity = [entry.properties.as_ref(), rule.and_then(|rule| rule.properties.as_ref())];
            let severity = severity.into_iter().flatten().find_map(|properties| properties.severity);
            let default = rule.and_then(|rule| rule.default_configuration.as_ref()?.level);
            let locations = entry.locations.map(|locations| locations.0).unwrap_or_default();
            each(Reported {
                tool: tool.clone(),
                rule: rule.map(|rule| rule.id.clone()).or(entry.rule_id).map(|name| name.0).unwrap_or_default(),
                level: entry.level.or(default).unwrap_or(Level::Warning),
                severity: severity.map(|severity| severity.0),
                places: locations.into_iter().filter_map(|place| Place::of(place, &bases, &self.roots)).collect(),
                suppressed: entry.suppressions.is_some_and(|suppressions| !suppressions.is_empty()),
                fingerprint: entry.partial_fingerprints.and_then(|fingerprints| fingerprints.ours),
            });
        }));
        read.map_err(|error| damaged(&error))
    }
}

/// 3.20.14 and 3.58.6; a notification without a level is a warning.
fn is_unfinished(invocation: &Invocation) -> bool {
    let notifications = [&invocation.tool_execution_notifications, &invocation.tool_configuration_notifications];
    let mut notifications = notifications.into_iter().flatten().flat_map(|list| &list.0);
    invocation.execution_successful == Some(false) || notifications.any(|told| told.level == Some(Level::Error))
}

/// Whether it tells of a problem that is there (3.27.9, 3.27.24). What is not known counts.
fn is_result(entry: &Entry) -> bool {
    let is_none = matches!(entry.kind.as_deref(), Some("pass" | "notApplicable" | "informational"));
    !is_none && entry.baseline_state.as_deref() != Some("absent")
}

/// The rules of a run: those of the driver by their places, all by their names.
struct Rules {
    all: Vec<Descriptor>,
    of_driver: usize,
    by_name: HashMap<String, usize>,
}

impl Rules {
    fn of(driver: Component, extensions: Vec<Component>) -> Self {
        let rules = |component: Component| component.rules.map(|rules| rules.0).unwrap_or_default();
        let mut all = rules(driver);
        let of_driver = all.len();
        all.extend(extensions.into_iter().flat_map(rules));
        // Of two of one name the first counts.
        let by_name = all.iter().enumerate().rev().map(|(place, rule)| (rule.id.0.clone(), place)).collect();
        Self { all, of_driver, by_name }
    }

    fn rule_of(&self, entry: &Entry) -> Option<&Descriptor> {
        let reference = entry.rule.as_ref();
        let name = entry.rule_id.as_ref().or_else(|| reference?.id.as_ref()).map(|name| name.0.as_str());
        // Of a rule of an extension the place is one there.
        let index = entry.rule_index.filter(|_| reference.is_none_or(|rule| rule.tool_component.is_none()));
        let at = index.and_then(|index| self.all[..self.of_driver].get(usize::try_from(index).ok()?));
        if let Some(rule) = at.filter(|rule| name.is_none_or(|name| name == rule.id.0)) {
            return Some(rule);
        }
        // A rule may have parts: `CA1000/1` is one of `CA1000`.
        let mut names = std::iter::successors(name, |name| name.rsplit_once('/').map(|(whole, _)| whole)).take(PARTS);
        names.find_map(|name| self.all.get(*self.by_name.get(name)?))
    }
}

/// Hands over each entry of a list as it is read.
struct Each<F>(F);

impl<'de, F: FnMut(Entry)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        while let Some(entry) = entries.next_element()? {
            (self.0)(entry);
        }
        Ok(())
    }
}

fn damaged(error: &serde_json::Error) -> SarifError {
    SarifError::Damaged(plain(&error.to_string()))
}

/// A text from a report in a message.
fn plain(text: &str) -> String {
    let text = plain_text(text);
    text[..text.floor_char_boundary(MAX_WHY)].to_owned()
}
