//! Commits: their ids, and what stands in them, read without any setting that could change it.

use std::fmt;

use super::{Git, GitError, error::shown};

/// The full id of a commit, SHA-1 or SHA-256: 40 or 64 lower-case hexadecimal digits, so never an option.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CommitId(String);

impl CommitId {
    /// The id that this text is, if it is a full one.
    pub fn new(text: &str) -> Option<Self> {
        let hex = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        (hex && matches!(text.len(), 40 | 64)).then(|| Self(text.to_owned()))
    }

    /// The id in full.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first ten digits, for people.
    pub fn short(&self) -> &str {
        &self.0[..10]
    }

    pub(super) fn of_line(line: &[u8]) -> Result<Self, GitError> {
        let id = str::from_utf8(line).ok().and_then(|text| Self::new(text.trim_end_matches('\n')));
        id.ok_or_else(|| GitError::cannot_tell("git gave no commit id"))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who wrote a commit, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The name; anything.
    pub name: String,
    /// The address; anything.
    pub email: String,
    /// The moment as git stores it: seconds since 1970 and the zone, `1700000000 +0100`.
    pub date: String,
}

/// What stands in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// The id of its tree.
    pub tree: String,
    /// The commits it follows; more than one for a merge.
    pub parents: Vec<CommitId>,
    /// Who wrote it.
    pub author: Author,
    /// The first paragraph of its message as one line, made safe to show, at most 512 bytes.
    pub subject: String,
}

impl Git {
    /// What stands in a commit.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn commit(&self, id: &CommitId) -> Result<Commit, GitError> {
        let content = self.call("cat-file").args(["commit", id.as_str()]).output()?;
        parse(&content).ok_or_else(|| GitError::cannot_tell(format!("the commit {} cannot be read", id.short())))
    }

    /// The first line of a commit's message, made safe to show.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn subject(&self, id: &CommitId) -> Result<String, GitError> {
        Ok(self.commit(id)?.subject)
    }

    /// Who wrote a branch's last commit.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn last_author(&self, id: &CommitId) -> Result<Author, GitError> {
        Ok(self.commit(id)?.author)
    }

    /// The newest `limit` commits that `head` has and `base` has not, newest first, with their subjects.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn commits(&self, base: &CommitId, head: &CommitId, limit: u32) -> Result<Vec<(CommitId, String)>, GitError> {
        self.listed(&[&format!("--max-count={limit}"), head.as_str(), &format!("^{base}")])
    }

    /// The subjects of the newest `limit` commits up to `head`, newest first, without merges; of those alone that
    /// `base` has not, if it is given.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn subjects(&self, base: Option<&CommitId>, head: &CommitId, limit: u32) -> Result<Vec<String>, GitError> {
        let (limit, base) = (format!("--max-count={limit}"), base.map(|base| format!("^{base}")));
        let mut words = vec!["--no-merges", &limit, head.as_str()];
        words.extend(base.as_deref());
        Ok(self.listed(&words)?.into_iter().map(|(_, subject)| subject).collect())
    }

    fn listed(&self, words: &[&str]) -> Result<Vec<(CommitId, String)>, GitError> {
        let text = self.call("rev-list").arg("--format=%s").args(words.iter().copied()).output()?;
        let mut commits = Vec::new();
        let mut lines = text.split(|byte| *byte == b'\n');
        // A subject is one line and follows its commit's, so it cannot be taken for one.
        while let (Some(id), Some(subject)) = (lines.next(), lines.next()) {
            let id = id.strip_prefix(b"commit ").ok_or_else(|| GitError::cannot_tell("git rev-list wrote no list"))?;
            commits.push((CommitId::of_line(id)?, shown(subject)));
        }
        Ok(commits)
    }

    /// All commits that `head` has and `base` has not, each with the commits it follows, oldest first.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn line(&self, base: &CommitId, head: &CommitId) -> Result<Vec<(CommitId, Vec<CommitId>)>, GitError> {
        let call = self.call("rev-list").args(["--reverse", "--topo-order", "--parents"]);
        let text = call.args([head.as_str(), &format!("^{base}")]).output()?;
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines
            .map(|line| {
                let mut ids = line.split(|byte| *byte == b' ').map(CommitId::of_line).collect::<Result<Vec<_>, _>>()?;
                Ok((ids.remove(0), ids))
            })
            .collect()
    }
}

/// gitformat: headers, an empty line, the message.
fn parse(content: &[u8]) -> Option<Commit> {
    let text = String::from_utf8_lossy(content);
    let (headers, message) = text.split_once("\n\n").unwrap_or((&text, ""));
    let header = |name: &'static str| {
        headers.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
    };
    let author = header("author").next()?;
    let (name, rest) = author.split_once('<')?;
    let (email, date) = rest.rsplit_once('>')?;
    let subject: Vec<&str> =
        message.lines().skip_while(|line| line.trim().is_empty()).take_while(|line| !line.trim().is_empty()).collect();
    Some(Commit {
        tree: header("tree").next()?,
        parents: header("parent").filter_map(|id| CommitId::new(&id)).collect(),
        author: Author { name: name.trim().to_owned(), email: email.to_owned(), date: date.trim().to_owned() },
        subject: shown(subject.join(" ").as_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_full_and_hexadecimal() {
        assert!(CommitId::new(&"a1".repeat(20)).is_some() && CommitId::new(&"a1".repeat(32)).is_some());
        for wrong in ["", "HEAD", "--all", "a1b2", &"A1".repeat(20), &format!("{}\n", "a1".repeat(20))] {
            assert_eq!(CommitId::new(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_commit_is_read_as_it_stands() {
        let commit =
            parse(b"tree 12\nauthor A <b@c> <d@e> 17 +0100\ncommitter X <y> 1 +0000\n\n\nOne\ntwo\n\nthree\n").unwrap();
        assert_eq!((commit.subject.as_str(), commit.author.name.as_str()), ("One two", "A"));
        assert_eq!((commit.author.email.as_str(), commit.author.date.as_str()), ("b@c> <d@e", "17 +0100"));
        assert_eq!(parse(b"nonsense"), None);
    }
}
