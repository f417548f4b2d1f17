//! The gate `diff-scan`, on real repositories.

mod stage;

use fuseboard::FailureKind;
use fuseboard_mission::steps::diff_scan::DiffScan;
use fuseboard_pipeline::process::Deadline;
use stage::{Stage, blocked, passed, step};
use std::time::Duration;

/// In two pieces, so that nobody's scanner stumbles over it.
const KEY: &str = concat!("AKIA", "IOSFODNN7EXAMPLE");

fn gate(options: &str) -> DiffScan {
    step(options, DiffScan::read).unwrap()
}

fn with_key() -> Vec<u8> {
    format!("x = 1\nkey = '{KEY}'\n").into_bytes()
}

#[test]
fn a_secret_blocks_with_its_place_and_is_never_repeated() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.commit(&[("a.py", &with_key())]);
    let (why, output) = blocked(stage.run(&gate("")));
    assert_eq!(why, "1 secret: a.py:2 (aws-access-key)");
    assert_eq!(output["findings"][0]["blocking"], true);
    assert_eq!(output["findings"][0]["shown"], "key = '[aws-access-key, 20 characters]'");
    assert!(!output.to_string().contains(&KEY[4..]));
}

#[test]
fn clean_work_passes_and_so_does_work_that_removes_a_secret() {
    let stage = Stage::new(&[("a.py", &with_key())]);
    stage.commit(&[("a.py", b"x = 1\ny = 2\n")]);
    let (detail, output) = passed(stage.run(&gate("")));
    assert_eq!((detail.as_str(), &output["total"]), ("nothing found", &0.into()));
    stage.git(&["rm", "-q", "a.py"]);
    stage.commit(&[]);
    passed(stage.run(&gate("")));
}

#[test]
fn other_findings_are_told_and_block_only_if_asked_to() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.commit(&[("a.py", b"x = 1\nprint(x)  # TODO\n")]);
    let (detail, _) = passed(stage.run(&gate("")));
    assert_eq!(detail, "2 findings (1 debug leftover, 1 unfinished mark), none blocks");
    let (why, _) = blocked(stage.run(&gate("block_on = ['secret', 'debug']")));
    assert_eq!(why, "1 debug leftover: a.py:2 (python-print)");
}

#[test]
fn a_committed_attribute_or_a_configured_program_hides_nothing() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.commit(&[(".gitattributes", b"*.py -diff binary\n"), ("a.py", &with_key())]);
    stage.git(&["config", "diff.external", "true"]);
    assert!(blocked(stage.run(&gate(""))).0.contains("a.py:2"));
}

#[test]
fn a_file_that_looks_binary_or_wide_is_scanned() {
    let stage = Stage::new(&[("a", b"x")]);
    let wide: Vec<u8> = format!("\u{feff}x\nk = '{KEY}'\n").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let binary = [b"\0\x01\x02".as_slice(), KEY.as_bytes(), b"\0"].concat();
    stage.commit(&[("wide.txt", &wide), ("data.bin", &binary), ("huge.json", (" ".repeat(300_000) + KEY).as_bytes())]);
    let (why, _) = blocked(stage.run(&gate("")));
    assert_eq!(
        why,
        "3 secrets: data.bin:1 (aws-access-key), huge.json:1 (aws-access-key), wide.txt:2 (aws-access-key)"
    );
}

#[test]
fn a_waiver_counts_from_the_base_alone() {
    let waiver = "# fuseboard: allow debug because it is a command line program\n";
    let stage = Stage::new(&[("a.py", waiver.as_bytes()), ("b.py", b"")]);
    let work = format!("{waiver}print(1)\n");
    stage.commit(&[("a.py", work.as_bytes()), ("b.py", work.as_bytes())]);
    let (detail, output) = passed(stage.run(&gate("")));
    assert_eq!(
        detail,
        "2 findings (2 debug leftovers), none blocks, 1 waived; the diff adds 1 waiver(s), which do not count"
    );
    assert_eq!(output["findings"][0]["waived"], "it is a command line program");
    assert_eq!(output["findings"][1]["waived"], serde_json::Value::Null);
    assert_eq!(output["waivers"][1]["reason"], "it is a command line program");
}

