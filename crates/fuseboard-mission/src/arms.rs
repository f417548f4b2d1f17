//! Arms to choose from: what was learned of each, and which is the next (Thompson sampling).
//!
//! A set of arms is one private file, `bandit/NAME.json` in the state folder:
//!
//! ```json
//! {"schema": "fuseboard.bandit/1", "arms": {"parser": {"alpha": 4.0, "beta": 2.0, "updated_at": "2026-11-23T17:42:39.569Z"}}, "runs": ["0198…"]}
//! ```
//!
//! An arm begins with alpha 1 and beta 1, about which nothing is known. A success adds 1 to its alpha, a failure 1 to its
//! beta. With a discount below 1 everything that was learned before, of all arms, counts that much less each time. `runs`
//! are the runs that taught something last: none of them teaches again.

mod draw;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use fuseboard_pipeline::process::{Deadline, plain_text};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::{PrivateError, PrivateFolder};
use serde::{Deserialize, Serialize};

pub use self::draw::{Draw, Drawn, SeedError, draw, new_seed};

/// The form of the file.
const SCHEMA: &str = "fuseboard.bandit/1";

/// Longest name of an arm, in bytes.
pub const MOST_NAME: usize = 200;

/// Most arms of a set.
pub const MOST_ARMS: usize = 1000;

/// How many runs are remembered.
const MOST_RUNS: usize = 1000;

/// Largest file, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The most that is believed of an alpha or a beta.
const MOST_SEEN: f64 = 1e12;

/// What is known of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// 1 and its successes.
    pub alpha: f64,
    /// 1 and its failures.
    pub beta: f64,
    /// When it was learned of last; `None` for never.
    pub updated_at: Option<Stamp>,
}

impl Arm {
    /// An arm of which nothing is known.
    pub const NEW: Self = Self { alpha: 1.0, beta: 1.0, updated_at: None };

    /// Its share of successes, as far as that is known.
    pub fn mean(&self) -> f64 {
        self.alpha / (self.alpha + self.beta)
    }

    fn fade(&mut self, discount: f64) {
        self.alpha = 1.0 + (self.alpha - 1.0) * discount;
        self.beta = 1.0 + (self.beta - 1.0) * discount;
    }

    fn is_possible(&self) -> bool {
        [self.alpha, self.beta].iter().all(|count| (1.0..=MOST_SEEN).contains(count))
    }
}

