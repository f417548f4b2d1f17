//! Reading what the ledger's tables hold: bounded before it is fetched, checked before it is believed.

use fuseboard::store::{StoreError, StoreTrouble};
use rusqlite::Row;
use serde::de::DeserializeOwned;

use super::super::connection::Fault;

/// A column of text, and how many bytes of it are fetched at most.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) most: usize,
}

impl Column {
    /// What stands for it in a `SELECT`: two columns, its length and itself unless it is too long.
    pub(super) fn select(&self) -> String {
        let Self { name, most } = self;
        format!("octet_length({name}), iif(octet_length({name}) <= {most}, {name}, '')")
    }

    /// The text, selected at this index and the next; `None` for NULL.
    pub(super) fn text<'a>(&self, row: &'a Row<'_>, at: usize) -> Result<Option<&'a str>, Damage> {
        let Some(bytes) = row.get::<_, Option<i64>>(at)? else { return Ok(None) };
        if usize::try_from(bytes).is_ok_and(|bytes| bytes <= self.most) {
            return row.get_ref(at + 1)?.as_str().map(Some).map_err(|_| Damage::NoText(self.name));
        }
        Err(Damage::Long { column: self.name, bytes, most: self.most })
    }

    /// The text, which must be there.
    pub(super) fn some_text(&self, row: &Row<'_>, at: usize) -> Result<String, Damage> {
        Ok(self.text(row, at)?.ok_or(Damage::Missing(self.name))?.to_owned())
    }

    /// What the text says as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, row: &Row<'_>, at: usize) -> Result<Option<T>, Damage> {
        let parsed = self.text(row, at)?.map(serde_json::from_str).transpose();
        parsed.map_err(|error| Damage::Garbage { column: self.name, error })
    }

    /// The JSON object that the text is. A list would be taken for the fields of one, in their order.
    pub(super) fn object<T: DeserializeOwned>(&self, row: &Row<'_>, at: usize) -> Result<Option<T>, Damage> {
        match self.text(row, at)? {
            Some(text) if !text.starts_with('{') => Err(Damage::NoObject(self.name)),
            _ => self.json(row, at),
        }
    }

    /// The JSON object that the text, which must be there, is.
    pub(super) fn some_object<T: DeserializeOwned>(&self, row: &Row<'_>, at: usize) -> Result<T, Damage> {
        self.object(row, at)?.ok_or(Damage::Missing(self.name))
    }
}

/// What is wrong with a row.
#[derive(Debug, thiserror::Error)]
pub(super) enum Damage {
    #[error("its {column} has {bytes} bytes, more than the {most} that are ever stored")]
    Long { column: &'static str, bytes: i64, most: usize },
    #[error("its {column} is not what it should be: {error}")]
    Garbage { column: &'static str, error: serde_json::Error },
    #[error("its {0} is no text")]
    NoText(&'static str),
    #[error("its {0} is no JSON object")]
    NoObject(&'static str),
    #[error("its {0} is missing")]
    Missing(&'static str),
    #[error("{0}")]
    Untrue(&'static str),
    #[error("it has more than {0} steps")]
    Many(usize),
    #[error("its row has a value of another kind: {0}")]
    Column(#[from] rusqlite::Error),
}

/// A run, by the two names that it has.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) number: i64,
    /// Without what could act on a terminal: for messages.
    pub(super) id: String,
}

impl Key {
    /// From two columns, the number and [`Key::ID`].
    pub(super) fn of(row: &Row<'_>, at: usize) -> rusqlite::Result<Self> {
        let number = row.get(at)?;
        let id = row.get_ref(at + 1)?.as_str().map_or_else(|_| format!("number {number}"), shown);
        Ok(Self { number, id })
    }

    /// What stands for the id in a `SELECT`. A longer one than ours is not fetched.
    pub(super) const ID: &str = "iif(octet_length(id) <= 128, id, NULL)";

    /// What the caller is told of a damaged row of this run.
    pub(super) fn damaged(&self, damage: Damage) -> Fault {
        damaged(&self.id, damage)
    }
}

/// What the caller is told of a damaged row of the run that has this id.
pub(super) fn damaged(run: &str, damage: Damage) -> Fault {
    let message = format!("run {run} cannot be read: {damage}; ask for other runs by their ids");
    StoreError::new(StoreTrouble::BadRecord, message).caused_by(damage).into()
}

/// What the caller is told of something that is not written down.
pub(super) fn refused(message: String) -> Fault {
    StoreError::new(StoreTrouble::Unreachable, message).into()
}

/// An id that comes from outside, in a message.
pub(super) fn shown(id: &str) -> String {
    id[..id.floor_char_boundary(128)].escape_debug().to_string()
}
