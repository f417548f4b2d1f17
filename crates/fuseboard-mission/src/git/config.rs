//! The repository's own configuration, read before anything in it can have a program run.

use std::path::Path;

use fuseboard_pipeline::repository::Repository;

use super::{Git, GitError, error::shown};

/// A remote, as the repository's configuration describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remote {
    /// Its name.
    pub name: String,
    /// Where it is read from.
    pub urls: Vec<String>,
    /// Where it is written to, if that is elsewhere.
    pub push_urls: Vec<String>,
}

/// A key of git's configuration, `section.subsection.name`. Section and name are lower case.
#[derive(Clone, Copy)]
struct Key<'a> {
    section: &'a str,
    subsection: &'a str,
    name: &'a str,
}

impl<'a> Key<'a> {
    fn of(key: &'a str) -> Self {
        let (section, rest) = key.split_once('.').unwrap_or((key, ""));
        let (subsection, name) = rest.rsplit_once('.').unwrap_or(("", rest));
        Self { section, subsection, name }
    }

    /// Whether setting it can have a program run by what is called here, whatever its value.
    fn runs_programs(self) -> bool {
        match self.section {
            "filter" | "protocol" | "url" | "include" | "includeif" | "hook" => true,
            "merge" => self.name == "driver",
            "core" => matches!(self.name, "sshcommand" | "gitproxy" | "askpass" | "alternaterefscommand"),
            "gpg" => self.name.ends_with("program") || self.name.ends_with("command"),
            "credential" => self.name.ends_with("helper"),
            "remote" => matches!(self.name, "receivepack" | "uploadpack" | "vcs"),
            _ => false,
        }
    }

    fn is_address(self) -> bool {
        self.section == "remote" && matches!(self.name, "url" | "pushurl")
    }
}

impl Git {
    /// Reads the repository's own configuration and refuses what could have a program run by a call that touches
    /// the work tree, the index or a remote, or have it look at another work tree.
    ///
    /// # Errors
    /// [`GitError::CannotTell`] naming the key.
    pub fn refuse_programs(&self) -> Result<(), GitError> {
        let own = Repository::containing(&self.folder).ok_or(GitError::NotARepository)?;
        for (key, value) in self.own_configuration()? {
            let parts = Key::of(&key);
            if parts.runs_programs() {
                let key = shown(key.as_bytes());
                return Err(GitError::cannot_tell(format!(
                    "the repository's configuration sets {key}, which can run programs; git config --local --unset {key}"
                )));
            }
            if parts.is_address() && !is_plain_address(&value) {
                let key = shown(key.as_bytes());
                return Err(GitError::cannot_tell(format!("{key} is neither a path nor ssh nor https; change it")));
            }
            if parts.is_address() && leads_into(&own, &value) {
                let key = shown(key.as_bytes());
                return Err(GitError::cannot_tell(format!(
                    "{key} leads into this repository, whose hooks would run; change it"
                )));
            }
        }
        if self.root()?.canonicalize().ok().as_deref() != Some(own.root()) {
            return Err(GitError::cannot_tell(
                "core.worktree leads to another folder; git config --unset core.worktree",
            ));
        }
        Ok(())
    }

    /// The repository's remotes, by name.
    ///
    /// # Errors
    /// [`GitError`]
    pub fn remotes(&self) -> Result<Vec<Remote>, GitError> {
        let mut remotes: Vec<Remote> = Vec::new();
        for (key, value) in self.own_configuration()? {
            let parts = Key::of(&key);
            if !parts.is_address() {
                continue;
            }
            let place = remotes.iter().position(|remote| remote.name == parts.subsection).unwrap_or_else(|| {
                remotes.push(Remote { name: parts.subsection.to_owned(), ..Remote::default() });
                remotes.len() - 1
            });
            let remote = &mut remotes[place];
            if parts.name == "url" { remote.urls.push(value) } else { remote.push_urls.push(value) }
        }
        remotes.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(remotes)
    }

    /// Where a base would be published as things stand: the name of the usual one, and everything that the
    /// repository's own configuration says of remotes, of the way to them, and of branches. `None` if that cannot be
    /// told.
    pub fn publishing(&self) -> Option<String> {
        let base = match self.base_branch(None) {
            Ok(base) => base,
            Err(GitError::Cut(_)) => return None,
            Err(_) => "none".to_owned(),
        };
        let matters = |key: &str| ["remote.", "branch.", "http.", "push."].iter().any(|part| key.starts_with(part));
        let said = self.own_configuration().ok()?.into_iter().filter(|(key, _)| matters(key));
        let said = said.map(|(key, value)| format!("\n{key} {value:?}"));
        Some(std::iter::once(format!("base {base}")).chain(said).collect())
    }

