//! SARIF in both directions: what scanners write is read as it is meant, and nothing hostile is believed.

use std::convert::Infallible;

use fuseboard_mission::sarif::{Level, MAX_BYTES, Reader, Reported, Roots, SarifError, Summary, Written, write};
use fuseboard_mission::scan::{AddedFile, Baseline, Finding, Scan};
use fuseboard_pipeline::redact::Redactor;
use serde_json::{Value, json};

/// In two pieces, so that nobody's scanner stumbles over it.
const KEY: &str = concat!("AKIA", "IOSFODNN7EXAMPLE");

fn read(bytes: &[u8]) -> Result<(Summary, Vec<Reported>), SarifError> {
    let mut all = Vec::new();
    let reader = Reader::new(Roots { top: "/repo".into(), folder: "".into() });
    reader.read(bytes, |reported| all.push(reported)).map(|summary| (summary, all))
}

fn run(run: &Value) -> Vec<u8> {
    json!({"version": "2.1.0", "runs": [run]}).to_string().into_bytes()
}

/// A run of `lint` with these results, and rules of its own.
fn results(results: &Value) -> Vec<u8> {
    let rules = json!([
        {"id": "quiet", "defaultConfiguration": {"level": "note"}},
        {"id": "loud", "defaultConfiguration": {"level": "error"}, "properties": {"security-severity": "9.1"}},
        {"id": "plain"},
    ]);
    run(&json!({"tool": {"driver": {"name": "lint", "rules": rules}}, "results": results}))
}

fn one(result: &Value) -> Reported {
    read(&results(&json!([result]))).unwrap().1.remove(0)
}

#[track_caller]
fn refused(bytes: &[u8]) -> String {
    let error = read(bytes).expect_err("it is refused");
    error.to_string()
}

#[test]
fn a_result_has_its_own_level_else_that_of_its_rule_else_warning() {
    for (result, level) in [
        (json!({"ruleId": "quiet", "level": "error"}), Level::Error),
        (json!({"ruleId": "quiet"}), Level::Note),
        (json!({"ruleId": "quiet/part/1"}), Level::Note),
        (json!({"ruleIndex": 1}), Level::Error),
        (json!({"ruleIndex": 1, "ruleId": "quiet"}), Level::Note),
        (json!({"rule": {"id": "loud"}}), Level::Error),
        (json!({"ruleId": "plain"}), Level::Warning),
        (json!({"ruleId": "unknown", "ruleIndex": -1}), Level::Warning),
        (json!({}), Level::Warning),
    ] {
        assert_eq!(one(&result).level, level, "{result}");
    }
    assert_eq!(one(&json!({"ruleIndex": 1})).rule, "loud");
}

#[test]
fn a_severity_is_that_of_the_result_else_of_its_rule() {
    assert_eq!(one(&json!({"ruleId": "loud"})).severity, Some(9.1));
    assert_eq!(one(&json!({"ruleId": "loud", "properties": {"security-severity": 2}})).severity, Some(2.0));
    assert_eq!(one(&json!({"ruleId": "plain", "properties": {"x": 1}})).severity, None);
    for wrong in [json!("high"), json!("11"), json!(-1), json!("NaN"), json!("inf"), json!({}), json!("")] {
        let told = refused(&results(&json!([{"properties": {"security-severity": wrong}}])));
        assert!(told.contains("security-severity") || told.contains("did not match"), "{told}");
    }
}

#[test]
fn rules_of_extensions_count_too() {
    let tool = json!({"driver": {"name": "ql"}, "extensions": [{"name": "pack", "rules": [
        {"id": "deep", "defaultConfiguration": {"level": "error"}}]}]});
    let (_, all) = read(&run(&json!({"tool": tool, "results": [{"ruleId": "deep", "ruleIndex": 0}]}))).unwrap();
    assert_eq!(all[0].level, Level::Error);
    let of_extension = json!([{"ruleIndex": 0, "rule": {"index": 0, "toolComponent": {"index": 0}}}]);
    let all = read(&results(&of_extension)).unwrap().1;
    assert_eq!((all[0].level, all[0].rule.as_str()), (Level::Warning, ""), "no rule of the driver");
}

#[test]
fn what_is_no_problem_or_is_gone_is_left_out_and_what_is_suppressed_is_not() {
    let (summary, all) = read(&results(&json!([
        {"baselineState": "absent"}, {"kind": "pass"}, {"kind": "informational"}, {"kind": "notApplicable"},
        {"baselineState": "unchanged"}, {"kind": "open"}, {"suppressions": [{"kind": "inSource"}]}, {"suppressions": []},
    ])))
    .unwrap();
    assert_eq!((summary.results, summary.left_out, all.len()), (8, 4, 4));
    assert_eq!(all.iter().filter(|reported| reported.suppressed).count(), 1);
}

