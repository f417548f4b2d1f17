//! The table of all rules that raise the score.

use crate::scan::Language::{self, C, CSharp, Config, Go, Java, JavaScript, Php, Python, Ruby, Rust, Shell, Swift};
use crate::scan::PathKind;

/// One rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Its name, by which reports call it.
    pub id: &'static str,
    /// What was found, for people.
    pub what: &'static str,
    /// What it counts, each time.
    pub score: u32,
    /// How many times it counts at most.
    pub most: usize,
    /// Where it looks for what.
    pub look: Look,
}

/// Where a rule looks for what. Patterns are those of the scanner: ASCII, over bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// A pattern in the path, of whatever became of the file.
    Path(&'static str),
    /// A file of this kind, by its path.
    Kind(PathKind),
    /// A file of tests that is gone, and did not move.
    RemovedTest,
    /// A pattern in an added line.
    Line {
        /// The languages in which it counts, and files without an ending; empty: every file.
        languages: &'static [Language],
        /// What is looked for.
        pattern: &'static str,
    },
    /// An added line that nobody can read: packed, or written by the numbers of its characters.
    Packed,
}

impl Risk {
    pub(super) fn pattern(&self) -> Option<&'static str> {
        match self.look {
            Look::Path(pattern) | Look::Line { pattern, .. } => Some(pattern),
            Look::Kind(_) | Look::RemovedTest | Look::Packed => None,
        }
    }
}

/// More added lines than this, and what they count.
pub const SIZES: [(usize, u32); 3] = [(300, 1), (1000, 3), (3000, 5)];

/// More changed files than this, and what they count.
pub const FILES: [(usize, u32); 3] = [(20, 1), (50, 2), (100, 3)];

/// Whatever can be run.
pub(super) const CODE: [Language; 12] =
    [C, CSharp, Config, Go, Java, JavaScript, Php, Python, Ruby, Rust, Shell, Swift];

/// Where a program puts a command line together.
const PROGRAMS: &[Language] = &[C, CSharp, Go, Java, JavaScript, Php, Python, Ruby, Rust, Swift];

const EVERY: &[Language] = &[];

const fn path(id: &'static str, what: &'static str, score: u32, pattern: &'static str) -> Risk {
    Risk { id, what, score, most: 3, look: Look::Path(pattern) }
}

const fn line(
    id: &'static str,
    what: &'static str,
    score: u32,
    languages: &'static [Language],
    pattern: &'static str,
) -> Risk {
    Risk { id, what, score, most: 3, look: Look::Line { languages, pattern } }
}

/// Where [`Look::Packed`] stands in the table.
pub(super) const PACKED_TEXT: usize = 10;

