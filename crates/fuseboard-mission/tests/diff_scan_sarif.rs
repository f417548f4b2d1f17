//! What `diff-scan` writes for others, and the findings that it knows from the base.

mod stage;

use std::fs;
use std::os::unix::fs::symlink;

use fuseboard_mission::steps::diff_scan::DiffScan;
use fuseboard_pipeline::step::Step as _;
use serde_json::Value;
use stage::{Stage, blocked, passed, step};

/// In two pieces, so that nobody's scanner stumbles over it.
const KEY: &str = concat!("AKIA", "IOSFODNN7EXAMPLE");

fn gate(options: &str) -> DiffScan {
    step(options, DiffScan::read).unwrap()
}

/// Work with a print, a mark and, if wanted, a credential.
fn work(with_key: bool) -> Vec<u8> {
    let key = if with_key { format!("key = '{KEY}'\n") } else { String::new() };
    format!("print(1)\nx = 2  # TODO\n{key}").into_bytes()
}

/// The document that the gate writes for such work.
fn document(with_key: bool) -> Vec<u8> {
    let stage = Stage::new(&[]);
    stage.commit(&[("a.py", &work(with_key))]);
    stage.run(&gate("sarif = 'out.sarif'")).unwrap();
    fs::read(stage.path().join("out.sarif")).unwrap()
}

#[test]
fn findings_are_written_where_the_option_says() {
    let document: Value = serde_json::from_slice(&document(true)).unwrap();
    let results = document["runs"][0]["results"].as_array().unwrap();
    let rules: Vec<_> = results.iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    assert_eq!(rules, ["python-print", "todo", "aws-access-key"]);
    assert_eq!(document["runs"][0]["properties"]["base"].as_str().unwrap().len(), 40);
    assert!(!document.to_string().contains(&KEY[4..]));
    assert_eq!(
        gate("sarif = 'out.sarif'").writes_files(),
        [fuseboard_pipeline::step::Written::File("out.sarif".into())]
    );
    assert!(gate("").writes_files().is_empty());
}

#[test]
fn a_link_in_its_place_is_replaced_and_nothing_is_left_beside_it() {
    let stage = Stage::new(&[]);
    stage.commit(&[("precious", b"keep me\n")]);
    symlink("precious", stage.path().join("out.sarif")).unwrap();
    passed(stage.run(&gate("sarif = 'out.sarif'")));
    assert_eq!(fs::read(stage.path().join("precious")).unwrap(), b"keep me\n");
    assert!(!stage.path().join("out.sarif").is_symlink());
    assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 3);
}

#[test]
fn findings_that_cannot_be_written_are_no_verdict() {
    let stage = Stage::new(&[]);
    stage.commit(&[("folder/x", b"x\n")]);
    for place in ["nowhere/out.sarif", "folder"] {
        let error = stage.run(&gate(&format!("sarif = '{place}'"))).unwrap_err();
        assert!(error.message.starts_with(&format!("cannot write the findings to {place}: ")), "{error}");
    }
    assert_eq!(fs::read_dir(stage.path()).unwrap().count(), 2);
}

// --- The baseline -----------------------------------------------------------------------------------------

#[test]
fn what_stands_in_the_baseline_of_the_base_is_told_as_known() {
    let stage = Stage::new(&[("known.sarif", &document(false))]);
    stage.commit(&[("a.py", &work(false)), ("b.py", b"print(1)\n")]);
    let (detail, output) = passed(stage.run(&gate("baseline = 'known.sarif'\nsarif = 'out.sarif'")));
    assert_eq!(detail, "3 findings (2 debug leftovers, 1 unfinished mark), none blocks, 2 in the baseline");
    assert_eq!((&output["baseline"], &output["in_baseline"]), (&2.into(), &2.into()));
    let known: Vec<_> = output["findings"].as_array().unwrap().iter().map(|finding| &finding["in_baseline"]).collect();
    assert_eq!(known, [true, true, false]);
    let written: Value = serde_json::from_slice(&fs::read(stage.path().join("out.sarif")).unwrap()).unwrap();
    assert_eq!(written["runs"][0]["results"][0]["suppressions"][0]["kind"], "external");
}

#[test]
fn one_finding_more_of_a_known_kind_is_new() {
    let stage = Stage::new(&[("known.sarif", &document(false))]);
    stage.commit(&[("a.py", &[work(false), work(false)].concat())]);
    let (detail, _) = passed(stage.run(&gate("baseline = 'known.sarif'")));
    assert!(detail.ends_with("none blocks, 2 in the baseline"), "{detail}");
}

#[test]
fn what_blocks_is_never_taken_out() {
    let stage = Stage::new(&[("known.sarif", &document(true))]);
    stage.commit(&[("a.py", &work(true))]);
    assert_eq!(blocked(stage.run(&gate("baseline = 'known.sarif'"))).0, "1 secret: a.py:3 (aws-access-key)");
    let all = gate("baseline = 'known.sarif'\nblock_on = ['secret', 'debug', 'todo']");
    assert_eq!(blocked(stage.run(&all)).1["in_baseline"], 0);
}

#[test]
fn a_baseline_that_the_diff_brings_or_changes_does_not_count_and_is_told() {
    let stage = Stage::new(&[]);
    stage.commit(&[("a.py", &work(false)), ("known.sarif", &document(false))]);
    let (detail, output) = passed(stage.run(&gate("baseline = 'known.sarif'")));
    assert!(
        detail.ends_with("; no baseline known.sarif in the base; the one that the diff brings does not count"),
        "{detail}"
    );
    assert_eq!(output["in_baseline"], 0);

    let none =
        serde_json::json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "fuseboard"}}, "results": []}]});
    let stage = Stage::new(&[("known.sarif", none.to_string().as_bytes())]);
    stage.commit(&[("a.py", &work(false)), ("known.sarif", &document(false))]);
    let (detail, output) = passed(stage.run(&gate("baseline = 'known.sarif'")));
    assert!(detail.ends_with("; the diff changes the baseline known.sarif, which does not count"), "{detail}");
    assert_eq!(output["in_baseline"], 0);
}

#[test]
fn a_missing_baseline_is_told_and_a_damaged_one_is_no_verdict() {
    let whole = document(false);
    let stage = Stage::new(&[("cut.sarif", &whole[..whole.len() / 2]), ("text.sarif", b"none\n")]);
    stage.commit(&[("a.py", &work(false))]);
    let (detail, _) = passed(stage.run(&gate("baseline = 'known.sarif'")));
    assert!(detail.ends_with("; no baseline known.sarif in the base"), "{detail}");
    for damaged in ["cut.sarif", "text.sarif"] {
        let error = stage.run(&gate(&format!("baseline = '{damaged}'"))).unwrap_err();
        assert!(error.message.starts_with(&format!("the baseline {damaged} of the base cannot be used")), "{error}");
    }
    for outside in ["../known.sarif", "/etc/passwd"] {
        let (detail, _) = passed(stage.run(&gate(&format!("baseline = '{outside}'"))));
        assert!(detail.contains("no baseline"), "{detail}");
    }
}
