//! Which git repository a folder lies in, read from its files. No git is run: this happens before anything is
//! trusted, and git can be told to run programs.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Longest `.git` or `commondir` file: a path, and a word before it.
const MAX_POINTER: u64 = 8192;

/// A git repository as seen from one of its worktrees. All paths are absolute and free of links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    root: PathBuf,
    common: PathBuf,
}

impl Repository {
    /// The repository whose worktree holds this folder, or `None` outside of any.
    ///
    /// It is the nearest folder upward with a `.git` that leads to a repository (gitrepository-layout(5)): a
    /// folder of that name, or a file `gitdir: PATH` in linked worktrees and submodules. Environment variables
    /// such as `GIT_DIR` do not count: which file is trusted must not depend on them.
    pub fn containing(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        folder.ancestors().find_map(|root| {
            let common = common_folder(&git_folder(root)?)?;
            Some(Self { root: root.to_owned(), common })
        })
    }

    /// The top folder of this worktree.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that all worktrees of the repository share (`git rev-parse --git-common-dir`): its identity.
    pub fn common(&self) -> &Path {
        &self.common
    }

    /// The main worktree. A bare repository has none; then, and where git itself cannot know it (`git init
    /// --separate-git-dir`), it is the repository's own folder.
    pub fn main_worktree(&self) -> &Path {
        match self.common.parent() {
            Some(parent) if self.common.file_name().is_some_and(|name| name == ".git") => parent,
            _ => &self.common,
        }
    }
}

/// The git folder that `.git` of this folder is or names.
fn git_folder(root: &Path) -> Option<PathBuf> {
    let dot_git = root.join(".git");
    let kind = fs::metadata(&dot_git).ok()?;
    if kind.is_dir() {
        return dot_git.canonicalize().ok();
    }
    let pointer = kind.is_file().then(|| pointer(&dot_git)).flatten()?;
    root.join(pointer.strip_prefix("gitdir:")?.trim()).canonicalize().ok()
}

/// The common folder of a git folder, if it is that of a repository: only such ones have a `HEAD`, and objects.
fn common_folder(git: &Path) -> Option<PathBuf> {
    let common = match pointer(&git.join("commondir")) {
        Some(common) => git.join(common.trim()).canonicalize().ok()?,
        None => git.to_owned(),
    };
    // A `HEAD` may be a link that leads nowhere yet, which git accepts.
    let has_head = git.join("HEAD").symlink_metadata().is_ok();
    (has_head && common.join("objects").is_dir()).then_some(common)
}

/// The text of a file that holds a path.
fn pointer(file: &Path) -> Option<String> {
    if !fs::metadata(file).ok()?.is_file() {
        return None; // reading a pipe could wait for ever
    }
    let mut text = String::new();
    fs::File::open(file).ok()?.take(MAX_POINTER).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
pub(crate) mod testing {
    use std::fs;
    use std::path::Path;

    /// Makes what `git init` makes, as far as it matters here.
    pub(crate) fn init(folder: &Path) {
        make_git_folder(&folder.join(".git"));
    }

    /// Makes a git folder: what a bare repository is.
    pub(crate) fn make_git_folder(git: &Path) {
        fs::create_dir_all(git.join("objects")).unwrap();
        fs::write(git.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    /// Makes what `git worktree add` makes.
    pub(crate) fn add_worktree(git: &Path, name: &str, folder: &Path) {
        let own = git.join("worktrees").join(name);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("HEAD"), "ref: refs/heads/other\n").unwrap();
        fs::write(own.join("commondir"), "../..\n").unwrap();
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(".git"), format!("gitdir: {}\n", own.display())).unwrap();
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{add_worktree, init, make_git_folder};
    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().canonicalize().unwrap();
        (folder, path)
    }

    #[test]
    fn a_folder_inside_a_worktree_belongs_to_its_repository() {
        let (_keep, top) = folder();
        init(&top.join("app"));
        let inner = top.join("app/src/deep");
        fs::create_dir_all(&inner).unwrap();
        let repository = Repository::containing(&inner).unwrap();
        assert_eq!(repository.root(), top.join("app"));
        assert_eq!(repository.common(), top.join("app/.git"));
        assert_eq!(repository.main_worktree(), top.join("app"));
    }

    #[test]
    fn all_worktrees_are_one_repository_with_one_main_worktree() {
        let (_keep, top) = folder();
        init(&top.join("app"));
        add_worktree(&top.join("app/.git"), "feature", &top.join("elsewhere/feature"));
        let repository = Repository::containing(&top.join("elsewhere/feature")).unwrap();
        assert_eq!(repository.root(), top.join("elsewhere/feature"));
        assert_eq!(repository.common(), top.join("app/.git"));
        assert_eq!(repository.main_worktree(), top.join("app"));
    }

    #[test]
    fn the_worktrees_of_a_bare_repository_share_its_folder() {
        let (_keep, top) = folder();
        make_git_folder(&top.join("app.git"));
        add_worktree(&top.join("app.git"), "one", &top.join("one"));
        assert_eq!(Repository::containing(&top.join("one")).unwrap().main_worktree(), top.join("app.git"));
    }

    #[test]
    fn a_submodule_is_a_repository_of_its_own() {
        let (_keep, top) = folder();
        init(&top);
        make_git_folder(&top.join(".git/modules/lib"));
        fs::create_dir(top.join("lib")).unwrap();
        fs::write(top.join("lib/.git"), "gitdir: ../.git/modules/lib\n").unwrap();
        let repository = Repository::containing(&top.join("lib")).unwrap();
        assert_eq!(repository.root(), top.join("lib"));
        assert_eq!(repository.common(), top.join(".git/modules/lib"));
    }

    #[test]
    fn what_only_looks_like_a_repository_is_passed_by() {
        let (_keep, top) = folder();
        init(&top);
        for (name, content) in [("empty", ""), ("nonsense", "hello"), ("nowhere", "gitdir: /does/not/exist\n")] {
            let inner = top.join(name);
            fs::create_dir(&inner).unwrap();
            fs::write(inner.join(".git"), content).unwrap();
            assert_eq!(Repository::containing(&inner).unwrap().root(), top, "{name}");
        }
        fs::create_dir_all(top.join("bogus/.git")).unwrap();
        assert_eq!(Repository::containing(&top.join("bogus")).unwrap().root(), top);
    }

    #[test]
    fn a_folder_outside_of_any_repository_has_none() {
        let (_keep, top) = folder();
        assert_eq!(Repository::containing(&top), None);
        assert_eq!(Repository::containing(&top.join("missing")), None);
    }
}