    /// Whether this base would be published now where it would have been at `before`, a text of
    /// [`publishing`](Self::publishing). What is said of other branches does not matter: work makes branches.
    pub fn is_published_as(&self, before: &str, base: &str) -> bool {
        let of_base = format!("branch.{base}.");
        let matters = |line: &&str| !line.starts_with("branch.") || line.starts_with(&of_base);
        self.publishing().is_some_and(|now| now.lines().filter(matters).eq(before.lines().filter(matters)))
    }

    /// The last value of a key of the repository's own configuration.
    pub(super) fn own_setting(&self, wanted: &str) -> Result<Option<String>, GitError> {
        let all = self.own_configuration()?;
        Ok(all.into_iter().rev().find(|(key, _)| key == wanted).map(|(_, value)| value))
    }

    /// A value of the user's own configuration.
    pub(super) fn user_setting(&self, key: &str) -> Result<Option<String>, GitError> {
        let said = self.call("config").args(["--global", "--includes", "--get", key]).run()?;
        let value = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        Ok((said.code == 0 && !value.is_empty()).then_some(value))
    }

    /// Keys and values of the repository and of this worktree. What is not UTF-8 is replaced, which cannot turn a
    /// key that is refused into another: section and name are ASCII.
    fn own_configuration(&self) -> Result<Vec<(String, String)>, GitError> {
        let mut entries = self.configuration("--local")?;
        // Without that extension it is the same file, and with more than one worktree git complains.
        if entries.iter().any(|(key, _)| key == "extensions.worktreeconfig") {
            entries.extend(self.configuration("--worktree")?);
        }
        Ok(entries)
    }

    fn configuration(&self, which: &str) -> Result<Vec<(String, String)>, GitError> {
        let call = self.call("config").args([which, "-z", "--list", "--includes"]);
        let said = call.run()?;
        if said.code != 0 {
            // Git calls the missing file of a worktree a fault.
            let missing = which == "--worktree" && said.complaint.contains("No such file or directory");
            return if missing { Ok(Vec::new()) } else { Err(said.error("config")) };
        }
        let entries = said.stdout.split(|byte| *byte == 0).filter(|entry| !entry.is_empty());
        let entries = entries.map(|entry| {
            let text = String::from_utf8_lossy(entry);
            let (key, value) = text.split_once('\n').unwrap_or((&text, ""));
            (key.to_owned(), value.to_owned())
        });
        Ok(entries.collect())
    }
}

/// A path, `ssh://…`, `HOST:PATH`, or `https://…`. All others choose a program (`ext::…`, `NAME::…`) or are not
/// expected.
fn is_plain_address(address: &str) -> bool {
    if let Some((scheme, _)) = address.split_once("://") {
        return matches!(scheme, "ssh" | "https");
    }
    !address.contains("::") && !address.starts_with('-') && !address.is_empty()
}

/// Whether an address is a path into the repository itself, its work tree or what git keeps of it. A path to nothing is
/// not.
fn leads_into(repository: &Repository, address: &str) -> bool {
    let is_path = !address.contains("://") && address.split('/').next().is_some_and(|first| !first.contains(':'));
    let Ok(there) = repository.root().join(address).canonicalize() else { return false };
    let is_own = |own: &Path| own.canonicalize().is_ok_and(|own| there.starts_with(own));
    is_path && [repository.root(), repository.common()].into_iter().any(is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_that_runs_programs_is_known_and_no_ordinary_one_is_taken_for_it() {
        for key in [
            "filter.x.clean",
            "filter.a.b.process",
            "merge.x.driver",
            "core.sshcommand",
            "core.gitproxy",
            "gpg.program",
            "gpg.ssh.program",
            "credential.helper",
            "credential.https://example.org.helper",
            "remote.origin.receivepack",
            "remote.a.b.uploadpack",
            "remote.origin.vcs",
            "protocol.ext.allow",
            "url.ext::sh.insteadof",
            "include.path",
            "includeif.gitdir:/x.path",
        ] {
            assert!(Key::of(key).runs_programs(), "{key}");
        }
        for key in
            ["core.bare", "remote.origin.url", "remote.origin.fetch", "branch.main.merge", "user.name", "merge.ff"]
        {
            assert!(!Key::of(key).runs_programs(), "{key}");
        }
    }

    #[test]
    fn an_address_is_a_path_or_ssh_or_https() {
        for good in ["/srv/x.git", "../x", "git@example.org:x/y.git", "ssh://h/x", "https://h/x", "./a:b"] {
            assert!(is_plain_address(good), "{good}");
        }
        for bad in ["ext::sh -c x", "http://h/x", "git://h/x", "file:///x", "foo::/x", "foo://x", "", "-x"] {
            assert!(!is_plain_address(bad), "{bad}");
        }
    }
}
