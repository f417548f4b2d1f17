//! Many processes that write runs at once, and processes that are killed while they do.

use std::io::Write;
use std::time::Duration;

use fuseboard::clock::{Clock, SystemClock};
use fuseboard_pipeline::ledger::Ledger;
use fuseboard_pipeline::report::{Kind, Report, Status};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_stores::SqliteStore;

use crate::home::{Home, gate, head, held_back, job, recorder, report, step, usage};

/// The act of a child that writes whole runs, and tells the id of each whose end was acknowledged.
pub(crate) fn write(store: &SqliteStore, prefix: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let id = format!("{prefix}-{number}");
        store.begin(&head(&id, SystemClock.wall().into())).unwrap();
        store.step(&id, &step("cost", Kind::Recorder, Status::Running)).unwrap();
        store.job_ended(&id, &job(&id)).unwrap();
        store.record_usage(&id, &[usage("opus", 1, 0.5), usage("haiku", 2, 0.25)]).unwrap();
        store.end(&id, &whole(&id)).unwrap();
        // A line in one call, so that the reader never sees half of one.
        std::io::stdout().write_all(format!("ended {id}\n").as_bytes()).unwrap();
    }
}

fn whole(id: &str) -> Report {
    report(id, Stamp::from_millis(1_767_225_600_000), &[recorder("cost"), gate("tests"), held_back("merge")])
}

#[test]
fn eight_processes_that_write_runs_at_once_lose_none() {
    let home = Home::new();
    let children: Vec<_> = (0..8).map(|number| home.child(&format!("write p{number} 25"))).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let mut runs = home.store().runs(usize::MAX).unwrap().whole;
    assert_eq!(runs.len(), 200);
    assert!(runs.iter().all(|run| run.report == Some(whole(&run.head.id))));
    runs.dedup_by(|one, other| one.head.id == other.head.id);
    assert_eq!(runs.len(), 200);
    assert_eq!(home.store().usage_since(Stamp::from_millis(0)).unwrap().len(), 400);
    home.assert_sound();
}

#[test]
fn thirty_kills_tear_no_run_and_lose_none_whose_end_was_acknowledged() {
    let home = Home::new();
    let (mut ended, mut round) = (0, 0);
    // On a busy machine the first children hardly get to work; later ones are left more time.
    while round < 30 || ended <= 30 {
        assert!(round < 500, "the children hardly got to work: {ended}");
        let mut child = home.child(&format!("write-for-ever r{round}"));
        // The kill shall fall anywhere: into the beginning of the file, a transaction, between two of a run.
        std::thread::sleep(Duration::from_micros(3_000 + round * 1_000));
        child.kill().unwrap();
        let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let store = home.store();
        for id in said.lines().filter_map(|line| line.split("ended ").nth(1)) {
            let run = store.run(id).unwrap().expect("a run whose end was acknowledged");
            assert_eq!(run.report, Some(whole(id)), "round {round}");
            ended += 1;
        }
        for run in store.runs(100).unwrap().whole {
            assert_eq!(run.ended_at.is_some(), run.report.is_some(), "round {round}");
            if let Some(report) = &run.report {
                assert_eq!(*report, whole(&run.head.id), "round {round}");
            }
        }
        let unfinished = store.unfinished().unwrap().whole;
        assert!(unfinished.len() <= 1, "round {round}: {unfinished:?}");
        for head in unfinished {
            store.interrupted(&head.id, home.now()).unwrap();
            assert!(store.run(&head.id).unwrap().unwrap().was_interrupted);
        }
        if home.path().exists() {
            home.assert_sound();
        }
        round += 1;
    }
}
