//! `format = "activity"`: one line a mission for people, in a log that is rotated.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use fuseboard_pipeline::day::{Day, local_time};
use fuseboard_pipeline::process::Deadline;
use fuseboard_pipeline::step::StepError;

use super::mission::Mission;
use crate::appended::{AppendError, AppendedFile};

/// The log in the state folder, unless another one is named.
pub(super) const DEFAULT_FILE: &str = "activity.log";

/// How long a log becomes before it is put aside, in bytes.
const LONGEST: u64 = 5 * 1024 * 1024;

/// How many that were put aside are kept: `NAME.1`, the newest, to `NAME.5`.
const KEPT: u32 = 5;

/// The log, and those that were put aside.
pub(super) fn files(log: &Path) -> impl Iterator<Item = PathBuf> {
    std::iter::once(log.to_owned()).chain((1..=KEPT).map(|number| put_aside(log, number)))
}

/// Appends the mission's line, unless it is there; whether it did.
pub(super) fn append(log: &Path, mission: &Mission, deadline: Deadline) -> Result<bool, StepError> {
    let trouble = |error: AppendError| StepError::new(format!("the log {error}"));
    let mut turn = AppendedFile::new(log).turn(deadline).map_err(trouble)?;
    let end = format!(" [{}]", mission.run);
    let is_its = |line: &[u8]| line.ends_with(end.as_bytes());
    if turn.lines().any(is_its) {
        return Ok(false);
    }
    let before = put_aside(log, 1);
    if fs::symlink_metadata(&before).is_ok_and(|metadata| metadata.is_file())
        && AppendedFile::new(&before).turn(deadline).map_err(trouble)?.lines().any(is_its)
    {
        return Ok(false);
    }
    let line = line(mission);
    if turn.length() + line.len() as u64 > LONGEST {
        // Whoever waits for this log sees that its name leads elsewhere now, and opens the new one.
        rotate(log).map_err(|error| StepError::new(format!("{} cannot be put aside: {error}", log.display())))?;
        drop(turn);
        turn = AppendedFile::new(log).turn(deadline).map_err(trouble)?;
    }
    turn.append(line.as_bytes()).map_err(trouble)?;
    Ok(true)
}

fn line(mission: &Mission) -> String {
    let at = mission.ended_at;
    let title = mission.title.as_ref().map(|title| format!("{title:?}"));
    let parts = [Some(mission.came_to()), title, Some(mission.took()), Some(mission.used()), mission.checked()];
    let parts = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{} {} {}: {parts} [{}]\n", Day::of(at), local_time(at), mission.project, mission.run)
}

fn rotate(log: &Path) -> io::Result<()> {
    for number in (1..KEPT).rev() {
        match fs::rename(put_aside(log, number), put_aside(log, number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(log, put_aside(log, 1))
}

fn put_aside(log: &Path, number: u32) -> PathBuf {
    let mut name = log.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}
