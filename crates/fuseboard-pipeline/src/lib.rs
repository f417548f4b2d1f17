//! After the job: the pipeline's configuration, and what it stands on.
pub mod config;
mod digest;
pub mod duration;
pub mod exit_codes;
pub mod nearest;
mod private_folder;
pub mod project;
pub mod repository;
pub mod trust;

pub use private_folder::PrivateError;
