//! Reports that found their store busy or unreachable, kept in a file beside it until somebody applies them.
//!
//! ```text
//! STATE.spool         one JSON object a line; every writer appends with one call
//! STATE.spool.taken   the same file, while one taker applies what it holds
//! ```
//!
//! The lock of the file itself says what is going on, and the kernel drops it with its holder: a writer shares
//! it while it appends, a taker owns it from the renaming to the end. A taken file whose lock is free belonged
//! to a taker that died; the next one adopts it. So nothing is lost, and what a taker had applied when it died
//! is applied again: a report that is repeated is late and moves totals only.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use fuseboard::store::{Deferred, StoreError, StoreTrouble, Taken};
use fuseboard::{CircuitName, Outcome};

use crate::files::{Files, Held, Identity, private, trouble};
use crate::format::cut_message;
use crate::patience::Patience;

/// How many bytes wait at most. What comes after that is refused, not put in place of what is there.
const MOST_BYTES: u64 = 8 * 1024 * 1024;

/// The longest report, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// How long a writer waits for a taker that is just renaming the file.
const BRIEFLY: Duration = Duration::from_millis(100);

/// The spool of one store.
pub(crate) struct Spool<'a> {
    files: &'a Files,
    path: PathBuf,
    taken: PathBuf,
}

impl<'a> Spool<'a> {
    pub(crate) fn of(files: &'a Files) -> Self {
        Self { files, path: files.beside(".spool"), taken: files.beside(".spool.taken") }
    }

    /// Appends one report.
    pub(crate) fn defer(&self, report: &Deferred) -> Result<(), StoreError> {
        let Some(line) = encode(report) else {
            return Err(self.refuse(&format!("a report of circuit {} is too long to be kept", report.circuit)));
        };
        self.files.make_folder()?;
        let Held(file) = &self.shared()?;
        let length = file.metadata().map_err(|error| trouble(&self.path, "looked at", error))?.len();
        if length > MOST_BYTES {
            let advice = "`fuseboard status` says what keeps the store from being written";
            return Err(self.refuse(&format!("8 MiB of reports wait already; {advice}")));
        }
        // The line feed in front keeps this report apart from one that a full disk has torn.
        let line = format!("\n{line}\n");
        match (&mut &*file).write(line.as_bytes()) {
            Ok(written) if written == line.len() => Ok(()),
            Ok(_) => Err(trouble(&self.path, "written", io::ErrorKind::StorageFull.into())),
            Err(error) => Err(trouble(&self.path, "written", error)),
        }
    }

    /// Takes everything that waits; nothing while another taker is at it.
    pub(crate) fn take(&self) -> Result<Taken, StoreError> {
        if !self.taken.exists() && !self.path.exists() {
            return Ok(Taken::default());
        }
        self.files.check_folder()?;
        let Some(held) = self.adopt()? else { return Ok(Taken::default()) };
        let (reports, unreadable) = read(&held.0).map_err(|error| trouble(&self.taken, "read", error))?;
        let path = self.taken.clone();
        Ok(Taken::new(reports, unreadable, move || {
            let removed = fs::remove_file(&path).map_err(|error| trouble(&path, "removed", error));
            // Only now may the next taker have it.
            drop(held);
            removed
        }))
    }

    /// What waits, without taking it: first what a taker holds, then the rest.
    pub(crate) fn waiting(&self) -> Result<Vec<Deferred>, StoreError> {
        let mut waiting = Vec::new();
        for path in [&self.taken, &self.path] {
            if let Some(file) = open(path)? {
                waiting.extend(read(&file).map_err(|error| trouble(path, "read", error))?.0);
            }
        }
        Ok(waiting)
    }

    /// The file that every writer appends to at this moment, shared with the others.
    fn shared(&self) -> Result<Held, StoreError> {
        let mut patience = Patience::of(BRIEFLY);
        loop {
            let file = regular(private().append(true).open(&self.path), &self.path)?;
            self.files.share(&self.path)?;
            if let Some(held) = may_append(file, &self.path) {
                return Ok(held);
            }
            if !patience.nap() {
                return Err(self.refuse("another process holds it"));
            }
        }
    }

    /// The taken file, owned: one that a dead taker left, else what has been spooled since.
    fn adopt(&self) -> Result<Option<Held>, StoreError> {
        let left = open(&self.taken)?;
        let Some(file) = (if left.is_some() { left } else { open(&self.path)? }) else { return Ok(None) };
        // Writers hold it for one call only, so whoever keeps it from us is another taker.
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let held = Held(file);
        if is_at(&held.0, &self.taken) {
            // A taker that died between the two steps below left both names.
            if is_at(&held.0, &self.path) {
                fs::remove_file(&self.path).map_err(|error| trouble(&self.path, "taken", error))?;
            }
            return Ok(Some(held));
        }
        if !is_at(&held.0, &self.path) {
            return Ok(None);
        }
        // Unlike a renaming, a link never replaces what another taker has left there.
        match fs::hard_link(&self.path, &self.taken) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
            linked => linked.map_err(|error| trouble(&self.path, "taken", error))?,
        }
        fs::remove_file(&self.path).map_err(|error| trouble(&self.path, "taken", error))?;
        Ok(Some(held))
    }

    fn refuse(&self, why: &str) -> StoreError {
        refused(&self.path, why)
    }
}

fn refused(path: &Path, why: &str) -> StoreError {
    StoreError::new(StoreTrouble::Unreachable, format!("{}: {why}", path.display()))
}

