//! `trust`: accepts the content of the repository's `fuseboard.toml`.

use crate::Failed;
use crate::exit_code::ExitCode;
use crate::settings::Settings;

pub(crate) fn trust(settings: &Settings) -> Result<ExitCode, Failed> {
    if settings.is_in_mission() {
        let message = "refused inside a mission: a configuration is trusted by its operator, at a terminal";
        return Err(Failed::new(ExitCode::Blocked, message));
    }
    let path = settings.accept_configuration()?;
    settings.console.note(format_args!("{} is trusted as it is now", path.display()));
    Ok(ExitCode::Done)
}
