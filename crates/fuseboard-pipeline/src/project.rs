//! Which project a folder belongs to, and what it is called.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::digest::sha256_hex;
use crate::private_folder::{PrivateError, PrivateFolder};
use crate::repository::Repository;

/// Longest id, in bytes: it is a part of circuit names.
const MAX_ID: usize = 64;

/// Digits of the hash that tells two projects of one name apart.
const SUFFIX: usize = 6;

/// The work that belongs together: all worktrees of a repository, or a folder outside of any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name in circuits and reports: `[a-z0-9][a-z0-9._-]{0,63}`.
    pub id: String,
    /// The repository's main worktree, or the folder.
    pub path: PathBuf,
}

impl Project {
    /// The project that a folder belongs to.
    ///
    /// Its id is the [`slug`] of the folder's name; of two projects with one slug, the one that came later to
    /// the registry has a suffix. If the registry cannot be used the id is the plain slug: a project must have a
    /// name, and most have different ones.
    pub fn of(folder: &Path, registry: &ProjectRegistry) -> Self {
        let path = match Repository::containing(folder) {
            Some(repository) => repository.main_worktree().to_owned(),
            None => folder.canonicalize().unwrap_or_else(|_| folder.to_owned()),
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let slug = slug(name.strip_suffix(".git").unwrap_or(&name)); // bare repositories
        let id = registry.claim(&slug, &path).unwrap_or(slug);
        Self { id, path }
    }
}

/// A name in the letters that circuits have: lower case, every other character a `-`, none of `-._` at its ends,
/// at most 64 bytes; `project` if nothing is left.
pub fn slug(name: &str) -> String {
    let letter = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_alphanumeric() || "._-".contains(c) => c,
        _ => '-',
    };
    let letters: String = name.chars().map(letter).collect();
    let slug = shortened(letters.trim_matches(['-', '.', '_']), MAX_ID);
    if slug.is_empty() { "project".to_owned() } else { slug.to_owned() }
}

/// The beginning of a slug, again without a mark at its end.
fn shortened(slug: &str, length: usize) -> &str {
    slug[..slug.len().min(length)].trim_end_matches(['-', '.', '_'])
}

/// Which project has which id on this host: one file for each id, which holds the project's path. A file is made
/// once and never changed, so that any number of processes agree without a lock.
#[derive(Clone, Debug)]
pub struct ProjectRegistry {
    folder: PrivateFolder,
    /// Whether ids that are nobody's yet are left so.
    looking: bool,
}

/// Longest path that is remembered.
const MAX_PATH: usize = 8192;

impl ProjectRegistry {
    /// The registry in a state folder.
    pub fn in_state_folder(state: &Path) -> Self {
        Self { folder: PrivateFolder::new(state.join("projects")), looking: false }
    }

    /// The same for who only looks: nothing is written down.
    #[must_use]
    pub fn only_looking(self) -> Self {
        Self { looking: true, ..self }
    }

    /// The id under which this path is known, made known now if it was not: the slug, or, if that is another
    /// path's, the slug with digits of the path's hash.
    fn claim(&self, slug: &str, path: &Path) -> Result<String, PrivateError> {
        if self.is_of(slug, path)? {
            return Ok(slug.to_owned());
        }
        let hash = sha256_hex(path.as_os_str().as_bytes());
        let stem = shortened(slug, MAX_ID - SUFFIX - 1);
        let suffixed = |at: usize| format!("{stem}-{}", &hash[at..at + SUFFIX]);
        // The next digits if these are another's too, which takes two equal ones of 16 million.
        for at in (0..hash.len() - SUFFIX).step_by(SUFFIX) {
            let id = suffixed(at);
            // If that cannot be told or written down the id is right all the same: the slug is another's.
            if self.is_of(&id, path).unwrap_or(true) {
                return Ok(id);
            }
        }
        Ok(suffixed(0))
    }

