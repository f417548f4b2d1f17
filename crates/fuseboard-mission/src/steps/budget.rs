//! `budget`: tokens and money in the session window (5 h), the day and the week, against limits, of all projects together.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `session_tokens`, `day_tokens`, `week_tokens` | the most tokens of all kinds in the last 5 hours, the local day, the local week from Monday | none |
//! | `session_usd`, `day_usd`, `week_usd` | the most US dollars in the same | none |
//! | `warn_at` | the share of a limit from which on it is told: above 0, at most 1 | 0.8 |
//!
//! What earlier runs used is what `usage` wrote down. What this run used is the first of these that is known: what `usage`
//! wrote down for it, what a recorder that has ended told as its `usage`, what the job tells. Only the first two leave out
//! what a resumed session had used before: declare `after = ["usage"]`.
//!
//! A run that told nothing makes a sum "at least". The output has an `alert` when a limit comes nearer than the project's
//! newest earlier run knew: once when `warn_at` is reached, once when the limit is.

mod burn;
mod limits;
mod spent;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, StepOptions};
use fuseboard_pipeline::duration;
use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use fuseboard_pipeline::ledger::{LedgerError, Rows, StoredRun};
use fuseboard_pipeline::report::{Kind, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use self::burn::Burn;
use self::limits::{Left, Level, Limits, Standing, Window};
use self::spent::{Metric, Samples};

/// How many of the newest runs are looked through for those that were not measured, and for what was told before.
const LOOKED_BACK: usize = 500;

/// The step.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    limits: Limits,
}

impl Budget {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(|options| Self { limits: Limits::read(options) })
    }
}

impl Step for Budget {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let now = Stamp::from(SystemClock.wall());
        let unreadable = |error: LedgerError| StepError::new(format!("cannot tell what was used: {error}"));
        let since = Window::ALL.map(|window| window.since(now)).into_iter().min().unwrap_or(now);
        let rows = context.ledger.usage_since(since).map_err(unreadable)?;
        let Rows { whole: runs, damaged } = context.ledger.runs(LOOKED_BACK).map_err(unreadable)?;
        let is_written = rows.iter().any(|row| row.run == context.run);
        let own = if is_written { None } else { own_usage(context) };
        let ended = context.job.ended_at.unwrap_or(now);
        let own_rows = own.iter().flatten().map(|usage| (ended, context.run, usage));
        let stored = rows.iter().map(|row| (row.at, row.run.as_str(), &row.usage));
        let samples = Samples::of(stored.chain(own_rows), now);
        let mut unmeasured = unmeasured(&runs, context.run, |id| rows.iter().any(|row| row.run == id));
        // When those ended is not known either: they may be of any window.
        unmeasured.extend(damaged.iter().map(|_| now));
        if !is_written && own.is_none() && context.job.failure_kind != Some(JobFailure::Spawn) {
            unmeasured.push(ended);
        }
        let burn = Metric::ALL.map(|metric| Burn::of(&samples, metric, now));
        let mut windows = Map::new();
        let mut standings = Vec::new();
        for window in Window::ALL {
            let since = window.since(now);
            let missing = unmeasured.iter().filter(|at| **at >= since).count();
            let mut shown = json!({
                "since": since,
                "runs": samples.count(since),
                "unmeasured": missing,
            });
            for (metric, burn) in Metric::ALL.into_iter().zip(&burn) {
                let used = samples.used(metric, since, missing);
                let standing = self.limits.standing(window, metric, used, burn.per_hour, now);
                shown[metric.as_str()] = standing.json();
                standings.push(standing);
            }
            windows.insert(window.as_str().to_owned(), shown);
        }
        let before = told_before(&runs, context);
        let alert = alert(&standings, &windows, before);
        let warning = (samples.dropped > 0)
            .then(|| format!("{} prices that are no amounts of money were left out", samples.dropped));
        let burn_json = |metric: Metric, burn: &Burn| {
            json!({
                "per_hour": burn.per_hour.map(|rate| metric.json(rate)),
                "samples": burn.samples,
                "why": burn.why,
            })
        };
        let [tokens, usd] = &burn;
        let output = json!({
            "at": now,
            "windows": windows,
            "burn": {"tokens": burn_json(Metric::Tokens, tokens), "usd": burn_json(Metric::Usd, usd)},
            "dropped": samples.dropped,
            "warning": warning,
            "alert": alert,
        });
        Ok(Answer::Done(Told::detail(detail(&standings, unmeasured.len(), &burn, warning)).with(output)))
    }
}

