//! Every key arrives, and what a file leaves out has its default.

use std::time::Duration;

use fuseboard::Policy;
use fuseboard_pipeline::config::{
    AtStart, BUILT_INS, IfAbsent, OnUnmeasured, RunOn, Scope, StepKind, Untracked, Word, Work,
};

use super::{gate, minutes, name, parsed};

/// The sample of the documentation, with every example in force.
const SAMPLE: &str = r#"
[store]
url = "sqlite:/path/state.db"
fleet = "redis://host:6379/0?prefix=team"

[circuit]
trip_after = 2
cool_down = "5m"
cool_down_factor = 2.0
cool_down_max = "6h"
jitter = 0.1
probes = 1
lease = "10m"
observe = false

[circuits.reflect]
trip_after = 3
scope = "project"
timeout = "1m"
kill_after = "2s"
success_codes = [0, 3]
ignore_codes = [75]
block_codes = [1, 101]
skip_ok = true
best_effort = true

[mission]
trip_after = 3
cool_down = "15m"
max_cost_per_day = 20.0
on_unmeasured = "stop"
timeout = "2h"

[pipeline]
deadline = "30m"
jobs = 4
at_start = "keep"
untracked = "refuse"

[[step]]
name = "cost"
uses = "usage"
with = { prices = "prices.toml" }

[[step]]
name = "lint"
kind = "gate"
run = ["cargo", "clippy", "-q"]
block_codes = [1, 101]
timeout = "2m"
advisory = false

[[step]]
name = "tests"
uses = "tests"
if_absent = "pass"

[[step]]
name = "security"
uses = "security"

[[step]]
name = "merge"
uses = "merge"
gated_by = ["lint", "tests", "security"]

[[step]]
name = "tell"
kind = "recorder"
run = "echo done | mail me"
shell = true
after = ["merge"]
on = "failure"
required = true
enabled = false
last = true
policy = { trip_after = 5, cool_down = "never" }
"#;

#[test]
fn an_empty_file_is_all_defaults() {
    let config = parsed("");
    assert_eq!(config.circuit(None, &name("any")).policy, Policy::default());
    assert_eq!(config.pipeline.deadline, minutes(30));
    assert_eq!(config.pipeline.jobs, 4);
    assert_eq!(config.pipeline.at_start, AtStart::Keep);
    assert_eq!(config.pipeline.untracked, Untracked::Refuse);
    assert_eq!(config.mission.max_cost_per_day, None);
    assert_eq!(config.mission.on_unmeasured, OnUnmeasured::Go);
    assert_eq!(config.store.url, None);
    assert!(config.steps.is_empty());
}

#[test]
fn every_key_of_the_sample_arrives() {
    let config = parsed(SAMPLE);
    assert_eq!(config.store.url.as_deref(), Some("sqlite:/path/state.db"));
    assert_eq!(config.store.fleet.as_deref(), Some("redis://host:6379/0?prefix=team"));
    let reflect = config.circuit(None, &name("reflect"));
    assert_eq!(reflect.policy.trip_after(), Some(3));
    assert_eq!(reflect.scope, Scope::Project);
    assert_eq!((reflect.timeout, reflect.kill_after), (Some(minutes(1)), Duration::from_secs(2)));
    assert!(reflect.success_codes.contains(3) && reflect.ignore_codes.contains(75));
    assert!(reflect.block_codes.contains(101) && reflect.skip_ok && reflect.best_effort);
    assert_eq!(config.mission.max_cost_per_day, Some(20.0));
    assert_eq!(config.mission.on_unmeasured, OnUnmeasured::Stop);
    assert_eq!(config.mission.timeout, Some(minutes(120)));
    let names: Vec<_> = config.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["cost", "lint", "tests", "security", "merge", "tell"]);
    let lint = &config.steps[1];
    assert_eq!(lint.work, Work::Command(["cargo", "clippy", "-q"].map(str::to_owned).into()));
    assert_eq!(config.step_circuit("app", lint).timeout, Some(minutes(2)));
    assert_eq!(config.steps[2].if_absent, IfAbsent::Pass);
    let gates: Vec<_> = config.steps[4].waits.gated_by.iter().map(|gate| gate.as_str()).collect();
    assert_eq!(gates, ["lint", "tests", "security"]);
    let tell = &config.steps[5];
    assert_eq!(tell.work, Work::Shell("echo done | mail me".to_owned()));
    assert_eq!(tell.on, RunOn::Failure);
    assert!(tell.required && !tell.enabled && tell.waits.last.is_some());
    assert_eq!(config.step_circuit("app", tell).policy.cool_down(), None);
}

