//! `reflect`: asks an agent for a short retrospective of a significant mission, and appends it to a file.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `command` | the agent and its arguments; no shell. The prompt is put in the place of the word `{prompt}`, else it is the last argument | required |
//! | `file` | where the answer is appended; relative to the configuration's folder, which, as any other, must exist | required |
//! | `at_least` | a mission that took so long is significant | 45m |
//! | `keywords` | so is one with one of these words in its title or its last words, and a long journal | none |
//! | `journal` | the file with the journal; relative to the configuration's folder | none |
//! | `journal_chars` | from how many characters on a journal is long | 500 |
//! | `per_day` | how often the agent is asked on one local day at most | 4 |
//! | `max_cost_usd` | once it has cost so much on one local day, it is not asked again that day | 1.0 |
//!
//! What an answer costs is known when it is there, by the agent's own word: the one that reaches `max_cost_usd` is the last
//! of its day, and may go beyond. An agent that tells no cost is held by `per_day` alone.

mod attempts;
mod options;
mod prompt;

use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::day::{Day, local_time};
use fuseboard_pipeline::duration;
use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::process::{Ended, How, Output, plain_text};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told, Written};
use fuseboard_pipeline::sys::open_regular;
use serde_json::json;

use self::attempts::Attempts;
use self::options::{Options, PROMPT};
use self::prompt::{end_of, plain_lines, prompt};
use crate::agents::{AgentKind, Reading, judge, read_text};
use crate::appended::{AppendError, AppendedFile};

/// How much the agent may print, in bytes.
const MOST_OUTPUT: usize = 4 * 1024 * 1024;

/// Longest answer that is kept, in bytes.
const MOST_ANSWER: usize = 8000;

/// How much of a journal's end is read, in bytes.
const MOST_JOURNAL: u64 = 64 * 1024;

/// Longest title in a heading, in bytes.
const MOST_TITLE: usize = 200;

/// The step.
#[derive(Clone, Debug)]
pub struct Reflect {
    options: Options,
}

impl Reflect {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|options| Self { options: Options::read(options) })
    }

    /// Why the mission is significant.
    fn significance(&self, job: &Job, took: Option<Duration>, journal: Option<&str>) -> Option<String> {
        let options = &self.options;
        if let Some(took) = took.filter(|took| *took >= options.at_least) {
            return Some(format!("it took {}", duration::format(Duration::from_secs(took.as_secs()))));
        }
        let length = journal?.trim().chars().count();
        if length < usize::try_from(options.journal_chars).unwrap_or(usize::MAX) {
            return None;
        }
        let said = [job.title.as_deref(), job.result_text.as_deref()].into_iter().flatten();
        let said: String = said.map(words).collect();
        let keyword = options.keywords.iter().find(|keyword| said.contains(&words(keyword)))?;
        Some(format!("{:?} is in its words, and its journal is long", plain_text(keyword)))
    }

    fn ask(&self, context: &StepContext<'_>, prompt: &str) -> Result<Ended, StepError> {
        let (program, words) = self.options.command.split_first().ok_or_else(|| StepError::new("no command"))?;
        let has_place = words.iter().any(|word| word == PROMPT);
        let words = words.iter().map(|word| if word == PROMPT { prompt } else { word });
        let command = context.command(program)?.stdout(Output::hold(MOST_OUTPUT)).args(words);
        let command = if has_place { command } else { command.args([prompt]) };
        Ok(context.run(&command))
    }
}

impl Step for Reflect {
    fn calls_agent(&self) -> bool {
        true
    }

    fn names_files(&self) -> Vec<String> {
        self.options.command.iter().filter(|word| *word != PROMPT).cloned().collect()
    }

