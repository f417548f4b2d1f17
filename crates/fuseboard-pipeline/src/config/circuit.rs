//! What can be configured of one circuit: as a layer of keys, and settled.

use std::time::Duration;

use fuseboard::{CircuitName, NameError, Policy, PolicyError};

use super::error::Help;
use super::policy::{GATE_COOL_DOWN_MAX, PolicyKeys};
use super::spanned::Spanned;
use super::table::TableReader;
use super::word::Word;
use crate::exit_codes::ExitCodes;

/// Over how much a circuit's state is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One circuit `NAME` for everything on this host.
    #[default]
    Host,
    /// One circuit `PROJECT/NAME` for each project on this host.
    Project,
    /// One circuit `NAME` for all hosts of the fleet.
    Fleet,
}

impl Word for Scope {
    const WORDS: &'static [(&'static str, Self)] =
        &[("host", Self::Host), ("project", Self::Project), ("fleet", Self::Fleet)];
}

impl Scope {
    /// The whole name of a circuit of this scope: `PROJECT/NAME` or `NAME`. A name that has a project already
    /// is taken as it is.
    ///
    /// # Errors
    /// [`NameError`] if the project is none that a name can have.
    pub fn name(self, project: &str, name: &CircuitName) -> Result<CircuitName, NameError> {
        match self {
            Self::Project if name.project().is_none() => CircuitName::new(&format!("{project}/{name}")),
            Self::Host | Self::Project | Self::Fleet => Ok(name.clone()),
        }
    }
}

/// What a circuit guards, as far as its defaults depend on that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Any work.
    #[default]
    Work,
    /// A gate, whose default `cool_down_max` is [`GATE_COOL_DOWN_MAX`].
    Gate,
}

/// What one table, or a command line, says about a circuit; `None` leaves it to the layer below.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CircuitKeys {
    /// When the circuit opens and closes.
    pub policy: PolicyKeys,
    /// Over how much its state is shared.
    pub scope: Option<Scope>,
    /// How long the work may take.
    pub timeout: Option<Duration>,
    /// How long a work that was asked to end may take to do so.
    pub kill_after: Option<Duration>,
    /// Exit codes that mean success.
    pub success_codes: Option<ExitCodes>,
    /// Exit codes that mean nothing.
    pub ignore_codes: Option<ExitCodes>,
    /// Exit codes by which a gate blocks.
    pub block_codes: Option<ExitCodes>,
    /// Whether a skip exits with 0.
    pub skip_ok: Option<bool>,
    /// Whether everything exits with 0.
    pub best_effort: Option<bool>,
}

impl CircuitKeys {
    /// This layer over a lower one: for each key the upper one that says something decides.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            policy: self.policy.over(lower.policy),
            scope: self.scope.or(lower.scope),
            timeout: self.timeout.or(lower.timeout),
            kill_after: self.kill_after.or(lower.kill_after),
            success_codes: self.success_codes.or(lower.success_codes),
            ignore_codes: self.ignore_codes.or(lower.ignore_codes),
            block_codes: self.block_codes.or(lower.block_codes),
            skip_ok: self.skip_ok.or(lower.skip_ok),
            best_effort: self.best_effort.or(lower.best_effort),
        }
    }

    /// Reads the lists of exit codes and checks that they do not contradict each other.
    pub(super) fn read_exit_codes(&mut self, table: &mut TableReader<'_>) {
        let success = table.exit_codes("success_codes");
        if let Some(codes) = &success
            && codes.is_empty()
        {
            table.refuse(codes, "`success_codes` is empty: nothing could succeed", None);
        }
        let ignore = table.exit_codes("ignore_codes");
        let block = read_block_codes(table);
        let lists = [("success_codes", &success), ("ignore_codes", &ignore), ("block_codes", &block)];
        for (n, (name, codes)) in lists.iter().enumerate() {
            for (earlier_name, earlier) in &lists[..n] {
                if let (Some(codes), Some(earlier)) = (codes, earlier)
                    && let Some(shared) = codes.first_shared(earlier)
                {
                    let message = format!("exit code {shared} is in `{name}` and in `{earlier_name}`");
                    table.refuse(codes, message, Help::advice("a code can mean one thing only"));
                }
            }
        }
        self.success_codes = success.map(Spanned::into_inner);
        self.ignore_codes = ignore.map(Spanned::into_inner);
        self.block_codes = block.map(Spanned::into_inner);
    }

    /// The settings of these keys over the defaults.
    ///
    /// # Errors
    /// [`PolicyError`] if the keys of the policy cannot work together. Those of one file always can: that was
    /// checked when it was parsed.
    pub fn settle(self, role: Role) -> Result<CircuitSettings, PolicyError> {
        let longest = match role {
            Role::Work => Policy::default().cool_down_max(),
            Role::Gate => GATE_COOL_DOWN_MAX,
        };
        let defaults = CircuitSettings::default();
        Ok(CircuitSettings {
            policy: self.policy.policy(longest)?,
            scope: self.scope.unwrap_or(defaults.scope),
            timeout: self.timeout,
            kill_after: self.kill_after.unwrap_or(defaults.kill_after),
            success_codes: self.success_codes.unwrap_or(defaults.success_codes),
            ignore_codes: self.ignore_codes.unwrap_or(defaults.ignore_codes),
            block_codes: self.block_codes.unwrap_or(defaults.block_codes),
            skip_ok: self.skip_ok.unwrap_or(defaults.skip_ok),
            best_effort: self.best_effort.unwrap_or(defaults.best_effort),
        })
    }
}

