//! `trust`: accepts the content of the repository's `fuseboard.toml`.

use crate::Failed;
use crate::exit_code::ExitCode;
use crate::settings::Settings;

pub(crate) fn trust(settings: &Settings) -> Result<ExitCode, Failed> {
    if settings.run_id().is_some() && !settings.console.is_watched() {
        return Err(Failed::new(
            ExitCode::Blocked,
            "refused inside a mission: a configuration is trusted by its operator, at a terminal",
        ));
    }
    let path = settings.accept_configuration()?;
    settings.console.note(format_args!("{} is trusted as it is now", path.display()));
    Ok(ExitCode::Done)
}
