//! The table of runs.

use std::path::{Path, PathBuf};

use fuseboard::record::Holder;
use fuseboard::store::StoreTrouble;
use fuseboard_pipeline::job::{Job, JobProject};
use fuseboard_pipeline::ledger::{Damaged, LedgerError, Rows, RunHead, StoredRun};
use fuseboard_pipeline::report::Report;
use fuseboard_pipeline::stamp::Stamp;
use rusqlite::{Connection, OptionalExtension, Row, Rows as Found, params};

use super::super::connection::Fault;
use super::steps;
use super::stored::{Column, Damage, Key, refused, shown};
use super::text;

/// The longest id of a run, in bytes.
const LONGEST_ID: usize = 128;

/// How many unfinished runs are read at once.
const MOST_UNFINISHED: u32 = 1000;

/// How many runs are named where an id is ambiguous.
const CANDIDATES: usize = 5;

const ID: Column = Column { name: "id", most: LONGEST_ID };
const PROJECT: Column = Column { name: "project", most: 1024 };
const HOLDER: Column = Column { name: "holder", most: 4096 };
const JOB: Column = Column { name: "job", most: 256 * 1024 };
const REPORT: Column = Column { name: "report", most: 64 * 1024 };

/// The form of reports that this version reads.
const SCHEMA: &str = "fuseboard.run/1";

/// A run begins, unless it has begun already.
pub(super) fn begin(database: &Connection, run: &RunHead) -> Result<(), Fault> {
    check_id(&run.id)?;
    let project = &run.project[..run.project.floor_char_boundary(PROJECT.most)];
    let holder = text::encode(&run.holder, HOLDER.most).ok_or_else(|| too_long(&run.id, "holder"))?;
    let mut insert = database.prepare_cached(
        "INSERT INTO runs (id, project, started_at, holder) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
    )?;
    insert.execute(params![run.id, project, run.started_at.millis(), holder])?;
    Ok(())
}

/// A run whose beginning was not written down begins, by what its end tells of it.
pub(super) fn begin_late(database: &Connection, run: &str, report: &Report) -> Result<(), Fault> {
    begin(
        database,
        &RunHead {
            id: run.to_owned(),
            project: report.job.project.name.clone(),
            started_at: report.started_at,
            holder: Holder::this_process(),
        },
    )
}

/// The run, if it has not ended; `None` if it has.
pub(super) fn open(database: &Connection, run: &str) -> Result<Option<Key>, Fault> {
    check_id(run)?;
    let mut select = database.prepare_cached("SELECT number, id, ended_at IS NOT NULL FROM runs WHERE id = ?1")?;
    let found = select.query_row([run], |row| Ok((Key::of(row, 0)?, row.get(2)?))).optional()?;
    match found {
        Some((key, false)) => Ok(Some(key)),
        Some((_, true)) => Ok(None),
        None => Err(refused(format!(
            "run {} is not in the ledger: its beginning could not be written down, or it was dropped meanwhile; \
             its end will be written down all the same",
            shown(run)
        ))),
    }
}

/// Stores the job of a run.
pub(super) fn set_job(database: &Connection, run: &Key, job: &Job) -> Result<(), Fault> {
    let job = text::encode(&with_plain_paths(job), JOB.most).ok_or_else(|| too_long(&run.id, "job"))?;
    database.prepare_cached("UPDATE runs SET job = ?2 WHERE number = ?1")?.execute(params![run.number, job])?;
    Ok(())
}

/// Stores the end of a run, and its report without the job and the steps. A run that tells its end was not
/// interrupted, whoever believed so.
pub(super) fn end(database: &Connection, run: &Key, report: &Report) -> Result<(), Fault> {
    let Report { schema, id, started_at, duration_ms, deadline_ms, result, exit_code, circuits, notices, .. } = report;
    let frame = Report {
        schema: schema.clone(),
        id: id.clone(),
        job: Job::default(),
        started_at: *started_at,
        duration_ms: *duration_ms,
        deadline_ms: *deadline_ms,
        result: *result,
        exit_code: *exit_code,
        steps: Vec::new(),
        circuits: circuits.clone(),
        notices: *notices,
    };
    let frame = text::encode(&frame, REPORT.most).ok_or_else(|| too_long(&run.id, "report"))?;
    let ended_at = started_at.millis().saturating_add(i64::try_from(*duration_ms).unwrap_or(i64::MAX));
    let mut update = database
        .prepare_cached("UPDATE runs SET report = ?2, ended_at = ?3, interrupted_at = NULL WHERE number = ?1")?;
    update.execute(params![run.number, frame, ended_at])?;
    Ok(())
}

/// Marks a run that never ended; the first mark stays.
pub(super) fn interrupt(database: &Connection, run: &Key, at: Stamp) -> Result<(), Fault> {
    let mut update =
        database.prepare_cached("UPDATE runs SET interrupted_at = coalesce(interrupted_at, ?2) WHERE number = ?1")?;
    update.execute(params![run.number, at.millis()])?;
    Ok(())
}

/// Runs that began and neither ended nor were found interrupted, oldest first.
pub(super) fn unfinished(database: &Connection) -> Result<Rows<RunHead>, Fault> {
    let mut select = database
        .prepare_cached(&select("WHERE ended_at IS NULL AND interrupted_at IS NULL ORDER BY number LIMIT ?1"))?;
    each(select.query([MOST_UNFINISHED])?, |row| head(row).map_err(|damage| of(row, damage)))
}

/// The newest runs, oldest first.
pub(super) fn newest(database: &Connection, limit: usize) -> Result<Rows<StoredRun>, Fault> {
    let mut select = database.prepare_cached(&select("ORDER BY number DESC LIMIT ?1"))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut rows = each(select.query([limit])?, |row| whole(database, row))?;
    rows.whole.reverse();
    rows.damaged.reverse();
    Ok(rows)
}

