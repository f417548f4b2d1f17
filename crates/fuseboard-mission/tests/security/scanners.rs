//! Scanners that `security` runs itself.

use std::path::Path;
use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard_mission::steps::security::Security;
use fuseboard_pipeline::process::Deadline;
use serde_json::{Value, json};

use super::stage::{Stage, blocked, passed};
use super::{gate, report, result, stage};

/// A gate with a scanner that runs this script.
fn scanner(script: &str) -> Security {
    gate(&format!("scanners = [['sh', '-c', '''{script}''']]"))
}

/// A scanner that prints this report, and exits with this code. It stands beside the repository, not in it.
fn printing(report: &str, code: i32) -> (tempfile::NamedTempFile, Security) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), report).unwrap();
    let gate = scanner(&format!("cat {}; exit {code}", file.path().display()));
    (file, gate)
}

fn judged(stage: &Stage, results: &Value) -> (String, Value) {
    let (_file, gate) = printing(&report(results), 1);
    passed(stage.run(&gate))
}

#[test]
fn results_on_added_lines_are_scored_by_their_level() {
    let stage = stage();
    for (level, score) in [("error", 6), ("warning", 3), ("note", 1), ("none", 0)] {
        let (detail, output) = judged(&stage, &json!([result("eval", level, "a.txt", Some(2))]));
        assert_eq!(output["score"], score, "{detail}");
        assert_eq!(output["scanners"], json!([{"tools": ["lint"], "results": 1, "counted": 1, "elsewhere": 0}]));
    }
    let (detail, _) = judged(&stage, &json!([result("eval", "error", "a.txt", Some(2))]));
    assert_eq!(detail, "risk medium (6): 1 × eval of lint (a.txt:2)");
}

#[test]
fn a_severity_counts_in_place_of_the_level() {
    let stage = stage();
    for (severity, score) in [("9.0", 12), ("8.9", 8), ("7", 8), ("4.0", 4), ("3.9", 1), ("0.1", 1), ("0.0", 6)] {
        let result = json!({"ruleId": "a", "level": "error", "properties": {"security-severity": severity}});
        let (_file, gate) = printing(&report(&json!([result])), 0);
        let answer = stage.run(&gate);
        let output = if score < 12 { passed(answer).1 } else { blocked(answer).1 };
        assert_eq!(output["score"], score, "{severity}");
    }
}

#[test]
fn one_rule_counts_three_times_and_another_one_of_its_own() {
    let stage = stage();
    let results = vec![result("a", "warning", "a.txt", Some(2)); 50];
    assert_eq!(judged(&stage, &json!(results)).1["score"], 9);
    let results = json!([result("a", "warning", "a.txt", Some(2)), result("b", "warning", "a.txt", Some(3))]);
    assert_eq!(judged(&stage, &results).1["score"], 6);
    // Names that differ only where they are not shown any more.
    let results = ["a", "b"].map(|end| result(&format!("{}{end}", "x".repeat(200)), "warning", "a.txt", Some(2)));
    assert_eq!(judged(&stage, &json!(results)).1["score"], 6);
}

#[test]
fn results_elsewhere_are_told_and_not_scored() {
    let stage = stage();
    let (detail, output) = judged(
        &stage,
        &json!([
            result("a", "error", "a.txt", Some(1)),
            result("a", "error", "b.txt", Some(2)),
            result("a", "error", "../a.txt", Some(2)),
            result("a", "error", "file:///usr/lib/x.txt", None),
        ]),
    );
    assert_eq!(detail, "risk low (0); 4 result(s) of scanners lie elsewhere");
    assert_eq!(output["elsewhere"], 4);
}

#[test]
fn a_result_counts_wherever_it_can_mean_the_work() {
    let stage = stage();
    let absolute = stage.path().join("a.txt").display().to_string();
    for (uri, line) in [
        ("a.txt", None),
        ("./x/../a.txt", Some(3)),
        ("%61.txt", Some(2)),
        (&*absolute, Some(2)),
        (&*format!("file://{absolute}"), Some(2)),
        ("file:///src/a.txt", Some(2)),
        ("https://example.org/a.txt", Some(9)),
    ] {
        assert_eq!(judged(&stage, &json!([result("a", "note", uri, line)])).1["score"], 1, "{uri}");
    }
    for nowhere in [json!({"level": "note"}), json!({"level": "note", "locations": []})] {
        assert_eq!(judged(&stage, &json!([nowhere])).1["score"], 1);
    }
    let lines = json!({"startLine": 1, "endLine": 2});
    let location = json!({"physicalLocation": {"artifactLocation": {"uri": "a.txt"}, "region": lines}});
    assert_eq!(judged(&stage, &json!([{"level": "note", "locations": [location]}])).1["score"], 1);
}

#[test]
fn a_name_with_a_percent_sign_hides_no_result() {
    let stage = Stage::new(&[]);
    stage.commit(&[("x%41.txt", b"one\n"), ("100%.txt", b"one\n"), ("a#b?.txt", b"one\n")]);
    for uri in ["x%41.txt", "x%2541.txt", "100%.txt", "a#b?.txt", "a%23b%3F.txt"] {
        assert_eq!(judged(&stage, &json!([result("a", "note", uri, Some(1))])).1["score"], 1, "{uri}");
    }
}

