//! How often the agent was asked, and what that cost: one private file, `reflect/attempts.json` in the state folder.

use std::path::{Path, PathBuf};

use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::process::{Deadline, plain_text};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::{PrivateError, PrivateFolder};
use serde::{Deserialize, Serialize};

const SCHEMA: &str = "fuseboard.reflect/1";
const FILE: &str = "attempts.json";

/// How many attempts are remembered.
const MOST: usize = 1000;

/// Largest file, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Why the attempts are not known.
#[derive(Debug, thiserror::Error)]
pub(super) enum AttemptsError {
    #[error(transparent)]
    File(#[from] PrivateError),
    #[error("{path} {why}; mend it, or remove it to count from 0")]
    Damaged { path: PathBuf, why: String },
}

/// Once that the agent was asked.
#[derive(Serialize, Deserialize)]
struct Attempt {
    step: String,
    run: String,
    at: Stamp,
    /// `None` until it is known, and if the agent does not tell.
    cost_usd: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct Content {
    schema: String,
    attempts: Vec<Attempt>,
}

/// What a day allows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caps {
    pub(super) per_day: u32,
    pub(super) max_cost_usd: f64,
}

/// The attempts of one step.
pub(super) struct Attempts<'a> {
    path: PathBuf,
    folder: PrivateFolder,
    step: &'a str,
    deadline: Deadline,
}

impl<'a> Attempts<'a> {
    pub(super) fn of(step: &'a str, state: &Path, deadline: Deadline) -> Self {
        let path = state.join("reflect");
        Self { folder: PrivateFolder::new(path.clone()), path, step, deadline }
    }

    /// Notes an attempt before it is made, so that one that is killed counts; or says why there is none left today.
    pub(super) fn begin(&self, run: &str, at: Stamp, caps: Caps) -> Result<Result<(), String>, AttemptsError> {
        let _turn = self.folder.lock(FILE, self.deadline)?;
        let mut content = self.read()?;
        let today = || {
            let own = content.attempts.iter().filter(|attempt| attempt.step == self.step);
            own.filter(|attempt| Day::of(attempt.at) == Day::of(at))
        };
        let count = today().count();
        if count >= usize::try_from(caps.per_day).unwrap_or(usize::MAX) {
            return Ok(Err(format!("the agent was asked {count} times today, which is the most (`per_day`)")));
        }
        let cost: f64 = today().filter_map(|attempt| attempt.cost_usd).sum();
        if cost >= caps.max_cost_usd {
            let most = caps.max_cost_usd;
            return Ok(Err(format!("today has cost ${cost:.2} of ${most:.2} (`max_cost_usd`)")));
        }
        content.attempts.push(Attempt { step: self.step.to_owned(), run: run.to_owned(), at, cost_usd: None });
        content.attempts.drain(..content.attempts.len().saturating_sub(MOST));
        self.write(&content).map(Ok)
    }

    /// Notes what the attempt of this run has cost.
    pub(super) fn cost(&self, run: &str, cost_usd: f64) -> Result<(), AttemptsError> {
        let _turn = self.folder.lock(FILE, self.deadline)?;
        let mut content = self.read()?;
        let mut own = content.attempts.iter_mut().rev();
        if let Some(attempt) = own.find(|attempt| attempt.step == self.step && attempt.run == run) {
            attempt.cost_usd = Some(cost_usd);
        }
        self.write(&content)
    }

    fn read(&self) -> Result<Content, AttemptsError> {
        let Some(bytes) = self.folder.read(FILE, MOST_BYTES)? else {
            return Ok(Content { schema: SCHEMA.to_owned(), attempts: Vec::new() });
        };
        let content: Content = serde_json::from_slice(&bytes)
            .map_err(|error| self.damaged(format!("holds no attempts: {}", plain_text(&error.to_string()))))?;
        if content.schema != SCHEMA {
            return Err(self.damaged(format!("is not {SCHEMA}: another version wrote it")));
        }
        Ok(content)
    }

    fn write(&self, content: &Content) -> Result<(), AttemptsError> {
        let bytes = serde_json::to_vec_pretty(content);
        let bytes = bytes.map_err(|error| self.damaged(format!("cannot be written: {error}")))?;
        Ok(self.folder.write(FILE, &bytes)?)
    }

    fn damaged(&self, why: String) -> AttemptsError {
        AttemptsError::Damaged { path: self.path.join(FILE), why }
    }
}
