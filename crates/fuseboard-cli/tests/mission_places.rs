//! What a built-in step reads or writes is something else: a folder, a pipe, which must hold nobody up, a link, missing, or
//! nothing that the user may touch.

mod mission_fault;
mod mission_stage;
mod world;

use std::time::Duration;

use mission_fault::{FAILED, FAILED_ACTION, Fault, NO_VERDICT, ORDINARY, RESULT, WORKS, break_it, play};
use mission_stage::Stage;

/// What may stand in the place of a file: how it is made, and what is said of it.
const INSTEAD: [(&str, &str, &str); 3] =
    [("a folder", "mkdir", ""), ("a pipe", "mkfifo", ""), ("a link", "ln -s $UP/work/tracked", "link")];

/// Breaks the step by each of these in the place of its file. A link is not followed.
fn in_place_of(step: &str, file: &str, fault: &Fault) {
    for (what, made, says) in INSTEAD {
        let text = |text: String| -> &'static str { text.leak() };
        break_it(
            step,
            &Fault {
                what: text(format!("{what} in place of {file}")),
                before: text(format!(
                    "{}; mkdir -p -m 700 $(dirname {file}); rm -f {file}; {made} {file}",
                    before(fault)
                )),
                says: if fault.says.is_empty() { says } else { fault.says },
                after: text(format!(
                    "test $(cat tracked) = one; {}",
                    if fault.after.is_empty() { ":" } else { fault.after }
                )),
                ..*fault
            },
        );
    }
}

fn before(fault: &Fault) -> &'static str {
    if fault.before.is_empty() { ":" } else { fault.before }
}

/// Breaks the step by taking permissions away from an ordinary user.
fn forbid(step: &str, fault: &Fault) {
    let open = format!("chmod -R u+rwX \"$UP\"; {}", if fault.after.is_empty() { ":" } else { fault.after });
    let says = if fault.says.is_empty() { "Permission denied" } else { fault.says };
    break_it(step, &Fault { what: fault.before, start: ORDINARY, after: open.leak(), says, ..*fault });
}

const TODAY: &str = "$(date +%F)";
const LEAVES_A_LOG: &str = "echo pending.md >.git/info/exclude; echo done >pending.md";

#[test]
fn files_that_recorders_append_to() {
    in_place_of("export", "$CONFIG/a.log", &Fault { keys: "with = { format = 'activity', file = 'a.log' }", ..FAILED });
    in_place_of("export", "$STATE/truth.jsonl", &Fault { keys: "with = { format = 'truth-log' }", ..FAILED });
    for (format, folder, ending) in [("journal", "journal", "md"), ("day", "days", "json")] {
        let file = format!("$STATE/{folder}/{TODAY}.{ending}");
        let keys = format!("with = {{ format = '{format}' }}").leak();
        in_place_of("export", &file, &Fault { keys, ..FAILED });
    }
    let log_stays = Fault { before: LEAVES_A_LOG, after: "test $(cat pending.md) = done", ..FAILED };
    in_place_of("archive", &format!("$STATE/journal/{TODAY}.md"), &log_stays);
}

#[test]
fn files_that_recorders_read() {
    in_place_of("usage", "$CONFIG/p.toml", &Fault { keys: "with = { prices = 'p.toml' }", agent: RESULT, ..FAILED });
    in_place_of("archive", "pending.md", &Fault { before: "echo pending.md >.git/info/exclude", ..FAILED });
    for (step, says) in [("usage", "cannot read the job's output"), ("quota", "unreliable")] {
        break_it(
            step,
            &Fault {
                what: "a pipe in place of the capture",
                agent: "d=$XDG_STATE_HOME/fuseboard/runs/$FUSEBOARD_RUN; rm $d/stdout; mkfifo $d/stdout; exit 1",
                says,
                code: 1,
                notices: &["\"mend it\" failed: it ended with an error"],
                ..FAILED
            },
        );
    }
}

/// A gate that asks for a re-run of a mission without any work.
const QUEUE: &str = "with = { file = 'q/q' }\nafter = ['check']\n\
                     [[step]]\nname = 'check'\nuses = 'verify'\nadvisory = true\nwith = { reruns = 1 }";
const REFLECT: &str =
    "with = { command = ['touch', '../asked'], file = 'r/r.md', journal = 'r/j.md', at_least = '1ms' }";
const MERGE: &str = "gated_by = ['check']\n[[step]]\nname = 'check'\nkind = 'gate'\nrun = ['true']";
const NOT_ASKED: &str = "test ! -e ../asked";
const ALERTED: &str = "$STATE/alerts/$(printf work | sha256sum | cut -c 1-64).json";
const JOB_FAILED: &[&str] = &["\"mend it\" failed: it ended with an error"];

