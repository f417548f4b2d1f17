//! Files in batches, each of which one command line has room for.

use std::ffi::OsString;

/// Most bytes of one command line. Linux takes at least 128 KiB of words and environment together, and 2 MiB as a
/// rule: execve(2), "Limits on size of arguments and environment".
const ROOM: usize = 64 * 1024;

/// What a word takes beside its bytes: its end and its address.
const PER_WORD: usize = 1 + size_of::<usize>();

/// The files in order, none left out. `others` are the words that stand beside each batch. A file for which there is
/// no room is a batch of its own.
pub(super) fn of<'a>(files: &'a [OsString], others: &[String]) -> Vec<&'a [OsString]> {
    let size = |length: usize| length + PER_WORD;
    let room = ROOM.saturating_sub(others.iter().map(|word| size(word.len())).sum());
    let mut batches = Vec::new();
    let (mut from, mut taken) = (0, 0);
    for (at, file) in files.iter().enumerate() {
        let more = size(file.len());
        if at > from && taken + more > room {
            batches.push(&files[from..at]);
            (from, taken) = (at, 0);
        }
        taken += more;
    }
    if from < files.len() {
        batches.push(&files[from..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(count: usize, length: usize) -> Vec<OsString> {
        let name = |number: usize| format!("{number:05}{}", "x".repeat(length)).into();
        (0..count).map(name).collect()
    }

    #[test]
    fn every_file_is_in_one_batch_and_no_batch_is_too_long() {
        for (count, length) in [(0, 1), (1, 10), (5000, 200), (5000, 4), (100, 4000), (3, ROOM)] {
            let files = files(count, length);
            let batches = of(&files, &["lint".to_owned()]);
            assert_eq!(batches.concat(), files, "{count} of {length}");
            for batch in batches {
                let size: usize = batch.iter().map(|file| file.len() + PER_WORD).sum();
                assert!(!batch.is_empty() && (size <= ROOM || batch.len() == 1), "{count} of {length}: {size}");
            }
        }
    }

    #[test]
    fn few_files_are_one_batch_unless_the_command_is_long() {
        assert_eq!(of(&files(100, 100), &[]).len(), 1);
        assert_eq!(of(&files(100, 100), &["x".repeat(ROOM)]).len(), 100);
    }
}
