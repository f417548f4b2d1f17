//! Files by which linters are told what to find: work that changes them has changed the rules it is judged by.

use std::path::{Path, PathBuf};

use crate::git::Diff;
use crate::pattern;

/// A linter, by the names of its program, and the patterns of its files, which count in any folder.
struct Linter {
    programs: &'static [&'static str],
    files: &'static [&'static str],
}

/// Sources: what each program's documentation says of its configuration files.
const LINTERS: [Linter; 18] = [
    Linter { programs: &["ruff"], files: &["ruff.toml", ".ruff.toml", "pyproject.toml"] },
    Linter { programs: &["flake8"], files: &[".flake8", "setup.cfg", "tox.ini"] },
    Linter { programs: &["pylint"], files: &["pylintrc*", ".pylintrc*", "pyproject.toml", "setup.cfg", "tox.ini"] },
    Linter { programs: &["mypy"], files: &["mypy.ini", ".mypy.ini", "pyproject.toml", "setup.cfg"] },
    Linter { programs: &["black", "isort"], files: &["pyproject.toml", ".isort.cfg", "setup.cfg", "tox.ini"] },
    Linter { programs: &["eslint"], files: &[".eslintrc*", "eslint.config.*", ".eslintignore", "package.json"] },
    Linter { programs: &["biome"], files: &["biome.json*", ".biome.json*"] },
    Linter {
        programs: &["prettier"],
        files: &[".prettierrc*", "prettier.config.*", ".prettierignore", ".editorconfig", "package.json"],
    },
    Linter { programs: &["stylelint"], files: &[".stylelintrc*", "stylelint.config.*", "package.json"] },
    Linter { programs: &["golangci-lint"], files: &[".golangci.*"] },
    Linter {
        programs: &["clippy", "cargo-clippy", "clippy-driver"],
        files: &["clippy.toml", ".clippy.toml", "Cargo.toml"],
    },
    Linter { programs: &["rustfmt", "fmt", "cargo-fmt"], files: &["rustfmt.toml", ".rustfmt.toml"] },
    Linter { programs: &["rubocop"], files: &[".rubocop*.yml"] },
    Linter { programs: &["shellcheck"], files: &[".shellcheckrc", "shellcheckrc"] },
    Linter { programs: &["shfmt"], files: &[".editorconfig"] },
    Linter { programs: &["hadolint"], files: &[".hadolint.y*ml"] },
    Linter { programs: &["yamllint"], files: &[".yamllint*"] },
    Linter { programs: &["markdownlint", "markdownlint-cli2"], files: &[".markdownlint*"] },
];

/// The files of this diff that tell the linter of this command what to find. If no word of it is a linter that is
/// known, what is started may start any of them.
pub(super) fn changed_by<'d>(diff: &'d Diff, command: &[String]) -> Vec<&'d PathBuf> {
    let words =
        || command.iter().flat_map(|word| word.split_whitespace()).filter_map(|word| Path::new(word).file_name());
    let is_named = |linter: &&Linter| words().any(|word| linter.programs.iter().any(|program| word == *program));
    let named: Vec<&Linter> = LINTERS.iter().filter(is_named).collect();
    let counting = if named.is_empty() { LINTERS.iter().collect() } else { named };
    let is_rule = |path: &Path| {
        let mut patterns = counting.iter().flat_map(|linter| linter.files);
        patterns.any(|pattern| pattern::fits_path(pattern, path))
    };
    diff.files.iter().map(|file| &file.path).filter(|path| is_rule(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{FileDiff, FileStatus};

    fn changed(command: &[&str], path: &str) -> bool {
        let file = FileDiff {
            path: path.into(),
            status: FileStatus::Added,
            regular: true,
            added: Vec::new(),
            removed: 0,
            binary: false,
        };
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        !changed_by(&Diff { files: vec![file] }, &command).is_empty()
    }

    #[test]
    fn a_linter_is_known_however_it_is_started() {
        for command in [
            &["ruff", "check", "{files}"][..],
            &["/usr/bin/ruff", "check"],
            &["python3", "-m", "ruff"],
            &["sh", "-c", "exec .venv/bin/ruff check \"$@\"", "sh", "{files}"],
        ] {
            assert!(changed(command, "deep/ruff.toml") && changed(command, "pyproject.toml"), "{command:?}");
            assert!(!changed(command, ".eslintrc.json") && !changed(command, "src/ruff.py"), "{command:?}");
        }
    }

    #[test]
    fn what_wraps_a_linter_may_wrap_any() {
        for path in ["ruff.toml", ".eslintrc", "a/.golangci.yaml", "clippy.toml", ".rubocop_todo.yml"] {
            assert!(changed(&["make", "lint"], path), "{path}");
        }
        assert!(!changed(&["make", "lint"], "src/lint.py"));
    }
}
