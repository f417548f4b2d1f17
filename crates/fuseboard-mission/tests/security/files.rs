//! Reports that `security` finds as files.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use fuseboard_mission::sarif::MAX_BYTES;
use fuseboard_pipeline::stamp::Stamp;
use serde_json::json;

use super::stage::{Stage, blocked, passed};
use super::{gate, report, result, stage};

/// Work whose job ended long ago, and a file that was written since.
fn written(name: &str, report: &str) -> Stage {
    let mut stage = stage();
    stage.ended = Some(Stamp::from_millis(1_000_000_000_000));
    fs::write(stage.path().join(name), report).unwrap();
    stage
}

#[track_caller]
fn no_verdict(stage: &Stage, name: &str) -> String {
    let error = stage.run(&gate(&format!("sarif = ['{name}']"))).unwrap_err();
    assert!(error.kind.is_some());
    error.message
}

#[test]
fn a_report_that_an_earlier_step_wrote_is_scored() {
    let results = json!([result("a", "error", "a.txt", Some(2)), result("b", "error", "a.txt", Some(2))]);
    let stage = written("lint.sarif", &report(&results));
    blocked(stage.run(&gate("sarif = ['lint.sarif']")));
    let stage = written("lint.sarif", &report(&json!([])));
    let (detail, output) = passed(stage.run(&gate("sarif = ['lint.sarif']")));
    assert_eq!((detail.as_str(), &output["scanners"][0]["tools"][0]), ("risk low (0)", &json!("lint")));
}

#[test]
fn a_report_that_the_job_may_have_left_is_no_verdict() {
    let mut stage = written("lint.sarif", &report(&json!([])));
    stage.ended = Some("2100-01-01T00:00:00Z".parse().unwrap());
    assert!(no_verdict(&stage, "lint.sarif").contains("is older than the end of the job"));
    stage.ended = None;
    assert!(no_verdict(&stage, "lint.sarif").contains("nobody knows when it ended"));
}

#[test]
fn a_report_that_pretends_to_be_newer_is_no_verdict() {
    let mut stage = written("lint.sarif", &report(&json!([])));
    let file = stage.path().join("lint.sarif");
    let touched = Command::new("touch").args(["-d", "2101-01-01"]).arg(&file).status().unwrap();
    assert!(touched.success());
    stage.ended = Some("2100-01-01T00:00:00Z".parse().unwrap());
    assert!(no_verdict(&stage, "lint.sarif").contains("is older than the end of the job"));
}

#[test]
fn a_report_that_the_work_brings_is_no_verdict() {
    let mut stage = Stage::new(&[]);
    stage.commit(&[("out/lint.sarif", report(&json!([])).as_bytes())]);
    stage.ended = Some(Stamp::from_millis(1_000_000_000_000));
    assert!(no_verdict(&stage, "out/lint.sarif").contains("is committed"));
    symlink("out", stage.path().join("way")).unwrap();
    assert!(no_verdict(&stage, "way/lint.sarif").contains("is committed"));
    symlink("out/lint.sarif", stage.path().join("link.sarif")).unwrap();
    assert!(no_verdict(&stage, "link.sarif").contains("it is a link"));
}

#[test]
fn what_is_no_regular_file_does_not_hold_it_up_and_is_no_verdict() {
    let stage = written("lint.sarif", "");
    let pipe = stage.path().join("pipe.sarif");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(no_verdict(&stage, "pipe.sarif").contains("it is no regular file"));
    assert!(no_verdict(&stage, "/dev/zero").contains("it is no regular file"));
    assert!(no_verdict(&stage, ".git").contains("it is no regular file"));
    assert!(no_verdict(&stage, "missing.sarif").contains("cannot be read"));
}

#[test]
fn a_report_that_says_nothing_is_no_verdict() {
    let whole = report(&json!([result("a", "note", "a.txt", Some(2))]));
    for text in ["", "{}", &whole[..whole.len() - 2], "[1]"] {
        let told = no_verdict(&written("lint.sarif", text), "lint.sarif");
        assert!(told.contains("lint.sarif tells nothing: it is no SARIF 2.1.0"), "{told}");
    }
    let stage = written("huge.sarif", "");
    fs::File::options()
        .write(true)
        .open(stage.path().join("huge.sarif"))
        .unwrap()
        .set_len(MAX_BYTES as u64 + 1)
        .unwrap();
    assert!(no_verdict(&stage, "huge.sarif").contains("larger than 64 MB"));
}
