//! Each built-in step broken in each way that its page names: the report, the ledger, the exit code, the circuit and the
//! notices all say what the page promises.

mod mission_fault;
mod mission_stage;
mod world;

use std::fs;
use std::os::unix::fs::symlink;

use mission_fault::{ABSENT, FAILED, FAILED_ACTION, Fault, GONE, NO_VERDICT, REFUSED, RESULT, WELL, WORKS, break_it};
use mission_stage::Stage;

/// An agent that takes its captured output away from who would read it.
const UNREADABLE: &str = "d=$XDG_STATE_HOME/fuseboard/runs/$FUSEBOARD_RUN; rm $d/stdout; mkdir $d/stdout; exit 1";

#[test]
fn usage() {
    for fault in [
        Fault {
            what: "no price file",
            keys: "with = { prices = 'none.toml' }",
            agent: RESULT,
            says: "none.toml",
            ..FAILED
        },
        Fault {
            what: "garbage in the price file",
            keys: "with = { prices = 'prices.toml' }",
            before: "echo '[[' >$UP/config/fuseboard/prices.toml",
            agent: RESULT,
            says: "prices.toml",
            ..FAILED
        },
        Fault {
            what: "an unreadable capture",
            agent: UNREADABLE,
            says: "cannot read the job's output",
            code: 1,
            notices: &["\"mend it\" failed: it ended with an error"],
            ..FAILED
        },
        Fault { what: "plain text", agent: "echo done", says: "unmeasured", ..WELL },
    ] {
        break_it("usage", &fault);
    }
}

#[test]
fn quota() {
    let limit = Fault {
        agent: "echo 'usage limit reached' >&2; exit 1",
        code: 1,
        notices: &["\"mend it\" failed: the agent ran into its limit"],
        ..FAILED
    };
    let failed = Fault { says: "unreliable: ", notices: &["\"mend it\" failed: it ended with an error"], ..limit };
    let errors = "d=$XDG_STATE_HOME/fuseboard/runs/$FUSEBOARD_RUN; rm $d/stderr; mkdir $d/stderr; exit 1";
    for fault in [
        Fault { what: "an unreadable capture", agent: UNREADABLE, ..failed },
        Fault { what: "an unreadable standard error", agent: errors, ..failed },
        Fault {
            what: "no place for the pause",
            before: "echo >$STATE/pauses",
            says: "pauses is no folder; remove it",
            ..limit
        },
        Fault {
            what: "a pause that is none",
            before: "mkdir -m 700 $STATE/pauses; mkdir $STATE/pauses/claude.json",
            says: "claude.json",
            ..limit
        },
    ] {
        break_it("quota", &fault);
    }
}

#[test]
fn hooks() {
    let failed = Fault {
        what: "a file in place of the folder",
        before: "mkdir $CONFIG/hooks.d; echo >$CONFIG/hooks.d/after-mission",
        says: "cannot be read",
        ..FAILED_ACTION
    };
    break_it("hooks", &failed);
    break_it("hooks", &Fault { what: "no folder", says: "there is no program in", ..ABSENT });
}

#[test]
fn recorders_that_write_files() {
    let nowhere = Fault { what: "a missing folder", says: "nowhere", ..FAILED };
    for (step, keys) in [
        ("export", "with = { format = 'activity', file = 'nowhere/a.log' }"),
        ("export", "with = { format = 'truth-log', file = 'nowhere/a.jsonl' }"),
        ("export", "with = { format = 'journal', folder = 'nowhere' }"),
        ("export", "with = { format = 'day', folder = 'nowhere' }"),
    ] {
        break_it(step, &Fault { keys, ..nowhere });
    }
    let link = Fault { what: "a link in place of the file", says: "link", ..FAILED };
    for (keys, before) in [
        ("with = { format = 'activity', file = 'a.log' }", "ln -s /dev/full $UP/config/fuseboard/a.log"),
        ("with = { format = 'truth-log', file = 'a.jsonl' }", "ln -s $UP/work/tracked $UP/config/fuseboard/a.jsonl"),
    ] {
        break_it("export", &Fault { keys, before, ..link });
    }
    let healthy = Fault { what: "nothing wrong", ..WELL };
    for format in ["activity", "truth-log", "journal", "day"] {
        let keys = Box::leak(format!("with = {{ format = '{format}' }}").into_boxed_str());
        break_it("export", &Fault { keys, ..healthy });
    }
}