#[test]
fn a_list_of_results_may_be_empty_but_one_that_is_missing_or_null_says_that_none_were_looked_for() {
    let tool = json!({"driver": {"name": "lint", "rules": null, "x": [1]}, "extensions": null});
    let (summary, all) = read(&run(&json!({"tool": tool, "results": []}))).unwrap();
    assert_eq!((summary.tools, all.len()), (vec!["lint".to_owned()], 0));
    for run_ in [json!({"tool": tool}), json!({"tool": tool, "results": null})] {
        assert!(refused(&run(&run_)).ends_with(": lint gives no list of results"));
    }
}

#[test]
fn unknown_members_are_passed_over() {
    let tool = json!({"driver": {"name": "lint", "rules": null, "x": [1]}, "extensions": null});
    read(&run(&json!({"tool": tool, "results": [], "invocations": null, "y": {"z": [[]]}}))).unwrap();
    let marked = ["\u{feff}".as_bytes(), &results(&json!([{}]))].concat();
    assert_eq!(read(&marked).unwrap().1.len(), 1);
}

#[test]
fn a_scanner_that_did_not_finish_has_reported_nothing() {
    for invocation in [
        json!({"executionSuccessful": false}),
        json!({"executionSuccessful": true, "toolExecutionNotifications": [{"level": "error"}]}),
        json!({"toolConfigurationNotifications": [{"level": "note"}, {"level": "error"}]}),
    ] {
        let text = run(
            &json!({"tool": {"driver": {"name": "lint\u{1b}[2J"}}, "invocations": [{}, invocation], "results": []}),
        );
        assert_eq!(refused(&text), "lint says that it did not finish its work");
    }
    let fine = json!({"executionSuccessful": true, "toolExecutionNotifications": [{"level": "warning"}, {}]});
    assert!(read(&run(&json!({"tool": {"driver": {"name": "lint"}}, "invocations": [fine], "results": []}))).is_ok());
}

#[test]
fn what_is_no_sarif_of_this_version_is_refused() {
    let whole = results(&json!([{"ruleId": "quiet", "locations": []}]));
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        refused(&whole[..cut]);
    }
    let deep = "[".repeat(200_000);
    for text in [
        r#"{"version": "2.0.0", "runs": []}"#.to_owned(),
        r#"{"version": "2.1.0"}"#.to_owned(),
        r#"{"version": "2.1.0", "runs": null}"#.to_owned(),
        r#"{"version": "2.1.0", "runs": []}"#.to_owned(),
        r#"{"version": "2.1.0", "runs": [{}]}"#.to_owned(),
        r#"{"version": "2.1.0", "version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": []}]}"#
            .to_owned(),
        r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": [], "results": []}]}"#
            .to_owned(),
        r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": "none"}]}"#.to_owned(),
        format!("{{\"version\": \"2.1.0\", \"x\": {deep}"),
        "null".to_owned(),
        "found 3 problems".to_owned(),
    ] {
        refused(text.as_bytes());
    }
    assert!(
        refused(b"{\"version\": \"1.\x1b[31m0\", \"runs\": [{\"tool\": {\"driver\": {\"name\": \"a\"}}}]}").is_ascii()
    );
    assert_eq!(read(&vec![b' '; MAX_BYTES + 1]), Err(SarifError::TooLarge));
}

#[test]
fn a_wrong_value_of_what_decides_is_refused() {
    let at = |region: Value| json!({"locations": [{"physicalLocation": {"artifactLocation": {"uri": "a"}, "region": region}}]});
    for result in [
        json!({"level": "fatal"}),
        json!({"level": 3}),
        json!({"locations": 3}),
        at(json!({"startLine": -1})),
        at(json!({"startLine": "1"})),
        at(json!({"startLine": 1.5})),
        json!({"locations": vec![json!({}); 1001]}),
        json!({"ruleId": "a/".repeat(3000)}),
    ] {
        refused(&results(&json!([result])));
    }
    let huge =
        br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "a"}}, "results": [{"ruleIndex": 1e999}]}]}"#;
    refused(huge);
    let other =
        [br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": ""#.as_slice(), b"\xff\xfe\"}}}]}"].concat();
    refused(&other);
}

#[test]
fn results_that_lie_in_other_files_are_not_taken_for_none() {
    for part in ["results", "invocations"] {
        let elsewhere = json!({part: [{"location": {"uri": "more.sarif"}}]});
        let tool = json!({"driver": {"name": "lint"}});
        let told = refused(&run(&json!({"tool": tool, "externalPropertyFileReferences": elsewhere, "results": []})));
        assert!(told.contains("other files"), "{told}");
    }
}

#[test]
fn a_hundred_thousand_results_are_read_one_by_one() {
    let text = results(&Value::Array(vec![json!({"ruleId": "loud"}); 100_000]));
    let (summary, all) = read(&text).unwrap();
    assert_eq!((summary.results, all.len()), (100_000, 100_000));
}

