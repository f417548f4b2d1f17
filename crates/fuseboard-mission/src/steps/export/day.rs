//! `format = "day"`: the day's figures (`fuseboard.day/1`), made anew from the ledger after each mission.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard_pipeline::PrivateFolder;
use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::digest::sha256_hex;
use fuseboard_pipeline::job::{JobFailure, ModelUsage};
use fuseboard_pipeline::ledger::{Rows, StoredRun};
use fuseboard_pipeline::report::{Reason, Status};
use fuseboard_pipeline::step::{StepContext, StepError};
use fuseboard_pipeline::sys;
use serde::Serialize;

use super::mission::{Mission, usage_since};
use crate::appended::sync_folder;
use crate::place;

/// The folder in the state folder, unless another one is named.
pub(super) const DEFAULT_FOLDER: &str = "days";

/// How many runs are read first; twice as many each time that these do not reach back to the day.
const FIRST_READ: usize = 200;

/// Most runs that are read.
const MOST_READ: usize = 51_200;

/// A mission that ended on a day began at most so long before it.
const LONGEST_MISSION: Duration = Duration::from_hours(48);

/// What is counted as missing.
const UNMEASURED: &str = "unmeasured";

type Counts = BTreeMap<String, u64>;

#[derive(Debug, Default, Serialize)]
struct Figures {
    schema: &'static str,
    day: String,
    missions: u64,
    /// Runs that were killed before their job had ended.
    lost: u64,
    /// Runs that cannot be read, of whatever day.
    unreadable: u64,
    by_outcome: Counts,
    by_kind: Counts,
    by_project: Counts,
    durations_ms: Durations,
    usage: Used,
    timeouts: Timeouts,
    skips: Counts,
}

#[derive(Debug, Default, Serialize)]
struct Durations {
    total: Option<u64>,
    mean: Option<u64>,
    shortest: Option<u64>,
    longest: Option<u64>,
    unmeasured: u64,
}

#[derive(Debug, Default, Serialize)]
struct Used {
    total: Sum,
    by_project: BTreeMap<String, Sum>,
    by_model: BTreeMap<String, Sum>,
}

/// What is known of the sum; null if nothing is.
#[derive(Debug, Default, Serialize)]
struct Sum {
    input_uncached: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    output: Option<u64>,
    cost_usd: Option<f64>,
    /// Missions without a price for one of their models.
    unpriced: u64,
    /// Missions of which nothing is known.
    unmeasured: u64,
}

#[derive(Debug, Default, Serialize)]
struct Timeouts {
    missions: u64,
    steps: u64,
    deadline: u64,
}

/// Writes the figures of the day on which this job ended, in place of what was there, and returns the file.
pub(super) fn write(folder: &Path, context: &StepContext<'_>) -> Result<PathBuf, StepError> {
    let day = Day::of(place::ended_at(context));
    let file = folder.join(format!("{day}.json"));
    // Who reads last writes last.
    let name = sha256_hex(file.as_os_str().as_bytes());
    let turns = PrivateFolder::new(context.state_folder.join("turns"));
    let _turn = turns.lock(&name, context.deadline).map_err(|error| StepError::new(error.to_string()))?;
    let figures = figures(day, context)?;
    let mut text = serde_json::to_vec_pretty(&figures).map_err(|error| StepError::new(error.to_string()))?;
    text.push(b'\n');
    sys::write_through_no_link(&file, &text)
        .and_then(|()| sync_folder(&file))
        .map_err(|error| StepError::new(format!("{} cannot be written: {error}", file.display())))?;
    Ok(file)
}

fn figures(day: Day, context: &StepContext<'_>) -> Result<Figures, StepError> {
    let Rows { whole: runs, damaged } = runs_back_to(day, context)?;
    let usage = usage_since(context, day.starts_at())?;
    let others = runs.iter().filter(|stored| stored.head.id != context.run);
    let missions = others.clone().filter_map(|stored| Mission::of_stored(stored, &usage, context.redactor));
    let missions = missions.chain([Mission::of_this(context, &usage)]);
    let mut figures = Figures { schema: "fuseboard.day/1", day: day.to_string(), ..Figures::default() };
    for mission in missions.filter(|mission| Day::of(mission.ended_at) == day) {
        figures.add(&mission);
    }
    let is_lost =
        |stored: &&StoredRun| stored.was_interrupted && stored.job.is_none() && Day::of(stored.head.started_at) == day;
    figures.lost = others.filter(is_lost).count() as u64;
    figures.unreadable = damaged.len() as u64;
    let durations = &mut figures.durations_ms;
    durations.mean = durations.total.and_then(|total| total.checked_div(figures.missions - durations.unmeasured));
    Ok(figures)
}