#[test]
fn archive() {
    let ignored = "echo pending.md >.git/info/exclude";
    for fault in [
        Fault { what: "no log", says: "nothing to archive", ..WELL },
        Fault {
            what: "a link in place of the log",
            before: "echo pending.md >.git/info/exclude; ln -s /etc/passwd pending.md",
            says: "link",
            ..FAILED
        },
        Fault {
            what: "a folder in its place",
            before: "echo pending.md >.git/info/exclude; mkdir pending.md",
            says: "pending.md",
            ..FAILED
        },
        Fault {
            what: "a link on the way",
            keys: "with = { file = 'x/log' }",
            before: "echo pending.md >.git/info/exclude; echo x >>.git/info/exclude; echo done >../log; ln -s .. x",
            says: "links are not followed",
            ..FAILED
        },
        Fault {
            what: "more than a megabyte",
            before: "echo pending.md >.git/info/exclude; head -c 1048577 /dev/zero >pending.md",
            says: "longer than 1048576 bytes; it stays",
            ..FAILED
        },
        Fault {
            what: "no journal",
            keys: "with = { folder = 'nowhere' }",
            before: "echo pending.md >.git/info/exclude; echo done >pending.md",
            says: "nowhere",
            ..FAILED
        },
    ] {
        assert!(fault.before.is_empty() || fault.before.starts_with(ignored));
        break_it("archive", &fault);
    }
}

#[test]
fn recorders_with_a_memory() {
    let garbage = Fault {
        what: "garbage in the state",
        before: "mkdir -m 700 $STATE/bandit; echo '{' >$STATE/bandit/project.json",
        agent: WORKS,
        says: "project.json",
        ..FAILED
    };
    break_it("bandit", &garbage);
    let unwritable = Fault {
        what: "a file in place of the state's folder",
        before: "echo >$STATE/bandit",
        says: "bandit",
        ..garbage
    };
    break_it("bandit", &unwritable);
    break_it("bandit", &Fault { what: "nothing wrong", agent: WORKS, ..WELL });
    break_it("budget", &Fault { what: "nothing measured", says: "unknown", ..WELL });
    break_it("alert", &Fault { what: "too few missions", ..WELL });
    break_it("session", &Fault { what: "nothing done", says: "empty", ..WELL });
}

#[test]
fn actions_that_fail_or_refuse() {
    for (step, fault) in [
        (
            "commit",
            Fault { what: "no folder", keys: "with = { folder = '../nowhere' }", says: "nowhere", ..FAILED_ACTION },
        ),
        ("commit", Fault { what: "no repository", keys: "with = { folder = '.' }", says: "repository", ..REFUSED }),
        (
            "commit",
            Fault {
                what: "the mission's own",
                keys: "with = { folder = '../../work' }",
                says: "the mission",
                ..REFUSED
            },
        ),
        (
            "requeue",
            Fault {
                what: "nothing to queue",
                keys: "with = { file = 'queue.jsonl' }",
                says: "nothing to queue",
                ..WELL
            },
        ),
        ("reflect", Fault { what: "a short mission", keys: "with = { command = ['false'], file = 'r.md' }", ..ABSENT }),
        (
            "reflect",
            Fault {
                what: "an agent that fails",
                keys: "with = { command = ['false'], file = 'r.md', at_least = '1ms' }",
                end: ("failed", "exit"),
                says: "exited with code 1",
                ..FAILED_ACTION
            },
        ),
        (
            "reflect",
            Fault {
                what: "no such agent",
                keys: "with = { command = ['no-such-agent'], file = 'r.md', at_least = '1ms' }",
                end: ("failed", "spawn"),
                says: "no-such-agent",
                notices: &["step failed", "work/step is out: its circuit opened"],
                ..FAILED_ACTION
            },
        ),
        (
            "reflect",
            Fault {
                what: "an agent that hangs",
                keys: "timeout = '300ms'\nwith = { command = ['sh', '-c', 'sleep 60'], file = 'r.md', at_least = '1ms' }",
                end: ("timed-out", "timeout"),
                ..FAILED_ACTION
            },
        ),
        (
            "reflect",
            Fault {
                what: "no place for its answer",
                keys: "with = { command = ['true'], file = 'nowhere/r.md', at_least = '1ms' }",
                says: "nowhere",
                ..FAILED_ACTION
            },
        ),
        ("comment", Fault { what: "no remote", agent: WORKS, ..ABSENT }),
    ] {
        break_it(step, &fault);
    }
}

