//! What the commits' subjects say: `fixup`, `subjects`.

use fuseboard_pipeline::step::StepError;

use super::check::Look;
use super::work::{ALL, Work};

/// How subjects begin that git itself makes for commits which are to become part of another one (git-commit(1),
/// `--fixup`, `--squash`).
const FIXUPS: [&str; 3] = ["fixup!", "squash!", "amend!"];

/// How many of the base's newest commits show its convention, and how few of them show none.
const SHOWN_BY: u32 = 50;
const AT_LEAST: usize = 5;

/// So many of a hundred commits of the base make a habit a convention.
const PERCENT: usize = 80;

/// Most subjects that are named.
const NAMED: usize = 3;

/// How subjects may be written.
struct Convention {
    name: &'static str,
    followed_by: fn(&str) -> bool,
}

const CONVENTIONS: [Convention; 2] = [
    // conventionalcommits.org, 1.0.0
    Convention { name: "type(scope): text", followed_by: is_conventional },
    Convention { name: "a ticket such as ABC-123", followed_by: has_ticket },
];

/// `fixup`: no commit is left that was to go.
pub(super) fn fixup(work: &Work<'_>) -> Look {
    let left: Vec<&str> = work.subjects.iter().map(String::as_str).filter(|subject| is_fixup(subject)).collect();
    match (work.subjects.is_empty(), left.is_empty()) {
        (true, _) => Look::Nothing("there is no commit".to_owned()),
        (false, true) => Look::Right("no commit is left for later".to_owned()),
        (false, false) => Look::Wrong(format!("commits that were to go: {}", named(&left))),
    }
}

/// `subjects`: they follow the convention of the base.
pub(super) fn subjects(work: &Work<'_>) -> Result<Look, StepError> {
    let (git, base, head) = (work.judged.git(), &work.judged.base, &work.judged.head);
    // Who wrote the subject of a merge followed git's convention.
    let subjects = git.subjects(Some(base), head, ALL)?;
    if subjects.is_empty() {
        return Ok(Look::Nothing("there is no commit".to_owned()));
    }
    let before = git.subjects(None, base, SHOWN_BY)?;
    if before.len() < AT_LEAST {
        return Ok(Look::Nothing(format!("the base has fewer than {AT_LEAST} commits, which show no convention")));
    }
    let mut followed = Vec::new();
    for Convention { name, followed_by } in CONVENTIONS.iter().filter(|convention| is_kept_by(&before, convention)) {
        let others: Vec<&str> = subjects.iter().map(String::as_str).filter(|subject| !followed_by(subject)).collect();
        if !others.is_empty() {
            return Ok(Look::Wrong(format!("the base's subjects have {name}, these do not: {}", named(&others))));
        }
        followed.push(*name);
    }
    Ok(match followed.as_slice() {
        [] => Look::Nothing("the base's subjects show no convention".to_owned()),
        names => Look::Right(format!("the subjects have {} as the base's", names.join(" and "))),
    })
}

fn is_kept_by(subjects: &[String], convention: &Convention) -> bool {
    let follow = subjects.iter().filter(|subject| (convention.followed_by)(subject)).count();
    follow * 100 >= subjects.len() * PERCENT
}

fn is_fixup(subject: &str) -> bool {
    let lower = subject.to_lowercase();
    let first = lower.split(|char: char| !char.is_alphanumeric()).find(|word| !word.is_empty());
    FIXUPS.iter().any(|fixup| lower.starts_with(fixup)) || first == Some("wip")
}

/// `feat: x`, `fix(parser)!: y`.
fn is_conventional(subject: &str) -> bool {
    let Some((head, text)) = subject.split_once(": ") else { return false };
    let head = head.strip_suffix('!').unwrap_or(head);
    let (kind, scope) = match head.split_once('(') {
        Some((kind, scope)) => (kind, scope.strip_suffix(')')),
        None => (head, Some("none")),
    };
    let is_kind = |kind: &str| {
        kind.starts_with(char::is_alphabetic) && kind.chars().all(|char| char.is_alphanumeric() || char == '-')
    };
    is_kind(kind)
        && scope.is_some_and(|scope| !scope.is_empty() && !scope.contains(['(', ')']))
        && !text.trim().is_empty()
}

/// `ABC-123` as a word.
fn has_ticket(subject: &str) -> bool {
    let is_ticket = |word: &str| {
        word.split_once('-').is_some_and(|(project, number)| {
            let mut letters = project.bytes();
            letters.next().is_some_and(|first| first.is_ascii_uppercase())
                && project.len() >= 2
                && letters.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    subject.split(|char: char| !(char.is_alphanumeric() || char == '-')).any(is_ticket)
}

fn named(subjects: &[&str]) -> String {
    let more = subjects.len().saturating_sub(NAMED);
    let named: Vec<String> = subjects.iter().take(NAMED).map(|subject| format!("{subject:?}")).collect();
    if more == 0 { named.join(", ") } else { format!("{} and {more} more", named.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conventional_subjects_are_known() {
        for subject in ["feat: add x", "fix(parser)!: mend y", "build-deps: z", "Docs: w"] {
            assert!(is_conventional(subject), "{subject}");
        }
        for subject in ["Add x", "feat:x", "feat(: x", "feat(): x", "feat : x", "feat: ", "see src/a: b", ": x", ""] {
            assert!(!is_conventional(subject), "{subject}");
        }
    }

    #[test]
    fn a_ticket_is_a_word_wherever_it_stands() {
        for subject in ["ABC-123 mend x", "mend x (AB2-1)", "[X1-9]: y"] {
            assert!(has_ticket(subject), "{subject}");
        }
        for subject in ["A-1 x", "abc-123 x", "ABC-12x", "ABC-", "ABC 123", "XABC-1-2", ""] {
            assert!(!has_ticket(subject), "{subject}");
        }
    }

    #[test]
    fn unfinished_commits_are_known_by_their_first_word() {
        for subject in ["fixup! x", "Squash! x", "amend! x", "wip", "WIP: x", "[wip] x", "Wip x"] {
            assert!(is_fixup(subject), "{subject}");
        }
        for subject in ["fix x", "fixup the parser", "wipe x", "x wip", ""] {
            assert!(!is_fixup(subject), "{subject}");
        }
    }
}
