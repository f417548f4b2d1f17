//! What `fuseboard.toml` can say, and what is said about a file that is wrong.

use std::path::Path;
use std::time::Duration;

use fuseboard::{CircuitName, Mode, Policy};
use fuseboard_pipeline::config::{
    AtStart, BUILT_INS, Config, ConfigErrors, Help, IfAbsent, MAX_FILE, OnUnmeasured, RunOn, Scope, Spanned, StepKind,
    Untracked, Word, Work,
};

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

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("fuseboard.toml"), text.as_bytes())
}

fn parsed(text: &str) -> Config {
    parse(text).unwrap_or_else(|errors| panic!("refused:\n{errors}"))
}

/// Every complaint about a text, one a line, without the file's name.
fn complaints(text: &str) -> Vec<String> {
    let errors = match parse(text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(errors) => errors,
    };
    errors.to_string().lines().map(|line| line.trim_start_matches("fuseboard.toml:").to_owned()).collect()
}

/// The only complaint about a text.
#[track_caller]
fn complaint(text: &str) -> String {
    let mut all = complaints(text);
    assert_eq!(all.len(), 1, "{all:#?}");
    all.remove(0)
}

/// A step that is in order, with further keys.
fn gate(keys: &str) -> String {
    format!("[[step]]\nname = \"lint\"\nkind = \"gate\"\nrun = [\"true\"]\n{keys}\n")
}

fn name(text: &str) -> CircuitName {
    text.parse().unwrap()
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

mod what_a_file_says {
    use super::*;

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
        assert_eq!(reflect.policy.trip_after().get(), 3);
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
            assert_eq!(circuit.timeout, Some(Duration::from_secs(60)));
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
        assert_eq!(config.circuit(None, &name("x")).policy.trip_after().get(), 7);
    }
}

mod layers {
    use super::*;

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
            (
                settings.policy.trip_after().get(),
                settings.policy.probes().get(),
                settings.policy.mode(),
                settings.timeout,
            )
        };
        assert_eq!(of(Some("app"), "reflect"), (6, 3, Mode::Observe, Some(minutes(1))));
        assert_eq!(of(None, "app/reflect"), (6, 3, Mode::Observe, Some(minutes(1))));
        assert_eq!(of(Some("other"), "reflect"), (5, 3, Mode::Enforce, Some(minutes(1))));
        assert_eq!(of(None, "reflect"), (5, 3, Mode::Enforce, Some(minutes(1))));
        assert_eq!(of(Some("app"), "other"), (4, 2, Mode::Enforce, None));
        assert_eq!(of(Some("app"), "other/reflect"), (5, 3, Mode::Enforce, Some(minutes(1))), "the name's own project");
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
        assert_eq!((circuit.policy.trip_after().get(), circuit.policy.probes().get()), (8, 9));
        assert_eq!(circuit.scope, Scope::Fleet);
        assert!(circuit.block_codes.contains(9) && !circuit.block_codes.contains(1));
    }

    #[test]
    fn an_agents_circuit_is_the_missions() {
        let config = parsed("[circuit]\ntrip_after = 9\nprobes = 2\n[mission]\ncool_down = '20m'\ntimeout = '1h'\n");
        let agent = config.agent_circuit("app");
        assert_eq!(agent, config.circuit(None, &name("app/agent")));
        assert_eq!((agent.policy.trip_after().get(), agent.policy.probes().get()), (3, 2));
        assert_eq!((agent.policy.cool_down(), agent.timeout), (Some(minutes(20)), Some(minutes(60))));
        let hosts = config.circuit(Some("app"), &name("agent"));
        assert_eq!(hosts.policy.trip_after().get(), 9, "a circuit that happens to be called agent is not the fuse");
        let special = parsed("[mission]\ntrip_after = 4\n[circuits.\"app/agent\"]\ntrip_after = 5\n");
        assert_eq!(special.agent_circuit("app").policy.trip_after().get(), 5);
        assert_eq!(special.agent_circuit("other").policy.trip_after().get(), 4);
    }

    #[test]
    fn an_agent_waits_no_longer_than_any_circuit_may() {
        let config = parsed("[circuit]\ncool_down_max = '10m'\n");
        assert_eq!(config.agent_circuit("app").policy.cool_down(), Some(minutes(10)));
    }

    #[test]
    fn a_command_lines_keys_lie_over_those_of_the_file() {
        let config = parsed(LAYERS);
        let mut flags = config.circuit_keys(None, &name("reflect"));
        assert_eq!(flags.policy.trip_after, Some(5));
        flags.policy.trip_after = None;
        let line = fuseboard_pipeline::config::CircuitKeys {
            timeout: Some(minutes(7)),
            ..fuseboard_pipeline::config::CircuitKeys::default()
        };
        let keys = line.over(config.circuit_keys(None, &name("reflect")));
        assert_eq!((keys.timeout, keys.policy.trip_after), (Some(minutes(7)), Some(5)));
    }
}

