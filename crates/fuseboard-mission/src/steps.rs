//! The built-in steps, one file each.

pub mod notify;
pub mod session;
pub mod usage;
