//! The words of an operator's acts.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration;

#[derive(Debug, Args)]
pub(crate) struct SwitchArgs {
    /// The circuit
    pub(crate) name: String,
    /// Where to
    #[arg(value_enum)]
    pub(crate) position: SwitchTo,
    /// Why; needed for off and on
    #[arg(long, value_name = "TEXT", required_if_eq_any([("position", "off"), ("position", "on")]), allow_hyphen_values = true)]
    pub(crate) reason: Option<String>,
    /// For how long, at most 720h [default: 720h]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub(crate) time: Option<Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SwitchTo {
    /// Never runs
    Off,
    /// Always runs; never passes a gate
    On,
    /// The circuit decides
    Auto,
}

#[derive(Debug, Args)]
pub(crate) struct ResetArgs {
    /// The circuits
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    pub(crate) names: Vec<String>,
    /// Every circuit
    #[arg(long)]
    pub(crate) all: bool,
}