    fn writes_files(&self) -> Vec<Written> {
        vec![Written::File(self.options.file.clone())]
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let job = context.job;
        let took = job.started_at.zip(job.ended_at).map(|(started, ended)| ended.since(started));
        let journal = self.options.journal.as_ref().map(|file| read_journal(&context.config_folder.join(file)));
        let journal = journal.transpose()?.flatten();
        let Some(why) = self.significance(job, took, journal.as_deref()) else {
            return Ok(Answer::NotApplicable("the mission was not significant".to_owned()));
        };
        let file = context.config_folder.join(&self.options.file);
        let mark = format!("<!-- fuseboard reflect {} -->", plain_text(context.run));
        // Looked at before anything is paid for.
        if is_marked(&file, &mark, context).map_err(|error| unwritten(&error))? {
            return Ok(Answer::Done(Told::detail("written already")));
        }
        let now = Stamp::from(SystemClock.wall());
        let attempts = Attempts::of(context.name, context.state_folder, context.deadline);
        let uncounted = |error| StepError::new(format!("cannot count how often the agent was asked: {error}"));
        if let Err(enough) = attempts.begin(context.run, now, self.options.caps).map_err(uncounted)? {
            // No refusal: of those a person is told, each time.
            return Ok(Answer::NotApplicable(enough));
        }
        let ended = self.ask(context, &prompt(context, took, journal.as_deref()))?;
        let printed = String::from_utf8_lossy(&ended.stdout.bytes()).into_owned();
        let reading = read_text(AgentKind::Auto, &printed);
        let cost = cost_of(&reading);
        if let Some(cost) = cost {
            attempts.cost(context.run, cost).map_err(uncounted)?;
        }
        let answer = answer(context, &ended, &reading, &printed)?;
        let entry = entry(context, job.ended_at.unwrap_or(now), &mark, &answer);
        let turn = AppendedFile::new(&file).turn(context.deadline).map_err(|error| unwritten(&error))?;
        let gap = if turn.length() > 0 { "\n" } else { "" };
        turn.append(format!("{gap}{entry}").as_bytes()).map_err(|error| unwritten(&error))?;
        let paid = cost.map_or("cost unknown".to_owned(), |cost| format!("${cost:.4}"));
        let output = json!({
            "file": file.display().to_string(),
            "why": why,
            "text": answer,
            "cost_usd": cost,
        });
        Ok(Answer::Done(Told::detail(format!("{why}; appended to {}; {paid}", file.display())).with(output)))
    }
}

/// Only letters and digits, small, with one blank around each word.
fn words(text: &str) -> String {
    let text = text.to_lowercase();
    let words = text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(" ".to_owned(), |said, word| said + word + " ")
}

/// The end of the journal; `None` if there is none.
fn read_journal(path: &Path) -> Result<Option<String>, StepError> {
    let file = match open_regular(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file,
    };
    let text = file.and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(MOST_JOURNAL)))?;
        let mut bytes = Vec::new();
        file.take(MOST_JOURNAL).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    });
    text.map(Some).map_err(|error| StepError::new(format!("cannot read the journal {}: {error}", path.display())))
}

fn is_marked(file: &Path, mark: &str, context: &StepContext<'_>) -> Result<bool, AppendError> {
    let turn = AppendedFile::new(file).turn(context.deadline)?;
    Ok(turn.lines().any(|line| line == mark.as_bytes()))
}

fn unwritten(error: &AppendError) -> StepError {
    StepError::new(format!("cannot keep the reflection: {error}"))
}

/// What the agent says that it cost.
fn cost_of(reading: &Reading) -> Option<f64> {
    let rows = || reading.usage.as_ref()?.iter().map(|row| row.cost_usd).sum::<Option<f64>>();
    reading.cost_usd.or_else(rows).filter(|cost| cost.is_finite() && *cost >= 0.0)
}

/// The agent's answer, safe to keep; or why there is none.
fn answer(context: &StepContext<'_>, ended: &Ended, reading: &Reading, printed: &str) -> Result<String, StepError> {
    if let (false, _) = judge(&ended.how, reading) {
        let said = reading.error.as_deref().map(|error| context.redactor.redact(error).into_owned());
        let why = said.unwrap_or_else(|| ended.in_words(context.redactor));
        let message = format!("the agent gave no answer: {why}");
        return Err(match ended.how {
            How::Exited(0) => StepError::of(FailureKind::Error, message),
            ref how => StepError::of_end(how, message),
        });
    }
    // What is of no known form is the answer itself.
    let said = reading.result_text.as_deref().unwrap_or(if reading.agent.is_some() { "" } else { printed });
    // Nothing in it can pass for the mark of a run.
    let said = plain_lines(said, context.redactor).replace("<!--", "<! --");
    let said = end_of(said.trim(), MOST_ANSWER).trim();
    if said.is_empty() {
        return Err(StepError::new("the agent gave no answer: it ended well and said nothing"));
    }
    Ok(said.to_owned())
}

/// A heading, the run's mark, and the answer.
fn entry(context: &StepContext<'_>, at: Stamp, mark: &str, answer: &str) -> String {
    let job = context.job;
    let title = job.title.as_deref().unwrap_or("a mission");
    let heading = plain_lines(&format!("{}: {title}", job.project.name), context.redactor).replace('\n', " ");
    let heading = heading.replace("<!--", "<! --");
    let heading = &heading[..heading.floor_char_boundary(MOST_TITLE)];
    format!("## {} {}, {heading}\n\n{mark}\n\n{answer}\n", Day::of(at), local_time(at))
}
