//! The job that has ended: what every step is told, as JSON on its standard input and as variables.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::stamp::Stamp;

/// Longest value of a variable that a step gets, in bytes: longer ones are cut at a character's border.
pub const MAX_VARIABLE: usize = 4096;

/// What is known of a job that has ended (`fuseboard.job/1`). Unknown is `None`, written as null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Job {
    /// Always `fuseboard.job/1`.
    #[serde(deserialize_with = "this_schema")]
    pub schema: Schema,
    /// The job's id, by default that of the pipeline's run.
    pub id: String,
    /// What it was to do.
    pub title: Option<String>,
    /// In which mode it ran; free text of the caller.
    pub mode: Option<String>,
    /// Which one it was in its loop, from 1.
    pub run_number: Option<u32>,
    /// The agent: `claude`, `codex`, `gemini`, or none.
    pub agent: Option<String>,
    /// The agent's own id of its session.
    pub session_id: Option<String>,
    /// What it worked on.
    pub project: JobProject,
    /// When it started.
    pub started_at: Option<Stamp>,
    /// When it ended.
    pub ended_at: Option<Stamp>,
    /// Its exit code; 128 + n for a signal.
    pub exit_code: Option<i32>,
    /// Whether it did its work: judged, not believed.
    pub succeeded: bool,
    /// How it failed.
    pub failure_kind: Option<JobFailure>,
    /// The file with its standard output.
    pub stdout_path: Option<PathBuf>,
    /// The file with its standard error.
    pub stderr_path: Option<PathBuf>,
    /// The agent's last words.
    pub result_text: Option<String>,
    /// What it used, one row per model; `None` is unmeasured, which is not zero.
    pub usage: Option<Vec<ModelUsage>>,
}

/// What a job worked on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobProject {
    /// The project's name.
    pub name: String,
    /// Its folder.
    pub path: PathBuf,
    /// The branch that is checked out at the job's end.
    pub branch: Option<String>,
    /// The commit that is checked out at the job's end.
    pub commit: Option<String>,
    /// The commit of the base branch, as it was when the job started: what its work is judged against.
    pub base: Option<String>,
}

/// Tokens and money of one model, in the normal form of all agents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelUsage {
    /// The model's name, if the agent tells it.
    pub model: Option<String>,
    /// Input tokens that came from no cache.
    pub input_uncached: Option<u64>,
    /// Input tokens read from a cache.
    pub cache_read: Option<u64>,
    /// Input tokens written to a cache.
    pub cache_write: Option<u64>,
    /// Output tokens, thoughts included.
    pub output: Option<u64>,
    /// Money, in US dollars.
    pub cost_usd: Option<f64>,
}

impl ModelUsage {
    /// Whether it holds any count of tokens.
    pub fn tells_tokens(&self) -> bool {
        [self.input_uncached, self.cache_read, self.cache_write, self.output].iter().any(Option::is_some)
    }
}

/// How a job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobFailure {
    /// It ended with an exit code that is not 0.
    Exit,
    /// A signal ended it.
    Signal,
    /// It could not be started.
    Spawn,
    /// Its timeout ran out.
    Timeout,
    /// The agent itself said that it failed, whatever its exit code.
    AgentError,
    /// The agent is not logged in.
    Login,
    /// The agent ran into its limit.
    Quota,
    /// Somebody stopped it.
    Interrupted,
}

impl JobFailure {
    /// The word used in JSON and variables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Signal => "signal",
            Self::Spawn => "spawn",
            Self::Timeout => "timeout",
            Self::AgentError => "agent-error",
            Self::Login => "login",
            Self::Quota => "quota",
            Self::Interrupted => "interrupted",
        }
    }
}

/// The mark of this form, so that a reader can tell it from a later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub enum Schema {
    /// The only one so far.
    #[default]
    #[serde(rename = "fuseboard.job/1")]
    One,
}

fn this_schema<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Schema, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("fuseboard.job/1") => Ok(Schema::One),
        Some(other) => Err(serde::de::Error::custom(format_args!("{other:?} is not fuseboard.job/1"))),
    }
}

