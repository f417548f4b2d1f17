//! The table of steps. A step keeps the place at which it was first told; those that a report lists know their
//! place there too.

use fuseboard_pipeline::report::{Kind, Status, StepRow, VerdictWord};
use rusqlite::{Connection, Row, params};

use super::super::connection::Fault;
use super::stored::{Column, Damage, Key, refused, shown};
use super::text;
use crate::format::Stamp as Now;

/// How many steps a run may have.
const MOST_STEPS: usize = 256;

const NAME: Column = Column { name: "step's name", most: 256 };
/// 64 KiB of what a step has to say, and as much of its output.
const ROW: Column = Column { name: "row", most: 64 * 1024 };
const OUTPUT: Column = Column { name: "output", most: 64 * 1024 };

/// Stores what is known of a step, in place of what was known before.
pub(super) fn tell(
    database: &Connection,
    run: &Key,
    row: &StepRow,
    place: Option<i64>,
    now: &Now,
) -> Result<(), Fault> {
    let refuse = |why: &str| refused(format!("step {} of run {} is not written down: {why}", shown(&row.name), run.id));
    if row.name.len() > NAME.most {
        return Err(refuse("its name is too long"));
    }
    let mut row = row.clone();
    let output = row.output.take();
    let told = text::encode(&row, ROW.most).ok_or_else(|| refuse("it is too long, even with its texts cut"))?;
    let mut upsert = database.prepare_cached(
        "INSERT INTO steps (run, name, at, place, row, output) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (run, name) DO UPDATE SET at = excluded.at, place = coalesce(excluded.place, place),
         row = excluded.row, output = excluded.output",
    )?;
    let output = output.and_then(|output| text::encode_output(&output, OUTPUT.most));
    upsert.execute(params![run.number, row.name, now.wall_ms, place, told, output])?;
    let mut count = database.prepare_cached("SELECT count(*) FROM steps WHERE run = ?1")?;
    let count: i64 = count.query_row([run.number], |row| row.get(0))?;
    if usize::try_from(count).is_ok_and(|count| count > MOST_STEPS) {
        return Err(refuse(&format!("there are {MOST_STEPS} others already")));
    }
    Ok(())
}

/// The steps of a run as they were told first, and those of its report as they are listed there.
pub(super) fn of(database: &Connection, run: &Key) -> Result<(Vec<StepRow>, Vec<StepRow>), Fault> {
    let mut told = Vec::new();
    let mut reported = Vec::new();
    for stored in all(database, run)? {
        let (_, place, row) = stored.map_err(|damage| run.damaged(damage))?;
        reported.extend(place.map(|place| (place, row.clone())));
        told.push(row);
    }
    reported.sort_by_key(|(place, _)| *place);
    Ok((told, reported.into_iter().map(|(_, row)| row).collect()))
}

/// Whatever was running is interrupted. A damaged row stays as it is: it must not keep the run unfinished.
pub(super) fn interrupt(database: &Connection, run: &Key) -> Result<(), Fault> {
    let running = all(database, run)?.into_iter().flatten().filter(|(_, _, row)| row.status == Status::Running);
    for (id, _, row) in running {
        let row = text::encode(&interrupted(row), ROW.most)
            .ok_or_else(|| refused(format!("a step of run {} is too long to be marked as interrupted", run.id)))?;
        database.prepare_cached("UPDATE steps SET row = ?2 WHERE id = ?1")?.execute(params![id, row])?;
    }
    Ok(())
}

fn interrupted(mut row: StepRow) -> StepRow {
    row.status = Status::Interrupted;
    row.output = None;
    match row.kind {
        Kind::Gate => {
            row.evaluated = Some(false);
            row.verdict = Some(VerdictWord::Block);
            row.why = Some("no verdict: interrupted".to_owned());
        }
        Kind::Recorder | Kind::Action => {}
    }
    row
}

/// Its row's id, its place in the report, and itself.
type Stored = (i64, Option<i64>, StepRow);

fn all(database: &Connection, run: &Key) -> Result<Vec<Result<Stored, Damage>>, Fault> {
    let [row, output] = [ROW, OUTPUT].map(|column| column.select());
    // One more than there may be, so that it is noticed and yet bounded.
    let mut select = database.prepare_cached(&format!(
        "SELECT id, place, octet_length(name), iif(octet_length(name) <= {}, name, ''), {row}, {output}
         FROM steps WHERE run = ?1 ORDER BY id LIMIT {}",
        NAME.most,
        MOST_STEPS + 1
    ))?;
    let mut rows = select.query([run.number])?;
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(stored(row));
    }
    if steps.len() > MOST_STEPS {
        steps.push(Err(Damage::Many(MOST_STEPS)));
    }
    Ok(steps)
}

fn stored(row: &Row<'_>) -> Result<Stored, Damage> {
    let mut step: StepRow = ROW.some_object(row, 4)?;
    if NAME.text(row, 2)? != Some(step.name.as_str()) {
        return Err(Damage::Untrue("a step's row has the name of another"));
    }
    step.output = OUTPUT.json(row, 6)?;
    Ok((row.get(0)?, row.get(1)?, step))
}
