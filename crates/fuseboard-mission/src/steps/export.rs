//! `export`: renders what is known of the mission once more, in a form for others.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `format` | a [`Format`] | none: it must be given |
//! | `file` | of `activity` and `truth-log`: the file, relative to the configuration's folder | in the state folder |
//! | `folder` | of `journal` and `day`: the folder with one file a day | in the state folder |

mod activity;
mod day;
mod journal;
mod mission;
mod truth_log;

use std::path::PathBuf;

use fuseboard_pipeline::config::{ConfigErrors, Help, Spanned, StepOptions, TableReader, Word};
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told, Written};
use serde_json::json;

use self::mission::Mission;
use crate::journal::DEFAULT_FOLDER;
use crate::place;

/// In which form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One line for people, in a log that is rotated.
    #[default]
    Activity,
    /// One JSON object a line.
    TruthLog,
    /// A section in the day's Markdown.
    Journal,
    /// The day's figures.
    Day,
}

impl Word for Format {
    const WORDS: &'static [(&'static str, Self)] =
        &[("activity", Self::Activity), ("truth-log", Self::TruthLog), ("journal", Self::Journal), ("day", Self::Day)];
}

/// The step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// In which form.
    pub format: Format,
    /// The file or the folder, if it is not the default one.
    pub place: Option<PathBuf>,
}

impl Export {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    fn read(options: &mut TableReader<'_>) -> Self {
        let help = Help::advice("write format = \"activity\", \"truth-log\", \"journal\" or \"day\"");
        let format = options.word::<Format>("format");
        let Some(format) = options.required("format", format, help).map(Spanned::into_inner) else {
            let _ = (options.path("file"), options.path("folder"));
            return Self::default();
        };
        let (place, other, why) = match format {
            Format::Activity | Format::TruthLog => ("file", "folder", "this format is one file"),
            Format::Journal | Format::Day => ("folder", "file", "this format has a file for each day"),
        };
        options.forbid(other, why, Help::advice(format!("write {place} = \"…\"")));
        let path = options.path(place);
        if let Some(path) = path.as_ref().filter(|path| path.file_name().is_none()) {
            options.refuse(path, format!("`{place}` must have a name of its own"), Help::advice("write \"exports\""));
        }
        Self { format, place: path.map(Spanned::into_inner) }
    }
}

impl Step for Export {
    fn writes_files(&self) -> Vec<Written> {
        match (self.format, &self.place) {
            (Format::Activity, Some(log)) => activity::files(log).map(Written::File).collect(),
            (Format::TruthLog, Some(file)) => vec![Written::File(file.clone())],
            (Format::Journal | Format::Day, Some(folder)) => vec![Written::DaysIn(folder.clone())],
            (_, None) => Vec::new(),
        }
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let place = self.place.as_deref();
        let (file, is_new) = match self.format {
            Format::Activity => {
                let file = place::file(context, place, activity::DEFAULT_FILE)?;
                let is_new = activity::append(&file, &Mission::of(context)?, context.deadline)?;
                (file, is_new)
            }
            Format::TruthLog => {
                let file = place::file(context, place, truth_log::DEFAULT_FILE)?;
                let is_new = truth_log::append(&file, &Mission::of(context)?, context.deadline)?;
                (file, is_new)
            }
            Format::Journal => {
                let folder = place::folder(context, place, DEFAULT_FOLDER)?;
                journal::append(&folder, &Mission::of(context)?, context.deadline)?
            }
            Format::Day => (day::write(&place::folder(context, place, day::DEFAULT_FOLDER)?, context)?, true),
        };
        let detail = match (self.format, is_new) {
            (Format::Day, _) => format!("the day's figures are in {}", file.display()),
            (_, true) => format!("added to {}", file.display()),
            (_, false) => format!("it stands in {} already", file.display()),
        };
        Ok(Answer::Done(Told::detail(detail).with(json!({ "file": file, "added": is_new }))))
    }
}
