//! Words that say something of a mission, as data. They are asked last, after git and the result's structure.

/// The version of these tables, stored with each outcome: a later one may judge otherwise.
pub(crate) const VERSION: u32 = 1;

/// How much of the end of an agent's last words is searched, in bytes: that is where it sums up.
const SUMMED_UP: usize = 2000;

/// An agent that cannot go on.
const STUCK: &[&str] = &[
    "i am stuck",
    "i'm stuck",
    "i am blocked",
    "i'm blocked",
    "i cannot proceed",
    "i can't proceed",
    "i am unable to proceed",
    "i'm unable to proceed",
    "unable to continue",
    "i need your input",
    "i need your permission",
    "waiting for your",
    "status: blocked",
    "status: stuck",
];

/// An agent that opened a pull request.
const OPENED: &[&str] = &[
    "opened a pull request",
    "opened pull request",
    "opened a pr",
    "opened pr",
    "opened the pull request",
    "opened the pr",
    "created a pull request",
    "created pull request",
    "created a pr",
    "created pr",
    "created the pull request",
    "created the pr",
    "pull request created",
    "pull request opened",
    "pr created",
    "pr opened",
];

/// Kinds of missions by a word of their title: the first word that is one of these decides.
const KINDS: &[(&str, &[&str])] = &[
    ("fix", &["fix", "fixes", "bug", "bugfix", "hotfix", "mend", "repair"]),
    ("feature", &["feat", "feature", "add", "implement", "support"]),
    ("test", &["test", "tests", "coverage"]),
    ("docs", &["docs", "doc", "document", "documentation", "readme", "changelog"]),
    ("refactor", &["refactor", "refactoring", "cleanup", "simplify", "rename"]),
    ("review", &["review"]),
    ("rebase", &["rebase"]),
    ("chore", &["chore", "bump", "upgrade", "update", "deps", "dependencies", "release", "ci", "build"]),
];

/// Where platforms put their pull requests: the part of the address before its number.
const PULL_REQUESTS: &[&str] = &["/pull/", "/-/merge_requests/", "/pull-requests/", "/pulls/", "/pullrequest/"];

/// Longest address that is kept, in bytes.
const MOST_URL: usize = 300;

/// The phrase by which the agent says that it cannot go on.
pub(crate) fn says_stuck(words: &str) -> Option<&'static str> {
    first_of(STUCK, words)
}

/// The phrase by which the agent says that it opened a pull request.
pub(crate) fn says_opened(words: &str) -> Option<&'static str> {
    first_of(OPENED, words)
}

/// What kind of mission a title stands for, else the caller's mode, else `other`.
pub(crate) fn kind_of<'a>(title: Option<&'a str>, mode: Option<&'a str>) -> &'a str {
    let words = title.unwrap_or_default().split(|char: char| !char.is_alphanumeric());
    let kind = |word: &str| {
        let word = word.to_lowercase();
        KINDS.iter().find(|(_, words)| words.contains(&word.as_str())).map(|(kind, _)| *kind)
    };
    words.take(12).find_map(kind).or(mode).unwrap_or("other")
}

/// The last address of a pull request; `https` only, without user, query or anything unusual.
pub(crate) fn pull_request(words: &str) -> Option<String> {
    let addresses = words.match_indices("https://").filter_map(|(start, _)| {
        let address = &words[start..];
        let end = address.find(|char: char| !(char.is_ascii_alphanumeric() || "-._~/:".contains(char)));
        let address = &address[..end.unwrap_or(address.len())];
        PULL_REQUESTS.iter().find_map(|mark| {
            let number = address.find(mark)? + mark.len();
            let digits = address[number..].bytes().take_while(u8::is_ascii_digit).count();
            // A user's name before the host would be cut by the `@`, and what is left has no number.
            (digits > 0 && number + digits <= MOST_URL).then(|| address[..number + digits].to_owned())
        })
    });
    addresses.last()
}

fn first_of(phrases: &[&'static str], words: &str) -> Option<&'static str> {
    let end = &words[words.ceil_char_boundary(words.len().saturating_sub(SUMMED_UP))..];
    let end = end.to_lowercase().replace('\u{2019}', "'");
    phrases.iter().copied().find(|phrase| {
        end.match_indices(phrase).any(|(at, _)| {
            let before = end[..at].chars().next_back();
            let after = end[at + phrase.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_the_last_pull_request_is_found_on_every_platform() {
        for (words, url) in [
            (
                "See https://github.com/a/b/pull/1 and (https://github.com/a/b/pull/27).",
                "https://github.com/a/b/pull/27",
            ),
            ("**https://gitlab.example/a/-/merge_requests/3/diffs**", "https://gitlab.example/a/-/merge_requests/3"),
            ("[PR](https://codeberg.org/a/b/pulls/4)", "https://codeberg.org/a/b/pulls/4"),
        ] {
            assert_eq!(pull_request(words).as_deref(), Some(url));
        }
        for words in [
            "http://github.com/a/b/pull/1",
            "https://github.com/a/b/issues/1",
            "https://github.com/a/b/pull/new",
            "https://user@evil/a/b/pull/1",
            "javascript:alert(1)//pull/1",
        ] {
            assert_eq!(pull_request(words), None, "{words}");
        }
    }

    #[test]
    fn a_phrase_counts_as_whole_words_and_near_the_end_only() {
        assert_eq!(says_stuck("Sorry, I\u{2019}m stuck."), Some("i'm stuck"));
        assert_eq!(says_stuck("The screw was stuck, now it turns. PR created."), None);
        assert_eq!(says_opened("PR created."), Some("pr created"));
        assert_eq!(says_opened("the repr created a problem"), None);
        assert_eq!(says_stuck(&format!("I'm stuck. {}", "But then it went on. ".repeat(200))), None);
    }

    #[test]
    fn a_title_tells_its_kind_by_its_first_telling_word() {
        assert_eq!(kind_of(Some("feat(ui): fix the colours"), None), "feature");
        assert_eq!(kind_of(Some("Please FIX the tests"), Some("night")), "fix");
        assert_eq!(kind_of(Some("prefixes"), Some("night")), "night");
        assert_eq!(kind_of(None, None), "other");
    }
}
