//! What scanners exchange: SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), in both directions.
//!
//! | concept | where |
//! |---|---|
//! | the findings of the scanner, written | [`write()`] |
//! | what a scanner reports, read result by result | [`Reader`], [`Reported`] |
//! | where it reports it | [`Place`] |
//!
//! What is read may be hostile: its size, the depth of it and each list in it that is kept are bounded. Members that
//! are not known are passed over; of those that decide, what is wrong makes the whole unreadable. A scanner that says
//! itself that it did not finish has reported nothing. No text of a result is kept: it may repeat a credential.
//!
//! ```
//! use fuseboard_mission::sarif::{Reader, Roots};
//!
//! let text = br#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}},
//!     "results": [{"ruleId": "eval", "level": "error"}]}]}"#;
//! let reader = Reader::new(Roots { top: "/src/app".into(), folder: "".into() });
//! let mut rules = Vec::new();
//! let summary = reader.read(text, |reported| rules.push(reported.rule))?;
//! assert_eq!((rules, summary.tools), (vec!["eval".to_owned()], vec!["lint".to_owned()]));
//! # Ok::<(), fuseboard_mission::sarif::SarifError>(())
//! ```

mod document;
mod place;
mod read;
mod write;

pub use document::Level;
pub use place::{Place, Roots};
pub use read::{Reader, Reported, SarifError, Summary};
pub use write::{Written, write};

/// The version that is read and written.
pub const VERSION: &str = "2.1.0";

/// Largest file that is read, in bytes.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The name under which our fingerprints stand among a result's `partialFingerprints`.
const FINGERPRINT: &str = "fuseboard/v1";

/// The base of addresses that is the top folder of the repository.
const TOP: &str = "%SRCROOT%";
