//! `alert`: warns when the same trouble befell more than a share of the project's last missions. [`notify`](super::notify)
//! tells it.
//!
//! | option | meaning | default |
//! |---|---|---|
//! | `window` | how many of the last missions are looked at, 2 to 100 | 10 |
//! | `least` | how many there must be, 1 to `window` | 3 |
//! | `share` | above which share it warns, from 0 to less than 1 | 0.5 |
//! | `pause` | how long it is silent after a warning of the same trouble | 1h |
//! | `troubles` | the [`Trouble`]s that count | all |

mod told;

use fuseboard::clock::{Clock as _, SystemClock};
use fuseboard_pipeline::config::{ConfigErrors, Help, Spanned, StepOptions, TableReader, Word};
use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::report::{Reason, Status, StepRow};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Answer, Step, StepContext, StepError, Told};
use serde_json::{Map, Value, json};
use std::time::Duration;

use self::told::Memory;

/// How many of the newest runs are looked through for missions of the project.
const LOOKED_BACK: usize = 200;

/// What can befall a mission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The pipeline's deadline ended or prevented a step.
    Deadline,
    /// A step was skipped because its circuit is open, the agent is paused, or a file that it runs has changed.
    Skipped,
    /// The job failed, or a step did.
    Failed,
}

impl Word for Trouble {
    const WORDS: &'static [(&'static str, Self)] =
        &[("deadline", Self::Deadline), ("skipped", Self::Skipped), ("failed", Self::Failed)];
}

impl Trouble {
    /// What missions with it did, for people.
    fn said(self) -> &'static str {
        match self {
            Self::Deadline => "hit the deadline",
            Self::Skipped => "skipped a step",
            Self::Failed => "failed, or a step of theirs did",
        }
    }

    fn befell(self, job: &Job, rows: &[StepRow]) -> bool {
        let has = |is: fn(&StepRow) -> bool| rows.iter().any(is);
        match self {
            Self::Deadline => has(|row| row.reason == Some(Reason::Deadline)),
            Self::Skipped => has(|row| {
                let reasons = [Reason::CircuitOpen, Reason::Paused, Reason::Untrusted];
                row.status == Status::Skipped && row.reason.is_some_and(|reason| reasons.contains(&reason))
            }),
            Self::Failed => {
                let stopped = job.failure_kind == Some(JobFailure::Interrupted);
                let cut = |row: &StepRow| row.status == Status::TimedOut && row.reason == Some(Reason::Deadline);
                (!job.succeeded && !stopped)
                    || rows.iter().any(|row| matches!(row.status, Status::Failed | Status::TimedOut) && !cut(row))
            }
        }
    }
}

/// The step.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// How many of the last missions are looked at.
    pub window: u32,
    /// How many there must be.
    pub least: u32,
    /// Above which share it warns.
    pub share: f64,
    /// How long it is silent after a warning of the same trouble.
    pub pause: Duration,
    /// The troubles that count.
    pub troubles: Vec<Trouble>,
}

impl Default for Alert {
    fn default() -> Self {
        let troubles = Trouble::WORDS.iter().map(|(_, trouble)| *trouble).collect();
        Self { window: 10, least: 3, share: 0.5, pause: Duration::from_hours(1), troubles }
    }
}

impl Alert {
    /// The step with these options.
    ///
    /// # Errors
    /// [`ConfigErrors`] with everything that is wrong with them.
    pub fn of(options: &StepOptions) -> Result<Self, ConfigErrors> {
        options.read(Self::read)
    }

