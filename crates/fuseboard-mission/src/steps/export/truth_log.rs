//! `format = "truth-log"`: one JSON object a line for each mission (`fuseboard.mission/1`).

use std::path::Path;

use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::StepError;
use serde::Deserialize;

use super::mission::Mission;
use crate::appended::{AppendError, AppendedFile};

/// The file in the state folder, unless another one is named.
pub(super) const DEFAULT_FILE: &str = "truth.jsonl";

/// Appends the mission's line, unless it is there; whether it did.
pub(super) fn append(file: &Path, mission: &Mission, deadline: Deadline) -> Result<bool, StepError> {
    #[derive(Deserialize)]
    struct Known {
        run: String,
    }
    let trouble = |error: AppendError| StepError::new(format!("the truth log {error}"));
    let turn = AppendedFile::new(file).turn(deadline).map_err(trouble)?;
    let is_its = |line| serde_json::from_slice::<Known>(line).is_ok_and(|known| known.run == mission.run);
    if turn.lines().any(is_its) {
        return Ok(false);
    }
    let line = serde_json::to_vec(mission).map_err(|error| StepError::new(error.to_string()))?;
    turn.append(&line).map_err(trouble)?;
    Ok(true)
}
