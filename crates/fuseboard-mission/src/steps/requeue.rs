//! `requeue`: an action that writes follow-up missions to a queue, a file of JSON lines that something else empties.
//!
//! | kind | when |
//! |---|---|
//! | `rerun` | a gate of this run that has ended before asks for it, as `verify` does |
//! | `review`, `rebase` | the branch has an open pull request, and no run has asked for it before |
//!
//! A follow-up's own run (`mode` is `follow-up`) makes none. What is in the queue, or was put there by one of the last
//! runs, is not put there again.

use std::path::PathBuf;

use fuseboard::FailureKind;
use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{Help, Spanned, TableReader, Word};
use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::report::{Kind, Status, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told, Written};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::appended::AppendedFile;
use crate::git::Git;
use crate::github::{Sought, pull_request_of_job};

/// The mode of every follow-up.
pub const MODE: &str = "follow-up";

/// How many of the newest runs are searched for what was queued.
const RUNS: usize = 200;

/// Longest text from outside in an entry, in bytes.
const MOST_TEXT: usize = 500;

/// What a follow-up is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FollowUp {
    /// The same mission again.
    Rerun,
    /// Look through the pull request.
    Review,
    /// Bring the pull request onto its base as it is then.
    Rebase,
}

impl Word for FollowUp {
    const WORDS: &'static [(&'static str, Self)] =
        &[("rerun", Self::Rerun), ("review", Self::Review), ("rebase", Self::Rebase)];
}

/// The step.
///
/// | option | meaning | default |
/// |---|---|---|
/// | `file` | the queue: one JSON object a line, appended; relative to the configuration's folder | required |
/// | `kinds` | the follow-ups that are wanted: `rerun`, `review`, `rebase` | all |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requeue {
    file: PathBuf,
    kinds: Vec<FollowUp>,
}

/// An entry of the queue, `fuseboard.queue/1`.
#[derive(Debug, Serialize)]
struct Entry {
    schema: &'static str,
    id: String,
    kind: &'static str,
    project: String,
    branch: Option<String>,
    title: Option<String>,
    of_run: String,
    pr_url: Option<String>,
    mode: &'static str,
    why: Option<String>,
    at: Stamp,
}

/// As much of a line as is needed to know it again.
#[derive(Deserialize)]
struct Known {
    id: String,
}

/// What there is to follow, and what is to be said of it.
#[derive(Debug, Default)]
struct Evidence {
    rerun: Option<String>,
    pr_url: Option<String>,
    remark: Option<String>,
    /// Why the pull request is not known. A re-run is queued all the same.
    trouble: Option<StepError>,
}

impl Requeue {
    /// From its options.
    pub fn read(options: &mut TableReader<'_>) -> Self {
        let file = options.path("file");
        let file = options.required("file", file, Help::advice("write file = \"/var/spool/missions.jsonl\""));
        let kinds = options.words::<FollowUp>("kinds").map(|kinds| {
            if kinds.is_empty() {
                let help = Help::advice("name a kind, or write enabled = false");
                options.refuse(&kinds, "`kinds` is empty: nothing could ever be queued", help);
            }
            kinds.into_inner().into_iter().map(Spanned::into_inner).collect()
        });
        Self {
            file: file.map(Spanned::into_inner).unwrap_or_default(),
            kinds: kinds.unwrap_or_else(|| FollowUp::WORDS.iter().map(|(_, kind)| *kind).collect()),
        }
    }

    fn wants(&self, kind: FollowUp) -> bool {
        self.kinds.contains(&kind)
    }

    fn evidence(&self, context: &StepContext<'_>) -> Evidence {
        let mut evidence = Evidence::default();
        if self.wants(FollowUp::Rerun) {
            evidence.rerun = context.ended.iter().find_map(asked_for);
        }
        if (self.wants(FollowUp::Review) || self.wants(FollowUp::Rebase)) && !is_merged(context.ended) {
            let git = Git::of(context);
            match pull_request_of_job(&git, context) {
                Ok(Sought::Found(request)) if request.state == "OPEN" => evidence.pr_url = Some(request.url),
                Ok(Sought::Found(request)) => evidence.remark = Some(format!("{} is merged", request.url)),
                Ok(Sought::None(why) | Sought::Refused(why)) => evidence.remark = Some(why),
                // Nothing but the agent's word is left, if there is one.
                Err(error) if error.kind == Some(FailureKind::Spawn) => match context.ended.iter().find_map(said) {
                    Some(url) => {
                        evidence.remark = Some(format!("{url} is the agent's word: {error}"));
                        evidence.pr_url = Some(url);
                    }
                    None => evidence.trouble = Some(error),
                },
                Err(error) => evidence.trouble = Some(error),
            }
        }
        evidence
    }

