//! What is told of a run comes back whole, once, in its order.

use std::os::unix::ffi::OsStringExt;
use std::time::Duration;

use fuseboard::clock::Clock;
use fuseboard_pipeline::job::Job;
use fuseboard_pipeline::ledger::{Ledger, Rows, StoredRun};
use fuseboard_pipeline::report::{Kind, Status};
use fuseboard_pipeline::stamp::Stamp;

use crate::home::{Home, gate, held_back, job, recorder, report, step};

fn ids(runs: &[StoredRun]) -> Vec<&str> {
    runs.iter().map(|run| run.head.id.as_str()).collect()
}

#[test]
fn looking_creates_nothing() {
    let home = Home::new();
    let store = home.store();
    assert_eq!(store.runs(9).unwrap(), Rows::default());
    assert_eq!(store.run("0198").unwrap(), None);
    assert_eq!(store.unfinished().unwrap(), Rows::default());
    assert_eq!(store.usage_since(Stamp::from_millis(0)).unwrap(), []);
    assert!(!home.path().exists());
}

#[test]
fn a_run_is_known_from_its_beginning_and_comes_back_whole() {
    let home = Home::new();
    let store = home.store();
    let head = home.head("0198");
    store.begin(&head).unwrap();
    let begun = StoredRun {
        head: head.clone(),
        ended_at: None,
        job: None,
        report: None,
        steps: Vec::new(),
        was_interrupted: false,
    };
    assert_eq!(home.store().run("0198").unwrap(), Some(begun.clone()));

    store.job_ended("0198", &job("0198")).unwrap();
    store.step("0198", &step("cost", Kind::Recorder, Status::Running)).unwrap();
    let under_way = StoredRun {
        job: Some(job("0198")),
        steps: vec![step("cost", Kind::Recorder, Status::Running)],
        ..begun.clone()
    };
    assert_eq!(home.store().run("0198").unwrap(), Some(under_way));

    let steps = [recorder("cost"), gate("tests"), held_back("merge")];
    let report = report("0198", home.now(), &steps);
    store.end("0198", &report).unwrap();
    let ended_at = Some(Stamp::from_millis(home.now().millis() + 4210));
    let job = Some(job("0198"));
    let ended = StoredRun { ended_at, job, report: Some(report), steps: steps.to_vec(), ..begun };
    assert_eq!(home.store().run("0198").unwrap(), Some(ended.clone()));
    assert_eq!(home.store().runs(1).unwrap(), vec![ended].into());
}

#[test]
fn steps_keep_the_order_in_which_they_were_told_and_a_report_its_own() {
    let home = Home::new();
    let store = home.store();
    store.begin(&home.head("r")).unwrap();
    for name in ["b", "c", "a"] {
        store.step("r", &step(name, Kind::Recorder, Status::Running)).unwrap();
    }
    store.step("r", &recorder("c")).unwrap();
    store.step("r", &recorder("hook")).unwrap();
    let reported = [recorder("a"), recorder("b"), recorder("c"), held_back("d")];
    store.end("r", &report("r", home.now(), &reported)).unwrap();
    let run = store.run("r").unwrap().unwrap();
    let names: Vec<_> = run.steps.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["b", "c", "a", "hook", "d"]);
    assert_eq!(run.report.unwrap().steps, reported);
}

#[test]
fn a_replay_changes_nothing() {
    let home = Home::new();
    let store = home.store();
    home.write("r", &[recorder("cost"), gate("tests")]);
    let before = store.run("r").unwrap();
    let rows = home.number("SELECT sum(at) + count(*) FROM steps");

    home.clock.advance(Duration::from_hours(1));
    store.begin(&home.head("r")).unwrap();
    store.job_ended("r", &Job::default()).unwrap();
    store.step("r", &step("cost", Kind::Recorder, Status::Failed)).unwrap();
    store.end("r", &report("r", home.now(), &[recorder("other")])).unwrap();
    store.interrupted("r", home.now()).unwrap();
    assert_eq!(store.run("r").unwrap(), before);
    assert_eq!(home.number("SELECT sum(at) + count(*) FROM steps"), rows);
    assert_eq!(store.runs(9).unwrap().whole.len(), 1);
}

#[test]
fn a_second_beginning_of_a_run_under_way_changes_nothing() {
    let home = Home::new();
    let store = home.store();
    let first = home.head("r");
    store.begin(&first).unwrap();
    store.job_ended("r", &job("r")).unwrap();
    home.clock.advance(Duration::from_hours(1));
    store.begin(&home.head("r")).unwrap();
    let run = store.run("r").unwrap().unwrap();
    assert_eq!((run.head, run.job), (first, Some(job("r"))));
}

#[test]
fn the_newest_runs_are_read_oldest_first_whatever_the_wall_clock_did() {
    let home = Home::new();
    for id in ["d", "c", "b", "a"] {
        home.clock.set_wall(home.clock.wall() - Duration::from_hours(1));
        home.write(id, &[]);
    }
    let store = home.store();
    assert_eq!(ids(&store.runs(2).unwrap().whole), ["b", "a"]);
    assert_eq!(ids(&store.runs(usize::MAX).unwrap().whole), ["d", "c", "b", "a"]);
    assert_eq!(store.runs(0).unwrap(), Rows::default());
}

#[test]
fn a_run_is_found_by_the_beginning_of_its_id_if_only_one_has_it() {
    let home = Home::new();
    for id in ["0198a1", "0198a", "0198b7", "0199"] {
        home.write(id, &[]);
    }
    let store = home.store();
    let found = |id: &str| store.run(id).unwrap().map(|run| run.head.id);
    assert_eq!(found("0199").as_deref(), Some("0199"));
    assert_eq!(found("0198b").as_deref(), Some("0198b7"));
    assert_eq!(found("0198a").as_deref(), Some("0198a"), "a whole id is never ambiguous");
    assert_eq!(found("0197"), None);
    assert_eq!(found("0198_"), None, "no wildcard");
    assert_eq!(found(&"0".repeat(2_000_000)), None);

    let error = store.run("0198").unwrap_err().to_string();
    assert!(error.contains("0198a1") && error.contains("0198b7") && !error.contains("0199"), "{error}");
    for number in 0..9 {
        home.write(&format!("02{number}"), &[]);
    }
    let error = store.run("02").unwrap_err().to_string();
    assert!(error.contains("028, 027, 026, 025, 024 and more"), "{error}");
}

#[test]
fn a_run_that_could_not_begin_has_no_steps_and_yet_an_end() {
    let home = Home::new();
    let store = home.store();
    for error in [
        store.step("r", &recorder("cost")).unwrap_err(),
        store.job_ended("r", &job("r")).unwrap_err(),
        store.interrupted("r", home.now()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("run r is not in the ledger"), "{error}");
    }
    let report = report("r", home.now(), &[recorder("cost")]);
    store.end("r", &report).unwrap();
    let run = store.run("r").unwrap().unwrap();
    assert_eq!(run.report, Some(report));
    assert_eq!((run.head.project.as_str(), run.head.started_at), ("app", home.now()));
}

#[test]
fn a_path_that_is_no_text_is_no_reason_to_lose_a_report() {
    let home = Home::new();
    let store = home.store();
    let mut report = report("r", home.now(), &[]);
    report.job.project.path = std::ffi::OsString::from_vec(b"/src/\xff".to_vec()).into();
    store.end("r", &report).unwrap();
    let job = store.run("r").unwrap().unwrap().job.unwrap();
    assert_eq!(job.project.path.to_str(), Some("/src/\u{fffd}"));
}