/// The newest runs, back to some that began so long before the day that none earlier can have ended on it.
fn runs_back_to(day: Day, context: &StepContext<'_>) -> Result<Rows<StoredRun>, StepError> {
    let mut limit = FIRST_READ;
    loop {
        let runs = context.ledger.runs(limit);
        let runs = runs.map_err(|error| StepError::new(format!("cannot tell what ran on {day}: {error}")))?;
        let enough = day.starts_at().before(LONGEST_MISSION);
        let read = runs.whole.len() + runs.damaged.len();
        if read < limit || runs.whole.first().is_none_or(|first| first.head.started_at < enough) {
            return Ok(runs);
        }
        if limit >= MOST_READ {
            return Err(StepError::new(format!("cannot tell what ran on {day}: more than {limit} runs since")));
        }
        limit *= 2;
    }
}

impl Figures {
    fn add(&mut self, mission: &Mission) {
        let count = |counts: &mut Counts, key: Option<&str>| {
            *counts.entry(key.unwrap_or(UNMEASURED).to_owned()).or_default() += 1;
        };
        self.missions += 1;
        count(&mut self.by_outcome, mission.outcome.as_deref());
        count(&mut self.by_kind, mission.kind.as_deref());
        count(&mut self.by_project, Some(&mission.project));
        self.durations_ms.add(mission.duration_ms);
        self.usage.add(mission);
        self.timeouts.missions += u64::from(mission.failure_kind == Some(JobFailure::Timeout.as_str()));
        let mut deadline = false;
        for step in &mission.steps {
            deadline |= step.reason == Some(Reason::Deadline);
            self.timeouts.steps += u64::from(step.status == Status::TimedOut && step.reason.is_none());
            let choice = matches!(step.reason, Some(Reason::Disabled | Reason::NotSelected));
            if step.status == Status::Skipped && !choice {
                count(&mut self.skips, step.reason.map(Reason::as_str));
            }
        }
        self.timeouts.deadline += u64::from(deadline);
    }
}

impl Durations {
    fn add(&mut self, duration: Option<u64>) {
        let Some(duration) = duration else {
            self.unmeasured += 1;
            return;
        };
        self.total = Some(self.total.unwrap_or(0).saturating_add(duration));
        self.shortest = Some(self.shortest.map_or(duration, |shortest| shortest.min(duration)));
        self.longest = Some(self.longest.map_or(duration, |longest| longest.max(duration)));
    }
}

impl Used {
    fn add(&mut self, mission: &Mission) {
        let of_project = self.by_project.entry(mission.project.clone()).or_default();
        let rows = mission.usage.as_deref().unwrap_or_default();
        for sum in [&mut self.total, of_project] {
            sum.unmeasured += u64::from(rows.is_empty());
            sum.unpriced += u64::from(rows.iter().any(|row| row.cost_usd.is_none()));
            for row in rows {
                sum.add(row);
            }
        }
        for row in rows {
            let name = row.model.as_deref().unwrap_or("unnamed");
            let sum = self.by_model.entry(name.to_owned()).or_default();
            sum.unpriced += u64::from(row.cost_usd.is_none());
            sum.add(row);
        }
    }
}

impl Sum {
    fn add(&mut self, row: &ModelUsage) {
        let add = |sum: &mut Option<u64>, more: Option<u64>| {
            *sum = more.map_or(*sum, |more| Some(sum.unwrap_or(0).saturating_add(more)));
        };
        add(&mut self.input_uncached, row.input_uncached);
        add(&mut self.cache_read, row.cache_read);
        add(&mut self.cache_write, row.cache_write);
        add(&mut self.output, row.output);
        self.cost_usd = row.cost_usd.map_or(self.cost_usd, |more| Some(self.cost_usd.unwrap_or(0.0) + more));
    }
}
