//! What changed between two commits, line by line.

use std::iter::Peekable;
use std::path::PathBuf;

use super::{CommitId, Git, GitError, error::shown, path};

/// The difference of two commits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The files, in git's order.
    pub files: Vec<FileDiff>,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// It is new. A renamed file is a new one and a deleted one.
    Added,
    /// It has other content, another mode, or is another kind of thing.
    Modified,
    /// It is gone.
    Deleted,
}

/// One file of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDiff {
    /// Its path from the top folder; any bytes.
    pub path: PathBuf,
    /// What became of it.
    pub status: FileStatus,
    /// Whether it is a regular file now: neither a link nor gone.
    pub regular: bool,
    /// The lines that are new, with their numbers in the new file, without the line feed.
    pub added: Vec<(u32, Vec<u8>)>,
    /// How many lines are gone.
    pub removed: u32,
    /// Whether a changed line has a NUL byte. Such files are compared line by line nevertheless.
    pub binary: bool,
}

impl FileDiff {
    /// The path, made safe to show.
    pub fn name(&self) -> String {
        shown(self.path.as_os_str().as_encoded_bytes())
    }
}

impl Git {
    /// What leads from `base` to `head`.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] for more than [`MAX_OUTPUT`](super::MAX_OUTPUT) bytes, and if a submodule changes:
    /// what comes with it is not seen here.
    pub fn diff(&self, base: &CommitId, head: &CommitId) -> Result<Diff, GitError> {
        let compare = || {
            // An index that calls a file of the work tree the same as a blob has git read that file in its place.
            let call = self.call("diff-tree").env("GIT_INDEX_FILE", NO_INDEX).args([
                "-r",
                "--no-renames",
                "--text",
                "--no-ext-diff",
                "--no-textconv",
            ]);
            call.args(["--no-color", "--no-relative", "--submodule=short", "--ignore-submodules=none", "-O/dev/null"])
        };
        // Two calls: names are safe from their own bytes between NULs, lines by being counted.
        let raw = compare().args(["--raw", "-z", "--no-abbrev", base.as_str(), head.as_str()]).output()?;
        let patch = compare().args(["--patch", "--unified=0", "--no-prefix", base.as_str(), head.as_str()]).output()?;
        let named = parse_raw(&raw)?;
        let files = Patch::new(&patch).files(named)?;
        Ok(Diff { files })
    }
}

/// Most lines that a diff may add: each takes room of its own, however short it is.
const MAX_ADDED: usize = 1_000_000;

/// What is there for nobody, and can be made by nobody.
const NO_INDEX: &str = "/proc/self/no-index";

/// A file as `--raw` lists it.
struct Named {
    file: FileDiff,
    /// It was a file and is a link now, or the like: the patch has it twice.
    twice: bool,
}

fn parse_raw(raw: &[u8]) -> Result<Vec<Named>, GitError> {
    let mut fields = raw.split(|byte| *byte == 0);
    let mut named = Vec::new();
    while let (Some(head), Some(name)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = str::from_utf8(head).unwrap_or_default().split(' ').collect();
        let [old_mode, new_mode, _, _, letter] = words[..] else { return Err(not_understood()) };
        if old_mode == ":160000" || new_mode == "160000" {
            return Err(GitError::cannot_tell(format!("the submodule {} changes", shown(name))));
        }
        let (status, twice) = match letter {
            "A" => (FileStatus::Added, false),
            "M" => (FileStatus::Modified, false),
            "T" => (FileStatus::Modified, true),
            "D" => (FileStatus::Deleted, false),
            _ => return Err(not_understood()),
        };
        let regular = new_mode.starts_with("100");
        let file = FileDiff { path: path(name), status, regular, added: Vec::new(), removed: 0, binary: false };
        named.push(Named { file, twice });
    }
    Ok(named)
}

fn not_understood() -> GitError {
    GitError::cannot_tell("git's diff is not understood")
}

type Lines<'a> = std::slice::Split<'a, u8, fn(&u8) -> bool>;

/// How the lines begin that stand between a file's first one and its first change.
const HEADS: [&[u8]; 7] =
    [b"old mode ", b"new mode ", b"deleted file mode ", b"new file mode ", b"index ", b"--- ", b"+++ "];

/// The lines of a patch. Names in it are not looked at: they are quoted, so that a file's head is whole lines.
struct Patch<'a> {
    lines: Peekable<Lines<'a>>,
    /// How many more lines may be added.
    left: usize,
}

impl<'a> Patch<'a> {
    fn new(patch: &'a [u8]) -> Self {
        let is_end: fn(&u8) -> bool = |byte| *byte == b'\n';
        Self { lines: patch.split(is_end).peekable(), left: MAX_ADDED }
    }

    /// The patch of each named file, in order. One more or one less, and nothing is believed.
    fn files(mut self, named: Vec<Named>) -> Result<Vec<FileDiff>, GitError> {
        let mut files = Vec::with_capacity(named.len());
        for Named { mut file, twice } in named {
            self.file(&mut file)?;
            if twice {
                self.file(&mut file)?;
            }
            files.push(file);
        }
        // What follows the last line feed is nothing.
        match (self.lines.next(), self.lines.next()) {
            (None | Some(b""), None) => Ok(files),
            _ => Err(not_understood()),
        }
    }

    fn file(&mut self, file: &mut FileDiff) -> Result<(), GitError> {
        if !self.lines.next().is_some_and(|line| line.starts_with(b"diff --git ")) {
            return Err(not_understood());
        }
        while self.lines.next_if(|line| HEADS.iter().any(|head| line.starts_with(head))).is_some() {}
        while let Some(head) = self.lines.next_if(|line| line.starts_with(b"@@ ")) {
            let (removed, first, added) = hunk(head).ok_or_else(not_understood)?;
            for _ in 0..removed {
                let line = self.changed(b'-')?;
                file.binary |= line.contains(&0);
            }
            file.removed = file.removed.saturating_add(removed);
            self.left = self.left.checked_sub(added as usize).ok_or_else(|| {
                GitError::cannot_tell(format!("the diff is too large: it adds more than {MAX_ADDED} lines"))
            })?;
            for number in 0..added {
                let line = self.changed(b'+')?;
                file.binary |= line.contains(&0);
                file.added.push((first.saturating_add(number), line.to_vec()));
            }
        }
        Ok(())
    }

    /// A line with this mark, and the remark after it if it was a last one without a line feed.
    fn changed(&mut self, mark: u8) -> Result<&'a [u8], GitError> {
        let line = self.lines.next().and_then(|line| line.strip_prefix(&[mark])).ok_or_else(not_understood)?;
        self.lines.next_if(|line| line.starts_with(b"\\ "));
        Ok(line)
    }
}

/// `@@ -7,2 +9,3 @@ …`: how many lines go, the number of the first that comes, how many come.
fn hunk(head: &[u8]) -> Option<(u32, u32, u32)> {
    let text = String::from_utf8_lossy(head);
    let mut words = text.split(' ').skip(1);
    let (old, new) = (words.next()?.strip_prefix('-')?, words.next()?.strip_prefix('+')?);
    let numbers = |range: &str| {
        let (first, count) = range.split_once(',').unwrap_or((range, "1"));
        Some((first.parse::<u32>().ok()?, count.parse::<u32>().ok()?))
    };
    let ((_, removed), (first, added)) = (numbers(old)?, numbers(new)?);
    Some((removed, first, added))
}
