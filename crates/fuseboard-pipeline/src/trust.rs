//! Which content of a repository's `fuseboard.toml` the user has accepted.
//!
//! A repository's file decides which commands run, so it counts only after `fuseboard trust` recorded a copy of
//! its content in the user's state folder. Trust is by content and repository: another worktree with the same
//! file shares it, a changed file has lost it. The copy is what is used then, so that a night's loop goes on
//! under the rules that are known.
//!
//! Only the version accepted last is trusted: were earlier ones too, whoever can write into the repository could
//! go back to laxer rules.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::config::MAX_FILE;
use crate::digest::sha256_hex;
use crate::private_folder::{PrivateError, PrivateFolder};
use crate::repository::Repository;

/// What trust is bound to beside the content: the repository, and the file's place in it. A repository may hold
/// several files, each for the folders below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryKey {
    /// The folder that all worktrees share, or outside of a repository the file's folder.
    repository: PathBuf,
    /// The file's path from the worktree's top.
    file: PathBuf,
}

impl RepositoryKey {
    /// The key of a file.
    pub fn of(file: &Path) -> Self {
        let name = Path::new(file.file_name().unwrap_or_default());
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        match Repository::containing(&folder) {
            Some(repository) => {
                let below = folder.strip_prefix(repository.root()).unwrap_or(&folder);
                Self { repository: repository.common().to_owned(), file: below.join(name) }
            }
            None => Self { repository: folder, file: name.to_owned() },
        }
    }

    /// The repository's common folder, or outside of a repository the file's folder.
    pub fn repository(&self) -> &Path {
        &self.repository
    }

    fn id(&self) -> String {
        let parts = [self.repository.as_os_str().as_bytes(), self.file.as_os_str().as_bytes()];
        sha256_hex(&parts.join(&0)) // no path holds a NUL, so no two keys look alike
    }
}

/// What is known of a file's content.
#[derive(Debug)]
pub enum TrustVerdict {
    /// It was accepted, and nothing since.
    Trusted,
    /// Another content of this file was accepted last.
    Changed(Change),
    /// None was ever accepted, or that cannot be told.
    Untrusted {
        /// Why it cannot be told.
        reason: Option<PrivateError>,
    },
}

/// A file that is not what was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The content that was accepted last: what is to be used.
    pub last: Vec<u8>,
    key: String,
    /// From which content to which.
    digest: String,
}

/// How many changes of one file are remembered as told: so many worktrees can differ at once without being told
/// of again and again.
const TOLD: usize = 32;

/// The trusted contents of a user.
#[derive(Clone, Debug)]
pub struct Trust(PrivateFolder);

impl Trust {
    /// The trust store in a state folder. Nothing is read or made yet.
    pub fn in_state_folder(state: &Path) -> Self {
        Self(PrivateFolder::new(state.join("trust")))
    }

    /// Trusts this content from now on, in place of any other of the same file. It is on the disk when this
    /// returns.
    ///
    /// # Errors
    /// [`PrivateError`] if it cannot be recorded, or is larger than a configuration can be.
    pub fn accept(&self, key: &RepositoryKey, content: &[u8]) -> Result<(), PrivateError> {
        if content.len() > MAX_FILE {
            return Err(PrivateError::TooLarge { path: key.file.clone() });
        }
        self.0.write(&copy_of(&key.id()), content)
    }

    /// Whether this content may be used.
    pub fn verdict(&self, key: &RepositoryKey, content: &[u8]) -> TrustVerdict {
        let key = key.id();
        match self.0.read(&copy_of(&key), MAX_FILE) {
            Ok(Some(last)) if last == content => TrustVerdict::Trusted,
            Ok(Some(last)) => {
                let digest = sha256_hex(format!("{} {}", sha256_hex(&last), sha256_hex(content)).as_bytes());
                TrustVerdict::Changed(Change { last, key, digest })
            }
            Ok(None) => TrustVerdict::Untrusted { reason: None },
            Err(reason) => TrustVerdict::Untrusted { reason: Some(reason) },
        }
    }

    /// Whether this change is to be told: `true` the first time, `false` when it was told before. If that cannot
    /// be remembered it is told each time.
    pub fn is_news(&self, change: &Change) -> bool {
        let name = format!("{}.told", change.key);
        let told = self.0.read(&name, (change.digest.len() + 1) * TOLD).ok().flatten().unwrap_or_default();
        let told = String::from_utf8_lossy(&told);
        let mut told: Vec<&str> = told.lines().collect();
        if told.contains(&change.digest.as_str()) {
            return false;
        }
        let surplus = (told.len() + 1).saturating_sub(TOLD);
        told.drain(..surplus);
        told.push(&change.digest);
        // A failure means that it will be told again, which is what the caller is promised.
        let _ = self.0.write(&name, (told.join("\n") + "\n").as_bytes());
        true
    }
}

