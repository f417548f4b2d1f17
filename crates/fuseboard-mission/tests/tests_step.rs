//! The gate `tests`, on real repositories with real commands.

mod stage;

use std::path::Path;
use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard::record::Holder;
use fuseboard_mission::steps::tests::Tests;
use fuseboard_pipeline::ledger::{RunHead, StoredRun};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::report::{Kind, Status, StepRow, VerdictWord};
use fuseboard_pipeline::step::Answer;
use stage::{Stage, blocked, passed, step};

fn gate(options: &str) -> Tests {
    step(options, Tests::read).unwrap()
}

/// A step that runs this script.
fn script(script: &str) -> Tests {
    gate(&format!("command = ['sh', '-c', '''{script}''']"))
}

fn makefile(recipe: &str) -> Vec<u8> {
    format!("test:\n\t@{recipe}\n").into_bytes()
}

#[test]
fn a_given_command_that_exits_with_0_passes() {
    let stage = Stage::new(&[]);
    let (detail, output) = passed(stage.run(&script("echo 12 passed")));
    assert!(detail.starts_with("sh -c echo 12 passed ran for "), "{detail}");
    assert_eq!((&output["exit_code"], &output["stdout"][0]), (&0.into(), &"12 passed".into()));
}

#[test]
fn failed_tests_block_with_their_count() {
    let stage = Stage::new(&[]);
    let (why, output) = blocked(stage.run(&script("echo === 3 failed, 12 passed ===; echo done; exit 1")));
    assert_eq!(why, "3 failed, 12 passed");
    assert_eq!(output["exit_code"], 1);
}

#[test]
fn another_code_is_no_verdict_unless_it_is_declared() {
    let stage = Stage::new(&[]);
    let error = stage.run(&script("echo broken config >&2; exit 3")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Exit));
    assert!(error.message.ends_with("exited with code 3, which is no verdict: broken config"), "{error}");
    let declared = gate("command = ['sh', '-c', 'exit 3']\nfail_codes = [3, 4]");
    assert_eq!(blocked(stage.run(&declared)).0, "sh -c exit 3 exited with code 3");
    let declared = gate("command = ['sh', '-c', 'exit 1']\nfail_codes = [3, 4]");
    assert_eq!(stage.run(&declared).unwrap_err().kind, Some(FailureKind::Exit));
}

#[test]
fn a_signal_and_a_missing_program_are_no_verdict() {
    let stage = Stage::new(&[]);
    assert_eq!(stage.run(&script("kill -9 $$")).unwrap_err().kind, Some(FailureKind::Signal));
    let error = stage.run(&gate("command = ['no-such-program-here']")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Spawn));
}

#[test]
fn a_cut_run_is_no_verdict_and_tells_how_long_the_last_green_one_took() {
    let mut stage = Stage::new(&[]);
    let holder = Holder::this_process();
    let start = "2026-11-23T00:00:00Z".parse().unwrap();
    let head = RunHead { id: "1".into(), project: "app".into(), started_at: start, holder };
    let row = |verdict, duration_ms| StepRow {
        verdict: Some(verdict),
        evaluated: Some(true),
        duration_ms: Some(duration_ms),
        ..StepRow::new("gate", Kind::Gate, Status::Success)
    };
    let run = |project: &str, row| StoredRun {
        head: RunHead { project: project.to_owned(), ..head.clone() },
        ended_at: None,
        job: None,
        report: None,
        steps: vec![row],
        was_interrupted: false,
    };
    stage.book.0 = vec![
        run("app", row(VerdictWord::Pass, 7_000)),
        run("app", row(VerdictWord::Pass, 42_000)),
        run("app", row(VerdictWord::Block, 1_000)),
        run("other", row(VerdictWord::Pass, 3_000)),
    ];
    stage.deadline = Deadline::after(Duration::from_millis(1500));
    let error = stage.run(&script("sleep 60")).unwrap_err();
    assert_eq!(error.kind, None);
    assert!(error.message.ends_with("; the last run that passed took 42s"), "{error}");
}

