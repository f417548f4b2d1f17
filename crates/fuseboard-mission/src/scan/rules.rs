//! The table of all rules. The shapes of tokens are those that their issuers document; a letter or digit right
//! before them means that they are part of something longer.

use super::paths::Language::{self, C, CSharp, Config, Go, Java, JavaScript, Php, Python, Ruby, Rust, Shell, Swift};
use super::rule::{Check, Find, Group, Rule, Severity};

/// The names of what holds a credential.
macro_rules! secret_word {
    () => {
        "(?:api|access|secret|private|auth|encryption|signing|account|client|license)[_.-]?key\
         |secret|token|passw(?:or)?d|passphrase|pwd|credentials?"
    };
}

const fn secret(id: &'static str, what: &'static str, pattern: &'static str, check: Check) -> Rule {
    let find = Find::Credential { pattern, check };
    Rule { id, group: Group::Secret, what, severity: Severity::Error, languages: &[], except: &[], find }
}

const fn shape(id: &'static str, what: &'static str, pattern: &'static str) -> Rule {
    secret(id, what, pattern, Check::Shape)
}

const fn debug(id: &'static str, what: &'static str, languages: &'static [Language], pattern: &'static str) -> Rule {
    let find = Find::Text { pattern, unless: None };
    Rule { id, group: Group::Debug, what, severity: Severity::Warning, languages, except: &[], find }
}

const fn todo(id: &'static str, what: &'static str, pattern: &'static str, unless: Option<&'static str>) -> Rule {
    let find = Find::Text { pattern, unless };
    Rule { id, group: Group::Todo, what, severity: Severity::Note, languages: &[], except: &[], find }
}