#[test]
fn a_place_has_lines_only_if_the_region_has() {
    let place = |region: Value| {
        let location = json!({"physicalLocation": {"artifactLocation": {"uri": "src/a.py"}, "region": region}});
        one(&json!({"locations": [location]})).places.remove(0)
    };
    assert_eq!(place(json!({"startLine": 3})).lines, Some(3..=3));
    assert_eq!(place(json!({"startLine": 3, "endLine": 5})).lines, Some(3..=5));
    assert_eq!(place(json!({"startLine": 3, "endLine": 1})).lines, Some(3..=3));
    for whole in [json!(null), json!({}), json!({"charOffset": 3}), json!({"startLine": 0})] {
        assert_eq!(place(whole).lines, None);
    }
    assert!(one(&json!({"locations": [{}, {"logicalLocations": []}]})).places.is_empty());
}

// --- Written ----------------------------------------------------------------------------------------------

fn written(scan: &Scan, path: &str, text: &str, redactor: &Redactor) -> (Value, Vec<Finding>) {
    let lines = (1..).zip(text.split('\n').map(str::as_bytes)).collect();
    let before =
        |_: &std::path::Path| Ok::<_, Infallible>(Some(b"# fuseboard: allow todo because we have a list".to_vec()));
    let Ok(findings) = scan.files([AddedFile { path: path.as_ref(), lines }], before, || Ok(()));
    (write(&findings, Written { base: "b", head: "h", redactor }), findings.kept().to_vec())
}

#[test]
fn findings_are_written_with_their_rules_places_and_what_takes_them_out() {
    let text = format!("print(1)\n# TODO x\nkey = '{KEY}'\nprint(1)");
    let (_, findings) = written(&Scan::default(), "src/a b.py", &text, &Redactor::default());
    let known: Baseline = [findings[0].fingerprint()].into_iter().collect();
    let (document, findings) = written(&Scan::default().over(known), "src/a b.py", &text, &Redactor::default());
    let run = &document["runs"][0];
    let rules: Vec<_> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| &rule["id"]).collect();
    assert_eq!(rules, ["aws-access-key", "python-print", "todo"]);
    assert_eq!(run["properties"], json!({"base": "b", "head": "h", "leftOut": 0}));
    let [print, todo, key, again] = run["results"].as_array().unwrap().as_slice() else { panic!("{run:#}") };
    assert_eq!(print["suppressions"][0]["kind"], "external");
    assert_eq!(todo["suppressions"], json!([{"kind": "inSource", "justification": "we have a list"}]));
    assert_eq!((&key["suppressions"], &again["suppressions"]), (&Value::Null, &Value::Null));
    assert_eq!((&key["level"], &key["properties"]["blocking"]), (&json!("error"), &json!(true)));
    assert_eq!(key["message"]["text"], "an AWS access key: key = '[aws-access-key, 20 characters]'");
    let location = &key["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"], json!({"uri": "src/a%20b.py", "uriBaseId": "%SRCROOT%"}));
    assert_eq!(location["region"]["startLine"], 3);
    assert!(!document.to_string().contains(&KEY[4..]));

    let (summary, all) = read(document.to_string().as_bytes()).unwrap();
    assert_eq!((summary.tools, all.len()), (vec!["fuseboard".to_owned()], 4));
    assert_eq!(all[2].fingerprint, Some(findings[2].fingerprint()));
    assert_eq!(all[2].level, Level::Error);
}

#[test]
fn a_secret_of_the_environment_is_neither_written_nor_part_of_a_digest() {
    let redactor = Redactor::from_env([("APP_TOKEN".into(), "correct-horse-battery".into())]);
    let (document, _) = written(&Scan::default(), "a.py", "print('correct-horse-battery')\nprint(2)", &redactor);
    let results = &document["runs"][0]["results"];
    assert_eq!(results[0]["message"]["text"], "a print: print('***')");
    assert_eq!(results[0]["partialFingerprints"], Value::Null);
    assert!(results[1]["partialFingerprints"]["fuseboard/v1"].is_string());
    assert!(!document.to_string().contains("horse"));
}

#[test]
fn a_fingerprint_is_that_of_the_finding_and_not_of_its_line_number_or_credential() {
    let prints = |text: &str| {
        written(&Scan::default(), "a.py", text, &Redactor::default())
            .1
            .iter()
            .map(Finding::fingerprint)
            .collect::<Vec<_>>()
    };
    assert_eq!(prints("\n\nprint(1)"), prints("print(1)"));
    assert_ne!(prints("print(2)"), prints("print(1)"));
    let other = concat!("AKIA", "QWERTZUIOPASDFGH");
    assert_eq!(prints(&format!("key = '{KEY}'")), prints(&format!("key = '{other}'")));
}
