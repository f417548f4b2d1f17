//! The parser never panics, whatever the file holds, and what it says about a file is true of it.

use std::path::Path;

use fuseboard::CircuitName;
use fuseboard_pipeline::config::{Config, MAX_ERRORS, Work};
use proptest::prelude::*;

/// A file that uses every table, for mutations to start from.
const VALID: &str = r#"[store]
fleet = "redis://host:6379/0?prefix=team"
[circuit]
trip_after = 2
cool_down = "5m"
cool_down_max = "6h"
[circuits.lint]
rate = { failures = 0.5, of = 20, within = "10s" }
cool_down_max = "10m"
success_codes = [0, 3]
[circuits."app/lint"]
cool_down = "never"
slow_after = "1m"
[mission]
cool_down = "15m"
max_cost_per_day = 20
[pipeline]
deadline = "30m"
[[step]]
name = "cost"
uses = "usage"
with = { prices = "p.toml", nested = { list = [1, 2.5, true, 2026-01-01] } }
[[step]]
name = "lint"
kind = "gate"
run = ["cargo", "clippy"]
block_codes = [1, 101]
policy = { cool_down = "2m" }
[[step]]
name = "merge"
uses = "merge"
gated_by = ["lint"]
after = ["cost"]
[[step]]
name = "tell"
uses = "notify"
after = ["merge"]
"#;

/// Pieces that a configuration is made of, so that mutated files stay near to valid ones.
const PIECES: [&str; 36] = [
    "[circuit]\n",
    "[circuits.lint]\n",
    "[circuits.agent]\n",
    "[circuits.\"app/agent\"]\n",
    "[circuits.\"app/lint\"]\n",
    "[mission]\n",
    "[[step]]\n",
    "[store]\n",
    "name = ",
    "uses = ",
    "run = ",
    "cool_down = ",
    "cool_down_max = ",
    "policy = ",
    "rate = ",
    "after = ",
    "gated_by = ",
    "\"never\"",
    "\"5m\"",
    "\"9h\"",
    "\"merge\"",
    "\"lint\"",
    "[",
    "]",
    "{",
    "}",
    "=",
    "\n",
    ",",
    "\"",
    "'''",
    "99999999999999999999",
    "-1",
    "\u{1b}",
    "ä",
    "\0",
];

/// What must hold for any content.
fn check(content: &[u8]) {
    let errors = match Config::parse(Path::new("fuseboard.toml"), content) {
        Ok(config) => return use_it(&config),
        Err(errors) => errors,
    };
    assert!((1..=MAX_ERRORS).contains(&errors.errors().len()));
    assert_eq!(errors.to_string().lines().count(), errors.errors().len(), "one line each:\n{errors}");
    assert!(!errors.to_string().contains(|c: char| c.is_control() && c != '\n'), "{errors:?}");
    let mut last = 0;
    for error in errors.errors() {
        let span = error.span.clone();
        assert!(span.start <= span.end && span.start >= last, "{error:?}");
        last = span.start;
        if let Some(before) = errors.text().get(..span.start) {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            assert_eq!((error.line, error.column), (line, column), "{error:?}");
        }
    }
}

/// A configuration that was accepted can work, whoever asks for what.
fn use_it(config: &Config) {
    for circuit in ["lint", "agent", "app/lint", "app/agent", "other"] {
        let name: CircuitName = circuit.parse().unwrap();
        for project in [None, Some("app"), Some("no project at all")] {
            let policies = [config.circuit(project, &name).policy, config.gate_circuit(project, &name).policy];
            assert!(policies.iter().all(|policy| policy.cool_down_max() >= policy.cool_down().unwrap_or_default()));
        }
    }
    for step in &config.steps {
        config.step_circuit("app", step);
        config.step_circuit("other", step);
        assert!(!step.waits.gated || !step.waits.gated_by.is_empty());
        if let Work::BuiltIn { options, .. } = &step.work {
            let _ = options.read(|options| (options.text("prices"), options.number("list"), options.texts("nested")));
        }
    }
    config.agent_circuit("app");
}