/// Every rule.
pub static RULES: [Rule; 48] = [
    // --- Credentials of known shape -----------------------------------------------------------------------
    shape("aws-access-key", "an AWS access key", r"(?:^|[^A-Za-z0-9])((?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16})"),
    shape("github-token", "a GitHub token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"),
    shape("gitlab-token", "a GitLab token", r"gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt)-[A-Za-z0-9_.-]{20,}"),
    shape(
        "slack-token",
        "a Slack token",
        r"xox[abceoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}",
    ),
    shape(
        "slack-webhook",
        "a Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/]{20,})",
    ),
    shape("anthropic-key", "an Anthropic key", r"(?:^|[^A-Za-z0-9])(sk-ant-[A-Za-z0-9_-]{16,})"),
    secret("openai-key", "an OpenAI key", r"(?:^|[^A-Za-z0-9])(sk-[A-Za-z0-9_-]{20,})", Check::LongRun),
    shape("google-api-key", "a Google API key", r"(?:^|[^A-Za-z0-9])(AIza[A-Za-z0-9_-]{35})"),
    shape(
        "google-oauth-secret",
        "a Google OAuth secret",
        r"GOCSPX-[A-Za-z0-9_-]{20,}|(?:^|[^A-Za-z0-9])(ya29\.[A-Za-z0-9_-]{30,})",
    ),
    shape("stripe-key", "a Stripe live key", r"(?:^|[^A-Za-z0-9])([sr]k_live_[A-Za-z0-9]{16,})"),
    shape("npm-token", "an npm token", r"(?:^|[^A-Za-z0-9])(npm_[A-Za-z0-9]{36})"),
    shape("pypi-token", "a PyPI token", r"pypi-AgE[A-Za-z0-9_-]{50,}"),
    secret("huggingface-token", "a Hugging Face token", r"(?:^|[^A-Za-z0-9])(hf_[A-Za-z0-9]{34})", Check::Shape),
    shape("sendgrid-key", "a SendGrid key", r"(?:^|[^A-Za-z0-9])(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"),
    shape("twilio-key", "a Twilio key", r"(?:^|[^A-Za-z0-9])(SK[0-9a-f]{32})"),
    shape("digitalocean-token", "a DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}"),
    shape("shopify-token", "a Shopify token", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    shape("docker-token", "a Docker Hub token", r"dckr_[po]at_[A-Za-z0-9_-]{20,}"),
    shape("telegram-token", "a Telegram bot's token", r"(?:^|[^0-9])([0-9]{8,10}:AA[A-Za-z0-9_-]{33})"),
    shape("azure-storage-key", "an Azure storage key", r"AccountKey=([A-Za-z0-9+/]{80,}={0,2})"),
    shape("age-key", "an age key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}"),
    // To the line's end: the key itself may follow on it.
    shape(
        "private-key",
        "a private key",
        r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----.*|PuTTY-User-Key-File-[0-9].*",
    ),
    shape(
        "jwt",
        "a signed token (JWT)",
        r"(?:^|[^A-Za-z0-9])(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{10,})",
    ),
    // --- Credentials by what stands beside them -----------------------------------------------------------
    secret(
        "url-password",
        "an address with a password",
        r#"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@"'<>]{0,64}:([^\s/@"'<>]{3,})@"#,
        Check::Password,
    ),
    secret(
        "authorization-header",
        "an authorisation header",
        r#"(?i)authorization["']?\s*[:=,]\s*["']?(?:bearer|basic|token)\s+([A-Za-z0-9+/._~=-]{16,})"#,
        Check::Value,
    ),
    secret(
        "quoted-credential",
        "a credential in quotes",
        concat!(
            "(?i)(?:",
            secret_word!(),
            r#")(?:[_-]?(?:id|value|prod|live|dev|main|old|new|[0-9]{1,3}))?\\?["'`)\]]{0,3}\s*(?::[\sA-Za-z&'<>\[\]?|_]{1,24}=|:=|=>|={1,3}|:)\s*(?:[A-Za-z]{1,2})?\\?(?:"([^"\s]{12,})"|'([^'\s]{12,})'|`([^`\s]{12,})`)"#,
        ),
        Check::Value,
    ),
    Rule {
        languages: &[Config, Shell],
        ..secret(
            "unquoted-credential",
            "a credential in settings",
            concat!(
                r"(?i)^\s*(?:export\s+|-\s+)?[A-Za-z0-9_./:-]{0,64}(?:",
                secret_word!(),
                r")\s*[:=]\s*([A-Za-z0-9+/=_~.!@%^&*-]{16,})\s*(?:#.*)?$"
            ),
            Check::Value,
        )
    },
    // --- Debug leftovers ----------------------------------------------------------------------------------
    Rule {
        find: Find::Text { pattern: r"(?:^|[;:{]\s*|^\s+)(?:pprint\.)?p?print\s*\(", unless: Some(r"file\s*=") },
        ..debug("python-print", "a print", &[Python], "")
    },
    debug(
        "python-debugger",
        "a debugger",
        &[Python],
        r"\bbreakpoint\(\)|\b(?:i?pdb|pudb|wdb)\.set_trace\(|\bimport\s+(?:i?pdb|pudb)\b|\bicecream\b",
    ),
    debug("js-console", "a console line", &[JavaScript], r"\bconsole\.(?:log|debug|dir|trace|table)\s*\("),
    debug("js-debugger", "a debugger", &[JavaScript], r"(?:^|[;{}])\s*debugger\s*(?:;|$)"),
    debug("js-alert", "an alert", &[JavaScript], r"(?:^|[;{}])\s*(?:window\.)?alert\s*\("),
    debug("rust-dbg", "a dbg!", &[Rust], r"\bdbg!\s*[(\[{]"),
    Rule {
        except: &["main.rs", "build.rs", "bin/", "examples/", "benches/", "xtask/"],
        find: Find::Text { pattern: r"(?:^|[^A-Za-z0-9_])print(?:ln)?!\s*[(\[{]", unless: Some(r#"\(\s*"cargo:"#) },
        ..debug("rust-print", "a print", &[Rust], "")
    },
    Rule {
        except: &["main.go", "cmd/", "examples/", "*_example.go"],
        ..debug("go-print", "a print", &[Go], r"\bfmt\.Print(?:ln|f)?\s*\(|^\s*print(?:ln)?\s*\(|\bspew\.Dump\s*\(")
    },
    debug("ruby-print", "a print", &[Ruby], r#"^\s*(?:p|pp|puts|ap)\s+[A-Za-z0-9_@:"'\[{$]"#),
    debug("ruby-debugger", "a debugger", &[Ruby], r"\bbinding\.(?:pry|irb|b)\b|^\s*byebug\b"),
    debug("php-dump", "a dump", &[Php], r"\b(?:var_dump|print_r|dd|dump|var_export)\s*\("),
    debug(
        "java-print",
        "a print",
        &[Java],
        r"\bSystem\.out\.print(?:ln|f)?\s*\(|\.printStackTrace\s*\(\s*\)|^\s*println\s*\(",
    ),
    debug("csharp-print", "a print", &[CSharp], r"\bConsole\.Write(?:Line)?\s*\(|\bDebugger\.(?:Break|Launch)\s*\("),
    debug(
        "c-print",
        "a print for debugging",
        &[C],
        r#"(?i)\bprintf\s*\(\s*"(?:debug|here|xxx|>>>|\*\*\*)|\b(?:cout|cerr)\s*<<\s*"(?:debug|here|xxx|>>>|\*\*\*)"#,
    ),
    debug("swift-print", "a print", &[Swift], r"(?:^|[;{])\s*(?:debugPrint|print|dump)\s*\("),
    debug("shell-trace", "tracing", &[Shell], r"(?:^|[;&|]\s*|^\s+)set\s+-[a-wyz]*x"),
    // --- Unfinished ---------------------------------------------------------------------------------------
    todo("todo", "TODO", r"(?:^|[^A-Za-z0-9_.])TODO\b", None),
    todo("fixme", "FIXME", r"(?:^|[^A-Za-z0-9_.])FIXME\b", None),
    todo("hack", "HACK", r"(?:^|[^A-Za-z0-9_.-])HACK(?:$|[^A-Za-z0-9_-])", None),
    todo("xxx", "XXX", r"(?:^|[^A-Za-z0-9_.-])XXX(?:$|[^A-Za-z0-9_-])", Some(r"mktemp|XXX[-/ ]XXX")),
    // --- Size ---------------------------------------------------------------------------------------------
    Rule {
        id: "large-file",
        group: Group::Large,
        what: "more than 500 added lines in one file",
        severity: Severity::Note,
        languages: &[],
        except: &[],
        find: Find::MoreLinesThan(500),
    },
];
