//! Positive controls: each gate lets clean work pass and blocks what was planted for it, in this run, on this commit,
//! by the real program; and the merge behind it follows.

mod mission_stage;
mod world;

use mission_stage::{Flown, Stage};

/// A gate with its options, and what it is to judge.
struct Control {
    gate: &'static str,
    /// Its keys in the configuration.
    keys: &'static str,
    /// What stands in the base.
    base: &'static str,
    clean: &'static str,
    planted: &'static str,
    /// What it says of that.
    why: &'static str,
}

const CONTROLS: [Control; 6] = [
    Control {
        gate: "diff-scan",
        keys: "uses = 'diff-scan'",
        base: "",
        clean: "echo 'key = load()' >app.py",
        planted: "printf 'key = \"AKIA%s\"\\n' IOSFODNN7EXAMPLE >app.py",
        why: "aws-access-key",
    },
    Control {
        gate: "tests",
        keys: "uses = 'tests'",
        base: "printf 'test:\\n\\t@test ! -e broken || { echo 1 failed; exit 1; }\\n' >Makefile",
        clean: "touch fine",
        planted: "touch broken",
        why: "1 failed",
    },
    Control {
        gate: "lint",
        keys: "uses = 'lint'\nwith = { command = ['grep', '-L', 'x', '--', '{files}'], fail_codes = [1] }",
        base: "",
        clean: "echo x >a.txt",
        planted: "echo y >a.txt",
        why: "a.txt",
    },
    Control {
        gate: "verify",
        keys: "uses = 'verify'",
        base: "",
        clean: "touch something",
        planted: "true",
        why: "diff",
    },
    Control {
        gate: "security",
        keys: "uses = 'security'",
        base: "",
        clean: "echo 'x = 1' >app.py",
        planted: "printf 'import os, pickle\\nos.system(input())\\npickle.loads(data)\\neval(text)\\n\
                  requests.get(u, verify=False)\\n' >auth.py; mkdir -p .github/workflows; touch .github/workflows/ci.yml",
        why: "risk",
    },
    Control {
        gate: "command",
        keys: "kind = 'gate'\nrun = ['sh', '-c', 'test ! -e bad || { echo it is bad; exit 1; }']",
        base: "",
        clean: "touch good",
        planted: "touch bad",
        why: "it is bad",
    },
];

impl Control {
    fn stage(&self) -> Stage {
        let stage = Stage::new(&format!(
            "[[step]]\nname = 'judge'\n{}\n\n[[step]]\nname = 'merge'\nuses = 'merge'\ngated_by = ['judge']\n",
            self.keys
        ));
        if !self.base.is_empty() {
            stage.git(&format!("{}; git add -A; git commit -qm base", self.base));
        }
        stage
    }
}

/// Flies a mission whose agent does this and commits it.
fn fly(stage: &Stage, work: &str) -> Flown {
    stage.fly(&[], &format!("git switch -qc agent/work; {work}; git add -A; git commit -qm work --allow-empty"))
}

/// Judged, and on the commit that was made.
fn is_bound(stage: &Stage, flown: &Flown) -> bool {
    stage.git("git rev-parse agent/work >../head");
    flown.row("judge")["evaluated"] == true && flown.word("judge", "commit") == stage.read("head").trim()
}

#[test]
fn clean_work_passes_each_gate_and_is_merged() {
    for control in CONTROLS {
        let stage = control.stage();
        let flown = fly(&stage, control.clean);
        assert_eq!(flown.word("judge", "verdict"), "pass", "{}: {}", control.gate, flown.told());
        assert!(is_bound(&stage, &flown), "{}: {}", control.gate, flown.told());
        assert_eq!(flown.end_of("merge"), ("success", ""), "{}: {}", control.gate, flown.told());
        assert_eq!(flown.code(), 0, "{}", control.gate);
    }
}

#[test]
fn what_was_planted_blocks_each_gate_and_is_not_merged() {
    for control in CONTROLS {
        let stage = control.stage();
        stage.git("git rev-parse main >../before");
        let flown = fly(&stage, control.planted);
        assert_eq!(flown.word("judge", "verdict"), "block", "{}: {}", control.gate, flown.told());
        assert!(is_bound(&stage, &flown), "{}: {}", control.gate, flown.told());
        assert!(flown.word("judge", "why").contains(control.why), "{}: {}", control.gate, flown.told());
        assert_eq!(flown.end_of("merge"), ("skipped", "gate-blocked"), "{}: {}", control.gate, flown.told());
        assert_eq!(flown.code(), 77, "{}", control.gate);
        stage.git("git rev-parse main >../after");
        assert_eq!(stage.read("before"), stage.read("after"), "{}", control.gate);
    }
}
