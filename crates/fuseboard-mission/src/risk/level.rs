//! What a score means.

use fuseboard_pipeline::config::Word;

/// How risky a diff is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RiskLevel {
    /// A score below 6.
    Low,
    /// From 6.
    Medium,
    /// From 12.
    High,
    /// From 20.
    Critical,
}

impl Word for RiskLevel {
    const WORDS: &'static [(&'static str, Self)] =
        &[("low", Self::Low), ("medium", Self::Medium), ("high", Self::High), ("critical", Self::Critical)];
}

impl RiskLevel {
    /// The level of a score.
    pub fn of(score: u32) -> Self {
        match score {
            0..6 => Self::Low,
            6..12 => Self::Medium,
            12..20 => Self::High,
            20.. => Self::Critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_level_begins_where_the_table_says() {
        let levels = [0, 5, 6, 11, 12, 19, 20, u32::MAX].map(|score| RiskLevel::of(score).as_str());
        assert_eq!(levels, ["low", "low", "medium", "medium", "high", "high", "critical", "critical"]);
    }
}
