//! What an agent may try so that its work passes unjudged, or goes elsewhere.

mod mission_stage;
mod world;

use mission_stage::Stage;

/// A gate that finds a file `bad`, and the merge behind it.
const STEPS: &str = "\
[[step]]
name = 'check'
kind = 'gate'
run = ['sh', 'check.sh']

[[step]]
name = 'merge'
uses = 'merge'
gated_by = ['check']
";

const WORK: &str = "git switch -qc agent/work; touch bad; git add bad; git commit -qm work";

fn stage() -> Stage {
    let stage = Stage::new(STEPS);
    stage.git("echo 'test ! -e bad' >check.sh; git add check.sh; git commit -qm check");
    stage
}

/// Where main stands after a mission of this agent, and before it.
fn main_moves(stage: &Stage, agent: &str) -> bool {
    stage.git("git rev-parse main >../before");
    stage.fly(&[], agent);
    stage.git("git rev-parse main >../after");
    stage.read("before") != stage.read("after")
}

#[test]
fn honest_work_is_merged_and_bad_work_is_not() {
    assert!(main_moves(&stage(), "git switch -qc agent/work; touch good; git add good; git commit -qm work"));
    assert!(!main_moves(&stage(), WORK));
}

#[test]
fn a_file_that_the_index_hides_is_judged_all_the_same() {
    for hide in [
        "git update-index --skip-worktree bad; rm bad",
        "git update-index --assume-unchanged bad; rm bad",
        "git sparse-checkout set --no-cone '/*' '!/bad'",
        "rm bad",
    ] {
        assert!(!main_moves(&stage(), &format!("{WORK}; {hide}")), "{hide}");
    }
}

#[test]
fn a_gate_changed_by_the_agent_does_not_judge() {
    assert!(!main_moves(&stage(), &format!("{WORK}; echo 'exit 0' >check.sh; git commit -qam gate")));
}

#[test]
fn a_linter_whose_rules_the_agent_softens_does_not_judge() {
    let stage = Stage::new(
        "[[step]]\nname = 'lint'\nuses = 'lint'\nwith = { command = ['sh', '-c', 'grep -qv x $0', 'rules', '{files}'], \
         rules = ['rules'] }\n\n[[step]]\nname = 'merge'\nuses = 'merge'\ngated_by = ['lint']\n",
    );
    stage.git("echo x >rules; git add rules; git commit -qm rules");
    let flown = stage.fly(&[], WORK);
    assert_eq!(flown.word("lint", "verdict"), "block", "{}", flown.told());
    let flown = stage.fly(&[], "echo y >rules; git commit -qam soften");
    assert_eq!(flown.end_of("lint"), ("skipped", "untrusted"), "{}", flown.told());
    assert_eq!(flown.word("lint", "why"), "no verdict: rules changed: rules", "{}", flown.told());
}

#[test]
fn a_pipeline_inside_a_mission_takes_no_configuration_from_the_agent() {
    let evil = "printf '[[step]]\\nname=\"check\"\\nkind=\"gate\"\\nrun=[\"true\"]\\n[[step]]\\nname=\"merge\"\\n\
                uses=\"merge\"\\ngated_by=[\"check\"]\\n' >../evil.toml";
    for nested in [
        "\"$BIN\" after --config ../evil.toml",
        "FUSEBOARD_CONFIG=../evil.toml \"$BIN\" after",
        "cp ../evil.toml fuseboard.toml; git add -A; git commit -qm conf; \"$BIN\" after --trust",
    ] {
        let stage = stage();
        assert!(!main_moves(&stage, &format!("{WORK}; {evil}; {nested}; echo $? >../nested")), "{nested}");
        assert_eq!(stage.read("nested").trim(), "77", "{nested}");
    }
}

