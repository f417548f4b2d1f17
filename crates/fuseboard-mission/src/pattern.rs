//! Patterns of names: `*` is any text, `/` included, `?` any one character, and everything else is itself.

use std::path::Path;

/// Whether the whole text fits the pattern.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    // The last `*`, and how much of the text it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match (pattern.get(at), star) {
            (Some('*'), _) => {
                star = Some((at, seen));
                at += 1;
            }
            (Some(char), _) if *char == '?' || *char == text[seen] => {
                at += 1;
                seen += 1;
            }
            (_, Some((place, taken))) => {
                star = Some((place, taken + 1));
                (at, seen) = (place + 1, taken + 1);
            }
            _ => return false,
        }
    }
    pattern[at..].iter().all(|char| *char == '*')
}

/// Whether a path fits the pattern; one without `/` is for the last part of it. Bytes that are no text fit `*` and `?`.
pub(crate) fn fits_path(pattern: &str, path: &Path) -> bool {
    let part = if pattern.contains('/') { Some(path.as_os_str()) } else { path.file_name() };
    part.is_some_and(|part| fits(pattern, &part.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_and_the_rest_is_itself() {
        for (pattern, text, expected) in [
            ("*", "agent/a/b", true),
            ("agent/*", "agent/a/b", true),
            ("agent/*", "agent/", true),
            ("agent/*", "agents", false),
            ("*-fix", "a-fix-b-fix", true),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("a?c", "aäc", true),
            ("a?c", "ac", false),
            ("a.c", "abc", false),
            ("", "", true),
            ("", "x", false),
            ("**", "x", true),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_without_a_slash_is_for_a_files_name() {
        for (pattern, path, expected) in [
            ("*.py", "a/b.py", true),
            ("a*", "a/b.py", false),
            ("a/*.py", "a/b/c.py", true),
            ("a/*.py", "x/a/b.py", false),
            ("b.py", "a/b.py", true),
            ("*.py", "", false),
        ] {
            assert_eq!(fits_path(pattern, path.as_ref()), expected, "{pattern} {path}");
        }
    }
}
