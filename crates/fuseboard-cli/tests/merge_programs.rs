//! The merge and the programs that it runs: `gh`, played by a script that writes down how it was called, and git.

use std::fs;
use std::os::unix::fs::symlink;

mod mission_stage;
mod world;

use mission_stage::{Flown, Stage};
use world::finish;

const WORK: &str = "git switch -qc agent/work; touch good; git add good; git commit -qm work; \
                    git push -q origin agent/work";

/// What `gh pr view` prints if all is well. `HEAD` is what is checked out.
const VIEW: &str = r#"{"url": "https://github.com/example/app/pull/7", "state": "OPEN", "headRefOid": "HEAD",
                       "baseRefName": "main", "isDraft": false, "autoMergeRequest": null}"#;

/// Writes down its words, its environment and its input; then says what the test wants.
const GH: &str = r#"
printf '%s\n' "$*" >>"$WORLD/gh.words"
env >"$WORLD/gh.env"
cat >"$WORLD/gh.input"
pwd >"$WORLD/gh.folder"
if [ "$2" = view ]; then sed "s/\"HEAD\"/\"$(git rev-parse HEAD)\"/" "$WORLD/gh.view"; fi
. "$WORLD/gh.$2.end"
"#;

fn config(with: &str) -> String {
    format!(
        "[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['true']\n\n[[step]]\nname = 'merge'\nuses = 'merge'\n\
         gated_by = ['check']\nwith = {{ via = 'github'{with} }}\n"
    )
}

/// A repository with a remote, and a `gh` that prints this and ends well.
fn stage(with: &str, view: &str) -> Stage {
    let stage = Stage::new(&config(with));
    stage.git(
        "git init -q --bare -b main ../remote.git; git remote add origin ../remote.git; git push -q origin main; \
         mkdir ../bin; touch ../gh.view.end ../gh.merge.end",
    );
    fs::write(stage.beside("gh.view"), view).unwrap();
    stage.world.script("../bin/gh", GH);
    stage
}

/// Flies a mission with the stand-in in front of everything else.
fn fly(stage: &Stage, agent: &str) -> Flown {
    let mut command = stage.command(&[], agent);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", stage.beside("bin").display()));
    stage.flown(finish(command))
}

fn words(stage: &Stage) -> Vec<String> {
    stage.read("gh.words").lines().map(str::to_owned).collect()
}