/// Reads each row of a [`select`] by itself.
fn each<T>(mut found: Found<'_>, read: impl Fn(&Row<'_>) -> Result<T, Fault>) -> Result<Rows<T>, Fault> {
    let mut rows = Rows::default();
    while let Some(row) = found.next()? {
        match read(row) {
            Ok(one) => rows.whole.push(one),
            Err(Fault::Told(error)) if error.trouble == StoreTrouble::BadRecord => {
                rows.damaged.push(Damaged { run: Key::of(row, 0)?.id, error: LedgerError(error.to_string()) });
            }
            Err(fault) => return Err(fault),
        }
    }
    Ok(rows)
}

/// The run with this id, or the only one whose id begins so.
pub(super) fn find(database: &Connection, id: &str) -> Result<Option<StoredRun>, Fault> {
    if id.len() > LONGEST_ID {
        return Ok(None);
    }
    let Some(number) = meant(database, id)? else { return Ok(None) };
    let mut select = database.prepare_cached(&select("WHERE number = ?1"))?;
    let mut rows = select.query([number])?;
    rows.next()?.map(|row| whole(database, row)).transpose()
}

fn meant(database: &Connection, id: &str) -> Result<Option<i64>, Fault> {
    let exact = database.prepare_cached("SELECT number FROM runs WHERE id = ?1")?.query_row([id], |row| row.get(0));
    if let Some(number) = exact.optional()? {
        return Ok(Some(number));
    }
    // Behind the last character that there is comes no id that begins so.
    let mut select = database.prepare_cached(&format!(
        "SELECT number, {} FROM runs WHERE id > ?1 AND id < ?1 || char(0x10ffff) ORDER BY number DESC LIMIT {}",
        Key::ID,
        CANDIDATES + 1
    ))?;
    let found = select.query_map([id], |row| Key::of(row, 0))?;
    let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.number)),
        several => {
            let ids: Vec<_> = several.iter().take(CANDIDATES).map(|key| key.id.as_str()).collect();
            let more = if several.len() > CANDIDATES { " and more" } else { "" };
            let ids = ids.join(", ");
            Err(refused(format!("several runs begin with {:?}: {ids}{more}; give more of the id", shown(id))))
        }
    }
}

/// Columns 0 and 1 are the run's key, then the head's, then the rest.
fn select(which: &str) -> String {
    let key = Key::ID;
    let [id, project, holder, job, report] = [ID, PROJECT, HOLDER, JOB, REPORT].map(|column| column.select());
    format!(
        "SELECT number, {key}, started_at, {id}, {project}, {holder}, ended_at, interrupted_at, {job}, {report}
         FROM runs {which}"
    )
}

fn head(row: &Row<'_>) -> Result<RunHead, Damage> {
    Ok(RunHead {
        started_at: Stamp::from_millis(row.get(2)?),
        id: ID.some_text(row, 3)?,
        project: PROJECT.some_text(row, 5)?,
        holder: HOLDER.some_object(row, 7)?,
    })
}

/// A run without its steps, and its report without job and steps.
fn frame(row: &Row<'_>) -> Result<StoredRun, Damage> {
    let moment = |at| Ok::<_, Damage>(row.get::<_, Option<i64>>(at)?.map(Stamp::from_millis));
    let ended_at = moment(9)?;
    let report: Option<Report> = REPORT.object(row, 13)?;
    if ended_at.is_some() != report.is_some() {
        return Err(Damage::Untrue("it has a report or an end, but not both"));
    }
    if report.as_ref().is_some_and(|report| report.schema != SCHEMA) {
        return Err(Damage::Untrue("its report is no fuseboard.run/1"));
    }
    let was_interrupted = moment(10)?.is_some();
    Ok(StoredRun { head: head(row)?, ended_at, job: JOB.object(row, 11)?, report, steps: Vec::new(), was_interrupted })
}

/// A run with everything that belongs to it.
fn whole(database: &Connection, row: &Row<'_>) -> Result<StoredRun, Fault> {
    let mut run = frame(row).map_err(|damage| of(row, damage))?;
    let key = Key::of(row, 0)?;
    let (told, reported) = steps::of(database, &key)?;
    run.steps = told;
    if let Some(report) = &mut run.report {
        report.job = run.job.clone().ok_or_else(|| key.damaged(Damage::Missing("job")))?;
        report.steps = reported;
    }
    Ok(run)
}

fn of(row: &Row<'_>, damage: Damage) -> Fault {
    match Key::of(row, 0) {
        Ok(key) => key.damaged(damage),
        Err(error) => error.into(),
    }
}

/// Bytes that are no characters have no place in JSON: without them a path is still worth reading.
fn with_plain_paths(job: &Job) -> Job {
    let plain = |path: &Path| PathBuf::from(path.to_string_lossy().into_owned());
    Job {
        project: JobProject { path: plain(&job.project.path), ..job.project.clone() },
        stdout_path: job.stdout_path.as_deref().map(plain),
        stderr_path: job.stderr_path.as_deref().map(plain),
        ..job.clone()
    }
}

/// Refuses what is no id of a run.
pub(super) fn check_id(id: &str) -> Result<(), Fault> {
    if (1..=LONGEST_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    Err(refused(format!(
        "{:?} is no id of a run: 1 to {LONGEST_ID} visible ASCII characters, such as a UUID",
        shown(id)
    )))
}

fn too_long(run: &str, what: &str) -> Fault {
    refused(format!("the {what} of run {run} is not written down: it is too long, even with its texts cut"))
}
