//! Secrets in text that is stored or shown are replaced by `***`.
//!
//! What counts as a secret:
//!
//! | what | how it is known |
//! |---|---|
//! | a value of the environment | its variable is named like `*KEY*`, `*TOKEN*`, `*SECRET*` or `*PASS*`, it has at least 8 characters and is no plain path; of a value with several lines each such line too |
//! | an authorisation header | `Authorization:` up to the line's or the string's end; `Bearer` and what follows it |
//! | credentials in a URL | `scheme://user:password@`; a name alone if it is long enough to be a token |
//! | a known token | its prefix and its length (GitHub, GitLab, `OpenAI`, Anthropic, Slack, AWS, Google), or as a JSON Web Token |
//! | a private key | its PEM header, down to its last line |
//!
//! A guess, made to be wrong on the safe side. What is passed on to the user is never redacted.

use std::borrow::Cow;
use std::ffi::OsString;
use std::ops::Range;

/// What stands for a secret.
pub const HIDDEN: &str = "***";

/// The fewest characters of a value that can be a secret; shorter ones occur by chance.
const SHORTEST: usize = 8;

/// From here on a user name in a URL may be a token.
const LONG_NAME: usize = 16;

/// A kind of token that tells itself: a prefix, and at least so many characters of a kind after it.
#[derive(Clone, Copy, Debug)]
struct Token {
    prefix: &'static str,
    at_least: usize,
    of: fn(u8) -> bool,
}

/// The tokens that are known, as their issuers describe them.
const TOKENS: [Token; 13] = [
    Token { prefix: "ghp_", at_least: 20, of: is_word },
    Token { prefix: "gho_", at_least: 20, of: is_word },
    Token { prefix: "ghu_", at_least: 20, of: is_word },
    Token { prefix: "ghs_", at_least: 20, of: is_word },
    Token { prefix: "ghr_", at_least: 20, of: is_word },
    Token { prefix: "github_pat_", at_least: 20, of: is_word },
    Token { prefix: "glpat-", at_least: 20, of: is_word_or_dash },
    Token { prefix: "sk-", at_least: 20, of: is_word_or_dash },
    Token { prefix: "xoxa-", at_least: 10, of: is_word_or_dash },
    Token { prefix: "xoxb-", at_least: 10, of: is_word_or_dash },
    Token { prefix: "xoxp-", at_least: 10, of: is_word_or_dash },
    Token { prefix: "AKIA", at_least: 16, of: |byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() },
    Token { prefix: "AIza", at_least: 35, of: is_word_or_dash },
];

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_word_or_dash(byte: u8) -> bool {
    is_word(byte) || byte == b'-'
}

/// Knows the secrets of one environment and the shapes that secrets have.
#[derive(Clone, Default)]
pub struct Redactor {
    values: Vec<String>,
}

/// Says how many secrets it knows, never which.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("values", &self.values.len()).finish()
    }
}

impl Redactor {
    /// One that knows the secrets among these variables, those of [`std::env::vars_os`] as a rule. Without any
    /// ([`Redactor::default`]) the shapes alone are known.
    pub fn from_env(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut values: Vec<String> = variables
            .into_iter()
            .filter(|(name, _)| names_a_secret(&name.to_string_lossy()))
            .flat_map(|(_, value)| {
                let value = value.to_string_lossy().into_owned();
                let lines: Vec<String> = value.lines().map(|line| line.trim().to_owned()).collect();
                [value].into_iter().chain(lines)
            })
            .filter(|value| value.chars().count() >= SHORTEST && !is_plain_path(value))
            .collect();
        values.sort_unstable();
        values.dedup();
        Self { values }
    }

    /// The text with every secret replaced by [`HIDDEN`]; secrets that overlap or touch become one. To be
    /// called before the text is cut: half a secret is not recognised.
    ///
    /// Takes time in proportion to the text for each value known.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut secrets: Vec<Range<usize>> = Vec::new();
        for value in &self.values {
            find_value(text, value, &mut secrets);
        }
        for token in &TOKENS {
            find_token(text, *token, &mut secrets);
        }
        find_web_tokens(text, &mut secrets);
        find_headers(text, &mut secrets);
        find_credentials(text, &mut secrets);
        find_private_keys(text, &mut secrets);
        if secrets.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(hide(text, secrets)) }
    }
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASS"].iter().any(|word| name.contains(word))
}

/// Whether a value is a path or a list of paths, as of `SSH_KEY_FILE`. Base64 has slashes too, but seldom as
/// the first character and in so short pieces.
fn is_plain_path(value: &str) -> bool {
    let is_rooted = ["/", "./", "../", "~/"].iter().any(|root| value.starts_with(root));
    let is_piece = |piece: &str| piece.len() <= 32 && piece.bytes().all(|byte| is_word_or_dash(byte) || byte == b'.');
    let pieces = value.strip_prefix('~').unwrap_or(value);
    is_rooted && pieces.split(['/', ':']).all(is_piece)
}

