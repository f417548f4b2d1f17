//! `hooks`: programs in a folder are steps of their own, each with its circuit.

mod mission_stage;
mod world;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use mission_stage::Stage;

const HOOKS: &str = "[[step]]\nname = 'hooks'\nuses = 'hooks'\ntimeout = '2s'\n\
                     [[step]]\nname = 'behind'\nkind = 'recorder'\nrun = ['sh', '-c', 'cat ../ran']\nafter = ['hooks']\n";

fn hook(stage: &Stage, name: &str, body: &str) {
    let folder = stage.beside("config/fuseboard/hooks.d/after-mission");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(name), format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn programs_run_in_order_and_one_that_fails_keeps_no_other_from_running() {
    let stage = Stage::new(HOOKS);
    hook(&stage, "30-last.sh", "echo last >>../ran");
    hook(&stage, "10-First", "echo first $FUSEBOARD_JOB_TITLE >>../ran; grep -q '\"schema\"' ");
    hook(&stage, "20-broken", "echo broken >>../ran; exit 3");
    hook(&stage, "25-hangs", "sleep 30");
    let flown = stage.fly(&["--title", "mend"], "true");
    assert_eq!(flown.code(), 0, "{}", flown.told());
    let ends =
        ["hooks.10-first", "hooks.20-broken", "hooks.25-hangs", "hooks.30-last.sh"].map(|name| flown.end_of(name));
    assert_eq!(ends.map(|(status, _)| status), ["success", "failed", "timed-out", "success"], "{}", flown.told());
    assert_eq!(stage.read("ran"), "first mend\nbroken\nlast\n");
    assert_eq!(flown.row("behind")["output"]["stdout"], "first mend\nbroken\nlast\n", "it waited for all of them");
    assert_eq!(flown.word("hooks.20-broken", "circuit"), "work/hooks.20-broken");
    stage.fly(&[], "true");
    let third = stage.fly(&[], "true");
    assert_eq!(third.end_of("hooks.20-broken"), ("skipped", "circuit-open"));
    assert_eq!(third.end_of("hooks.30-last.sh").0, "success");
}

#[test]
fn one_that_crashes_and_one_that_cannot_be_started_keep_no_other_from_running() {
    let stage = Stage::new(HOOKS);
    hook(&stage, "10-crashes", "kill -9 $$");
    hook(&stage, "30-last", "echo last >>../ran");
    let alone = stage.beside("config/fuseboard/hooks.d/after-mission/20-alone");
    fs::write(&alone, "#!/no/such/interpreter\n").unwrap();
    fs::set_permissions(alone, fs::Permissions::from_mode(0o755)).unwrap();
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.code(), 0, "{}", flown.told());
    let failures = ["hooks.10-crashes", "hooks.20-alone", "hooks.30-last"].map(|name| flown.word(name, "failure"));
    assert_eq!(failures, ["signal", "spawn", ""], "{}", flown.told());
    assert_eq!(stage.read("ran"), "last\n");
    assert_eq!(stage.world.circuit("work/hooks.10-crashes")["last_failure"]["kind"], "signal");
    assert_eq!(stage.world.circuit("work/hooks.20-alone")["state"], "open", "to try again is of no use");
}

#[test]
fn they_are_selected_together_or_alone() {
    let stage = Stage::new(HOOKS);
    hook(&stage, "a", "echo a >>../ran");
    hook(&stage, "b", "echo b >>../ran");
    assert_eq!(stage.fly(&["--skip", "hooks"], "true").end_of("hooks.a"), ("skipped", "not-selected"));
    stage.fly(&["--only", "hooks.b"], "true");
    assert_eq!(stage.read("ran"), "b\n");
    stage.fly(&["--only", "hooks"], "true");
    assert_eq!(stage.read("ran"), "b\na\nb\n");
}

#[test]
fn no_program_is_not_applicable_and_no_folder_is_an_error_that_the_circuit_sees() {
    let stage = Stage::new(HOOKS);
    assert_eq!(stage.fly(&[], "true").end_of("hooks").0, "not-applicable");
    fs::create_dir_all(stage.beside("config/fuseboard/hooks.d")).unwrap();
    fs::write(stage.beside("config/fuseboard/hooks.d/after-mission"), "a file").unwrap();
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.end_of("hooks").0, "failed");
    assert!(flown.word("hooks", "detail").contains("cannot be read"), "{}", flown.told());
    assert_eq!(stage.world.circuit("work/hooks")["failures"], 1);
}

#[test]
fn what_the_agent_adds_or_changes_does_not_run() {
    let stage = Stage::new("");
    stage.configure(&HOOKS.replace("timeout = '2s'", "with = { folder = '../../work/hooks' }"));
    fs::create_dir_all(stage.world.path("hooks")).unwrap();
    for name in ["a", "b"] {
        stage.world.script(&format!("hooks/{name}"), &format!("echo {name} >>../ran"));
    }
    stage.git("git add -A; git commit -qm hooks");
    let agent = "echo 'touch ../evil' >>hooks/a; cp hooks/b hooks/c; git commit -qam changed";
    let flown = stage.fly(&[], agent);
    assert_eq!(flown.end_of("hooks.a"), ("skipped", "untrusted"), "{}", flown.told());
    assert_eq!(stage.read("ran"), "b\n", "neither the changed one nor the new one");
    assert!(!stage.has("evil"));
}

#[test]
fn what_an_earlier_agent_left_in_the_repository_does_not_run_in_the_next_mission() {
    let stage = Stage::new("");
    stage.configure(&HOOKS.replace("timeout = '2s'", "with = { folder = '../../work/hooks' }"));
    let plant =
        "mkdir hooks; printf '#!/bin/sh\\ntouch ../evil\\n' >hooks/z; chmod +x hooks/z; echo hooks >>.git/info/exclude";
    stage.fly(&[], plant);
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.end_of("hooks.z"), ("skipped", "untrusted"), "{}", flown.told());
    assert!(flown.word("hooks.z", "detail").contains("is not in the base commit"), "{}", flown.told());
    assert!(!stage.has("evil"));
    // By a link from outside neither.
    stage.configure(HOOKS);
    hook(&stage, "own", "true");
    std::os::unix::fs::symlink(stage.world.path("hooks/z"), stage.beside("config/fuseboard/hooks.d/after-mission/y"))
        .unwrap();
    let flown = stage.fly(&[], "true");
    assert_eq!((flown.end_of("hooks.own").0, flown.end_of("hooks.y").1), ("success", "untrusted"), "{}", flown.told());
    assert!(!stage.has("evil"));
}

#[test]
fn a_crowd_of_programs_is_an_error() {
    let stage = Stage::new(HOOKS);
    for number in 0..101 {
        hook(&stage, &format!("h{number}"), "true");
    }
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.end_of("hooks").0, "failed", "{}", flown.told());
    assert!(flown.word("hooks", "detail").contains("101 programs are more than 100"), "{}", flown.told());
}
