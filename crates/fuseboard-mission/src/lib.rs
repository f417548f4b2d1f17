//! What the missions of agents need: formats of agents' output, git, the scanner, the built-in steps.

pub mod agents;
mod checker;
pub mod git;
mod judged;
mod pattern;
pub mod scan;
pub mod steps;
