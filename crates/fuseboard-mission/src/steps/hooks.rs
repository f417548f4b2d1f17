//! `hooks`: runs the programs of a folder, one after the other in the order of their names. Each is a step of its own,
//! `hooks.NAME`, with its own circuit and this step's other keys; one that fails keeps no other from running.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `folder` | where the programs lie, relative to the configuration's folder | `hooks.d/after-mission` |
//!
//! This step itself is what remains of the declaration if there is no program.

use std::path::PathBuf;

use fuseboard_pipeline::config::{ConfigErrors, Spanned, StepOptions};
use fuseboard_pipeline::hooks::programs_in;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError};

/// Where the programs lie unless another folder is named.
pub const DEFAULT_FOLDER: &str = "hooks.d/after-mission";

/// The step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooks {
    folder: PathBuf,
}

impl Hooks {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|options| Self {
            folder: options.path("folder").map_or_else(|| PathBuf::from(DEFAULT_FOLDER), Spanned::into_inner),
        })
    }
}

impl Step for Hooks {
    fn stands_for_programs_in(&self) -> Option<PathBuf> {
        Some(self.folder.clone())
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let folder = context.config_folder.join(&self.folder);
        match programs_in(&folder) {
            Ok(programs) if programs.is_empty() => {
                Ok(Answer::NotApplicable(format!("there is no program in {}", folder.display())))
            }
            Ok(_) => {
                let why = "were not there when the run began, and do not run";
                Ok(Answer::NotApplicable(format!("the programs in {} {why}", folder.display())))
            }
            Err(error) => Err(StepError::new(format!("{} cannot be read: {error}", folder.display()))),
        }
    }
}
