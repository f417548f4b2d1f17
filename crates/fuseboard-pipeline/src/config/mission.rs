//! `[mission]`: the agent's own fuse.

use std::time::Duration;

use fuseboard::TripRule;

use super::circuit::CircuitKeys;
use super::error::Help;
use super::policy::{Limit, PolicyKeys, WrittenPolicy};
use super::spanned::Spanned;
use super::table::TableReader;
use super::word::Word;

/// `[mission]`. It takes the policy's keys too.
///
/// # Defaults
///
/// | setting | default |
/// |---|---|
/// | `trip_after` | 3; a `rate` of `[circuit]` is for busy work, and does not reach the agent |
/// | `cool_down` | 15 min |
/// | other keys of the policy | those of `[circuit]` |
/// | `max_cost_per_day` | none; USD, for the local day |
/// | `on_unmeasured` | go |
/// | `timeout` | none |
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MissionSection {
    /// The most that a day's missions may cost, in USD.
    pub max_cost_per_day: Option<f64>,
    /// What to do while that cost is not known.
    pub on_unmeasured: OnUnmeasured,
    /// How long the agent may take.
    pub timeout: Option<Duration>,
    policy: PolicyKeys,
}

/// What a mission does when money is limited but the cost so far is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnUnmeasured {
    /// It starts.
    #[default]
    Go,
    /// It does not start.
    Stop,
}

impl Word for OnUnmeasured {
    const WORDS: &'static [(&'static str, Self)] = &[("go", Self::Go), ("stop", Self::Stop)];
}

/// The part after the project in the name of an agent's circuit.
pub const AGENT_CIRCUIT: &str = "agent";

impl MissionSection {
    pub(super) fn read(mut table: TableReader<'_>, circuit: PolicyKeys) -> Self {
        let policy = WrittenPolicy::read(&mut table);
        policy.check_over(default_policy(circuit), table.sink());
        let max_cost_per_day = table.number("max_cost_per_day");
        if let Some(cost) = &max_cost_per_day
            && **cost <= 0.0
        {
            table.refuse(cost, "`max_cost_per_day` must be above 0", Help::advice("leave it out for no limit"));
        }
        let section = Self {
            max_cost_per_day: max_cost_per_day.map(Spanned::into_inner),
            on_unmeasured: table.word("on_unmeasured").map(Spanned::into_inner).unwrap_or_default(),
            timeout: table.limit("timeout").map(Spanned::into_inner),
            policy: policy.keys,
        };
        table.finish();
        section
    }

    /// The policy's keys of this section, its defaults and `[circuit]`, in this order.
    pub(super) fn policy_over(&self, circuit: PolicyKeys) -> PolicyKeys {
        self.policy.over(default_policy(circuit))
    }

    /// All keys of an agent's circuit.
    pub(super) fn keys_over(&self, circuit: PolicyKeys) -> CircuitKeys {
        CircuitKeys { policy: self.policy_over(circuit), timeout: self.timeout, ..CircuitKeys::default() }
    }
}

/// What an agent's circuit does unless `[mission]` says otherwise: its failures are dear, so it waits longer,
/// but never longer than `[circuit]` lets any circuit wait.
fn default_policy(circuit: PolicyKeys) -> PolicyKeys {
    let cool_down = Duration::from_mins(15).min(circuit.cool_down_max.unwrap_or(Duration::MAX));
    let own = PolicyKeys {
        trip: Some(TripRule::TripAfter(3)),
        cool_down: Some(Limit::After(cool_down)),
        ..PolicyKeys::default()
    };
    own.over(circuit)
}
