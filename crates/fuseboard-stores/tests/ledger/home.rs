//! A ledger in a temporary folder, and runs to write into it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use fuseboard::clock::{Clock, FakeClock, SystemClock};
use fuseboard::record::Holder;
use fuseboard_pipeline::job::{Job, JobProject, ModelUsage};
use fuseboard_pipeline::ledger::{Ledger, RunHead};
use fuseboard_pipeline::report::{BlockedBy, CircuitChanges, Kind, Reason, Report, RunResult, Status};
use fuseboard_pipeline::report::{StepRow, VerdictWord};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_stores::SqliteStore;
use rusqlite::Connection;
use serde_json::json;

pub(crate) struct Home {
    dir: tempfile::TempDir,
    pub(crate) clock: FakeClock,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: FakeClock::new() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("state/state.db")
    }

    /// Another handle, as another process has one.
    pub(crate) fn store(&self) -> SqliteStore {
        SqliteStore::new(self.path(), Arc::new(self.clock.clone()))
    }

    pub(crate) fn now(&self) -> Stamp {
        self.clock.wall().into()
    }

    pub(crate) fn days_pass(&self, days: u64) {
        self.clock.advance(Duration::from_hours(24 * days));
    }

    pub(crate) fn raw(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    pub(crate) fn sql(&self, statements: &str) {
        self.raw().execute_batch(statements).unwrap();
    }

    pub(crate) fn number(&self, select: &str) -> i64 {
        self.raw().query_row(select, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn assert_sound(&self) {
        let sound: String = self.raw().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    /// A run that begins now.
    pub(crate) fn head(&self, id: &str) -> RunHead {
        head(id, self.now())
    }

    /// Writes a run of these steps from its beginning to its end.
    pub(crate) fn write(&self, id: &str, steps: &[StepRow]) -> Report {
        let store = self.store();
        store.begin(&self.head(id)).unwrap();
        let report = report(id, self.now(), steps);
        store.end(id, &report).unwrap();
        report
    }

    /// This test binary again, in the part of `act` on this store; see [`child`].
    pub(crate) fn child(&self, act: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "home::child", "--ignored", "--nocapture"])
            .env("FUSEBOARD_TEST_ACT", act)
            .env("FUSEBOARD_TEST_STORE", self.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

pub(crate) fn head(id: &str, started_at: Stamp) -> RunHead {
    let holder = Holder { pid: 7, started: 8, boot: "boot".into(), namespace: 9 };
    RunHead { id: id.to_owned(), project: "app".to_owned(), started_at, holder }
}

pub(crate) fn job(id: &str) -> Job {
    Job {
        id: id.to_owned(),
        title: Some("mend it".into()),
        agent: Some("claude".into()),
        project: JobProject { name: "app".into(), path: "/src/app".into(), ..JobProject::default() },
        started_at: Some(Stamp::from_millis(1_767_225_000_000)),
        exit_code: Some(0),
        succeeded: true,
        usage: Some(vec![usage("opus", 12, 0.1 + 0.2)]),
        ..Job::default()
    }
}

pub(crate) fn usage(model: &str, output: u64, cost: f64) -> ModelUsage {
    ModelUsage { model: Some(model.into()), output: Some(output), cost_usd: Some(cost), ..ModelUsage::default() }
}

pub(crate) fn report(id: &str, started_at: Stamp, steps: &[StepRow]) -> Report {
    Report {
        schema: "fuseboard.run/1".into(),
        id: id.to_owned(),
        job: job(id),
        started_at,
        duration_ms: 4210,
        deadline_ms: 1_800_000,
        result: RunResult::Blocked,
        exit_code: 77,
        steps: steps.to_vec(),
        circuits: CircuitChanges { opened: vec!["cost".into()], ..CircuitChanges::default() },
        notices: 1,
    }
}

pub(crate) fn step(name: &str, kind: Kind, status: Status) -> StepRow {
    StepRow::new(name, kind, status)
}

/// A recorder that is done, with a result.
pub(crate) fn recorder(name: &str) -> StepRow {
    StepRow {
        duration_ms: Some(3),
        output: Some(json!({"rows": [1, 2.5, null], "text": "ä"})),
        ..step(name, Kind::Recorder, Status::Success)
    }
}

/// A gate that blocks.
pub(crate) fn gate(name: &str) -> StepRow {
    StepRow {
        circuit: Some(format!("app/{name}")),
        evaluated: Some(true),
        verdict: Some(VerdictWord::Block),
        why: Some("3 failed".into()),
        commit: Some("c0ffee".into()),
        ..step(name, Kind::Gate, Status::Success)
    }
}

/// An action that the gate held back.
pub(crate) fn held_back(name: &str) -> StepRow {
    StepRow {
        reason: Some(Reason::GateBlocked),
        blocked_by: Some(vec![BlockedBy { gate: "tests".into(), why: "3 failed".into(), evaluated: true }]),
        probe_at: Some(Stamp::from_millis(1_767_225_600_000)),
        last_error: Some("exit code 1".into()),
        ..step(name, Kind::Action, Status::Skipped)
    }
}

/// What [`Home::child`] runs. By itself, without an act, it does nothing.
#[test]
#[ignore = "a part that other tests start as a process of its own"]
fn child() {
    let (Ok(act), Some(path)) = (std::env::var("FUSEBOARD_TEST_ACT"), std::env::var_os("FUSEBOARD_TEST_STORE")) else {
        return;
    };
    let store = SqliteStore::new(path, Arc::new(SystemClock)).with_busy_limit(Duration::from_mins(1));
    match act.split(' ').collect::<Vec<_>>().as_slice() {
        ["write", prefix, runs] => super::crowds::write(&store, prefix, 0..runs.parse().unwrap()),
        ["write-for-ever", prefix] => super::crowds::write(&store, prefix, 0..u32::MAX),
        _ => panic!("no such act: {act}"),
    }
}