/// What the merge says, one way or the other.
fn said(flown: &Flown) -> String {
    let row = flown.row("merge");
    ["why", "detail", "last_error"].iter().filter_map(|key| row[*key].as_str()).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn assert_refused(flown: &Flown, why: &str) {
    assert_eq!(flown.end_of("merge"), ("skipped", "refused"), "{}", flown.told());
    assert!(said(flown).contains(why), "{}", flown.told());
}

#[track_caller]
fn assert_failed(flown: &Flown, kind: &str, why: &str) {
    assert_eq!((flown.word("merge", "status"), flown.word("merge", "failure")), ("failed", kind), "{}", flown.told());
    assert!(said(flown).contains(why), "{}", flown.told());
}

// --- Armed ------------------------------------------------------------------------------------------------

#[test]
fn auto_merge_is_armed_for_the_judged_commit_and_nothing_is_published_by_us() {
    let stage = stage("", VIEW);
    stage.git("git -C ../remote.git rev-parse main >../before");
    let flown = fly(&stage, WORK);
    assert_eq!(flown.end_of("merge"), ("success", ""), "{}", flown.told());
    let commit = flown.report["job"]["project"]["commit"].as_str().unwrap();
    assert_eq!(
        words(&stage),
        [
            "pr view agent/work --json url,state,headRefOid,baseRefName,isDraft,autoMergeRequest".to_owned(),
            format!("pr merge agent/work --repo github.com/example/app --auto --squash --match-head-commit {commit}"),
        ]
    );
    assert!(said(&flown).contains("https://github.com/example/app/pull/7 is armed"), "{}", flown.told());
    let output = &flown.row("merge")["output"];
    assert_eq!((&output["armed"], &output["already"], &output["head"]), (&true.into(), &false.into(), &commit.into()));
    stage.git("git -C ../remote.git rev-parse main >../after");
    assert_eq!(stage.read("before"), stage.read("after"));
}

#[test]
fn strategies_and_deletion_go_along_in_the_words_of_gh() {
    for (with, expected) in [
        (", strategy = 'merge'", "--auto --merge --match-head-commit"),
        (", strategy = 'rebase'", "--auto --rebase --match-head-commit"),
        (", delete = true", "--delete-branch"),
    ] {
        let stage = stage(with, VIEW);
        fly(&stage, WORK);
        assert!(words(&stage)[1].contains(expected), "{with}: {:?}", words(&stage));
    }
}

#[test]
fn what_is_armed_already_is_done_and_by_another_strategy_is_refused() {
    let armed = |method: &str| VIEW.replace("null", &format!(r#"{{"mergeMethod": "{method}"}}"#));
    let same = stage("", &armed("SQUASH"));
    let flown = fly(&same, WORK);
    assert_eq!((flown.word("merge", "status"), words(&same).len()), ("success", 1), "{}", flown.told());
    assert!(said(&flown).contains("was armed already"), "{}", flown.told());
    let other = stage("", &armed("REBASE"));
    assert_refused(&fly(&other, WORK), "armed to rebase already; gh pr merge --disable-auto");
    assert_eq!(words(&other).len(), 1);
}

#[test]
fn gh_runs_in_the_project_without_input_prompts_or_what_the_shell_told_git() {
    let stage = stage("", VIEW);
    fly(&stage, &format!("{WORK}; git config user.name x"));
    let env = stage.read("gh.env");
    let has = |entry: &str| env.lines().any(|line| line == entry);
    for entry in ["GH_PROMPT_DISABLED=1", "NO_COLOR=1", "GH_PAGER=", "PAGER=", "GIT_CONFIG_NOSYSTEM=1"] {
        assert!(has(entry), "{entry} is missing: {env}");
    }
    assert!(!env.contains("GIT_AUTHOR_NAME") && !env.contains("GIT_CONFIG_COUNT"), "{env}");
    assert!(stage.has("gh.input") && stage.read("gh.input").is_empty());
    let folder = stage.world.path(".").canonicalize().unwrap();
    assert_eq!(stage.read("gh.folder").trim(), folder.to_str().unwrap());
}

// --- Refused ----------------------------------------------------------------------------------------------

#[test]
fn a_pull_request_that_is_not_what_was_judged_is_refused_and_not_armed() {
    for (from, to, why) in [
        ("OPEN", "MERGED", "is merged"),
        ("OPEN", "CLOSED", "is closed"),
        ("false", "true", "is a draft"),
        ("\"main\"", "\"release\"", "goes into release and not into main"),
        ("\"HEAD\"", "\"0123456789012345678901234567890123456789\"", "which was judged"),
    ] {
        let stage = stage("", &VIEW.replace(from, to));
        assert_refused(&fly(&stage, WORK), why);
        assert_eq!(words(&stage).len(), 1, "{why}");
    }
    let stage = stage("", "");
    stage.git("echo 'echo no pull requests found for branch \\\"agent/work\\\" >&2; exit 1' >../gh.view.end");
    assert_refused(&fly(&stage, WORK), "agent/work has no pull request");
}

#[test]
fn what_would_be_refused_by_git_is_refused_before_gh_is_run() {
    for (agent, why) in [
        ("git switch -qc agent/work; git commit -q --allow-empty -m work", "not pushed to origin"),
        (&format!("{WORK}; git remote remove origin"), "has changed since the mission began"),
        ("git update-ref refs/heads/-x HEAD; git symbolic-ref HEAD refs/heads/-x", "gh would take -x for an option"),
    ] {
        let stage = stage("", VIEW);
        assert_refused(&fly(&stage, agent), why);
        assert_eq!(words(&stage), [""; 0], "{why}");
    }
    let without = stage("", VIEW);
    without.git("git remote remove origin");
    assert_refused(&fly(&without, &WORK.replace("git push -q origin agent/work", "true")), "there is no remote");
    let fixed = stage(", base = 'fixed'", VIEW);
    let moves = "git push -q origin HEAD:refs/heads/main";
    assert_refused(&fly(&fixed, &format!("{WORK}; {moves}")), "main has moved since the mission began");
    assert_eq!(words(&fixed), [""; 0]);
}

// --- Failed -----------------------------------------------------------------------------------------------

#[test]
fn what_gh_says_when_it_fails_is_told_plainly_and_without_secrets() {
    let token = format!("ghp_{}", "a1".repeat(18));
    let fails = format!("printf 'first\\n\\033[31mno access with {token}\\033[0m\\n' >&2; exit 4");
    for call in ["view", "merge"] {
        let stage = stage("", VIEW);
        fs::write(stage.beside(&format!("gh.{call}.end")), &fails).unwrap();
        let flown = fly(&stage, WORK);
        assert_failed(&flown, "error", &format!("gh pr {call} exited with code 4: no access with ***"));
        assert!(!flown.report.to_string().contains(&token), "{}", flown.told());
    }
}

#[test]
fn what_gh_prints_must_be_understood() {
    for nonsense in ["", "nothing", "{}", "[]", &VIEW.replace("/pull/7", ""), &"x".repeat(2 << 20)] {
        let stage = stage("", nonsense);
        let flown = fly(&stage, WORK);
        assert_eq!(flown.end_of("merge"), ("failed", ""), "{}", flown.told());
        assert_eq!(words(&stage).len(), 1);
    }
}

#[test]
fn a_gh_that_does_not_answer_is_ended_with_the_steps_time() {
    let stage = stage("", VIEW);
    stage.configure(&config("").replace("uses = 'merge'", "uses = 'merge'\ntimeout = '2s'"));
    stage.git("echo 'sleep 61' >../gh.merge.end");
    let flown = fly(&stage, WORK);
    assert_eq!(flown.word("merge", "status"), "timed-out", "{}", flown.told());
    assert_eq!(stage.world.census(), Vec::<String>::new());
}

/// A folder in which there are these programs of the machine and no others.
fn only(stage: &Stage, programs: &[&str]) -> String {
    let folder = stage.beside("only");
    fs::create_dir(&folder).unwrap();
    for program in programs {
        let mut folders = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>().into_iter();
        let found = folders.find_map(|folder| Some(folder.join(program)).filter(|file| file.exists())).unwrap();
        symlink(found, folder.join(program)).unwrap();
    }
    folder.to_str().unwrap().to_owned()
}

#[test]
fn a_machine_without_gh_is_told_what_to_do_and_one_in_the_repository_is_not_run() {
    let stage = stage("", VIEW);
    let outside = only(&stage, &["git", "sh", "touch", "true", "cp", "mkdir"]);
    stage.git("echo /bin >.gitignore; git add -A; git commit -qm ignore; git push -q origin main");
    let mut command = stage.command(&[], &format!("{WORK}; mkdir bin; cp ../bin/gh bin/gh"));
    command.env("PATH", format!("{}:{outside}", stage.world.path("bin").display()));
    let flown = stage.flown(finish(command));
    assert_failed(&flown, "spawn", "install it (https://cli.github.com), or write via = \"git\"");
    assert_eq!(words(&stage), [""; 0]);
}

#[test]
fn a_git_that_would_let_attributes_decide_is_not_used_to_merge() {
    let stage = stage("", VIEW);
    stage.configure(&config("").replace("github", "git"));
    let git = fs::read_link(only(&stage, &["git"]) + "/git").unwrap();
    stage.world.script(
        "../bin/git",
        &format!(
            "for word; do case $word in --attr-source=*) echo \"unknown option: $word\" >&2; exit 129;; esac; done\n\
             exec {} \"$@\"",
            git.display()
        ),
    );
    let moves = "git switch -q --detach main; touch other; git add other; git commit -qm other; \
                 git push -q origin HEAD:main; git switch -q agent/work";
    let flown = fly(&stage, &format!("{WORK}; {moves}"));
    assert_failed(&flown, "error", "git is older than 2.41");
}

#[test]
fn a_git_in_the_repository_is_not_run_for_a_project_in_one_of_its_folders_either() {
    let stage = stage("", VIEW);
    stage.git("mkdir sub bin; touch sub/file; echo /bin >.gitignore; git add -A; git commit -qm folders");
    stage.world.script("bin/git", "touch \"$WORLD/trace\"; exit 1");
    let mut command = stage.words(&["after", "--project-path", "sub"]);
    let path = std::env::var("PATH").unwrap();
    command.env("PATH", format!("{}:{path}", stage.world.path("bin").display()));
    let flown = stage.flown(finish(command));
    assert_eq!(flown.word("check", "status"), "success", "{}", flown.told());
    assert!(!stage.has("trace"), "the repository's own git was run");
}
