//! A store of one's own: one JSON file for each circuit in a folder, so that programs which start and end share what
//! they learnt. The suite that every store has to pass says what is still missing.
//!
//! ```text
//! cargo run -p fuseboard --example own_store --features serde,store-contract
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, io, process};

use fuseboard::clock::Moment;
use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Listed, Loaded, Store, StoreError, StoreTrouble, Swap, Version, contract};
use fuseboard::{Attempt, Board, CircuitName};
use serde::{Deserialize, Serialize};

/// Circuits as files.
struct FolderStore {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    record: Record,
}

impl FolderStore {
    fn new(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// `app/notify` is kept in `app%notify.json`: no circuit's name has a `%`.
    fn file(&self, name: &CircuitName) -> PathBuf {
        self.folder.join(format!("{}.json", name.as_str().replace('/', "%")))
    }

    /// One process and thread at a time, until the file is dropped. The system takes the lock from who dies.
    fn lock(&self) -> Result<File, StoreError> {
        let file = File::create(self.folder.join("lock")).map_err(unreachable)?;
        file.lock().map_err(unreachable)?;
        Ok(file)
    }

    fn read(&self, name: &CircuitName) -> Result<Option<Stored>, StoreError> {
        let text = match fs::read_to_string(self.file(name)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreachable(error)),
        };
        // "Cannot read" is never told as "nothing there".
        let damaged = |error| {
            let message = format!("the record of {name} is damaged; `reset` replaces it");
            StoreError::new(StoreTrouble::BadRecord, message).caused_by(error)
        };
        serde_json::from_str(&text).map(Some).map_err(damaged)
    }

    /// Written whole under another name, then renamed: who reads sees the old record or the new one.
    fn write(&self, name: &CircuitName, stored: &Stored) -> io::Result<()> {
        let new = self.folder.join("new");
        fs::write(&new, serde_json::to_vec(stored)?)?;
        fs::rename(new, self.file(name))
    }
}

impl Store for FolderStore {
    fn load(&self, name: &CircuitName) -> Result<Loaded, StoreError> {
        Ok(loaded(self.read(name)?))
    }

    fn swap(
        &self,
        name: &CircuitName,
        expected: Option<Version>,
        next: &Record,
        _rows: &[Row],
    ) -> Result<Swap, StoreError> {
        let _lock = self.lock()?;
        let there = match self.read(name) {
            Err(error) if error.trouble == StoreTrouble::BadRecord && expected.is_none() => None,
            there => there?,
        };
        if there.as_ref().map(|stored| Version(stored.version)) != expected {
            return Ok(Swap::Conflict(Box::new(loaded(there))));
        }
        let version = there.map_or(1, |stored| stored.version + 1);
        self.write(name, &Stored { version, record: next.clone() }).map_err(unreachable)?;
        Ok(Swap::Done(Version(version)))
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(unreachable)? {
            let file = entry.map_err(unreachable)?.file_name();
            let name = Path::new(&file).file_stem().and_then(|stem| stem.to_str()).map(|stem| stem.replace('%', "/"));
            if let Some(name) = name.filter(|_| Path::new(&file).extension().is_some())
                && let Ok(name) = CircuitName::new(&name)
            {
                let record = self.read(&name).map(loaded);
                all.push((name, record));
            }
        }
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(all)
    }
}

/// The axis of this store's moments is the wall clock: simple, and it jumps when somebody sets the clock. The store in
/// a file that comes with Fuseboard counts by the boot clock within a boot.
#[expect(clippy::disallowed_methods, reason = "a store has a clock of its own")]
fn loaded(stored: Option<Stored>) -> Loaded {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = Moment(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
    match stored {
        Some(Stored { version, record }) => Loaded { record, version: Some(Version(version)), now },
        None => Loaded { record: Record::default(), version: None, now },
    }
}

fn unreachable(error: io::Error) -> StoreError {
    StoreError::new(StoreTrouble::Unreachable, format!("the folder of circuits cannot be used: {error}"))
        .caused_by(error)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("fuseboard-own-store-{}", process::id()));

    // Every store owes its callers the same, and this says whether it pays.
    for (number, (fact, clause)) in contract::CLAUSES.iter().enumerate() {
        println!("holds: {fact}");
        clause(&FolderStore::new(folder.join(format!("clause-{number}")))?);
    }

    // Two boards are as two processes: what one learnt, the other knows.
    let circuits = folder.join("circuits");
    let yesterday = Board::builder().store(FolderStore::new(&circuits)?).build().circuit("app/notify")?;
    for _ in 0..2 {
        yesterday.run_or((), || Err("connection refused"));
    }
    let today = Board::builder().store(FolderStore::new(&circuits)?).build().circuit("app/notify")?;
    match today.run(|| Ok::<_, String>(())) {
        Attempt::Skipped(refusal) => println!("skipped, since {}", refusal.last_error.unwrap_or_default()),
        attempt => println!("not skipped: {attempt:?}"),
    }
    fs::remove_dir_all(folder)?;
    Ok(())
}
