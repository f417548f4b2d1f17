//! Many runs at once lose no row, and a run that is played again changes nothing.

mod mission_stage;
mod world;

use std::fs;
use std::path::PathBuf;
use std::process::Child;

use mission_stage::Stage;
use serde_json::Value;
use uuid::Uuid;
use world::{end_of, start};

const RUNS: usize = 12;

const ALL: &str = "
[[step]]
name = 'usage'
uses = 'usage'
[[step]]
name = 'bandit'
uses = 'bandit'
[[step]]
name = 'budget'
uses = 'budget'
after = ['usage']
[[step]]
name = 'session'
uses = 'session'
[[step]]
name = 'alert'
uses = 'alert'
[[step]]
name = 'activity'
uses = 'export'
with = { format = 'activity' }
[[step]]
name = 'truth'
uses = 'export'
with = { format = 'truth-log' }
[[step]]
name = 'journal'
uses = 'export'
with = { format = 'journal' }
[[step]]
name = 'day'
uses = 'export'
with = { format = 'day' }
[[step]]
name = 'told'
uses = 'notify'
";

/// What is kept of runs, counted.
#[derive(Debug, PartialEq)]
struct Kept {
    activity: usize,
    truth: usize,
    journal: usize,
    day: u64,
    taught: usize,
    usage: u64,
    told: usize,
}

impl Kept {
    fn all(runs: usize) -> Self {
        let (day, usage) = (runs as u64, 7 * runs as u64);
        // Each failed job is told, and once that there are so many.
        Self { activity: runs, truth: runs, journal: runs, day, taught: runs, usage, told: runs + 1 }
    }

    fn at(stage: &Stage) -> Self {
        let kept = |name: &str| stage.world.store().with_file_name(name);
        let lines = |name: &str| fs::read_to_string(kept(name)).unwrap_or_default().lines().count();
        let only = |folder: &str| -> PathBuf {
            let mut entries = fs::read_dir(kept(folder)).unwrap();
            let file = entries.next().unwrap().unwrap().path();
            assert!(entries.next().is_none(), "one day");
            file
        };
        let json = |file: PathBuf| -> Value { serde_json::from_slice(&fs::read(file).unwrap()).unwrap() };
        let journal = fs::read_to_string(only("journal")).unwrap();
        let usage = stage.run(&["usage", "--format", "json"]).json();
        Self {
            activity: lines("activity.log"),
            truth: lines("truth.jsonl"),
            journal: journal.lines().filter(|line| line.starts_with("## ")).count(),
            day: json(only("days"))["missions"].as_u64().unwrap(),
            taught: json(kept("bandit").join("project.json"))["runs"].as_array().unwrap().len(),
            usage: usage["total"]["output"].as_u64().unwrap(),
            told: lines("outbox.jsonl"),
        }
    }
}

/// A run of this id, for a job that failed.
fn begin(stage: &Stage, id: &str) -> Child {
    let mut command = stage.surrounded(stage.world.command(&["after", "--exit-code", "3", "--stdout", "../output"]));
    command.env("FUSEBOARD_DETACHED_RUN", id);
    start(command)
}

#[test]
fn runs_at_once_lose_no_row_and_a_replay_changes_nothing() {
    let stage = Stage::new(ALL);
    let output =
        r#"{"type":"result","subtype":"success","is_error":false,"usage":{"input_tokens":5,"output_tokens":7}}"#;
    fs::write(stage.beside("output"), output).unwrap();
    let ids: Vec<String> = (0..RUNS).map(|_| Uuid::now_v7().to_string()).collect();
    let children: Vec<Child> = ids.iter().map(|id| begin(&stage, id)).collect();
    for child in children {
        let ran = end_of(child);
        assert_eq!(ran.code, 0, "{}", ran.err());
        assert!(!ran.err().contains('✗'), "{}", ran.err());
    }
    // The day's figures hold the runs that had ended when the last of them was written: one more settles it.
    let last = Uuid::now_v7().to_string();
    assert_eq!(end_of(begin(&stage, &last)).code, 0);
    let told = fs::read_to_string(stage.world.store().with_file_name("outbox.jsonl")).unwrap();
    assert_eq!(Kept::at(&stage), Kept::all(RUNS + 1), "{told}");
    for id in [&ids[0], &ids[RUNS / 2], &last] {
        assert_eq!(end_of(begin(&stage, id)).code, 0);
    }
    assert_eq!(Kept::at(&stage), Kept::all(RUNS + 1));
}

#[test]
fn steps_that_end_at_once_leave_no_stray_behind_whoever_started_it() {
    // What has left its group, its parents and its environment shows no sign of whose it is.
    let stray = format!("env -i setsid sleep 6{} >/dev/null 2>&1 &", std::process::id());
    let step = |number: usize| {
        format!("[[step]]\nname = 's{number}'\nkind = 'recorder'\nrun = ['sh', '-c', '{stray} sleep 0.05']\n")
    };
    let stage = Stage::new(&(0..4).map(step).collect::<String>());
    for _ in 0..8 {
        assert_eq!(stage.fly(&[], "true").code(), 0);
        let pattern = format!("^sleep 6{}$", std::process::id());
        let left = std::process::Command::new("pgrep").args(["-f", &pattern]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    }
}