#[test]
fn the_values_of_the_sample_that_are_no_examples_are_the_defaults() {
    let circuit = parsed(
        "[circuit]\ntrip_after = 2\ncool_down = '5m'\ncool_down_factor = 2.0\ncool_down_max = '6h'\njitter = 0.1\n\
         probes = 1\nlease = '10m'\nobserve = false\nslow_after = 'off'\n",
    );
    assert_eq!(circuit.circuit(None, &name("any")), parsed("").circuit(None, &name("any")));
    let mission = parsed("[mission]\ntrip_after = 3\ncool_down = '15m'\non_unmeasured = 'go'\n");
    assert_eq!(mission.agent_circuit("app"), parsed("").agent_circuit("app"));
    let pipeline = parsed("[pipeline]\ndeadline = '30m'\njobs = 4\nat_start = 'keep'\nuntracked = 'refuse'\n");
    assert_eq!(pipeline.pipeline, parsed("").pipeline);
}

#[test]
fn a_step_does_by_default_what_its_kind_does() {
    let config = parsed(
        "[[step]]\nname = 'r'\nuses = 'usage'\n[[step]]\nname = 'g'\nuses = 'tests'\n[[step]]\nname = 'a'\nuses = 'hooks'\n",
    );
    let facts: Vec<_> = config
        .steps
        .iter()
        .map(|step| (step.kind, step.on, config.step_circuit("app", step).scope, step.required, step.enabled))
        .collect();
    assert_eq!(
        facts,
        [
            (StepKind::Recorder, RunOn::Always, Scope::Host, false, true),
            (StepKind::Gate, RunOn::Success, Scope::Project, false, true),
            (StepKind::Action, RunOn::Success, Scope::Project, false, true),
        ]
    );
    for step in &config.steps {
        let circuit = config.step_circuit("app", step);
        assert_eq!(circuit.timeout, Some(minutes(1)));
        assert!(circuit.block_codes.contains(1) && circuit.success_codes.contains(0));
    }
}

#[test]
fn each_built_in_step_can_be_declared_and_knows_its_kind() {
    for built_in in &BUILT_INS {
        let gated = if built_in.gated { "gated_by = ['lint']" } else { "" };
        let config = parsed(&format!("{}[[step]]\nname = 'x'\nuses = '{}'\n{gated}\n", gate(""), built_in.name));
        assert_eq!(config.steps[1].kind, built_in.kind);
        assert_eq!(config.steps[1].waits.gated, built_in.name == "merge");
    }
    let mut last: Vec<_> = BUILT_INS.iter().filter_map(|b| Some((b.last?, b.name))).collect();
    last.sort_unstable();
    assert!(last.iter().map(|(_, name)| *name).eq(["session", "export", "alert", "comment", "notify"]));
    let kinds = |kind| BUILT_INS.iter().filter(|b| b.kind == kind).count();
    assert_eq!([StepKind::Recorder, StepKind::Gate, StepKind::Action].map(kinds), [9, 5, 6]);
}

#[test]
fn every_word_is_read_as_what_it_is_written_as() {
    fn round_trip<T: Word + std::fmt::Debug>() {
        for (word, value) in T::WORDS {
            assert_eq!(T::of_word(word), Some(*value));
            assert_eq!(value.as_str(), *word);
        }
    }
    round_trip::<Scope>();
    round_trip::<StepKind>();
    round_trip::<RunOn>();
    round_trip::<IfAbsent>();
    round_trip::<AtStart>();
    round_trip::<Untracked>();
    round_trip::<OnUnmeasured>();
}

#[test]
fn a_declaration_is_another_one_when_it_says_something_else_and_not_when_it_moves() {
    let digest = |text: &str| parsed(text).steps.last().unwrap().digest();
    let original = "[[step]]\nname = 'x'\nuses = 'usage'\nwith = { prices = 'a' }\n";
    assert_eq!(digest(original), digest(&format!("# moved\n\n{}{original}", gate(""))));
    assert_ne!(digest(original), digest(&original.replace("'a'", "'b'")));
    assert_ne!(digest(original), digest(&format!("{original}timeout = '5m'\n")));
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_do_no_harm() {
    let config = parsed("\u{feff}[circuit]\r\ntrip_after = 7\r\n");
    assert_eq!(config.circuit(None, &name("x")).policy.trip_after(), Some(7));
}
