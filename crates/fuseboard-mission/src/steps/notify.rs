//! `notify`: tells a person what needs one, and nothing after a healthy run.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `file` | the outbox: one JSON object a line, appended; relative to the configuration's folder | `outbox.jsonl` in the state folder |
//!
//! | told | severity |
//! |---|---|
//! | a circuit of this run opened | warning |
//! | a circuit of this run closed | info |
//! | gates held back an action, or gave no verdict | action |
//! | the job failed | action; not logged in: urgent; the agent's limit: warning; stopped by somebody: info |
//! | the mission is stuck | action |
//!
//! What cannot be delivered waits in the spool (`spool/notices` in the state folder), the step fails, so that
//! its circuit sees it, and the next run tries again.

pub mod outbox;
pub mod spool;

use std::fmt;
use std::path::{Path, PathBuf};

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, Spanned, StepOptions};
use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::make_private_folder;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::{BlockedBy, CircuitChanges, Kind, Reason, Status, StepRow, VerdictWord};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::spool::Spool;

/// The outbox unless another file is named, in the state folder.
pub const DEFAULT_FILE: &str = "outbox.jsonl";

/// Longest subject, in bytes.
pub const MOST_SUBJECT: usize = 200;

/// Longest text, in bytes.
pub const MOST_TEXT: usize = 4000;

/// Most notices of one run. What is beyond is counted in the last of them.
const MOST_NOTICES: usize = 50;

/// How much a notice matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Something is out, and heals by itself or not.
    Warning,
    /// Somebody has to look at it.
    Action,
    /// Somebody has to look at it before anything else can run.
    Urgent,
}

/// Something to tell a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub severity: Severity,
    /// What happened, in one line.
    pub subject: String,
    /// The rest of it, possibly in several lines.
    pub text: String,
}

/// A notice as a sink gets it: safe to show, bounded, without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it was told.
    pub at: Stamp,
    /// The run that it is about.
    pub run: String,
    /// The project.
    pub project: String,
    /// How much it matters.
    pub severity: Severity,
    /// What happened, in one line.
    pub subject: String,
    /// The rest of it, possibly in several lines.
    pub text: String,
}

impl Message {
    /// Makes a notice safe to give away.
    pub fn new(notice: &Notice, at: Stamp, run: &str, project: &str, redactor: &Redactor) -> Self {
        // Before and after: a secret may hold a control character, or have one put into it.
        let safe = |text: &str| redactor.redact(&plain_lines(&redactor.redact(text))).into_owned();
        let subject = bounded(&safe(&notice.subject).replace('\n', " "), MOST_SUBJECT);
        let text = bounded(&safe(&notice.text), MOST_TEXT);
        Self {
            at,
            run: run.to_owned(),
            project: bounded(&plain_text(project), MOST_SUBJECT),
            severity: notice.severity,
            subject,
            text,
        }
    }

    /// The message as one line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() // texts and a moment: there is nothing in it that JSON cannot say
    }

    /// Whether both tell the same of the same run, whenever they were made.
    pub fn is_same_as(&self, other: &Self) -> bool {
        (&self.run, &self.project, self.severity, &self.subject)
            == (&other.run, &other.project, other.severity, &other.subject)
    }
}

/// The step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// The outbox, if it is not the default one.
    pub file: Option<PathBuf>,
}

impl Notify {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|options| Self { file: options.path("file").map(Spanned::into_inner) })
    }

    fn outbox(&self, context: &StepContext<'_>) -> PathBuf {
        match &self.file {
            Some(file) => context.config_folder.join(file),
            None => context.state_folder.join(DEFAULT_FILE),
        }
    }

    fn deliver(&self, path: &Path, messages: &[&Message], context: &StepContext<'_>) -> Result<(), String> {
        // A folder that the user named is the user's to make.
        if self.file.is_none() {
            let made = make_private_folder(context.state_folder);
            made.map_err(|error| format!("{} cannot be made: {error}", context.state_folder.display()))?;
        }
        outbox::append(path, messages, context.deadline).map_err(|error| format!("the outbox {error}"))
    }
}