#[test]
fn the_command_is_found_in_the_base() {
    let stage = Stage::new(&[("Makefile", &makefile("echo 2 passed"))]);
    let (detail, output) = passed(stage.run(&gate("")));
    assert!(detail.ends_with("found in the base's Makefile"), "{detail}");
    assert_eq!((&output["command"], &output["found_in"]), (&"make test".into(), &"Makefile".into()));
    stage.commit(&[("Makefile", &makefile("echo 1 failed; exit 1"))]);
    let (why, output) = blocked(stage.run(&gate("")));
    assert_eq!(why, "1 failed; the diff changes what defines the command: Makefile");
    assert_eq!(output["exit_code"], 2);
}

#[test]
fn a_command_that_the_work_brings_is_not_run() {
    let stage = Stage::new(&[("a", b"")]);
    stage.commit(&[("Makefile", &makefile("touch ran"))]);
    let answer = stage.run(&gate("")).unwrap();
    assert!(matches!(answer, Answer::NotApplicable(why) if why.starts_with("no test command")));
    assert!(!stage.path().join("ran").exists());
}

#[test]
fn a_command_that_the_work_removed_still_judges_it() {
    let stage = Stage::new(&[("Makefile", &makefile("true"))]);
    stage.git(&["rm", "-q", "Makefile"]);
    stage.commit(&[]);
    let (why, _) = blocked(stage.run(&gate("")));
    assert!(why.ends_with("; the diff changes what defines the command: Makefile"), "{why}");
}

#[test]
fn make_that_cannot_start_the_test_program_gives_no_verdict() {
    let stage = Stage::new(&[("Makefile", &makefile("no-such-program-here"))]);
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, Some(FailureKind::Exit));
}

#[test]
fn a_project_below_the_top_folder_has_its_own_command() {
    let stage = Stage::new(&[("sub/Makefile", &makefile("pwd"))]);
    assert!(matches!(stage.run(&gate("")), Ok(Answer::NotApplicable(_))));
    stage.commit(&[("sub/Makefile", &makefile("echo here"))]);
    let (detail, _) = passed(stage.run_in(Path::new("sub"), &gate("")));
    assert!(detail.contains("changes what defines the command: sub/Makefile"), "{detail}");
}

#[test]
fn work_that_removes_or_shortens_tests_is_told_so() {
    let stage = Stage::new(&[
        ("tests/test_a.py", b"a\nb\nc\n"),
        ("tests/test_b.py", b"a\nb\nc\n"),
        ("test_moved.py", b"a\n"),
        ("run.sh", b"exit 0\n"),
    ]);
    stage.git(&["rm", "-q", "tests/test_a.py", "test_moved.py"]);
    stage.commit(&[("tests/test_b.py", b"a\n"), ("tests/test_moved.py", b"a\n"), ("run.sh", b"exit 0 \n")]);
    let (detail, output) = passed(stage.run(&gate("command = ['sh', './run.sh']")));
    assert!(
        detail.ends_with(
            "; the diff changes what defines the command: run.sh; the diff removes tests: tests/test_a.py; the diff \
             shortens tests: tests/test_b.py"
        ),
        "{detail}"
    );
    assert_eq!(output["diff"]["removed"][0], "tests/test_a.py");
}

#[test]
fn a_given_command_judges_where_git_cannot_tell() {
    let stage = Stage::new(&[]);
    std::fs::remove_dir_all(stage.path().join(".git")).unwrap();
    let (detail, _) = passed(stage.run(&script("true")));
    assert!(detail.ends_with("whether the diff changes the tests is not known: not a git repository"), "{detail}");
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, Some(FailureKind::Error));
}

#[test]
fn what_is_kept_of_the_output_is_bounded_and_plain() {
    let stage = Stage::new(&[]);
    let noisy =
        "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; printf '\\033[31m2 failed\\033[0m\\n'; exit 1";
    let (why, output) = blocked(stage.run(&script(&noisy.replace('\'', "\""))));
    assert_eq!(why, "2 failed");
    assert_eq!(output["stdout"].as_array().unwrap().len(), 40);
}

#[test]
fn options_are_checked() {
    for (options, message) in [
        ("command = []", "`command` names no program"),
        ("command = ['', 'x']", "`command` names no program"),
        ("command = 'make test'", "`command` must be a list"),
        ("fail_codes = [0, 1]", "`fail_codes` has 0"),
        ("comand = ['x']", "did you mean `command`?"),
    ] {
        let errors = step(options, Tests::read).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }
    assert_eq!(gate(""), Tests::default());
}
