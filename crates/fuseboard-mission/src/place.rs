//! Where a step writes: at the place that its options name, which is the user's to make, else in the state folder.

use std::path::{Path, PathBuf};

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::make_private_folder;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{StepContext, StepError};

/// The file that was named, relative to the configuration's folder, else this one in the state folder.
///
/// # Errors
/// The state folder cannot be made.
pub fn file(context: &StepContext<'_>, named: Option<&Path>, default: &str) -> Result<PathBuf, StepError> {
    if let Some(named) = named {
        return Ok(context.config_folder.join(named));
    }
    made(context.state_folder)?;
    Ok(context.state_folder.join(default))
}

/// The folder that was named, relative to the configuration's folder, else this one in the state folder, where it is made.
///
/// # Errors
/// The folder in the state folder cannot be made, or the one that was named is none.
pub fn folder(context: &StepContext<'_>, named: Option<&Path>, default: &str) -> Result<PathBuf, StepError> {
    let Some(named) = named else {
        let folder = context.state_folder.join(default);
        made(&folder)?;
        return Ok(folder);
    };
    let folder = context.config_folder.join(named);
    if folder.is_dir() {
        Ok(folder)
    } else {
        Err(StepError::new(format!("{} is no folder; make it", folder.display())))
    }
}

/// When the job ended, as far as that is known.
pub fn ended_at(context: &StepContext<'_>) -> Stamp {
    context.job.ended_at.unwrap_or_else(|| Stamp::from(SystemClock.wall()))
}

fn made(folder: &Path) -> Result<(), StepError> {
    make_private_folder(folder).map_err(|error| StepError::new(format!("{} cannot be made: {error}", folder.display())))
}