fn hide(text: &str, mut secrets: Vec<Range<usize>>) -> String {
    secrets.sort_unstable_by_key(|secret| secret.start);
    let mut hidden = String::with_capacity(text.len());
    let mut shown_to = 0;
    for secret in secrets {
        if secret.start > shown_to || hidden.is_empty() {
            hidden.push_str(&text[shown_to..secret.start]);
            hidden.push_str(HIDDEN);
        }
        shown_to = shown_to.max(secret.end);
    }
    hidden.push_str(&text[shown_to..]);
    hidden
}

/// Every occurrence, those that overlap included.
fn find_value(text: &str, value: &str, secrets: &mut Vec<Range<usize>>) {
    let step = value.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    while let Some(at) = text[from..].find(value) {
        let start = from + at;
        secrets.push(start..start + value.len());
        from = start + step;
    }
}

/// Where `prefix` begins a word: the end of each.
fn beginnings(text: &str, prefix: &str) -> impl Iterator<Item = usize> {
    text.match_indices(prefix)
        .filter(|(at, _)| !text[..*at].bytes().next_back().is_some_and(|byte| byte.is_ascii_alphanumeric()))
        .map(move |(at, _)| at + prefix.len())
}

/// Where a run of such bytes that begins at `from` ends.
fn run_end(text: &str, from: usize, of: impl Fn(u8) -> bool) -> usize {
    text[from..].bytes().position(|byte| !of(byte)).map_or(text.len(), |count| from + count)
}

fn find_token(text: &str, token: Token, secrets: &mut Vec<Range<usize>>) {
    let mut searched_to = 0;
    for from in beginnings(text, token.prefix) {
        // What lies within a run that was looked at is not looked at again: `sk-sk-sk-…` stays linear.
        if from < searched_to {
            continue;
        }
        searched_to = run_end(text, from, token.of);
        if searched_to - from >= token.at_least {
            secrets.push(from - token.prefix.len()..searched_to);
        }
    }
}

/// Three parts with dots between (RFC 7519); the first is JSON in base64, so that it begins with `eyJ`.
fn find_web_tokens(text: &str, secrets: &mut Vec<Range<usize>>) {
    let mut searched_to = 0;
    for from in beginnings(text, "eyJ") {
        if from < searched_to {
            continue;
        }
        searched_to = run_end(text, from, |byte| is_word_or_dash(byte) || byte == b'.');
        if text[from..searched_to].matches('.').count() >= 2 {
            secrets.push(from - 3..searched_to);
        }
    }
}

fn find_headers(text: &str, secrets: &mut Vec<Range<usize>>) {
    let lower = text.to_ascii_lowercase();
    let blanks = |from| run_end(text, from, |byte| matches!(byte, b' ' | b'\t' | b'"' | b'\'' | b'\\'));
    let mut hidden_to = 0;
    for (at, name) in lower.match_indices("authorization") {
        // A value goes to its line's end: what it holds is not looked at for each header in it once more.
        if at < hidden_to {
            continue;
        }
        let colon = blanks(at + name.len());
        if matches!(text.as_bytes().get(colon), Some(b':' | b'=')) {
            let value = blanks(colon + 1);
            let end = run_end(text, value, |byte| !matches!(byte, b'\n' | b'\r' | b'"' | b'\''));
            if end > value {
                secrets.push(value..end);
            }
            hidden_to = end;
        }
    }
    for at in beginnings(&lower, "bearer ") {
        let end = run_end(text, at, |byte| is_word_or_dash(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'='));
        if end - at >= SHORTEST {
            secrets.push(at..end);
        }
    }
}

fn find_credentials(text: &str, secrets: &mut Vec<Range<usize>>) {
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let is_authority = |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'');
        let end = run_end(text, start, is_authority);
        // The last `@`: a password may hold one.
        if let Some(name) = text[start..end].rfind('@').map(|length| &text[start..start + length])
            && (name.contains(':') || name.len() >= LONG_NAME)
        {
            secrets.push(start..start + name.len());
        }
    }
}

