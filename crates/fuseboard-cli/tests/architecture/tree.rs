//! The tree of files on the disk, and the tree that `ARCHITECTURE.md` shows.
//!
//! The document's tree is its first code block with a line `crates/`. One name stands on each line, indented by
//! two spaces for each folder it is in; folders end in `/`; what follows the name is for people.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const COLUMN: usize = 34;

/// Every `.rs` file below a folder.
pub(crate) fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).expect("a path below the root").to_str().expect("UTF-8").to_owned()
}

/// The first line of a file's own comment.
pub(crate) fn headline(source: &str) -> String {
    let first = source.lines().next().unwrap_or_default();
    first.strip_prefix("//!").unwrap_or_default().trim().to_owned()
}

/// What to add to and to remove from the document, in its own lines. `wanted` are the paths it must show, with
/// a few words on each; other paths may stand there as long as they exist.
pub(crate) fn differences(
    document: &str,
    wanted: &BTreeMap<String, String>,
    exists: impl Fn(&str) -> bool,
) -> Vec<String> {
    let shown = shown(document);
    let mut additions: BTreeMap<String, String> = BTreeMap::new();
    for (path, words) in wanted {
        for folder in folders_of(path) {
            additions.entry(folder).or_default();
        }
        additions.insert(path.clone(), words.clone());
    }
    let mut faults = Vec::new();
    let mut below = None;
    for (path, words) in additions.iter().filter(|(path, _)| !shown.values().any(|seen| seen == *path)) {
        let parent = folders_of(path).pop().unwrap_or_default();
        // A new folder's contents follow it without a heading of their own.
        if below.as_ref().is_none_or(|folder: &String| !parent.starts_with(folder.as_str())) {
            faults.push(format!("ARCHITECTURE.md, below {parent}, add:"));
            below = Some(parent.clone());
        }
        faults.push(line(path, words));
    }
    let surplus = shown.iter().filter(|(_, path)| !exists(path));
    let text = |number: usize| document.lines().nth(number).unwrap_or_default();
    faults
        .extend(surplus.map(|(number, _)| format!("ARCHITECTURE.md, line {}, remove: {}", number + 1, text(*number))));
    faults
}

/// The paths that the document shows, by the number of their line.
fn shown(document: &str) -> BTreeMap<usize, String> {
    let lines: Vec<&str> = document.lines().collect();
    let Some(crates) = lines.iter().position(|line| line.split_whitespace().next() == Some("crates/")) else {
        return BTreeMap::new();
    };
    let start = lines[..crates].iter().rposition(|line| line.starts_with("```")).map_or(0, |fence| fence + 1);
    let mut folders: Vec<&str> = Vec::new();
    let mut shown = BTreeMap::new();
    for (number, line) in lines.iter().enumerate().skip(start).take_while(|(_, line)| !line.starts_with("```")) {
        let Some(name) = line.split_whitespace().next() else { continue };
        folders.truncate((line.len() - line.trim_start().len()) / 2);
        shown.insert(number, folders.concat() + name);
        if name.ends_with('/') {
            folders.push(name);
        }
    }
    shown
}

/// The folders that a path lies in, outermost first, each with its slash.
fn folders_of(path: &str) -> Vec<String> {
    let inner = path.trim_end_matches('/');
    inner.match_indices('/').map(|(at, _)| path[..=at].to_owned()).collect()
}

/// A path as a line of the tree.
fn line(path: &str, words: &str) -> String {
    let folders = folders_of(path);
    let name = &path[folders.last().map_or(0, String::len)..];
    let name = format!("{}{name}", "  ".repeat(folders.len()));
    format!("{name:COLUMN$}{words}").trim_end().to_owned()
}
