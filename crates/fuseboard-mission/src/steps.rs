//! The built-in steps, one file each.

pub mod diff_scan;
pub mod merge;
pub mod tests;