fn copy_of(key: &str) -> String {
    format!("{key}.toml")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;
    use crate::repository::testing::{add_worktree, init};

    struct Host {
        _keep: tempfile::TempDir,
        top: PathBuf,
        trust: Trust,
    }

    fn host() -> Host {
        let keep = tempfile::tempdir().unwrap();
        let top = keep.path().canonicalize().unwrap();
        let trust = Trust::in_state_folder(&top.join("state"));
        Host { _keep: keep, top, trust }
    }

    impl Host {
        fn key(&self, file: &str) -> RepositoryKey {
            let file = self.top.join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            RepositoryKey::of(&file)
        }

        fn is_trusted(&self, file: &str, content: &[u8]) -> bool {
            matches!(self.trust.verdict(&self.key(file), content), TrustVerdict::Trusted)
        }

        fn change(&self, file: &str, content: &[u8]) -> Change {
            match self.trust.verdict(&self.key(file), content) {
                TrustVerdict::Changed(change) => change,
                other => panic!("{other:?}"),
            }
        }

        /// The one file in the trust store.
        fn copy(&self) -> PathBuf {
            let mut files = fs::read_dir(self.top.join("state/trust")).unwrap();
            files.next().unwrap().unwrap().path()
        }

        fn reason(&self, file: &str, content: &[u8]) -> String {
            match self.trust.verdict(&self.key(file), content) {
                TrustVerdict::Untrusted { reason: Some(reason) } => reason.to_string(),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn nothing_is_trusted_before_it_was_accepted() {
        let host = host();
        let verdict = host.trust.verdict(&host.key("app/fuseboard.toml"), b"x");
        assert!(matches!(verdict, TrustVerdict::Untrusted { reason: None }), "{verdict:?}");
        assert!(!host.top.join("state").exists(), "asking writes nothing");
    }

    #[test]
    fn what_was_accepted_is_trusted_byte_for_byte() {
        let host = host();
        host.trust.accept(&host.key("app/fuseboard.toml"), b"content").unwrap();
        assert!(host.is_trusted("app/fuseboard.toml", b"content"));
        assert_eq!(host.change("app/fuseboard.toml", b"content ").last, b"content");
        assert!(!host.is_trusted("other/fuseboard.toml", b"content"), "another folder");
    }

    #[test]
    fn worktrees_share_trust_and_the_files_of_one_repository_do_not() {
        let host = host();
        init(&host.top.join("app"));
        add_worktree(&host.top.join("app/.git"), "fix", &host.top.join("fix"));
        host.trust.accept(&host.key("app/fuseboard.toml"), b"a").unwrap();
        host.trust.accept(&host.key("app/sub/fuseboard.toml"), b"b").unwrap();
        assert!(host.is_trusted("app/fuseboard.toml", b"a"));
        assert!(host.is_trusted("fix/fuseboard.toml", b"a"));
        assert!(host.is_trusted("fix/sub/fuseboard.toml", b"b"));
        assert!(!host.is_trusted("fix/sub/fuseboard.toml", b"a"));
    }

    #[test]
    fn an_earlier_version_is_not_trusted_any_more() {
        let host = host();
        let key = host.key("app/fuseboard.toml");
        host.trust.accept(&key, b"lax").unwrap();
        host.trust.accept(&key, b"strict").unwrap();
        assert_eq!(host.change("app/fuseboard.toml", b"lax").last, b"strict");
    }

    #[test]
    fn a_change_is_news_once_until_something_else_is_accepted() {
        let host = host();
        let file = "app/fuseboard.toml";
        host.trust.accept(&host.key(file), b"one").unwrap();
        let (two, three) = (host.change(file, b"two"), host.change(file, b"three"));
        assert!(host.trust.is_news(&two) && !host.trust.is_news(&two));
        assert!(host.trust.is_news(&three) && !host.trust.is_news(&two), "another change is told for itself");
        host.trust.accept(&host.key(file), b"four").unwrap();
        assert!(host.trust.is_news(&host.change(file, b"two")));
    }

    #[test]
    fn what_was_told_takes_bounded_room() {
        let host = host();
        let file = "app/fuseboard.toml";
        host.trust.accept(&host.key(file), b"one").unwrap();
        for n in 0..100 {
            let change = host.change(file, format!("{n}").as_bytes());
            assert!(host.trust.is_news(&change) && !host.trust.is_news(&change), "change {n}");
        }
        let sizes = fs::read_dir(host.top.join("state/trust")).unwrap().map(|f| f.unwrap().metadata().unwrap().len());
        assert_eq!(sizes.max(), Some(65 * 32));
    }

    #[test]
    fn copies_are_private() {
        let host = host();
        host.trust.accept(&host.key("app/fuseboard.toml"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&host.top.join("state/trust")), mode(&host.copy())), (0o700, 0o600));
    }

    #[test]
    fn a_store_that_cannot_be_believed_trusts_nothing_and_says_why() {
        let host = host();
        let file = "app/fuseboard.toml";
        host.trust.accept(&host.key(file), b"x").unwrap();
        let copy = host.copy();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(host.reason(file, b"x").contains("can be written by others"));
        fs::rename(&copy, host.top.join("planted")).unwrap();
        symlink(host.top.join("planted"), &copy).unwrap();
        assert!(host.reason(file, b"x").contains("is a link"));
    }

    #[test]
    fn nothing_is_accepted_that_could_not_be_read_again() {
        let host = host();
        let key = host.key("app/fuseboard.toml");
        assert!(host.trust.accept(&key, &vec![b'#'; MAX_FILE + 1]).is_err());
        host.trust.accept(&key, &vec![b'#'; MAX_FILE]).unwrap();
        assert!(host.is_trusted("app/fuseboard.toml", &vec![b'#'; MAX_FILE]));
    }
}
