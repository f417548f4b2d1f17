//! What circuits tell, as lines on standard error: each transition once, with the command to type now.

use std::path::PathBuf;

use fuseboard::event::{EventKind, Notice, Observer};

use crate::console::Console;

/// Prints notices. A store that cannot be used is told once, not by each of a thousand one-shot processes.
pub(crate) struct Announcer {
    console: Console,
    /// Where it is noted that a lost store was told; not in the store, which is lost.
    runtime_folder: Option<PathBuf>,
}

impl Announcer {
    pub(crate) fn new(console: Console, runtime_folder: Option<PathBuf>) -> Self {
        Self { console, runtime_folder }
    }

    /// Whether this is news: notes it, so that the next process knows.
    fn is_news(&self, notice: &Notice) -> bool {
        let (Notice::Event(event), Some(folder)) = (notice, &self.runtime_folder) else { return true };
        let mark = folder.join("fuseboard-store-lost");
        let text = event.cause.as_deref().unwrap_or_default();
        match event.kind {
            EventKind::StoreDegraded => {
                let told = std::fs::read_to_string(&mark).is_ok_and(|told| told == text);
                // Where nothing can be noted it is told each time: better than never.
                !told || std::fs::write(&mark, text).is_err()
            }
            _ => true,
        }
    }
}

impl Observer for Announcer {
    fn notice(&self, notice: &Notice) {
        // On a terminal somebody waits for an answer: there every skip is told.
        let skip = matches!(notice, Notice::Skipped { .. });
        if !(notice.is_loud() || skip && self.console.is_watched()) {
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