#[test]
fn gates_that_cannot_tell() {
    let no_base = Fault { what: "no base", before: "git branch -m other", ..NO_VERDICT };
    for step in ["diff-scan", "verify", "security"] {
        break_it(step, &Fault { says: "base", ..no_base });
    }
    let missing = Fault {
        what: "a missing tool",
        keys: "with = { command = ['no-such-linter', '{files}'] }",
        says: "no-such-linter",
        ..GONE
    };
    break_it("lint", &missing);
    break_it("tests", &Fault { keys: "with = { command = ['no-such-linter'] }", ..missing });
    let crashed = Fault {
        what: "a crash",
        keys: "with = { command = ['sh', '-c', 'kill -9 $$', '{files}'] }",
        end: ("failed", "signal"),
        says: "no verdict",
        ..NO_VERDICT
    };
    break_it("lint", &crashed);
    break_it("tests", &Fault { keys: "with = { command = ['sh', '-c', 'kill -9 $$'] }", ..crashed });
    let hung = Fault {
        what: "a hang",
        keys: "timeout = '300ms'\nwith = { command = ['sh', '-c', 'sleep 60', '{files}'] }",
        end: ("timed-out", "timeout"),
        says: "no verdict",
        ..crashed
    };
    break_it("lint", &hung);
    break_it("tests", &Fault { keys: "timeout = '300ms'\nwith = { command = ['sleep', '60'] }", ..hung });
}

#[test]
fn an_outbox_that_cannot_be_written_fails_its_step_and_loses_nothing() {
    let stage = Stage::new("[[step]]\nname = 'told'\nuses = 'notify'\nwith = { file = '../outbox' }\n");
    let outbox = stage.beside("config/outbox");
    for (what, says) in [("a folder", "no regular file"), ("a link", "links are not followed")] {
        match what {
            "a folder" => fs::create_dir(&outbox).unwrap(),
            _ => symlink("/dev/full", &outbox).unwrap(),
        }
        let flown = stage.fly(&["--no-wait"], "exit 3");
        assert_eq!((flown.code(), flown.end_of("told").0), (3, "failed"), "{what}: {}", flown.told());
        assert!(flown.word("told", "detail").contains(says), "{what}: {}", flown.word("told", "detail"));
        let removed = if what == "a folder" { fs::remove_dir(&outbox) } else { fs::remove_file(&outbox) };
        removed.unwrap();
        assert_eq!(stage.run(&["reset", "told"]).code, 0);
    }
    stage.run(&["reset", "work/agent"]);
    stage.fly(&[], "true");
    assert_eq!(fs::read_to_string(&outbox).unwrap().lines().count(), 2, "both were told in the end");
}

#[test]
fn a_name_that_may_be_untracked_hides_no_folder() {
    for (step, name) in [
        ("uses = 'archive'", "pending.md"),
        ("uses = 'export'\nwith = { format = 'truth-log', file = '../../work/log' }", "log"),
        ("uses = 'export'\nwith = { format = 'day', folder = '../../work/days' }", "days"),
    ] {
        let gate = "[[step]]\nname = 'gate'\nkind = 'gate'\nrun = ['true']\n";
        let stage = Stage::new(&format!("[[step]]\nname = 'step'\n{step}\n{gate}"));
        let flown = stage.fly(&[], &format!("mkdir {name}; echo 'import os' >{name}/conftest.py"));
        assert_eq!(flown.code(), 77, "{step}: {}", flown.told());
        assert!(flown.word("gate", "why").contains("conftest.py"), "{step}: {}", flown.word("gate", "why"));
    }
}

