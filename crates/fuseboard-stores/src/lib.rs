//! Where the state of circuits lives when it outlives a process.
//!
//! | concept | is |
//! |---|---|
//! | [`SqliteStore`] | one file per user and host, shared by any number of processes; holds the history too, and with the feature `ledger` the book of runs |
//! | [`StoredEvent`], [`StoredOutcome`] | rows of that history, as they are read back |
//! | [`mod@format`] | the stored form of one record, checked whenever it is read |
//!
//! ```
//! use std::sync::Arc;
//! use fuseboard::clock::SystemClock;
//! use fuseboard::store::Store;
//! use fuseboard_stores::SqliteStore;
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path().join("state");
//! let store = SqliteStore::new(folder.join("state.db"), Arc::new(SystemClock));
//! let loaded = store.load(&"backup".parse()?)?;
//! assert_eq!(loaded.version, None); // never stored, and looking has created nothing
//! assert!(!store.path().exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "sqlite")]
mod files;
pub mod format;
#[cfg(feature = "sqlite")]
mod patience;
#[cfg(feature = "sqlite")]
mod spool;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "sqlite")]
mod sys;

#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteStore, StoredEvent, StoredOutcome};
