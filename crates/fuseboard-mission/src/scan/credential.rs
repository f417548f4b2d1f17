//! Tells a credential from what only stands in its place. Known shapes are believed; what could be anything has
//! to look like chance.

use super::rule::Check;

/// Words that stand where a credential will be put. They are taken out of a value; what remains has to pass.
const PLACEHOLDERS: [&str; 24] = [
    "changeme",
    "change-me",
    "change_me",
    "change",
    "placeholder",
    "example",
    "password",
    "passwd",
    "secret",
    "token",
    "dummy",
    "sample",
    "redacted",
    "replace",
    "insert",
    "your",
    "fake",
    "test",
    "todo",
    "none",
    "null",
    "undefined",
    "xxxx",
    "****",
];

/// How values begin that are looked up somewhere.
const LOOKUPS: [&str; 22] = [
    "$",
    "%(",
    "%{",
    "<",
    "{",
    "#{",
    "[",
    "env:",
    "env(",
    "env.",
    "process.env",
    "os.environ",
    "os.getenv",
    "getenv(",
    "vault:",
    "arn:",
    "op://",
    "sm://",
    "http://",
    "https://",
    "file:",
    "ref+",
];

/// Passwords that come with software, for addresses.
const WELL_KNOWN: [&str; 16] = [
    "admin", "guest", "pass", "passwd", "password", "postgres", "mysql", "mongo", "rabbitmq", "redis", "root",
    "secret", "test", "user", "pw", "pwd",
];

/// How long what stands before a credential's own part may be, such as `AGE-SECRET-KEY-1`, in bytes.
const LONGEST_MARK: usize = 16;

/// Least length of what is left of a value without its placeholders.
const LEAST_REST: usize = 8;

/// Least entropy of a value, in bits a character. Sixteen hexadecimal digits by chance have about 3.2.
const LEAST_ENTROPY: f64 = 2.5;

/// Whether the text is a credential.
pub(super) fn is_one(check: Check, text: &[u8]) -> bool {
    match check {
        Check::Shape => !is_crossed_out(text),
        Check::LongRun => has_long_run(text) && !is_crossed_out(text),
        Check::Value => is_value(text),
        Check::Password => is_password(text),
    }
}

/// `ghp_xxxxxxxx`, as in documentation: besides `x` there is no more than a mark could have.
fn is_crossed_out(text: &[u8]) -> bool {
    let crosses = text.iter().filter(|byte| byte.eq_ignore_ascii_case(&b'x')).count();
    text.len() - crosses <= LONGEST_MARK && crosses >= LONGEST_MARK.min(text.len() / 2)
}

fn has_long_run(text: &[u8]) -> bool {
    let mut runs = text.split(|byte| !byte.is_ascii_alphanumeric());
    runs.any(|run| run.len() >= 16 && run.iter().any(u8::is_ascii_digit))
}

fn is_value(text: &[u8]) -> bool {
    // Quoted text within quoted text ends with the escape of its quote.
    let lower = String::from_utf8_lossy(text).trim_end_matches('\\').to_ascii_lowercase();
    if is_lookup(&lower) || is_name(&lower) {
        return false;
    }
    let rest = PLACEHOLDERS.iter().fold(lower, |rest, word| rest.replace(word, ""));
    let rest = rest.as_bytes();
    rest.len() >= LEAST_REST && rest.iter().any(|byte| !byte.is_ascii_alphabetic()) && entropy(rest) >= LEAST_ENTROPY
}

fn is_password(text: &[u8]) -> bool {
    let lower = String::from_utf8_lossy(text).to_ascii_lowercase();
    if is_lookup(&lower) || WELL_KNOWN.contains(&lower.as_str()) {
        return false;
    }
    let rest = PLACEHOLDERS.iter().fold(lower, |rest, word| rest.replace(word, ""));
    rest.len() >= 3 && !rest.bytes().all(|byte| matches!(byte, b'x' | b'*' | b'.' | b'-' | b'_'))
}

fn is_lookup(lower: &str) -> bool {
    LOOKUPS.iter().any(|start| lower.starts_with(start))
        || ["${", "{{", "#{", "$(", "%s"].iter().any(|it| lower.contains(it))
}

/// Words with something between them: `my-service_token-v2`, `com.example.Token`, `/run/secrets/key1`.
fn is_name(lower: &str) -> bool {
    let mut parts = lower.split(['-', '_', '.', '/', ':']);
    let is_word = |part: &str| {
        let number = part.trim_start_matches(|char: char| char.is_ascii_lowercase());
        number.bytes().all(|byte| byte.is_ascii_digit())
            && (number.len() <= 3 || number.len() == part.len() && number.len() <= 8)
    };
    lower.contains(['-', '_', '.', '/', ':']) && parts.all(is_word)
}

/// Shannon's entropy of the bytes, in bits each.
fn entropy(text: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in text {
        counts[usize::from(*byte)] += 1;
    }
    let total = f64::from(counts.iter().sum::<u32>());
    let of = |count: u32| -> f64 {
        let share = f64::from(count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(|count| of(*count)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_look_like_chance_are_credentials() {
        for value in [
            "hunter2hunter2",
            "SuperSecret123!",
            "9f86d081884c7d65",
            "Zx8Kq29dLmP0vv-example",
            "correct4Horse%battery",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzz",
            "550e8400-e29b-41d4-a716-446655440000",
            "p4ssw0rd-of-2026!",
        ] {
            assert!(is_one(Check::Value, value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn placeholders_names_and_lookups_are_none() {
        for value in [
            "changeme12345",
            "your-api-key-here",
            "your-api-key-here\\",
            "<your token here>",
            "${API_TOKEN}",
            "$API_TOKEN_NAME",
            "xxxxxxxxxxxxxxxx",
            "************",
            "process.env.TOKEN",
            "https://example.com/oauth2/token",
            "my-service-token-v2",
            "com.example.v1.Token",
            "/run/secrets/token1",
            "aaaaaaaaaaaa1",
            "password1234",
            "userAccessTokenName",
            "OPENAI_API_KEY_2",
            "test-token-12345",
            "{{ secrets.token2 }}",
            "000000000000",
        ] {
            assert!(!is_one(Check::Value, value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn passwords_that_everybody_knows_are_none() {
        for (password, is_one_) in [
            ("s3cr", true),
            ("hunter2", true),
            ("postgres", false),
            ("${PW}", false),
            ("***", false),
            ("PASSWORD", false),
        ] {
            assert_eq!(is_one(Check::Password, password.as_bytes()), is_one_, "{password}");
        }
    }

    #[test]
    fn a_shape_is_believed_unless_it_is_crossed_out() {
        assert!(is_one(Check::Shape, concat!("AKIA", "IOSFODNN7EXAMPLE").as_bytes()));
        assert!(!is_one(Check::Shape, b"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
        assert!(!is_one(Check::Shape, b"AKIAXXXXXXXXXXXXXXXX"));
        // What is real stays so however much is written behind it.
        let long = ["x"; 400].concat();
        for real in [concat!("gh", "p_0123456789abcdefghijABCDEFGHIJ012345"), "-----BEGIN PRIVATE KEY-----"] {
            assert!(is_one(Check::Shape, format!("{real}{long}").as_bytes()), "{real}");
        }
        assert!(is_one(Check::LongRun, concat!("sk-", "proj-aB3dE5gH7jK9mN1p_x").as_bytes()));
        assert!(!is_one(Check::LongRun, b"sk-circle-fade-dot-animation-2"));
    }
}