#[test]
fn a_scanner_in_a_folder_may_count_from_there_or_from_the_top() {
    let stage = Stage::new(&[("sub/a.txt", b"one\n")]);
    stage.commit(&[("sub/a.txt", b"one\ntwo\n")]);
    for uri in ["a.txt", "sub/a.txt"] {
        let (_file, gate) = printing(&report(&json!([result("a", "note", uri, Some(2))])), 0);
        assert_eq!(passed(stage.run_in(Path::new("sub"), &gate)).1["score"], 1, "{uri}");
    }
}

#[test]
fn a_suppression_in_the_report_does_not_count_and_is_told() {
    let stage = stage();
    let mut suppressed = result("a", "error", "a.txt", Some(2));
    suppressed["suppressions"] = json!([{"kind": "inSource"}]);
    let (detail, output) = judged(&stage, &json!([suppressed]));
    assert_eq!(detail, "risk medium (6): 1 × a of lint (a.txt:2); 1 count although their report takes them out");
    assert_eq!(output["suppressed"], 1);
}

#[test]
fn more_results_on_the_work_than_are_counted_are_no_verdict_unless_it_blocks_anyway() {
    let stage = stage();
    let many = |level| report(&json!(vec![result("a", level, "a.txt", Some(2)); 10_001]));
    let (_file, gate) = printing(&many("note"), 0);
    let error = stage.run(&gate).unwrap_err();
    assert!(error.message.contains("report 1 more results on this work than the 10000"), "{error}");
    let (_file, gate) = printing(&many("error"), 0);
    assert_eq!(blocked(stage.run(&gate)).1["not_counted"], 1);
    let elsewhere = report(&json!(vec![result("a", "error", "b.txt", Some(2)); 20_000]));
    let (_file, gate) = printing(&elsewhere, 0);
    assert_eq!(passed(stage.run(&gate)).1["elsewhere"], 20_000);
}

#[test]
fn what_a_scanner_names_is_shown_plainly_and_without_credentials() {
    let stage = stage();
    let key = concat!("AKIA", "IOSFODNN7EXAMPLE");
    let rule = format!("\u{1b}[31mkey {key} {}", "x".repeat(500));
    let mut found = result(&rule, "note", "a.txt", Some(2));
    found["message"] = json!({"text": key});
    let (detail, output) = judged(&stage, &json!([found]));
    assert!(detail.contains("key *** xxx"), "{detail}");
    assert!(detail.len() < 300 && !detail.contains('\u{1b}'), "{detail}");
    assert!(!format!("{detail}{output}").contains(&key[4..]));
}

#[test]
fn a_scanner_that_tells_nothing_is_no_verdict() {
    let stage = stage();
    for (script, kind, message) in [
        ("echo all is well", FailureKind::Error, "tells nothing"),
        ("true", FailureKind::Error, "tells nothing"),
        ("echo broken >&2; exit 2", FailureKind::Exit, "exited with code 2: broken"),
        ("kill -9 $$", FailureKind::Signal, "SIGKILL"),
    ] {
        let error = stage.run(&scanner(script)).unwrap_err();
        assert_eq!(error.kind, Some(kind), "{error}");
        assert!(error.message.contains(message), "{error}");
    }
    let error = stage.run(&gate("scanners = [['no-such-scanner-here']]")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Spawn));
    let (_file, whole) = printing(&report(&json!([])), 2);
    assert_eq!(stage.run(&whole).unwrap_err().kind, Some(FailureKind::Exit));
    let failed = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}},
        "invocations": [{"executionSuccessful": false}]}]}"#;
    let (_file, failed) = printing(failed, 0);
    assert!(stage.run(&failed).unwrap_err().message.contains("lint says that it did not finish"));
}

#[test]
fn a_scanner_that_hangs_is_cut() {
    let mut stage = stage();
    stage.deadline = Deadline::after(Duration::from_millis(1500));
    let error = stage.run(&scanner("sleep 60")).unwrap_err();
    assert_eq!(error.kind, None);
    assert!(error.message.contains("was cut by the deadline"), "{error}");
}

#[test]
fn the_second_scanner_is_asked_after_the_first() {
    let stage = stage();
    let (one, two) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    for (file, rule) in [(&one, "a"), (&two, "b")] {
        std::fs::write(file.path(), report(&json!([result(rule, "error", "a.txt", Some(2))]))).unwrap();
    }
    let gate = gate(&format!("scanners = [['cat', '{}'], ['cat', '{}']]", one.path().display(), two.path().display()));
    let (why, output) = blocked(stage.run(&gate));
    assert_eq!(why, "risk high (12): 1 × a of lint (a.txt:2), 1 × b of lint (a.txt:2)");
    assert_eq!(output["scanners"].as_array().unwrap().len(), 2);
}
