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
    #[serde(default)]
    line: Option<String>,
}

impl Memory {
    pub(super) fn of(context: &StepContext<'_>) -> Self {
        let folder = PrivateFolder::new(context.state_folder.join("alerts"));
        Self { folder, name: format!("{}.json", sha256_hex(context.job.project.name.as_bytes())) }
    }

    /// What is to be told now of these troubles, each with what there is to say of it, and writes down that it is. A replayed
    /// run tells what it told then.
    pub(super) fn due(
        &self,
        troubles: &[(&str, String)],
        now: Stamp,
        pause: Duration,
        context: &StepContext<'_>,
    ) -> Result<Vec<String>, StepError> {
        let unusable = |error: PrivateError| StepError::new(format!("cannot tell what was told before: {error}"));
        let _turn = self.folder.lock(&self.name, context.deadline).map_err(unusable)?;
        let text = self.folder.read(&self.name, MOST).map_err(unusable)?;
        let text = text.as_deref().unwrap_or(b"{}");
        let mut told: BTreeMap<String, Last> = serde_json::from_slice(text).map_err(|error| {
            StepError::new(format!("cannot tell what was told before: {} is not understood: {error}", self.name))
        })?;
        let (mut due, mut is_news) = (Vec::new(), false);
        for (trouble, line) in troubles {
            match told.get(*trouble) {
                Some(last) if last.run == context.run => due.push(last.line.clone().unwrap_or_else(|| line.clone())),
                // What was told in the future was told by a clock that has been set back.
                Some(last) if last.at <= now && now.since(last.at) < pause => {}
                _ => {
                    let last = Last { at: now, run: context.run.to_owned(), line: Some(line.clone()) };
                    told.insert((*trouble).to_owned(), last);
                    due.push(line.clone());
                    is_news = true;
                }
            }
        }
        if is_news {
            let text = serde_json::to_vec(&told).map_err(|error| StepError::new(error.to_string()))?;
            self.folder.write(&self.name, &text).map_err(unusable)?;
        }
        Ok(due)
    }
}
