//! Where a result lies: from the addresses of SARIF to paths from the top folder of the repository.
//!
//! Nobody knows from where a scanner counted its paths, nor whether it encoded them. So each address stands for all
//! the files that it can mean: a result is rather taken for one of this work than lost.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use super::TOP;
use super::document::{Artifact, Location, Named};

/// Longest address that is looked at, in bytes; no path is longer.
const LONGEST: usize = 4096;

/// How many bases may stand on one another.
const DEPTH: usize = 8;

/// From where relative paths may count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    /// The top folder of the repository, free of links.
    pub top: PathBuf,
    /// The job's folder, from the top folder.
    pub folder: PathBuf,
}

/// Where a result lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The files that it can mean, from the top folder. `None`: the address says nothing that could be compared, and
    /// it can be any. Empty: it lies outside.
    pub files: Option<BTreeSet<PathBuf>>,
    /// The lines, from 1; `None` is the file as a whole.
    pub lines: Option<RangeInclusive<u64>>,
}

impl Place {
    /// Where a location lies; `None` if it names no file.
    pub(super) fn of(location: Location, bases: &Named<Artifact>, roots: &Roots) -> Option<Self> {
        let physical = location.physical_location?;
        let artifact = physical.artifact_location?;
        let lines = physical.region.and_then(|region| {
            let start = region.start_line.filter(|line| *line > 0)?;
            Some(start..=region.end_line.unwrap_or(start).max(start))
        });
        let files = artifact.uri.and_then(|uri| files(&uri, artifact.uri_base_id.as_deref(), bases, roots));
        Some(Self { files, lines })
    }
}

/// The files that an address can mean.
fn files(uri: &str, base: Option<&str>, bases: &Named<Artifact>, roots: &Roots) -> Option<BTreeSet<PathBuf>> {
    let (is_file, path) = without_scheme(uri)?;
    let mut files = BTreeSet::new();
    for path in [decoded(path), path.as_bytes().to_vec()] {
        if path.is_empty() || path.contains(&0) {
            return None;
        }
        let path = PathBuf::from(OsString::from_vec(path));
        if is_file || path.is_absolute() {
            files.extend(of_absolute(&path, roots));
            continue;
        }
        let given = base.and_then(|base| folder_of(base, bases, DEPTH)).map(|folder| folder.join(&path));
        files.extend(given.filter(|path| path.is_absolute()).into_iter().flat_map(|path| of_absolute(&path, roots)));
        // The base may be that of another machine.
        files.extend([Path::new(""), &roots.folder].iter().filter_map(|folder| normal(&folder.join(&path))));
    }
    Some(files)
}

/// Whether the address is one of a file, and its path. `None` for what lies on the net, or is too long for a path.
fn without_scheme(uri: &str) -> Option<(bool, &str)> {
    if uri.len() > LONGEST {
        return None;
    }
    let scheme = uri.split_once(':').filter(|(scheme, _)| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    });
    let Some((scheme, rest)) = scheme else { return Some((false, uri)) };
    if !scheme.eq_ignore_ascii_case("file") {
        return None;
    }
    let Some(rest) = rest.strip_prefix("//") else { return Some((true, rest)) };
    let (host, path) = rest.split_at(rest.find('/')?);
    (host.is_empty() || host.eq_ignore_ascii_case("localhost")).then_some((true, path))
}

/// RFC 3986, 2.1. What is no code stands for itself.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = || {
            let digits = after.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
            u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
        };
        if let Some(byte) = code().filter(|_| *first == b'%') {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    bytes
}

/// The folder that a base stands for, if it says so: absolute, or from nobody knows where.
fn folder_of(base: &str, bases: &Named<Artifact>, depth: usize) -> Option<PathBuf> {
    let (_, artifact) = bases.0.iter().find(|(name, _)| name == base)?;
    let (is_file, path) = without_scheme(artifact.uri.as_deref()?)?;
    let path = PathBuf::from(OsString::from_vec(decoded(path)));
    if is_file || path.is_absolute() || depth == 0 || base == TOP {
        return Some(path);
    }
    let outer = artifact.uri_base_id.as_deref().and_then(|outer| folder_of(outer, bases, depth - 1));
    Some(outer.map_or_else(|| path.clone(), |outer| outer.join(&path)))
}

/// What an absolute path means here. One that leads elsewhere may come from a machine, or a container, in which the
/// repository lies elsewhere: then each of its ends may be meant.
fn of_absolute(path: &Path, roots: &Roots) -> Vec<PathBuf> {
    let parts: Vec<Component<'_>> = path.components().filter(|part| *part != Component::RootDir).collect();
    let real = path.canonicalize().ok();
    let inside =
        [Some(path), real.as_deref()].into_iter().flatten().find_map(|path| path.strip_prefix(&roots.top).ok());
    match inside {
        Some(inside) => normal(inside).into_iter().collect(),
        None => (0..parts.len()).filter_map(|from| normal(&parts[from..].iter().collect::<PathBuf>())).collect(),
    }
}

/// The path without `.` and `..`; `None` if it leads outside, or nowhere.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        Roots { top: "/repo/app".into(), folder: "sub".into() }
    }

    fn means(uri: &str, base: Option<&str>, bases: &str) -> Option<Vec<String>> {
        let bases: Named<Artifact> = serde_json::from_str(bases).unwrap();
        let found = files(uri, base, &bases, &roots())?;
        Some(found.iter().map(|path| path.to_string_lossy().into_owned()).collect())
    }

    #[test]
    fn an_address_means_each_file_that_it_can_mean() {
        for (uri, files) in [
            ("src/a.py", &["src/a.py", "sub/src/a.py"][..]),
            ("./a.py", &["a.py", "sub/a.py"]),
            ("../a.py", &["a.py"]),
            ("../../a.py", &[]),
            ("a%20b.py", &["a b.py", "a%20b.py", "sub/a b.py", "sub/a%20b.py"]),
            ("src%2Fa.py", &["src/a.py", "src%2Fa.py", "sub/src/a.py", "sub/src%2Fa.py"]),
            ("100%.py", &["100%.py", "sub/100%.py"]),
            ("file:///repo/app/a.py", &["a.py"]),
            ("file://localhost/repo/app/x/../a.py", &["a.py"]),
            ("/repo/app/a.py", &["a.py"]),
            ("file:///src/a.py", &["a.py", "src/a.py"]),
        ] {
            assert_eq!(means(uri, None, "{}").unwrap(), files, "{uri}");
        }
    }

    #[test]
    fn an_address_that_says_nothing_can_be_any_file() {
        for uri in ["", &"a/".repeat(3000), "https://example.org/a.py", "file://host/a.py", "a%00b", "c:a.py", "file:"]
        {
            assert_eq!(means(uri, None, "{}"), None, "{uri}");
        }
    }

    #[test]
    fn bases_are_followed_and_never_hide_a_file() {
        let bases = r#"{"%SRCROOT%": {"uri": "file:///repo/app/"}, "IN": {"uri": "src/", "uriBaseId": "%SRCROOT%"},
            "AROUND": {"uri": "x/", "uriBaseId": "AROUND"}, "FAR": {"uri": "file:///elsewhere/"}}"#;
        assert_eq!(means("a.py", Some("IN"), bases).unwrap(), ["a.py", "src/a.py", "sub/a.py"]);
        for base in ["%SRCROOT%", "AROUND", "FAR", "UNKNOWN"] {
            assert!(means("a.py", Some(base), bases).unwrap().contains(&"a.py".to_owned()), "{base}");
        }
    }
}
