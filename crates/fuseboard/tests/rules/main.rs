//! The fifteen rules of a circuit, each as a user would notice it. The number of a rule stands above its tests.

#[path = "../stage/mod.rs"]
mod stage;

mod callers;
mod counting;
mod probing;
mod rate;
mod telling;
