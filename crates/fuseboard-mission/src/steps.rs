//! The built-in steps, one file each.

pub mod merge;
