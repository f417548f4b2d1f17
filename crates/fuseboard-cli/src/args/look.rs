//! The words of the commands that look.

use std::time::Duration;

use clap::{Args, ValueEnum};
use fuseboard_mission::arms::SetName;

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// Only these circuits
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only circuits that are not closed
    #[arg(long)]
    pub(crate) open_only: bool,
    /// Exit 1 if any of them is not closed
    #[arg(long)]
    pub(crate) fail_if_open: bool,
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// Only this circuit
    pub(crate) name: Option<String>,
    /// The outcomes of calls instead of the circuits' events
    #[arg(long)]
    pub(crate) outcomes: bool,
    /// At most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// All about this run: its id, or the beginning of it
    pub(crate) id: Option<String>,
    /// At most this many, the newest
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "id")]
    pub(crate) limit: usize,
}

#[derive(Debug, Args)]
pub(crate) struct BriefArgs {
    /// How far back to look
    #[arg(long, value_name = "DURATION", default_value = "8h", value_parser = super::duration)]
    pub(crate) since: Duration,
}

#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// What each line sums up
    #[arg(long, value_enum, default_value_t)]
    pub(crate) by: UsageBy,
    /// How many days, today included
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=400))]
    pub(crate) days: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum UsageBy {
    #[default]
    Model,
    Day,
    Project,
}

impl UsageBy {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Day => "day",
            Self::Project => "project",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct PickArgs {
    /// Only these; one that is not known yet counts as new [default: all that are known]
    #[arg(value_name = "ARM")]
    pub(crate) arms: Vec<String>,
    /// The set of arms: the `name` of the step, else its `arm`
    #[arg(long, value_name = "NAME", default_value = "project")]
    pub(crate) set: SetName,
    /// Draw by this seed: the same arms give the same again
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}
