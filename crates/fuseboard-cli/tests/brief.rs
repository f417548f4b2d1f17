//! `brief` and `usage`: what was done, what it cost, and what needs a person, with what is not known shown as such.

mod mission_stage;
mod world;

use mission_stage::Stage;

const USAGE: &str = "[[step]]\nname = 'cost'\nuses = 'usage'\n";

/// An agent that prints what it used of two models, one of them without a price.
const TWO_MODELS: &str = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"done","total_cost_usd":0.5,"modelUsage":{"opus":{"inputTokens":10,"outputTokens":20,"cacheReadInputTokens":30,"cacheCreationInputTokens":40,"costUSD":0.5},"haiku":{"inputTokens":1,"outputTokens":2}}}'"#;

#[test]
fn usage_sums_up_and_shows_what_is_missing() {
    let stage = Stage::new(USAGE);
    for agent in [TWO_MODELS, TWO_MODELS, "echo plain words"] {
        assert_eq!(stage.fly(&[], agent).code(), 0);
    }
    let table = stage.run(&["usage"]);
    assert_eq!(
        table.out().lines().collect::<Vec<_>>(),
        [
            "MODEL  RUNS  INPUT  CACHE READ  CACHE WRITE  OUTPUT  COST",
            "haiku  2     2      ?           ?            4       ?",
            "opus   2     20     60          80           40      $1.00",
            "total  2     22     ≥60         ≥80          44      ≥$1.00",
        ]
    );
    assert!(
        table.err().ends_with("not in these figures: 1 run unmeasured, 2 rows without a price\n"),
        "{}",
        table.err()
    );
    let json = stage.run(&["usage", "--by", "project", "--format", "json"]).json();
    assert_eq!((&json["schema"], &json["unmeasured_runs"]), (&"fuseboard.usage/1".into(), &1.into()));
    let row = &json["rows"][0];
    assert_eq!((&row["key"], &row["runs"], &row["output"]), (&"work".into(), &2.into(), &44.into()), "{row}");
    assert_eq!((&row["cost_usd"], &row["unknown"]["cost_usd"]), (&1.0.into(), &2.into()), "{row}");
    let days = stage.run(&["usage", "--by", "day", "--days", "1"]).out();
    assert!(days.lines().count() == 2 && days.lines().nth(1).is_some_and(|day| day.starts_with("20")), "{days}");
}

#[test]
fn nothing_used_is_said_and_is_no_row() {
    let stage = Stage::new(USAGE);
    let ran = stage.run(&["usage"]);
    assert_eq!((ran.code, ran.out()), (0, String::new()));
    assert!(ran.err().contains("nothing was used yet"), "{}", ran.err());
    assert_eq!(stage.run(&["usage", "--days", "0"]).code, 64);
}

#[test]
fn a_quiet_night_needs_nobody() {
    let stage = Stage::new(USAGE);
    let ran = stage.run(&["brief"]);
    assert_eq!(ran.code, 0, "{}", ran.err());
    assert!(ran.out().contains("no mission\nnothing needs a person\n\nused: nothing\n"), "{}", ran.out());
    stage.fly(&["--title", "mend it"], TWO_MODELS);
    let ran = stage.run(&["brief", "--since", "1h"]);
    assert_eq!(ran.code, 0, "{}", ran.out());
    assert!(ran.out().contains("1 mission: 1 done\nnothing needs a person\n"), "{}", ran.out());
    assert!(
        ran.out().contains("used: ≥$0.50 for ≥103 tokens; not in these figures: 1 row without a price"),
        "{}",
        ran.out()
    );
}

#[test]
fn what_needs_a_person_is_named_with_what_to_type() {
    let gate = "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['sh', '-c', 'echo 3 failed; exit 1']\n\
                [[step]]\nname = 'note'\nkind = 'recorder'\nrun = ['sh', '-c', 'exit 3']\n";
    let stage = Stage::new(gate);
    for title in ["mend the parser", "mend it again"] {
        assert_eq!(stage.fly(&["--title", title], "true").code(), 77);
    }
    assert_eq!(stage.fly(&["--title", "crash"], "kill -9 $$").code(), 137);
    let ran = stage.run(&["brief"]);
    assert_eq!(ran.code, 1, "{}", ran.err());
    let page = ran.out();
    assert!(page.contains("3 missions: 2 blocked, 1 failed\n4 things need a person\n"), "{page}");
    for line in [
        "mend the parser: blocked by check (3 failed)",
        "crash: the agent failed (signal)",
        "fuseboard explain note",
        "exited with code 3",
    ] {
        assert!(page.contains(line), "{line}: {page}");
    }
    let json = stage.run(&["brief", "--format", "json"]);
    let needs = json.json()["needs"].as_array().unwrap().clone();
    let kinds: Vec<&str> = needs.iter().filter_map(|need| need["kind"].as_str()).collect();
    assert_eq!((json.code, kinds), (1, vec!["blocked", "blocked", "failed", "circuit"]), "{needs:?}");
    // What is to be typed works.
    for need in &needs {
        let words: Vec<&str> = need["do"].as_str().unwrap().split(' ').skip(1).collect();
        let ran = stage.run(&words);
        assert_eq!(ran.code, 0, "{words:?}: {}", ran.err());
    }
    assert!(stage.run(&["brief", "--since", "1ms"]).out().contains("no mission"));
}

#[test]
fn without_a_store_neither_can_tell() {
    let stage = Stage::new("");
    for command in ["brief", "usage"] {
        assert_eq!(stage.run(&[command, "--store", "memory:"]).code, 69, "{command}");
    }
}
