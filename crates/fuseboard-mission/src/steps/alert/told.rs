//! When a project's troubles were told last, and in which run.

use std::collections::BTreeMap;
use std::time::Duration;

use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{StepContext, StepError};
use fuseboard_pipeline::{PrivateError, PrivateFolder};
use serde::{Deserialize, Serialize};

/// The largest file, in bytes: far more than three troubles take.
const MOST: usize = 64 * 1024;

/// One project's file, in the state folder.
pub(super) struct Memory {
    folder: PrivateFolder,
    name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Last {
    at: Stamp,
    run: String,
}

impl Memory {
    pub(super) fn of(context: &StepContext<'_>) -> Self {
        let folder = PrivateFolder::new(context.state_folder.join("alerts"));
        Self { folder, name: format!("{}.json", sha256_hex(context.job.project.name.as_bytes())) }
    }

    /// Which of the troubles are to be told now, and writes down that they are. A replayed run tells the same again.
    pub(super) fn due<'t>(
        &self,
        troubles: &[&'t str],
        now: Stamp,
        pause: Duration,
        context: &StepContext<'_>,
    ) -> Result<Vec<&'t str>, StepError> {
        let unusable = |error: PrivateError| StepError::new(format!("cannot tell what was told before: {error}"));
        let _turn = self.folder.lock(&self.name, context.deadline).map_err(unusable)?;
        let text = self.folder.read(&self.name, MOST).map_err(unusable)?;
        let text = text.as_deref().unwrap_or(b"{}");
        let mut told: BTreeMap<String, Last> = serde_json::from_slice(text).map_err(|error| {
            StepError::new(format!("cannot tell what was told before: {} is not understood: {error}", self.name))
        })?;
        let is_replay = |trouble: &str| told.get(trouble).is_some_and(|last| last.run == context.run);
        // What was told in the future was told by a clock that has been set back.
        let is_over = |trouble: &str| told.get(trouble).is_none_or(|last| last.at > now || now.since(last.at) >= pause);
        let due: Vec<&str> =
            troubles.iter().copied().filter(|trouble| is_replay(trouble) || is_over(trouble)).collect();
        let new: Vec<&str> = due.iter().copied().filter(|trouble| !is_replay(trouble)).collect();
        if !new.is_empty() {
            let last = Last { at: now, run: context.run.to_owned() };
            told.extend(new.into_iter().map(|trouble| (trouble.to_owned(), last.clone())));
            let text = serde_json::to_vec(&told).map_err(|error| StepError::new(error.to_string()))?;
            self.folder.write(&self.name, &text).map_err(unusable)?;
        }
        Ok(due)
    }
}