/// All that is configured of one circuit and of how the work behind it is run.
///
/// # Defaults
///
/// | setting | default |
/// |---|---|
/// | `policy` | [`Policy::default`]; for gates `cool_down_max` is 30 min |
/// | `scope` | host |
/// | `timeout` | none |
/// | `kill_after` | 5 s |
/// | `success_codes` | 0 |
/// | `ignore_codes` | none |
/// | `block_codes` | 1 |
/// | `skip_ok`, `best_effort` | false |
#[derive(Clone, Debug, PartialEq)]
pub struct CircuitSettings {
    /// When the circuit opens and closes.
    pub policy: Policy,
    /// Over how much its state is shared.
    pub scope: Scope,
    /// How long the work may take.
    pub timeout: Option<Duration>,
    /// How long a work that was asked to end may take to do so.
    pub kill_after: Duration,
    /// Exit codes that mean success.
    pub success_codes: ExitCodes,
    /// Exit codes that mean nothing.
    pub ignore_codes: ExitCodes,
    /// Exit codes by which a gate blocks.
    pub block_codes: ExitCodes,
    /// Whether a skip exits with 0.
    pub skip_ok: bool,
    /// Whether everything exits with 0.
    pub best_effort: bool,
}

impl Default for CircuitSettings {
    fn default() -> Self {
        Self {
            policy: Policy::default(),
            scope: Scope::Host,
            timeout: None,
            kill_after: Duration::from_secs(5),
            success_codes: [0].into_iter().collect(),
            ignore_codes: ExitCodes::NONE,
            block_codes: [1].into_iter().collect(),
            skip_ok: false,
            best_effort: false,
        }
    }
}

/// Reads the exit codes by which a gate blocks.
pub(super) fn read_block_codes(table: &mut TableReader<'_>) -> Option<Spanned<ExitCodes>> {
    let codes = table.exit_codes("block_codes")?;
    if codes.contains(0) {
        table.refuse(&codes, "`block_codes` contains 0, by which a gate passes", None);
    }
    Some(codes)
}

#[cfg(test)]
mod tests {
    use super::super::policy::Limit;
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_table() {
        let settings = CircuitKeys::default().settle(Role::Work).unwrap();
        assert_eq!(settings, CircuitSettings::default());
        assert_eq!(settings.policy, Policy::default());
        assert_eq!(settings.scope, Scope::Host);
        assert_eq!((settings.timeout, settings.kill_after), (None, Duration::from_secs(5)));
        let codes = [&settings.success_codes, &settings.ignore_codes, &settings.block_codes];
        assert_eq!(codes.map(ToString::to_string), ["0", "", "1"]);
        assert!(!settings.skip_ok && !settings.best_effort);
    }

    #[test]
    fn a_gates_cool_down_stays_shorter_unless_it_was_asked_to_be_long() {
        let gate = |keys: PolicyKeys| {
            let keys = CircuitKeys { policy: keys, ..CircuitKeys::default() };
            keys.settle(Role::Gate).unwrap().policy.cool_down_max()
        };
        let minutes = Duration::from_mins;
        assert_eq!(gate(PolicyKeys::default()), minutes(30));
        assert_eq!(gate(PolicyKeys { cool_down: Some(Limit::After(minutes(45))), ..Default::default() }), minutes(45));
        assert_eq!(gate(PolicyKeys { cool_down_max: Some(minutes(90)), ..Default::default() }), minutes(90));
    }

    #[test]
    fn a_project_circuit_has_its_project_in_its_name() {
        let name: CircuitName = "lint".parse().unwrap();
        let of = |scope: Scope| scope.name("app", &name).unwrap().to_string();
        assert_eq!([Scope::Host, Scope::Project, Scope::Fleet].map(of), ["lint", "app/lint", "lint"]);
        let whole: CircuitName = "other/lint".parse().unwrap();
        assert_eq!(Scope::Project.name("app", &whole), Ok(whole));
        assert!(Scope::Project.name("no project", &name).is_err());
    }
}
