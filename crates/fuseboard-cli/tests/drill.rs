//! `drill`: the gates of a configuration are shown to hold, and one that does not is found.

mod mission_stage;
mod world;

use mission_stage::{Stage, gated};
use world::finish;

const LEAKY: &str = "run = ['sh', '-c', 'no-such-linter . || true']\n";

#[test]
fn a_table_shows_that_nothing_passes_whatever_breaks() {
    let stage = Stage::new(
        "[[step]]\nname = 'note'\nkind = 'recorder'\nrun = ['true']\n\
         [[step]]\nname = 'scan'\nuses = 'diff-scan'\n\
         [[step]]\nname = 'lint'\nkind = 'gate'\nrun = ['sh', 'check.sh']\n\
         [[step]]\nname = 'merge'\nuses = 'merge'\ngated_by = ['scan', 'lint']\nenabled = false\n",
    );
    stage.world.script("check.sh", "exec no-such-linter");
    let ran = stage.run(&["drill"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out(), ran.err());
    let out = ran.out();
    let line = |name: &str| {
        let line = out.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {out}"));
        line.split_whitespace().collect::<Vec<_>>()
    };
    for gate in ["scan", "lint"] {
        assert_eq!(line(gate), [&[gate][..], &["blocks"; 6], &["merge"]].concat());
    }
    assert_eq!(line("note"), ["note", "failed", "failed", "failed"]);
    assert!(out.ends_with("15 faults planted, no leak\n"), "{out}");
    assert_eq!(ran.err(), "");
}

#[test]
fn a_gate_that_hides_that_its_tool_is_missing_is_found_and_the_action_is_not_run_for_real() {
    let stage = Stage::new(&gated(LEAKY));
    let ran = stage.run(&["drill"]);
    assert_eq!(ran.code, 1, "{}", ran.err());
    assert!(ran.out().contains("LEAK: check missing-tool: publish ran"), "{}", ran.out());
    assert!(!stage.has("published"));
    let ran = stage.run(&["drill", "--format", "json"]);
    assert_eq!(ran.code, 1);
    let answer = ran.json();
    assert_eq!((&answer["schema"], &answer["leaks"]), (&"fuseboard.drill/1".into(), &1.into()));
    let leak = &answer["exercises"][2];
    assert_eq!(
        *leak,
        serde_json::json!({
            "step": "check", "kind": "gate", "fault": "missing-tool", "finding": "leak", "why": "publish ran",
            "status": "success", "reason": null, "verdict": "pass", "said": null,
            "behind": [{"step": "publish", "ran": true}],
        })
    );
}

#[test]
fn a_tool_that_is_missing_late_is_found_missing() {
    let stage = Stage::new(&gated("run = ['sh', '-c', '/bin/sleep 1.5; no-such-linter || true']\n"));
    let ran = stage.run(&["drill"]);
    assert!(ran.out().contains("LEAK: check missing-tool"), "{}", ran.out());
}

#[test]
fn rules_that_are_not_watched_are_not_said_to_hold() {
    let stage = Stage::new(&gated("run = './check.sh --strict'\nshell = true\n"));
    stage.world.script("check.sh", "exit 1");
    let ran = stage.run(&["drill"]);
    assert!(ran.out().contains("check changed-rules: not planted: its command names no file"), "{}", ran.out());
    assert!(ran.out().ends_with("5 faults planted, no leak\n"), "{}", ran.out());
}

#[test]
fn a_drill_leaves_no_trace() {
    let stage = Stage::new(&gated("run = ['true']"));
    let [before, runs] = ["status", "runs"].map(|word| stage.run(&[word, "--format", "json"]).out());
    let temporary = stage.beside("temporary");
    std::fs::create_dir(&temporary).expect("a folder");
    let mut command = stage.surrounded(stage.world.command(&["drill"]));
    command.env("TMPDIR", &temporary);
    assert_eq!(finish(command).code, 0);
    assert_eq!(std::fs::read_dir(&temporary).expect("a folder").count(), 0);
    assert_eq!(stage.run(&["status", "--format", "json"]).out(), before);
    assert_eq!(stage.run(&["runs", "--format", "json"]).out(), runs);
}

#[test]
fn a_broken_or_untrusted_configuration_is_not_drilled() {
    let stage = Stage::new("[[step]]\nname = 'x'\n");
    assert_eq!(stage.run(&["drill"]).code, 78);
    let stage = Stage::new("");
    assert!(stage.run(&["drill"]).out().contains("nothing to drill"));
    std::fs::write(stage.world.path("fuseboard.toml"), gated("run = ['true']")).expect("a file");
    let ran = stage.run(&["drill"]);
    assert_eq!(ran.code, 78, "{}", ran.err());
    assert!(ran.err().contains("fuseboard trust"), "{}", ran.err());
}
