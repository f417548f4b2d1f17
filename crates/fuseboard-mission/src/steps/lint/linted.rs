//! What the runs of a linter came to.

use std::path::PathBuf;
use std::time::Duration;

use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::step::{Answer, Told};
use serde_json::{Value, json};

use super::files::Files;
use crate::checker::{Ruling, Said, millis, whole};
use crate::git::{CommitId, names};

/// How many last lines of a linter are the reason of a block.
const REASON_LINES: usize = 3;

/// Most runs whose output is kept.
const KEPT_RUNS: usize = 10;

/// One run of the linter that gave a verdict.
pub(super) struct Run {
    /// Its batch, from 1.
    pub(super) batch: usize,
    pub(super) ruling: Ruling,
    pub(super) took: Duration,
    pub(super) said: Said,
}

/// All runs, and what is to be said with them.
pub(super) struct Linted<'a> {
    /// The command, made safe to show.
    pub(super) shown: String,
    pub(super) base: &'a CommitId,
    pub(super) head: &'a CommitId,
    /// How many files the diff changes.
    pub(super) changed: usize,
    pub(super) files: &'a Files,
    /// The changed files that tell the linter what to find.
    pub(super) rules: Vec<&'a PathBuf>,
    pub(super) runs: Vec<Run>,
}

impl Linted<'_> {
    pub(super) fn answer(&self, redactor: &Redactor) -> Answer {
        let remarks = self.remarks().into_iter().map(|remark| redactor.redact(&remark).into_owned());
        let remarks: Vec<String> = remarks.collect();
        let with_remarks = |first: String| std::iter::once(first).chain(remarks.clone()).collect::<Vec<_>>().join("; ");
        let told = Told::detail(with_remarks(self.detail())).with(json!({
            "command": self.shown,
            "base": self.base.as_str(),
            "head": self.head.as_str(),
            "files": self.files.meant.len(),
            "links": self.files.links.len(),
            "outside": self.files.outside,
            "batches": self.runs.len(),
            "rules": !self.rules.is_empty(),
            "duration_ms": millis(self.took()),
            "found": self.found().take(KEPT_RUNS).map(found_json).collect::<Vec<_>>(),
        }));
        match self.found().next() {
            Some((run, code)) => Answer::Block { why: with_remarks(self.reason(run, code)), told },
            None => Answer::Pass(told),
        }
    }

    /// The runs that found something, with their codes.
    fn found(&self) -> impl Iterator<Item = (&Run, i32)> {
        self.runs.iter().filter_map(|run| match run.ruling {
            Ruling::Yes => None,
            Ruling::No(code) => Some((run, code)),
        })
    }

    fn took(&self) -> Duration {
        self.runs.iter().map(|run| run.took).sum()
    }

    fn detail(&self) -> String {
        let files = counted(self.files.meant.len(), "file");
        match self.runs.len() {
            0 => format!("nothing to look at in {}", counted(self.changed, "changed file")),
            1 => format!("{} ran for {} over {files}", self.shown, whole(self.took())),
            runs => format!("{} ran for {} over {files} in {runs} batches", self.shown, whole(self.took())),
        }
    }

    /// Why it blocks: what the first run that found something said last.
    fn reason(&self, first: &Run, code: i32) -> String {
        let said = first.said.last_telling(REASON_LINES).join("; ");
        let said = if said.is_empty() { format!("{} exited with code {code}", self.shown) } else { said };
        if self.runs.len() == 1 {
            return said;
        }
        let files = counted(self.files.meant.len(), "file");
        format!("{said}; found in {} of {} batches of {files}", self.found().count(), self.runs.len())
    }

    /// What is to be said beside the outcome.
    fn remarks(&self) -> Vec<String> {
        let links: Vec<&PathBuf> = self.files.links.iter().collect();
        let outside = match self.files.outside {
            1 => "1 changed file lies outside of the job's folder".to_owned(),
            count => format!("{count} changed files lie outside of the job's folder"),
        };
        [
            (!self.rules.is_empty(), format!("the diff changes the linter's rules: {}", names(&self.rules))),
            (!links.is_empty(), format!("links are not looked at: {}", names(&links))),
            (self.files.outside > 0, outside),
        ]
        .into_iter()
        .filter_map(|(is_so, remark)| is_so.then_some(remark))
        .collect()
    }
}

fn found_json((run, code): (&Run, i32)) -> Value {
    json!({"batch": run.batch, "exit_code": code, "stdout": run.said.stdout, "stderr": run.said.stderr})
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
