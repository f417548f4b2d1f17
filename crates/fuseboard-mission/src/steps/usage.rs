//! `usage`: writes down what the agent used, one row per model, with a price.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `prices` | the file with prices ([`prices`]), relative to the configuration's folder | none |
//!
//! The price of a row is the agent's own figure, else the price file's, else none, which is said and is not
//! zero. The figures of Claude Code and Codex are running totals of a session: what an earlier run of the same session
//! has been told already is taken off.

pub mod prices;

use std::path::PathBuf;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, Spanned, StepOptions};
use fuseboard_pipeline::job::{Job, ModelUsage};
use fuseboard_pipeline::ledger::StoredRun;
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::json;

use self::prices::Prices;
use crate::agents::{Agent, AgentKind, try_read};

/// How many of the newest runs are looked through for an earlier one of the same session.
const LOOKED_BACK: usize = 200;

/// The step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// The price file, if there is one.
    pub prices: Option<PathBuf>,
}

impl Usage {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|options| Self { prices: options.path("prices").map(Spanned::into_inner) })
    }
}

impl Step for Usage {
    fn reads_files(&self) -> Vec<PathBuf> {
        self.prices.iter().cloned().collect()
    }

    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let (agent, session, mut rows) = match measured(context.job)? {
            Measured::Rows { agent, session, rows } => (agent, session, rows),
            Measured::Not(why) => return Ok(Answer::Done(Told::detail(format!("unmeasured: {why}")))),
        };
        // What Gemini tells is of one call alone.
        let counts_on = agent.as_deref() != Some(Agent::Gemini.as_str());
        let earlier = match session.as_ref().filter(|_| counts_on) {
            Some(session) => {
                let runs = context.ledger.runs(LOOKED_BACK).map_err(|error| {
                    StepError::new(format!("cannot tell what the session had used before: {error}"))
                })?;
                told_before(&runs.whole, context.run, session)
            }
            None => None,
        };
        let is_rest = earlier.is_some_and(|earlier| subtract(&mut rows, &earlier));
        let prices = self.prices.as_ref().map(|file| Prices::load(&context.config_folder.join(file))).transpose();
        if let Ok(Some(prices)) = &prices {
            let day = context.job.ended_at.unwrap_or_else(|| Stamp::from(SystemClock.wall()));
            prices.apply(&mut rows, day);
        }
        // Written down even if the prices cannot be read: the tokens are known.
        let written = context.ledger.record_usage(context.run, &rows);
        written.map_err(|error| StepError::new(format!("cannot write down the usage: {error}")))?;
        prices.map_err(|error| StepError::new(error.to_string()))?;
        Ok(Answer::Done(told(agent.as_deref(), &rows, is_rest)))
    }
}

enum Measured {
    Rows { agent: Option<String>, session: Option<String>, rows: Vec<ModelUsage> },
    Not(String),
}

/// What the job tells, or what its output does.
fn measured(job: &Job) -> Result<Measured, StepError> {
    if let Some(rows) = &job.usage {
        return Ok(Measured::Rows { agent: job.agent.clone(), session: job.session_id.clone(), rows: rows.clone() });
    }
    let kind = match job.agent.as_deref().map(str::parse) {
        None => AgentKind::Auto,
        Some(Ok(kind)) => kind,
        Some(Err(error)) => return Ok(Measured::Not(format!("{error}"))),
    };
    let Some(path) = &job.stdout_path else {
        return Ok(Measured::Not("the job's output was not captured".to_owned()));
    };
    let reading = try_read(kind, path)
        .map_err(|error| StepError::new(format!("cannot read the job's output {}: {error}", path.display())))?;
    Ok(match reading.usage {
        Some(rows) => Measured::Rows {
            agent: reading.agent.map(|agent| agent.to_string()),
            session: reading.session_id.or_else(|| job.session_id.clone()),
            rows,
        },
        None => Measured::Not(reading.unmeasured.unwrap_or_else(|| "the output tells no usage".to_owned())),
    })
}

/// The session's running totals as the newest run before this one was told them. Ids of runs are sorted by
/// time.
fn told_before(runs: &[StoredRun], run: &str, session: &str) -> Option<Vec<ModelUsage>> {
    let earlier = runs.iter().rev().filter(|stored| stored.head.id.as_str() < run);
    let mut jobs = earlier.filter_map(|stored| stored.job.as_ref());
    jobs.find(|job| job.session_id.as_deref() == Some(session) && job.usage.is_some())?.usage.clone()
}

/// Takes off what was told before, and says whether it did. Totals that are smaller than before in anything
/// are no continuation of them: the session began to count anew.
fn subtract(rows: &mut [ModelUsage], earlier: &[ModelUsage]) -> bool {
    let counts = |row: &ModelUsage| [row.input_uncached, row.cache_read, row.cache_write, row.output];
    let continues = earlier.iter().all(|before| {
        rows.iter().find(|row| row.model == before.model).is_some_and(|row| {
            let has_grown = |(now, before): (Option<u64>, Option<u64>)| match (now, before) {
                (Some(now), Some(before)) => now >= before,
                (None, Some(_)) => false,
                (_, None) => true,
            };
            counts(row).into_iter().zip(counts(before)).all(has_grown)
                && before.cost_usd.is_none_or(|before| row.cost_usd.is_none_or(|now| now >= before))
        })
    });
    if !continues || earlier.is_empty() {
        return false;
    }
    for row in rows {
        let Some(before) = earlier.iter().find(|before| before.model == row.model) else { continue };
        let rest = |now: Option<u64>, before: Option<u64>| now.map(|now| now.saturating_sub(before.unwrap_or(0)));
        row.input_uncached = rest(row.input_uncached, before.input_uncached);
        row.cache_read = rest(row.cache_read, before.cache_read);
        row.cache_write = rest(row.cache_write, before.cache_write);
        row.output = rest(row.output, before.output);
        // A price that the earlier total lacked cannot be told apart: the price file may know it.
        row.cost_usd = row.cost_usd.zip(before.cost_usd).map(|(now, before)| (now - before).max(0.0));
    }
    true
}

fn told(agent: Option<&str>, rows: &[ModelUsage], is_rest: bool) -> Told {
    let sum = |of: fn(&ModelUsage) -> Option<u64>| {
        let known: Vec<u64> = rows.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.into_iter().fold(0, u64::saturating_add))
    };
    let total = rows.iter().map(|row| row.cost_usd).sum::<Option<f64>>();
    let name = |row: &ModelUsage| row.model.as_deref().map_or_else(|| "an unnamed model".to_owned(), shown);
    let unpriced: Vec<String> = rows.iter().filter(|row| row.cost_usd.is_none()).map(name).collect();
    let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    let tokens = format!(
        "{} input, {} cache read, {} cache write, {} output tokens",
        count(sum(|row| row.input_uncached)),
        count(sum(|row| row.cache_read)),
        count(sum(|row| row.cache_write)),
        count(sum(|row| row.output))
    );
    let money = total.map(|total| format!("${total:.4}"));
    let missing = (!unpriced.is_empty()).then(|| format!("no price for {}", unpriced.join(", ")));
    let rest = is_rest.then(|| "without what the session had used before".to_owned());
    let detail: Vec<String> = [Some(tokens), money, missing, rest].into_iter().flatten().collect();
    let output = json!({
        "agent": agent,
        "usage": rows,
        "cost_usd": total,
        "unpriced": unpriced,
        "session_continued": is_rest,
    });
    Told::detail(detail.join("; ")).with(output)
}

/// A model's name for people.
fn shown(model: &str) -> String {
    plain_text(model).chars().take(80).collect()
}
