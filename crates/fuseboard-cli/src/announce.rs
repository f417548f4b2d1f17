//! What circuits tell, as lines on standard error: each transition once, with the command to type now.

use std::io;
use std::path::{Path, PathBuf};

use fuseboard::event::{EventKind, Notice, Observer};
use fuseboard_pipeline::sys;

use crate::console::{self, Console};

/// The file in the runtime folder that says: it was told that the store is lost.
const LOST: &str = "fuseboard-store-lost";

/// Prints notices. A store that cannot be used is told once, not by each of a thousand one-shot processes.
pub(crate) struct Announcer {
    console: Console,
    /// Where it is noted that a lost store was told; not in the store, which is lost.
    runtime_folder: Option<PathBuf>,
    /// Whether somebody else tells of each single call.
    calls_are_told: bool,
}

impl Announcer {
    pub(crate) fn new(console: Console, runtime_folder: Option<PathBuf>) -> Self {
        Self { console, runtime_folder, calls_are_told: false }
    }

    /// For a pipeline: what failed and what was skipped stands in the steps' own lines, and is said once.
    pub(crate) fn beside_steps(self) -> Self {
        Self { calls_are_told: true, ..self }
    }

    /// Whether this is news: notes it, so that the next process knows.
    fn is_news(&self, notice: &Notice) -> bool {
        let (Notice::Event(event), Some(folder)) = (notice, &self.runtime_folder) else { return true };
        let mark = folder.join(LOST);
        let text = event.cause.as_deref().unwrap_or_default();
        match event.kind {
            EventKind::StoreDegraded => {
                let told = sys::open_regular(&mark).and_then(io::read_to_string).is_ok_and(|told| told == text);
                if !told {
                    // Where nothing can be noted it is told each time: better than never.
                    let _ = sys::write_through_no_link(&mark, text.as_bytes());
                }
                !told
            }
            _ => true,
        }
    }
}

/// The store works: tells so if an earlier process told that it was lost.
pub(crate) fn store_works(console: Console, runtime_folder: Option<&Path>) {
    if runtime_folder.is_some_and(|folder| std::fs::remove_file(folder.join(LOST)).is_ok()) {
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