/// A name of an arm, from outside, as it is kept: plain and bounded. `None` if nothing is left of it.
pub fn arm_name(text: &str) -> Option<String> {
    let plain = plain_text(text);
    let name = plain.trim();
    let name = name[..name.floor_char_boundary(MOST_NAME)].trim_end();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name of a set of arms: `[a-z0-9][a-z0-9._-]{0,63}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetName(String);

impl SetName {
    /// The name of a set that goes by one of our own words.
    pub(crate) fn of_word(word: &'static str) -> Self {
        Self(word.to_owned())
    }
}

/// A text that names no set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a set's name has 1 to 64 of a-z, 0-9, `.`, `_`, `-`, and begins with a letter or a digit")]
pub struct BadSetName;

impl FromStr for SetName {
    type Err = BadSetName;
    fn from_str(text: &str) -> Result<Self, BadSetName> {
        let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let is_any = |byte: u8| is_first(byte) || b"._-".contains(&byte);
        let good = text.len() <= 64 && text.bytes().next().is_some_and(is_first) && text.bytes().all(is_any);
        if good { Ok(Self(text.to_owned())) } else { Err(BadSetName) }
    }
}

impl fmt::Display for SetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a run teaches of its arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// It is worth choosing.
    Success,
    /// It is not.
    Failure,
}

impl Lesson {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// Why a set of arms cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArmsError {
    /// Its file cannot be read or written.
    #[error(transparent)]
    File(#[from] PrivateError),
    /// What stands in the file is no set of arms.
    #[error("{path} {why}; mend it, or remove it to begin anew")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no room for another arm.
    #[error("{path} has {MOST_ARMS} arms already; remove some, or use another set")]
    Full {
        /// The file.
        path: PathBuf,
    },
}

/// What a run has taught.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Taught {
    /// The arm as it is known now.
    pub arm: Arm,
    /// Whether the run had taught before, so that nothing has changed.
    pub is_replay: bool,
}

#[derive(Serialize, Deserialize)]
struct Content {
    schema: String,
    arms: BTreeMap<String, Arm>,
    runs: Vec<String>,
}

/// The sets of arms of one state folder.
#[derive(Clone, Debug)]
pub struct ArmSets {
    path: PathBuf,
    folder: PrivateFolder,
}

impl ArmSets {
    /// Those of this state folder.
    pub fn in_state_folder(state: &Path) -> Self {
        let path = state.join("bandit");
        Self { folder: PrivateFolder::new(path.clone()), path }
    }

    /// The arms of a set; none if nothing was ever learned.
    ///
    /// # Errors
    /// [`ArmsError`]
    pub fn load(&self, set: &SetName) -> Result<BTreeMap<String, Arm>, ArmsError> {
        Ok(self.read(&file(set))?.arms)
    }

    /// Learns from a run, unless it has taught already. Waits for others that learn until the deadline.
    ///
    /// # Errors
    /// [`ArmsError`]; then nothing was learned.
    pub fn learn(&self, set: &SetName, learned: &Learned<'_>, deadline: Deadline) -> Result<Taught, ArmsError> {
        let file = file(set);
        let _turn = self.folder.lock(&file, deadline)?;
        let mut content = self.read(&file)?;
        if content.runs.iter().any(|run| run == learned.run) {
            let arm = content.arms.get(learned.arm).copied().unwrap_or(Arm::NEW);
            return Ok(Taught { arm, is_replay: true });
        }
        if content.arms.len() >= MOST_ARMS && !content.arms.contains_key(learned.arm) {
            return Err(ArmsError::Full { path: self.path.join(file) });
        }
        for arm in content.arms.values_mut() {
            arm.fade(learned.discount);
        }
        let arm = content.arms.entry(learned.arm.to_owned()).or_insert(Arm::NEW);
        match learned.lesson {
            Lesson::Success => arm.alpha = (arm.alpha + 1.0).min(MOST_SEEN),
            Lesson::Failure => arm.beta = (arm.beta + 1.0).min(MOST_SEEN),
        }
        arm.updated_at = Some(learned.at);
        let taught = Taught { arm: *arm, is_replay: false };
        content.runs.push(learned.run.to_owned());
        content.runs.drain(..content.runs.len().saturating_sub(MOST_RUNS));
        let bytes = serde_json::to_vec_pretty(&content);
        let bytes = bytes.map_err(|error| self.damaged(&file, format!("cannot be written: {error}")))?;
        self.folder.write(&file, &bytes)?;
        Ok(taught)
    }

    fn read(&self, file: &str) -> Result<Content, ArmsError> {
        let Some(bytes) = self.folder.read(file, MOST_BYTES)? else {
            return Ok(Content { schema: SCHEMA.to_owned(), arms: BTreeMap::new(), runs: Vec::new() });
        };
        let content: Content = serde_json::from_slice(&bytes)
            .map_err(|error| self.damaged(file, format!("holds no arms: {}", plain_text(&error.to_string()))))?;
        if content.schema != SCHEMA {
            return Err(self.damaged(file, format!("is not {SCHEMA}: another version wrote it")));
        }
        if let Some((name, _)) = content.arms.iter().find(|(_, arm)| !arm.is_possible()) {
            return Err(self.damaged(file, format!("has an impossible alpha or beta for {name:?}")));
        }
        Ok(content)
    }

    fn damaged(&self, file: &str, why: String) -> ArmsError {
        ArmsError::Damaged { path: self.path.join(file), why }
    }
}

/// What is to be learned.
#[derive(Clone, Copy, Debug)]
pub struct Learned<'a> {
    /// From which run.
    pub run: &'a str,
    /// Of which arm.
    pub arm: &'a str,
    /// What.
    pub lesson: Lesson,
    /// What is left of everything that was learned before: above 0, at most 1.
    pub discount: f64,
    /// When.
    pub at: Stamp,
}

fn file(set: &SetName) -> String {
    format!("{set}.json")
}
