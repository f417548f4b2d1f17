//! The gate `verify`, on real repositories: each check in each of its results.

mod stage;

use std::fs;
use std::path::Path;

use fuseboard::FailureKind;
use fuseboard_mission::steps::verify::Verify;
use fuseboard_pipeline::process::Deadline;
use serde_json::Value;
use stage::{Stage, blocked, passed, step};
use std::time::Duration;

fn gate(options: &str) -> Verify {
    step(options, Verify::read).unwrap()
}

/// Result and reason of a check.
#[track_caller]
fn of<'o>(output: &'o Value, check: &str) -> (&'o str, &'o str) {
    let checks = output["checks"].as_array().unwrap();
    let found = checks.iter().find(|found| found["name"] == check).unwrap();
    (found["result"].as_str().unwrap(), found["why"].as_str().unwrap())
}

/// Runs the gate, which passes, and gives this check.
#[track_caller]
fn check(stage: &Stage, check: &str) -> (String, String) {
    let (_, output) = passed(stage.run(&gate("")));
    let (result, why) = of(&output, check);
    (result.to_owned(), why.to_owned())
}

/// A remote that has `main`, as long as this is kept.
fn with_remote(stage: &Stage) -> tempfile::TempDir {
    let remote = tempfile::tempdir().unwrap();
    let folder = remote.path().to_str().unwrap();
    stage.git(&["init", "-q", "--bare", "-b", "main", folder]);
    stage.git(&["remote", "add", "origin", folder]);
    stage.git(&["push", "-q", "origin", "main"]);
    remote
}

#[test]
fn every_check_is_told_in_its_order_and_warnings_do_not_block() {
    let stage = Stage::new(&[("a.py", b"1\n")]);
    stage.commit_as("wip", &[("a.py", b"2\n")]);
    let (detail, output) = passed(stage.run(&gate("")));
    let names: Vec<&str> =
        output["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["diff", "tests", "pull-request", "ahead", "pushed", "fixup", "subjects", "paths"]);
    assert_eq!(
        detail,
        "2 warn, 2 pass, 4 skip; tests: product code is changed and no test is: a.py; fixup: commits that were to go: \
         \"wip\""
    );
    assert!(output["rerun"].is_null());
}

#[test]
fn a_code_mission_that_changes_nothing_blocks() {
    let mut stage = Stage::new(&[("a.py", b"1\n")]);
    let why = "diff: the work changes nothing";
    assert_eq!(blocked(stage.run(&gate(""))).0, why);
    stage.commit_as("add it", &[("b.py", b"1\n")]);
    stage.git(&["rm", "-q", "b.py"]);
    stage.commit_as("take it away", &[]);
    let (blocked_why, output) = blocked(stage.run(&gate("")));
    assert_eq!((blocked_why.as_str(), of(&output, "ahead").0), (why, "pass"));
    stage.job.mode = Some("Review".to_owned());
    assert_eq!(check(&stage, "diff").0, "skip");
    stage.job.mode = Some("build".to_owned());
    blocked(stage.run(&gate("")));
    passed(stage.run(&gate("not_code = ['build']")));
    stage.commit(&[("b.py", b"1\n")]);
    assert_eq!(check(&stage, "diff"), ("pass".to_owned(), "1 file is changed".to_owned()));
}

#[test]
fn an_empty_diff_only_warns_if_it_is_not_in_block_on() {
    let stage = Stage::new(&[]);
    let (_, output) = passed(stage.run(&gate("block_on = ['fixup']")));
    assert_eq!(of(&output, "diff"), ("warn", "the work changes nothing"));
}

#[test]
fn product_code_without_tests_is_told() {
    for (files, result) in [
        (&["src/a.py"][..], "warn"),
        (&["src/a.py", "tests/test_a.py"], "pass"),
        (&["README.md", "settings.toml", "Cargo.lock"], "skip"),
        (&["tests/test_a.py"], "skip"),
        (&["src/a.rs"], "warn"),
    ] {
        let stage = Stage::new(&[]);
        let files: Vec<(&str, &[u8])> = files.iter().map(|&name| (name, &b"x\n"[..])).collect();
        stage.commit(&files);
        assert_eq!(check(&stage, "tests").0, result, "{files:?}");
    }
    let stage = Stage::new(&[("tests/test_a.py", b"1\n")]);
    stage.git(&["rm", "-q", "tests/test_a.py"]);
    stage.commit(&[("src/a.py", b"1\n")]);
    assert_eq!(check(&stage, "tests").0, "warn", "a test that is gone is none");
    stage.commit(&[("src/b.rs", b"#[cfg(test)]\nmod tests {\n    #[test]\n    fn b() {}\n}\n")]);
    assert_eq!(check(&stage, "tests").0, "pass", "a test within its file");
}

#[test]
fn commits_that_the_base_has_not_are_counted() {
    let mut stage = Stage::new(&[]);
    let (_, output) = blocked(stage.run(&gate("")));
    assert_eq!(of(&output, "ahead"), ("warn", "there is no commit that the base has not"));
    stage.job.mode = Some("plan".to_owned());
    assert_eq!(check(&stage, "ahead").0, "skip");
    stage.commit(&[("a", b"1\n")]);
    stage.commit(&[("a", b"2\n")]);
    assert_eq!(check(&stage, "ahead"), ("pass".to_owned(), "2 commits ahead of the base".to_owned()));
}

#[test]
fn a_branch_is_pushed_if_it_stands_on_its_remote_as_here() {
    let stage = Stage::new(&[("a", b"1\n")]);
    stage.commit(&[("a", b"2\n")]);
    assert_eq!(check(&stage, "pushed").1, "there is no remote");
    let _remote = with_remote(&stage);
    assert_eq!(check(&stage, "pushed"), ("warn".to_owned(), "work is not on origin".to_owned()));
    stage.git(&["push", "-q", "origin", "work"]);
    assert_eq!(check(&stage, "pushed").0, "pass");
    stage.commit(&[("a", b"3\n")]);
    let (result, why) = check(&stage, "pushed");
    assert!(result == "warn" && why.ends_with(", not as here"), "{why}");
    assert!(blocked(stage.run(&gate("block_on = ['pushed']"))).0.starts_with("pushed: work stands on origin at "));
    stage.git(&["switch", "-q", "--detach"]);
    assert_eq!(check(&stage, "pushed"), ("warn".to_owned(), "the work is on no branch".to_owned()));
}

#[test]
fn a_remote_that_the_work_moved_shows_nothing() {
    let mut stage = Stage::new(&[("a", b"1\n")]);
    stage.commit(&[("a", b"2\n")]);
    let _remote = with_remote(&stage);
    stage.git(&["push", "-q", "origin", "work"]);
    let git = fuseboard_mission::git::Git::at(
        stage.path(),
        Deadline::NEVER,
        &fuseboard_pipeline::process::Interrupt::never(),
    );
    stage.before.publishing = git.publishing();
    assert_eq!(check(&stage, "pushed").0, "pass");
    stage.git(&["remote", "remove", "origin"]);
    let (result, why) = check(&stage, "pushed");
    assert!(result == "warn" && why.starts_with("where the base is published has changed"), "{why}");
}

#[test]
fn a_remote_that_does_not_answer_gives_no_verdict() {
    let stage = Stage::new(&[("a", b"1\n")]);
    stage.commit(&[("a", b"2\n")]);
    stage.git(&["remote", "add", "origin", ".git/nowhere.git"]);
    let error = stage.run(&gate("")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Error));
    assert!(error.message.starts_with("pushed crashed: cannot tell: git ls-remote: "), "{error}");
    assert!(error.message.ends_with("(1 crashed, 3 pass, 4 skip)"), "{error}");
}

