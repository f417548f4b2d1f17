//! The gate `lint`, on real repositories with real commands.

mod stage;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard_mission::steps::lint::Lint;
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::Step as _;
use stage::{Stage, blocked, passed, step};

fn gate(options: &str) -> Lint {
    step(options, Lint::read).unwrap()
}

/// A linter that writes down what it is given, and then does this. More options may follow.
fn linter(script: &str, options: &str) -> Lint {
    let script = format!("printf \"%s\\\\0\" \"$@\" >>.git/seen; {script}");
    gate(&format!("command = ['sh', '-c', '''{script}''', 'sh', '{{files}}']\n{options}"))
}

/// What the linter was given in the folder of the job, sorted.
fn seen(stage: &Stage) -> Vec<Vec<u8>> {
    let seen = fs::read(stage.path().join(".git/seen")).unwrap_or_default();
    let mut words: Vec<Vec<u8>> = seen.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    words.pop();
    words.sort();
    words
}

fn seen_texts(stage: &Stage) -> Vec<String> {
    seen(stage).into_iter().map(|word| String::from_utf8(word).unwrap()).collect()
}

/// So many files with long names, committed; their names, sorted.
fn crowd(stage: &Stage, count: usize) -> Vec<String> {
    let files: Vec<String> = (0..count).map(|number| format!("deep/{}-{number:05}.py", "long".repeat(40))).collect();
    let contents: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
    stage.commit(&contents);
    files
}

#[test]
fn added_and_modified_files_are_looked_at_and_no_others() {
    let stage = Stage::new(&[("changed.py", b"1\n"), ("gone.py", b"1\n"), ("same.py", b"1\n")]);
    stage.git(&["rm", "-q", "gone.py"]);
    stage.commit(&[("changed.py", b"2\n"), ("src/new.py", b"1\n")]);
    let (detail, output) = passed(stage.run(&linter("", "")));
    assert_eq!(seen_texts(&stage), ["changed.py", "src/new.py"]);
    assert!(detail.contains(" over 2 files"), "{detail}");
    assert_eq!((&output["files"], &output["batches"], &output["rules"]), (&2.into(), &1.into(), &false.into()));
}

#[test]
fn findings_block_with_the_last_lines_of_the_linter() {
    let stage = Stage::new(&[]);
    stage.commit(&[("a.py", b"1\n")]);
    let (why, output) = blocked(stage.run(&linter("echo checking; echo a.py:1: F401; echo 1 error; exit 1", "")));
    assert_eq!(why, "checking; a.py:1: F401; 1 error");
    assert_eq!(
        (&output["found"][0]["exit_code"], &output["found"][0]["stdout"][1]),
        (&1.into(), &"a.py:1: F401".into())
    );
    let (why, _) = blocked(stage.run(&gate("command = ['false', '{files}']")));
    assert_eq!(why, "false {files} exited with code 1");
}

#[test]
fn thousands_of_files_are_given_in_batches_each_once() {
    let stage = Stage::new(&[]);
    let files = crowd(&stage, 5000);
    let (detail, output) = passed(stage.run(&linter("", "")));
    assert_eq!(seen_texts(&stage), files);
    let batches = output["batches"].as_u64().unwrap();
    assert!(batches > 5 && detail.contains(&format!("over 5000 files in {batches} batches")), "{detail}");
}

#[test]
fn every_batch_is_run_though_the_first_one_blocks() {
    let stage = Stage::new(&[]);
    let files = crowd(&stage, 900);
    let first = "test -e .git/first || { touch .git/first; echo found it; exit 1; }";
    let (why, output) = blocked(stage.run(&linter(first, "")));
    assert_eq!(seen_texts(&stage), files);
    let batches = &output["batches"];
    assert_eq!(why, format!("found it; found in 1 of {batches} batches of 900 files"));
    assert_eq!(output["found"].as_array().unwrap().len(), 1);
}

#[test]
fn a_linter_that_crashes_in_a_later_batch_gives_no_verdict() {
    let stage = Stage::new(&[]);
    crowd(&stage, 900);
    let later = |end: &str| format!("test -e .git/first || {{ touch .git/first; exit 1; }}; rm .git/first; {end}");
    let error = stage.run(&linter(&later("kill -9 $$"), "")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Signal));
    assert!(error.message.contains("(batch 2 of ") && error.message.ends_with("was ended by SIGKILL"), "{error}");
    let error = stage.run(&linter(&later("echo broken rules >&2; exit 2"), "")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Exit));
    assert!(error.message.ends_with("exited with code 2, which is no verdict: broken rules"), "{error}");
}

