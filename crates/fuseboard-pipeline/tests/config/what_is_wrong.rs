//! Every complaint is exact: its place, its words, its advice.

use std::path::Path;

use fuseboard_pipeline::config::{Config, Help, MAX_FILE};

use super::{complaint, complaints, gate, parse, parsed};

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
    let text =
        "[store]\nulr = 'x'\n[circuit]\ntrip_after = 0\njitter = 2\n[pipelin]\n[[step]]\nname = 'a b'\nuses = 'usge'\n";
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
        "5:12: unknown key `probe` in `policy` of step `lint` (did you mean `probes`?)"
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
        ("[circuit]\nrate = 1\n", "2:8: `rate` must be a table in [circuit] (write rate = { … })"),
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
        assert_eq!(complaint(&format!("[circuit]\ncool_down = {value}\n")), format!("2:13: `cool_down` {expected}"));
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
        ("[circuits.agent]\ncool_down_max = '6m'\n", "2:17: `cool_down_max` (6m) is shorter than `cool_down` (15m)"),
    ];
    for (text, expected) in cases {
        assert_eq!(complaint(text), format!("{expected} {advice}"));
    }
    let step = format!("[circuits.\"app/lint\"]\ncool_down_max = '6m'\n{}", gate("policy = { cool_down = '7m' }"));
    assert_eq!(complaint(&step), format!("7:24: `cool_down_max` (6m) is shorter than `cool_down` (7m) {advice}"));
}

#[test]
fn each_key_of_a_rate_is_needed_and_checked_where_it_stands() {
    let example = "(write rate = { failures = 0.5, of = 20, within = \"10s\" })";
    let rate = |keys: &str| complaints(&format!("[circuit]\nrate = {{ {keys} }}\n"));
    let missing = |key: &str| format!("2:8: `{key}` is missing in `rate` of [circuit] {example}");
    assert_eq!(rate(""), [missing("failures"), missing("of"), missing("within")]);
    assert_eq!(rate("failures = 0.5, of = 20"), [missing("within")]);
    for (keys, expected) in [
        ("failures = 0, of = 20, within = '10s'", "2:21: rate.failures must be above 0.0 and at most 1.0"),
        ("failures = 1.5, of = 20, within = '10s'", "2:21: rate.failures must be above 0.0 and at most 1.0"),
        ("failures = 0.5, of = 0, within = '10s'", "2:31: rate.of must be 1 to 1000"),
        ("failures = 0.5, of = 1001, within = '10s'", "2:31: rate.of must be 1 to 1000"),
        ("failures = 0.5, of = 20, within = '999ms'", "2:44: rate.within must be 1s to 24h"),
        ("failures = 0.5, of = 20, within = '25h'", "2:44: rate.within must be 1s to 24h"),
        (
            "failures = 0.5, of = '20', within = '10s'",
            "2:31: `of` must be a whole number, not \"20\" (write 20 without quotes)",
        ),
    ] {
        assert_eq!(rate(keys), [expected]);
    }
    let all = rate("failures = 1.5, off = 20, within = 10");
    assert_eq!(all.len(), 4, "{all:#?}");
    assert!(all.iter().any(|line| line.ends_with("(did you mean `of`?)")), "{all:#?}");
    assert!(all.contains(&missing("of")), "{all:#?}");
}

#[test]
fn one_table_has_one_trip_rule() {
    let both = "trip_after = 3\nrate = { failures = 0.5, of = 20, within = '10s' }\n";
    for (table, name) in [("[circuit]", "[circuit]"), ("[circuits.x]", "[circuits.x]"), ("[mission]", "[mission]")] {
        assert_eq!(
            complaint(&format!("{table}\n{both}")),
            format!("3:1: `rate` is not possible in {name}: `trip_after` is there too (keep one of them)")
        );
    }
    assert_eq!(
        complaint(&gate("policy = { rate = { failures = 1, of = 2, within = '1h' }, trip_after = 2 }")),
        "5:12: `rate` is not possible in `policy` of step `lint`: `trip_after` is there too (keep one of them)"
    );
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
        ("url = '/var/state.db'", "2:7: `url` must be the address of the host's file (write \"sqlite:/var/state.db\")"),
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
    assert_eq!(parsed("[store]\nfleet_file = 'fleet.url'\n").store.fleet_file.as_deref(), Some(Path::new("fleet.url")));
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
