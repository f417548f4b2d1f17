//! The configuration of a call: found, read, trusted, parsed.

use std::fs::OpenOptions;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::find::{Found, Origin, Surroundings, candidates};
use super::{Config, ConfigErrors, MAX_FILE};
use crate::digest::sha256_hex;
use crate::private_folder::PrivateError;
use crate::sys;
use crate::trust::{Change, RepositoryKey, Trust, TrustVerdict};

/// What to type to make a repository's file count.
pub const REMEDY: &str = "fuseboard trust";

/// What a configuration is loaded for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `--config`.
    pub flag: Option<&'a Path>,
    /// Where the search begins.
    pub surroundings: &'a Surroundings,
    /// What the user has accepted.
    pub trust: &'a Trust,
    /// `--trust`: the repository's file is accepted for this call.
    pub accept: bool,
}

/// A configuration and where it comes from.
#[derive(Clone, Debug, Default)]
pub struct LoadedConfig {
    /// What is configured.
    pub config: Config,
    /// The file that says so; without one everything has its default.
    pub file: Option<LoadedFile>,
}

/// The file of a configuration.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its path.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: Origin,
    /// The SHA-256 of the content in use, in hexadecimal digits.
    pub digest: String,
    /// The file has changed since it was accepted: the version accepted last is in use. To be told if it
    /// [is news](Trust::is_news).
    pub changed: Option<Change>,
}

/// Why a file does not count.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It lies in a repository, and nobody has accepted its content. [`REMEDY`] does.
    #[error("{path} is not trusted{}; read it, then run `{REMEDY}`", because(reason.as_ref()))]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why that cannot be told, if so.
        #[source]
        reason: Option<PrivateError>,
    },
    /// Something is wrong with what it says.
    #[error("{errors}")]
    Invalid {
        /// What is wrong.
        errors: ConfigErrors,
        /// Whether it lies in a repository.
        of_repository: bool,
    },
    /// It cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Whether it lies in a repository.
        of_repository: bool,
        /// The system's reason.
        source: io::Error,
    },
}

fn because(reason: Option<&PrivateError>) -> String {
    reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
}

impl LoadError {
    /// Whether the file is a repository's, which commands that need no configuration take as absent.
    pub fn is_of_repository(&self) -> bool {
        match self {
            Self::Untrusted { .. } => true,
            Self::Invalid { of_repository, .. } | Self::Unreadable { of_repository, .. } => *of_repository,
        }
    }
}

/// Loads the configuration that counts; without a file everything has its default.
///
/// # Errors
/// [`LoadError`] if the file that counts is not trusted, wrong or unreadable. None other takes its place.
pub fn load(request: Request<'_>) -> Result<LoadedConfig, LoadError> {
    match candidates(request.flag, request.surroundings).first() {
        Some(found) => load_file(found, request),
        None => Ok(LoadedConfig::default()),
    }
}

/// Loads a configuration in any case: a repository's file that does not count is taken as absent, so that the
/// user's or the system's does; if one of those is wrong everything has its default. What was wrong first is
/// told beside it.
pub fn load_leniently(request: Request<'_>) -> (LoadedConfig, Option<LoadError>) {
    let mut first_error = None;
    for found in candidates(request.flag, request.surroundings) {
        match load_file(&found, request) {
            Ok(loaded) => return (loaded, first_error),
            Err(error) => {
                let is_of_repository = error.is_of_repository();
                first_error.get_or_insert(error);
                if !is_of_repository {
                    break;
                }
            }
        }
    }
    (LoadedConfig::default(), first_error)
}

fn load_file(found: &Found, request: Request<'_>) -> Result<LoadedConfig, LoadError> {
    let Found { path, origin, needs_trust } = found;
    let mut content = read(found).map_err(|source| LoadError::Unreadable {
        path: path.clone(),
        of_repository: *needs_trust,
        source,
    })?;
    let mut changed = None;
    if *needs_trust && !request.accept {
        match request.trust.verdict(&RepositoryKey::of(path), &content) {
            TrustVerdict::Trusted => {}
            TrustVerdict::Changed(change) => {
                content.clone_from(&change.last);
                changed = Some(change);
            }
            TrustVerdict::Untrusted { reason } => return Err(LoadError::Untrusted { path: path.clone(), reason }),
        }
    }
    let config =
        Config::parse(path, &content).map_err(|errors| LoadError::Invalid { errors, of_repository: *needs_trust })?;
    let file = LoadedFile { path: path.clone(), origin: *origin, digest: sha256_hex(&content), changed };
    Ok(LoadedConfig { config, file: Some(file) })
}