    fn read(options: &mut TableReader<'_>) -> Self {
        let usual = Self::default();
        let window = options.integer("window", 2, 100).map_or(usual.window, Spanned::into_inner);
        let least = options.integer("least", 1, 100);
        if let Some(least) = least.as_ref().filter(|least| ***least > window) {
            let help = Help::advice(format!("write {window} at most"));
            options.refuse(
                least,
                format!("`least` is more than `window`, which is {window}: it would never warn"),
                help,
            );
        }
        let share = options.number("share");
        if let Some(share) = share.as_ref().filter(|share| !(0.0..1.0).contains(&***share)) {
            let help = Help::advice("write 0.5 for a half");
            options.refuse(share, "`share` must be from 0 to less than 1", help);
        }
        let troubles = options.words::<Trouble>("troubles");
        if let Some(troubles) = troubles.as_ref().filter(|troubles| troubles.is_empty()) {
            options.refuse(troubles, "`troubles` is empty: it would never warn", Help::advice("leave it out"));
        }
        Self {
            window,
            least: least.map_or(usual.least.min(window), Spanned::into_inner),
            share: share.map_or(usual.share, Spanned::into_inner),
            pause: options.duration("pause").map_or(usual.pause, Spanned::into_inner),
            troubles: troubles.map_or(usual.troubles, |troubles| {
                troubles.into_inner().into_iter().map(Spanned::into_inner).collect()
            }),
        }
    }

    /// How many of the last missions there are, and how many of them each trouble befell. A run without a report tells
    /// nothing: it may be under way.
    fn counts(&self, context: &StepContext<'_>) -> Result<(u32, Vec<(Trouble, u32)>), StepError> {
        let project = &context.job.project.name;
        let runs = context.ledger.runs(LOOKED_BACK);
        let runs = runs.map_err(|error| StepError::new(format!("cannot tell how earlier missions went: {error}")))?;
        let earlier = runs
            .whole
            .iter()
            .rev()
            .filter(|stored| stored.head.id.as_str() < context.run && stored.head.project == *project);
        let earlier = earlier.filter_map(|stored| stored.report.as_ref()).map(|report| (&report.job, &*report.steps));
        let missions = std::iter::once((context.job, context.ended)).chain(earlier).take(self.window as usize);
        let mut counts: Vec<(Trouble, u32)> = self.troubles.iter().map(|trouble| (*trouble, 0)).collect();
        let mut all = 0;
        for (job, rows) in missions {
            all += 1;
            for (trouble, count) in &mut counts {
                *count += u32::from(trouble.befell(job, rows));
            }
        }
        Ok((all, counts))
    }
}

impl Step for Alert {
    fn run(&self, context: &StepContext<'_>) -> Result<Answer, StepError> {
        let (all, counts) = self.counts(context)?;
        let is_above = |count: u32| all >= self.least && f64::from(count) > self.share * f64::from(all);
        let above: Vec<(Trouble, u32)> = counts.iter().copied().filter(|(_, count)| is_above(*count)).collect();
        let now = Stamp::from(SystemClock.wall());
        let line = |(trouble, count): &(Trouble, u32)| format!("{count} of the last {all} missions {}", trouble.said());
        let lines = if above.is_empty() {
            Vec::new()
        } else {
            let said: Vec<(&str, String)> = above.iter().map(|one| (one.0.as_str(), line(one))).collect();
            Memory::of(context).due(&said, now, self.pause, context)?
        };
        let detail = match (above.is_empty(), lines.is_empty()) {
            (true, _) if all < self.least => format!("only {all} of {} missions to look at", self.least),
            (true, _) => format!("no trouble in more than {:.0} % of the last {all} missions", self.share * 100.0),
            (false, true) => format!("{}; told before", above.iter().map(line).collect::<Vec<_>>().join("; ")),
            (false, false) => lines.join("; "),
        };
        let alert = (!lines.is_empty()).then(|| {
            let subject = format!("{}: {}", context.job.project.name, lines.join("; "));
            json!({ "subject": subject, "text": "fuseboard runs shows what became of each.", "severity": "warning" })
        });
        let counts: Map<String, Value> =
            counts.iter().map(|(trouble, count)| (trouble.as_str().to_owned(), Value::from(*count))).collect();
        Ok(Answer::Done(Told::detail(detail).with(json!({ "missions": all, "troubles": counts, "alert": alert }))))
    }
}