/// Every rule.
pub static RISKS: [Risk; 37] = [
    // --- Paths --------------------------------------------------------------------------------------------
    Risk {
        most: 2,
        ..path(
            "sensitive-name",
            "a file with a sensitive name",
            3,
            r"(?i:(?:^|[/_.-])(?:o?auth(?:n|z|enticat[a-z]*|ori[sz][a-z]*)?|log(?:in|out)|sign(?:in|up)|sessions?|passw(?:or)?ds?|credentials?|secrets?|crypto[a-z]*|encrypt[a-z]*|permissions?|privileges?|acl|rbac|tokens?|jwt|saml|sso|oidc|ldap|payments?|billing|security)(?:[/_.-]|$))|(?:^|[^A-Z])(?:O?Auth|Log(?:in|out)|Session|Password|Credential|Secret|Crypto|Permission|Token|Payment|Security)(?:[A-Z0-9_./s-]|enticat|oriz|$)",
        )
    },
    path(
        "ci",
        "a file of continuous integration",
        3,
        r"(?i)(?:^|/)(?:\.github/|\.circleci/|\.buildkite/|\.ci/|\.gitlab-ci[^/]*\.ya?ml$|\.travis\.yml$|\.drone\.ya?ml$|azure-pipelines[^/]*\.ya?ml$|bitbucket-pipelines\.yml$|jenkinsfile[^/]*$|cloudbuild\.ya?ml$|appveyor\.yml$)",
    ),
    path(
        "container",
        "a description of containers",
        3,
        r"(?i)(?:^|/)(?:(?:docker|container)file(?:\.[^/]*)?$|[^/]*\.dockerfile$|(?:docker-)?compose[^/]*\.ya?ml$|k8s/|kubernetes/|helm/|charts/|kustomization\.ya?ml$)",
    ),
    path(
        "infrastructure",
        "a description of infrastructure",
        3,
        r"(?i)\.(?:tf|tfvars|bicep)$|(?:^|/)(?:terraform/|ansible/|playbooks?/|cloudformation/|serverless\.ya?ml$|pulumi[^/]*\.ya?ml$|nginx[^/]*\.conf$)",
    ),
    path(
        "build",
        "what builds, installs or deploys",
        3,
        r"(?i)(?:^|/)(?:(?:gnu)?makefile$|justfile$|[^/]*\.mk$|build\.rs$|deploy(?:[^a-z/][^/]*|ment)?(?:/|$)|(?:un)?install[^/]*\.sh$|release[^/]*\.(?:sh|py)$)",
    ),
    path(
        "privileges",
        "what runs by itself or with other rights",
        3,
        r"(?i)(?:^|/)(?:sudoers(?:\.d/.+)?$|[^/]*\.(?:service|socket|timer)$|cron(?:tab$|\.[a-z]+/)|polkit-1/|pam\.d/)",
    ),
    path(
        "own-rules",
        "what judges or surrounds the work",
        3,
        r"(?i)(?:^|/)(?:fuseboard\.toml$|hooks\.d/|\.git(?:attributes|modules|config)$|\.?githooks/|\.husky/|hooks/(?:pre|post|commit|update)[^/]*$|\.pre-commit-config\.yaml$|lefthook\.ya?ml$|\.envrc$|codeowners$|\.claude/|\.mcp\.json$|\.(?:semgrep|gitleaks|trivy|bandit|snyk|checkov|codeql)[^/]*$)",
    ),
    path(
        "manifest",
        "a manifest of packages",
        2,
        r"(?i)(?:^|/)(?:package\.json$|cargo\.toml$|go\.mod$|pyproject\.toml$|requirements[^/]*\.(?:txt|in)$|setup\.(?:py|cfg)$|pipfile$|gemfile$|[^/]*\.gemspec$|pom\.xml$|build\.gradle(?:\.kts)?$|composer\.json$|[^/]*\.csproj$|package\.swift$|\.npmrc$|pip\.conf$)",
    ),
    Risk { id: "lock-file", what: "a lock file", score: 2, most: 3, look: Look::Kind(PathKind::Lock) },
    Risk { id: "tests-removed", what: "a file of tests removed", score: 3, most: 3, look: Look::RemovedTest },
    // --- Lines: code that comes from elsewhere, or hides ---------------------------------------------------
    Risk { id: "packed-text", what: "a text that nobody can read", score: 4, most: 3, look: Look::Packed },
    line(
        "turned-text",
        "characters that turn the direction of writing",
        6,
        EVERY,
        r"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]",
    ),
    line(
        "eval",
        "a text that is run as code",
        5,
        &[JavaScript, Php, Python, Ruby],
        r"(?:^|[^.\w$>])(?:eval|exec)\s*\(|\b(?:window|global|globalThis|self|builtins|__builtins__)\.(?:eval|exec)\s*\(|\bnew\s+Function\s*\(|\bvm\.runIn|\b(?:instance|class|module)_eval\b|\b__import__\s*\(",
    ),
    line("shell-eval", "a text that is run as code", 4, &[Config, Shell], r"(?:^|[\s;&|(])eval\s"),
    line(
        "shell-from-program",
        "a shell started by a program",
        5,
        PROGRAMS,
        r#"\bos\.(?:system|popen)\s*\(|\bgetoutput\s*\(|\bshell\s*=\s*True\b|\bchild_process\b|\bexecSync\s*\(|\bshell:\s*true\b|\b(?:shell_exec|passthru|proc_open|popen)\s*\(|(?:^|[^.\w])system\s*\(|\.getRuntime\(\)\s*\.exec\b|\bIO\.popen\b|\b(?:Command|Command::new)\(\s*"(?:/\S*/)?(?:ba|z|da)?sh"|\bProcess\.Start\s*\("#,
    ),
    line(
        "download-and-run",
        "a download that is run",
        8,
        EVERY,
        r"\b(?:curl|wget)\b.*\|\s*(?:sudo\s+(?:-\S+\s+)*)?(?:\S*/)?(?:(?:ba|z|da|k)?sh|python[0-9.]*|perl|node|ruby)\b|\b(?:(?:ba|z)?sh|source|eval)\b.*(?:\$\(|<\(|`)\s*(?:curl|wget)\b|(?i:\b(?:iex|invoke-expression)\b.*\b(?:downloadstring|irm|iwr|invoke-webrequest)\b|\b(?:irm|iwr)\b.*\|\s*iex\b)",
    ),
    line(
        "decode-and-run",
        "hidden code that is run",
        8,
        EVERY,
        r"(?:\bbase64\s+(?:-\w*[dD]\w*|--decode)\b|\bxxd\s+-r|\bopenssl\s+(?:enc|base64)\b.*-d\b|\bg(?:un)?zip\b.*-\w*c).*\|\s*(?:sudo\s+)?(?:\S*/)?(?:(?:ba|z|da)?sh|python[0-9.]*|perl|node)\b|\b(?:eval|exec|loads)\s*\(.*(?:b64decode|atob\s*\(|base64_decode|unhexlify|fromhex|decompress|gzinflate|'base64'|fromCharCode)",
    ),
    line(
        "deserialise",
        "objects made from data that can run code",
        6,
        PROGRAMS,
        r"\b(?:c?[pP]ickle|dill|marshal|shelve|jsonpickle)\.(?:loads?|Unpickler|open|decode)\b|\byaml\.(?:unsafe_load|full_load|load)(?:_all)?\s*\(|\bMarshal\.load\b|\bYAML\.(?:unsafe_)?load\b|(?:^|[^.\w])unserialize\s*\(|\bObjectInputStream\b|\bBinaryFormatter\b",
    ),
    line(
        "reverse-shell",
        "a shell for somebody elsewhere",
        8,
        EVERY,
        r"/dev/(?:tcp|udp)/|\b(?:nc|ncat|netcat)\b.*\s-\w*e\b|\bmkfifo\b.*\b(?:nc|ncat)\b|\bpty\.spawn\s*\(|\bsocat\b.*\bexec:",
    ),
    line("install-hook", "code that is run when a package is installed", 4, EVERY, r#""(?:pre|post)?install"\s*:\s*""#),
    // --- Lines: what keeps others out -----------------------------------------------------------------------
    line(
        "tls-unverified",
        "certificates or hosts that nobody verifies",
        6,
        EVERY,
        r#"(?i)\bverify(?:_ssl|_mode)?\s*=\s*(?:false|0)\b|\brejectUnauthorized["']?\s*[:=]\s*false|NODE_TLS_REJECT_UNAUTHORIZED|\bInsecureSkipVerify["']?\s*[:=]\s*true|danger_accept_invalid_(?:certs|hostnames)\s*\(\s*true|_create_unverified_context|\b(?:CERT|VERIFY)_NONE\b|CURLOPT_SSL_VERIFY(?:PEER|HOST)\s*,\s*(?:0|false)|\bcurl\b.*\s(?:-[a-z]*k[a-z]*|--insecure)\b|--no-check-certificate\b|StrictHostKeyChecking[= ]["']?(?:no|off)\b|\bsslVerify\b["']?\s*[= ]\s*["']?false|GIT_SSL_NO_VERIFY|--trusted-host\b|strict-ssl\s*=\s*false"#,
    ),
    line(
        "open-rights",
        "rights for everybody, or those of another user",
        5,
        EVERY,
        r"\bchmod\s+(?:-\w+\s+)*(?:[0-7]?[0-7][0-7][2367]\b|[2-7][0-7]{3}\b|[ugoa]*\+\w*s|(?:a|o|ugo)\+\w*w)|\bchmod\w*\s*\(.*\b0o?[0-7]?777\b|\bset(?:e|re)?[ug]id\s*\(|\bsetcap\s",
    ),
    line(
        "sql-from-text",
        "SQL put together from text",
        5,
        PROGRAMS,
        r#"(?i)\bf["']{1,3}\s*(?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from)\b.*\{|`\s*(?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from)\b.*\$\{|["']\s*(?:select\b[^"]*\bfrom|insert\s+into|update\b[^"]*\bset|delete\s+from)\b.*["']\s*(?:\+|%\s*[\w(]|\.\s*(?:format|concat)\s*\(|\.\s*\$)|(?:format!|sprintf)\s*\(\s*["'](?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from)\b|["'](?:select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from)\b.*#\{"#,
    ),
    line(
        "html-from-text",
        "markup put together from text",
        4,
        PROGRAMS,
        r"\bdangerouslySetInnerHTML\b|\.(?:inner|outer)HTML\s*\+?=(?:[^=]|$)|\bdocument\.write(?:ln)?\s*\(|\binsertAdjacentHTML\s*\(|\bv-html\s*=|\bmark_safe\s*\(|\.html_safe\b|\bbypassSecurityTrust|\|\s*safe\s*\}\}",
    ),
    line(
        "weak-cryptography",
        "a weak digest or cipher",
        3,
        PROGRAMS,
        r#"(?i)\bhashlib\.(?:md5|sha1)\b|\bcreateHash\s*\(\s*["'](?:md5|sha1)\b|\bgetInstance\s*\(\s*"(?:md5|sha-?1|des|rc4|aes/ecb)\b|(?:^|[^.\w])(?:md5|sha1)\s*\(|\bmd5\.(?:new|sum)\b|\bsha1\.(?:new|sum)\b|\bDigest::(?:md5|sha1)\b|\bMODE_ECB\b|\b(?:arc4|rc4|des3?|tripledes)\.new\b|["'](?:des|rc4|aes-\d+)-(?:ecb|cbc3?)["']|\bmd5::compute\b"#,
    ),
    line(
        "open-to-other-sites",
        "a guard against other sites switched off",
        4,
        EVERY,
        r#"\bcsrf_exempt\b|\bcsrf\b.*\bdisable\b|skip_before_action\s+:verify_authenticity_token|WTF_CSRF_ENABLED["']?\s*[=:]\s*False|(?i:Access-Control-Allow-Origin)["']?\s*[:,=]?\s*["']?\*|\bAllowAnyOrigin\b|\ballow_origins\s*=\s*\[\s*["']\*|CORS_(?:ORIGIN_)?ALLOW_ALL|\borigin["']?\s*:\s*["']\*["']|\bCorsLayer::(?:very_)?permissive\b"#,
    ),
    line(
        "listens-to-all",
        "a listener for every network",
        2,
        &CODE,
        r"(?:^|[^0-9.])0\.0\.0\.0(?:[^0-9./]|$)|\bINADDR_ANY\b|\[::\]:\d",
    ),
    line(
        "bare-address",
        "an outside address by its number",
        3,
        &CODE,
        r"\b(?:https?|ftp|wss?|tcp|udp|ssh)://(?:[^/@\s]*@)?(?:(?:[1-9]|1[1-9]|[2-9][0-9]|1[013-5][0-9]|12[0-689]|16[0-9]|17[013-9]|18[0-9]|19[013-9]|2[0-4][0-9]|25[0-5])\.[0-9]{1,3}|172\.(?:[0-9]|1[0-5]|3[2-9]|[4-9][0-9]|[12][0-9]{2})|192\.(?:[0-9]|[1-9][0-9]|1[0-57-9][0-9]|16[0-79]|2[0-9]{2}))\.[0-9]{1,3}\.[0-9]{1,3}\b|169\.254\.169\.254|\bmetadata\.google\.internal\b",
    ),
    line(
        "reads-secrets",
        "a place where secrets lie",
        5,
        &CODE,
        r"~/\.ssh\b|\.ssh/(?:id_|authorized_keys)|/etc/(?:shadow|sudoers|gshadow)\b|\.aws/credentials\b|\.git-credentials\b|\.docker/config\.json\b|\.kube/config\b|/proc/[^/\s]+/environ\b|\.gnupg\b",
    ),
    line(
        "environment-sent",
        "the environment, sent away",
        6,
        &CODE,
        r"(?:^|[\s;&(`])(?:env|printenv|set)\s*\|.*\b(?:curl|wget|nc|ncat|socat|telnet)\b|\b(?:curl|wget|nc|ncat|post|fetch|axios|urlopen|request)\b.*(?:\$\(\s*(?:env|printenv)\b|`(?:env|printenv)\b|\bos\.environ\s*(?:[),]|\.copy|$)|\bprocess\.env\s*(?:[),}]|$)|\bENV\.to_h\b)",
    ),
    line("unsafe-rust", "unsafe code", 3, &[Rust], r"(?:^|[^\w])unsafe\s*(?:\{|fn\b|impl\b|trait\b|extern\b|$)"),
    line("sudo", "a command with the rights of root", 2, &CODE, r#"(?:^|[\s;&|("'`])(?:sudo|doas)\s+[^\s=]"#),
    line(
        "privileged-container",
        "a container with the host's rights",
        5,
        EVERY,
        r"--privileged\b|\bprivileged:\s*true\b|\bhost(?:Network|PID|IPC):\s*true\b|/var/run/docker\.sock\b|--cap-add\b|\bcap_add\s*:",
    ),
    line(
        "pipeline-rights",
        "a pipeline that gives its rights to others",
        5,
        &[Config],
        r"\bpull_request_target\b|\bpermissions:\s*write-all\b|\bsecrets:\s*inherit\b",
    ),
    // --- Lines: checks ---------------------------------------------------------------------------------------
    line(
        "checks-passed-by",
        "a check that is passed by",
        6,
        &CODE,
        r#"--no-verify\b|\bpush\b.*\s(?:--force(?:-with-lease)?|-f)\b|\bHUSKY["']?\s*[=:]\s*["']?0\b|--no-gpg-sign\b|\bcore\.hooksPath\b"#,
    ),
    line(
        "tests-skipped",
        "a test that is skipped",
        2,
        &CODE,
        r"@(?:pytest\.mark|unittest)\.(?:skip|xfail)|\bpytest\.skip\s*\(|\b(?:it|test|describe)\.skip\s*\(|\bx(?:it|describe)\s*\(|#\[ignore\b|\bt\.Skip(?:Now|f)?\s*\(|@(?:Disabled|Ignore)\b",
    ),
    line(
        "scanner-muted",
        "a scanner told to look away",
        3,
        &CODE,
        r"\b(?:nosec|nosemgrep|NOSONAR|gitleaks:allow)\b|\b(?:lgtm|codeql)\s*\[",
    ),
];
