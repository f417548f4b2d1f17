//! `validate`: everything that is wrong with the configuration that counts, at once. It need not be trusted to be
//! checked; whether it is, is told.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fuseboard_mission::steps::BuiltInSteps;
use fuseboard_pipeline::config::find::{Found, candidates};
use fuseboard_pipeline::config::load::{LoadError, REMEDY, Request, load};
use fuseboard_pipeline::config::{Config, ConfigError, ConfigErrors, MAX_ERRORS, MAX_FILE, StepKind};
use fuseboard_pipeline::duration;
use fuseboard_pipeline::pipeline::{Pipeline, Place};
use fuseboard_pipeline::process::plain_text;
use fuseboard_pipeline::trust::{RepositoryKey, Trust, TrustVerdict};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::args::Format;
use crate::console::{BAD, FAINT, GOOD, MIDDLING, STRONG, styled};
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::Settings;
use crate::show;

/// Widest piece of a line that is shown before the offending text, and of that text with what follows it, in
/// characters.
const BEFORE: usize = 60;
const FROM_THERE: usize = 100;

pub(crate) fn validate(settings: &Settings, flag: Option<&Path>) -> ExitCode {
    let surroundings = settings.home().surroundings();
    let trust = Trust::in_state_folder(&home::state_folder());
    let Some(found) = candidates(flag, &surroundings).into_iter().next() else {
        return nothing_to_check(settings);
    };
    let loaded = load(Request { flag, surroundings: &surroundings, trust: &trust, accept: true });
    let checked = loaded
        .map_err(|error| with_options(&found.path, error))
        .and_then(|loaded| check_steps(settings, loaded.config, found.needs_trust));
    let trusted = is_trusted(&found, &trust);
    let problems = match &checked {
        Ok(_) => Vec::new(),
        Err(LoadError::Invalid { errors, .. }) => errors.errors().iter().map(error_json).collect(),
        Err(error @ (LoadError::Unreadable { .. } | LoadError::Untrusted { .. })) => vec![file_error_json(error)],
    };
    let code = if problems.is_empty() { ExitCode::Done } else { ExitCode::Found };
    if settings.format == Format::Json {
        let file = found.path.to_string_lossy();
        let answer = json!({"schema": "fuseboard.validate/1", "file": file, "trusted": trusted, "errors": problems});
        settings.console.data(&show::json_line(&answer));
        return code;
    }
    let shown = match &checked {
        Ok(config) => summary(&found.path, config),
        Err(LoadError::Invalid { errors, .. }) => shown(errors),
        Err(error) => styled(BAD, &error.to_string()),
    };
    // Of a file that is wrong it matters only if it counts in no case.
    let trust = (checked.is_ok() || !trusted && found.path.exists()).then(|| trust_line(trusted));
    let money = checked.as_ref().is_ok_and(limits_nothing).then(|| styled(MIDDLING, LIMITS_NOTHING));
    let lines: Vec<String> = [Some(shown), money, trust].into_iter().flatten().collect();
    settings.console.data(&lines.join("\n"));
    code
}

/// What is said of a limit that nobody measures.
const LIMITS_NOTHING: &str =
    "max_cost_per_day limits nothing: no step that is switched on says `uses = \"usage\"`, so no cost is known";

fn limits_nothing(config: &Config) -> bool {
    config.mission.max_cost_per_day.is_some() && !config.uses("usage")
}

fn nothing_to_check(settings: &Settings) -> ExitCode {
    match settings.format {
        Format::Json => {
            let answer = json!({"schema": "fuseboard.validate/1", "file": null, "trusted": null, "errors": []});
            settings.console.data(&show::json_line(&answer));
        }
        Format::Text => settings
            .console
            .data("there is no fuseboard.toml here: everything has its default; `fuseboard init` writes one"),
    }
    ExitCode::Done
}

/// What is wrong with a file, and with the options of its built-in steps that are whole otherwise.
fn with_options(file: &Path, error: LoadError) -> LoadError {
    let LoadError::Invalid { errors, of_repository } = error else { return error };
    let steps = Config::whole_steps(file, errors.text());
    let errors = match Pipeline::option_errors(&steps, &BuiltInSteps) {
        Some(more) => errors.and(more),
        None => errors,
    };
    LoadError::Invalid { errors, of_repository }
}

/// The configuration, unless its built-in steps refuse the options that it gives them.
fn check_steps(settings: &Settings, config: Config, of_repository: bool) -> Result<Config, LoadError> {
    // Options do not depend on the project, and to find out its name would write that down.
    let folder = &settings.home().surroundings().folder;
    let planned = Pipeline::plan(&config, &Place { project: "any", folder, config_folder: folder }, &BuiltInSteps);
    planned.map_err(|errors| LoadError::Invalid { errors, of_repository })?;
    Ok(config)
}

/// Whether the file counts as it is now.
fn is_trusted(found: &Found, trust: &Trust) -> bool {
    if !found.needs_trust {
        return true;
    }
    // It could be read a moment ago, so it is a plain file.
    let mut content = Vec::new();
    let read = File::open(&found.path).and_then(|file| file.take(MAX_FILE as u64 + 1).read_to_end(&mut content));
    read.is_ok() && matches!(trust.verdict(&RepositoryKey::of(&found.path), &content), TrustVerdict::Trusted)
}

fn trust_line(trusted: bool) -> String {
    if trusted {
        styled(FAINT, "trusted as it is now")
    } else {
        styled(MIDDLING, &format!("not trusted as it is now, so it does not count; read it, then run `{REMEDY}`"))
    }
}

