//! `archive`: appends the agent's work log to the day's journal, then removes it.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `file` | the work log, relative to the project's folder | `pending.md` |
//! | `folder` | the journal's folder, relative to the configuration's folder | `journal` in the state folder |
//!
//! The log goes only when its text is on the disk elsewhere; on any error it stays. The section's mark tells the very file
//! that was archived, so that one which a crash has kept from being removed is not archived again.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::config::{ConfigErrors, Help, Spanned, StepOptions, TableReader};
use fuseboard_pipeline::day::{Day, local_time};
use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told, Written};
use fuseboard_pipeline::sys;
use serde_json::json;

use crate::appended::sync_folder;
use crate::git::Git;
use crate::journal::{DEFAULT_FOLDER, Journal, Mark, escaped, quoted};
use crate::place;

/// The work log, unless another file is named.
pub const DEFAULT_FILE: &str = "pending.md";

/// The longest work log that is archived, in bytes.
pub const MOST: u64 = 1024 * 1024;

/// How far back is looked for a section of the same file.
const LOOKED_BACK: Duration = Duration::from_hours(31 * 24);

/// The step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// The work log, relative to the project's folder.
    pub file: PathBuf,
    /// The journal's folder, if it is not the default one.
    pub folder: Option<PathBuf>,
}

/// The work log as it was read.
struct WorkLog {
    metadata: Metadata,
    bytes: Vec<u8>,
}

impl Archive {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    fn read(options: &mut TableReader<'_>) -> Self {
        let (file, folder) = (options.path("file"), options.path("folder"));
        for (key, path) in [("file", &file), ("folder", &folder)] {
            if let Some(path) = path.as_ref().filter(|path| path.file_name().is_none()) {
                options.refuse(path, format!("`{key}` must have a name of its own"), Help::advice("write its name"));
            }
        }
        let file = file.map_or_else(|| PathBuf::from(DEFAULT_FILE), Spanned::into_inner);
        Self { file, folder: folder.map(Spanned::into_inner) }
    }
}

impl Step for Archive {
    fn writes_files(&self) -> Vec<Written> {
        let journal = self.folder.iter().cloned().map(Written::DaysIn);
        std::iter::once(Written::InProject(self.file.clone())).chain(journal).collect()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let source = context.job.project.path.join(&self.file);
        let trouble = |what: &str, error: io::Error| {
            StepError::new(format!("the work log {} {what}: {error}; it stays", source.display()))
        };
        let log = read(&context.job.project.path, &source).map_err(|error| trouble("cannot be read", error))?;
        let Some(log) = log.filter(|log| !log.bytes.trim_ascii().is_empty()) else {
            return Ok(Answer::Done(Told::detail("nothing to archive")));
        };
        if is_known_to_git(context, &self.file) {
            let advice = "have git forget and ignore it: without it gates would have nothing to judge";
            let why = format!("the work log {} is known to git, and stays; {advice}", source.display());
            return Err(StepError::new(why));
        }
        let folder = place::folder(context, self.folder.as_deref(), DEFAULT_FOLDER)?;
        let (journal, ended_at, mark) = (Journal::new(&folder), place::ended_at(context), log.mark());
        let day = Day::of(ended_at);
        let known = log.is_in(&journal, &mark, ended_at)?;
        if !known {
            let text = context.redactor.redact(&String::from_utf8_lossy(&log.bytes)).into_owned();
            let project = escaped(&context.job.project.name);
            let head = format!("## {} {project}: work log", local_time(ended_at));
            let section = format!("{head}\n\n{}", context.redactor.redact(&quoted(&text)));
            journal.append(day, &section, &mark, context.deadline)?;
        }
        log.remove(&source).map_err(|error| trouble("is archived, but cannot be removed", error))?;
        let file = journal.file(day);
        let detail = if known {
            "the work log had been archived already, and is removed now".to_owned()
        } else {
            format!("{} bytes of {} to {}", log.bytes.len(), self.file.display(), file.display())
        };
        let output = json!({ "journal": file, "bytes": log.bytes.len(), "archived_before": known });
        Ok(Answer::Done(Told::detail(detail).with(output)))
    }
}

/// Whether the file is part of the commit that is checked out. Where there is no repository it is not.
fn is_known_to_git(context: &StepContext<'_>, file: &Path) -> bool {
    let git = Git::of(context);
    let in_root = || {
        let (root, folder) = (git.root().ok()?.canonicalize().ok()?, context.job.project.path.canonicalize().ok()?);
        Some(folder.strip_prefix(&root).ok()?.join(file))
    };
    Repository::containing(&context.job.project.path).is_some()
        && matches!((git.head(), in_root()), (Ok(Some(head)), Some(path)) if !matches!(git.file_at(&head, &path), Ok(None)))
}

/// The file, if it is there. No link of the project is followed.
fn read(project: &Path, source: &Path) -> io::Result<Option<WorkLog>> {
    let missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    if let (Ok(within), Some(parent)) = (source.strip_prefix(project), source.parent()) {
        let parent = match parent.canonicalize() {
            Err(error) if missing(&error) => return Ok(None),
            parent => parent?,
        };
        if parent != project.canonicalize()?.join(within.parent().unwrap_or(Path::new(""))) {
            return Err(io::Error::other("a folder on the way is a link, and links are not followed"));
        }
    }
    let file = match sys::open_regular(source) {
        Err(error) if missing(&error) => return Ok(None),
        file => file?,
    };
    let metadata = file.metadata()?;
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST {
        return Err(io::Error::other(format!("it is longer than {MOST} bytes")));
    }
    Ok(Some(WorkLog { metadata, bytes }))
}

impl WorkLog {
    /// Another file with the same text has another mark.
    fn mark(&self) -> Mark {
        let own = format!("{:?} {}", identity(&self.metadata), sha256_hex(&self.bytes));
        Mark::new(&format!("archive {}", sha256_hex(own.as_bytes())))
    }

    /// Whether it was archived since it was written.
    fn is_in(&self, journal: &Journal<'_>, mark: &Mark, now: Stamp) -> Result<bool, StepError> {
        let written = self.metadata.modified().map_or(now, Stamp::from);
        let mut day = Day::of(written.max(now.before(LOOKED_BACK)).min(now));
        while day <= Day::of(now) {
            if journal.has(day, mark)? {
                return Ok(true);
            }
            day = day.next();
        }
        Ok(false)
    }

    /// Removes it, if it is still what was read.
    fn remove(&self, source: &Path) -> io::Result<()> {
        if identity(&fs::symlink_metadata(source)?) != identity(&self.metadata) {
            return Err(io::Error::other("somebody writes to it"));
        }
        fs::remove_file(source)?;
        sync_folder(source)
    }
}

/// Which file it is, and since when it is as it is.
fn identity(metadata: &Metadata) -> [i128; 5] {
    let (device, inode) = (i128::from(metadata.dev()), i128::from(metadata.ino()));
    [device, inode, i128::from(metadata.len()), i128::from(metadata.mtime()), i128::from(metadata.mtime_nsec())]
}
