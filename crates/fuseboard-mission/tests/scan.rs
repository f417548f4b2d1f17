//! The scanner: each rule finds what it is for and leaves its neighbour alone, and nothing hides from it.

#[path = "scan/hostile.rs"]
mod hostile;
#[path = "scan/samples.rs"]
mod samples;
#[path = "scan/waivers.rs"]
mod waivers;

use std::collections::BTreeSet;
use std::convert::Infallible;

use fuseboard_mission::scan::{AddedFile, Finding, Findings, Group, RULES, Scan};
use samples::SAMPLES;

/// The samples hold no credential in one piece, so that nobody's scanner stumbles over them.
fn unbroken(sample: &str) -> String {
    sample.replace('~', "")
}

fn added<'a>(path: &'a str, text: &'a [u8]) -> AddedFile<'a> {
    AddedFile { path: path.as_ref(), lines: (1..).zip(text.split(|byte| *byte == b'\n')).collect() }
}

fn scan_with(scan: &Scan, files: Vec<AddedFile<'_>>) -> Findings {
    let Ok(findings) = scan.files(files, |_| Ok::<_, Infallible>(None), || Ok(()));
    findings
}

fn scan(path: &str, text: &[u8]) -> Findings {
    scan_with(&Scan::default(), vec![added(path, text)])
}

fn ids(findings: &Findings) -> Vec<&'static str> {
    findings.kept().iter().map(|finding: &Finding| finding.rule.id).collect()
}

const ALL: [Group; 4] = [Group::Secret, Group::Debug, Group::Todo, Group::Large];

#[test]
fn each_rule_finds_what_it_is_for() {
    for (rule, path, hits, _) in SAMPLES {
        for hit in *hits {
            let findings = scan(path, unbroken(hit).as_bytes());
            assert!(ids(&findings).contains(rule), "{rule} does not find {hit:?}: {:?}", ids(&findings));
        }
    }
}

#[test]
fn each_rule_leaves_its_neighbours_alone() {
    for (rule, path, _, clean) in SAMPLES {
        for line in *clean {
            let findings = scan(path, unbroken(line).as_bytes());
            assert!(findings.kept().is_empty(), "{rule}: {line:?} is clean, but {:?}", ids(&findings));
        }
    }
}

#[test]
fn each_rule_has_a_sample_of_both_kinds_and_a_name_of_its_own() {
    let with_sample: BTreeSet<&str> = SAMPLES
        .iter()
        .filter(|(_, _, hits, clean)| !hits.is_empty() && !clean.is_empty())
        .map(|(rule, ..)| *rule)
        .chain(["large-file"])
        .collect();
    let all: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(with_sample, all);
    assert_eq!(all.len(), RULES.len());
}

#[test]
fn a_planted_violation_of_each_rule_blocks_if_its_group_does() {
    for (rule, path, hits, _) in SAMPLES {
        let findings = scan_with(&Scan::new(ALL), vec![added(path, unbroken(hits[0]).as_bytes())]);
        let reason = findings.blocking_reason().unwrap_or_default();
        assert!(reason.contains(rule), "{rule}: {reason}");
    }
}

#[test]
fn secrets_alone_block_by_default() {
    for (rule, path, hits, _) in SAMPLES {
        let findings = scan(path, unbroken(hits[0]).as_bytes());
        let is_secret = RULES.iter().any(|each| each.id == *rule && each.group == Group::Secret);
        assert_eq!(findings.blocking_reason().is_some(), is_secret, "{rule}");
    }
}

#[test]
fn more_than_500_added_lines_make_a_large_file() {
    let lines = |count: usize| "x = 1\n".repeat(count - 1) + "x = 1";
    assert_eq!(ids(&scan("src/a.py", lines(501).as_bytes())), ["large-file"]);
    assert!(scan("src/a.py", lines(500).as_bytes()).kept().is_empty());
    assert!(scan("Cargo.lock", lines(501).as_bytes()).kept().is_empty());
    let findings = scan_with(&Scan::new([Group::Large]), vec![added("Cargo.lock", lines(501).as_bytes())]);
    assert_eq!(findings.blocking_reason().as_deref(), Some("1 large file: Cargo.lock (large-file)"));
}

#[test]
fn tests_lock_generated_and_minified_files_are_exempt_from_what_does_not_block() {
    for path in ["tests/a.py", "yarn.lock", "api/x_pb2.py", "dist/a.js", "a.min.js", "vendor/a.go"] {
        let text = b"# TODO later\nconsole.log(1)\nprint(1)";
        assert!(scan(path, text).kept().is_empty(), "{path}");
        let findings = scan_with(&Scan::new([Group::Todo]), vec![added(path, text)]);
        assert_eq!(ids(&findings), ["todo"], "{path}");
    }
}

#[test]
fn line_numbers_are_those_of_the_new_version() {
    let key = unbroken("k = 'AK~IAIOSFODNN7EXAMPLE'");
    let lines = vec![(7, b"clean".as_slice()), (90, key.as_bytes())];
    let findings = scan_with(&Scan::default(), vec![AddedFile { path: "a.py".as_ref(), lines }]);
    assert_eq!(findings.kept()[0].line, Some(90));
}

#[test]
fn a_statement_is_read_to_its_end() {
    let to_stderr = b"print(\n    'broken',\n    file=sys.stderr,\n)";
    assert!(scan("src/a.py", to_stderr).kept().is_empty());
    let two = b"print('a',\n    'b')\nopen(file='x')";
    assert_eq!(ids(&scan("src/a.py", two)), ["python-print"]);
}

#[test]
fn reasons_name_three_places_and_count_the_rest() {
    let key = unbroken("k = 'AK~IAIOSFODNN7EXAMPLE'");
    let text = [key.as_str(); 5].join("\n");
    let reason = scan("src/a.py", text.as_bytes()).blocking_reason().unwrap();
    assert_eq!(
        reason,
        "5 secrets: src/a.py:1 (aws-access-key), src/a.py:2 (aws-access-key), src/a.py:3 (aws-access-key), 2 more"
    );
}

#[test]
fn what_is_kept_is_bounded_and_what_blocks_is_kept_first() {
    let text = "# TODO x\n".repeat(3000) + &unbroken("k = 'AK~IAIOSFODNN7EXAMPLE'");
    let findings = scan("src/a.py", text.as_bytes());
    assert_eq!(findings.kept().len(), fuseboard_mission::scan::MAX_FINDINGS);
    assert_eq!(findings.blocking_reason().as_deref(), Some("1 secret: src/a.py:3001 (aws-access-key)"));
    assert_eq!(findings.to_json()["total"], 3002);
}

#[test]
fn the_summary_tells_all_groups() {
    assert_eq!(scan("a.py", b"x = 1").summary(), "nothing found");
    assert_eq!(
        scan("a.py", b"# TODO x\nprint(1)\nprint(2)").summary(),
        "3 findings (2 debug leftovers, 1 unfinished mark), none blocks"
    );
}
