//! What the missions of agents need: formats of agents' output, git, GitHub, the web, the scanner, the built-in steps.

pub mod agents;
pub mod appended;
pub mod arms;
mod checker;
pub mod git;
pub mod github;
pub mod journal;
mod judged;
pub mod outcome;
mod pattern;
pub mod place;
pub mod risk;
pub mod sarif;
pub mod scan;
pub mod steps;
mod test_changes;
pub mod web;
