//! The stored form of a record: one JSON object, `{"format": 1, "record": {…}}`.
//!
//! Whatever is read is untrusted: its size is bounded, its texts are cut, and what cannot be understood is an
//! error, never a panic and never a default. A moment means something on the axis of one boot only, so a
//! [`Stamp`] is stored beside each record and tells how far its moments have to be moved when they are read in
//! another boot.
//!
//! Adding a field with a default keeps the number; anything that an older reader would misread raises it.

pub mod portable;

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use fuseboard::Failure;
use fuseboard::clock::{BootId, Clock, Moment};
use fuseboard::record::{Record, State};
use serde::{Deserialize, Serialize};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// The longest stored form of a record, in bytes.
pub const MAX_BYTES: usize = 16 * 1024;

/// To what texts are cut where a record would be longer than [`MAX_BYTES`].
const SHORT_TEXT: usize = 256;

/// How far a row of this boot may lie in the future: another process took its time a little later than this
/// one. Anything more is a machine that was put back to a snapshot.
const SKEW_MS: i64 = 60_000;

/// Why stored text is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A newer version wrote it.
    #[error("it has format {0}, and this version reads formats up to {FORMAT}")]
    Newer(u64),
    /// It is longer than any record.
    #[error("it has {0} bytes, more than the {MAX_BYTES} of the longest record")]
    Long(usize),
    /// It is not what the format says.
    #[error("it is no record: {0}")]
    Garbage(#[from] serde_json::Error),
}

/// The text that stands for this record. A record too long to be read back loses its fingerprint and the ends
/// of its texts, never its state.
pub fn encode(record: &Record) -> String {
    let whole = write(record);
    if whole.len() <= MAX_BYTES { whole } else { write(&shortened(record.clone())) }
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`FormatError`] says why the text is no record of a known format.
pub fn decode(text: &str) -> Result<Record, FormatError> {
    #[derive(Deserialize)]
    struct Form {
        format: NonZeroU64,
    }
    #[derive(Deserialize)]
    struct Stored {
        record: Record,
    }
    if text.len() > MAX_BYTES {
        return Err(FormatError::Long(text.len()));
    }
    // The number comes first and alone: a newer record need not look like ours otherwise.
    let Form { format } = serde_json::from_str(text)?;
    if format.get() > u64::from(FORMAT) {
        return Err(FormatError::Newer(format.get()));
    }
    let Stored { mut record } = serde_json::from_str(text)?;
    if let Some(last) = &mut record.last_failure {
        cut_message(&mut last.failure);
    }
    Ok(record)
}

fn write(record: &Record) -> String {
    #[derive(Serialize)]
    struct Stored<'a> {
        format: u32,
        record: &'a Record,
    }
    serde_json::to_string(&Stored { format: FORMAT, record })
        .expect("a record is numbers, texts and lists of them, which always have a JSON form")
}

fn shortened(mut record: Record) -> Record {
    if let Some(last) = &mut record.last_failure {
        last.failure.fingerprint = None;
    }
    if let Some(switch) = &mut record.switch {
        switch.by = cut(&switch.by);
        switch.reason = cut(&switch.reason);
    }
    if let State::HalfOpen { lease: Some(lease), .. } = &mut record.state {
        lease.holder.boot = cut(&lease.holder.boot);
        lease.fingerprint = None;
    }
    record
}

fn cut(text: &Arc<str>) -> Arc<str> {
    Arc::from(&text[..text.floor_char_boundary(SHORT_TEXT)])
}

/// Holds a failure that was read to what [`Failure::new`] promises.
pub(crate) fn cut_message(failure: &mut Failure) {
    *failure = Failure::new(failure.kind, &failure.message).of(failure.fingerprint.take());
}

/// One instant on every clock that stored moments need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In which boot.
    pub boot: BootId,
    /// On that boot's axis.
    pub now: Moment,
    /// On the wall, in milliseconds since the Unix epoch.
    pub wall_ms: i64,
}

impl Stamp {
    /// What this clock shows.
    pub fn of(clock: &dyn Clock) -> Self {
        Self { boot: clock.boot(), now: clock.now(), wall_ms: unix_ms(clock.wall()) }
    }

    /// What a clock on the wall shows at a moment of this stamp's axis, in milliseconds since the Unix epoch.
    pub fn wall_of(&self, moment: Moment) -> i64 {
        self.wall_ms.saturating_add(moment.0.saturating_sub(self.now.0))
    }

    /// By how much moments written at `written` move to lie on this stamp's axis.
    ///
    /// In another boot the wall clock tells how much time has passed, and if that was put back, at least the
    /// time since this boot has: so nothing that lay ahead ever comes to lie further ahead, and a machine
    /// without a clock of its own still gets there.
    pub fn shift_from(&self, written: &Stamp) -> i64 {
        if self.boot == written.boot && written.now.0 <= self.now.0.saturating_add(SKEW_MS) {
            return 0;
        }
        let elapsed = self.wall_ms.saturating_sub(written.wall_ms).max(self.now.0).max(0);
        self.now.0.saturating_sub(written.now.0.saturating_add(elapsed))
    }
}

/// The record with every moment moved by so many milliseconds.
#[must_use]
pub fn shifted(mut record: Record, by: i64) -> Record {
    let shift = |moment: &mut Moment| *moment = moment.shifted(by);
    match &mut record.state {
        State::Closed { failures: _, window } => *window = window.map(|window| window.shifted(by)),
        State::Open { outage, until } => {
            shift(&mut outage.since);
            until.iter_mut().for_each(shift);
        }
        State::HalfOpen { outage, successes: _, lease } => {
            shift(&mut outage.since);
            lease.iter_mut().map(|lease| &mut lease.until).for_each(shift);
        }
    }
    if let Some(switch) = &mut record.switch {
        shift(&mut switch.since);
        switch.until.iter_mut().for_each(shift);
    }
    if let Some(last) = &mut record.last_failure {
        shift(&mut last.at);
    }
    record
}

/// Milliseconds since the Unix epoch, negative before it.
fn unix_ms(wall: SystemTime) -> i64 {
    let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match wall.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => millis(after),
        Err(before) => -millis(before.duration()),
    }
}

#[cfg(test)]
mod tests;