#[test]
fn another_code_is_a_finding_if_it_is_declared() {
    let stage = Stage::new(&[]);
    stage.commit(&[("a", b"1\n")]);
    assert_eq!(blocked(stage.run(&linter("echo no; exit 3", "fail_codes = [2, 3]"))).0, "no");
    let error = stage.run(&linter("exit 1", "fail_codes = [2, 3]")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Exit));
}

#[test]
fn a_linter_that_is_missing_gives_no_verdict() {
    let stage = Stage::new(&[]);
    stage.commit(&[("a.py", b"1\n")]);
    let error = stage.run(&gate("command = ['no-such-linter', '{files}']")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Spawn));
    let error = stage.run(&gate("command = ['sh', '-c', 'no-such-linter']")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Exit));
    let module = gate("command = ['python3', '-m', 'no_such_linter', '{files}']");
    let error = stage.run(&module).unwrap_err();
    assert!(error.message.contains("No module named no_such_linter"), "{error}");
}

#[test]
fn a_linter_that_hangs_is_cut_by_the_steps_deadline() {
    let mut stage = Stage::new(&[]);
    stage.commit(&[("a.py", b"1\n")]);
    stage.deadline = Deadline::after(Duration::from_millis(1500));
    let error = stage.run(&linter("sleep 60", "")).unwrap_err();
    assert_eq!(error.kind, None);
    assert!(error.message.contains("cut by the deadline"), "{error}");
}

#[test]
fn any_name_arrives_as_it_is_and_never_as_an_option() {
    let stage = Stage::new(&[]);
    let names: [&[u8]; 6] = [b"a b.py", b"line\nfeed.py", b"-rf", b"@args", b"caf\xe9.py", b"$(touch x);`y`'\"*.py"];
    for name in names {
        fs::write(stage.path().join(OsStr::from_bytes(name)), "1\n").unwrap();
    }
    stage.commit(&[("sub/-x", b"1\n")]);
    passed(stage.run(&linter("", "")));
    let mut expected: Vec<&[u8]> = vec![names[0], names[1], b"./-rf", b"./@args", names[4], names[5], b"sub/-x"];
    expected.sort_unstable();
    assert_eq!(seen(&stage), expected);
}

#[test]
fn a_link_is_not_given_to_the_linter_but_told() {
    let stage = Stage::new(&[("real.py", b"1\n")]);
    symlink("/etc/passwd", stage.path().join("out.py")).unwrap();
    symlink("real.py", stage.path().join("in.py")).unwrap();
    stage.commit(&[("new.py", b"1\n")]);
    let (detail, output) = passed(stage.run(&linter("", "")));
    assert_eq!(seen_texts(&stage), ["new.py"]);
    assert!(detail.ends_with("; links are not looked at: in.py, out.py"), "{detail}");
    assert_eq!(output["links"], 2);
}

#[test]
fn a_file_that_is_not_where_the_commit_has_it_gives_no_verdict() {
    let stage = Stage::new(&[]);
    stage.commit(&[("src/a.py", b"bad\n"), ("elsewhere/a.py", b"good\n")]);
    fs::remove_dir_all(stage.path().join("src")).unwrap();
    for lead_away in [false, true] {
        if lead_away {
            symlink("elsewhere", stage.path().join("src")).unwrap();
        }
        let error = stage.run(&linter("", "")).unwrap_err();
        assert_eq!(error.message, "cannot tell: src/a.py is not in the work tree as it is in the commit");
    }
    assert!(seen(&stage).is_empty());
}

#[test]
fn patterns_say_which_files_are_meant() {
    let stage = Stage::new(&[]);
    stage.commit(&[("a.py", b"1\n"), ("src/b.py", b"1\n"), ("src/c.js", b"1\n"), ("src/deep/d.js", b"1\n")]);
    passed(stage.run(&linter("", "files = ['*.py', 'src/deep/*']")));
    assert_eq!(seen_texts(&stage), ["a.py", "src/b.py", "src/deep/d.js"]);
    let (detail, output) = passed(stage.run(&linter("exit 9", "files = ['*.go']")));
    assert_eq!((detail.as_str(), &output["batches"]), ("nothing to look at in 4 changed files", &0.into()));
}

#[test]
fn files_outside_of_the_jobs_folder_are_counted() {
    let stage = Stage::new(&[("sub/.git-keep", b"")]);
    stage.commit(&[("top.py", b"1\n"), ("subs/x.py", b"1\n"), ("sub/src/a.py", b"1\n"), ("sub/-b.py", b"1\n")]);
    let told = "command = ['sh', '-c', 'printf \"%s \" \"$@\" >../.git/told', 'sh', '{files}']";
    let script = gate(&format!("{told}\nfiles = ['src/*', '-*']"));
    let (detail, output) = passed(stage.run_in(Path::new("sub"), &script));
    assert_eq!(fs::read_to_string(stage.path().join(".git/told")).unwrap(), "./-b.py src/a.py ");
    assert!(detail.ends_with("; 2 changed files lie outside of the job's folder"), "{detail}");
    assert_eq!(output["outside"], 2);
}

