//! Git, run by this module alone: bounded in time and output, and so that a repository cannot have programs run.
//!
//! A repository that an agent worked in is not trusted: its configuration and its attributes can hide lines from a
//! diff or name programs. So each call brings its own settings (`SETTINGS`, `surroundings.rs`), looks at commits by their
//! ids, and whoever touches the work tree, the index or a remote asks [`Git::refuse_programs`] first.
//! [`Git::changes`] and everything that publishes do that themselves.
//!
//! ```no_run
//! use fuseboard_mission::git::Git;
//! use fuseboard_pipeline::process::{Deadline, Interrupt};
//!
//! let git = Git::at(".", Deadline::NEVER, &Interrupt::never());
//! let (base, head) = (git.base(None)?, git.head()?.expect("a commit"));
//! for file in git.diff(&base, &head)?.files {
//!     println!("{}: {} new lines", file.name(), file.added.len());
//! }
//! # Ok::<(), fuseboard_mission::git::GitError>(())
//! ```

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use fuseboard_pipeline::process::{Command, Deadline, How, Interrupt, Marker, Output};
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::step::StepContext;

mod base;
mod changes;
mod commit;
mod config;
mod diff;
mod error;
mod merging;
mod recording;
mod remote;
mod search;
mod surroundings;
mod tree;
mod worktree;

pub use changes::Changes;
pub use commit::{Author, Commit, CommitId};
pub use config::Remote;
pub use diff::{Diff, FileDiff, FileStatus};
pub use error::GitError;
pub use merging::{Merged, NewCommit};
pub use remote::PushPlan;
pub use tree::GitTree;
pub(crate) use tree::names;
pub use worktree::{TemporaryWorktree, Turn};

/// Most output of one call that is read, in bytes. What is larger cannot be told.
pub const MAX_OUTPUT: usize = 64 * 1024 * 1024;

/// How much of git's complaints is kept, in bytes.
const MAX_COMPLAINT: usize = 16 * 1024;

/// Settings of every call. They win over each configuration file.
const SETTINGS: [&str; 20] = [
    // These run programs, or hide lines from a diff.
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "gc.auto=0",
    "maintenance.auto=false",
    "rerere.enabled=false",
    // These are caches beside the truth, or settings that let a change go unseen.
    "core.commitGraph=false",
    "core.untrackedCache=false",
    "core.ignoreStat=false",
    "core.checkStat=default",
    "core.trustctime=true",
    "core.symlinks=true",
    "core.fileMode=true",
    "core.ignoreCase=false",
    "core.bigFileThreshold=512m",
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    // These act on more than what the call names.
    "submodule.recurse=false",
    "push.pushOption=",
    "fetch.bundleURI=",
];

/// How many calls this process has made.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// A folder in which git is run, until when, and who may stop it. No call is made when it is built.
#[derive(Clone, Debug)]
pub struct Git {
    folder: PathBuf,
    deadline: Deadline,
    interrupt: Interrupt,
    marker: Option<Marker>,
    /// The search path of every call: no program in the repository that was given first is run.
    path: Option<OsString>,
    /// A private folder for indexes of our own; where there is none they are made for each look.
    indexes: Option<PathBuf>,
}

/// One call of git, not yet made.
struct Call<'a> {
    git: &'a Git,
    name: &'static str,
    command: Command,
}

/// What a call that ended by itself came to.
struct Said {
    code: i32,
    stdout: Vec<u8>,
    complaint: String,
}

impl Git {
    /// Git in this folder, until `deadline` or a signal.
    pub fn at(folder: impl Into<PathBuf>, deadline: Deadline, interrupt: &Interrupt) -> Self {
        let folder = folder.into();
        let root = Repository::containing(&folder).map(|repository| repository.root().to_owned());
        let guarded = root.or_else(|| folder.canonicalize().ok());
        let path = surroundings::path_outside(guarded.as_deref());
        Self { folder, deadline, interrupt: interrupt.clone(), marker: None, path, indexes: None }
    }

    /// Git in the job's folder, for this step.
    pub fn of(context: &StepContext<'_>) -> Self {
        let git = Self::at(&context.job.project.path, context.deadline, context.interrupt);
        git.marked(context.marker()).with_state_in(context.state_folder)
    }

    /// The same, with this state folder, in which an index of each project is kept: the second look at a work tree reads
    /// only what has changed.
    #[must_use]
    pub fn with_state_in(self, folder: &Path) -> Self {
        Self { indexes: Some(folder.join("indexes")), ..self }
    }

