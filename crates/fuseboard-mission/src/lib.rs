//! What the missions of agents need: formats of agents' output, git, the built-in steps.

pub mod agents;
pub mod git;
pub mod steps;