#[test]
fn a_configuration_that_could_run_programs_gives_no_verdict() {
    let stage = Stage::new(&[("a", b"1\n")]);
    let _remote = with_remote(&stage);
    stage.commit(&[("a", b"2\n")]);
    stage.git(&["config", "core.sshCommand", "touch ran"]);
    let error = stage.run(&gate("pull_request = true")).unwrap_err();
    for crashed in ["pull-request crashed: cannot tell: ", "pushed crashed: cannot tell: "] {
        assert!(error.message.contains(crashed), "{error}");
    }
    assert!(!stage.path().join("ran").exists());
}

#[test]
fn commits_that_were_to_go_are_named() {
    let stage = Stage::new(&[]);
    stage.commit_as("mend \u{1b}[31mit", &[("a", b"1\n")]);
    assert_eq!(check(&stage, "fixup"), ("pass".to_owned(), "no commit is left for later".to_owned()));
    for subject in ["fixup! mend it", "WIP: more", "squash! x", "amend! y"] {
        stage.commit_as(subject, &[("a", subject.as_bytes())]);
    }
    let (result, why) = check(&stage, "fixup");
    assert_eq!(why, "commits that were to go: \"amend! y\", \"squash! x\", \"WIP: more\" and 1 more");
    assert_eq!(result, "warn");
    assert!(blocked(stage.run(&gate("block_on = ['diff', 'fixup']"))).0.starts_with("fixup: commits that were to go"));
    assert_eq!(of(&blocked(Stage::new(&[]).run(&gate(""))).1, "fixup").0, "skip");
}

#[test]
fn no_setting_of_the_repository_hides_a_subject() {
    let stage = Stage::new(&[]);
    stage.commit_as("fixup! x", &[("a", b"1\n")]);
    for encoding in ["UTF-16", "IBM037"] {
        stage.git(&["config", "i18n.logOutputEncoding", encoding]);
        assert_eq!(check(&stage, "fixup").0, "warn", "{encoding}");
    }
}