    /// The same, with this entry in the environment of every call, so that what a killed run left of them is found.
    #[must_use]
    pub fn marked(self, marker: Marker) -> Self {
        Self { marker: Some(marker), ..self }
    }

    /// The same, and no longer than until this deadline.
    #[must_use]
    pub fn until(&self, deadline: Deadline) -> Self {
        Self { deadline: self.deadline.or_earlier(deadline), ..self.clone() }
    }

    /// The same in another folder.
    #[must_use]
    pub fn in_folder(&self, folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), ..self.clone() }
    }

    /// The folder in which it runs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The commit that is checked out; `None` before the first one.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn head(&self) -> Result<Option<CommitId>, GitError> {
        self.resolve("HEAD")
    }

    /// The branch that is checked out, without `refs/heads/`; `None` if a commit is checked out by itself.
    ///
    /// # Errors
    /// [`GitError`], also for a name that is not UTF-8.
    pub fn branch(&self) -> Result<Option<String>, GitError> {
        let name = self.symbolic_ref("HEAD")?;
        Ok(name.and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned)))
    }

    /// The branch and the commit that are checked out, of one look.
    ///
    /// # Errors
    /// As for [`branch`](Self::branch) and [`head`](Self::head).
    pub fn checked_out(&self) -> Result<(Option<String>, Option<CommitId>), GitError> {
        let said = self.call("rev-parse").args(["HEAD^{commit}", "--symbolic-full-name", "HEAD"]).run()?;
        if said.code != 0 {
            // Before the first commit there is a branch all the same.
            return Ok((self.branch()?, self.head()?));
        }
        let lines = str::from_utf8(&said.stdout);
        let lines = lines.map_err(|_| GitError::cannot_tell("the branch's name is not UTF-8"))?;
        let (commit, reference) = lines.split_once('\n').unwrap_or((lines, ""));
        let branch = match reference.trim_end_matches('\n') {
            "HEAD" => None,
            // Git does not tell while another reference is called HEAD, too.
            "" => self.branch()?,
            name => name.strip_prefix("refs/heads/").map(str::to_owned),
        };
        Ok((branch, Some(CommitId::of_line(commit.as_bytes())?)))
    }

    /// The commit that a revision names, if there is one. It is never taken for an option.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn resolve(&self, revision: &str) -> Result<Option<CommitId>, GitError> {
        if revision.is_empty() || revision.contains('\0') {
            return Ok(None);
        }
        let mut wanted = OsString::from(revision);
        wanted.push("^{commit}");
        let said = self.call("rev-parse").args(["--verify", "--quiet", "--end-of-options"]).operand(wanted).run()?;
        match said.code {
            0 => CommitId::of_line(&said.stdout).map(Some),
            1 => Ok(None),
            // An object that is missing, or is no commit, is told as a fault in spite of `--quiet`.
            _ if said.complaint.contains("Needed a single revision") || said.complaint.contains("expected commit") => {
                Ok(None)
            }
            _ => Err(said.error("rev-parse")),
        }
    }

    /// How many commits `head` has that `base` has not.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn ahead(&self, base: &CommitId, head: &CommitId) -> Result<u64, GitError> {
        let count = self.call("rev-list").arg("--count").args([head.as_str(), &format!("^{base}")]).output()?;
        let count = str::from_utf8(&count).ok().and_then(|text| text.trim().parse().ok());
        count.ok_or_else(|| GitError::cannot_tell("git rev-list did not count"))
    }

    /// Whether history is cut off.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn is_shallow(&self) -> Result<bool, GitError> {
        Ok(self.call("rev-parse").arg("--is-shallow-repository").output()?.trim_ascii() == b"true")
    }

    /// The top folder of the work tree.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn root(&self) -> Result<PathBuf, GitError> {
        let root = self.call("rev-parse").arg("--show-toplevel").output()?;
        Ok(PathBuf::from(OsStr::from_bytes(root.strip_suffix(b"\n").unwrap_or(&root))))
    }

    /// The content of a regular file in a commit, by its path from the top folder. `None` if there is none.
    ///
    /// # Errors
    /// [`GitError`], also for a file of more than [`MAX_OUTPUT`] bytes.
    pub fn file_at(&self, commit: &CommitId, path: &Path) -> Result<Option<Vec<u8>>, GitError> {
        // Git would count what begins with a dot from the current folder, and refuse what leads out of the repository.
        let within = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !within || path.as_os_str().is_empty() {
            return Ok(None);
        }
        let call = self.call("ls-tree").args(["-z", "--full-tree", commit.as_str()]);
        let entries = call.operand(path.as_os_str().to_owned()).output()?;
        let blob = entries.split(|byte| *byte == 0).find_map(|entry| {
            let tab = entry.iter().position(|byte| *byte == b'\t')?;
            let same = OsStr::from_bytes(&entry[tab + 1..]) == path.as_os_str();
            let mut words = str::from_utf8(&entry[..tab]).ok()?.split(' ');
            let regular = words.next()?.starts_with("100") && words.next()? == "blob";
            (same && regular).then(|| words.next()).flatten()
        });
        blob.map(|blob| self.call("cat-file").args(["blob", blob]).output()).transpose()
    }

    /// The reference of which a branch, which must exist, is only another name.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn alias_of(&self, branch: &str) -> Result<Option<String>, GitError> {
        self.symbolic_ref(&format!("refs/heads/{branch}"))
    }

    /// The name that a symbolic reference leads to.
    fn symbolic_ref(&self, name: &str) -> Result<Option<String>, GitError> {
        let said = self.call("symbolic-ref").args(["--quiet", name]).run()?;
        match said.code {
            0 => match str::from_utf8(&said.stdout) {
                Ok(name) => Ok(Some(name.trim_end_matches('\n').to_owned())),
                Err(_) => Err(GitError::cannot_tell("the branch's name is not UTF-8")),
            },
            1 => Ok(None),
            _ => Err(said.error("symbolic-ref")),
        }
    }

    fn call(&self, name: &'static str) -> Call<'_> {
        self.call_with(&[], name)
    }

    /// A call with options that stand before git's command.
    fn call_with(&self, options: &[String], name: &'static str) -> Call<'_> {
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", *setting]);
        let command = Command::new("git")
            .stdout(Output::hold(MAX_OUTPUT))
            .stderr(Output::keep(MAX_COMPLAINT))
            .args(settings)
            .args(options)
            .args([name]);
        // A mark of each call's own: what a run's mark is on may be at work beside this call, and must not be
        // taken for its remains.
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let mark = Marker::new("FUSEBOARD_GIT", format!("{}-{number}", std::process::id()));
        Call { git: self, name, command: self.surround(command).marker(mark) }
    }
}

impl Call<'_> {
    /// An option, or an operand made here that cannot be taken for one.
    fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.command = self.command.args([arg.into()]);
        self
    }

    fn args<A: Into<OsString>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command = self.command.args(args);
        self
    }

    /// An operand from outside, after `--`. `rev-parse` takes its own separator.
    fn operand(self, operand: impl Into<OsString>) -> Self {
        if self.name == "rev-parse" { self.arg(operand) } else { self.arg("--").arg(operand) }
    }

    fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command = self.command.env(name, value);
        self
    }

    /// What it wrote. Any exit code but 0 is an error.
    fn output(self) -> Result<Vec<u8>, GitError> {
        let name = self.name;
        let said = self.run()?;
        if said.code == 0 { Ok(said.stdout) } else { Err(said.error(name)) }
    }

    /// Runs it to its end.
    fn run(self) -> Result<Said, GitError> {
        let ended = self.git.run(&self.command);
        match ended.how {
            How::Exited(code) => {
                let said =
                    Said { code, complaint: complaint(&ended.stderr.bytes()), stdout: ended.stdout.into_bytes() };
                let outside = ["not a git repository", "used inside a git repository"];
                if outside.iter().any(|words| said.complaint.contains(words)) {
                    return Err(GitError::NotARepository);
                }
                Ok(said)
            }
            how @ (How::Cut | How::Interrupted(_)) => Err(GitError::Cut(format!("git {} {how}", self.name))),
            how => Err(GitError::cannot_tell(format!("git {} {how}", self.name))),
        }
    }
}

impl Said {
    fn error(&self, name: &str) -> GitError {
        if self.complaint.is_empty() {
            return GitError::cannot_tell(format!("git {name} exited with code {}", self.code));
        }
        if self.complaint.contains("unknown option: --attr-source") {
            return GitError::cannot_tell("git is older than 2.41 and would let attributes decide how files merge");
        }
        GitError::cannot_tell(format!("git {name}: {}", self.complaint))
    }
}

/// The line that says what is wrong; advice follows it.
fn complaint(stderr: &[u8]) -> String {
    let lines: Vec<String> = stderr.split(|byte| *byte == b'\n').map(error::shown).collect();
    let wrong = lines.iter().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    wrong.or_else(|| lines.iter().rfind(|line| !line.is_empty())).cloned().unwrap_or_default()
}

/// A path as git writes it: any bytes.
fn path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}