impl Job {
    /// The job as JSON in a file without a name, read from its start: a step's standard input.
    ///
    /// # Errors
    /// There is no place for it.
    pub fn to_file(&self) -> io::Result<File> {
        let mut file = crate::sys::nameless_file()?;
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        file.write_all(&text)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// The job as `FUSEBOARD_JOB_…` variables: what is unknown is absent, and to be removed from the
    /// environment in which a job of ours may run.
    pub fn variables(&self) -> Vec<(&'static str, Option<OsString>)> {
        let text = |value: Option<&str>| value.map(|value| OsString::from(shortened(value)));
        let path = |value: Option<&PathBuf>| {
            value.map(|path| path.clone().into_os_string()).filter(|path| path.len() <= MAX_VARIABLE)
        };
        let stamp = |value: Option<Stamp>| value.map(|stamp| stamp.to_string().into());
        let project = &self.project;
        vec![
            ("FUSEBOARD_JOB_ID", text(Some(&self.id))),
            ("FUSEBOARD_JOB_TITLE", text(self.title.as_deref())),
            ("FUSEBOARD_JOB_MODE", text(self.mode.as_deref())),
            ("FUSEBOARD_JOB_RUN_NUMBER", self.run_number.map(|number| number.to_string().into())),
            ("FUSEBOARD_JOB_AGENT", text(self.agent.as_deref())),
            ("FUSEBOARD_JOB_SESSION_ID", text(self.session_id.as_deref())),
            ("FUSEBOARD_JOB_PROJECT", text(Some(&project.name))),
            ("FUSEBOARD_JOB_PROJECT_PATH", path(Some(&project.path))),
            ("FUSEBOARD_JOB_BRANCH", text(project.branch.as_deref())),
            ("FUSEBOARD_JOB_COMMIT", text(project.commit.as_deref())),
            ("FUSEBOARD_JOB_BASE", text(project.base.as_deref())),
            ("FUSEBOARD_JOB_STARTED_AT", stamp(self.started_at)),
            ("FUSEBOARD_JOB_ENDED_AT", stamp(self.ended_at)),
            ("FUSEBOARD_JOB_EXIT_CODE", self.exit_code.map(|code| code.to_string().into())),
            ("FUSEBOARD_JOB_SUCCEEDED", Some(self.succeeded.to_string().into())),
            ("FUSEBOARD_JOB_FAILURE_KIND", self.failure_kind.map(|kind| kind.as_str().into())),
            ("FUSEBOARD_JOB_STDOUT", path(self.stdout_path.as_ref())),
            ("FUSEBOARD_JOB_STDERR", path(self.stderr_path.as_ref())),
        ]
    }
}

/// At most [`MAX_VARIABLE`] bytes, without the NUL bytes that no variable can hold.
fn shortened(value: &str) -> String {
    let value = value.replace('\0', "");
    value[..value.floor_char_boundary(MAX_VARIABLE)].to_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_step_reads_the_whole_job_with_nulls_for_what_is_unknown() {
        let job = Job { id: "7".into(), title: Some("mend it".into()), ..Job::default() };
        let mut text = String::new();
        job.to_file().unwrap().read_to_string(&mut text).unwrap();
        assert!(text.starts_with(r#"{"schema":"fuseboard.job/1","id":"7","title":"mend it","mode":null,"#), "{text}");
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
    }

    #[test]
    fn a_job_of_another_form_is_refused_and_a_partial_one_is_not() {
        assert!(serde_json::from_str::<Job>(r#"{"schema": "fuseboard.job/2"}"#).is_err());
        assert_eq!(serde_json::from_str::<Job>(r#"{"title": "x", "later": 1}"#).unwrap().title.as_deref(), Some("x"));
    }

    #[test]
    fn variables_are_bounded_and_absent_when_unknown() {
        let job = Job { title: Some(format!("{}\0{}", "ä".repeat(3000), "x")), ..Job::default() };
        let variables = job.variables();
        let value = |name| variables.iter().find(|(variable, _)| *variable == name).unwrap().1.clone();
        assert_eq!(value("FUSEBOARD_JOB_TITLE").unwrap().len(), MAX_VARIABLE);
        assert_eq!(value("FUSEBOARD_JOB_MODE"), None);
        assert_eq!(value("FUSEBOARD_JOB_SUCCEEDED").unwrap(), "false");
    }
}
