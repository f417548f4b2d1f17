//! What the missions of agents need: formats of agents' output, git, the scanner, the built-in steps.

pub mod agents;
pub mod git;
mod judged;
pub mod scan;
pub mod steps;
