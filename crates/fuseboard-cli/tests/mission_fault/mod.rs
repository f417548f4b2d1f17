//! A built-in step that is broken in some way, in a mission flown by the real program: what its row, the ledger, the exit
//! code, its circuit and the notices are to say.
#![allow(dead_code, reason = "each file of tests uses its own part of it")]

use std::fs;

use serde_json::Value;

use crate::mission_stage::{Flown, Stage};
use crate::world::finish;

/// A way of breaking a step.
pub(crate) struct Fault {
    pub(crate) what: &'static str,
    /// The step's keys, and the steps that it needs.
    pub(crate) keys: &'static str,
    /// What is done before the mission, by a shell in the repository. `$UP` is the folder above it, `$CONFIG` and `$STATE`
    /// are those of the configuration and of the state.
    pub(crate) before: &'static str,
    /// What the shell does that starts the program.
    pub(crate) start: &'static str,
    pub(crate) agent: &'static str,
    /// Its status, and its failure or the reason of a skip.
    pub(crate) end: (&'static str, &'static str),
    /// What its row says.
    pub(crate) says: &'static str,
    pub(crate) code: i32,
    /// What its circuit counted: a success, a failure, nothing.
    pub(crate) counted: &'static str,
    /// The subjects of the notices.
    pub(crate) notices: &'static [&'static str],
    /// What holds afterwards, by a shell as before.
    pub(crate) after: &'static str,
}

/// A recorder that fails is told by its row and its circuit, and by nothing else.
pub(crate) const FAILED: Fault = Fault {
    what: "",
    keys: "",
    before: "",
    start: "",
    agent: "sleep 0.01", // long enough to be measured
    end: ("failed", "error"),
    says: "",
    code: 0,
    counted: "failure",
    notices: &[],
    after: "",
};

/// Nothing is wrong, or nothing that is the step's fault.
pub(crate) const WELL: Fault = Fault { end: ("success", ""), counted: "success", ..FAILED };

/// Of an action that fails a person is told.
pub(crate) const FAILED_ACTION: Fault = Fault { notices: &["step failed"], ..FAILED };

pub(crate) const REFUSED: Fault =
    Fault { end: ("skipped", "refused"), counted: "success", notices: &["step refused"], ..FAILED };

pub(crate) const ABSENT: Fault = Fault { end: ("not-applicable", ""), counted: "nothing", ..FAILED };

/// A gate that gives no verdict blocks.
pub(crate) const NO_VERDICT: Fault = Fault { agent: WORKS, code: 77, notices: &["step gave no verdict"], ..FAILED };

/// It is of no use to try again: the circuit opens at once.
pub(crate) const GONE: Fault = Fault {
    end: ("failed", "spawn"),
    notices: &["step gave no verdict", "work/step is out: its circuit opened"],
    ..NO_VERDICT
};

pub(crate) const RESULT: &str = r#"echo '{"type":"result","subtype":"success","is_error":false,"result":"done","session_id":"s","usage":{"input_tokens":5,"output_tokens":7}}'"#;

/// An agent that works.
pub(crate) const WORKS: &str =
    "git checkout -qb agent/work; echo x >work.txt; git add -A; git commit -qm 'work: do it'";

/// A disk on which no file grows beyond 4 MiB: one that is as long already is full.
pub(crate) const FULL: &str = "trap '' XFSZ; ulimit -f 8192;";

/// An ordinary user, whom permissions hold back, as they do not root. What is there belongs to that user meanwhile.
pub(crate) const ORDINARY: &str = r#"if [ "$(id -u)" = 0 ]; then
    cp "$BIN" "$WORLD/program"; chown -R 65534:65534 "$WORLD"
    setpriv --reuid=65534 --regid=65534 --clear-groups "$WORLD/program" "$@"; code=$?
    chown -R 0:0 "$WORLD"; exit $code
fi;"#;

/// Flies a mission in which the step is broken.
#[track_caller]
pub(crate) fn break_it(step: &str, fault: &Fault) {
    let what = format!("{step}, {}", fault.what);
    let stage = Stage::new("");
    let outbox = stage.beside("outbox");
    stage.configure(&format!(
        "[[step]]\nname = 'step'\nuses = '{step}'\n{}\n\
         [[step]]\nname = 'told'\nuses = 'notify'\nwith = {{ file = '{}' }}\n",
        fault.keys,
        outbox.display()
    ));
    play(&stage, fault.before);
    let flown = fly(&stage, fault);
    let row = flown.row("step");
    assert_eq!(flown.end_of("step").0, fault.end.0, "{what}: {}", flown.told());
    let why = ["failure", "reason"].map(|field| row[field].as_str().unwrap_or(""));
    assert!(why.contains(&fault.end.1), "{what}: {why:?} {}", flown.told());
    let said = ["detail", "why", "last_error"].map(|field| row[field].as_str().unwrap_or("")).join("\n");
    assert!(said.contains(fault.says), "{what}: {said:?}");
    assert_eq!(flown.code(), fault.code, "{what}: {}", flown.told());
    assert_eq!(counted(&stage, row), fault.counted, "{what}");
    assert_eq!(in_the_ledger(&stage, &flown), *row, "{what}");
    let notices = fs::read_to_string(outbox).unwrap_or_default();
    let subjects: Vec<String> = notices
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(subjects, fault.notices, "{what}");
    play(&stage, fault.after);
}

fn fly(stage: &Stage, fault: &Fault) -> Flown {
    let mission = ["mission", "--report", "../report.json", "--title", "mend it", "--agent", "claude"];
    let start = format!("{} exec \"$BIN\" \"$@\"", fault.start);
    let shell = [&["-c", &start, "sh"], &mission[..], &["--", "sh", "-c", fault.agent]].concat();
    stage.flown(finish(stage.surrounded(stage.world.other("sh", &shell))))
}

/// Runs a script in the repository that knows the folders around it.
pub(crate) fn play(stage: &Stage, script: &str) {
    if !script.is_empty() {
        stage.git(&format!(
            "UP=$(cd .. && pwd); CONFIG=$UP/config/fuseboard; STATE=$UP/state/fuseboard; mkdir -p -m 700 $STATE; {script}"
        ));
    }
}

fn counted(stage: &Stage, row: &Value) -> &'static str {
    let name = row["circuit"].as_str().unwrap();
    let status = stage.run(&["status", name, "--format", "json"]);
    if status.code == 64 {
        return "nothing"; // never seen
    }
    let totals = status.json()["circuits"][0]["totals"].clone();
    let some = |outcome: &str| totals[outcome] != 0;
    match (some("success"), some("failure") || some("timeout")) {
        (true, false) => "success",
        (false, true) => "failure",
        (false, false) => "nothing",
        (true, true) => panic!("both: {totals}"),
    }
}

/// The step's row as it was written down.
fn in_the_ledger(stage: &Stage, flown: &Flown) -> Value {
    let id = flown.report["id"].as_str().unwrap();
    let run = stage.run(&["runs", id, "--format", "json"]).json();
    run["steps"].as_array().unwrap().iter().find(|row| row["name"] == "step").unwrap().clone()
}
