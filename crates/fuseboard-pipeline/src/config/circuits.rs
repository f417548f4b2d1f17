//! `[circuit]` and `[circuits.NAME]`: what a file says about circuits, in layers.

use std::collections::BTreeMap;

use fuseboard::CircuitName;

use super::circuit::CircuitKeys;
use super::error::{Help, Sink};
use super::mission::AGENT_CIRCUIT;
use super::policy::{PolicyKeys, WrittenPolicy};
use super::spanned::Spanned;
use super::table::TableReader;

/// The tables `[circuit]` and `[circuits.NAME]` of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Circuits {
    default: PolicyKeys,
    /// By whole name: `NAME` or `PROJECT/NAME`.
    named: BTreeMap<String, NamedCircuit>,
}

/// One `[circuits.NAME]`.
#[derive(Clone, Debug, Default)]
struct NamedCircuit {
    keys: CircuitKeys,
    policy: WrittenPolicy,
}

impl Circuits {
    pub(super) fn read(root: &mut TableReader<'_>) -> Self {
        let mut circuits = Self::default();
        if let Some(mut table) = root.table("circuit") {
            let policy = WrittenPolicy::read(&mut table);
            policy.check_over(PolicyKeys::default(), table.sink());
            circuits.default = policy.keys;
            refuse_keys_of_one_circuit(&mut table);
            table.finish();
        }
        if let Some(mut tables) = root.table("circuits") {
            for (name, table) in tables.named_tables() {
                circuits.read_named(name, table);
            }
        }
        circuits
    }

    fn read_named(&mut self, name: Spanned<String>, mut table: TableReader<'_>) {
        let circuit = NamedCircuit::read(&mut table);
        for unknown in table.take_unknown_tables() {
            // `[circuits.hook.stop]` is TOML for a table `stop` inside `hook`; names with dots are common.
            let whole = format!("{}.{}", *name, *unknown);
            let help = CircuitName::new(&whole).ok().and_then(|_| Help::advice(format!("write [circuits.{whole:?}]")));
            table.refuse(&unknown, "a name with dots must stand in quotes", help);
        }
        match CircuitName::new(&name) {
            Ok(_) => {
                self.named.insert(name.into_inner(), circuit);
            }
            Err(error) => table.refuse(&name, error.to_string(), None),
        }
        table.finish();
    }

    /// `[circuit]`.
    pub(super) fn default_policy(&self) -> PolicyKeys {
        self.default
    }

    /// The layers of a circuit: `[circuits."PROJECT/NAME"]` over `[circuits.NAME]` over `[circuit]`.
    pub(super) fn stack(&self, project: Option<&str>, short: &str) -> CircuitKeys {
        self.named(project, short).over(CircuitKeys { policy: self.default, ..CircuitKeys::default() })
    }

    /// The same without `[circuit]`.
    pub(super) fn named(&self, project: Option<&str>, short: &str) -> CircuitKeys {
        let keys = |name: &str| self.named.get(name).map(|circuit| circuit.keys.clone()).unwrap_or_default();
        let whole = project.map(|project| keys(&format!("{project}/{short}"))).unwrap_or_default();
        whole.over(keys(short))
    }

    /// Checks each named table over what may lie below it. `agent` is that for the circuits of agents.
    pub(super) fn check(&self, agent: PolicyKeys, sink: &Sink) {
        for (name, circuit) in &self.named {
            let (below, short) = match name.split_once('/') {
                Some((_, short)) => (self.named(None, short).policy, short),
                None => (PolicyKeys::default(), name.as_str()),
            };
            if circuit.policy.check_over(below.over(self.default), sink) && short == AGENT_CIRCUIT {
                circuit.policy.check_over(below.over(agent), sink);
            }
        }
    }

    /// Checks a step's layer over all the tables that its circuit may have: which project it will belong to is
    /// not known yet.
    pub(super) fn check_step(&self, name: &CircuitName, step: &WrittenPolicy, sink: &Sink) {
        let whole = self.named.keys().filter_map(|named| named.split_once('/'));
        let projects = whole.filter(|(_, short)| *short == name.short()).map(|(project, _)| Some(project));
        for project in std::iter::once(None).chain(projects) {
            if !step.check_over(self.stack(project, name.short()).policy, sink) {
                return;
            }
        }
    }
}

impl NamedCircuit {
    fn read(table: &mut TableReader<'_>) -> Self {
        let policy = WrittenPolicy::read(table);
        let mut keys = CircuitKeys {
            policy: policy.keys,
            scope: table.word("scope").map(Spanned::into_inner),
            timeout: table.limit("timeout").map(Spanned::into_inner),
            kill_after: table.duration("kill_after").map(Spanned::into_inner),
            skip_ok: table.flag("skip_ok").map(Spanned::into_inner),
            best_effort: table.flag("best_effort").map(Spanned::into_inner),
            ..CircuitKeys::default()
        };
        keys.read_exit_codes(table);
        Self { keys, policy }
    }
}

/// The keys that make sense for one circuit only, in the table that is about all of them.
fn refuse_keys_of_one_circuit(table: &mut TableReader<'_>) {
    const KEYS: [&str; 8] =
        ["scope", "timeout", "kill_after", "success_codes", "ignore_codes", "block_codes", "skip_ok", "best_effort"];
    for key in KEYS {
        table.forbid(key, "it is about one circuit", Help::advice("write it in [circuits.NAME]"));
    }
}
