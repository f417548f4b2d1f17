//! What a path says about a file: its language, and whether people wrote it as part of the product.

use std::path::Path;

/// What a file is for, by its path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathKind {
    /// Part of the product: nothing else is known.
    Product,
    /// A test, or what only tests use.
    Test,
    /// A lock file of a package manager.
    Lock,
    /// Written by a program, or copied from elsewhere.
    Generated,
    /// Made small by a program.
    Minified,
}

/// A name ending with `/` is that of a folder on the way; else it is the file's, with at most one `*`. Names are
/// compared without regard to case.
const KINDS: [(PathKind, &[&str]); 4] = [
    (
        PathKind::Test,
        &[
            "test/",
            "tests/",
            "__tests__/",
            "__mocks__/",
            "spec/",
            "specs/",
            "testdata/",
            "testing/",
            "fixtures/",
            "e2e/",
            "test_*.py",
            "*_test.py",
            "conftest.py",
            "tests.py",
            "*_test.go",
            "*_test.rs",
            "tests.rs",
            "test.rs",
            "*_tests.rs",
            "*.test.js",
            "*.test.jsx",
            "*.test.ts",
            "*.test.tsx",
            "*.test.mjs",
            "*.test.cjs",
            "*.spec.js",
            "*.spec.jsx",
            "*.spec.ts",
            "*.spec.tsx",
            "*_spec.rb",
            "*_test.rb",
            "*test.php",
            "*test.java",
            "*tests.java",
            "*test.kt",
            "*tests.cs",
            "*test.cs",
            "*tests.swift",
            "*_test.c",
            "*_test.cc",
            "*_test.cpp",
            "*.bats",
        ],
    ),
    (
        PathKind::Lock,
        &[
            "*.lock",
            "package-lock.json",
            "npm-shrinkwrap.json",
            "pnpm-lock.yaml",
            "go.sum",
            "bun.lockb",
            "gradle.lockfile",
            "packages.lock.json",
            ".terraform.lock.hcl",
            "package.resolved",
        ],
    ),
    (
        PathKind::Generated,
        &[
            "node_modules/",
            "vendor/",
            "third_party/",
            "dist/",
            "generated/",
            "__generated__/",
            "__snapshots__/",
            "*.pb.go",
            "*_pb2.py",
            "*_pb2_grpc.py",
            "*.pb.cc",
            "*.pb.h",
            "*.gen.go",
            "*.g.dart",
            "*.g.cs",
            "*.generated.*",
            "*.designer.cs",
            "*.snap",
            "*.svg",
        ],
    ),
    (PathKind::Minified, &["*.min.js", "*.min.css", "*.min.mjs", "*.map", "*.bundle.js"]),
];

impl PathKind {
    /// The kind of the file with this path.
    pub fn of(path: &Path) -> Self {
        KINDS.iter().find(|(_, names)| matches_any(path, names)).map_or(Self::Product, |(kind, _)| *kind)
    }
}

/// Whether the path is one of these; see [`KINDS`] for how they are written.
pub(super) fn matches_any(path: &Path, names: &[&str]) -> bool {
    let path = path.to_string_lossy().to_ascii_lowercase();
    let (folders, file) = path.rsplit_once('/').unwrap_or(("", &path));
    names.iter().any(|name| match name.strip_suffix('/') {
        Some(folder) => folders.split('/').any(|each| each == folder),
        None => match name.split_once('*') {
            Some((head, tail)) => {
                file.len() >= head.len() + tail.len() && file.starts_with(head) && wildcard_end(file, tail)
            }
            None => file == *name,
        },
    })
}

/// What follows the first `*`; a second one stands for the file's last ending only.
fn wildcard_end(file: &str, tail: &str) -> bool {
    match tail.strip_suffix('*') {
        Some(middle) => file.contains(middle),
        None => file.ends_with(tail),
    }
}

/// A language that has rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// C and C++.
    C,
    /// C#.
    CSharp,
    /// Settings: `.env`, INI, YAML, TOML, properties.
    Config,
    /// Go.
    Go,
    /// Java, Kotlin, Scala, Groovy.
    Java,
    /// JavaScript and TypeScript, and what contains them.
    JavaScript,
    /// PHP.
    Php,
    /// Python.
    Python,
    /// Ruby.
    Ruby,
    /// Rust.
    Rust,
    /// Shell.
    Shell,
    /// Swift.
    Swift,
}

const LANGUAGES: [(Language, &[&str]); 12] = [
    (Language::C, &["*.c", "*.h", "*.cc", "*.cpp", "*.cxx", "*.hpp", "*.hh"]),
    (Language::CSharp, &["*.cs"]),
    (
        Language::Config,
        &[
            ".env",
            ".env.*",
            "*.env",
            "*.ini",
            "*.cfg",
            "*.conf",
            "*.yml",
            "*.yaml",
            "*.toml",
            "*.properties",
            ".npmrc",
            ".pypirc",
            ".netrc",
            "*.tfvars",
        ],
    ),
    (Language::Go, &["*.go"]),
    (Language::Java, &["*.java", "*.kt", "*.kts", "*.scala", "*.groovy"]),
    (
        Language::JavaScript,
        &["*.js", "*.jsx", "*.mjs", "*.cjs", "*.ts", "*.tsx", "*.mts", "*.cts", "*.vue", "*.svelte", "*.html"],
    ),
    (Language::Php, &["*.php"]),
    (Language::Python, &["*.py", "*.pyi", "*.pyw"]),
    (Language::Ruby, &["*.rb", "*.rake", "gemfile", "rakefile"]),
    (Language::Rust, &["*.rs"]),
    (Language::Shell, &["*.sh", "*.bash", "*.zsh", "*.ksh"]),
    (Language::Swift, &["*.swift"]),
];

impl Language {
    /// The language of the file with this path.
    pub fn of(path: &Path) -> Option<Self> {
        LANGUAGES.iter().find(|(_, names)| matches_any(path, names)).map(|(language, _)| *language)
    }

    /// Whether the line is nothing but a comment.
    pub(super) fn is_comment(self, line: &[u8]) -> bool {
        let line = line.trim_ascii_start();
        let is_hash = matches!(self, Self::Config | Self::Php | Self::Python | Self::Ruby | Self::Shell);
        let is_slash = !matches!(self, Self::Config | Self::Python | Self::Ruby | Self::Shell);
        (is_hash && line.starts_with(b"#"))
            || (is_slash && [b"//".as_slice(), b"/*", b"* "].iter().any(|mark| line.starts_with(mark)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_a_file_is_for() {
        for (path, kind) in [
            ("src/a.py", PathKind::Product),
            ("contest/a.py", PathKind::Product),
            ("src/latest.py", PathKind::Product),
            ("Tests/a.py", PathKind::Test),
            ("src/test_a.py", PathKind::Test),
            ("src/a.spec.ts", PathKind::Test),
            ("sub/Cargo.lock", PathKind::Lock),
            ("web/app.min.js", PathKind::Minified),
            ("api/x.pb.go", PathKind::Generated),
            ("api/x.generated.ts", PathKind::Generated),
        ] {
            assert_eq!(PathKind::of(path.as_ref()), kind, "{path}");
        }
    }

    #[test]
    fn a_path_says_its_language() {
        assert_eq!(Language::of("a/B.PY".as_ref()), Some(Language::Python));
        assert_eq!(Language::of(".env.production".as_ref()), Some(Language::Config));
        assert_eq!(Language::of("README".as_ref()), None);
    }
}
