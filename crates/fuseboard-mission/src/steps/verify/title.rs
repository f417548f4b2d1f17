//! What the title promises: `paths`.

use std::collections::BTreeSet;

use super::check::Look;
use super::work::Work;

/// Shorter words say little, in letters.
const SHORTEST: usize = 4;

/// Words that are in titles whatever these are about: small ones, and verbs.
const COMMON: &str = "\
    about after again also before between both code does each from have into just more most only other \
    over please should some such than that their them then there these they this those through under \
    until what when where which while with without your adds added allow avoid bump change changes clean \
    create ensure fixed fixes handle implement improve make mend move refactor remove rename support \
    update";

/// `paths`: a changed path or a subject has to do with the title.
pub(super) fn paths(work: &Work<'_>) -> Look {
    let title = words(work.context.job.title.as_deref().unwrap_or_default());
    let title: BTreeSet<String> = title.into_iter().filter(|word| !is_common(word)).collect();
    if title.is_empty() {
        return Look::Nothing("there is no title that says what the work is about".to_owned());
    }
    if work.diff.files.is_empty() {
        return Look::Nothing("nothing is changed".to_owned());
    }
    let paths = work.diff.files.iter().flat_map(|file| words(&file.path.to_string_lossy()));
    let done: BTreeSet<String> = paths.chain(work.subjects.iter().flat_map(|subject| words(subject))).collect();
    let is_related = |word: &&String| done.iter().any(|other| other.starts_with(*word) || word.starts_with(other));
    let related: Vec<&String> = title.iter().filter(is_related).collect();
    let list = |words: &mut dyn Iterator<Item = &String>| words.map(String::as_str).collect::<Vec<_>>().join(", ");
    if related.is_empty() {
        let all = list(&mut title.iter());
        Look::Wrong(format!("neither changed paths nor subjects have to do with the title's words: {all}"))
    } else {
        Look::Right(format!("paths or subjects have to do with {}", list(&mut related.into_iter())))
    }
}

fn is_common(word: &str) -> bool {
    COMMON.split_whitespace().any(|common| common == word)
}

/// The words of a text that are long enough to say something, in lower case; `JsonParser` is two, and itself.
fn words(text: &str) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for word in text.split(|char: char| !char.is_alphanumeric()) {
        let starts = word.char_indices().zip(word.chars().skip(1)).filter_map(|((at, before), after)| {
            (before.is_lowercase() && after.is_uppercase()).then_some(at + before.len_utf8())
        });
        let borders: Vec<usize> = std::iter::once(0).chain(starts).chain([word.len()]).collect();
        words.extend(borders.windows(2).map(|part| word[part[0]..part[1]].to_lowercase()));
        words.insert(word.to_lowercase());
    }
    words.retain(|word| word.chars().filter(|char| char.is_alphabetic()).count() >= SHORTEST);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parts_of_names_too() {
        let found = words("src/json_parser/JsonWriter.rs: Überprüft42 the API-v2");
        let expected = ["json", "jsonwriter", "parser", "writer", "überprüft42"];
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn common_words_are_written_as_they_are_compared() {
        for word in COMMON.split_whitespace() {
            assert!(is_common(word) && words(word).contains(word), "{word}");
        }
    }
}
