//! What the environment says: folders, user, run, project, and which configuration and store are meant.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::config::Config;

use crate::Failed;
use crate::exit_code::ExitCode;

/// The environment of one call.
pub(crate) struct Home {
    /// The pipeline's run that this call belongs to.
    pub(crate) run: Option<String>,
    /// The user's own folder for what lives as long as a session.
    pub(crate) runtime_folder: Option<PathBuf>,
    project: OnceCell<String>,
}

/// The configuration that was found.
pub(crate) struct Found {
    pub(crate) config: Config,
    /// Why it is not what stands in the file.
    pub(crate) trouble: Option<String>,
}

impl Home {
    pub(crate) fn from_environment() -> Self {
        Self { run: text("FUSEBOARD_RUN"), runtime_folder: folder("XDG_RUNTIME_DIR"), project: OnceCell::new() }
    }

    pub(crate) fn configuration(&self, _given: Option<&Path>) -> Result<Found, Failed> {
        Ok(Found { config: Config::default(), trouble: None })
    }

    /// The host's store: given, of the environment, configured, or the default place.
    pub(crate) fn store_address(&self, given: Option<&str>, config: &Config) -> Result<String, Failed> {
        if let Some(address) =
            given.map(str::to_owned).or_else(|| text("FUSEBOARD_STORE")).or_else(|| config.store.url.clone())
        {
            return Ok(address);
        }
        let folder = self.state_folder().ok_or_else(|| {
            Failed::new(
                ExitCode::NoStore,
                "no place for the state: neither HOME nor XDG_STATE_HOME is set; give --store sqlite:PATH",
            )
        })?;
        Ok(format!("sqlite:{}", folder.join("state.db").display()))
    }

    /// The folder of this user's state on this host.
    pub(crate) fn state_folder(&self) -> Option<PathBuf> {
        if let Some(given) = folder("STATE_DIRECTORY") {
            return Some(given);
        }
        if let Some(state) = folder("XDG_STATE_HOME") {
            return Some(state.join("fuseboard"));
        }
        if fuseboard_pipeline::sys::is_root() {
            return Some(PathBuf::from("/var/lib/fuseboard"));
        }
        folder("HOME").map(|home| home.join(".local/state/fuseboard"))
    }

    pub(crate) fn project(&self) -> &str {
        self.project.get_or_init(|| "project".to_owned())
    }

    pub(crate) fn user(&self) -> String {
        let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(text);
        name.unwrap_or_else(|| "unknown".to_owned())
    }
}

/// A variable that is set and not empty.
fn text(name: &str) -> Option<String> {
    set(name).map(|value| value.to_string_lossy().into_owned())
}

/// A variable that names a folder by an absolute path.
fn folder(name: &str) -> Option<PathBuf> {
    set(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
