//! What the missions of agents need: formats of agents' output, git, GitHub, the scanner, the built-in steps.

pub mod agents;
pub mod git;
pub mod github;
mod judged;
pub mod scan;
pub mod steps;