/// What this run used, as a recorder that has ended told it, or the job.
fn own_usage(context: &StepContext<'_>) -> Option<Vec<ModelUsage>> {
    let told = |row: &StepRow| {
        let usage = row.output.as_ref()?.get("usage")?;
        Vec::<ModelUsage>::deserialize(usage).ok()
    };
    let mut recorders = context.ended.iter().filter(|row| row.kind == Kind::Recorder);
    recorders.find_map(told).or_else(|| context.job.usage.clone())
}

/// When runs ended of which nothing is known to have been used. Jobs that never started used nothing.
fn unmeasured(runs: &[StoredRun], own: &str, is_measured: impl Fn(&str) -> bool) -> Vec<Stamp> {
    let others = runs.iter().filter(|run| run.head.id != own && !is_measured(&run.head.id));
    let ended = others.filter_map(|run| {
        let job = run.job.as_ref()?;
        let is_due = job.failure_kind != Some(JobFailure::Spawn);
        is_due.then(|| job.ended_at.unwrap_or(run.head.started_at))
    });
    ended.collect()
}

/// The windows as the project's newest run before this one told them: another project may have other limits. Ids of runs
/// are sorted by time.
fn told_before<'a>(runs: &'a [StoredRun], context: &StepContext<'_>) -> Option<&'a Value> {
    let is_earlier =
        |stored: &&StoredRun| stored.head.id.as_str() < context.run && stored.head.project == context.job.project.name;
    let earlier = runs.iter().rev().filter(is_earlier);
    let mut rows = earlier.filter_map(|stored| stored.steps.iter().find(|row| row.name == context.name));
    rows.find_map(|row| row.output.as_ref()?.get("windows"))
}

/// What is news of the limits.
fn alert(standings: &[Standing], windows: &Map<String, Value>, before: Option<&Value>) -> Option<Value> {
    let level_before = |standing: &Standing| {
        let window = before?.get(standing.window.as_str())?;
        // Another day, another week: what was told of the last one is no matter.
        let is_same = standing.window == Window::Session
            || windows.get(standing.window.as_str()).is_some_and(|now| now["since"] == window["since"]);
        let word = window.get(standing.metric.as_str())?.get("level")?.as_str().filter(|_| is_same)?;
        Level::ALL.into_iter().find(|level| level.as_str() == word)
    };
    let is_news = |standing: &&Standing| {
        standing.level.is_some_and(|level| level > level_before(standing).unwrap_or(Level::Fine))
    };
    let news: Vec<&Standing> = standings.iter().filter(is_news).collect();
    let worst = news.iter().max_by_key(|standing| standing.level)?;
    let (severity, what) = match worst.level {
        Some(Level::Reached) => ("action", "the budget is used up"),
        _ => ("warning", "the budget is running out"),
    };
    let line = |standing: &Standing| format!("{}: {}", standing.window.as_str(), standing.shown());
    let text: Vec<String> = news.iter().map(|standing| line(standing)).collect();
    Some(json!({
        "subject": format!("{what}: {}", line(worst)),
        "text": text.join("\n"),
        "severity": severity,
    }))
}

/// `session $0.30; day 1200 tokens, $1.20 of $5.00 (24 %); …`
fn detail(standings: &[Standing], unmeasured: usize, burn: &[Burn; 2], warning: Option<String>) -> String {
    let mut parts: Vec<String> = Window::ALL
        .into_iter()
        .map(|window| {
            let of_window = standings.iter().filter(|standing| standing.window == window);
            let shown: Vec<String> = of_window.map(Standing::shown).collect();
            format!("{} {}", window.as_str(), shown.join(", "))
        })
        .collect();
    parts.extend((unmeasured > 0).then(|| format!("unmeasured runs: {unmeasured}")));
    let rates: Vec<String> = Metric::ALL
        .into_iter()
        .zip(burn)
        .filter_map(|(metric, burn)| Some(format!("{} an hour", metric.shown(burn.per_hour?))))
        .collect();
    parts.push(if rates.is_empty() { "rate unknown".to_owned() } else { rates.join(", ") });
    let times = standings.iter().filter_map(|standing| match standing.left {
        Some(Left::Time(time)) => Some((time, standing)),
        _ => None,
    });
    parts.extend(times.min_by_key(|(time, _)| *time).map(|(time, standing)| {
        let (window, metric) = (standing.window.as_str(), standing.metric.as_str());
        format!("{window}_{metric} reached in {}", duration::format(time))
    }));
    parts.extend(warning);
    parts.join("; ")
}
