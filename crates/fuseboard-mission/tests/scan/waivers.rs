//! Comments that allow a rule.

use std::convert::Infallible;
use std::path::Path;

use fuseboard_mission::scan::{AddedFile, Findings, Group, Scan, WaiverSource};

use super::{ALL, added, unbroken};

fn scan_over(base: &str, scan: &Scan, text: &str) -> Findings {
    let before = |_: &Path| Ok::<_, Infallible>(Some(base.as_bytes().to_vec()));
    let Ok(findings) = scan.files([added("src/a.py", text.as_bytes())], before, || Ok(()));
    findings
}

#[test]
fn a_waiver_that_was_there_before_counts_for_its_rule_and_file() {
    for waived in ["python-print", "debug"] {
        let base = format!("x = 1\n# fuseboard: allow {waived} because this is a command line program\n");
        let findings = scan_over(&base, &Scan::default(), "print(1)\n# TODO x");
        let [print, todo] = findings.kept() else { panic!("{findings:?}") };
        assert_eq!(print.waived.as_deref(), Some("this is a command line program"));
        assert_eq!(todo.waived, None);
        assert_eq!(findings.to_json()["waivers"][0]["counts"], true);
        assert!(findings.summary().ends_with("none blocks, 1 waived"), "{}", findings.summary());
    }
}

#[test]
fn a_waiver_that_the_diff_brings_is_told_with_its_reason_and_does_not_count() {
    let text = "print(1)  # fuseboard: allow python-print because I say so";
    let findings = scan_over("", &Scan::default(), text);
    assert_eq!(findings.kept()[0].waived, None);
    let waiver = &findings.waivers()[0];
    assert_eq!((waiver.source, waiver.reason.as_deref(), waiver.line), (WaiverSource::Diff, Some("I say so"), 1));
    assert_eq!(findings.to_json()["waivers"][0]["counts"], false);
}

#[test]
fn a_waiver_without_a_reason_does_not_count() {
    for base in
        ["# fuseboard: allow debug", "# fuseboard: allow debug because ", "/* fuseboard: allow debug because */"]
    {
        assert_eq!(scan_over(base, &Scan::default(), "print(1)").kept()[0].waived, None, "{base}");
    }
}

#[test]
fn what_blocks_cannot_be_waived() {
    let base = "# fuseboard: allow secret because it is only a sample\n# fuseboard: allow todo because we have a list";
    let text = unbroken("k = 'AK~IAIOSFODNN7EXAMPLE'\n# TODO x");
    assert_eq!(scan_over(base, &Scan::default(), &text).blocking(), 1);
    let findings = scan_over(base, &Scan::new(ALL), &text);
    assert_eq!(findings.blocking(), 2);
    let text = "x = 1  # fuseboard: allow todo because reasons";
    let findings = scan_over("", &Scan::new([Group::Todo]), text);
    assert!(findings.waivers()[0].refused);
}

#[test]
fn the_base_is_asked_only_where_a_waiver_could_matter() {
    let unknown = |_: &Path| Err("git failed");
    let clean = AddedFile { path: "a.py".as_ref(), lines: vec![(1, b"x = 1")] };
    assert!(Scan::default().files([clean], unknown, || Ok(())).is_ok());
    let finding = AddedFile { path: "a.py".as_ref(), lines: vec![(1, b"print(1)")] };
    assert_eq!(Scan::default().files([finding], unknown, || Ok(())), Err("git failed"));
}

#[test]
fn a_reason_never_holds_a_credential_and_is_bounded() {
    let text =
        unbroken("# fuseboard: allow debug because gh~p_aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5 ") + &"y".repeat(9000);
    let findings = scan_over("", &Scan::default(), &text);
    let reason = findings.waivers()[0].reason.clone().unwrap();
    assert!(reason.starts_with("[github-token, 40 characters] yyy") && reason.len() <= 200, "{reason}");
}