// --- What is well -----------------------------------------------------------------------------------------

fn summary(path: &Path, config: &Config) -> String {
    let gates = config.steps.iter().filter(|step| step.kind == StepKind::Gate).count();
    let counted = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let (steps, gates) = (counted(config.steps.len(), "step"), counted(gates, "gate"));
    let deadline = duration::format(config.pipeline.deadline);
    let path = styled(STRONG, &path.to_string_lossy());
    format!("{path}: {steps}, {gates}, deadline {deadline}, {}", styled(GOOD, "OK"))
}

// --- What is wrong ----------------------------------------------------------------------------------------

/// Every error with its place in the file, and how many there are.
fn shown(errors: &ConfigErrors) -> String {
    let all = errors.errors();
    let gutter = all.iter().map(|error| error.line.to_string().len()).max().unwrap_or_default();
    let mut blocks: Vec<String> = all.iter().map(|error| block(error, errors.text(), gutter)).collect();
    let count = match all.len() {
        1 => "1 error".to_owned(),
        count if count < MAX_ERRORS => format!("{count} errors"),
        _ => format!("the first {MAX_ERRORS} errors"),
    };
    blocks.push(styled(BAD, &count));
    blocks.join("\n")
}

/// An error, its line of the file, and a caret under each character of the offending text.
fn block(error: &ConfigError, text: &str, gutter: usize) -> String {
    let Snippet { before, offending, after } = Snippet::of(error, text);
    let place = format!("{}:{}:{}:", error.file.display(), error.line, error.column);
    let carets = "^".repeat(offending.width().max(1));
    let indent = " ".repeat(before.width());
    let bar = styled(FAINT, &format!("{:gutter$} |", ""));
    let number = styled(FAINT, &format!("{:gutter$} |", error.line));
    let help = error.help.as_ref().map(|help| format!("\n{bar} help: {}", plain_text(&help.to_string())));
    format!(
        "{} {}\n{bar}\n{number} {before}{}{after}\n{bar} {indent}{}{}\n",
        styled(STRONG, &place),
        styled(BAD, &error.message),
        styled(BAD, &offending),
        styled(BAD, &carets),
        help.unwrap_or_default(),
    )
}

/// A line of the file around the offending text, plain and bounded.
struct Snippet {
    before: String,
    offending: String,
    after: String,
}

impl Snippet {
    fn of(error: &ConfigError, text: &str) -> Self {
        let at = text.floor_char_boundary(error.span.start);
        let to = text.floor_char_boundary(error.span.end).max(at);
        let (head, tail) = text.split_at(at);
        let before = head.rsplit('\n').next().unwrap_or_default();
        let rest = tail.split('\n').next().unwrap_or_default();
        let (offending, after) = rest.split_at(rest.len().min(to - at));
        let before = match before.chars().count().checked_sub(BEFORE) {
            None | Some(0) => plain_text(before),
            Some(surplus) => format!("…{}", plain_text(&before.chars().skip(surplus).collect::<String>())),
        };
        let offending = cut(offending, FROM_THERE);
        let after = cut(after, FROM_THERE.saturating_sub(offending.chars().count()));
        Self { before, offending, after }
    }
}

/// The beginning of a text, plain; dots stand for what is cut off.
fn cut(text: &str, most: usize) -> String {
    let plain = plain_text(text);
    if plain.chars().count() <= most { plain } else { plain.chars().take(most).chain(['…']).collect() }
}

fn error_json(error: &ConfigError) -> Value {
    json!({
        "line": error.line,
        "column": error.column,
        "message": error.message,
        "help": error.help.as_ref().map(ToString::to_string),
        "text": error.text,
    })
}

/// What is wrong with the file as such has no place in it.
fn file_error_json(error: &LoadError) -> Value {
    json!({"line": null, "column": null, "message": error.to_string(), "help": null, "text": null})
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three lines under the heading of the first error of this file.
    fn snippet(file: &str) -> Vec<String> {
        let errors = Config::parse(Path::new("fuseboard.toml"), file.as_bytes()).unwrap_err();
        let shown = shown(&errors);
        shown.lines().skip(1).take(3).map(plain_text).collect()
    }

    #[test]
    fn carets_stand_under_the_offending_text_and_nothing_else() {
        assert_eq!(snippet("[pipeline]\n  jbos = 4\n"), ["  |", "2 |   jbos = 4", "  |   ^^^^"]);
        assert_eq!(snippet("[pipeline]\n\tjbos = 4\r\n"), ["  |", "2 |  jbos = 4", "  |  ^^^^"], "tabs and CRLF");
    }

    #[test]
    fn wide_characters_push_the_carets_along() {
        let lines = snippet("[[step]]\nname = \"a\"\nkind = \"recorder\"\nrun = [\"世界\", 4]\n");
        assert_eq!(lines[1..], ["4 | run = [\"世界\", 4]", "  |                ^"]);
    }

    #[test]
    fn a_long_line_is_shown_around_the_error() {
        let long = format!("[store]\ngroup = \"{}\"  junk = \"{}\"\n", "a".repeat(500), "b".repeat(500));
        let lines = snippet(&long);
        assert!(lines[1].starts_with("2 | …") && lines[1].ends_with('…'), "{lines:?}");
        assert!(lines.iter().all(|line| line.chars().count() < 180), "{lines:?}");
    }
}
