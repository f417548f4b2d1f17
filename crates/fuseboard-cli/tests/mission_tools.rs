//! What a built-in step runs crashes, hangs, is missing, says something else, or cannot do what it is to do.

mod mission_fault;
mod mission_stage;
mod world;

use mission_fault::{ABSENT, FAILED, FAILED_ACTION, Fault, GONE, NO_VERDICT, REFUSED, WELL, WORKS, break_it};

const CRASHED: (&str, &str) = ("failed", "signal");
const EXITED: (&str, &str) = ("failed", "exit");
const HUNG: (&str, &str) = ("timed-out", "timeout");
const MERGE: &str = "gated_by = ['check']\n[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['true']";

/// A run of a scanner that says that it did not finish.
const UNFINISHED: &str = r#"with = { scanners = [['echo', '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "x"}}, "invocations": [{"executionSuccessful": false}], "results": []}]}']] }"#;

#[test]
fn scanners() {
    let failed = Fault { says: "the scanner ", ..NO_VERDICT };
    for fault in [
        Fault { what: "a crash", keys: "with = { scanners = [['sh', '-c', 'kill -9 $$']] }", end: CRASHED, ..failed },
        Fault { what: "another code", keys: "with = { scanners = [['sh', '-c', 'exit 3']] }", end: EXITED, ..failed },
        Fault {
            what: "a hang",
            keys: "timeout = '500ms'\nwith = { scanners = [['sleep', '60']] }",
            end: HUNG,
            ..failed
        },
        Fault {
            what: "no scanner",
            keys: "with = { scanners = [['no-such-scanner']] }",
            says: "no-such-scanner",
            ..GONE
        },
        Fault { what: "no SARIF", keys: "with = { scanners = [['echo', 'fine']] }", ..failed },
        Fault { what: "nothing", keys: "with = { scanners = [['true']] }", ..failed },
        Fault { what: "an unfinished scan", keys: UNFINISHED, ..failed },
        Fault { what: "a cut report", keys: "with = { scanners = [['head', '-c', '80M', '/dev/zero']] }", ..failed },
    ] {
        break_it("security", &fault);
    }
}

#[test]
fn commands_that_judge() {
    for (step, files) in [("tests", ""), ("lint", ", '{files}'")] {
        let keys = |command: &str| -> &'static str { format!("with = {{ command = [{command}{files}] }}").leak() };
        let other = Fault { what: "another code", keys: keys("'sh', '-c', 'exit 9'"), end: EXITED, ..NO_VERDICT };
        break_it(step, &Fault { says: "no verdict: ", ..other });
        break_it(step, &Fault { what: "no program", keys: keys("'./tracked'"), says: "not executable", ..GONE });
        let pipe = Fault { what: "a pipe", keys: keys("'../pipe'"), before: "mkfifo -m 755 ../pipe", ..GONE };
        break_it(step, &Fault { says: "not executable", ..pipe });
    }
    break_it(
        "tests",
        &Fault { what: "no command", code: 77, notices: &["step does not apply, and so blocks"], ..ABSENT },
    );
    let touched = format!("{WORKS}; echo y >work.txt").leak();
    let lint = Fault { what: "another file", keys: "with = { command = ['true', '{files}'] }", ..NO_VERDICT };
    break_it("lint", &Fault { agent: touched, says: "work.txt", counted: "nothing", ..lint });
}

#[test]
fn git_that_cannot_tell() {
    for (step, keys) in
        [("diff-scan", ""), ("verify", ""), ("security", ""), ("lint", "with = { command = ['true', '{files}'] }")]
    {
        let fault = Fault { keys, ..NO_VERDICT };
        let gone = format!("{WORKS}; mv .git ../gone").leak();
        break_it(step, &Fault { what: "no repository", agent: gone, says: "no verdict: ", ..fault });
        let moved = "git checkout -qb agent/work; git init -q sub; git -C sub commit -q --allow-empty -m sub; git add sub; \
                     git commit -qm sub";
        break_it(step, &Fault { what: "a submodule that moved", agent: moved, says: "submodule", ..fault });
    }
    break_it(
        "diff-scan",
        &Fault {
            what: "a damaged baseline",
            keys: "with = { baseline = 'known.sarif' }",
            before: "echo '{' >known.sarif; git add -A; git commit -qm known",
            says: "the baseline known.sarif of the base cannot be used",
            ..NO_VERDICT
        },
    );
    break_it(
        "verify",
        &Fault {
            what: "a remote that is gone",
            before: "git init -q --bare -b main ../remote.git; git remote add origin ../remote.git; git push -q origin main",
            agent: format!("{WORKS}; git push -q origin agent/work; rm -rf ../remote.git").leak(),
            says: "pushed",
            ..NO_VERDICT
        },
    );
}

#[test]
fn sinks() {
    let kept = "test $(ls $STATE/spool/notices/*.json | wc -l) = 1";
    let notices = &["\"mend it\" failed: it ended with an error"];
    let untold = Fault { agent: "exit 3", code: 3, notices, after: kept, says: "waiting in the spool: 1", ..FAILED };
    for fault in [
        Fault { what: "another code", keys: "with = { command = ['false'] }", end: EXITED, ..untold },
        Fault { what: "a crash", keys: "with = { command = ['sh', '-c', 'kill -9 $$'] }", end: CRASHED, ..untold },
        Fault {
            what: "no program",
            keys: "with = { command = ['no-such-program'] }",
            end: ("failed", "spawn"),
            ..untold
        },
        Fault { what: "a hang", keys: "timeout = '1s'\nwith = { command = ['sleep', '60'] }", end: HUNG, ..untold },
        Fault { what: "nobody there", keys: "with = { webhook = 'http://127.0.0.1:1/' }", ..untold },
    ] {
        break_it("notify", &fault);
    }
}

