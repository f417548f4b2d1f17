//! Which configuration file counts, and where it comes from: its trust depends on that.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use crate::repository::Repository;

/// What a configuration file is called.
pub const FILE_NAME: &str = "fuseboard.toml";

/// Where a configuration file was found, the first place that has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `--config`.
    Flag,
    /// `$FUSEBOARD_CONFIG`.
    Environment,
    /// The nearest `fuseboard.toml` upward to the repository's root; outside of a repository that of the current
    /// folder only.
    Repository,
    /// The user's configuration folder.
    User,
    /// `/etc/fuseboard`.
    System,
}

/// A file that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its path.
    pub path: PathBuf,
    /// Where it was found.
    pub origin: Origin,
    /// Whether it counts only if the user has accepted its content: it lies where others, agents among them,
    /// write. `--config` is an acceptance by itself.
    pub needs_trust: bool,
}

/// All that the search depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// The current folder, absolute.
    pub folder: PathBuf,
    /// `$FUSEBOARD_CONFIG`.
    pub environment: Option<PathBuf>,
    /// The folder of the user's configuration.
    pub user: Option<PathBuf>,
    /// The folder of the system's configuration.
    pub system: PathBuf,
}

impl Surroundings {
    /// The surroundings in a folder, with the environment's variables as `variable` gives them
    /// ([`std::env::var_os`] in the program). Empty ones count as unset, and by the XDG base directory
    /// specification so does a relative `XDG_CONFIG_HOME`.
    pub fn new(folder: PathBuf, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let absolute = |name| path(name).filter(|path| path.is_absolute());
        let user = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
        Self {
            environment: path("FUSEBOARD_CONFIG").map(|path| folder.join(path)),
            user: user.map(|folder| folder.join("fuseboard")),
            system: PathBuf::from("/etc/fuseboard"),
            folder,
        }
    }
}

/// The configuration files in the order in which they count; the first one is the configuration, the others are
/// for who lets that one be absent. A file that was named (`--config`, `$FUSEBOARD_CONFIG`) is there even if it
/// does not exist: to pass it by in silence would be no help.
pub fn candidates(flag: Option<&Path>, surroundings: &Surroundings) -> Vec<Found> {
    let found = |path: PathBuf, origin| Found { path, origin, needs_trust: origin == Origin::Repository };
    if let Some(flag) = flag {
        return vec![found(surroundings.folder.join(flag), Origin::Flag)];
    }
    let repository = Repository::containing(&surroundings.folder);
    let root = repository.as_ref().map(Repository::root);
    let environment = surroundings.environment.clone().map(|path| {
        let needs_trust = lies_in(&path, root.unwrap_or(&surroundings.folder));
        Found { path, origin: Origin::Environment, needs_trust }
    });
    let nearest = nearest_file(&surroundings.folder, root).map(|path| found(path, Origin::Repository));
    let folders = [(surroundings.user.as_ref(), Origin::User), (Some(&surroundings.system), Origin::System)];
    let others = folders.into_iter().filter_map(|(folder, origin)| {
        let path = folder?.join(FILE_NAME);
        exists(&path).then(|| found(path, origin))
    });
    environment.into_iter().chain(nearest).chain(others).collect()
}

/// The nearest file upward to the root, or in this folder alone if there is no root.
fn nearest_file(folder: &Path, root: Option<&Path>) -> Option<PathBuf> {
    let Some(root) = root else {
        let here = folder.join(FILE_NAME);
        return exists(&here).then_some(here);
    };
    // The root is free of links; the folder need not be, and then has other parents.
    let folder = folder.canonicalize().ok()?;
    let inside = folder.ancestors().take_while(|folder| folder.starts_with(root));
    inside.map(|folder| folder.join(FILE_NAME)).find(|path| exists(path))
}

/// Whether something has this name. What cannot be told counts as there: the attempt to read it will say why not.
fn exists(path: &Path) -> bool {
    match path.symlink_metadata() {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory),
    }
}

