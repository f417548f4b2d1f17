//! What judges the agent's work is frozen before the agent starts: nothing that it changes takes effect in that run.

mod mission_stage;
mod world;

use std::fs;

use mission_stage::Stage;

const GATED: &str = "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['sh', '-c', 'exit 1']\n\
                     [[step]]\nname = 'publish'\nkind = 'action'\ngated_by = ['check']\nrun = ['touch', '../published']\n";

const LAX: &str = "[[step]]\nname = 'publish'\nkind = 'action'\nrun = ['touch', '../published']\n";

/// A repository with a configuration of its own.
fn stage(config: &str) -> Stage {
    let stage = Stage::new("");
    fs::remove_dir_all(stage.beside("config/fuseboard")).unwrap();
    fs::write(stage.world.path("fuseboard.toml"), config).unwrap();
    stage.git("git add -A; git commit -qm config");
    stage
}

fn trusted(config: &str) -> Stage {
    let stage = stage(config);
    let ran = stage.run(&["trust"]);
    assert_eq!(ran.code, 0, "{}", ran.err());
    stage
}

#[test]
fn a_configuration_that_the_agent_edits_changes_nothing_in_that_run() {
    let stage = trusted(GATED);
    let edit = format!("cat >fuseboard.toml <<'E'\n{LAX}E\ngit commit -qam lax");
    let flown = stage.fly(&[], &edit);
    assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    assert_eq!(flown.word("check", "why"), "exited with code 1 and said nothing", "{}", flown.told());
}

#[test]
fn a_configuration_that_the_agent_removes_or_breaks_changes_nothing_in_that_run() {
    for edit in
        ["git rm -q fuseboard.toml; git commit -qm gone", "echo '[[step' >fuseboard.toml; git commit -qam broken"]
    {
        let stage = trusted(GATED);
        let flown = stage.fly(&[], edit);
        assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    }
}

#[test]
fn the_next_run_goes_by_the_version_trusted_last_and_that_is_said_once() {
    let stage = trusted(GATED);
    stage.git(&format!("cat >fuseboard.toml <<'E'\n{LAX}E\ngit commit -qam lax"));
    let flights = [(); 2].map(|()| stage.fly(&[], "true"));
    for flown in &flights {
        assert!(flown.code() == 77 && !stage.has("published"), "{}", flown.told());
    }
    let news = flights
        .each_ref()
        .map(|flown| flown.ran.lines().iter().filter(|line| line.contains("has changed since")).count());
    assert_eq!(news, [1, 0], "{}", flights[0].ran.err());
    assert_eq!(stage.run(&["trust"]).code, 0);
    assert_eq!(stage.fly(&[], "true").code(), 0);
    assert!(stage.has("published"));
}

#[test]
fn an_untrusted_configuration_starts_nothing_and_says_what_to_do() {
    let stage = stage(LAX);
    let flown = stage.fly(&[], "touch ../agent");
    assert_eq!(flown.ran.code, 78, "{}", flown.ran.err());
    assert!(!stage.has("agent") && !stage.has("published"), "{}", flown.ran.err());
    assert!(flown.ran.err().contains("fuseboard trust"), "{}", flown.ran.err());
    assert_eq!(stage.after(&[]).ran.code, 78);
    assert!(!stage.has("published"));
    assert_eq!(stage.fly(&["--trust"], "touch ../agent").code(), 0);
    assert!(stage.has("agent") && stage.has("published"));
    fs::remove_file(stage.beside("agent")).unwrap();
    assert_eq!(stage.fly(&[], "touch ../agent").ran.code, 78, "--trust counts for that call");
    assert!(!stage.has("agent"));
}

#[test]
fn trust_is_by_content_and_another_worktree_shares_it() {
    let stage = trusted(LAX);
    stage.git("git worktree add -q ../other");
    let mut command = stage.command(&[], "true");
    command.current_dir(stage.beside("other"));
    let flown = stage.flown(world::finish(command));
    assert_eq!(flown.code(), 0, "{}", flown.told());
    assert_eq!(flown.report["job"]["project"]["name"], "work");
}

#[test]
fn a_broken_configuration_costs_no_token_and_tells_every_error() {
    let broken = "[pipelin]\njobs = 2\n[[step]]\nname = 'check'\nkind = 'gat'\nrun = ['true']\n[[step]]\nname = 'publish'\n\
                  kind = 'action'\ngated_by = ['chekc']\nrun = []\n[[step]]\nname = 'm'\nuses = 'merge'\n";
    let stage = trusted(LAX);
    stage.configure(broken);
    fs::remove_file(stage.world.path("fuseboard.toml")).unwrap();
    for words in [&["mission", "--", "touch", "../agent"][..], &["after"]] {
        let ran = stage.run(words);
        assert_eq!(ran.code, 78, "{}", ran.err());
        assert!(!stage.has("agent"), "{}", ran.err());
        for part in ["`pipelin`", "gate", "`chekc`", "check", "gated_by", ":1:", ":5:", ":10:"] {
            assert!(ran.err().contains(part), "{part} is missing in {}", ran.err());
        }
    }
}

#[test]
fn what_is_pinned_is_what_the_steps_name_in_the_repository_by_whatever_path() {
    let absolute = |stage: &Stage| stage.world.path("check.sh").canonicalize().unwrap().display().to_string();
    let through_a_link = |stage: &Stage| {
        let beside = stage.beside("").canonicalize().unwrap();
        std::os::unix::fs::symlink(stage.world.path(""), beside.join("link")).unwrap();
        beside.join("link/check.sh").display().to_string()
    };
    let upwards: fn(&Stage) -> String = |_| "../work/check.sh".to_owned();
    for path in [absolute as fn(&Stage) -> String, through_a_link, upwards] {
        let stage = Stage::new("");
        stage.world.script("check.sh", "exit 1");
        stage.git("git add -A; git commit -qm check");
        let words = format!("['sh', '{}']", path(&stage));
        stage.configure(&GATED.replace("['sh', '-c', 'exit 1']", &words));
        let flown = stage.fly(&[], "echo 'exit 0' >check.sh; git commit -qam sure");
        assert!(!stage.has("published"), "PASSED by {words}: {}", flown.told());
        assert_eq!(flown.end_of("check"), ("skipped", "untrusted"), "{words}: {}", flown.told());
    }
}

#[test]
fn what_is_pinned_lies_anywhere_in_the_repository_not_in_the_folder_of_the_call_alone() {
    let stage = Stage::new("");
    stage.world.script("check.sh", "exit 1");
    stage.git("mkdir below; touch below/file; git add -A; git commit -qm check");
    let path = stage.world.path("check.sh").canonicalize().unwrap().display().to_string();
    for word in [path.as_str(), "../check.sh"] {
        stage.configure(&GATED.replace("['sh', '-c', 'exit 1']", &format!("['sh', '{word}']")));
        let mut command = stage.command(&[], "echo 'exit 0' >../check.sh; git commit -qam sure; git status --short");
        command.current_dir(stage.world.path("below"));
        let flown = stage.flown(world::finish(command));
        assert_eq!(flown.end_of("check"), ("skipped", "untrusted"), "{word}: {}", flown.told());
        stage.git("git reset -q --hard HEAD~");
    }
}