fn open(path: &Path) -> Result<Option<File>, StoreError> {
    match private().create(false).read(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => regular(opened, path).map(Some),
    }
}

/// What was opened, if it is a file: a pipe would hold up who reads, and give what is written to others.
fn regular(opened: io::Result<File>, path: &Path) -> Result<File, StoreError> {
    let file = opened.map_err(|error| trouble(path, "opened", error))?;
    let meta = file.metadata().map_err(|error| trouble(path, "looked at", error))?;
    if meta.is_file() { Ok(file) } else { Err(refused(path, "it is no regular file; remove it")) }
}

/// The file, shared, if what is appended to it from now on will be taken: no taker has it, nor has had it since it
/// was opened.
fn may_append(file: File, path: &Path) -> Option<Held> {
    file.try_lock_shared().ok()?;
    Some(Held(file)).filter(|held| is_at(&held.0, path))
}

/// Whether this name still leads to the open file.
fn is_at(file: &File, path: &Path) -> bool {
    let of = |meta: io::Result<fs::Metadata>| meta.ok().map(|meta| Identity::of(&meta));
    let here = of(file.metadata());
    here.is_some() && here == of(fs::symlink_metadata(path))
}

/// Every report in the file, and how many lines are none.
fn read(file: &File) -> io::Result<(Vec<Deferred>, usize)> {
    let mut bytes = Vec::new();
    // A crowd of writers may each have seen room for one more line.
    file.take(4 * MOST_BYTES).read_to_end(&mut bytes)?;
    let lines: Vec<_> = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| std::str::from_utf8(line).ok().and_then(decode))
        .collect();
    let unreadable = lines.iter().filter(|line| line.is_none()).count();
    Ok((lines.into_iter().flatten().collect(), unreadable))
}

/// One line, without its line feed, that stands for a deferred report; `None` if it would be longer than
/// [`LONGEST_LINE`].
fn encode(report: &Deferred) -> Option<String> {
    serde_json::to_string(report).ok().filter(|line| line.len() <= LONGEST_LINE)
}

/// Reads what [`encode`] wrote; `None` for anything else.
fn decode(line: &str) -> Option<Deferred> {
    if line.len() > LONGEST_LINE {
        return None;
    }
    let mut report: Deferred = serde_json::from_str(line).ok()?;
    CircuitName::new(&report.circuit).ok()?;
    // Only the builder vouches for a policy, and this one has come past it.
    report.policy = report.policy.to_builder().build().ok()?;
    if let Outcome::Failure(failure) = &mut report.outcome {
        cut_message(failure);
    }
    Some(report)
}

#[cfg(test)]
mod tests {
    use fuseboard::Policy;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_file_that_was_taken_after_it_was_opened_is_not_appended_to() {
        let home = tempfile::tempdir().unwrap();
        let (path, taken) = (home.path().join("spool"), home.path().join("taken"));
        let opened = || private().append(true).open(&path).unwrap();

        let [meanwhile, gone, another] = [opened(), opened(), opened()];
        let holder = open(&path).unwrap().unwrap();
        holder.lock().unwrap();
        assert!(may_append(meanwhile, &path).is_none(), "a taker is just at it");
        fs::rename(&path, &taken).unwrap();
        drop(holder);
        fs::remove_file(&taken).unwrap();
        assert!(may_append(gone, &path).is_none(), "it is gone");
        let late = opened();
        assert!(may_append(another, &path).is_none(), "it is another one by now");
        assert!(may_append(late, &path).is_some());
    }

    #[test]
    fn a_deferred_report_with_an_impossible_policy_or_name_is_none() {
        let report = report();
        let line = encode(&report).unwrap();
        assert_eq!(decode(&line), Some(report.clone()));
        for (right, wrong) in
            [("\"jitter\":0.1", "\"jitter\":7.0"), ("\"probes\":1", "\"probes\":5000"), ("\"a\"", "\"A B\"")]
        {
            assert!(line.contains(right));
            assert_eq!(decode(&line.replace(right, wrong)), None, "{wrong}");
        }
        assert_eq!(encode(&Deferred { run: Some("x".repeat(LONGEST_LINE)), ..report }), None);
    }

    #[test]
    fn a_deferred_report_keeps_either_trip_rule_and_the_older_one_in_its_older_form() {
        let of = |policy| Deferred { policy, ..report() };
        let line = encode(&of(Policy::default())).unwrap();
        assert!(line.contains(r#""policy":{"trip_after":2,"slow_after":null,"#), "{line}");
        assert_eq!(decode(&line), Some(of(Policy::default())));
        let line = encode(&of(Policy::for_requests())).unwrap();
        assert_eq!(decode(&line), Some(of(Policy::for_requests())));
        for (right, wrong) in
            [("\"of\":20", "\"of\":0"), ("\"rate\":{", "\"trip_after\":0,\"rat\":{"), ("\"rate\"", "\"r\"")]
        {
            assert!(line.contains(right), "{line}");
            assert_eq!(decode(&line.replace(right, wrong)), None, "{wrong}");
        }
    }

    fn report() -> Deferred {
        Deferred {
            circuit: "a".into(),
            epoch: None,
            unpermitted: true,
            outcome: Outcome::Ignored,
            duration: Duration::ZERO,
            policy: Policy::default(),
            wall_ms: 0,
            run: None,
        }
    }

    proptest! {
        #[test]
        fn no_line_panics(line in any::<String>()) {
            let _ = decode(&line);
        }
    }
}
