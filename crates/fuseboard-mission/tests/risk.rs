//! The score of a diff: each rule finds what it is for and leaves its neighbour alone, and counts as often as it may.

#[path = "risk/samples.rs"]
mod samples;

use std::collections::BTreeSet;
use std::convert::Infallible;

use fuseboard_mission::git::{Diff, FileDiff, FileStatus};
use fuseboard_mission::risk::{RISKS, RiskLevel, Tally, assess};
use samples::{LINES, PATHS};

fn file(path: &str, text: &str) -> FileDiff {
    let lines = text.lines().map(|line| line.as_bytes().to_vec());
    let added = (1..).zip(lines).collect();
    FileDiff { path: path.into(), status: FileStatus::Added, added, regular: true, removed: 0, binary: false }
}

fn risk_of(files: Vec<FileDiff>) -> Tally {
    let Ok(tally) = assess(&Diff { files }, || Ok::<_, Infallible>(()));
    tally
}

fn rules(tally: &Tally) -> Vec<&str> {
    tally.reasons().iter().map(|reason| reason.rule.as_str()).collect()
}

#[test]
fn each_rule_finds_what_it_is_for() {
    for (rule, path, hits, _) in LINES {
        for hit in *hits {
            let tally = risk_of(vec![file(path, hit)]);
            assert!(rules(&tally).contains(rule), "{rule} does not find {hit:?}: {:?}", rules(&tally));
        }
    }
    for (rule, hits, _) in PATHS {
        for hit in *hits {
            assert!(rules(&risk_of(vec![file(hit, "")])).contains(rule), "{rule} does not find {hit:?}");
        }
    }
}

#[test]
fn each_rule_leaves_its_neighbours_alone() {
    for (rule, path, _, clean) in LINES {
        for line in *clean {
            let tally = risk_of(vec![file(path, line)]);
            assert!(tally.reasons().is_empty(), "{rule}: {line:?} is clean, but {:?}", rules(&tally));
        }
    }
    for (rule, _, clean) in PATHS {
        for path in *clean {
            let tally = risk_of(vec![file(path, "")]);
            assert!(tally.reasons().is_empty(), "{rule}: {path:?} is clean, but {:?}", rules(&tally));
        }
    }
}

#[test]
fn each_rule_has_samples_of_both_kinds_and_a_name_of_its_own() {
    let lines = LINES.iter().filter(|(_, _, hits, clean)| !hits.is_empty() && !clean.is_empty()).map(|row| row.0);
    let paths = PATHS.iter().filter(|(_, hits, clean)| !hits.is_empty() && !clean.is_empty()).map(|row| row.0);
    let with_samples: BTreeSet<&str> = lines.chain(paths).chain(["tests-removed"]).collect();
    let all: BTreeSet<&str> = RISKS.iter().map(|risk| risk.id).collect();
    assert_eq!(with_samples, all);
    assert_eq!(all.len(), RISKS.len());
}

#[test]
fn a_rule_counts_once_in_a_file_and_three_times_in_all() {
    let one = risk_of(vec![file("a.py", "eval(x)\neval(y)")]);
    assert_eq!((one.score(), one.reasons()[0].places()), (5, vec!["a.py:1"]));
    let five = risk_of((0..5).map(|number| file(&format!("{number}.py"), "eval(x)")).collect());
    assert_eq!(five.score(), 15);
    let names = risk_of(["login.c", "token.c", "session.c"].map(|name| file(name, "")).to_vec());
    assert_eq!(names.score(), 6);
}

#[test]
fn lines_of_tests_and_generated_files_count_half_and_never_push_out_what_counts_whole() {
    assert_eq!(risk_of(vec![file("tests/a.py", "eval(x)")]).score(), 2);
    assert_eq!(risk_of(vec![file("dist/a.js", "eval(x)")]).score(), 2);
    let mixed = ["tests/a.py", "tests/b.py", "tests/c.py", "z.py"].map(|name| file(name, "eval(x)"));
    assert_eq!(risk_of(mixed.to_vec()).score(), 5 + 2 + 2);
    assert_eq!(risk_of(vec![file("tests/Dockerfile", "")]).score(), 3);
}

#[test]
fn a_credential_is_critical_wherever_it_stands_and_is_not_repeated() {
    let key = concat!("AKIA", "IOSFODNN7EXAMPLE");
    for path in ["src/a.py", "tests/a.py", "yarn.lock"] {
        let tally = risk_of(vec![file(path, &format!("k = '{key}'"))]);
        assert_eq!(tally.level(), RiskLevel::Critical, "{path}");
        assert!(tally.summary().contains(&format!("{path}:1")), "{}", tally.summary());
        assert!(!format!("{} {}", tally.summary(), tally.to_json()).contains(&key[4..]));
    }
    let tally = risk_of(vec![file(&format!("keys/{key}.sh"), "sudo make x")]);
    assert!(!format!("{} {}", tally.summary(), tally.to_json()).contains(&key[4..]));
}

#[test]
fn the_size_counts_in_steps() {
    let lines = |count: usize, path: &str| risk_of(vec![file(path, &"x\n".repeat(count))]).score();
    let scores = [300, 301, 1000, 1001, 3000, 3001].map(|count| lines(count, "a.txt"));
    assert_eq!(scores, [0, 1, 1, 3, 3, 5]);
    assert_eq!((lines(600, "tests/a.txt"), lines(602, "tests/a.txt")), (0, 1));
    let files = |count: usize| risk_of((0..count).map(|number| file(&format!("{number}.txt"), "")).collect()).score();
    assert_eq!([20, 21, 50, 51, 100, 101].map(files), [0, 1, 1, 2, 2, 3]);
}

#[test]
fn removed_tests_count_and_moved_ones_do_not() {
    let gone = FileDiff { status: FileStatus::Deleted, removed: 1, ..file("tests/test_a.py", "") };
    assert_eq!(rules(&risk_of(vec![gone.clone()])), ["tests-removed"]);
    assert!(risk_of(vec![gone, file("test_a.py", "x = 1")]).reasons().is_empty());
}

#[test]
fn a_removed_file_counts_by_its_path_alone() {
    let gone = FileDiff { status: FileStatus::Deleted, ..file("src/login.py", "eval(x)") };
    assert_eq!(rules(&risk_of(vec![gone])), ["sensitive-name"]);
}

#[test]
fn a_file_without_an_ending_may_be_any_program() {
    for line in ["eval(x)", "eval $x", "os.system('x')", "chmod 777 x", "unsafe { x }"] {
        assert!(!risk_of(vec![file("bin/run", line)]).reasons().is_empty(), "{line}");
    }
    assert!(risk_of(vec![file("a.md", "eval(x)")]).reasons().is_empty());
}

#[test]
fn a_comment_excuses_nothing_and_a_carriage_return_or_a_wide_character_hides_nothing() {
    for line in ["// eval(x)", "x\reval(x)", "/* */ eval(x)"] {
        assert_eq!(rules(&risk_of(vec![file("a.js", line)])), ["eval"], "{line:?}");
    }
    let wide: Vec<u8> = "eval(x)".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = FileDiff { added: vec![(1, wide)], ..file("a.js", "") };
    assert_eq!(rules(&risk_of(vec![wide])), ["eval"]);
}

#[test]
fn the_caller_can_stop_it() {
    let mut asked = 0;
    let stopped = assess(&Diff { files: vec![file("a.py", &"x\n".repeat(100_000))] }, || {
        asked += 1;
        if asked > 3 { Err("deadline") } else { Ok(()) }
    });
    assert_eq!((stopped, asked), (Err("deadline"), 4));
}
