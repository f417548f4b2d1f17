//! After the job: the pipeline of side-work, and what it needs to run a command properly.

mod attempt;
pub mod config;
pub mod day;
pub mod digest;
pub mod drill;
pub mod duration;
pub mod exit_codes;
pub mod hooks;
pub mod job;
mod judge;
pub mod ledger;
pub mod nearest;
pub mod pause;
mod perform;
mod pins;
pub mod pipeline;
mod private_folder;
pub mod process;
pub mod program;
pub mod project;
pub mod redact;
pub mod report;
pub mod repository;
pub mod runner;
pub mod stamp;
pub mod step;
pub mod sys;
pub mod tracker;
pub mod tree;
pub mod trust;
pub mod usage_sum;

pub use private_folder::{PrivateError, PrivateFolder, PrivateLock, make_private_folder};
