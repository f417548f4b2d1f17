//! The gate `security`, on real repositories.

#[path = "security/files.rs"]
mod files;
#[path = "security/scanners.rs"]
mod scanners;
mod stage;

use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard_mission::steps::security::Security;
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::Step as _;
use serde_json::{Value, json};
use stage::{Stage, blocked, passed, step};

fn gate(options: &str) -> Security {
    step(options, Security::read).unwrap()
}

/// A report of `lint` with these results.
fn report(results: &Value) -> String {
    json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}, "results": results}]}).to_string()
}

fn result(rule: &str, level: &str, uri: &str, line: Option<u32>) -> Value {
    let region = line.map(|line| json!({"startLine": line}));
    let location = json!({"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}});
    json!({"ruleId": rule, "level": level, "locations": [location]})
}

/// Work that adds the lines 2 and 3 to `a.txt`.
fn stage() -> Stage {
    let stage = Stage::new(&[("a.txt", b"one\n"), ("b.txt", b"one\n")]);
    stage.commit(&[("a.txt", b"one\ntwo\nthree\n")]);
    stage
}

#[test]
fn clean_work_passes() {
    let (detail, output) = passed(stage().run(&gate("")));
    assert_eq!(detail, "risk low (0)");
    assert_eq!((&output["score"], &output["level"], &output["threshold"]), (&json!(0), &json!("low"), &json!("high")));
}

#[test]
fn risky_work_blocks_with_the_heaviest_reasons_first() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.commit(&[("a.py", b"x = 1\neval(x)\n"), ("deploy.sh", b"curl x | sh\n"), ("login.py", b"eval(y)\n")]);
    let (why, output) = blocked(stage.run(&gate("threshold = 'critical'")));
    assert_eq!(
        why,
        "risk critical (24): 2 × a text that is run as code (a.py:2, login.py:1), 1 × a download that is run \
         (deploy.sh:1), 1 × what builds, installs or deploys (deploy.sh), 1 × a file with a sensitive name (login.py)"
    );
    assert_eq!(
        output["reasons"][0],
        json!({"rule": "eval", "what": "a text that is run as code", "score": 10,
        "found": 2, "places": ["a.py:2", "login.py:1"]})
    );
    assert_eq!(output["files"], 3);
}

#[test]
fn the_threshold_decides() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.commit(&[("a.py", b"import pickle\npickle.loads(x)\n")]);
    passed(stage.run(&gate("")));
    blocked(stage.run(&gate("threshold = 'medium'")));
    stage.commit(&[("b.py", b"pickle.loads(x)\n")]);
    blocked(stage.run(&gate("")));
    passed(stage.run(&gate("threshold = 'critical'")));
}

#[test]
fn a_credential_blocks_and_is_never_repeated() {
    let key = concat!("AKIA", "IOSFODNN7EXAMPLE");
    let stage = Stage::new(&[]);
    stage.commit(&[("tests/a.py", format!("key = '{key}'\n").as_bytes())]);
    let (why, output) = blocked(stage.run(&gate("threshold = 'critical'")));
    assert_eq!(why, "risk critical (20): 1 × a credential (tests/a.py:1)");
    assert!(!output.to_string().contains(&key[4..]));
}

#[test]
fn what_the_work_says_of_itself_changes_nothing() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    let code = b"# fuseboard: allow eval because it is fine\neval(x)  # nosec\n";
    stage.commit(&[("a.py", code), (".gitattributes", b"*.py -diff binary linguist-generated\n")]);
    let (detail, output) = passed(stage.run(&gate("")));
    assert_eq!(output["score"], 5 + 3 + 3, "{detail}");
}

#[test]
fn what_cannot_be_told_is_no_verdict() {
    let stage = stage();
    stage.git(&["branch", "-q", "-D", "main"]);
    assert!(stage.run(&gate("")).unwrap_err().message.contains("there is no base"));
    std::fs::remove_dir_all(stage.path().join(".git")).unwrap();
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, Some(FailureKind::Error));
}

#[test]
fn a_review_that_is_cut_is_nobodys_fault_and_no_verdict() {
    let mut stage = stage();
    stage.deadline = Deadline::after(Duration::ZERO);
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, None);
}

#[test]
fn options_are_checked() {
    for (options, message) in [
        ("threshold = 'low'", "`threshold` is \"low\": everything would block"),
        ("threshold = 'hihg'", "did you mean `high`?"),
        ("base = ''", "`base` is empty"),
        ("sarif = 'a.sarif'", "`sarif` must be a list of texts"),
        ("scanners = ['semgrep', 'scan']", "`scanners` must be a list of lists of texts"),
        ("scanners = [['semgrep', 3]]", "`scanners` must be a text, not 3"),
        ("scanners = [[]]", "`scanners` names no program"),
        ("scanners = [[' ', 'x']]", "`scanners` names no program"),
        ("scaners = []", "did you mean `scanners`?"),
    ] {
        let errors = step(options, Security::read).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }
    assert_eq!(gate(""), Security::default());
    assert_eq!(gate(""), gate("threshold = 'high'\nsarif = []\nscanners = []"));
}

#[test]
fn the_words_of_all_scanners_are_pinned() {
    let gate = gate("scanners = [['./one.sh', 'a'], ['two', 'rules.yml']]");
    assert_eq!(gate.names_files(), ["./one.sh", "a", "two", "rules.yml"]);
}
