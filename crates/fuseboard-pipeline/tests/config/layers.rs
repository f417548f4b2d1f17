//! Several tables speak of one circuit: who decides.

use fuseboard::{FailureRate, Mode, TripRule};
use fuseboard_pipeline::config::{CircuitKeys, PolicyKeys, Scope};

use super::{gate, minutes, name, parsed};

const LAYERS: &str = r#"
    [circuit]
    trip_after = 4
    probes = 2
    jitter = 0.0
    [circuits.reflect]
    trip_after = 5
    probes = 3
    timeout = "1m"
    [circuits."app/reflect"]
    trip_after = 6
    observe = true
"#;

#[test]
fn each_key_is_looked_up_by_project_then_by_name_then_for_all_circuits() {
    let config = parsed(LAYERS);
    let of = |project, circuit| {
        let settings = config.circuit(project, &name(circuit));
        (settings.policy.trip_after(), settings.policy.probes().get(), settings.policy.mode(), settings.timeout)
    };
    assert_eq!(of(Some("app"), "reflect"), (Some(6), 3, Mode::Observe, Some(minutes(1))));
    assert_eq!(of(None, "app/reflect"), (Some(6), 3, Mode::Observe, Some(minutes(1))));
    assert_eq!(of(Some("other"), "reflect"), (Some(5), 3, Mode::Enforce, Some(minutes(1))));
    assert_eq!(of(None, "reflect"), (Some(5), 3, Mode::Enforce, Some(minutes(1))));
    assert_eq!(of(Some("app"), "other"), (Some(4), 2, Mode::Enforce, None));
    assert_eq!(
        of(Some("app"), "other/reflect"),
        (Some(5), 3, Mode::Enforce, Some(minutes(1))),
        "the name's own project"
    );
    assert!((config.circuit(None, &name("reflect")).policy.jitter() - 0.0).abs() < f64::EPSILON);
}

#[test]
fn a_gates_cool_down_grows_to_half_an_hour_unless_told_otherwise() {
    let any = name("any");
    assert_eq!(parsed("").gate_circuit(None, &any).policy.cool_down_max(), minutes(30));
    assert_eq!(parsed("").circuit(None, &any).policy.cool_down_max(), minutes(360));
    let longer = parsed("[circuit]\ncool_down_max = '2h'\n");
    assert_eq!(longer.gate_circuit(None, &any).policy.cool_down_max(), minutes(120));
    let config = parsed(&gate(""));
    assert_eq!(config.step_circuit("app", &config.steps[0]).policy.cool_down_max(), minutes(30));
}

#[test]
fn a_steps_own_keys_lie_over_those_of_its_circuit() {
    let text = format!(
        "[circuits.lint]\nscope = 'fleet'\ntimeout = '9m'\ntrip_after = 9\nprobes = 9\nblock_codes = [9]\n{}",
        gate("timeout = '3m'\npolicy = { trip_after = 8 }")
    );
    let config = parsed(&text);
    let circuit = config.step_circuit("app", &config.steps[0]);
    assert_eq!(circuit.timeout, Some(minutes(3)));
    assert_eq!((circuit.policy.trip_after(), circuit.policy.probes().get()), (Some(8), 9));
    assert_eq!(circuit.scope, Scope::Fleet);
    assert!(circuit.block_codes.contains(9) && !circuit.block_codes.contains(1));
}

#[test]
fn a_nearer_trip_rule_replaces_a_farther_one_whichever_it_is() {
    let rate = |of| format!("rate = {{ failures = 0.5, of = {of}, within = '10s' }}\n");
    let by_rate = |of| TripRule::Rate(FailureRate { of, ..FailureRate::default() });
    let text = format!(
        "[circuit]\n{}[circuits.x]\ntrip_after = 4\n[circuits.\"app/x\"]\n{}[circuits.y]\nprobes = 2\n",
        rate(7),
        rate(8)
    );
    let config = parsed(&text);
    let trip = |circuit| config.circuit(None, &name(circuit)).policy.trip();
    assert_eq!(["any", "x", "app/x", "y"].map(trip), [by_rate(7), TripRule::TripAfter(4), by_rate(8), by_rate(7)]);
    assert_eq!(config.agent_circuit("app").policy.trip_after(), Some(3), "the agent's own default is nearer");
    let line = |trip| PolicyKeys { trip: Some(trip), ..PolicyKeys::default() };
    let over = |trip, circuit| {
        let keys = CircuitKeys { policy: line(trip), ..CircuitKeys::default() };
        keys.over(config.circuit_keys(None, &name(circuit))).policy.trip
    };
    assert_eq!(over(TripRule::TripAfter(9), "app/x"), Some(TripRule::TripAfter(9)));
    assert_eq!(over(by_rate(9), "x"), Some(by_rate(9)));

    let text = format!("[circuits.lint]\ntrip_after = 4\n{}", gate(&format!("policy = {{ {} }}", rate(5).trim())));
    let config = parsed(&text);
    assert_eq!(config.step_circuit("app", &config.steps[0]).policy.trip(), by_rate(5));
    let text = format!("[circuits.lint]\n{}{}", rate(5), gate("policy = { trip_after = 4 }"));
    let config = parsed(&text);
    assert_eq!(config.step_circuit("app", &config.steps[0]).policy.trip(), TripRule::TripAfter(4));
    assert_eq!(parsed(&format!("[mission]\n{}", rate(6))).agent_circuit("app").policy.trip(), by_rate(6));
}

#[test]
fn an_agents_circuit_is_the_missions() {
    let config = parsed("[circuit]\ntrip_after = 9\nprobes = 2\n[mission]\ncool_down = '20m'\ntimeout = '1h'\n");
    let agent = config.agent_circuit("app");
    assert_eq!(agent, config.circuit(None, &name("app/agent")));
    assert_eq!((agent.policy.trip_after(), agent.policy.probes().get()), (Some(3), 2));
    assert_eq!((agent.policy.cool_down(), agent.timeout), (Some(minutes(20)), Some(minutes(60))));
    let hosts = config.circuit(Some("app"), &name("agent"));
    assert_eq!(hosts.policy.trip_after(), Some(9), "a circuit that happens to be called agent is not the fuse");
    let special = parsed("[mission]\ntrip_after = 4\n[circuits.\"app/agent\"]\ntrip_after = 5\n");
    assert_eq!(special.agent_circuit("app").policy.trip_after(), Some(5));
    assert_eq!(special.agent_circuit("other").policy.trip_after(), Some(4));
}

#[test]
fn an_agent_waits_no_longer_than_any_circuit_may() {
    let config = parsed("[circuit]\ncool_down_max = '10m'\n");
    assert_eq!(config.agent_circuit("app").policy.cool_down(), Some(minutes(10)));
}

#[test]
fn a_command_lines_keys_lie_over_those_of_the_file() {
    let config = parsed(LAYERS);
    let line = CircuitKeys { timeout: Some(minutes(7)), ..CircuitKeys::default() };
    let keys = line.over(config.circuit_keys(None, &name("reflect")));
    assert_eq!((keys.timeout, keys.policy.trip), (Some(minutes(7)), Some(TripRule::TripAfter(5))));
}
