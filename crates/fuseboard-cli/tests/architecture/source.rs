//! Rust source as the architecture tests read it: code without comments, texts and tests.

/// `source` with comments and the contents of literals blanked out; every line break stays where it was.
pub(crate) fn code(source: &str) -> String {
    let chars: Vec<char> = source.chars().collect();
    let mut out = String::with_capacity(source.len());
    let mut at = 0;
    while at < chars.len() {
        let rest = &chars[at..];
        let (blank, keep) = match rest {
            ['/', '/', ..] => (rest.iter().take_while(|c| **c != '\n').count(), 0),
            ['/', '*', ..] => (block_comment(rest), 0),
            ['"', ..] => (text(rest), 0),
            ['\'', ..] => (character(rest), usize::from(character(rest) == 0)),
            ['r', '"' | '#', ..] if !continues_a_word(&chars, at) => {
                let length = raw_text(rest);
                (length, usize::from(length == 0))
            }
            _ => (0, 1),
        };
        out.extend(rest[..blank].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        out.extend(&rest[blank..blank + keep]);
        at += blank + keep;
    }
    out
}

/// `code` with each item under `#[cfg(test)]` cut out, lines and all. Takes what [`code`] gives.
pub(crate) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = code.to_owned();
    while let Some(start) = out.find(MARK) {
        let after = start + MARK.len();
        let end = after + item(&out[after..]);
        out.replace_range(start..end, "");
    }
    out
}

/// The words and punctuation of code: words whole, `::` as one, everything else as single characters.
pub(crate) fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            first.len_utf8()
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// Whether code uses the library `name`: `name::…`, `use name` or `extern crate name`, but not a module of that
/// name (`crate::name::…`).
pub(crate) fn uses(tokens: &[&str], name: &str) -> bool {
    tokens.iter().enumerate().filter(|(_, token)| **token == name).any(|(at, _)| {
        let before = |n: usize| at.checked_sub(n).map_or("", |i| tokens[i]);
        let inside_a_path = before(1) == "::" && before(2) != "use" && before(2).ends_with(is_word);
        let declared = before(1) == "use" || before(2) == "extern";
        !inside_a_path && (declared || tokens.get(at + 1) == Some(&"::"))
    })
}

/// What code names directly below `root`: `root::a::b` and `use root::{a, c::{d, e}}` give a, a, c.
pub(crate) fn members<'a>(tokens: &[&'a str], root: &str) -> Vec<&'a str> {
    let mut members = Vec::new();
    for (at, _) in tokens.windows(2).enumerate().filter(|(_, pair)| *pair == [root, "::"]) {
        match &tokens[at + 2..] {
            ["{", group @ ..] => {
                let (mut depth, mut first) = (1, true);
                for token in group {
                    match *token {
                        "{" => depth += 1,
                        "}" => depth -= 1,
                        member if first => members.push(member),
                        _ => {}
                    }
                    first = depth == 1 && *token == ",";
                    if depth == 0 {
                        break;
                    }
                }
            }
            [member, ..] => members.push(member),
            [] => {}
        }
    }
    members
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the `r` at `at` ends a word, as in `for"…"`; the `b` and `c` of `br"…"` and `cr"…"` are no words.
fn continues_a_word(chars: &[char], at: usize) -> bool {
    let before = |n: usize| at.checked_sub(n).map(|i| chars[i]).is_some_and(is_word);
    before(1) && (before(2) || !matches!(chars[at - 1], 'b' | 'c'))
}

fn block_comment(rest: &[char]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn text(rest: &[char]) -> usize {
    let mut at = 1;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(rest.len())
}

/// The length of `r"…"` or `r#"…"#`; 0 for a raw identifier.
fn raw_text(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let mut end = vec!['#'; hashes];
    end.insert(0, '"');
    let body = 2 + hashes;
    rest[body..].windows(end.len()).position(|w| w == end).map_or(rest.len(), |at| body + at + end.len())
}

/// The length of a character literal; 0 for a lifetime.
fn character(rest: &[char]) -> usize {
    match rest {
        ['\'', '\\', _, tail @ ..] => 4 + tail.iter().take_while(|c| **c != '\'').count(),
        ['\'', _, '\'', ..] => 3,
        _ => 0,
    }
}

/// The length of the item at the start of `code`: to its closing brace, or to a semicolon before any brace.
fn item(code: &str) -> usize {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ';' if depth == 0 => return at + 1,
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}
