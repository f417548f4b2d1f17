//! What other scanners report on the work: read from their output or from files, and scored.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use fuseboard_pipeline::process::{How, Output};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{StepContext, StepError};
use fuseboard_pipeline::sys::open_regular;
use serde_json::{Value, json};

use crate::git::{Diff, FileStatus};
use crate::judged::Judged;
use crate::risk::{Found, Tally};
use crate::sarif::{Level, MAX_BYTES, Place, Reader, Reported, Roots};
use crate::scan::shown_line;

/// How many results on the work are counted.
const MOST: usize = 10_000;

/// How many times one rule of one scanner counts at most.
const MOST_OF_RULE: usize = 3;

/// How many scanners of one report are named.
const TOOLS: usize = 10;

/// Longest name of a scanner or a rule that is shown, in bytes.
const MAX_NAME: usize = 120;

/// All reports on the work, and the score so far.
pub(super) struct Reports<'a> {
    context: &'a StepContext<'a>,
    judged: &'a Judged,
    reader: Reader,
    tally: Tally,
    /// The names of rules that were met, as they may be shown.
    names: BTreeMap<String, (String, String)>,
    /// The numbers of the added lines, in order, of each file that is there.
    added: BTreeMap<&'a Path, Vec<u64>>,
    read: Vec<Value>,
    counted: usize,
    elsewhere: usize,
    suppressed: usize,
    not_counted: usize,
}

impl<'a> Reports<'a> {
    /// None yet; the score is that of the diff.
    pub(super) fn new(
        context: &'a StepContext<'a>,
        judged: &'a Judged,
        diff: &'a Diff,
        tally: Tally,
    ) -> Result<Self, StepError> {
        let there = diff.files.iter().filter(|file| file.status != FileStatus::Deleted);
        let lines = |added: &[(u32, Vec<u8>)]| added.iter().map(|(number, _)| u64::from(*number)).collect();
        Ok(Self {
            context,
            judged,
            reader: Reader::new(Roots { top: judged.root()?, folder: judged.folder()? }),
            tally,
            names: BTreeMap::new(),
            added: there.map(|file| (file.path.as_path(), lines(&file.added))).collect(),
            read: Vec::new(),
            counted: 0,
            elsewhere: 0,
            suppressed: 0,
            not_counted: 0,
        })
    }

    /// Reads a report that an earlier step of this run wrote.
    pub(super) fn add_file(&mut self, path: &Path) -> Result<(), StepError> {
        let path = self.context.config_folder.join(path);
        let shown = shown_line(path.as_os_str().as_encoded_bytes());
        let bytes = self.fresh(&path).map_err(|why| match why {
            Doubt::Git(error) => error,
            Doubt::Why(why) => StepError::new(format!("the report {shown} {why}")),
        })?;
        self.add(&bytes).map_err(|why| StepError::new(format!("the report {shown} tells nothing: {why}")))
    }

