//! Pauses: an agent that ran into its limit is left alone until the limit is lifted.
//!
//! One small file for each agent in `pauses` of the state folder, read by whoever is about to start that agent. Who wants
//! to go on earlier removes it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::private_folder::{PrivateError, PrivateFolder};
use crate::process::Deadline;
use crate::stamp::Stamp;

/// The longest pause that is believed.
pub const LONGEST: Duration = Duration::from_hours(24);

/// The name under which an agent of an unknown kind is paused.
pub const ANY_AGENT: &str = "agent";

/// Largest file, in bytes.
const MOST_BYTES: usize = 16 * 1024;

/// How long a writer waits for its turn.
const PATIENCE: Duration = Duration::from_secs(2);

/// An agent that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Which agent: a word such as `claude`, or [`ANY_AGENT`].
    pub agent: String,
    /// When that was found.
    pub since: Stamp,
    /// Until when.
    pub until: Stamp,
    /// Why, for people.
    pub why: String,
    /// The run that found it.
    pub run: String,
}

/// Pauses that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] PrivateError),
    /// The file holds something else.
    #[error("{path} holds no pause; remove it")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

/// The pauses of a state folder.
#[derive(Clone, Debug)]
pub struct Pauses {
    path: PathBuf,
    folder: PrivateFolder,
}

impl Pauses {
    /// The pauses of this state folder.
    pub fn in_state_folder(state: &Path) -> Self {
        let path = state.join("pauses");
        Self { folder: PrivateFolder::new(path.clone()), path }
    }

    /// Pauses an agent. Of two pauses the one that lasts longer stands; it is at most [`LONGEST`] long.
    ///
    /// # Errors
    /// [`PauseError`]
    pub fn begin(&self, pause: &Pause) -> Result<(), PauseError> {
        let pause = Pause { until: pause.until.min(pause.since.after(LONGEST)), ..pause.clone() };
        let name = file_name(&pause.agent);
        let _turn = self.folder.lock(&name, Deadline::after(PATIENCE))?;
        // What cannot be read is no reason to forget what was just found.
        if self.read(&name).ok().flatten().is_some_and(|there| there.until >= pause.until) {
            return Ok(());
        }
        let bytes = serde_json::to_vec(&pause).unwrap_or_default(); // texts and moments alone
        Ok(self.folder.write(&name, &bytes)?)
    }

    /// The pause that keeps this agent from starting now; of an agent that is not known, any.
    ///
    /// # Errors
    /// [`PauseError`]
    pub fn active(&self, agent: Option<&str>, now: Stamp) -> Result<Option<Pause>, PauseError> {
        let names = match agent {
            Some(agent) => vec![file_name(agent), file_name(ANY_AGENT)],
            None => self.folder.names().map_err(PauseError::File)?,
        };
        let mut longest: Option<Pause> = None;
        for name in names.iter().filter(|name| has_ending(name)) {
            let Some(pause) = self.read(name)? else { continue };
            // A clock that was set back by more than a pause can last: it is of another time.
            let is_active = now < pause.until && pause.until <= now.after(LONGEST);
            if is_active && longest.as_ref().is_none_or(|longest| longest.until < pause.until) {
                longest = Some(pause);
            }
        }
        Ok(longest)
    }

    /// The file that holds the pause of this agent.
    pub fn file(&self, agent: &str) -> PathBuf {
        self.path.join(file_name(agent))
    }

    fn read(&self, name: &str) -> Result<Option<Pause>, PauseError> {
        let Some(bytes) = self.folder.read(name, MOST_BYTES)? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| PauseError::Damaged { path: self.path.join(name) })
    }
}

fn has_ending(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|agent| !agent.is_empty())
}

/// An agent's name may come from outside.
fn file_name(agent: &str) -> String {
    let is_plain = !agent.is_empty() && agent.len() <= 40 && agent.bytes().all(|byte| byte.is_ascii_lowercase());
    format!("{}.json", if is_plain { agent } else { ANY_AGENT })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn pause(agent: &str, hours: u64) -> Pause {
        let since = Stamp::from_millis(NOW);
        let until = since.after(Duration::from_hours(hours));
        Pause { agent: agent.into(), since, until, why: "limit".into(), run: "r".into() }
    }

    fn at(hours: u64) -> Stamp {
        Stamp::from_millis(NOW).after(Duration::from_hours(hours))
    }

    #[test]
    fn an_agent_is_paused_until_its_limit_is_lifted_and_others_are_not() {
        let state = tempfile::tempdir().unwrap();
        let pauses = Pauses::in_state_folder(&state.path().join("state"));
        assert_eq!(pauses.active(None, at(0)).unwrap(), None, "nothing was ever paused");
        pauses.begin(&pause("claude", 3)).unwrap();
        assert_eq!(pauses.active(Some("claude"), at(2)).unwrap(), Some(pause("claude", 3)));
        assert_eq!(pauses.active(Some("codex"), at(2)).unwrap(), None);
        assert_eq!(pauses.active(None, at(2)).unwrap(), Some(pause("claude", 3)), "it may be that one");
        assert_eq!(pauses.active(None, at(3)).unwrap(), None);
        pauses.begin(&pause("../../etc", 4)).unwrap();
        assert_eq!(pauses.active(Some("codex"), at(2)).unwrap().unwrap().until, at(4), "an unknown one may be any");
    }

    #[test]
    fn the_longer_pause_stands_and_none_is_longer_than_a_day() {
        let state = tempfile::tempdir().unwrap();
        let pauses = Pauses::in_state_folder(state.path());
        for hours in [5, 2, 100] {
            pauses.begin(&pause("claude", hours)).unwrap();
        }
        assert_eq!(pauses.active(None, at(0)).unwrap().unwrap().until, at(24));
        let long_ago = Stamp::from_millis(NOW).before(Duration::from_hours(1));
        assert_eq!(pauses.active(None, long_ago).unwrap(), None, "the clock was set back");
    }

    #[test]
    fn garbage_is_an_error_that_names_the_file_and_the_next_pause_replaces_it() {
        let state = tempfile::tempdir().unwrap();
        let pauses = Pauses::in_state_folder(state.path());
        pauses.begin(&pause("claude", 1)).unwrap();
        std::fs::write(pauses.file("claude"), "{").unwrap();
        let error = pauses.active(None, at(0)).unwrap_err().to_string();
        assert!(error.ends_with("claude.json holds no pause; remove it"), "{error}");
        pauses.begin(&pause("claude", 1)).unwrap();
        assert!(pauses.active(None, at(0)).unwrap().is_some());
    }
}