#[test]
fn what_the_base_branch_gained_meanwhile_is_not_the_works() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.commit(&[("b.py", b"y = 1\n")]);
    stage.git(&["switch", "-q", "main"]);
    stage.commit(&[("c.py", &with_key())]);
    stage.git(&["switch", "-q", "work"]);
    passed(stage.run(&gate("")));
}

#[test]
fn the_base_that_the_job_recorded_comes_before_branches_as_they_stand_now() {
    let mut stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.recorded = Some(stage.git(&["rev-parse", "HEAD"]));
    stage.commit(&[("a.py", &with_key())]);
    // The work moves every branch to itself, and names one like the base.
    stage.git(&["branch", "-q", "-f", "main"]);
    stage.git(&["update-ref", &format!("refs/heads/{}", stage.recorded.as_deref().unwrap()), "HEAD"]);
    blocked(stage.run(&gate("base = 'main'")));
    stage.recorded = Some("0123456789".repeat(4));
    let error = stage.run(&gate("")).unwrap_err();
    assert!(error.message.contains("is no commit here"), "{error}");
}

#[test]
fn a_base_that_is_named_counts_as_it_stood_before_the_job() {
    let mut stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.git(&["branch", "-q", "release"]);
    stage.commit(&[("a.py", &with_key())]);
    // The job began on work that the release has not.
    stage.recorded = Some(stage.git(&["rev-parse", "HEAD"]));
    stage.before.branches = Some(stage.ours().branches().unwrap());
    stage.commit(&[("b.py", b"y = 1\n")]);
    passed(stage.run(&gate("")));
    blocked(stage.run(&gate("base = 'release'")));
    stage.git(&["branch", "-q", "-f", "release"]);
    blocked(stage.run(&gate("base = 'release'")));
    stage.git(&["branch", "-q", "later"]);
    let error = stage.run(&gate("base = 'later'")).unwrap_err();
    assert!(error.message.contains("later was no branch when the job began"), "{error}");
}

#[test]
fn what_cannot_be_told_is_no_verdict() {
    let stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.git(&["branch", "-q", "-D", "main"]);
    let error = stage.run(&gate("")).unwrap_err();
    assert_eq!(error.kind, Some(FailureKind::Error));
    assert!(error.message.contains("there is no base"), "{error}");
    assert!(stage.run(&gate("base = 'nowhere'")).is_err());
    passed(stage.run(&gate("base = 'work'")));

    let stage = Stage::new(&[]);
    stage.git(&["update-index", "--add", "--cacheinfo", "160000,0123456789012345678901234567890123456789,sub"]);
    stage.git(&["commit", "-q", "-m", "submodule"]);
    let error = stage.run(&gate("")).unwrap_err();
    assert!(error.message.contains("submodule"), "{error}");

    let stage = Stage::new(&[]);
    std::fs::remove_dir_all(stage.path().join(".git")).unwrap();
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, Some(FailureKind::Error));
}

#[test]
fn a_scan_that_is_cut_is_nobodys_fault_and_no_verdict() {
    let mut stage = Stage::new(&[("a.py", b"x = 1\n")]);
    stage.deadline = Deadline::after(Duration::ZERO);
    assert_eq!(stage.run(&gate("")).unwrap_err().kind, None);
}

#[test]
fn options_are_checked() {
    for (options, message) in [
        ("block_on = ['secrets']", "`block_on` knows secret, debug, todo, large (did you mean `secret`?)"),
        ("block_on = []", "`block_on` is empty"),
        ("base = ''", "`base` is empty"),
        ("strict = true", "unknown key `strict`"),
    ] {
        let errors = step(options, DiffScan::read).unwrap_err().to_string();
        assert!(errors.contains(message), "{errors}");
    }
    assert_eq!(gate(""), DiffScan::default());
    assert_eq!(gate(""), gate("block_on = ['secret']"));
}
