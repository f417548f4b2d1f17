//! After the job: the pipeline's configuration, and what it stands on.
pub mod config;
mod digest;
pub mod duration;
pub mod exit_codes;
pub mod nearest;
