//! What the SQLite store costs by itself, phase by phase as a one-shot process goes through them, and with many processes
//! on one circuit. The control does the same to a file of its own with bare SQLite.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fuseboard::clock::SystemClock;
use fuseboard::store::Store;
use fuseboard::{Board, CircuitName, Kept, Outcome, Policy};
use fuseboard_bench::{Result, Samples, Target, options, table, tell};
use fuseboard_stores::SqliteStore;
use rusqlite::{Connection, TransactionBehavior};
use serde_json::{Value, json};

const HELP: &str = "usage: store_bench [--samples N] [--crowd N] [--each N] [--out DIR]

  --samples N  runs of each phase (200)
  --crowd N    processes at once on one circuit (64)
  --each N     transactions of each of them (500)
  --out DIR    where store.json and, meanwhile, the state go; on a real disk (target/bench)
";

/// 64 processes at once shall write 15 000 transactions a second.
const TRANSACTION_US: f64 = 1e6 / 15_000.0;

/// The words by which the bench starts itself as one of a crowd: whose store, its path, how many transactions.
const CHILD: &str = "--child";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    fuseboard_bench::main("store_bench", || match words.as_slice() {
        [_, child, who, path, each] if child == CHILD => one_of_a_crowd(who, Path::new(path), each.parse()?),
        _ => run(),
    })
}

