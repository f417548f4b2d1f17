//! What the missions of agents need: formats of agents' output, git, the scanner, the built-in steps.

pub mod agents;
pub mod git;
mod judged;
pub mod risk;
pub mod sarif;
pub mod scan;
pub mod steps;
mod test_changes;
