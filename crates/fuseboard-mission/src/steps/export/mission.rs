//! A mission as it is told to others: safe to show, bounded, without secrets. What is not known is `None`.

use std::collections::HashMap;
use std::time::Duration;

use fuseboard_pipeline::duration;
use fuseboard_pipeline::job::{Job, JobFailure, ModelUsage};
use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::redact::Redactor;
use fuseboard_pipeline::report::{Kind, Reason, Status, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{StepContext, StepError};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::outcome::checks;
use crate::place;

/// The longest text, in bytes.
const MOST: usize = 500;

/// Usage is written down after the job has ended; clocks may have been set back meanwhile.
const SLACK: Duration = Duration::from_hours(1);

/// What is told of a mission.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Mission {
    pub(super) schema: &'static str,
    pub(super) run: String,
    pub(super) project: String,
    pub(super) title: Option<String>,
    pub(super) mode: Option<String>,
    pub(super) run_number: Option<u32>,
    pub(super) agent: Option<String>,
    pub(super) branch: Option<String>,
    pub(super) commit: Option<String>,
    pub(super) base: Option<String>,
    pub(super) started_at: Option<Stamp>,
    pub(super) ended_at: Stamp,
    pub(super) duration_ms: Option<u64>,
    pub(super) succeeded: bool,
    pub(super) exit_code: Option<i32>,
    pub(super) failure_kind: Option<&'static str>,
    /// What `session` said; of a failed job, `failed` without it.
    pub(super) outcome: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) evidence: Option<String>,
    pub(super) pr_url: Option<String>,
    /// Each gate's own verdict, `none` if it gave none.
    pub(super) checks: Map<String, Value>,
    pub(super) usage: Option<Vec<ModelUsage>>,
    pub(super) steps: Vec<StepLine>,
}

/// What is told of a step.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StepLine {
    pub(super) name: String,
    pub(super) status: Status,
    pub(super) reason: Option<Reason>,
    pub(super) duration_ms: Option<u64>,
}

/// What runs used.
pub(super) type Usage = HashMap<String, Vec<ModelUsage>>;

/// What runs used that ended at this moment or later.
pub(super) fn usage_since(context: &StepContext<'_>, since: Stamp) -> Result<Usage, StepError> {
    let rows = context.ledger.usage_since(since.before(SLACK));
    let rows = rows.map_err(|error| StepError::new(format!("cannot tell what was used: {error}")))?;
    let mut usage = Usage::new();
    for row in rows {
        usage.entry(row.run).or_default().push(row.usage);
    }
    Ok(usage)
}

impl Mission {
    /// This run's.
    pub(super) fn of(context: &StepContext<'_>) -> Result<Self, StepError> {
        let usage = usage_since(context, place::ended_at(context))?;
        Ok(Self::of_this(context, &usage))
    }

    /// This run's, with what was used.
    pub(super) fn of_this(context: &StepContext<'_>, usage: &Usage) -> Self {
        let ended_at = place::ended_at(context);
        Self::new(context.run, context.job, context.ended, ended_at, usage.get(context.run), context.redactor)
    }

    /// An earlier run's, once its job has ended.
    pub(super) fn of_stored(stored: &StoredRun, usage: &Usage, redactor: &Redactor) -> Option<Self> {
        let (id, job) = (&stored.head.id, stored.job.as_ref()?);
        let rows = stored.report.as_ref().map_or(&stored.steps, |report| &report.steps);
        let ended_at = job.ended_at.or(stored.ended_at).unwrap_or(stored.head.started_at);
        Some(Self::new(id, job, rows, ended_at, usage.get(id), redactor))
    }

    fn new(
        run: &str,
        job: &Job,
        rows: &[StepRow],
        ended_at: Stamp,
        usage: Option<&Vec<ModelUsage>>,
        redactor: &Redactor,
    ) -> Self {
        let safe = |text: &str| {
            let text = plain_text(&redactor.redact(text));
            let text = redactor.redact(text.trim());
            text[..text.floor_char_boundary(MOST)].to_owned()
        };
        let safe_option = |text: &Option<String>| text.as_deref().map(safe);
        let session = rows.iter().filter(|row| row.kind == Kind::Recorder);
        let session = session.filter_map(|row| row.output.as_ref()).find(|output| output["outcome"].is_string());
        let told = |key: &str| session.and_then(|output| output[key].as_str()).map(safe);
        let project = &job.project;
        Self {
            schema: "fuseboard.mission/1",
            run: run.to_owned(),
            project: safe(&project.name),
            title: safe_option(&job.title),
            mode: safe_option(&job.mode),
            run_number: job.run_number,
            agent: safe_option(&job.agent),
            branch: safe_option(&project.branch),
            commit: safe_option(&project.commit),
            base: safe_option(&project.base),
            started_at: job.started_at,
            ended_at,
            duration_ms: job.started_at.zip(job.ended_at).map(|(start, end)| millis(end.since(start))),
            succeeded: job.succeeded,
            exit_code: job.exit_code,
            failure_kind: job.failure_kind.map(JobFailure::as_str),
            outcome: told("outcome").or_else(|| (!job.succeeded).then(|| "failed".to_owned())),
            kind: told("kind"),
            evidence: told("evidence"),
            pr_url: told("pr_url"),
            checks: checks(rows),
            usage: usage.map(|rows| {
                let safe = |row: &ModelUsage| ModelUsage { model: safe_option(&row.model), ..row.clone() };
                rows.iter().map(safe).collect()
            }),
            steps: rows.iter().filter(|row| row.status != Status::Running).map(StepLine::of).collect(),
        }
    }

    /// How long it took, for people.
    pub(super) fn took(&self) -> String {
        let shown = |millis: u64| {
            let whole = if millis < 1000 { millis } else { millis - millis % 1000 };
            duration::format(Duration::from_millis(whole))
        };
        self.duration_ms.map_or_else(|| "time unmeasured".to_owned(), shown)
    }

    /// Tokens and money, for people.
    pub(super) fn used(&self) -> String {
        let Some(rows) = &self.usage else { return "usage unmeasured".to_owned() };
        let counts = |row: &ModelUsage| [row.input_uncached, row.cache_read, row.cache_write, row.output];
        let known: Vec<u64> = rows.iter().flat_map(counts).flatten().collect();
        let tokens = match known.as_slice() {
            [] => "tokens unmeasured".to_owned(),
            known => format!("{} tokens", known.iter().copied().fold(0, u64::saturating_add)),
        };
        let cost = rows.iter().map(|row| row.cost_usd).sum::<Option<f64>>().filter(|_| !rows.is_empty());
        format!("{tokens}, {}", cost.map_or_else(|| "no price".to_owned(), |cost| format!("${cost:.4}")))
    }

    /// What came of it, and what kind of mission it was, for people.
    pub(super) fn came_to(&self) -> String {
        let outcome = self.outcome.as_deref().unwrap_or("outcome unmeasured");
        self.kind.as_ref().map_or_else(|| outcome.to_owned(), |kind| format!("{outcome} ({kind})"))
    }

    /// What the gates said, for people.
    pub(super) fn checked(&self) -> Option<String> {
        let said = |(name, word): (&String, &Value)| match word.as_str() {
            Some(word @ ("pass" | "block")) => format!("{name} {word}"),
            _ => format!("{name} no verdict"),
        };
        (!self.checks.is_empty()).then(|| self.checks.iter().map(said).collect::<Vec<_>>().join(", "))
    }
}

impl StepLine {
    fn of(row: &StepRow) -> Self {
        Self { name: row.name.clone(), status: row.status, reason: row.reason, duration_ms: row.duration_ms }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