impl Step for Notify {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let (job, at) = (context.job, Stamp::from(SystemClock.wall()));
        let new: Vec<Message> = notices(job, context.ended, context.circuits)
            .iter()
            .map(|notice| Message::new(notice, at, context.run, &job.project.name, context.redactor))
            .collect();
        let path = self.outbox(context);
        let spool = Spool::in_state_folder(context.state_folder);
        // What waits goes first, so that the outbox stays in order. A broken spool holds up nothing new.
        let (waiting, trouble) = match spool.take(&path) {
            Ok(waiting) => (waiting, None),
            Err(error) => (spool::Taken::default(), Some(error)),
        };
        let all: Vec<&Message> = waiting.messages().chain(&new).collect();
        let delivered = if all.is_empty() { Ok(()) } else { self.deliver(&path, &all, context) };
        if let Err(error) = delivered {
            let kept = spool.keep(&path, &new);
            let wait = match spool.waiting() {
                Ok(count) => format!("waiting in the spool: {count}"),
                Err(error) => error.to_string(),
            };
            return Err(StepError::new(match kept {
                Ok(()) => format!("{error}; {wait}"),
                Err(lost) => format!("{error}; lost of this run: {}, because {lost}", new.len()),
            }));
        }
        let retried = waiting.len();
        let done = waiting.done().and_then(|()| spool.waiting());
        let still = trouble.map_or(done, Err).map_err(|error| StepError::new(error.to_string()))?;
        let output = json!({ "notices": new.len(), "retried": retried, "waiting": still });
        Ok(Answer::Done(Told::detail(summary(new.len(), retried, still)).with(output)))
    }
}