#[test]
fn subjects_follow_the_convention_of_the_base() {
    for (base, work, result) in [
        (&["feat: a", "fix(b)!: c", "docs: d", "test: e"][..], "feat: x", "pass"),
        (&["feat: a", "fix(b)!: c", "docs: d", "test: e"], "Add x", "warn"),
        (&["feat: a", "fix(b)!: c", "docs: d"], "Add x", "skip"),
        (&["feat: a", "Add b", "Mend c", "docs: d"], "Add x", "skip"),
        (&["AB-1 a", "AB-2 b", "c (AB-3)", "AB-4: d"], "x, AB-9", "pass"),
        (&["AB-1 a", "AB-2 b", "c (AB-3)", "AB-4: d"], "x", "warn"),
        (&["feat: AB-1 a", "feat: AB-2 b", "fix: AB-3 c", "fix: AB-4 d"], "fix: x", "warn"),
        (&["feat: AB-1 a", "feat: AB-2 b", "fix: AB-3 c", "fix: AB-4 d"], "fix: AB-5 x", "pass"),
    ] {
        let stage = Stage::new(&[]);
        // The first commit of the stage is one that follows no convention: 4 of 5 do.
        for subject in base {
            stage.commit_as(subject, &[("a", subject.as_bytes())]);
        }
        stage.git(&["branch", "-q", "-f", "main", "work"]);
        stage.commit_as(work, &[("b", b"1\n")]);
        let (told, why) = check(&stage, "subjects");
        assert_eq!(told, result, "{base:?} {work}: {why}");
        // A merge is git's own subject.
        stage.git(&["switch", "-q", "-c", "side", "main"]);
        stage.commit_as(work, &[("c", b"1\n")]);
        stage.git(&["switch", "-q", "work"]);
        stage.git(&["merge", "-q", "--no-ff", "-m", "Merge side", "side"]);
        assert_eq!(check(&stage, "subjects").0, result, "{base:?} {work}");
    }
    assert_eq!(of(&blocked(Stage::new(&[]).run(&gate(""))).1, "subjects").0, "skip");
}

#[test]
fn what_is_changed_has_to_do_with_the_title() {
    for (title, path, subject, result) in [
        (Some("Fix the JSON parser"), "src/parse.py", "x", "pass"),
        (Some("Fix the JSON parsers"), "src/JsonParser.py", "x", "pass"),
        (Some("Fix the parser"), "src/other.py", "mend parsers", "pass"),
        (Some("Fix the parser"), "src/lexer.py", "x", "warn"),
        (Some("Please update this with more"), "src/lexer.py", "x", "skip"),
        (None, "src/lexer.py", "x", "skip"),
    ] {
        let mut stage = Stage::new(&[]);
        stage.job.title = title.map(str::to_owned);
        stage.commit_as(subject, &[(path, b"1\n")]);
        let (told, why) = check(&stage, "paths");
        assert_eq!(told, result, "{title:?} {path}: {why}");
    }
    let mut stage = Stage::new(&[]);
    stage.job.title = Some("Fix the parser".to_owned());
    assert_eq!(of(&blocked(stage.run(&gate(""))).1, "paths"), ("skip", "nothing is changed"));
}

#[test]
fn what_cannot_be_told_of_the_diff_is_no_verdict() {
    let mut stage = Stage::new(&[]);
    assert_eq!(
        stage.run(&gate("base = 'nowhere'")).unwrap_err().message,
        "cannot tell: the base nowhere is no commit here"
    );
    stage.deadline = Deadline::after(Duration::ZERO);
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, None);
    stage.deadline = Deadline::NEVER;
    fs::remove_dir_all(stage.path().join(".git")).unwrap();
    assert_eq!(stage.run_in(Path::new(""), &gate("")).unwrap_err().message, "not a git repository");
}

#[test]
fn options_are_checked() {
    for (options, message) in [
        ("block_on = []", "`block_on` is empty: nothing could ever block"),
        ("block_on = ['dif']", "did you mean `diff`?"),
        ("block_on = ['pull-request']", "`block_on` has pull-request, which is not asked for"),
        ("block_on = 'diff'", "`block_on` must be a list of words"),
        ("reruns = 3", "`reruns` must be"),
        ("pull_request = 'yes'", "`pull_request` must be true or false"),
        ("not_cod = ['x']", "did you mean `not_code`?"),
    ] {
        let errors = step(options, Verify::read).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }
    assert_eq!(gate(""), Verify::default());
    assert_eq!(
        gate("block_on = ['diff']\nnot_code = ['research', 'review', 'plan', 'report']\nreruns = 0"),
        Verify::default()
    );
}
