//! What agents print, as one normal form.
//!
//! [`read`] takes a captured standard output and answers with a [`Reading`], whatever the file holds: what
//! cannot be read is *unmeasured*, with the reason, and never zero. [`judge`] puts the reading beside the exit
//! code and says whether the job did its work. Each agent's format stands in a file of its own.

mod claude;
mod codex;
mod gemini;
mod objects;
mod other;
pub mod words;

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::str::FromStr;

use fuseboard_pipeline::job::{Job, JobFailure, ModelUsage};
use fuseboard_pipeline::process::{How, plain_text};
use fuseboard_pipeline::stamp::Stamp;

/// How much of a captured output is read, in bytes, counted from its end: the result comes last.
pub const MOST_READ: u64 = 64 * 1024 * 1024;

/// Longest text of an agent that is kept, in bytes; of a longer one the end.
pub const MOST_TEXT: usize = 64 * 1024;

/// Longest name, id or line that is kept, in bytes.
const MOST_NAME: usize = 200;

/// Why an output without any JSON is unmeasured.
const NO_JSON: &str = "the output holds no JSON, and plain text tells no usage";

/// An agent whose output has a known form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Agent {
    /// Claude Code.
    Claude,
    /// Codex.
    Codex,
    /// Gemini CLI.
    Gemini,
}

impl Agent {
    /// The word used in options, JSON and variables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
        }
    }
}

impl fmt::Display for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whose output to expect: `auto`, `claude`, `codex`, `gemini` or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AgentKind {
    /// Whichever is recognised.
    #[default]
    Auto,
    /// This one's.
    Is(Agent),
    /// Nobody's: the job is no agent.
    None,
}

impl FromStr for AgentKind {
    type Err = UnknownAgent;
    fn from_str(word: &str) -> Result<Self, UnknownAgent> {
        match word {
            "auto" => Ok(Self::Auto),
            "claude" => Ok(Self::Is(Agent::Claude)),
            "codex" => Ok(Self::Is(Agent::Codex)),
            "gemini" => Ok(Self::Is(Agent::Gemini)),
            "none" => Ok(Self::None),
            other => Err(UnknownAgent(other.chars().take(40).collect())),
        }
    }
}

/// A word that names no agent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no known agent; write auto, claude, codex, gemini or none")]
pub struct UnknownAgent(String);

/// What an agent's output tells. `None` is what it does not tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Whose output it is, if that was told or recognised.
    pub agent: Option<Agent>,
    /// The agent's version.
    pub version: Option<String>,
    /// The agent's own id of its session.
    pub session_id: Option<String>,
    /// The model that the session began with; `usage` names all.
    pub model: Option<String>,
    /// The agent's last words, at most [`MOST_TEXT`] bytes.
    pub result_text: Option<String>,
    /// The agent's word for how it ended, such as `success` or `error_max_turns`.
    pub ending: Option<String>,
    /// Whether the agent itself says that it failed.
    pub is_error: Option<bool>,
    /// How it failed by its own words; `None` unless `is_error` is true.
    pub failure: Option<JobFailure>,
    /// What it says went wrong, in one line.
    pub error: Option<String>,
    /// What it used, one row per model; `None` is unmeasured.
    pub usage: Option<Vec<ModelUsage>>,
    /// Why `usage` is `None`.
    pub unmeasured: Option<String>,
    /// The agent's own estimate of what it all cost, in US dollars.
    pub cost_usd: Option<f64>,
    /// How many turns it took.
    pub num_turns: Option<u64>,
    /// How long it worked, in milliseconds.
    pub duration_ms: Option<u64>,
    /// The tools that it was not allowed to use.
    pub denied: Vec<String>,
    /// When the limit that it ran into is lifted.
    pub limit_resets_at: Option<Stamp>,
}

impl Reading {
    /// A reading that knows nothing, and why.
    pub fn unmeasured(agent: Option<Agent>, why: impl Into<String>) -> Self {
        Self { agent, unmeasured: Some(why.into()), ..Self::default() }
    }

    /// Writes into the job what the agent told, where the job does not know better.
    pub fn complete(self, job: &mut Job) {
        job.agent = job.agent.take().or_else(|| self.agent.map(|agent| agent.as_str().to_owned()));
        job.session_id = job.session_id.take().or(self.session_id);
        job.result_text = job.result_text.take().or(self.result_text);
        job.usage = job.usage.take().or(self.usage);
    }
}

