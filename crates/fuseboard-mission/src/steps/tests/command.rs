//! Which command runs the tests: the one that is given, or the one that the base declares.

use std::path::{Path, PathBuf};

use fuseboard_pipeline::exit_codes::ExitCodes;

use crate::git::GitError;
use crate::judged::Judged;

/// A program that runs tests, and by which files a project shows that it uses it.
struct Runner {
    command: &'static [&'static str],
    /// The exit codes that mean "tests failed".
    fail_codes: &'static [u8],
    /// The files that declare it, best first.
    files: &'static [&'static str],
    declares: fn(name: &str, text: &str) -> bool,
    /// Whether the first of these files that exists is the only one that counts.
    first_only: bool,
}

/// In this order; the first that the base declares is used. Sources of the codes: GNU make's manual, "Running"
/// (2: a recipe failed); pytest's reference, "Exit codes" (1: tests failed); cargo's (101); `go help test` (1).
/// npm passes its script's code on, and 1 is what test programs end with.
const RUNNERS: [Runner; 5] = [
    Runner {
        command: &["make", "test"],
        fail_codes: &[2],
        files: &["GNUmakefile", "makefile", "Makefile"],
        declares: |_, text| text.lines().any(is_test_target),
        first_only: true,
    },
    Runner {
        command: &["npm", "test"],
        fail_codes: &[1],
        files: &["package.json"],
        declares: |_, text| has_test_script(text),
        first_only: true,
    },
    Runner {
        command: &["pytest"],
        fail_codes: &[1],
        files: &[
            "pytest.ini",
            "pyproject.toml",
            "setup.cfg",
            "tox.ini",
            "conftest.py",
            "tests/conftest.py",
            "tests/__init__.py",
            "requirements-dev.txt",
            "requirements.txt",
        ],
        declares: |name, text| !MENTIONS.contains(&name) || text.contains("pytest"),
        first_only: false,
    },
    Runner {
        command: &["cargo", "test"],
        fail_codes: &[101],
        files: &["Cargo.toml"],
        declares: |_, _| true,
        first_only: true,
    },
    Runner {
        command: &["go", "test", "./..."],
        fail_codes: &[1],
        files: &["go.mod"],
        declares: |_, _| true,
        first_only: true,
    },
];

/// Files of Python projects that declare pytest only if they mention it; all others do by being there.
const MENTIONS: [&str; 5] = ["pyproject.toml", "setup.cfg", "tox.ini", "requirements-dev.txt", "requirements.txt"];

/// The codes of a command that is given and says nothing else.
const GIVEN_FAIL_CODES: [u8; 1] = [1];

/// A command that runs the tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TestCommand {
    /// The program and its arguments.
    pub(super) argv: Vec<String>,
    /// The exit codes that mean "tests failed".
    pub(super) fail_codes: ExitCodes,
    /// The file of the base that declares it; `None` if the configuration does.
    pub(super) found_in: Option<&'static str>,
}

impl TestCommand {
    /// The one that the configuration gives.
    pub(super) fn given(argv: &[String], fail_codes: Option<&ExitCodes>) -> Self {
        let known = runner_of(argv).map_or(&GIVEN_FAIL_CODES[..], |runner| runner.fail_codes);
        let fail_codes = fail_codes.cloned().unwrap_or_else(|| known.iter().copied().collect());
        Self { argv: argv.to_vec(), fail_codes, found_in: None }
    }

    /// The one that the base declares, if any. What lies in the work tree is not looked at.
    pub(super) fn found(judged: &Judged, fail_codes: Option<&ExitCodes>) -> Result<Option<Self>, GitError> {
        let folder = judged.folder()?;
        for runner in &RUNNERS {
            if let Some(file) = runner.declared_by(|name| judged.before(&folder.join(name)))? {
                return Ok(Some(Self {
                    argv: runner.command.iter().map(|&word| word.to_owned()).collect(),
                    fail_codes: fail_codes.cloned().unwrap_or_else(|| runner.fail_codes.iter().copied().collect()),
                    found_in: Some(file),
                }));
            }
        }
        Ok(None)
    }

