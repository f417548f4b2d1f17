//! A full disk under a built-in step: it fails, says so, and leaves what was there as it was.

mod mission_fault;
mod mission_stage;
mod world;

use mission_fault::{FAILED, FAILED_ACTION, FULL, Fault, break_it, play};
use mission_stage::Stage;
use serde_json::Value;
use world::finish;

const QUEUE: &str = "with = { file = 'full' }\nafter = ['check']\n\
                     [[step]]\nname = 'check'\nuses = 'verify'\nadvisory = true\nwith = { reruns = 1 }";
const REFLECT: &str = "with = { command = ['echo', 'well'], file = 'full', at_least = '1ms' }";

/// Breaks the step by a file that cannot grow.
fn fill(step: &str, file: &str, fault: &Fault) {
    let text = |text: String| -> &'static str { text.leak() };
    let before = if fault.before.is_empty() { ":" } else { fault.before };
    let after = if fault.after.is_empty() { ":" } else { fault.after };
    break_it(
        step,
        &Fault {
            what: text(format!("no room in {file}")),
            before: text(format!("{before}; mkdir -p -m 700 $(dirname {file}); truncate -s 4M {file}")),
            start: FULL,
            says: "cannot be written: File too large",
            after: text(format!("test $(wc -c <{file}) = 4194304; {after}")),
            ..*fault
        },
    );
}

#[test]
fn a_file_to_which_is_appended_stays_as_it_is() {
    fill("export", "$CONFIG/full", &Fault { keys: "with = { format = 'activity', file = 'full' }", ..FAILED });
    fill("export", "$STATE/truth.jsonl", &Fault { keys: "with = { format = 'truth-log' }", ..FAILED });
    fill("export", "$STATE/journal/$(date +%F).md", &Fault { keys: "with = { format = 'journal' }", ..FAILED });
    fill(
        "archive",
        "$STATE/journal/$(date +%F).md",
        &Fault {
            before: "echo pending.md >.git/info/exclude; echo done >pending.md",
            after: "test $(cat pending.md) = done",
            ..FAILED
        },
    );
    fill("requeue", "$CONFIG/full", &Fault { keys: QUEUE, notices: &["step failed", "check blocks"], ..FAILED });
    let attempts = "grep -q '\"run\"' $STATE/reflect/attempts.json";
    fill("reflect", "$CONFIG/full", &Fault { keys: REFLECT, after: attempts, ..FAILED_ACTION });
    fill(
        "notify",
        "$CONFIG/full",
        &Fault {
            keys: "with = { file = 'full' }",
            agent: "exit 3",
            code: 3,
            notices: &["\"mend it\" failed: it ended with an error"],
            after: "test $(ls $STATE/spool/notices/*.json | wc -l) = 1",
            ..FAILED
        },
    );
}

#[test]
fn a_commit_for_which_there_is_no_room_is_not_made() {
    break_it(
        "commit",
        &Fault {
            what: "a file that is too large for the repository",
            keys: "with = { folder = '../../journal', push = false }",
            before: "git init -q $UP/journal; cd $UP/journal; git commit -q --allow-empty -m first; \
                     head -c 5000000 /dev/urandom >day.md",
            start: FULL,
            says: "File too large",
            after: "test $(git -C $UP/journal rev-list --count HEAD) = 1",
            ..FAILED_ACTION
        },
    );
}

/// A step that writes small files, on a disk on which nothing fits any more, not even the ledger: what the report says.
struct Small {
    step: &'static str,
    with: &'static str,
    /// How the job ended.
    job: &'static [&'static str],
    before: &'static str,
    says: &'static str,
    code: i32,
    after: &'static str,
}

const SMALL: Small =
    Small { step: "", with: "", job: &["--exit-code", "0"], before: ":", says: "File too large", code: 0, after: "" };

#[test]
fn what_is_written_whole_is_written_not_at_all() {
    let old = "mkdir -m 700 $STATE/bandit $STATE/reflect";
    for small in [
        Small {
            step: "bandit",
            before: old,
            job: &["--exit-code", "3"],
            after: "test ! -e $STATE/bandit/project.json",
            ..SMALL
        },
        Small {
            step: "quota",
            before: "echo 'usage limit reached' >../err",
            job: &["--exit-code", "1", "--stderr", "../err"],
            after: "test ! -e $STATE/pauses/claude.json -a ! -e $STATE/pauses/agent.json",
            ..SMALL
        },
        Small {
            step: "reflect",
            with: "command = ['touch', '../asked'], file = 'r.md', at_least = '1ms'",
            before: old,
            job: &["--exit-code", "0", "--started-at", "2026-03-04T05:06:07.000Z"],
            after: "test ! -e ../asked -a ! -e $STATE/reflect/attempts.json",
            ..SMALL
        },
        Small {
            step: "notify",
            job: &["--exit-code", "3"],
            says: "lost of this run: 1, because the spool",
            after: "test $(wc -c <$STATE/outbox.jsonl) = 0; test ! -e $STATE/spool/notices/*.json",
            ..SMALL
        },
        Small {
            step: "diff-scan",
            with: "sarif = '../../s.sarif'",
            before: "git switch -qc agent/work; echo x >work; git add work; git commit -qm work",
            says: "cannot write the findings",
            code: 77,
            after: "test ! -e ../s.sarif*",
            ..SMALL
        },
    ] {
        break_small(&small);
    }
}

fn break_small(small: &Small) {
    let stage = Stage::new(&format!(
        "[[step]]\nname = 'step'\nuses = '{}'\non = 'always'\nwith = {{ {} }}\n[circuits.step]\ntrip_after = 1\n",
        small.step, small.with
    ));
    play(&stage, small.before);
    let words = ["--store", "memory:", "after", "--format", "json", "--title", "mend it", "--agent", "claude"];
    let shell = [&["-c", "trap '' XFSZ; ulimit -f 0; exec \"$BIN\" \"$@\"", "sh"], &words[..], small.job].concat();
    let ran = finish(stage.surrounded(stage.world.other("sh", &shell)));
    let told = format!("{} {}: {}\n{}", small.step, small.with, ran.out(), ran.err());
    assert_eq!(ran.code, small.code, "{told}");
    let report: Value = serde_json::from_slice(&ran.stdout).expect(&told);
    let row = &report["steps"][0];
    assert_eq!((&row["status"], &row["failure"]), (&"failed".into(), &"error".into()), "{told}");
    let said = ["detail", "why", "last_error"].map(|field| row[field].as_str().unwrap_or("")).join("\n");
    assert!(said.contains(small.says), "{told}");
    assert_eq!(report["circuits"]["opened"][0], row["circuit"], "{told}");
    play(&stage, small.after);
}