#[test]
fn agents_that_are_asked() {
    for (what, command, end, says) in [
        ("a crash", "'sh', '-c', 'kill -9 $$'", CRASHED, "SIGKILL"),
        ("no answer", "'true'", FAILED.end, "no answer"),
        ("too long an answer", "'head', '-c', '5M', '/dev/zero'", FAILED.end, "no answer"),
        (
            "its own word",
            r#"'echo', '{"type": "result", "is_error": true, "result": "overloaded"}'"#,
            FAILED.end,
            "overloaded",
        ),
    ] {
        let keys = format!("with = {{ command = [{command}], file = 'r.md', at_least = '1ms' }}").leak();
        break_it("reflect", &Fault { what, keys, end, says, after: "test ! -s $CONFIG/r.md", ..FAILED_ACTION });
    }
}

#[test]
fn the_journals_repository() {
    let keys = "with = { folder = '../../journal' }";
    let one = "test $(git -C $UP/journal rev-list --count HEAD) = 1";
    let two = "test $(git -C $UP/journal rev-list --count HEAD) = 2";
    let (remote, gone) = ("git remote add origin $UP/remote.git", "git remote add origin $UP/nowhere.git");
    for (what, made, says, after, fault) in [
        ("no remote", String::new(), "remote", one, REFUSED),
        ("no branch", format!("{gone}; git checkout -q --detach"), "branch", one, REFUSED),
        ("a program", format!("{gone}; git config filter.x.clean 'touch ../evil'"), "filter.x.clean", one, REFUSED),
        ("a merge", format!("{gone}; git rev-parse HEAD >.git/MERGE_HEAD"), "merge", one, FAILED_ACTION),
        ("another git", format!("{gone}; touch .git/index.lock"), "index.lock", one, FAILED_ACTION),
        ("a remote that is gone", gone.to_owned(), "nowhere.git", two, FAILED_ACTION),
        (
            "a push that is rejected",
            format!(
                "{remote}; git init -q --bare -b main ../remote.git; git commit -q --allow-empty -m theirs; git push -q \
                 origin main; git reset -q --hard HEAD~1"
            ),
            "rejected",
            two,
            FAILED_ACTION,
        ),
    ] {
        let begun =
            "git init -q -b main $UP/journal; cd $UP/journal; git commit -q --allow-empty -m first; echo x >day.md";
        let before = format!("{begun}; {made}").leak();
        break_it("commit", &Fault { what, keys, before, says, after, ..fault });
    }
    let none = "git init -q -b main $UP/journal; cd $UP/journal; git commit -q --allow-empty -m first";
    let keys = "with = { folder = '../../journal', push = false }";
    break_it("commit", &Fault { what: "nothing to commit", keys, before: none, says: "nothing to commit", ..WELL });
}

#[test]
fn merges() {
    let remote =
        "git init -q --bare -b main ../remote.git; git remote add origin ../remote.git; git push -q origin main";
    let pushed = format!("{WORKS}; git push -q origin agent/work");
    let conflict = "git checkout -qb agent/work; echo mine >tracked; git commit -qam mine; git switch -q main; \
                    echo theirs >tracked; git commit -qam theirs; git switch -q agent/work";
    let rejects = format!(
        "{remote}; printf '#!/bin/sh\\ntest $1 != refs/heads/main\\n' >../remote.git/hooks/update; \
         chmod +x ../remote.git/hooks/update"
    );
    let unions = format!(
        "{WORKS}; git switch -q main; git commit -q --allow-empty -m theirs; git switch -q agent/work; mkdir -p .git/info; \
         echo '* merge=union' >.git/info/attributes"
    );
    let theirs = "test $(git log -1 --format=%s main) = theirs";
    let still = "test $(git rev-parse main) = $(git merge-base main agent/work)";
    let there = "test $(git --git-dir ../remote.git rev-parse main) = $(git rev-parse agent/work~1)";
    for (what, before, agent, says, after, fault) in [
        ("a conflict", "", conflict.to_owned(), "tracked", theirs, FAILED_ACTION),
        ("a rejected push", rejects.as_str(), pushed.clone(), "rejected", there, FAILED_ACTION),
        ("a remote that is gone", remote, format!("{pushed}; rm -rf ../remote.git"), "remote", still, FAILED_ACTION),
        ("a lock", "", format!("{WORKS}; touch .git/refs/heads/main.lock"), "main", still, FAILED_ACTION),
        ("attributes", "", unions, "attributes", theirs, REFUSED),
        ("not pushed", remote, WORKS.to_owned(), "not pushed", there, REFUSED),
    ] {
        let (before, agent): (&str, &str) = (before.to_owned().leak(), agent.leak());
        break_it("merge", &Fault { what, keys: MERGE, before, agent, says, after, ..fault });
    }
}