#[test]
fn files_of_those_that_remember() {
    in_place_of("bandit", "$STATE/bandit/project.json", &Fault { agent: WORKS, says: "project.json", ..FAILED });
    let alert = Fault { keys: "with = { least = 1 }", agent: "exit 3", code: 3, notices: JOB_FAILED, ..FAILED };
    in_place_of("alert", ALERTED, &Fault { says: "cannot tell what was told before", ..alert });
    let notify = Fault { keys: "with = { file = 'o' }", agent: "exit 3", code: 3, notices: JOB_FAILED, ..FAILED };
    in_place_of("notify", "$CONFIG/o", &Fault { after: "ls $STATE/spool/notices/*.json", ..notify });
}

#[test]
fn files_of_actions() {
    in_place_of(
        "requeue",
        "$CONFIG/q/q",
        &Fault { keys: QUEUE, says: "the queue ", notices: &["step failed", "check blocks"], ..FAILED },
    );
    let reflect = Fault { keys: REFLECT, after: NOT_ASKED, before: "mkdir $CONFIG/r", ..FAILED_ACTION };
    for file in ["$CONFIG/r/r.md", "$CONFIG/r/j.md", "$STATE/reflect/attempts.json"] {
        in_place_of("reflect", file, &reflect);
    }
}

#[test]
fn files_of_gates() {
    let security = Fault { keys: "with = { sarif = ['s/s.sarif'] }", says: "the report ", ..NO_VERDICT };
    in_place_of("security", "$CONFIG/s/s.sarif", &security);
    break_it(
        "security",
        &Fault { what: "a missing report", says: "s/s.sarif cannot be read: No such file", ..security },
    );
    for (what, made) in [
        ("a missing folder", ":"),
        ("a folder", "mkdir -p $CONFIG/s/s.sarif"),
        ("a pipe", "mkdir $CONFIG/s; mkfifo $CONFIG/s/s.sarif"),
    ] {
        let keys = "with = { sarif = 's/s.sarif' }";
        break_it("diff-scan", &Fault { what, keys, before: made, says: "cannot write the findings", ..NO_VERDICT });
    }
}

#[test]
fn places_that_the_user_may_not_write() {
    let closed = "mkdir $CONFIG/x; chmod 555 $CONFIG/x";
    for (step, keys) in [
        ("export", "with = { format = 'activity', file = 'x/a.log' }"),
        ("export", "with = { format = 'truth-log', file = 'x/a.jsonl' }"),
        ("export", "with = { format = 'journal', folder = 'x' }"),
        ("export", "with = { format = 'day', folder = 'x' }"),
    ] {
        forbid(step, &Fault { keys, before: closed, ..FAILED });
    }
    let notify = Fault { keys: "with = { file = 'x/o' }", agent: "exit 3", code: 3, notices: JOB_FAILED, ..FAILED };
    forbid("notify", &Fault { before: closed, after: "ls $STATE/spool/notices/*.json", ..notify });
    let lost = Fault { before: "mkdir -p $CONFIG/x $STATE/spool; chmod 555 $CONFIG/x $STATE/spool", ..notify };
    forbid("notify", &Fault { says: "lost of this run: 1, because the spool", ..lost });
    let reflect = "with = { command = ['touch', '../asked'], file = 'x/r.md', at_least = '1ms' }";
    forbid("reflect", &Fault { keys: reflect, before: closed, after: NOT_ASKED, ..FAILED_ACTION });
    let queue = QUEUE.replace("q/q", "x/q").leak();
    let told = Fault { notices: &["step failed", "check blocks"], ..FAILED };
    forbid("requeue", &Fault { keys: queue, before: closed, ..told });
    let sarif = Fault { keys: "with = { sarif = 'x/s.sarif' }", before: closed, ..NO_VERDICT };
    forbid("diff-scan", &Fault { says: "cannot write the findings", ..sarif });
}

#[test]
fn state_that_the_user_may_not_write() {
    let failed = Fault { agent: "exit 3", code: 3, notices: JOB_FAILED, ..FAILED };
    forbid("alert", &Fault { keys: "with = { least = 1 }", before: "mkdir -m 555 $STATE/alerts", ..failed });
    forbid("bandit", &Fault { agent: WORKS, before: "mkdir -m 555 $STATE/bandit", ..FAILED });
    let limit = Fault { agent: "echo 'usage limit reached' >&2; exit 1", code: 1, ..FAILED };
    let notices = &["\"mend it\" failed: the agent ran into its limit"];
    forbid("quota", &Fault { before: "mkdir -m 555 $STATE/pauses", notices, ..limit });
    let reflect = "with = { command = ['touch', '../asked'], file = 'r.md', at_least = '1ms' }";
    let uncounted = Fault { keys: reflect, before: "mkdir -m 555 $STATE/reflect", after: NOT_ASKED, ..FAILED_ACTION };
    forbid("reflect", &uncounted);
    forbid("merge", &Fault { keys: MERGE, agent: WORKS, before: "mkdir -m 555 $STATE/merges", ..FAILED_ACTION });
    let log_stays = Fault { after: "test $(cat pending.md) = done", ..FAILED };
    forbid(
        "archive",
        &Fault {
            before: "echo pending.md >.git/info/exclude; echo done >pending.md; mkdir -m 555 $STATE/journal",
            ..log_stays
        },
    );
}

