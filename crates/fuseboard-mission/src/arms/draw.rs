//! The draw: for each arm a sample of what its share of successes may be; the highest wins. `rand` enters here alone.

use std::collections::BTreeMap;

use rand::rngs::{SysRng, Xoshiro256PlusPlus};
use rand::{SeedableRng as _, TryRng as _};
use rand_distr::{Beta, Distribution as _};

use super::Arm;

/// What came of a draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// The name of the arm that won.
    pub picked: String,
    /// All arms, by their names.
    pub arms: Vec<Drawn>,
}

/// An arm in a draw.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    /// Its name.
    pub name: String,
    /// What is known of it.
    pub arm: Arm,
    /// What was drawn for it, from Beta(alpha, beta).
    pub sample: f64,
}

/// There is no randomness to be had.
#[derive(Debug, thiserror::Error)]
#[error("the system gives no random number: {0}")]
pub struct SeedError(rand::rngs::SysError);

/// A seed that nobody chose, short enough to be typed again.
///
/// # Errors
/// [`SeedError`]
pub fn new_seed() -> Result<u64, SeedError> {
    SysRng.try_next_u32().map(u64::from).map_err(SeedError)
}

/// Draws once. The same arms and seed give the same everywhere. `None` if there are no arms.
pub fn draw(arms: &BTreeMap<String, Arm>, seed: u64) -> Option<Draw> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sample = |arm: &Arm| Beta::new(arm.alpha, arm.beta).map_or(0.0, |beta| beta.sample(&mut random));
    let arms: Vec<Drawn> =
        arms.iter().map(|(name, arm)| Drawn { name: name.clone(), arm: *arm, sample: sample(arm) }).collect();
    let picked = arms.iter().max_by(|a, b| a.sample.total_cmp(&b.sample))?.name.clone();
    Some(Draw { picked, arms })
}
