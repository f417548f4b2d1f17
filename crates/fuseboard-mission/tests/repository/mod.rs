//! What the tests of git share: real repositories in temporary folders.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use fuseboard_mission::git::{CommitId, Git};
use fuseboard_pipeline::process::{Deadline, Interrupt};

/// A repository with one commit on `main`: `file` with three lines.
pub(crate) struct Repository {
    top: tempfile::TempDir,
    pub(crate) root: PathBuf,
}

impl Repository {
    pub(crate) fn new() -> Self {
        Self::begun(&[])
    }

    /// The same, made with these options of `git init`.
    pub(crate) fn begun(options: &[&str]) -> Self {
        let repository = Self::made(options);
        repository.write("file", "one\ntwo\nthree\n");
        repository.commit("Begin");
        repository
    }

    pub(crate) fn empty() -> Self {
        Self::made(&[])
    }

    fn made(options: &[&str]) -> Self {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().canonicalize().unwrap().join("app");
        fs::create_dir(&root).unwrap();
        let repository = Self { top, root };
        repository.git([&["init", "-q", "-b", "main"], options].concat());
        repository.git(["config", "user.name", "Ada Agent"]);
        repository.git(["config", "user.email", "ada@example.org"]);
        repository
    }

    /// A folder beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.root.parent().unwrap().join(name)
    }

    /// Our git, without limits.
    pub(crate) fn ours(&self) -> Git {
        Git::at(&self.root, Deadline::NEVER, &Interrupt::never())
    }

    /// Runs the real git here and returns what it wrote.
    #[track_caller]
    pub(crate) fn git<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> String {
        git_in(&self.root, args)
    }

    pub(crate) fn write(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits everything.
    pub(crate) fn commit(&self, message: &str) -> CommitId {
        self.git(["add", "-A"]);
        self.git(["commit", "-q", "--allow-empty", "--no-verify", "-m", message]);
        self.id("HEAD")
    }

    #[track_caller]
    pub(crate) fn id(&self, revision: &str) -> CommitId {
        CommitId::new(self.git(["rev-parse", revision]).trim()).unwrap()
    }

    /// A script that leaves a trace when it runs. Its standard input goes through it.
    pub(crate) fn canary(&self) -> Canary {
        let (script, trace) = (self.beside("canary.sh"), self.beside("canary.trace"));
        fs::write(&script, format!("#!/bin/sh\necho ran >> {}\nexec cat\n", trace.display())).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        Canary { script: script.to_str().unwrap().to_owned(), trace }
    }

    /// Every file of the work tree and of the repository but its objects, which may only grow.
    pub(crate) fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.root, &mut files);
        files.retain(|path, _| !path.starts_with(self.root.join(".git/objects")));
        files
    }
}

/// A program that must not run.
pub(crate) struct Canary {
    pub(crate) script: String,
    trace: PathBuf,
}

impl Canary {
    #[track_caller]
    pub(crate) fn assert_silent(&self, why: &str) {
        assert!(!self.trace.exists(), "a program was run: {why}");
    }

    /// That the trap works at all: a plain git runs it.
    #[track_caller]
    pub(crate) fn assert_ran(&self, why: &str) {
        assert!(self.trace.exists(), "the trap does not work: {why}");
        fs::remove_file(&self.trace).unwrap();
    }
}

#[track_caller]
pub(crate) fn git_in<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> String {
    String::from_utf8_lossy(&bytes_in(folder, args)).into_owned()
}

/// The same, to the byte.
#[track_caller]
pub(crate) fn bytes_in<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Vec<u8> {
    let output = Command::new("git")
        .args(args)
        .current_dir(folder)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ALLOW_PROTOCOL", "file:ext")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        if kind.is_dir() {
            files.insert(path.clone(), Vec::new());
            collect(&path, files);
        } else if kind.is_symlink() {
            files.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
}