/// RFC 7468. A key whose last line is missing goes to the text's end.
fn find_private_keys(text: &str, secrets: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(at) = text[from..].find("-----BEGIN ") {
        let start = from + at;
        let label = start + "-----BEGIN ".len();
        let label_end = run_end(text, label, |byte| byte.is_ascii_uppercase() || matches!(byte, b' ' | b'0'..=b'9'));
        from = label_end;
        if text[label..label_end].ends_with("PRIVATE KEY") {
            let last_line = text[label_end..].find("-----END ").map(|at| label_end + at + "-----END ".len());
            from = last_line.map_or(text.len(), |at| run_end(text, at, |byte| !matches!(byte, b'\n' | b'\r')));
            secrets.push(start..from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(variables: &[(&str, &str)]) -> Redactor {
        Redactor::from_env(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    fn shapes(text: &str) -> String {
        Redactor::default().redact(text).into_owned()
    }

    #[test]
    fn values_of_variables_named_like_secrets_are_hidden() {
        let redactor = knowing(&[("Api_Key", "hunter2hunter2"), ("DB_PASSWORD", "pä$$wörd"), ("USER", "somebody")]);
        assert_eq!(redactor.redact("hunter2hunter2 by somebody: pä$$wörd!"), "*** by somebody: ***!");
        assert!(matches!(redactor.redact("nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn short_values_and_plain_paths_are_no_secrets() {
        let redactor = knowing(&[
            ("KEYMAP", "us"),
            ("SSH_KEY_FILE", "/home/me/.ssh/id_ed25519"),
            ("KEY_PATH", "~/keys:/etc/keys"),
            ("TOKEN", "/8fJ3kd+Zq0vT7aPp2Yc/xWm9=="),
        ]);
        let text = "us /home/me/.ssh/id_ed25519 ~/keys:/etc/keys";
        assert_eq!(redactor.redact(text), text);
        assert_eq!(redactor.redact("/8fJ3kd+Zq0vT7aPp2Yc/xWm9=="), "***");
    }

    #[test]
    fn overlapping_secrets_leave_nothing_between_them() {
        let redactor = knowing(&[("A_TOKEN", "abcdefghij"), ("B_TOKEN", "ghijklmnop"), ("C_TOKEN", "abcdefgh")]);
        assert_eq!(redactor.redact("<abcdefghijklmnop>"), "<***>");
        let periodic = knowing(&[("KEY", "abababab")]);
        assert_eq!(periodic.redact("abababababab."), "***.");
    }

    #[test]
    fn one_line_of_a_secret_with_several_is_hidden_too() {
        let redactor = knowing(&[("DEPLOY_KEY", "first line of it\nsecond line of it\nend")]);
        assert_eq!(redactor.redact("it said: second line of it, end"), "it said: ***, end");
    }

    #[test]
    fn headers_are_hidden_in_every_spelling() {
        for (text, redacted) in [
            ("Authorization: Bearer abc.def-ghi\nnext", "Authorization: ***\nnext"),
            ("curl -H 'authorization: token abcdef' x", "curl -H 'authorization: ***' x"),
            (r#"{"Proxy-Authorization": "Basic Zm9vOmJhcg=="}"#, r#"{"Proxy-Authorization": "***"}"#),
            ("sent BEARER abcdefgh12345+/= to", "sent BEARER *** to"),
            ("the bearer of this; authorization failed", "the bearer of this; authorization failed"),
        ] {
            assert_eq!(shapes(text), redacted);
        }
    }

    #[test]
    fn credentials_in_addresses_are_hidden() {
        for (text, redacted) in [
            ("redis://:pa@ss@host:6379/0", "redis://***@host:6379/0"),
            ("https://me:secret@example.org/a@b", "https://***@example.org/a@b"),
            ("https://0123456789abcdef0123@example.org", "https://***@example.org"),
            ("ssh://git@example.org:22/x", "ssh://git@example.org:22/x"),
            ("http://a.example/?mail=me:x@y", "http://a.example/?mail=me:x@y"),
        ] {
            assert_eq!(shapes(text), redacted);
        }
    }

    #[test]
    fn known_tokens_are_hidden() {
        let long = "aB3".repeat(14);
        for prefix in ["ghp_", "ghs_", "github_pat_", "glpat-", "sk-", "sk-ant-api03-", "xoxb-", "xoxp-", "AIza"] {
            assert_eq!(shapes(&format!("x={prefix}{long};")), "x=***;", "{prefix}");
        }
        assert_eq!(shapes("AKIAIOSFODNN7EXAMPLE, eyJhbGciOi.eyJzdWIi.c2ln_-"), "***, ***");
        for text in ["a task-that-is-long-enough-to-be-one", "sk-short", "eyJust.words", "the risk-free AKIA"] {
            assert_eq!(shapes(text), text);
        }
    }

    #[test]
    fn private_keys_are_hidden_whole() {
        let key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----";
        assert_eq!(shapes(&format!("a\n{key}\nb")), "a\n***\nb");
        assert_eq!(shapes("a\n-----BEGIN PRIVATE KEY-----\nb3BlbnNz"), "a\n***");
        let public = "-----BEGIN PUBLIC KEY-----\nb3Bl\n-----END PUBLIC KEY-----";
        assert_eq!(shapes(public), public);
    }

    #[test]
    fn hostile_text_takes_no_longer_than_other_text() {
        let redactor = knowing(&[("KEY", &"a".repeat(64))]);
        let limit = crate::process::Deadline::after(std::time::Duration::from_secs(20));
        for piece in ["sk-", "eyJ.", "://", "@", "authorization:", "bearer ", "-----BEGIN ", "a", "ä\u{202e}", "AKIA"]
        {
            let text = piece.repeat(200_000 / piece.len());
            assert!(redactor.redact(&text).len() <= text.len() + HIDDEN.len());
        }
        assert!(!limit.has_passed(), "time grows with the square of the text");
    }
}
