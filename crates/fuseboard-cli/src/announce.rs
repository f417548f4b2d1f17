//! What circuits tell, as lines on standard error: each transition once, with the command to type now.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fuseboard::event::{EventKind, Notice, Observer};
use fuseboard_pipeline::sys;

use crate::console::{self, Console};

/// The file in the runtime folder that says: it was told that the store is lost.
const LOST: &str = "fuseboard-store-lost";

/// The longest text of a lost store that is compared with what was told.
const MOST_BYTES: u64 = 64 * 1024;

/// Which troubles of the state this process has told: each is told once, whoever meets it first.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<BTreeSet<String>>>);

impl Said {
    /// Whether it was not told yet; from now on it is.
    pub(crate) fn is_new(&self, trouble: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(trouble.to_owned())
    }
}

/// Prints notices. A store that cannot be used is told once, not by each of a thousand one-shot processes.
pub(crate) struct Announcer {
    console: Console,
    /// Where it is noted that a lost store was told; not in the store, which is lost.
    runtime_folder: Option<PathBuf>,
    said: Said,
    /// Whether somebody else tells of each single call.
    calls_are_told: bool,
}

impl Announcer {
    pub(crate) fn new(console: Console, runtime_folder: Option<PathBuf>, said: Said) -> Self {
        Self { console, runtime_folder, said, calls_are_told: false }
    }

    /// For a pipeline: what failed and what was skipped stands in the steps' own lines, and is said once.
    pub(crate) fn beside_steps(self) -> Self {
        Self { calls_are_told: true, ..self }
    }

    /// Whether this is news: notes it, so that the next process knows.
    fn is_news(&self, notice: &Notice) -> bool {
        let Notice::Event(event) = notice else { return true };
        let text = event.cause.as_deref().unwrap_or_default();
        match event.kind {
            EventKind::StoreDegraded => {
                // Where nothing can be noted it is told each time: better than never.
                let told = self.runtime_folder.as_ref().is_some_and(|folder| was_told(&folder.join(LOST), text));
                !told && self.said.is_new(text)
            }
            _ => true,
        }
    }
}

/// Whether this text was told already by another process, or is just being told; notes it if not.
fn was_told(mark: &Path, text: &str) -> bool {
    let Ok(mut file) = sys::open_to_lock(mark) else { return false };
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return true,
        Err(fs::TryLockError::Error(_)) => return false,
    }
    let mut told = Vec::new();
    let read = sys::open_regular(mark).and_then(|mark| mark.take(MOST_BYTES).read_to_end(&mut told));
    if read.is_ok() && told == text.as_bytes() {
        return true;
    }
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(text.as_bytes()));
    false
}

/// The store works: tells so if an earlier process told that it was lost.
pub(crate) fn store_works(console: Console, runtime_folder: Option<&Path>) {
    if runtime_folder.is_some_and(|folder| fs::remove_file(folder.join(LOST)).is_ok()) {
        console.note("the store can be used again");
    }
}

impl Observer for Announcer {
    fn notice(&self, notice: &Notice) {
        // On a terminal somebody waits for an answer: there every skip is told.
        let skip = matches!(notice, Notice::Skipped { .. });
        let is_told = self.calls_are_told && (skip || matches!(notice, Notice::Failed { .. }));
        if is_told || !(notice.is_loud() || skip && console::is_watched()) {
            return self.console.detail(notice);
        }
        if !self.is_news(notice) {
            return self.console.detail(notice);
        }
        let opened = matches!(notice, Notice::Event(event) if matches!(event.kind, EventKind::Opened | EventKind::Reopened | EventKind::ProbeLost));
        match notice.circuit() {
            Some(circuit) if opened => {
                self.console.note(format_args!("{notice}; to try now: fuseboard probe {circuit}"));
            }
            _ => self.console.note(notice),
        }
    }
}
