//! Circuits on their way from one store to another, such as that of the next CI runner.

use fuseboard::CircuitName;
use fuseboard::clock::Moment;
use fuseboard::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FormatError, Stamp, decode, encode};

/// A circuit with all that is needed to understand it elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Portable {
    /// The circuit.
    pub name: CircuitName,
    /// Its record, on the axis of the stamp.
    pub record: Record,
    /// When, and on which clocks, it was written last.
    pub written: Stamp,
}

/// Why a text holds no circuits.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PortableError {
    /// It is not what the format says.
    #[error("it holds no circuits: {0}")]
    Garbage(#[from] serde_json::Error),
    /// One of its circuits has no name that a circuit can have.
    #[error("{0:?} is no circuit's name")]
    Name(String),
    /// The record of one of its circuits cannot be read.
    #[error("the record of {0} cannot be read: {1}")]
    Record(CircuitName, FormatError),
    /// It has another schema.
    #[error("its schema is {0:?}, and not \"{SCHEMA}\"")]
    Schema(String),
}

/// What the text says of itself.
pub const SCHEMA: &str = "fuseboard.state/1";

#[derive(Serialize, Deserialize)]
struct Form {
    schema: String,
    circuits: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    name: String,
    boot: String,
    /// Milliseconds on that boot's axis.
    written_boot: i64,
    /// Milliseconds since the Unix epoch.
    written_wall: i64,
    stored: Value,
}

/// The circuits as a text: JSON, `{"schema": "fuseboard.state/1", "circuits": […]}`.
///
/// # Errors
/// There is no such text; a record is numbers, texts and lists of them, so this does not happen.
pub fn write(circuits: &[Portable]) -> Result<String, PortableError> {
    let entry = |circuit: &Portable| -> Result<Entry, PortableError> {
        Ok(Entry {
            name: circuit.name.to_string(),
            boot: circuit.written.boot.to_string(),
            written_boot: circuit.written.now.0,
            written_wall: circuit.written.wall_ms,
            stored: serde_json::from_str(&encode(&circuit.record))?,
        })
    };
    let circuits = circuits.iter().map(entry).collect::<Result<_, _>>()?;
    Ok(serde_json::to_string_pretty(&Form { schema: SCHEMA.to_owned(), circuits })?)
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// [`PortableError`]; then nothing of it is believed.
pub fn read(text: &str) -> Result<Vec<Portable>, PortableError> {
    let form: Form = serde_json::from_str(text)?;
    if form.schema != SCHEMA {
        return Err(PortableError::Schema(form.schema.chars().take(40).collect()));
    }
    let circuit = |entry: Entry| {
        let name = CircuitName::new(&entry.name)
            .map_err(|_| PortableError::Name(entry.name.chars().take(100).collect::<String>()))?;
        match decode(&entry.stored.to_string()) {
            Ok(record) => {
                let written =
                    Stamp { boot: entry.boot.into(), now: Moment(entry.written_boot), wall_ms: entry.written_wall };
                Ok(Portable { name, record, written })
            }
            Err(error) => Err(PortableError::Record(name, error)),
        }
    };
    form.circuits.into_iter().map(circuit).collect()
}

#[cfg(test)]
mod tests {
    use fuseboard::store::contract::records;

    use super::*;

    fn all() -> Vec<Portable> {
        let written = Stamp { boot: "b".into(), now: Moment(5000), wall_ms: 1_700_000_000_000 };
        let named = records().into_iter().enumerate().map(|(number, record)| Portable {
            name: CircuitName::new(&format!("app/c{number}")).unwrap(),
            record,
            written: written.clone(),
        });
        named.collect()
    }

    #[test]
    fn circuits_come_back_as_they_left() {
        assert_eq!(read(&write(&all()).unwrap()).unwrap(), all());
        assert_eq!(read(&write(&[]).unwrap()).unwrap(), []);
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_is_believed() {
        let text = write(&all()[..2]).unwrap();
        for (wrong, said) in [
            (String::new(), "it holds no circuits"),
            ("[]".to_owned(), "it holds no circuits"),
            (text.replace("state/1", "state/2"), "its schema is"),
            (text.replace("app/c1", "../c1"), "\"../c1\" is no circuit's name"),
            (
                text.replacen("\"format\": 1", "\"format\": 9", 1),
                "the record of app/c0 cannot be read: it has format 9",
            ),
            (text.replacen("\"record\"", "\"recond\"", 1), "the record of app/c0 cannot be read"),
        ] {
            let error = read(&wrong).unwrap_err().to_string();
            assert!(error.contains(said), "{said}: {error}");
        }
    }
}