fn run() -> Result<()> {
    let numbers = [("--samples", 200), ("--crowd", 64), ("--each", 500)];
    let Some(([samples, crowd, each], out)) = options(HELP, numbers)? else { return Ok(()) };
    let place = out.join(format!("store-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let measured = measure(&place.canonicalize()?, samples, crowd, each);
    fs::remove_dir_all(&place)?;
    let (text, json) = measured?;
    tell(&text, &json, &out, "store.json")
}

/// The phases of a one-shot process, and the same of one that has the file open already.
#[derive(Default)]
struct Phases {
    open_and_read: Samples,
    first_write: Samples,
    close: Samples,
    read: Samples,
    write: Samples,
    synced_write: Samples,
}

struct Crowd {
    per_second: f64,
    errors: usize,
    lost: u64,
}

fn measure(place: &Path, samples: usize, crowd: usize, each: usize) -> Result<(String, Value)> {
    let (ours, bare) = (place.join("ours/state.db"), place.join("bare.db"));
    prepare_bare(&bare)?;
    // The first call begins the file.
    of_fuseboard(&ours, &mut Phases::default())?;
    let (mut fuseboard, mut control) = (Phases::default(), Phases::default());
    for _ in 0..samples {
        of_fuseboard(&ours, &mut fuseboard)?;
        of_bare(&bare, &mut control)?;
    }
    let (crowd_of_ours, crowd_of_bare) =
        (crowded("fuseboard", &ours, crowd, each)?, crowded("bare", &bare, crowd, each)?);

    let us = |samples: &Samples| (samples.minimum() * 1e3, samples.median() * 1e3);
    type Phase = (&'static str, fn(&Phases) -> &Samples);
    let phases: [Phase; 6] = [
        ("open the file and read a record", |phases| &phases.open_and_read),
        ("then: write it, with a row of history", |phases| &phases.first_write),
        ("then: close", |phases| &phases.close),
        ("read, the file being open", |phases| &phases.read),
        ("write, the file being open", |phases| &phases.write),
        ("an operator's write, which is synced", |phases| &phases.synced_write),
    ];
    let rows: Vec<Vec<String>> = phases
        .iter()
        .map(|(what, of)| {
            let ((minimum, median), (bare, _)) = (us(of(&fuseboard)), us(of(&control)));
            vec![
                (*what).into(),
                format!("{minimum:.0}"),
                format!("{median:.0}"),
                format!("{bare:.0}"),
                format!("{:.2}", minimum / bare),
            ]
        })
        .collect();
    let per_transaction = 1e6 / crowd_of_ours.per_second;
    let targets =
        [Target::new("a transaction, with the crowd", per_transaction, (TRANSACTION_US * 10.0).round() / 10.0, "µs")];
    let crowds = [("Fuseboard", &crowd_of_ours), ("bare SQLite", &crowd_of_bare)].map(|(what, crowd)| {
        vec![what.into(), format!("{:.0}", crowd.per_second), crowd.errors.to_string(), crowd.lost.to_string()]
    });
    let text = format!(
        "## The SQLite store\n\n{samples} samples, alternated; the control is bare SQLite with the same settings\n\n{}\n\
         {crowd} processes at once, {each} transactions each, all on one circuit\n\n{}\n{}",
        table(&["phase", "minimum µs", "median µs", "control, minimum µs", "ratio"], &rows),
        table(&["crowd", "transactions/s", "errors", "lost"], &crowds),
        Target::table(&targets),
    );
    let json = json!({
        "schema": "fuseboard.bench-store/1",
        "phases": phases.iter().map(|(what, of)| json!({
            "what": what, "minimum_us": us(of(&fuseboard)).0, "median_us": us(of(&fuseboard)).1,
            "control_minimum_us": us(of(&control)).0,
        })).collect::<Vec<_>>(),
        "crowds": {
            "fuseboard": {"per_second": crowd_of_ours.per_second, "errors": crowd_of_ours.errors, "lost": crowd_of_ours.lost},
            "bare": {"per_second": crowd_of_bare.per_second, "errors": crowd_of_bare.errors, "lost": crowd_of_bare.lost},
        },
        "targets": Target::json(&targets),
    });
    Ok((text, json))
}

fn timed<T>(samples: &mut Samples, act: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let answer = act();
    samples.push(start.elapsed());
    answer
}

// --- Fuseboard -------------------------------------------------------------------------------------------------

fn name() -> CircuitName {
    "crowded".parse().expect("a name")
}

/// Opens never, so that each call is one read and one write of a failure.
fn patient() -> Policy {
    Policy::builder().trip_after(1_000_000_000).build().expect("a policy")
}

fn board(path: &Path) -> (Arc<SqliteStore>, Board) {
    let store = Arc::new(SqliteStore::new(path, Arc::new(SystemClock)));
    (store.clone(), Board::builder().shared_store(store).build())
}

fn of_fuseboard(path: &Path, phases: &mut Phases) -> Result<()> {
    let (store, board) = board(path);
    let circuit = board.circuit_with(&name(), patient())?;
    let failure = Outcome::Failure(fuseboard::Failure::new(fuseboard::FailureKind::Exit, "exited with code 1"));
    let permit = timed(&mut phases.open_and_read, || circuit.permit())?;
    timed(&mut phases.first_write, || permit.settle(&failure));
    timed(&mut phases.read, || store.load(&name()))?;
    let permit = circuit.permit()?;
    timed(&mut phases.write, || permit.settle(&failure));
    timed(&mut phases.synced_write, || board.operator("bench").reset(&name()))?;
    drop((circuit, board));
    timed(&mut phases.close, || store.disconnect());
    Ok(())
}

// --- Bare SQLite -----------------------------------------------------------------------------------------------

fn prepare_bare(path: &Path) -> Result<()> {
    let database = Connection::open(path)?;
    database.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    database.execute_batch(
        "CREATE TABLE circuits (name TEXT PRIMARY KEY, count INTEGER NOT NULL, record TEXT) WITHOUT ROWID;
         CREATE TABLE outcomes (id INTEGER PRIMARY KEY, at INTEGER, circuit TEXT);
         CREATE INDEX outcomes_of ON outcomes (circuit);
         INSERT INTO circuits VALUES ('crowded', 0, '')",
    )?;
    Ok(())
}

fn open_bare(path: &Path) -> rusqlite::Result<Connection> {
    let database = Connection::open(path)?;
    database.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    database.execute_batch("PRAGMA synchronous = NORMAL")?;
    database.busy_timeout(Duration::from_secs(5))?;
    Ok(database)
}

fn read_bare(database: &Connection) -> rusqlite::Result<i64> {
    database.prepare_cached("SELECT count FROM circuits WHERE name = 'crowded'")?.query_row([], |row| row.get(0))
}

fn write_bare(database: &mut Connection) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction
        .prepare_cached("UPDATE circuits SET count = count + 1, record = ?1 WHERE name = 'crowded'")?
        .execute(["x".repeat(400)])?;
    transaction.prepare_cached("INSERT INTO outcomes (at, circuit) VALUES (1, 'crowded')")?.execute([])?;
    transaction.commit()
}

fn of_bare(path: &Path, phases: &mut Phases) -> Result<()> {
    let mut database = timed(&mut phases.open_and_read, || {
        open_bare(path).and_then(|database| read_bare(&database).map(|_| database))
    })?;
    timed(&mut phases.first_write, || write_bare(&mut database))?;
    timed(&mut phases.read, || read_bare(&database))?;
    timed(&mut phases.write, || write_bare(&mut database))?;
    timed(&mut phases.synced_write, || {
        database.execute_batch("PRAGMA synchronous = FULL").and_then(|()| write_bare(&mut database))
    })?;
    timed(&mut phases.close, || drop(database));
    Ok(())
}

// --- The crowd -------------------------------------------------------------------------------------------------

/// What a crowd's work has come to so far.
fn count(who: &str, path: &Path) -> Result<u64> {
    Ok(match who {
        "bare" => u64::try_from(read_bare(&open_bare(path)?)?)?,
        _ => board(path).1.view(&name())?.map_or(0, |view| view.totals.failure),
    })
}

fn crowded(who: &str, path: &Path, crowd: usize, each: usize) -> Result<Crowd> {
    let before = count(who, path)?;
    let program: PathBuf = std::env::current_exe()?;
    let start = Instant::now();
    let children = (0..crowd)
        .map(|_| {
            Command::new(&program).args([CHILD, who]).arg(path).arg(each.to_string()).stdout(Stdio::piped()).spawn()
        })
        .collect::<std::io::Result<Vec<_>>>()?;
    let mut errors = 0;
    for child in children {
        let output = child.wait_with_output()?;
        errors += String::from_utf8(output.stdout)?.trim().parse().unwrap_or(each);
    }
    let took = start.elapsed();
    let all = (crowd * each) as u64;
    let lost = (before + all).saturating_sub(count(who, path)? + errors as u64);
    Ok(Crowd { per_second: all as f64 / took.as_secs_f64(), errors, lost })
}

/// Writes so many transactions and prints how many of them were not stored.
fn one_of_a_crowd(who: &str, path: &Path, each: usize) -> Result<()> {
    let mut errors = 0;
    if who == "bare" {
        let mut database = open_bare(path)?;
        errors = (0..each).filter(|_| write_bare(&mut database).is_err()).count();
    } else {
        let (_, board) = board(path);
        let circuit = board.circuit_with(&name(), patient())?;
        let failure = Outcome::Failure(fuseboard::Failure::new(fuseboard::FailureKind::Exit, "exited with code 1"));
        for _ in 0..each {
            let stored = circuit.permit().is_ok_and(|permit| matches!(permit.settle(&failure).kept, Kept::Stored));
            errors += usize::from(!stored);
        }
    }
    println!("{errors}");
    Ok(())
}