mod what_is_wrong {
    use super::*;

    #[test]
    fn an_error_is_data_with_its_exact_place() {
        let errors = parse("[circuit]\ncool_down = \"5m\"\n  trip_afer = 2\n").unwrap_err();
        let [error] = errors.errors() else { panic!("{errors}") };
        assert_eq!(error.file, Path::new("fuseboard.toml"));
        assert_eq!((error.line, error.column), (3, 3));
        assert_eq!(&errors.text()[error.span.clone()], "trip_afer");
        assert_eq!(error.text, "trip_afer");
        assert_eq!(error.message, "unknown key `trip_afer` in [circuit]");
        assert_eq!(error.help, Some(Help::DidYouMean("trip_after".to_owned())));
        assert_eq!(
            error.to_string(),
            "fuseboard.toml:3:3: unknown key `trip_afer` in [circuit] (did you mean `trip_after`?)"
        );
    }

    #[test]
    fn all_errors_come_at_once_in_the_order_of_the_file() {
        let text = "[store]\nulr = 'x'\n[circuit]\ntrip_after = 0\njitter = 2\n[pipelin]\n[[step]]\nname = 'a b'\nuses = 'usge'\n";
        let all = complaints(text);
        let places: Vec<_> = all.iter().map(|line| line.split(": ").next().unwrap()).collect();
        assert_eq!(places, ["2:1", "4:14", "5:10", "6:2", "8:8", "9:8"], "{all:#?}");
    }

    #[test]
    fn broken_toml_has_line_and_column_and_hides_no_second_mistake() {
        let all = complaints("[circuit\ntrip_after = 2\n[store]\nurl = \n");
        assert!(all[0].starts_with("1:9: not valid TOML: unclosed table"), "{all:#?}");
        assert!(all[1].starts_with("4:7: not valid TOML:"), "{all:#?}");
        assert_eq!(complaint("a = 1\na = 2\n"), "2:1: not valid TOML: duplicate key");
    }

    #[test]
    fn a_name_that_needs_quotes_is_told_so() {
        let all = complaints("[circuits.app/reflect]\ntrip_after = 3\n");
        assert!(all[0].contains("put a name with `/` in quotes: [circuits.\"project/name\"]"), "{all:#?}");
        assert_eq!(
            complaint("[circuits.hook.stop]\ntrip_after = 3\n"),
            "1:16: a name with dots must stand in quotes (write [circuits.\"hook.stop\"])"
        );
    }

    #[test]
    fn what_is_no_text_is_told_where_it_stops_to_be_one() {
        let errors = Config::parse(Path::new("f.toml"), b"[store]\nurl = \"\xff\"\n").unwrap_err();
        assert_eq!(errors.to_string(), "f.toml:2:8: the file is not UTF-8");
    }

    #[test]
    fn a_file_of_more_than_a_mebibyte_is_refused() {
        let mut text = "#".repeat(MAX_FILE);
        assert!(parse(&text).is_ok());
        text.push('#');
        assert_eq!(complaint(&text), "1:1: the file is larger than 1 MiB");
    }

