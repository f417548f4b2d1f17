//! `budget` on the ledger of real missions.

mod world;

use std::fs;

use serde_json::{Value, json};
use world::World;

const CONFIG: &str = r#"
[[step]]
name = "cost"
uses = "usage"

[[step]]
name = "budget"
uses = "budget"
after = ["cost"]
with = { session_usd = 0.5 }
"#;

/// A mission whose agent used 20 cents of its own session, or tells nothing; what `budget` says.
fn mission(world: &World, session: Option<u32>) -> Value {
    let said = session.map_or("fine".to_owned(), |session| {
        json!({"type": "result", "subtype": "success", "is_error": false, "session_id": session.to_string(), "result": "",
            "modelUsage": {"m": {"inputTokens": 2, "outputTokens": 6, "costUSD": 0.2}}})
        .to_string()
    });
    assert_eq!(world.run(&["mission", "--report", "report.json", "--", "echo", &said]).code, 0);
    let report: Value = serde_json::from_str(&world.read("report.json")).unwrap();
    assert_eq!(report["steps"][1]["status"], "success", "{report}");
    report["steps"][1]["output"].clone()
}

#[test]
fn each_mission_counts_once_and_what_comes_near_is_told_once() {
    let world = World::new();
    fs::write(world.path("fuseboard.toml"), CONFIG).unwrap();
    assert_eq!(world.run(&["trust"]).code, 0);
    let usd = |output: &Value| output["windows"]["session"]["usd"].clone();
    let first = mission(&world, Some(1));
    assert_eq!((&usd(&first)["used"], &first["alert"]), (&json!(0.2), &Value::Null));
    let second = mission(&world, Some(2));
    assert_eq!((&usd(&second)["used"], &second["alert"]["severity"]), (&json!(0.4), &json!("warning")));
    let silent = mission(&world, None);
    assert_eq!((&usd(&silent)["used"], &usd(&silent)["at_least"]), (&json!(0.4), &json!(true)));
    assert_eq!((&silent["windows"]["session"]["unmeasured"], &silent["alert"]), (&json!(1), &Value::Null));
    let fourth = mission(&world, Some(4));
    assert_eq!((&usd(&fourth)["level"], &fourth["alert"]["severity"]), (&json!("reached"), &json!("action")));
    assert!(mission(&world, Some(5))["alert"].is_null(), "told already");
}

#[test]
fn an_agent_that_was_never_started_used_nothing_and_one_that_tells_nothing_is_unmeasured() {
    let world = World::new();
    fs::write(world.path("fuseboard.toml"), CONFIG).unwrap();
    assert_eq!(world.run(&["trust"]).code, 0);
    let unmeasured = || world.run(&["usage", "--format", "json"]).json()["unmeasured_runs"].clone();
    assert_eq!(world.run(&["mission", "--", "./no-such-agent"]).code, 127);
    assert_eq!(unmeasured(), 0);
    mission(&world, None);
    assert_eq!(unmeasured(), 1);
}
