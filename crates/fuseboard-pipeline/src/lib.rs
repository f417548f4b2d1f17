//! After the job: the pipeline of side-work, and what it needs to run a command properly.

pub mod config;
mod digest;
pub mod duration;
pub mod exit_codes;
pub mod job;
pub mod ledger;
pub mod nearest;
mod private_folder;
pub mod process;
pub mod program;
pub mod project;
pub mod redact;
pub mod report;
pub mod repository;
pub mod stamp;
pub mod step;
pub mod sys;
pub mod tree;
pub mod trust;

pub use private_folder::PrivateError;
