//! `trust`: accepts the content of the repository's `fuseboard.toml`.

use crate::Failed;
use crate::exit_code::ExitCode;
use crate::settings::Settings;

pub(crate) fn trust(settings: &Settings) -> Result<ExitCode, Failed> {
    let _ = settings;
    Err(Failed::new(ExitCode::Usage, "not yet"))
}