/// The content of a file, but not more than shows that it is too large.
fn read(found: &Found) -> io::Result<Vec<u8>> {
    // A pipe is fine for who names it (`--config <(…)`). In a repository it could hold us up for ever, so it is
    // opened without waiting and then refused.
    let flags = if found.needs_trust { sys::NO_WAIT } else { 0 };
    let file = OpenOptions::new().read(true).custom_flags(flags).open(&found.path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if found.needs_trust && !kind.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    let mut content = Vec::new();
    file.take(MAX_FILE as u64 + 1).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::repository::testing::{add_worktree, init};

    /// A host with a user's home, a repository `app` and its worktree `fix`.
    struct Host {
        _keep: tempfile::TempDir,
        top: PathBuf,
        trust: Trust,
        surroundings: Surroundings,
    }

    impl Host {
        fn new() -> Self {
            let keep = tempfile::tempdir().unwrap();
            let top = keep.path().canonicalize().unwrap();
            init(&top.join("app"));
            add_worktree(&top.join("app/.git"), "fix", &top.join("fix"));
            let surroundings = Surroundings {
                folder: top.join("app"),
                environment: None,
                user: Some(top.join("home")),
                system: top.join("etc"),
            };
            Self { _keep: keep, trust: Trust::in_state_folder(&top.join("state")), top, surroundings }
        }

        fn file(&self, path: &str, content: &str) -> PathBuf {
            let path = self.top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, content).unwrap();
            path
        }

        fn accept(&self, path: &Path) {
            self.trust.accept(&RepositoryKey::of(path), &fs::read(path).unwrap()).unwrap();
        }

        fn request(&self) -> Request<'_> {
            Request { flag: None, surroundings: &self.surroundings, trust: &self.trust, accept: false }
        }

        fn load(&self) -> Result<LoadedConfig, LoadError> {
            load(self.request())
        }
    }

    const ONE: &str = "[pipeline]\njobs = 1\n";
    const TWO: &str = "[pipeline]\njobs = 2\n";
    const WRONG: &str = "[pipeline]\njobs = 0\n";

    fn jobs(loaded: &LoadedConfig) -> (u32, Option<Origin>) {
        (loaded.config.pipeline.jobs, loaded.file.as_ref().map(|file| file.origin))
    }

    #[test]
    fn without_a_file_everything_has_its_default() {
        assert_eq!(jobs(&Host::new().load().unwrap()), (4, None));
    }

    #[test]
    fn a_repositorys_file_counts_when_it_was_accepted_in_any_worktree() {
        let mut host = Host::new();
        let path = host.file("app/fuseboard.toml", ONE);
        let error = host.load().unwrap_err();
        let expected = format!("{} is not trusted; read it, then run `fuseboard trust`", path.display());
        assert_eq!(error.to_string(), expected);
        host.accept(&path);
        assert_eq!(jobs(&host.load().unwrap()), (1, Some(Origin::Repository)));
        host.file("fix/fuseboard.toml", ONE);
        host.surroundings.folder = host.top.join("fix");
        assert_eq!(jobs(&host.load().unwrap()), (1, Some(Origin::Repository)));
    }

    #[test]
    fn a_changed_file_leaves_the_accepted_version_in_use_and_that_is_news_once() {
        let host = Host::new();
        let path = host.file("app/fuseboard.toml", ONE);
        host.accept(&path);
        for content in [TWO, WRONG] {
            host.file("app/fuseboard.toml", content);
            let loaded = host.load().unwrap();
            assert_eq!(jobs(&loaded), (1, Some(Origin::Repository)));
            let file = loaded.file.unwrap();
            assert_eq!(file.digest, sha256_hex(ONE.as_bytes()));
            let change = file.changed.unwrap();
            assert!(host.trust.is_news(&change) && !host.trust.is_news(&change));
        }
        host.file("app/fuseboard.toml", ONE);
        assert!(host.load().unwrap().file.unwrap().changed.is_none());
    }

    #[test]
    fn a_call_can_accept_a_file_for_itself() {
        let host = Host::new();
        let path = host.file("app/fuseboard.toml", ONE);
        let by_name = load(Request { flag: Some(&path), ..host.request() }).unwrap();
        assert_eq!(jobs(&by_name), (1, Some(Origin::Flag)));
        let accepted = load(Request { accept: true, ..host.request() }).unwrap();
        assert_eq!(jobs(&accepted), (1, Some(Origin::Repository)));
        assert!(host.load().is_err(), "and for no other");
    }

    #[test]
    fn the_users_and_the_systems_files_need_no_trust() {
        let host = Host::new();
        host.file("etc/fuseboard.toml", ONE);
        assert_eq!(jobs(&host.load().unwrap()), (1, Some(Origin::System)));
        host.file("home/fuseboard.toml", TWO);
        assert_eq!(jobs(&host.load().unwrap()), (2, Some(Origin::User)));
    }

    #[test]
    fn a_named_file_needs_trust_inside_the_work_tree_only() {
        let mut host = Host::new();
        host.surroundings.environment = Some(host.file("elsewhere.toml", ONE));
        assert_eq!(jobs(&host.load().unwrap()), (1, Some(Origin::Environment)));
        host.surroundings.environment = Some(host.file("app/ci.toml", ONE));
        assert!(matches!(host.load(), Err(LoadError::Untrusted { .. })));
    }

    #[test]
    fn no_other_file_takes_the_place_of_one_that_is_wrong() {
        let host = Host::new();
        host.file("home/fuseboard.toml", ONE);
        let path = host.file("app/fuseboard.toml", WRONG);
        assert!(matches!(host.load(), Err(LoadError::Untrusted { .. })), "trust comes first");
        host.accept(&path);
        let error = host.load().unwrap_err();
        assert!(matches!(error, LoadError::Invalid { of_repository: true, .. }), "{error:?}");
        assert!(error.to_string().contains("app/fuseboard.toml:2:8: `jobs` must be"), "{error}");
    }

    #[test]
    fn leniently_a_repositorys_file_that_does_not_count_is_absent() {
        let host = Host::new();
        host.file("home/fuseboard.toml", ONE);
        let path = host.file("app/fuseboard.toml", WRONG);
        let (loaded, error) = load_leniently(host.request());
        assert_eq!(jobs(&loaded), (1, Some(Origin::User)));
        assert!(matches!(error, Some(LoadError::Untrusted { .. })));
        host.accept(&path);
        let (loaded, error) = load_leniently(host.request());
        assert_eq!(jobs(&loaded), (1, Some(Origin::User)));
        assert!(matches!(error, Some(LoadError::Invalid { .. })));
    }

    #[test]
    fn leniently_any_other_file_that_is_wrong_leaves_the_defaults() {
        let host = Host::new();
        host.file("etc/fuseboard.toml", ONE);
        host.file("home/fuseboard.toml", WRONG);
        let (loaded, error) = load_leniently(host.request());
        assert_eq!(jobs(&loaded), (4, None));
        assert!(matches!(error, Some(LoadError::Invalid { of_repository: false, .. })));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_path() {
        let host = Host::new();
        fs::create_dir(host.top.join("app/fuseboard.toml")).unwrap();
        let error = host.load().unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{}/app/fuseboard.toml cannot be read: is a directory", host.top.display())
        );
        let missing = load(Request { flag: Some(Path::new("missing.toml")), ..host.request() }).unwrap_err();
        assert!(matches!(missing, LoadError::Unreadable { of_repository: false, .. }));
    }

    #[test]
    fn a_pipe_in_a_repository_does_not_hold_anybody_up() {
        let host = Host::new();
        let path = host.top.join("app/fuseboard.toml");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert!(host.load().unwrap_err().to_string().ends_with("cannot be read: it is no plain file"));
    }

    #[test]
    fn a_trust_store_that_cannot_be_believed_is_named_as_the_reason() {
        let host = Host::new();
        let path = host.file("app/fuseboard.toml", ONE);
        host.accept(&path);
        fs::remove_dir_all(host.top.join("state/trust")).unwrap();
        host.file("state/trust", "");
        let error = host.load().unwrap_err().to_string();
        assert!(error.contains("is not trusted (") && error.contains("is no folder; remove it"), "{error}");
    }
}