#[test]
fn the_judged_repository_and_what_lies_in_it_are_not_committed() {
    let commit = |folder: &str| {
        format!("[[step]]\nname = 'step'\nuses = 'commit'\non = 'always'\nwith = {{ folder = '{folder}' }}\n")
    };
    let stage = Stage::new(&commit("../../other"));
    stage.git("git worktree add -q -b agent/x ../other");
    let flown = stage.fly(&[], "true");
    assert_eq!(flown.end_of("step"), ("skipped", "refused"), "{}", flown.told());
    assert!(
        flown.word("step", "detail").contains("a work tree of the repository that the mission"),
        "{}",
        flown.told()
    );
    let stage = Stage::new(&commit("../../work/journal"));
    let own = "mkdir journal; git -C journal init -q; git -C journal remote add origin /tmp/attacker; echo journal >>.git/info/exclude";
    let flown = stage.fly(&[], own);
    assert_eq!(flown.end_of("step"), ("skipped", "refused"), "{}", flown.told());
    assert!(flown.word("step", "detail").contains("move it out"), "{}", flown.told());
}

#[test]
fn a_file_of_any_length_and_a_pipe_hold_nobody_up() {
    let stage = Stage::new("");
    stage.configure("[pipeline]\ndeadline = '20s'\n[[step]]\nname = 'step'\nuses = 'export'\nwith = { format = 'journal', folder = '../../work' }\n");
    let flown = stage.fly(&[], "truncate -s 40G $(date +%F).md");
    assert_eq!(flown.end_of("step").0, "failed", "{}", flown.told());
    assert!(flown.word("step", "detail").contains("longer than any day's journal"), "{}", flown.told());

    let stage = Stage::new("[[step]]\nname = 'step'\nuses = 'usage'\nwith = { prices = '../../work/prices.toml' }\n");
    stage.git("mkfifo prices.toml");
    let flown = stage.fly(&[], RESULT);
    assert_eq!(flown.end_of("step").0, "failed", "{}", flown.told());
    assert!(flown.ran.took < std::time::Duration::from_secs(15), "{:?}", flown.ran.took);
}

#[test]
fn prices_that_the_agent_changed_do_not_count_and_mended_ones_are_tried_at_once() {
    let prices = "[[step]]\nname = 'step'\nuses = 'usage'\nwith = { prices = '../../work/prices.toml' }\n";
    let stage = Stage::new(prices);
    let good = "[[price]]\nmodel = 'm'\nfrom = 2025-01-01\ninput = 3.0\noutput = 15.0\n";
    fs::write(stage.world.path("prices.toml"), good).unwrap();
    stage.git("git add -A; git commit -qm prices");
    let flown = stage.fly(&[], &format!("sed -i s/3.0/0.0/ prices.toml; {RESULT}"));
    assert_eq!(flown.end_of("step"), ("skipped", "untrusted"), "{}", flown.told());
    for _ in 0..2 {
        fs::write(stage.world.path("prices.toml"), "[[").unwrap();
        stage.fly(&[], RESULT);
    }
    assert_eq!(stage.world.circuit("step")["state"], "open");
    fs::write(stage.world.path("prices.toml"), good).unwrap();
    assert_eq!(stage.fly(&[], RESULT).end_of("step").0, "success", "it is another file now");
}

#[test]
fn a_work_log_that_git_knows_stays() {
    let stage = Stage::new("[[step]]\nname = 'step'\nuses = 'archive'\n");
    let flown = stage.fly(&[], "echo done >pending.md; git add pending.md; git commit -qm log");
    assert_eq!(flown.end_of("step").0, "failed", "{}", flown.told());
    assert!(flown.word("step", "detail").contains("known to git, and stays"), "{}", flown.told());
    assert!(stage.world.path("pending.md").exists());
}