    #[test]
    fn unknown_keys_are_refused_everywhere_with_the_nearest_name() {
        let cases = [
            ("[stor]\n", "1:2: unknown key `stor` (did you mean `store`?)"),
            ("[store]\nfleat = 'x'\n", "2:1: unknown key `fleat` in [store] (did you mean `fleet`?)"),
            ("[circuits.x]\ntimout = '5s'\n", "2:1: unknown key `timout` in [circuits.x] (did you mean `timeout`?)"),
            ("[mission]\nmax_cost = 1\n", "2:1: unknown key `max_cost` in [mission]"),
            ("[pipeline]\njob = 2\n", "2:1: unknown key `job` in [pipeline] (did you mean `jobs`?)"),
            ("[[steps]]\nname = 'x'\n", "1:3: unknown key `steps` (did you mean `step`?)"),
        ];
        for (text, expected) in cases {
            assert_eq!(complaint(text), expected);
        }
        assert_eq!(
            complaint(&gate("gate_by = ['x']")),
            "5:1: unknown key `gate_by` in step `lint` (did you mean `gated_by`?)"
        );
        assert_eq!(
            complaint(&gate("policy = { probe = 1 }")),
            "5:12: unknown key `probe` in `policy` (did you mean `probes`?)"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_is_told_what_to_be() {
        let cases = [
            (
                "[circuit]\ntrip_after = '3'\n",
                "2:14: `trip_after` must be a whole number, not \"3\" (write 3 without quotes)",
            ),
            ("[circuit]\ntrip_after = 2.5\n", "2:14: `trip_after` must be a whole number, not 2.5"),
            ("[circuit]\ntrip_after = -1\n", "2:14: `trip_after` must be a whole number, not -1"),
            (
                "[circuit]\nobserve = 'true'\n",
                "2:11: `observe` must be true or false, not \"true\" (write true without quotes)",
            ),
            ("[circuit]\njitter = nan\n", "2:10: `jitter` must be a number, not NaN"),
            ("[store]\ngroup = 5\n", "2:9: `group` must be a text, not 5 (write \"5\")"),
            ("[store]\ngroup = ' '\n", "2:9: `group` is empty"),
            ("[pipeline]\njobs = 0\n", "2:8: `jobs` must be a whole number from 1 to 256, not 0"),
            (
                "[pipeline]\njobs = 99999999999999999999\n",
                "2:8: `jobs` must be a whole number from 1 to 256, not 100000000000000000000",
            ),
            ("store = 1\n", "1:9: `store` must be a table (write [store])"),
            ("[step]\nname = 'x'\n", "1:1: `step` must be a list (write [[step]])"),
            ("[circuits]\nreflect = 3\n", "2:11: `reflect` must be a table in [circuits] (write [circuits.reflect])"),
            (
                "[circuits.x]\nsuccess_codes = 0\n",
                "2:17: `success_codes` must be a list of exit codes (write a list such as [0])",
            ),
            (
                "[circuits.x]\nsuccess_codes = [300]\n",
                "2:18: `success_codes` must be a whole number from 0 to 255, not 300",
            ),
            (
                "[pipeline]\nuntracked = 'refues'\n",
                "2:13: `untracked` must be \"refuse\" or \"allow\", not \"refues\" (did you mean `refuse`?)",
            ),
            (
                "[circuits.x]\nscope = 'world'\n",
                "2:9: `scope` must be one of \"host\", \"project\", \"fleet\", not \"world\"",
            ),
        ];
        for (text, expected) in cases {
            let all = complaints(text);
            assert!(all.iter().any(|line| line == expected), "{expected}\nis not in {all:#?}");
        }
    }

    #[test]
    fn durations_are_texts_with_units() {
        let cases = [
            ("5", "must be a duration such as \"5m\", or \"never\", not 5 (write \"5s\")"),
            ("1.5", "must be a duration such as \"5m\", or \"never\", not 1.5 (write \"1.5s\")"),
            ("'5'", "must be a duration such as \"5m\", or \"never\", and \"5\" has no unit (write \"5s\")"),
            (
                "'1d'",
                "must be a duration such as \"5m\", or \"never\", and \"1d\" is in a unit of the calendar, whose length varies (write \"24h\")",
            ),
            (
                "'-5m'",
                "must be a duration such as \"5m\", or \"never\", and \"-5m\" is negative (write hours, minutes, seconds: \"2h 30m\", \"5m\", \"90s\", \"500ms\")",
            ),
            (
                "'9000h'",
                "must be a duration such as \"5m\", or \"never\", and \"9000h\" is longer than 365 days (write at most \"8760h\")",
            ),
            ("true", "must be a duration such as \"5m\", or \"never\", not true"),
        ];
        for (value, expected) in cases {
            assert_eq!(
                complaint(&format!("[circuit]\ncool_down = {value}\n")),
                format!("2:13: `cool_down` {expected}")
            );
        }
        assert_eq!(
            complaint("[pipeline]\ndeadline = 'never'\n"),
            "2:12: `deadline` must be a duration such as \"5m\", and \"never\" is no duration (write hours, minutes, seconds: \"2h 30m\", \"5m\", \"90s\", \"500ms\")"
        );
        assert_eq!(complaint("[mission]\ntimeout = '0s'\n"), "2:11: `timeout` must be longer than nothing");
    }

    #[test]
    fn a_policy_that_cannot_work_is_refused_wherever_it_stands() {
        for table in ["[circuit]\n", "[circuits.x]\n", "[mission]\n"] {
            for (key, value, expected) in [
                ("trip_after", "0", "trip_after must be at least 1"),
                ("probes", "1001", "probes must be 1 to 1000"),
                ("jitter", "1.0", "jitter must be 0.0 to 0.9"),
                ("cool_down_factor", "0.5", "cool_down_factor must be 1.0 to 100.0"),
                ("cool_down", "'0s'", "cool_down must be 1ms to 365 days, or \"never\""),
                ("slow_after", "'0s'", "slow_after must be 1ms to 365 days"),
                ("lease", "'1ms'", "lease must be 10ms to 365 days"),
            ] {
                let column = key.len() + 4;
                assert_eq!(complaint(&format!("{table}{key} = {value}\n")), format!("2:{column}: {expected}"));
            }
        }
        assert_eq!(complaint(&gate("policy = { trip_after = 0 }")), "5:25: trip_after must be at least 1");
    }

    #[test]
    fn a_maximum_below_the_cool_down_is_found_across_layers() {
        let advice = "(write a longer maximum or a shorter cool-down)";
        let cases = [
            ("[circuit]\ncool_down_max = '1m'\n", "2:17: `cool_down_max` (1m) is shorter than `cool_down` (5m)"),
            (
                "[circuit]\ncool_down_max = '1m'\ncool_down = '2m'\n",
                "2:17: `cool_down_max` (1m) is shorter than `cool_down` (2m)",
            ),
            (
                "[circuit]\ncool_down_max = '6m'\n[circuits.x]\ncool_down = '7m'\n",
                "4:13: `cool_down_max` (6m) is shorter than `cool_down` (7m)",
            ),
            (
                "[circuits.x]\ncool_down_max = '6m'\n[circuits.\"app/x\"]\ncool_down = '7m'\n",
                "4:13: `cool_down_max` (6m) is shorter than `cool_down` (7m)",
            ),
            ("[mission]\ncool_down_max = '6m'\n", "2:17: `cool_down_max` (6m) is shorter than `cool_down` (15m)"),
            (
                "[circuits.agent]\ncool_down_max = '6m'\n",
                "2:17: `cool_down_max` (6m) is shorter than `cool_down` (15m)",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(complaint(text), format!("{expected} {advice}"));
        }
        let step = format!("[circuits.\"app/lint\"]\ncool_down_max = '6m'\n{}", gate("policy = { cool_down = '7m' }"));
        assert_eq!(complaint(&step), format!("7:24: `cool_down_max` (6m) is shorter than `cool_down` (7m) {advice}"));
    }

    #[test]
    fn a_rate_is_checked_and_then_refused_as_a_whole() {
        let unsupported = "2:8: `rate` is not supported by this version (use `trip_after`)";
        assert_eq!(complaint("[circuit]\nrate = { failures = 0.5, of = 20, within = '10s' }\n"), unsupported);
        let all = complaints("[circuit]\nrate = { failures = 1.5, off = 20, within = 10 }\n");
        assert_eq!(all.len(), 5, "{all:#?}");
        assert_eq!(all[0], unsupported);
        assert!(all.iter().any(|line| line.contains("`of` is missing in `rate`")), "{all:#?}");
        assert!(all.iter().any(|line| line.contains("did you mean `of`?")), "{all:#?}");
    }

    #[test]
    fn keys_of_one_circuit_are_sent_to_its_table() {
        assert_eq!(
            complaint("[circuit]\ntimeout = '5s'\n"),
            "2:1: `timeout` is not possible in [circuit]: it is about one circuit (write it in [circuits.NAME])"
        );
    }

    #[test]
    fn a_circuits_table_needs_a_circuits_name() {
        let text = complaint("[circuits.\"Re Flect\"]\n");
        assert!(text.starts_with("1:11: \"Re Flect\" is no circuit name"), "{text}");
    }

    #[test]
    fn exit_codes_mean_one_thing_each() {
        assert_eq!(
            complaint("[circuits.x]\nsuccess_codes = []\n"),
            "2:17: `success_codes` is empty: nothing could succeed"
        );
        assert_eq!(
            complaint("[circuits.x]\nsuccess_codes = [0, 3]\nblock_codes = [3]\n"),
            "3:15: exit code 3 is in `block_codes` and in `success_codes` (a code can mean one thing only)"
        );
        assert_eq!(complaint(&gate("block_codes = [0]")), "5:15: `block_codes` contains 0, by which a gate passes");
    }

    #[test]
    fn a_store_is_where_a_store_can_be() {
        let cases = [
            (
                "url = 'redis://h'",
                "2:7: `url` must be the address of the host's file (a fleet's store belongs in `fleet`; the host keeps a file of its own)",
            ),
            (
                "url = '/var/state.db'",
                "2:7: `url` must be the address of the host's file (write \"sqlite:/var/state.db\")",
            ),
            ("url = 'http://x'", "2:7: `url` must be the address of the host's file (write \"sqlite:/path/state.db\")"),
            (
                "fleet = 'sqlite:x'",
                "2:9: `fleet` must be the address of a Redis or Valkey (write \"redis://host:6379/0?prefix=team\")",
            ),
            (
                "fleet = 'redis://h'\nfleet_file = 'x'",
                "3:1: `fleet_file` is not possible in [store]: `fleet` is there too (keep one of them)",
            ),
        ];
        for (line, expected) in cases {
            assert_eq!(complaint(&format!("[store]\n{line}\n")), expected);
        }
        assert_eq!(
            parsed("[store]\nfleet_file = 'fleet.url'\n").store.fleet_file.as_deref(),
            Some(Path::new("fleet.url"))
        );
    }

    #[test]
    fn a_password_is_refused_and_never_shown() {
        let errors = parse("[store]\nfleet = 'redis://me:hunter2@h'\n").unwrap_err();
        assert_eq!(errors.errors()[0].message, "`fleet` holds a password");
        let everything = format!("{errors} {errors:?} {}", errors.text());
        assert!(!everything.contains("hunter2"), "{everything}");
    }

    #[test]
    fn an_error_obeys_no_escape_code_of_the_file() {
        let text = complaints("\"a\\u001b[31m\\u202eb\" = 1\n").join("\n");
        assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && text.contains("\\u{1b}[31m"), "{text}");
        let errors = Config::parse(Path::new("a\u{1b}[31m.toml"), b"x = 1").unwrap_err();
        assert!(!errors.to_string().contains('\u{1b}'));
    }
}

mod steps {
    use super::*;

    fn step(keys: &str) -> String {
        format!("[[step]]\n{keys}\n")
    }

    #[test]
    fn a_step_has_a_name_of_its_own() {
        assert_eq!(complaint(&step("uses = 'usage'")), "1:1: `name` is missing in [[step]]");
        assert_eq!(
            complaint(&step("name = 'app/x'\nuses = 'usage'")),
            "2:8: a step's name has no project in it (write \"x\"; `scope` decides whose circuit it is)"
        );
        let twice = format!("{}{}", gate(""), gate(""));
        assert_eq!(complaint(&twice), "7:8: there is a step `lint` already, in line 2");
    }

    #[test]
    fn a_step_is_built_in_or_a_command() {
        let advice = "(write uses = \"…\" for a built-in step, or run = [\"program\", \"argument\"])";
        assert!(
            complaints(&step("name = 'x'\nkind = 'gate'"))
                .contains(&format!("1:1: this step has neither `uses` nor `run` {advice}"))
        );
        assert_eq!(
            complaint(&step("name = 'x'\nuses = 'usage'\nrun = ['x']")),
            "4:1: `run` is not possible in step `x`: `uses` is there too (keep one of them)"
        );
        assert_eq!(
            complaint(&step("name = 'x'\nuses = 'mergee'")),
            "3:8: there is no built-in step `mergee` (did you mean `merge`?)"
        );
        assert!(complaint(&step("name = 'x'\nuses = 'xyzzy'")).contains("(built-in steps are usage, budget,"));
    }

    #[test]
    fn a_command_says_its_kind_and_a_built_in_step_has_one() {
        assert_eq!(
            complaint(&step("name = 'x'\nrun = ['true']")),
            "1:1: `kind` is missing in step `x` (write kind = \"recorder\", \"gate\" or \"action\")"
        );
        assert_eq!(
            complaint(&step("name = 'x'\nuses = 'usage'\nkind = 'gate'")),
            "4:8: `usage` is a recorder (leave `kind` out)"
        );
        assert_eq!(parsed(&step("name = 'x'\nuses = 'usage'\nkind = 'recorder'")).steps.len(), 1);
    }

    #[test]
    fn a_command_is_a_list_unless_a_shell_was_asked_for() {
        let run = |run: &str| complaint(&step(&format!("name = 'x'\nkind = 'action'\n{run}")));
        assert_eq!(
            run("run = 'make'"),
            "4:7: `run` must be a list of texts (write a list such as [\"program\", \"argument\"])"
        );
        assert_eq!(run("run = []"), "4:7: `run` names no program");
        assert_eq!(run("run = ['']"), "4:7: `run` names no program");
        assert_eq!(run("run = [\"a\\u0000b\"]"), "4:7: `run` contains a NUL character, which no program can be given");
        assert_eq!(run("run = ['a']\nshell = true"), "4:7: `run` must be a text, not a list");
        assert_eq!(
            run("run = ['a']\nwith = { x = 1 }"),
            "5:1: `with` is not possible in step `x`: options are for built-in steps (pass a command's arguments in `run`)"
        );
        let config = parsed(&step("name = 'x'\nkind = 'action'\nrun = ['printf', '']"));
        assert_eq!(config.steps[0].work, Work::Command(vec!["printf".to_owned(), String::new()]));
    }

    #[test]
    fn what_is_about_gates_is_refused_for_others() {
        for (key, value) in [("advisory", "true"), ("if_absent", "'pass'"), ("block_codes", "[1]")] {
            assert_eq!(
                complaint(&step(&format!("name = 'x'\nuses = 'usage'\n{key} = {value}"))),
                format!("4:1: `{key}` is not possible in step `x`: it is about gates, and this is a recorder")
            );
        }
    }

    #[test]
    fn the_scans_are_never_absent() {
        for uses in ["diff-scan", "security"] {
            assert_eq!(
                complaint(&step(&format!("name = 'x'\nuses = '{uses}'\nif_absent = 'pass'"))),
                format!("4:13: `if_absent = \"pass\"` is not possible for `{uses}`: it always applies (leave it out)")
            );
        }
        assert_eq!(parsed(&step("name = 'x'\nuses = 'tests'\nif_absent = 'pass'")).steps[0].if_absent, IfAbsent::Pass);
    }

    #[test]
    fn too_many_steps_are_refused_before_they_cost_anything() {
        let text: String = (0..600).map(|n| format!("[[step]]\nname = 's{n}'\nuses = 'usage'\n")).collect();
        assert_eq!(complaint(&text), "1501:1: more than 500 steps");
    }
}

mod waiting {
    use super::*;

    fn action(name: &str, keys: &str) -> String {
        format!("[[step]]\nname = '{name}'\nkind = 'action'\nrun = ['true']\n{keys}\n")
    }

    #[test]
    fn merge_must_be_gated() {
        let merge = |keys: &str| format!("{}[[step]]\nname = 'm'\nuses = 'merge'\n{keys}\n", gate(""));
        assert_eq!(
            complaint(&merge("")),
            "6:1: this step must be gated, and no gate is named (name gates in `gated_by`)"
        );
        assert_eq!(complaint(&merge("gated_by = []")), "9:12: `gated_by` is empty (name a gate, or leave it out)");
        assert_eq!(
            complaint(&merge("gated = false\ngated_by = ['lint']")),
            "9:9: `merge` is always gated (leave `gated` out)"
        );
        assert!(parsed(&merge("gated_by = ['lint']")).steps[1].waits.gated);
    }

    #[test]
    fn any_step_that_says_gated_must_name_a_gate() {
        assert_eq!(
            complaint(&action("x", "gated = true")),
            "1:1: this step must be gated, and no gate is named (name gates in `gated_by`)"
        );
    }

    #[test]
    fn only_a_gate_that_can_block_holds_a_step_back() {
        let gated = |first: &str, gate: &str| format!("{first}{}", action("x", &format!("gated_by = ['{gate}']")));
        assert_eq!(complaint(&gated(&gate(""), "lnt")), "10:13: there is no step `lnt` (did you mean `lint`?)");
        assert_eq!(
            complaint(&gated(&gate("advisory = true"), "lint")),
            "10:13: `lint` is advisory, so it holds nothing back (remove its `advisory`, or leave it out here)"
        );
        assert_eq!(
            complaint(&gated(&action("other", ""), "other")),
            "10:13: `other` is an action, and only gates can hold a step back (write it in `after` to wait for it)"
        );
        assert_eq!(complaint(&gated("", "x")), "5:13: `x` waits for itself");
    }

    #[test]
    fn the_nearest_name_offered_as_a_gate_is_a_gates() {
        let text = format!("{}{}{}", action("lin", ""), gate(""), action("x", "gated_by = ['linn']"));
        assert!(complaint(&text).ends_with("(did you mean `lint`?)"));
    }

    #[test]
    fn a_gate_that_is_declared_wrongly_is_not_called_missing() {
        let text = format!("[[step]]\nname = 'lint'\nrun = ['true']\n{}", action("x", "gated_by = ['lint']"));
        assert!(complaint(&text).contains("`kind` is missing in step `lint`"));
    }

    #[test]
    fn each_cycle_is_told_once_and_in_whole() {
        let two = action("a", "after = ['b']") + &action("b", "after = ['a']");
        assert_eq!(complaint(&two), "10:10: steps wait for each other: `a` → `b` → `a`");
        let through_a_gate = gate("after = ['x']") + &action("x", "gated_by = ['lint']");
        assert!(complaint(&through_a_gate).contains("`lint` → `x` → `lint`"));
        let with_a_tail = two.clone() + &action("c", "after = ['b']") + &action("d", "after = ['c']");
        assert!(complaint(&with_a_tail).contains("`a` → `b` → `a`"));
        let two_cycles = two + &action("c", "after = ['d']") + &action("d", "after = ['c']");
        assert_eq!(complaints(&two_cycles).len(), 2);
    }

    #[test]
    fn a_diamond_is_no_cycle() {
        let text = action("a", "") + &action("b", "after = ['a']") + &action("c", "after = ['a']");
        assert_eq!(parsed(&(text + &action("d", "after = ['b', 'c', 'b']"))).steps.len(), 4);
    }

    #[test]
    fn nothing_waits_for_what_starts_last() {
        let text = format!("[[step]]\nname = 'tell'\nuses = 'notify'\n{}", action("x", "after = ['tell']"));
        assert_eq!(
            complaint(&text),
            "8:10: `tell` starts when all other steps have ended, so `x` cannot wait for it (give this step `last = true`, or the other `last = false`)"
        );
        assert_eq!(parsed(&text.replace("'notify'", "'notify'\nlast = false")).steps.len(), 2);
        assert_eq!(parsed(&(text + "last = true\n")).steps.len(), 2);
    }

    #[test]
    fn a_file_full_of_cycles_ends_soon() {
        let all: Vec<String> = (0..300).map(|n| format!("'s{n}'")).collect();
        let text: String =
            (0..300).map(|n| action(&format!("s{n}"), &format!("after = [{}]", all.join(",")))).collect();
        assert_eq!(complaints(&text).len(), fuseboard_pipeline::config::MAX_ERRORS);
    }
}

mod options {
    use super::*;
    use fuseboard_pipeline::config::TableReader;

    fn read(options: &mut TableReader<'_>) -> (Option<String>, bool) {
        let prices = options.filled_text("prices").map(Spanned::into_inner);
        (prices, options.flag("strict").is_some_and(|strict| *strict))
    }

    fn options_of(text: &str) -> fuseboard_pipeline::config::StepOptions {
        match parsed(text).steps.remove(0).work {
            Work::BuiltIn { options, .. } => options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_step_checks_its_own_options_with_their_places_in_the_file() {
        let text = "[[step]]\nname = 'cost'\nuses = 'usage'\nwith = { prices = 'p.toml', strict = true }\n";
        assert_eq!(options_of(text).read(read).unwrap(), (Some("p.toml".to_owned()), true));
        let text = "[[step]]\nname = 'cost'\nuses = 'usage'\n[step.with]\nprices = 3\nstrikt = true\n";
        assert_eq!(
            options_of(text).read(read).unwrap_err().to_string(),
            "fuseboard.toml:5:10: `prices` must be a text, not 3 (write \"3\")\n\
             fuseboard.toml:6:1: unknown key `strikt` in `with` of step `cost` (did you mean `strict`?)"
        );
    }

    #[test]
    fn a_step_without_options_has_none() {
        let options = options_of("[[step]]\nname = 'cost'\nuses = 'usage'\n");
        assert!(options.is_empty());
        assert_eq!(options.read(read).unwrap(), (None, false));
    }

    #[test]
    fn the_errors_of_several_steps_come_together_in_the_order_of_the_file() {
        let config = parsed(
            "[[step]]\nname = 'a'\nuses = 'usage'\nwith = { x = 1 }\n[[step]]\nname = 'b'\nuses = 'quota'\nwith = { y = 1 }\n",
        );
        let mut errors = config.steps.iter().rev().filter_map(|step| match &step.work {
            Work::BuiltIn { options, .. } => options.read(|_| ()).err(),
            Work::Command(_) | Work::Shell(_) => None,
        });
        let all = errors.next().unwrap().and(errors.next().unwrap());
        let lines: Vec<_> = all.errors().iter().map(|error| error.line).collect();
        assert_eq!(lines, [4, 8]);
    }
}