fn summary(new: usize, retried: usize, still: usize) -> String {
    let told = match new {
        0 => "nothing to tell".to_owned(),
        1 => "told 1 notice".to_owned(),
        new => format!("told {new} notices"),
    };
    let retried = (retried > 0).then(|| format!("told {retried} of earlier runs"));
    let still = (still > 0).then(|| format!("waiting in the spool: {still}"));
    [Some(told), retried, still].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What there is to tell of a run; nothing if it was healthy.
pub fn notices(job: &Job, rows: &[StepRow], circuits: &CircuitChanges) -> Vec<Notice> {
    let mut notices: Vec<Notice> = of_job(job, rows).into_iter().collect();
    notices.extend(rows.iter().filter_map(held_back));
    notices.extend(rows.iter().filter_map(not_done));
    notices.extend(rows.iter().filter(|row| !is_named_by_an_action(row, rows)).filter_map(no_pass));
    notices.extend(rows.iter().filter_map(alert));
    notices.extend(circuits.opened.iter().map(|circuit| opened(circuit, rows)));
    notices.extend(circuits.closed.iter().map(|circuit| Notice {
        severity: Severity::Info,
        subject: format!("{circuit} works again"),
        text: format!("The circuit {circuit} is closed."),
    }));
    let beyond = notices.len().saturating_sub(MOST_NOTICES);
    if beyond > 0 {
        notices.truncate(MOST_NOTICES - 1);
        notices.push(Notice {
            severity: Severity::Warning,
            subject: format!("{} more notices of this run", beyond + 1),
            text: format!("fuseboard runs {} shows all of it.", job.id),
        });
    }
    notices
}

fn of_job(job: &Job, rows: &[StepRow]) -> Option<Notice> {
    let stuck = rows.iter().find(|row| {
        let outcome = row.output.as_ref().and_then(|output| output.get("outcome"));
        row.kind == Kind::Recorder && outcome.is_some_and(|outcome| outcome == "stuck")
    });
    let title = job.title.as_deref().map_or_else(|| "the mission".to_owned(), |title| format!("{title:?}"));
    let session = stuck.and_then(|row| row.detail.as_deref());
    if job.succeeded {
        let text = session.unwrap_or("It could not go on.").to_owned();
        return stuck.map(|_| Notice { severity: Severity::Action, subject: format!("{title} is stuck"), text });
    }
    let (severity, how) = match job.failure_kind {
        Some(JobFailure::Login) => (Severity::Urgent, "the agent is not logged in"),
        Some(JobFailure::Quota) => (Severity::Warning, "the agent ran into its limit"),
        Some(JobFailure::Interrupted) => (Severity::Info, "somebody stopped it"),
        Some(JobFailure::Exit) => (Severity::Action, "it ended with an error"),
        Some(JobFailure::Signal) => (Severity::Action, "a signal ended it"),
        Some(JobFailure::Spawn) => (Severity::Action, "it could not be started"),
        Some(JobFailure::Timeout) => (Severity::Action, "it took too long"),
        Some(JobFailure::AgentError) => (Severity::Action, "the agent says that it failed"),
        None => (Severity::Action, "it did not do its work"),
    };
    let code = job.exit_code.map(|code| format!("Exit code {code}."));
    let text = [code.as_deref(), session, job.result_text.as_deref()];
    let text = text.into_iter().flatten().collect::<Vec<_>>().join("\n");
    Some(Notice { severity, subject: format!("{title} failed: {how}"), text })
}

/// An action that gates hold back.
fn held_back(row: &StepRow) -> Option<Notice> {
    if row.kind != Kind::Action || row.reason != Some(Reason::GateBlocked) {
        return None;
    }
    let gates = row.blocked_by.as_deref().unwrap_or_default();
    let names: Vec<&str> = gates.iter().map(|gate| gate.gate.as_str()).collect();
    let line = |gate: &BlockedBy| {
        let how = if gate.evaluated { "blocks" } else { "gave no verdict" };
        format!("{} {how}: {}", gate.gate, gate.why.trim_start_matches("no verdict: "))
    };
    Some(Notice {
        severity: Severity::Action,
        subject: format!("{} was held back by {}", row.name, names.join(", ")),
        text: gates.iter().map(line).collect::<Vec<_>>().join("\n"),
    })
}

/// An action that nothing held back, and that did not come about all the same.
fn not_done(row: &StepRow) -> Option<Notice> {
    let how = match (row.status, row.reason) {
        (Status::Failed | Status::TimedOut, _) => "failed",
        (Status::Skipped, Some(Reason::Refused)) => "refused",
        _ => return None,
    };
    (row.kind == Kind::Action).then(|| Notice {
        severity: Severity::Action,
        subject: format!("{} {how}", row.name),
        text: row.detail.clone().or_else(|| row.last_error.clone()).unwrap_or_default(),
    })
}

/// A gate that was asked and did not pass. One that was not asked is told by the action that waited for it.
fn no_pass(row: &StepRow) -> Option<Notice> {
    let how = match (row.status, row.verdict) {
        (Status::Success, Some(VerdictWord::Block)) => "blocks",
        (Status::Failed | Status::TimedOut, _) => "gave no verdict",
        _ => return None,
    };
    (row.kind == Kind::Gate).then(|| Notice {
        severity: Severity::Action,
        subject: format!("{} {how}", row.name),
        text: row.why.clone().or_else(|| row.last_error.clone()).unwrap_or_default(),
    })
}

/// What a recorder has told as data: `{"alert": {"subject": …, "text": …, "severity": …}}`.
fn alert(row: &StepRow) -> Option<Notice> {
    let alert = row.output.as_ref().filter(|_| row.kind == Kind::Recorder)?.get("alert")?;
    let text = |key: &str| alert.get(key).and_then(|text| text.as_str()).map(str::to_owned);
    let severity = alert.get("severity").and_then(|word| Severity::deserialize(word).ok());
    Some(Notice {
        severity: severity.unwrap_or(Severity::Warning),
        subject: text("subject")?,
        text: text("text").unwrap_or_default(),
    })
}

fn is_named_by_an_action(gate: &StepRow, rows: &[StepRow]) -> bool {
    let mut blocks = rows.iter().filter(|row| held_back(row).is_some()).flat_map(|row| row.blocked_by.iter().flatten());
    blocks.any(|block| block.gate == gate.name)
}

fn opened(circuit: &str, rows: &[StepRow]) -> Notice {
    let row = rows.iter().find(|row| row.circuit.as_deref() == Some(circuit));
    let error = row.and_then(|row| row.last_error.as_ref()).map(|error| format!("Last error: {error}"));
    let probe = row.and_then(|row| row.probe_at).map(|at| format!("It is tried again at {at}."));
    let advice = format!("fuseboard explain {circuit}");
    Notice {
        severity: Severity::Warning,
        subject: format!("{circuit} is out: its circuit opened"),
        text: [error, probe, Some(advice)].into_iter().flatten().collect::<Vec<_>>().join("\n"),
    }
}

/// The text without what could act on a terminal; its lines stay lines.
fn plain_lines(text: &str) -> String {
    text.lines().map(plain_text).collect::<Vec<_>>().join("\n")
}

fn bounded(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(most - '…'.len_utf8())])
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Action => "action",
            Self::Urgent => "urgent",
        })
    }
}
