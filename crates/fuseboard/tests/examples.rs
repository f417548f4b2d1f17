//! The examples, run as a reader would run them, and what they print.

use std::path::PathBuf;
use std::process::{Command, Output};

/// Its own tests are run, too.
#[path = "../examples/own_clock.rs"]
#[expect(dead_code, reason = "an example has a `main`")]
mod own_clock;

fn run(name: &str) -> Output {
    // cargo puts the tests into target/…/deps and builds the examples beside them.
    let mut folder: PathBuf = std::env::current_exe().unwrap();
    folder.pop();
    folder.pop();
    let program = folder.join("examples").join(name);
    let ran = Command::new(&program).output();
    let ran = ran.unwrap_or_else(|error| {
        panic!("{}: {error}; cargo build -p fuseboard --all-features --examples", program.display())
    });
    assert!(ran.status.success(), "{ran:?}");
    ran
}

fn lines(bytes: &[u8]) -> Vec<String> {
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_plain_program_does_its_job_whatever_becomes_of_its_side_work() {
    let ran = run("plain");
    let told = lines(&ran.stdout);
    let nights = told.iter().filter(|line| line.ends_with("files are safe")).count();
    let notices: Vec<&str> = told.iter().filter_map(|line| line.strip_prefix("  notify: ")).collect();
    let skipped = "skipped, it costs nothing until it works again";
    assert_eq!(nights, 6);
    assert_eq!(notices, ["NotFound", "NotFound", skipped, skipped, "sent", "sent"]);
    let heard = lines(&ran.stderr);
    assert_eq!(heard.len(), 4, "{heard:?}");
    assert!(heard[1].contains("circuit OPEN after 2 failures") && heard[3].contains("circuit CLOSED"), "{heard:?}");
}

#[test]
fn a_service_asks_no_more_than_it_must_of_one_that_is_down() {
    let told = lines(&run("service").stdout);
    assert!(told.contains(&"of 20 requests it had to bear 4".to_owned()), "{told:?}");
    assert_eq!(told.iter().filter(|line| *line == "guard: 404 no such user").count(), 2);
    assert_eq!(told.last().map(String::as_str), Some("guard: 200 Ada"));
}

#[test]
fn a_store_of_ones_own_keeps_the_contract_and_what_another_process_learnt() {
    let told = lines(&run("own_store").stdout);
    assert!(told.len() > 10 && told[..told.len() - 1].iter().all(|line| line.starts_with("holds: ")), "{told:?}");
    assert_eq!(told.last().map(String::as_str), Some("skipped, since connection refused"));
}

#[test]
fn a_simulation_on_a_clock_of_its_own_runs_through_two_days_at_once() {
    let told = lines(&run("own_clock").stdout);
    let [line] = &told[..] else { panic!("{told:?}") };
    let asked: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
    assert!((10..30).contains(&asked), "{line}");
}