    /// Whether the id is this path's, which it becomes if it is nobody's.
    fn is_of(&self, id: &str, path: &Path) -> Result<bool, PrivateError> {
        let path = path.as_os_str().as_bytes();
        if let Some(owner) = self.folder.read(id, MAX_PATH)? {
            return Ok(owner == path);
        }
        if self.looking || self.folder.create(id, path)? {
            return Ok(true);
        }
        Ok(self.folder.read(id, MAX_PATH)?.is_some_and(|owner| owner == path))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::repository::testing::{add_worktree, init, make_git_folder};

    struct Host {
        _keep: tempfile::TempDir,
        top: PathBuf,
        registry: ProjectRegistry,
    }

    fn host() -> Host {
        let keep = tempfile::tempdir().unwrap();
        let top = keep.path().canonicalize().unwrap();
        let registry = ProjectRegistry::in_state_folder(&top.join("state"));
        Host { _keep: keep, top, registry }
    }

    impl Host {
        fn project(&self, folder: &str) -> Project {
            fs::create_dir_all(self.top.join(folder)).unwrap();
            Project::of(&self.top.join(folder), &self.registry)
        }
    }

    #[test]
    fn a_slug_has_only_letters_that_circuits_have() {
        let cases = [
            ("app", "app"),
            ("My Project", "my-project"),
            ("Zürich", "z-rich"),
            (".dotfiles", "dotfiles"),
            ("a.b_c-d", "a.b_c-d"),
            ("-x-", "x"),
            ("日本", "project"),
            ("", "project"),
            ("...", "project"),
        ];
        for (name, expected) in cases {
            assert_eq!(slug(name), expected, "{name:?}");
        }
        assert_eq!(slug(&"x".repeat(100)), "x".repeat(64));
        assert_eq!(slug(&format!("{}-y", "x".repeat(63))), "x".repeat(63), "no mark at the end after cutting");
    }

    #[test]
    fn all_worktrees_are_one_project_named_after_the_main_one() {
        let host = host();
        init(&host.top.join("App"));
        add_worktree(&host.top.join("App/.git"), "fix", &host.top.join("trees/fix"));
        let expected = Project { id: "app".to_owned(), path: host.top.join("App") };
        for folder in ["App", "App/src", "trees/fix", "trees/fix/src"] {
            assert_eq!(host.project(folder), expected, "{folder}");
        }
    }

    #[test]
    fn a_bare_repository_gives_its_name_without_the_ending() {
        let host = host();
        make_git_folder(&host.top.join("tool.git"));
        add_worktree(&host.top.join("tool.git"), "one", &host.top.join("one"));
        assert_eq!(host.project("one").id, "tool");
    }

    #[test]
    fn outside_of_a_repository_the_folder_is_the_project() {
        let host = host();
        assert_eq!(host.project("notes"), Project { id: "notes".to_owned(), path: host.top.join("notes") });
    }

    #[test]
    fn of_two_projects_with_one_name_the_later_one_gets_a_suffix_and_keeps_it() {
        let host = host();
        assert_eq!(host.project("a/app").id, "app");
        let later = host.project("b/app").id;
        assert!(later.starts_with("app-") && later.len() == 10, "{later}");
        assert!(later[4..].bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));
        assert_ne!(host.project("c/app").id, later);
        assert_eq!((host.project("a/app").id, host.project("b/app").id), ("app".to_owned(), later));
    }

    #[test]
    fn a_suffix_fits_behind_the_longest_name() {
        let host = host();
        let long = "x".repeat(64);
        assert_eq!(host.project(&format!("a/{long}")).id, long);
        let later = host.project(&format!("b/{long}")).id;
        assert_eq!(later.len(), 64);
        assert!(fuseboard::CircuitName::new(&later).is_ok());
    }

    #[test]
    fn an_unusable_registry_leaves_the_plain_name() {
        let host = host();
        fs::write(host.top.join("state"), "a file where a folder should be").unwrap();
        assert_eq!(host.project("a/app").id, "app");
    }

    #[test]
    fn a_taken_name_is_seen_even_if_nothing_can_be_written() {
        let host = host();
        let (first, later) = (host.project("a/app").id, host.project("b/app").id);
        let folder = host.top.join("state/projects");
        fs::remove_file(folder.join(&later)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
        assert_eq!((host.project("a/app").id, host.project("b/app").id), (first, later));
    }

    #[test]
    fn processes_at_once_agree_on_who_has_the_name() {
        let host = host();
        let folders: Vec<PathBuf> = (0..8).map(|n| host.top.join(format!("{n}/app"))).collect();
        for folder in &folders {
            fs::create_dir_all(folder).unwrap();
        }
        let ids = std::thread::scope(|scope| {
            let claims: Vec<_> = folders.iter().map(|f| scope.spawn(|| Project::of(f, &host.registry).id)).collect();
            claims.into_iter().map(|claim| claim.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(ids.iter().filter(|id| *id == "app").count(), 1, "{ids:?}");
        assert_eq!(ids.iter().collect::<std::collections::BTreeSet<_>>().len(), 8, "{ids:?}");
        let again: Vec<_> = folders.iter().map(|f| Project::of(f, &host.registry).id).collect();
        assert_eq!(again, ids);
    }
}