#[test]
fn a_command_without_a_place_for_files_runs_once_if_anything_of_them_changed() {
    let stage = Stage::new(&[("a.py", b"1\n"), ("b.md", b"1\n")]);
    let whole = |files: &str| gate(&format!("command = ['sh', '-c', 'echo x >>.git/runs']\nfiles = ['{files}']"));
    stage.git(&["rm", "-q", "a.py"]);
    stage.commit(&[]);
    assert_eq!(passed(stage.run(&whole("*.md"))).0, "nothing to look at in 1 changed file");
    passed(stage.run(&whole("*.py")));
    assert_eq!(fs::read_to_string(stage.path().join(".git/runs")).unwrap(), "x\n");
}

#[test]
fn work_that_changes_the_linters_rules_is_told_so() {
    let stage = Stage::new(&[("ruff.toml", b"a\n")]);
    stage.commit(&[("a.py", b"1\n"), ("sub/.ruff.toml", b"lax\n"), (".eslintrc.json", b"{}")]);
    let ruff = |end: &str| gate(&format!("command = ['sh', '-c', 'ruff() {{ {end}; }}; ruff', '{{files}}']"));
    let (why, output) = blocked(stage.run(&ruff("echo E1; exit 1")));
    assert_eq!(why, "E1; the diff changes the linter's rules: sub/.ruff.toml");
    assert_eq!(output["rules"], true);
    let (detail, _) = passed(stage.run(&ruff("true")));
    assert!(detail.ends_with("; the diff changes the linter's rules: sub/.ruff.toml"), "{detail}");
    stage.git(&["rm", "-q", "ruff.toml"]);
    stage.commit(&[]);
    let (detail, _) = passed(stage.run(&ruff("true")));
    assert!(detail.ends_with(": ruff.toml, sub/.ruff.toml"), "{detail}");
}

#[test]
fn what_git_cannot_tell_is_no_verdict() {
    let stage = Stage::new(&[]);
    stage.commit(&[("a.py", b"1\n")]);
    let error = stage.run(&linter("", "base = 'nowhere'")).unwrap_err();
    assert_eq!(error.message, "cannot tell: the base nowhere is no commit here");
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("a.py"), "1\n").unwrap();
    stage.git(&["config", "core.worktree", elsewhere.path().to_str().unwrap()]);
    let error = stage.run(&linter("", "")).unwrap_err();
    assert!(error.message.ends_with(" lies in no work tree of git's"), "{error}");
    fs::remove_dir_all(stage.path().join(".git")).unwrap();
    assert_eq!(stage.run(&gate("command = ['true']")).unwrap_err().message, "not a git repository");
}

#[test]
fn the_command_and_the_rules_are_named_to_be_pinned() {
    let gate = gate("command = ['./lint.sh', '--config', 'lint.toml', '{files}']\nrules = ['ruff.toml']");
    assert_eq!(gate.names_files(), ["./lint.sh", "--config", "lint.toml", "ruff.toml"]);
    let stage = Stage::new(&[("ruff.toml/x", b"")]);
    let error = stage.run(&gate).unwrap_err();
    assert!(error.message.starts_with("`rules` names the folder ruff.toml"), "{error}");
}

#[test]
fn options_are_checked() {
    for (options, message) in [
        ("", "`command` is missing"),
        ("command = []", "`command` names no program"),
        ("command = [' ', 'x']", "`command` names no program"),
        ("command = 'ruff check'", "`command` must be a list"),
        ("command = ['ruff', '--files={files}']", "`{files}` stands within a word"),
        ("command = ['ruff', '{file}']", "`{file}` stands for nothing"),
        ("command = ['{files}']", "`{files}` stands in the place of the program"),
        ("command = ['ruff', '{files}', '{files}']", "`{files}` stands there twice"),
        ("command = ['x']\nfail_codes = [0, 1]", "`fail_codes` has 0, which means that nothing was found"),
        ("command = ['x']\nfiles = []", "`files` is empty"),
        ("command = ['x']\nfiles = ['src/**/*.py']", "`files` knows no pattern such as \"src/**/*.py\""),
        ("command = ['x']\nfiles = ['*.{js,ts}']", "`files` knows no pattern"),
        ("command = ['x']\nfiles = ['./*.py']", "`files` knows no pattern"),
        ("command = ['x']\nrule = ['x']", "did you mean `rules`?"),
    ] {
        let errors = step(options, Lint::read).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }
}