    /// The content of a file that the judged work cannot have brought.
    fn fresh(&self, path: &Path) -> Result<Vec<u8>, Doubt> {
        let unreadable = |error: std::io::Error| Doubt::Why(format!("cannot be read: {error}"));
        let file = open_regular(path).map_err(unreadable)?;
        let facts = file.metadata().map_err(unreadable)?;
        let Some(ended) = self.context.job.ended_at else {
            return Err(Doubt::because("cannot be told from one that the job left: nobody knows when it ended"));
        };
        // The second moment is the system's own: no program sets it back, or ahead.
        let moments = [(facts.mtime(), facts.mtime_nsec()), (facts.ctime(), facts.ctime_nsec())];
        if moments.iter().any(|(seconds, nanos)| millis(*seconds, *nanos) < ended) {
            return Err(Doubt::because(
                "is older than the end of the job, which may have left it; let this step wait for the one that writes \
                 it, by `after`",
            ));
        }
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok()).unwrap_or_default();
        let real = folder.join(path.file_name().unwrap_or_default());
        let root = self.judged.root().map_err(|error| Doubt::Git(error.into()))?;
        if let Ok(inside) = real.strip_prefix(root)
            && self.judged.after(inside).map_err(|error| Doubt::Git(error.into()))?.is_some()
        {
            return Err(Doubt::because("is committed: the work could have brought it"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    /// Runs a scanner and reads the report that it prints. Many exit with 1 when they found something.
    pub(super) fn add_scanner(&mut self, words: &[String]) -> Result<(), StepError> {
        let (program, arguments) = words.split_first().ok_or_else(|| StepError::new("no scanner"))?;
        let shown = self.shown(&words.join(" "));
        let command = self.context.command(program)?.args(arguments).stdout(Output::hold(MAX_BYTES));
        let ended = self.context.run(&command);
        if !matches!(ended.how, How::Exited(0 | 1)) {
            let said = ended.in_words(self.context.redactor);
            return Err(StepError::of_end(&ended.how, format!("the scanner {shown} {said}")));
        }
        self.add(&ended.stdout.bytes()).map_err(|why| {
            let said = ended.in_words(self.context.redactor);
            StepError::new(format!("the scanner {shown} tells nothing: {why} ({said})"))
        })
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), String> {
        let reader = self.reader.clone();
        let before = (self.counted, self.elsewhere);
        let summary = reader.read(bytes, |reported| self.count(&reported)).map_err(|error| error.to_string())?;
        self.read.push(json!({
            "tools": summary.tools.iter().take(TOOLS).map(|tool| self.shown(tool)).collect::<Vec<_>>(),
            "results": summary.results,
            "counted": self.counted - before.0,
            "elsewhere": self.elsewhere - before.1,
        }));
        Ok(())
    }

    fn count(&mut self, reported: &Reported) {
        let mut places = reported.places.iter();
        let place = places.find(|place| self.is_of_this_work(place));
        if place.is_none() && !reported.places.is_empty() {
            self.elsewhere += 1;
            return;
        }
        self.suppressed += usize::from(reported.suppressed);
        if self.counted == MOST {
            self.not_counted += 1;
            return;
        }
        self.counted += 1;
        let place = place.and_then(|place| self.name_of(place));
        // By the whole names: what is shown of two may be the same.
        let key = format!("{}\0{}", reported.tool, reported.rule);
        let names = self.names.get(&key).cloned().unwrap_or_else(|| self.names_of(reported));
        let (most, score) = (MOST_OF_RULE, score(reported));
        self.tally.add(Found { key: &key, rule: &names.0, what: &names.1, most, score, place });
        self.names.insert(key, names);
    }

    /// A rule's name, and in words whose it is.
    fn names_of(&self, reported: &Reported) -> (String, String) {
        let (tool, rule) = (self.shown(&reported.tool), self.shown(&reported.rule));
        let rule = if rule.is_empty() { "a rule without a name".to_owned() } else { rule };
        (format!("{tool}/{rule}"), format!("{rule} of {tool}"))
    }

    /// Whether it lies in a line that the work adds; as a whole, in a file that it changes.
    fn is_of_this_work(&self, place: &Place) -> bool {
        place.files.as_ref().is_none_or(|files| files.iter().any(|file| self.is_added(file, place)))
    }

    fn is_added(&self, file: &Path, place: &Place) -> bool {
        self.added.get(file).is_some_and(|added| {
            place.lines.as_ref().is_none_or(|lines| {
                let first = added.partition_point(|line| line < lines.start());
                added.get(first).is_some_and(|line| line <= lines.end())
            })
        })
    }

    /// The place, by the one of its files that the work changes.
    fn name_of(&self, place: &Place) -> Option<String> {
        let file = place.files.as_ref()?.iter().find(|file| self.is_added(file, place))?;
        let line = place.lines.as_ref().map(|lines| format!(":{}", lines.start())).unwrap_or_default();
        Some(format!("{}{line}", shown_line(file.as_os_str().as_encoded_bytes())))
    }

    /// A text from outside, for people.
    fn shown(&self, text: &str) -> String {
        let text = self.context.redactor.redact(text);
        let text = shown_line(text.as_bytes());
        text[..text.floor_char_boundary(MAX_NAME)].to_owned()
    }

    pub(super) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// Why the score may be too low, if it may.
    pub(super) fn not_counted(&self) -> Option<String> {
        let more = self.not_counted;
        (more > 0).then(|| format!("scanners report {more} more results on this work than the {MOST} that are counted"))
    }

    /// All of it in one line, for people.
    pub(super) fn summary(&self) -> String {
        let told = |count: usize, what: &str| if count > 0 { format!("; {count} {what}") } else { String::new() };
        let elsewhere = told(self.elsewhere, "result(s) of scanners lie elsewhere");
        let suppressed = told(self.suppressed, "count although their report takes them out");
        format!("{}{elsewhere}{suppressed}", self.tally.summary())
    }

    /// All of it as JSON.
    pub(super) fn to_json(&self) -> Value {
        let mut all = self.tally.to_json();
        all["scanners"] = self.read.clone().into();
        all["elsewhere"] = self.elsewhere.into();
        all["suppressed"] = self.suppressed.into();
        all["not_counted"] = self.not_counted.into();
        all
    }
}

/// Why a file is not read.
enum Doubt {
    Git(StepError),
    Why(String),
}

impl Doubt {
    fn because(why: &str) -> Self {
        Self::Why(why.to_owned())
    }
}

fn millis(seconds: i64, nanos: i64) -> Stamp {
    Stamp::from_millis(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

/// What a result counts: by its severity, as GitHub cuts the scale (docs.github.com, "SARIF support for code
/// scanning"), where 0 says nothing; else by its level.
fn score(reported: &Reported) -> u32 {
    match (reported.severity, reported.level) {
        (Some(severity), _) if severity >= 9.0 => 12,
        (Some(severity), _) if severity >= 7.0 => 8,
        (Some(severity), _) if severity >= 4.0 => 4,
        (Some(severity), _) if severity > 0.0 => 1,
        (_, Level::Error) => 6,
        (_, Level::Warning) => 3,
        (_, Level::Note) => 1,
        (_, Level::None) => 0,
    }
}