#[derive(Clone, Debug)]
enum Mutation {
    Remove(usize, usize),
    Insert(usize, &'static str),
    Copy(usize, usize, usize),
    Flip(usize, u8),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = || 0..VALID.len();
    prop_oneof![
        (at(), 0..40_usize).prop_map(|(at, length)| Mutation::Remove(at, length)),
        (at(), prop::sample::select(&PIECES[..])).prop_map(|(at, piece)| Mutation::Insert(at, piece)),
        (at(), 0..60_usize, at()).prop_map(|(from, length, to)| Mutation::Copy(from, length, to)),
        (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
    ]
}

fn mutated(mutations: Vec<Mutation>) -> Vec<u8> {
    let mut content = VALID.as_bytes().to_vec();
    for mutation in mutations {
        let end = content.len();
        match mutation {
            Mutation::Remove(at, length) => drop(content.drain(at.min(end)..(at + length).min(end))),
            Mutation::Insert(at, piece) => drop(content.splice(at.min(end)..at.min(end), piece.bytes())),
            Mutation::Copy(from, length, to) => {
                let piece = content[from.min(end)..(from + length).min(end)].to_vec();
                drop(content.splice(to.min(end)..to.min(end), piece));
            }
            Mutation::Flip(at, byte) => {
                if let Some(place) = content.get_mut(at) {
                    *place ^= byte;
                }
            }
        }
    }
    content
}

/// Lines that are valid by themselves, in any order: most of these files fail in meaning and not in syntax.
fn shuffled_lines() -> impl Strategy<Value = String> {
    let lines: Vec<&'static str> = VALID.lines().collect();
    prop::collection::vec(prop::sample::select(lines), 0..40).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bytes_are_parsed_or_refused(content in prop::collection::vec(any::<u8>(), 0..300)) {
        check(&content);
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "\\PC{0,200}") {
        check(text.as_bytes());
    }

    #[test]
    fn any_mutation_of_a_valid_file_is_parsed_or_refused(mutations in prop::collection::vec(mutation(), 0..6)) {
        check(&mutated(mutations));
    }

    #[test]
    fn any_arrangement_of_valid_lines_is_parsed_or_refused(text in shuffled_lines()) {
        check(text.as_bytes());
    }

    #[test]
    fn any_pieces_are_parsed_or_refused(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..30)) {
        check(pieces.concat().as_bytes());
    }
}

#[test]
fn the_file_that_mutations_start_from_is_valid() {
    let config = Config::parse(Path::new("fuseboard.toml"), VALID.as_bytes());
    use_it(&config.unwrap_or_else(|errors| panic!("{errors}")));
}

#[test]
fn files_made_to_be_costly_are_refused_in_time() {
    let times = |piece: &str, n: usize| piece.repeat(n);
    let many = |line: fn(usize) -> String, n: usize| (0..n).map(line).collect::<String>();
    let contents = [
        times("a.", 500_000) + "a = 1",
        times("[", 1_000_000),
        format!("x = {}", times("[", 1_000_000)),
        format!("x = {}", times("{a=", 300_000)),
        times("\"", 1_000_000),
        times("\n", 1_000_000),
        times("=", 1_000_000),
        many(|n| format!("k{n}=1\n"), 90_000),
        many(|n| format!("[circuits.c{n}]\ncool_down='1m'\n"), 25_000),
        many(|n| format!("[[step]]\nname='s{n}'\nuses='usage'\n"), 25_000),
        format!("[[step]]\nname='a'\nuses='usage'\nafter=[{}]\n", many(|n| format!("'s{n}',"), 100_000)),
        format!("[[step]]\nname='a'\nuses='usage'\nafter=[{}]\n", times("'a',", 200_000)),
        format!("# {}", times("://u:p@h ", 100_000)),
    ];
    for content in contents {
        check(content.as_bytes());
    }
}
