//! Keeps `docs/reliability.md` true: each row names tests, and each test that it names is there.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rows of the table of faults, without its head.
fn rows(page: &str) -> Vec<&str> {
    page.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|')).collect()
}

/// What is wrong with a name `CRATE/FILE::TEST`; nothing if there is such a test.
fn wrong(name: &str) -> Option<String> {
    let parts = name.split_once("::").and_then(|(file, test)| Some((file.split_once('/')?, test)));
    let Some(((package, file), test)) = parts else { return Some(format!("{name} names no test")) };
    let file = root().join(format!("crates/fuseboard-{package}/tests/{file}.rs"));
    let Ok(source) = fs::read_to_string(&file) else { return Some(format!("{name}: there is no {}", file.display())) };
    // In a property test it is indented.
    let is_test = source.split("#[test]").skip(1).any(|behind| {
        behind.trim_start().strip_prefix("fn ").is_some_and(|words| words.starts_with(&format!("{test}(")))
    });
    (!is_test).then(|| format!("{name}: there is no such test"))
}

#[test]
fn each_test_that_the_page_names_is_there_and_each_row_names_one() {
    let page = fs::read_to_string(root().join("docs/reliability.md")).unwrap();
    let rows = rows(&page);
    assert!(rows.len() > 20, "{} rows", rows.len());
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, _, shown_by] = cells[..] else { panic!("three cells: {row}") };
        let names: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        assert_eq!(names.into_iter().filter_map(wrong).collect::<Vec<_>>(), Vec::<String>::new());
    }
}

#[test]
fn a_name_that_is_no_tests_is_found() {
    assert_eq!(wrong("cli/reliability::a_name_that_is_no_tests_is_found"), None);
    for name in ["cli/reliability::wrong", "cli/reliability::a_name_that_is", "cli/nowhere::at_all", "reliability"] {
        assert!(wrong(name).is_some(), "{name}");
    }
}
