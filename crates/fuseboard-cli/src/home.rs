//! What the environment says: folders, user, run, project, and which configuration and store are meant.

use std::cell::OnceCell;
use std::ffi::OsString;
use std::fmt::Display;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::config::Config;
use fuseboard_pipeline::config::find::{Surroundings, candidates};
use fuseboard_pipeline::config::load::{LoadError, LoadedConfig, REMEDY, Request, load, load_leniently};
use fuseboard_pipeline::project::{Project, ProjectRegistry};
use fuseboard_pipeline::trust::{RepositoryKey, Trust};

use crate::Failed;
use crate::exit_code::ExitCode;

/// The environment of one call.
pub(crate) struct Home {
    /// The folder that the call is made in.
    folder: PathBuf,
    /// The pipeline's run that this call belongs to.
    pub(crate) run: Option<String>,
    /// The user's own folder for what lives as long as a session.
    pub(crate) runtime_folder: Option<PathBuf>,
    project: OnceCell<String>,
}

/// The configuration that counts.
pub(crate) struct Configuration {
    pub(crate) config: Config,
    /// Why a file that was found does not count.
    pub(crate) trouble: Option<LoadError>,
    /// What has changed since it was trusted, if that is news.
    pub(crate) news: Option<String>,
}

impl Home {
    pub(crate) fn from_environment() -> Self {
        // In a folder that was deleted work can still be guarded; nothing is configured there.
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
        let (run, runtime_folder) = (text("FUSEBOARD_RUN"), absolute("XDG_RUNTIME_DIR"));
        Self { folder, run, runtime_folder, project: OnceCell::new() }
    }

    /// The configuration that counts, for a call that needs none: what is wrong is told beside it.
    pub(crate) fn configuration(&self, flag: Option<&Path>) -> Configuration {
        let (surroundings, trust) = (self.surroundings(), Trust::in_state_folder(&state_folder()));
        let request = Request { flag, surroundings: &surroundings, trust: &trust, accept: false };
        let (LoadedConfig { config, file }, trouble) = load_leniently(request);
        let changed = file.and_then(|file| file.changed.map(|change| (file.path, change)));
        let news = changed.filter(|(_, change)| trust.is_news(change)).map(|(path, _)| {
            format!(
                "{} has changed since it was trusted: the version trusted last is used; read it, then run `{REMEDY}`",
                path.display()
            )
        });
        Configuration { config, trouble, news }
    }

    /// The configuration that counts, for a call that goes by it: what is wrong is an error.
    pub(crate) fn strict_configuration(&self, flag: Option<&Path>, accept: bool) -> Result<LoadedConfig, LoadError> {
        let (surroundings, trust) = (self.surroundings(), Trust::in_state_folder(&state_folder()));
        load(Request { flag, surroundings: &surroundings, trust: &trust, accept })
    }

    /// Accepts the repository's file as it is now, if it is valid.
    pub(crate) fn accept_configuration(&self) -> Result<PathBuf, Failed> {
        let refuse = |message: String| Failed::new(ExitCode::Config, message);
        let candidates = candidates(None, &self.surroundings());
        let Some(found) = candidates.into_iter().find(|found| found.needs_trust) else {
            return Err(Failed::new(ExitCode::Usage, "there is no fuseboard.toml here that needs trust"));
        };
        if std::fs::metadata(&found.path).is_ok_and(|meta| !meta.is_file()) {
            return Err(refuse(format!("{} is no plain file", found.path.display())));
        }
        let content = std::fs::read(&found.path)
            .map_err(|error| refuse(format!("{} cannot be read: {error}", found.path.display())))?;
        Config::parse(&found.path, &content)
            .map_err(|errors| refuse(format!("not trusted, since it is wrong:\n{errors}")))?;
        let accepted = Trust::in_state_folder(&state_folder()).accept(&RepositoryKey::of(&found.path), &content);
        accepted.map_err(|error| Failed::new(ExitCode::NoStore, trouble(&error)))?;
        Ok(found.path)
    }

    /// Where the search for a configuration begins.
    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings::new(self.folder.clone(), |name| std::env::var_os(name))
    }

    /// The name of the project that this folder belongs to, for who only looks.
    pub(crate) fn project(&self) -> &str {
        let registry = || ProjectRegistry::in_state_folder(&state_folder()).only_looking();
        self.project.get_or_init(|| Project::of(&self.folder, &registry()).id)
    }

    /// The same for who uses it: from now on the name is this project's.
    pub(crate) fn own_project(&self) -> String {
        Project::of(&self.folder, &ProjectRegistry::in_state_folder(&state_folder())).id
    }
}

/// The host's store: given, of the environment, configured, or the default place.
///
/// # Errors
/// [`HOMELESS`]
pub(crate) fn store_address(given: Option<&str>, config: &Config) -> Result<String, &'static str> {
    let named = given.map(str::to_owned).or_else(|| text("FUSEBOARD_STORE")).or_else(|| config.store.url.clone());
    match (named, homeless()) {
        (Some(address), _) => Ok(address),
        (None, Some(why)) => Err(why),
        (None, None) => Ok(format!("sqlite:{}", state_folder().join("state.db").display())),
    }
}

/// Why a user's state has no place, and what to do about it.
pub(crate) const HOMELESS: &str =
    "the state has no place, since neither HOME nor XDG_STATE_HOME is set to an absolute path; set HOME";

/// [`HOMELESS`], if this user has no home and the system's folder is not theirs either.
pub(crate) fn homeless() -> Option<&'static str> {
    let placed = ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"].into_iter().any(|name| absolute(name).is_some());
    let user = fuseboard_pipeline::sys::user_id();
    let is_ours = || std::fs::metadata(SYSTEM_STATE).is_ok_and(|meta| meta.uid() == user);
    (!placed && user != 0 && !is_ours()).then_some(HOMELESS)
}

/// What is to be said of an error in the state folder: where there is none, that is the reason.
pub(crate) fn trouble(error: &dyn Display) -> String {
    homeless().map_or_else(|| error.to_string(), str::to_owned)
}

/// Where root's state is.
const SYSTEM_STATE: &str = "/var/lib/fuseboard";

/// The folder of this user's state on this host.
pub(crate) fn state_folder() -> PathBuf {
    if let Some(given) = absolute("STATE_DIRECTORY") {
        return given;
    }
    if let Some(state) = absolute("XDG_STATE_HOME") {
        return state.join("fuseboard");
    }
    match absolute("HOME") {
        Some(home) if !fuseboard_pipeline::sys::is_root() => home.join(".local/state/fuseboard"),
        _ => PathBuf::from(SYSTEM_STATE),
    }
}

/// Who acts.
pub(crate) fn user() -> String {
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(text);
    name.unwrap_or_else(|| format!("user {}", fuseboard_pipeline::sys::user_id()))
}

/// Whether `FUSEBOARD=off`: no circuit is asked or told.
pub(crate) fn is_off() -> bool {
    std::env::var_os("FUSEBOARD").is_some_and(|value| value == "off")
}

/// A variable that is set and not empty.
fn text(name: &str) -> Option<String> {
    set(name).map(|value| value.to_string_lossy().into_owned())
}

/// A variable that names a folder by an absolute path.
fn absolute(name: &str) -> Option<PathBuf> {
    set(name).map(PathBuf::from).filter(|path| path.is_absolute())
}

fn set(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}