    fn entries(&self, evidence: &Evidence, context: &StepContext<'_>) -> Vec<Entry> {
        let (job, at) = (context.job, Stamp::from(SystemClock.wall()));
        let safe = |text: &str| bounded(&context.redactor.redact(&plain_text(&context.redactor.redact(text))));
        let entry = |kind: FollowUp, of: &str, pr_url: Option<&String>, why: Option<&String>| Entry {
            schema: "fuseboard.queue/1",
            id: sha256_hex([kind.as_str(), &job.project.name, of].join("\0").as_bytes())[..32].to_owned(),
            kind: kind.as_str(),
            project: safe(&job.project.name),
            branch: job.project.branch.as_deref().map(safe),
            title: job.title.as_deref().map(safe),
            of_run: context.run.to_owned(),
            pr_url: pr_url.map(|url| safe(url)),
            mode: MODE,
            why: why.map(|why| safe(why)),
            at,
        };
        let mut entries = Vec::new();
        for (_, kind) in FollowUp::WORDS.iter().filter(|(_, kind)| self.wants(*kind)) {
            match kind {
                FollowUp::Rerun => entries.extend(
                    evidence.rerun.iter().map(|why| entry(*kind, context.run, evidence.pr_url.as_ref(), Some(why))),
                ),
                FollowUp::Review | FollowUp::Rebase => {
                    entries.extend(evidence.pr_url.iter().map(|url| entry(*kind, url, Some(url), None)));
                }
            }
        }
        entries
    }
}

impl Step for Requeue {
    fn writes_files(&self) -> Vec<Written> {
        vec![Written::File(self.file.clone())]
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        if context.job.mode.as_deref() == Some(MODE) {
            return Ok(Answer::NotApplicable("a follow-up is not followed up".to_owned()));
        }
        let mut evidence = self.evidence(context);
        let entries = self.entries(&evidence, context);
        let queued_before = if entries.is_empty() { Vec::new() } else { queued_before(context)? };
        let (new, known) = self.append(entries, queued_before, context)?;
        let shown = |text: &str| context.redactor.redact(&plain_text(text)).into_owned();
        let what = if new.is_empty() {
            "nothing to queue".to_owned()
        } else {
            format!("queued {}", new.iter().map(|entry| entry.kind).collect::<Vec<_>>().join(", "))
        };
        let before = (known > 0).then(|| format!("{known} queued before"));
        let remark = evidence.remark.as_deref().map(shown);
        let detail = [Some(what), before, remark].into_iter().flatten().collect::<Vec<_>>().join("; ");
        if let Some(trouble) = evidence.trouble.take() {
            return Err(StepError { message: format!("{}; {detail}", shown(&trouble.message)), ..trouble });
        }
        let queued: Vec<Value> = new.iter().map(|entry| json!({ "id": entry.id, "kind": entry.kind })).collect();
        let pr_url = evidence.pr_url.as_deref().map(shown);
        Ok(Answer::Done(Told::detail(detail).with(json!({ "queued": queued, "known": known, "pr_url": pr_url }))))
    }
}

impl Requeue {
    /// Appends those that are new, and says how many are not.
    fn append(
        &self,
        entries: Vec<Entry>,
        queued_before: Vec<String>,
        context: &StepContext<'_>,
    ) -> Result<(Vec<Entry>, usize), StepError> {
        if entries.is_empty() {
            return Ok((entries, 0));
        }
        let trouble = |error| StepError::new(format!("the queue {error}"));
        let path = context.config_folder.join(&self.file);
        let turn = AppendedFile::new(&path).turn(context.deadline).map_err(trouble)?;
        let mut known = queued_before;
        known.extend(turn.lines().filter_map(|line| serde_json::from_slice::<Known>(line).ok()).map(|known| known.id));
        let all = entries.len();
        let new: Vec<Entry> = entries.into_iter().filter(|entry| !known.contains(&entry.id)).collect();
        let mut lines = String::new();
        for entry in &new {
            let line = serde_json::to_string(entry);
            lines.push_str(&line.map_err(|error| StepError::new(format!("an entry cannot be written: {error}")))?);
            lines.push('\n');
        }
        turn.append(lines.as_bytes()).map_err(trouble)?;
        let known = all - new.len();
        Ok((new, known))
    }
}

/// What the last runs of this step queued: it may have been taken from the queue since.
fn queued_before(context: &StepContext<'_>) -> Result<Vec<String>, StepError> {
    let runs = context.ledger.runs(RUNS);
    let runs = runs.map_err(|error| StepError::new(format!("what was queued before cannot be read: {error}")))?;
    let rows = runs.whole.iter().flat_map(|run| &run.steps).filter(|row| row.name == context.name);
    let queued = rows.filter_map(|row| row.output.as_ref()?.get("queued")?.as_array());
    Ok(queued.flatten().filter_map(|entry| Some(entry["id"].as_str()?.to_owned())).collect())
}

/// Why a gate asks for a re-run, if it does.
fn asked_for(row: &StepRow) -> Option<String> {
    let rerun = row.output.as_ref()?.get("rerun")?;
    let asks = row.kind == Kind::Gate && rerun["asked"] == true;
    asks.then(|| rerun["why"].as_str().unwrap_or_default().to_owned())
}

/// The pull request of which the agent speaks.
fn said(row: &StepRow) -> Option<String> {
    let url = row.output.as_ref()?.get("pr_url")?.as_str()?;
    (row.kind == Kind::Recorder).then(|| url.to_owned())
}

/// Whether this run has merged the work itself.
fn is_merged(rows: &[StepRow]) -> bool {
    rows.iter().any(|row| {
        let is_armed = row.output.as_ref().is_some_and(|output| output["armed"] == true);
        row.kind == Kind::Action && row.name == "merge" && row.status == Status::Success && !is_armed
    })
}

fn bounded(text: &str) -> String {
    if text.len() <= MOST_TEXT {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MOST_TEXT)])
}
