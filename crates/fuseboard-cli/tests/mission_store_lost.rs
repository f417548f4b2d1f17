//! The state is taken away while the agent works: whoever needs the ledger fails and says so, and no gate passes.

mod mission_fault;
mod mission_stage;
mod world;

use mission_fault::RESULT;
use mission_stage::Stage;

/// What each step says, and the code. A gate is not even asked, for nobody knows whether it is switched off.
const LOST: [(&str, &str, &str, i32); 13] = [
    ("usage", "", "cannot tell what the session had used", 0),
    ("budget", "", "cannot tell what was used", 0),
    ("session", "", "cannot tell how earlier missions went", 0),
    ("alert", "", "cannot tell how earlier missions went", 0),
    ("export", "with = { format = 'activity' }", "cannot tell what was used", 0),
    ("export", "with = { format = 'truth-log' }", "cannot tell what was used", 0),
    ("export", "with = { format = 'journal' }", "cannot tell what was used", 0),
    ("export", "with = { format = 'day' }", "cannot tell what ran", 0),
    ("diff-scan", "", "the state cannot be read", 77),
    ("security", "", "the state cannot be read", 77),
    ("tests", "with = { command = ['true'] }", "the state cannot be read", 77),
    ("lint", "with = { command = ['true'] }", "the state cannot be read", 77),
    ("verify", "with = { reruns = 1 }", "the state cannot be read", 77),
];

#[test]
fn who_needs_the_ledger_fails_and_no_gate_passes() {
    for (step, keys, says, code) in LOST {
        let outbox = "[[step]]\nname = 'told'\nuses = 'notify'\nwith = { file = '../../outbox' }\n";
        let stage = Stage::new(&format!(
            "[[step]]\nname = 'step'\nuses = '{step}'\n{keys}\n{outbox}[circuits.step]\ntrip_after = 1\n"
        ));
        let flown = stage.fly(
            &["--agent", "claude"],
            &format!("cd $XDG_STATE_HOME/fuseboard; rm -f state.db*; mkdir state.db; {RESULT}"),
        );
        let told = format!("{step}: {}", flown.told());
        assert_eq!((flown.word("step", "status"), flown.word("step", "failure")), ("failed", "error"), "{told}");
        let said = format!("{} {}", flown.word("step", "detail"), flown.word("step", "why"));
        assert!(said.contains(says) && said.contains("state.db is no regular file"), "{told}");
        assert_eq!(flown.code(), code, "{told}");
        let (opened, notice) = if code == 0 {
            (vec!["step"], "step is out: its circuit opened")
        } else {
            (Vec::new(), "step gave no verdict")
        };
        assert_eq!(flown.report["circuits"]["opened"], serde_json::json!(opened), "{told}");
        let notices = stage.read("outbox");
        assert!(notices.lines().count() == 1 && notices.contains(notice), "{step}: {notices}");
    }
}
