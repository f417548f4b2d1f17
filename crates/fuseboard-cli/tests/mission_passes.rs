//! What passes: each gate that the action waits for said so, in this run, on this commit.

mod mission_stage;
mod world;

use mission_stage::{Flown, Stage, gated};

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

#[test]
fn what_a_step_declares_to_write_is_no_stranger_in_the_next_run() {
    let stage = Stage::new("");
    let scan = |options: &str| {
        let path = stage.world.path("out.sarif");
        let options = options.replace("PATH", &path.display().to_string());
        stage.configure(&format!("[[step]]\nname = 'scan'\nuses = 'diff-scan'\nwith = {{ {options} }}\n"));
        stage.fly(&[], "true")
    };
    for _ in 0..2 {
        let flown = scan("sarif = 'PATH'");
        assert_eq!(flown.code(), 0, "{}", flown.told());
        assert!(stage.world.path("out.sarif").exists());
    }
    let flown = scan("");
    assert!(flown.word("scan", "why").contains("out.sarif"), "{}", flown.told());
}

#[test]
fn a_report_that_a_step_writes_after_the_job_is_read_and_one_that_the_agent_left_is_not() {
    let stage = Stage::new("");
    let report = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}, "results": []}]}"#;
    std::fs::write(stage.beside("empty.sarif"), report).unwrap();
    let (empty, path) = (stage.beside("empty.sarif"), stage.beside("lint.sarif"));
    let lint = format!(
        "[[step]]\nname = 'lint'\nkind = 'recorder'\nrun = ['cp', '{}', '{}']\n",
        empty.display(),
        path.display()
    );
    let security = |after: &str| {
        let path = path.display();
        format!("[[step]]\nname = 'security'\nuses = 'security'\n{after}with = {{ sarif = ['{path}'] }}\n")
    };
    stage.configure(&format!("{lint}{}", security("after = ['lint']\n")));
    let flown = stage.fly(&[], "true");
    assert_eq!((flown.code(), flown.word("security", "verdict")), (0, "pass"), "{}", flown.told());
    stage.configure(&security(""));
    let flown = stage.fly(&[], &format!("cp {} {}; sleep 0.05", empty.display(), path.display()));
    assert_eq!(flown.code(), 77, "{}", flown.told());
    assert!(flown.word("security", "why").contains("is older than the end of the job"), "{}", flown.told());
}

/// Gates that compare with `scan`, and a merge into `develop`, which lacks a commit of `main`.
fn merged_into_develop(scan: &str) -> Flown {
    let stage = Stage::new(&format!(
        "[[step]]\nname = 'scan'\nuses = 'diff-scan'\n{scan}\n\n[[step]]\nname = 'merge'\nuses = 'merge'\n\
         gated_by = ['scan']\nwith = {{ base = 'develop' }}\n"
    ));
    stage.git(
        "git branch develop; printf 'k = \"AKIA%s\"\\n' IOSFODNN7EXAMPLE >on-main; git add -A; git commit -qm on-main",
    );
    stage.fly(&[], "git switch -qc agent/work; touch more; git add -A; git commit -qm work")
}

#[test]
fn a_merge_publishes_nothing_that_its_gates_did_not_see() {
    let flown = merged_into_develop("");
    assert_eq!(flown.word("scan", "verdict"), "pass", "{}", flown.told());
    assert_eq!(flown.end_of("merge"), ("skipped", "refused"), "{}", flown.told());
    assert!(flown.word("merge", "detail").contains("give it the same `base`"), "{}", flown.told());
    let flown = merged_into_develop("with = { base = 'develop' }");
    assert_eq!(flown.word("scan", "verdict"), "block", "{}", flown.told());
}