/// Reads the captured standard output of a job. Whatever the file holds, or if it cannot be read: what is not
/// known is `None`, and `unmeasured` says why.
pub fn read(kind: AgentKind, stdout: &Path) -> Reading {
    try_read(kind, stdout).unwrap_or_else(|error| {
        Reading::unmeasured(agent_of(kind), format!("{} cannot be read: {error}", stdout.display()))
    })
}

/// The same, where it matters that the file cannot be read.
///
/// # Errors
/// The file cannot be opened or read, or is no file.
pub fn try_read(kind: AgentKind, stdout: &Path) -> io::Result<Reading> {
    // Nothing is opened for what nobody would read.
    match kind {
        AgentKind::None => Ok(Reading::unmeasured(None, "the job is no agent")),
        AgentKind::Auto | AgentKind::Is(_) => Ok(read_text(kind, &tail(stdout)?)),
    }
}

/// Reads an output that is in memory already.
pub fn read_text(kind: AgentKind, text: &str) -> Reading {
    if kind == AgentKind::None {
        return Reading::unmeasured(None, "the job is no agent");
    }
    if text.trim().is_empty() {
        return Reading::unmeasured(agent_of(kind), "the output is empty");
    }
    let (mut claude, mut codex, mut gemini, mut other) =
        (claude::Reader::default(), codex::Reader::default(), gemini::Reader::default(), other::Reader::default());
    let any = objects::each(text, |object| {
        claude.take(object);
        codex.take(object);
        gemini.take(object);
        other.take(object);
    });
    match kind {
        AgentKind::Is(Agent::Claude) => claude.reading(any),
        AgentKind::Is(Agent::Codex) => codex.reading(any),
        AgentKind::Is(Agent::Gemini) => gemini.reading(any),
        _ if claude.has_seen_any() => claude.reading(any),
        _ if codex.has_seen_any() => codex.reading(any),
        _ if gemini.has_seen_any() => gemini.reading(any),
        _ => other.reading().unwrap_or_else(|| {
            let why = if any { "the output is no known agent's" } else { NO_JSON };
            Reading::unmeasured(None, why)
        }),
    }
}

fn agent_of(kind: AgentKind) -> Option<Agent> {
    match kind {
        AgentKind::Is(agent) => Some(agent),
        AgentKind::Auto | AgentKind::None => None,
    }
}

/// The end of a file as text. Of a larger file the first line, which is not whole, is left out.
fn tail(path: &Path) -> io::Result<String> {
    // Asked before it is opened: opening a pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let skipped = length.saturating_sub(MOST_READ);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes)?;
    if skipped > 0
        && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
    {
        bytes.drain(..=end);
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// Whether a job did its work, and how it failed if not. An agent's own word that it failed beats its exit
/// code 0; its word that all went well never beats another exit code.
pub fn judge(exit: &How, reading: &Reading) -> (bool, Option<JobFailure>) {
    let said = reading.is_error == Some(true);
    let failure = match exit {
        How::Exited(0) if said => Some(reading.failure.unwrap_or(JobFailure::AgentError)),
        How::Exited(0) => None,
        // An agent that ran into its limit or is not logged in ends with some code; its word tells more.
        How::Exited(_) if said => Some(reading.failure.unwrap_or(JobFailure::AgentError)),
        How::Exited(_) | How::OutputTooLarge | How::Lost => Some(JobFailure::Exit),
        How::Signalled(_) => Some(JobFailure::Signal),
        How::TimedOut => Some(JobFailure::Timeout),
        How::Cut | How::Interrupted(_) => Some(JobFailure::Interrupted),
        How::NotStarted(_) => Some(JobFailure::Spawn),
    };
    (failure.is_none(), failure)
}

/// Tells an exit code apart by what the agent wrote to standard error: its limit and a missing login are no failed work.
pub fn look_at_errors(job: &mut Job) {
    if let (Some(JobFailure::Exit), Some(stderr)) = (job.failure_kind, &job.stderr_path)
        && let Ok(Some(said)) = words::in_file(stderr, job.ended_at.unwrap_or(Stamp::from_millis(0)))
    {
        job.failure_kind = Some(said.failure);
    }
}

/// A short text of a field.
fn name(object: &objects::Object<'_>, field: &str) -> Option<String> {
    object.text(field).map(|text| bounded(&text)).filter(|text| !text.is_empty())
}

fn bounded(text: &str) -> String {
    let text = plain_text(text);
    text[..text.floor_char_boundary(MOST_NAME)].to_owned()
}
