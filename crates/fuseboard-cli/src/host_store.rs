//! Where this host's circuits live: a file, memory, or nowhere.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use fuseboard::CircuitName;
use fuseboard::clock::SystemClock;
use fuseboard::event::Row;
use fuseboard::record::Record;
use fuseboard::store::{Listed, Loaded, MemoryStore, Store, StoreError, StoreTrouble, Swap, Version};
use fuseboard_pipeline::redact::Redactor;
use fuseboard_stores::SqliteStore;

/// The groups of this machine (group(5)). Others, of a directory service for instance, are known by their numbers.
const GROUPS: &str = "/etc/group";

pub(crate) enum HostStore {
    File(Arc<SqliteStore>),
    Memory,
    /// It cannot be used, and why.
    Unusable(String),
}

impl HostStore {
    /// The store at this address, which a group may use, too, if one is named.
    pub(crate) fn of(address: &str, group: Option<&str>) -> Self {
        match address.split_once(':') {
            Some(("memory", _)) => Self::Memory,
            Some(("sqlite", path)) if !path.is_empty() => {
                let path = PathBuf::from(path.strip_prefix("//").unwrap_or(path));
                let store = SqliteStore::new(path, Arc::new(SystemClock));
                match group.map(number_of) {
                    None => Self::File(Arc::new(store)),
                    Some(Ok(group)) => Self::File(Arc::new(store.with_group(group))),
                    Some(Err(why)) => Self::Unusable(why),
                }
            }
            _ => {
                let address = Redactor::default().redact(address);
                Self::Unusable(format!("{address:?} is no store; write sqlite:/path/state.db"))
            }
        }
    }

    pub(crate) fn shared(&self) -> Arc<dyn Store> {
        match self {
            Self::File(store) => store.clone(),
            Self::Memory => Arc::new(MemoryStore::new()),
            Self::Unusable(why) => Arc::new(NoStore(why.clone())),
        }
    }
}

/// The number of a group that is given by name or by number.
fn number_of(group: &str) -> Result<u32, String> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = fs::read_to_string(GROUPS).unwrap_or_default();
    let mut fields = groups.lines().map(|line| line.split(':'));
    let number =
        fields.find_map(|mut fields| (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok()).flatten());
    number.ok_or_else(|| {
        format!("the group {group:?} of `[store] group` is not in {GROUPS}; give its number (`getent group`)")
    })
}

/// A store that cannot be used: work goes on without, gates block, operators are told.
struct NoStore(String);

impl NoStore {
    fn refuse<T>(&self) -> Result<T, StoreError> {
        Err(StoreError::new(StoreTrouble::Unreachable, self.0.clone()))
    }
}

impl Store for NoStore {
    fn load(&self, _: &CircuitName) -> Result<Loaded, StoreError> {
        self.refuse()
    }

    fn swap(&self, _: &CircuitName, _: Option<Version>, _: &Record, _: &[Row]) -> Result<Swap, StoreError> {
        self.refuse()
    }

    fn list(&self) -> Result<Vec<Listed>, StoreError> {
        self.refuse()
    }
}