#[test]
fn a_merge_goes_where_it_would_have_gone_before_the_mission() {
    let good = "git switch -qc agent/work; touch good; git add good; git commit -qm work";
    let others = "git init -q --bare ../one.git; git init -q --bare ../other.git; git remote add origin ../one.git; \
                  git remote add other ../other.git; git branch release; git push -q --all origin; \
                  git push -q --all other";
    let pushed = "git push -q origin agent/work; git push -q other agent/work";
    for (base, before, during) in [
        (
            "",
            "git init -q --bare ../other.git",
            "git remote add other ../other.git; git config branch.main.remote other",
        ),
        (
            "",
            "git branch release",
            "mkdir -p .git/refs/remotes/origin; git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/release",
        ),
        ("base = 'release'", others, &format!("{pushed}; git config branch.release.remote other")),
        ("", others, &format!("{pushed}; git config http.proxy http://example.org")),
        ("", others, &format!("{pushed}; git config remote.origin.url ../other.git")),
    ] {
        let stage = stage();
        stage.configure(&format!("{STEPS}with = {{ {base} }}\n"));
        stage.git(before);
        let flown = stage.fly(&[], &format!("{good}; {during}"));
        assert_eq!(flown.word("merge", "reason"), "refused", "{during}: {}", flown.told());
    }
}

#[test]
fn what_work_says_of_branches_of_its_own_does_not_hold_up_the_merge() {
    let stage = stage();
    stage.git("git init -q --bare ../one.git; git remote add origin ../one.git; git push -q -u origin main");
    let flown = stage.fly(
        &[],
        "git switch -qc agent/work; touch good; git add good; git commit -qm work; git push -q -u origin agent/work",
    );
    assert_eq!(flown.word("merge", "status"), "success", "{}", flown.told());
}

#[test]
fn a_program_that_the_agent_puts_on_the_path_in_the_repository_does_not_judge() {
    for program in ["sh", "git"] {
        let stage = stage();
        stage.git("mkdir bin; touch bin/.keep; git add bin; git commit -qm bin; git rev-parse main >../before");
        let real = if program == "git" { "exec /usr/bin/env -u PATH git \"$@\"" } else { "exit 0" };
        let agent = format!(
            "{WORK}; printf '#!/bin/sh\\n{real}\\n' >bin/{program}; chmod +x bin/{program}; git add -A; git commit -qm p"
        );
        let mut command = stage.command(&[], &agent);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}/bin:{path}", stage.world.path(".").display()));
        stage.flown(world::finish(command));
        stage.git("git rev-parse main >../after");
        assert_eq!(stage.read("before"), stage.read("after"), "{program}");
    }
}

#[test]
fn nor_does_one_that_lies_above_the_folder_in_which_the_mission_runs() {
    let stage = stage();
    stage.configure(&STEPS.replace("check.sh", "../check.sh"));
    stage.git("mkdir bin below; touch bin/.keep below/.keep; git add -A; git commit -qm bin");
    let moves = |agent: &str| {
        stage.git("git rev-parse main >../before");
        let mut command = stage.command(&[], &format!("cd ..; {agent}"));
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}/bin:{path}", stage.world.path(".").display()));
        command.current_dir(stage.world.path("below"));
        stage.flown(world::finish(command));
        stage.git("git rev-parse main >../after");
        stage.read("before") != stage.read("after")
    };
    assert!(moves("git switch -qc agent/good; touch good; git add good; git commit -qm work"));
    let program = "printf '#!/bin/sh\nexit 0\n' >bin/sh; chmod +x bin/sh; git add -A; git commit -qm p";
    assert!(!moves(&format!("git switch -q main; {WORK}; {program}")));
}

#[test]
fn a_scanner_that_the_agent_puts_on_the_path_in_the_repository_is_not_asked() {
    let empty = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}, "results": []}]}"#;
    let stage = Stage::new("");
    std::fs::write(stage.beside("empty.sarif"), empty).unwrap();
    let scanners = format!("[['cat', '{}'], ['lint-it']]", stage.beside("empty.sarif").display());
    stage.configure(&format!("[[step]]\nname = 'check'\nuses = 'security'\nwith = {{ scanners = {scanners} }}\n"));
    stage.git("mkdir bin; touch bin/.keep; git add bin; git commit -qm bin");
    let agent =
        "printf '#!/bin/sh\\ncat ../empty.sarif\\n' >bin/lint-it; chmod +x bin/lint-it; git add -A; git commit -qm p";
    let fly = |agent: &str| {
        let mut command = stage.command(&[], agent);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}/bin:{path}", stage.world.path(".").display()));
        stage.flown(world::finish(command))
    };
    let flown = fly(agent);
    assert_eq!((flown.code(), flown.word("check", "reason")), (77, "untrusted"), "{}", flown.told());
    // It does judge once it is there before the agent starts.
    let flown = fly("true");
    assert_eq!((flown.code(), flown.word("check", "verdict")), (0, "pass"), "{}", flown.told());
}