/// Whether a file lies in a folder, by its name or by what its name leads to.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // The folder of the name counts too: who can write there can put another link in its place.
    let named = path.parent().and_then(|parent| parent.canonicalize().ok());
    let led_to = path.canonicalize().ok();
    [named, led_to].into_iter().flatten().any(|path| path.starts_with(&folder)) || path.starts_with(&folder)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::repository::testing::init;

    struct Host {
        _keep: tempfile::TempDir,
        top: PathBuf,
    }

    impl Host {
        fn new() -> Self {
            let keep = tempfile::tempdir().unwrap();
            let top = keep.path().canonicalize().unwrap();
            Self { _keep: keep, top }
        }

        fn file(&self, path: &str) -> PathBuf {
            let path = self.top.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        }

        fn at(&self, folder: &str) -> Surroundings {
            fs::create_dir_all(self.top.join(folder)).unwrap();
            Surroundings {
                folder: self.top.join(folder),
                environment: None,
                user: Some(self.top.join("home/.config/fuseboard")),
                system: self.top.join("etc"),
            }
        }
    }

    fn first(flag: Option<&Path>, surroundings: &Surroundings) -> Option<(PathBuf, Origin, bool)> {
        let found = candidates(flag, surroundings).into_iter().next()?;
        Some((found.path, found.origin, found.needs_trust))
    }

    #[test]
    fn each_place_goes_before_the_next_one() {
        let host = Host::new();
        init(&host.top.join("app"));
        let mut surroundings = host.at("app/src");
        assert_eq!(first(None, &surroundings), None);
        let system = host.file("etc/fuseboard.toml");
        assert_eq!(first(None, &surroundings), Some((system, Origin::System, false)));
        let user = host.file("home/.config/fuseboard/fuseboard.toml");
        assert_eq!(first(None, &surroundings), Some((user, Origin::User, false)));
        let repository = host.file("app/fuseboard.toml");
        assert_eq!(first(None, &surroundings), Some((repository, Origin::Repository, true)));
        let named = host.file("named.toml");
        surroundings.environment = Some(named.clone());
        assert_eq!(first(None, &surroundings), Some((named, Origin::Environment, false)));
        let flag = first(Some(Path::new("../fuseboard.toml")), &surroundings).unwrap();
        assert_eq!(flag, (host.top.join("app/src/../fuseboard.toml"), Origin::Flag, false));
        let origins: Vec<_> = candidates(None, &surroundings).into_iter().map(|found| found.origin).collect();
        assert_eq!(origins, [Origin::Environment, Origin::Repository, Origin::User, Origin::System]);
    }

    #[test]
    fn the_nearest_file_upward_counts_and_none_above_the_repository() {
        let host = Host::new();
        host.file("fuseboard.toml");
        init(&host.top.join("app"));
        assert_eq!(first(None, &host.at("app/a/b")), None);
        host.file("app/fuseboard.toml");
        let nearer = host.file("app/a/fuseboard.toml");
        assert_eq!(first(None, &host.at("app/a/b")).map(|found| found.0), Some(nearer));
    }

    #[test]
    fn a_link_to_a_folder_of_the_repository_is_in_the_repository() {
        let host = Host::new();
        init(&host.top.join("app"));
        let file = host.file("app/fuseboard.toml");
        host.at("app/src");
        symlink(host.top.join("app/src"), host.top.join("short")).unwrap();
        assert_eq!(first(None, &host.at("short")).map(|found| found.0), Some(file));
    }

    #[test]
    fn outside_of_a_repository_only_the_current_folder_counts_and_needs_trust_too() {
        let host = Host::new();
        let file = host.file("notes/fuseboard.toml");
        assert_eq!(first(None, &host.at("notes")), Some((file, Origin::Repository, true)));
        assert_eq!(first(None, &host.at("notes/deeper")), None);
    }

    #[test]
    fn a_named_file_inside_the_work_tree_needs_trust() {
        let host = Host::new();
        init(&host.top.join("app"));
        let mut surroundings = host.at("app/src");
        let mut needs_trust = |path: &Path| {
            surroundings.environment = Some(path.to_owned());
            first(None, &surroundings).unwrap().2
        };
        let (inside, outside) = (host.file("app/ci.toml"), host.file("elsewhere/ci.toml"));
        assert!(needs_trust(&inside) && !needs_trust(&outside));
        assert!(needs_trust(&host.top.join("elsewhere/../app/ci.toml")), "by a detour");
        symlink(&inside, host.top.join("elsewhere/link")).unwrap();
        assert!(needs_trust(&host.top.join("elsewhere/link")), "a link into it");
        symlink(&outside, host.top.join("app/link")).unwrap();
        assert!(needs_trust(&host.top.join("app/link")), "a link out of it, which somebody can bend");
        assert!(needs_trust(&host.top.join("app/missing.toml")));
        let mut loose = host.at("notes");
        loose.environment = Some(host.file("notes/x.toml"));
        assert_eq!(first(None, &loose).map(|found| found.2), Some(true), "outside of a repository, the folder");
    }

    #[test]
    fn a_named_file_is_found_even_if_it_is_missing() {
        let host = Host::new();
        let mut surroundings = host.at("x");
        surroundings.environment = Some(host.top.join("gone.toml"));
        assert_eq!(first(None, &surroundings).map(|found| found.1), Some(Origin::Environment));
        assert_eq!(first(Some(Path::new("gone.toml")), &surroundings).map(|found| found.1), Some(Origin::Flag));
    }

    #[test]
    fn a_link_that_leads_nowhere_is_found_so_that_it_is_told() {
        let host = Host::new();
        let surroundings = host.at("x");
        symlink("nowhere", host.top.join("x/fuseboard.toml")).unwrap();
        assert!(first(None, &surroundings).is_some());
    }

    #[test]
    fn the_environment_is_read_as_the_standards_say() {
        let folders = |variables: &[(&str, &str)]| {
            let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into());
            let surroundings = Surroundings::new(PathBuf::from("/work"), variable);
            let text = |path: Option<PathBuf>| path.map(|path| path.to_str().unwrap().to_owned());
            (text(surroundings.environment), text(surroundings.user))
        };
        let user = |path: &str| (None, Some(path.to_owned()));
        assert_eq!(folders(&[]), (None, None));
        assert_eq!(folders(&[("HOME", "/home/me")]), user("/home/me/.config/fuseboard"));
        assert_eq!(folders(&[("HOME", "/home/me"), ("XDG_CONFIG_HOME", "/cfg")]), user("/cfg/fuseboard"));
        assert_eq!(folders(&[("HOME", "/home/me"), ("XDG_CONFIG_HOME", "cfg")]), user("/home/me/.config/fuseboard"));
        assert_eq!(folders(&[("FUSEBOARD_CONFIG", "")]), (None, None));
        assert_eq!(folders(&[("FUSEBOARD_CONFIG", "ci.toml")]).0.as_deref(), Some("/work/ci.toml"));
    }
}
