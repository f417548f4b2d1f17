//! What passes: each gate that the action waits for said so, in this run, on this commit.

mod mission_stage;
mod world;

use mission_stage::{Stage, gated};

#[test]
fn a_gate_that_passes_on_a_clean_tree_lets_the_action_run() {
    let stage = Stage::new(&gated("run = ['sh', '-c', 'touch made-by-the-gate']"));
    let flown = stage.fly(&[], "echo two >>tracked; git commit -qam work");
    assert!(stage.has("published"), "{}", flown.told());
    let row = flown.row("check");
    assert_eq!((&row["verdict"], &row["evaluated"]), (&"pass".into(), &true.into()), "{}", flown.told());
    assert_eq!(row["commit"], flown.report["job"]["project"]["commit"], "{}", flown.told());
    assert_eq!((flown.code(), &flown.report["result"]), (0, &"success".into()), "{}", flown.told());
}

#[test]
fn an_ignored_file_is_no_stranger_and_an_untracked_one_may_be_allowed() {
    let stage = Stage::new(&gated("run = ['true']"));
    stage.git("echo built >.gitignore; git add -A; git commit -qm ignore");
    assert_eq!(stage.fly(&[], "touch built").code(), 0);
    stage.configure(&gated("[pipeline]\nuntracked = 'allow'\n---\nrun = ['true']"));
    assert_eq!(stage.fly(&[], "touch stray").code(), 0);
}

#[test]
fn every_gate_that_an_action_names_must_pass() {
    let two = |first: &str| {
        format!(
            "[[step]]\nname = 'other'\nkind = 'gate'\nrun = ['sh', '-c', '{first}']\n{}",
            gated("run = ['true']").replace("['check']", "['check', 'other']")
        )
    };
    let stage = Stage::new(&two("exit 1"));
    let flown = stage.fly(&[], "true");
    assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    assert_eq!(flown.row("publish")["blocked_by"].as_array().unwrap().len(), 1, "{}", flown.told());
    stage.configure(&two("exit 0"));
    assert_eq!(stage.fly(&[], "true").code(), 0);
    assert!(stage.has("published"));
}

#[test]
fn outside_of_a_repository_a_verdict_is_bound_to_no_commit() {
    let stage = Stage::new(&gated("run = ['true']"));
    stage.git("rm -rf .git");
    let flown = stage.fly(&[], "true");
    assert!(flown.code() == 0 && stage.has("published"), "{}", flown.told());
    assert!(flown.row("check")["commit"].is_null(), "{}", flown.told());
}

/// Each gate's end is followed by a look at the tree: that look must end nobody else's processes.
#[test]
fn gates_that_end_side_by_side_do_not_end_each_other() {
    let gates: Vec<String> = (0..8)
        .map(|n| {
            let script = format!("for i in 1 2 3 4 5 6; do sleep 0.0{n}; done; (sleep 0.0{n}; :) & wait");
            format!("[[step]]\nname = 'gate{n}'\nkind = 'gate'\nrun = ['sh', '-c', '{script}']\n")
        })
        .collect();
    let gates = gates.concat();
    let stage = Stage::new(&format!("[pipeline]\njobs = 8\n{gates}"));
    for _ in 0..3 {
        let flown = stage.fly(&[], "true");
        assert_eq!(flown.code(), 0, "{}", flown.told());
    }
}