#[test]
fn files_that_the_user_may_not_read_or_remove() {
    let prices = Fault {
        keys: "with = { prices = 'p.toml' }",
        before: "echo >$CONFIG/p.toml; chmod 0 $CONFIG/p.toml",
        ..FAILED
    };
    forbid("usage", &Fault { agent: RESULT, ..prices });
    let log = "echo pending.md >.git/info/exclude; echo done >pending.md";
    forbid(
        "archive",
        &Fault { before: format!("{log}; chmod 0 pending.md").leak(), after: "test -s pending.md", ..FAILED },
    );
    let archived = Fault {
        says: "is archived, but cannot be removed",
        after: "test -s pending.md; grep -q done $STATE/journal/*",
        ..FAILED
    };
    forbid("archive", &Fault { before: format!("{log}; chmod 555 .").leak(), ..archived });
    let journal = Fault {
        keys: "with = { command = ['touch', '../asked'], file = 'r.md', journal = 'j.md', at_least = '1ms' }",
        ..FAILED_ACTION
    };
    forbid("reflect", &Fault { before: "echo >$CONFIG/j.md; chmod 0 $CONFIG/j.md", after: NOT_ASKED, ..journal });
    forbid(
        "hooks",
        &Fault { before: "mkdir -p $CONFIG/hooks.d/after-mission; chmod 0 $CONFIG/hooks.d", ..FAILED_ACTION },
    );
    let report = Fault {
        keys: "with = { sarif = ['s.sarif'] }",
        before: "echo >$CONFIG/s.sarif; chmod 0 $CONFIG/s.sarif",
        ..NO_VERDICT
    };
    forbid("security", &report);
}

#[test]
fn repositories_that_the_user_may_not_read_or_write() {
    let unreadable =
        Fault { says: "no verdict: ", agent: format!("{WORKS}; chmod 0 .git/objects").leak(), ..NO_VERDICT };
    for (step, keys) in
        [("diff-scan", ""), ("verify", ""), ("security", ""), ("lint", "with = { command = ['true', '{files}'] }")]
    {
        forbid(step, &Fault { keys, ..unreadable });
    }
    let old = "test $(git rev-parse main) = $(git rev-parse agent/work~1)";
    let merge = Fault { keys: MERGE, after: old, ..FAILED_ACTION };
    forbid("merge", &Fault { agent: format!("{WORKS}; chmod 555 .git/refs/heads").leak(), ..merge });
    let journal =
        "git init -q $UP/journal; git -C $UP/journal commit -q --allow-empty -m first; echo x >$UP/journal/day.md";
    let commit = Fault { keys: "with = { folder = '../../journal', push = false }", ..FAILED_ACTION };
    forbid(
        "commit",
        &Fault {
            before: format!("{journal}; chmod -R a-w $UP/journal/.git").leak(),
            after: "git -C ../journal rev-list --count HEAD",
            ..commit
        },
    );
}

#[test]
fn a_lock_that_has_become_a_pipe_holds_nobody_up() {
    for (locks, ends) in [("merges/*.lock", ("failed", "success")), ("indexes/*.turn", ("skipped", "failed"))] {
        let stage = Stage::new(&format!("[[step]]\nname = 'merge'\nuses = 'merge'\n{MERGE}\n"));
        assert_eq!(stage.fly(&[], WORKS).end_of("merge").0, "success");
        play(&stage, &format!("for lock in $STATE/{locks}; do rm $lock; mkfifo $lock; done"));
        let flown = stage.fly(&[], "git switch -qc agent/more main; echo more >more; git add -A; git commit -qm more");
        assert_eq!((flown.end_of("merge").0, flown.end_of("check").0), ends, "{locks}: {}", flown.told());
        let said = format!("{} {}", flown.word("merge", "detail"), flown.word("check", "why"));
        assert!(said.contains(&locks[locks.len() - 4..]), "{said}");
        assert!(flown.ran.took < Duration::from_secs(20), "{:?}", flown.ran.took);
    }
}

#[test]
fn a_look_at_the_work_tree_that_hangs_leaves_time_for_the_steps_and_for_those_that_come_last() {
    let outbox = "[[step]]\nname = 'told'\nuses = 'notify'\nwith = { file = '../../outbox' }\n";
    let gate = "[[step]]\nname = 'gate'\nkind = 'gate'\nrun = ['true']\n";
    let slow = "[[step]]\nname = 'slow'\nkind = 'recorder'\nrun = ['sleep', '60']\n";
    let stage = Stage::new(&format!("[pipeline]\ndeadline = '6s'\n{gate}{slow}{outbox}"));
    let flown = stage.fly(&[], &format!("{WORKS}; rm .git/index; mkfifo .git/index"));
    assert_eq!((flown.code(), flown.end_of("gate").0), (77, "failed"), "{}", flown.told());
    assert_eq!((flown.end_of("slow").1, flown.end_of("told").0), ("deadline", "success"), "{}", flown.told());
    assert!(flown.word("gate", "why").contains("was cut by the deadline"), "{}", flown.told());
    assert!(stage.read("outbox").contains("gate gave no verdict"), "{}", flown.told());
}