    /// The files that say what the command does, below the job's folder.
    pub(super) fn defined_by(&self) -> Vec<PathBuf> {
        let files = runner_of(&self.argv).into_iter().flat_map(|runner| runner.files).map(PathBuf::from);
        // A command can name a script of the project.
        let named = self.argv.iter().map(|word| Path::new(word.strip_prefix("./").unwrap_or(word)).to_owned());
        files.chain(named).filter(|path: &PathBuf| path.is_relative()).collect()
    }

    /// The command as people write it.
    pub(super) fn shown(&self) -> String {
        self.argv.join(" ")
    }
}

/// The known runner that a command starts.
fn runner_of(argv: &[String]) -> Option<&'static Runner> {
    let program = argv.first().map(Path::new).and_then(Path::file_name)?;
    RUNNERS.iter().find(|runner| program == runner.command[0])
}

impl Runner {
    fn declared_by<E>(
        &self,
        mut before: impl FnMut(&str) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<&'static str>, E> {
        for name in self.files {
            let Some(content) = before(name)? else { continue };
            if (self.declares)(name, &String::from_utf8_lossy(&content)) {
                return Ok(Some(name));
            }
            if self.first_only {
                return Ok(None);
            }
        }
        Ok(None)
    }
}

/// `test:`, alone or among others; no recipe, comment or variable.
fn is_test_target(line: &str) -> bool {
    if line.starts_with(['\t', ' ', '#']) {
        return false;
    }
    let Some((targets, rest)) = line.split_once(':') else { return false };
    !rest.trim_start_matches(':').starts_with('=') && targets.split_whitespace().any(|target| target == "test")
}

/// `scripts.test`, unless it is what `npm init` writes.
fn has_test_script(text: &str) -> bool {
    let package: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    package["scripts"]["test"]
        .as_str()
        .is_some_and(|script| !script.contains("no test specified") && !script.is_empty())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn found(files: &[(&str, &str)]) -> Option<(&'static str, &'static str)> {
        let before = |name: &str| {
            let file = files.iter().find(|(path, _)| *path == name);
            Ok::<_, Infallible>(file.map(|(_, text)| text.as_bytes().to_vec()))
        };
        RUNNERS.iter().find_map(|runner| {
            let Ok(file) = runner.declared_by(before);
            Some((runner.command[0], file?))
        })
    }

    #[test]
    fn each_runner_is_found_by_its_files() {
        for (file, text, program) in [
            ("Makefile", "all:\n\ttrue\ncheck test: all\n\ttrue\n", "make"),
            ("package.json", r#"{"scripts": {"test": "jest"}}"#, "npm"),
            ("pytest.ini", "", "pytest"),
            ("pyproject.toml", "[tool.pytest.ini_options]\n", "pytest"),
            ("tests/conftest.py", "", "pytest"),
            ("Cargo.toml", "", "cargo"),
            ("go.mod", "", "go"),
        ] {
            assert_eq!(found(&[(file, text)]), Some((program, file)), "{file}");
        }
    }

    #[test]
    fn what_declares_no_tests_is_no_runner() {
        for (file, text) in [
            ("Makefile", "all:\n\ttest: x\n.PHONY: test\ntest := 1\ntest ::= 2\n# test:\nlatest: x\n"),
            ("package.json", r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#),
            ("package.json", "{broken"),
            ("pyproject.toml", "[project]\n"),
            ("README.md", "pytest"),
        ] {
            assert_eq!(found(&[(file, text)]), None, "{file}: {text}");
        }
    }

    #[test]
    fn a_makefile_comes_before_what_it_wraps_and_only_the_one_that_make_reads_counts() {
        assert_eq!(found(&[("Makefile", "test:\n"), ("Cargo.toml", "")]), Some(("make", "Makefile")));
        assert_eq!(found(&[("GNUmakefile", "all:\n"), ("Makefile", "test:\n")]), None);
    }

    #[test]
    fn a_command_is_defined_by_its_tools_files_and_the_scripts_that_it_names() {
        let command = TestCommand::given(&["./run.sh".into(), "tests/all.py".into(), "/abs".into()], None);
        assert_eq!(command.defined_by(), [Path::new("run.sh"), Path::new("tests/all.py")]);
        let make = TestCommand::given(&["/usr/bin/make".into(), "check".into()], None);
        assert!(make.defined_by().contains(&PathBuf::from("Makefile")));
    }
}
