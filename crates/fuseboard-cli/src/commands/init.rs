//! `init`: writes a commented `fuseboard.toml` and trusts what it wrote.

use std::io;
use std::path::Path;

use fuseboard_pipeline::config::find::{FILE_NAME, Surroundings, candidates};
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::sys::{create_file, replace_file};
use fuseboard_pipeline::trust::{RepositoryKey, Trust};
use serde_json::json;

use crate::Failed;
use crate::args::{Format, InitArgs, Template};
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::Settings;
use crate::show;

const AGENT: &str = include_str!("../templates/agent.toml");
const MINIMAL: &str = include_str!("../templates/minimal.toml");
const CI: &str = include_str!("../templates/ci.toml");

pub(crate) fn init(settings: &Settings, args: &InitArgs, flag: Option<&Path>) -> Result<ExitCode, Failed> {
    if settings.is_in_mission() {
        let message = "refused inside a mission: a configuration is written and trusted by its operator, at a terminal";
        return Err(Failed::new(ExitCode::Blocked, message));
    }
    let surroundings = settings.home().surroundings();
    let root = Repository::containing(&surroundings.folder).map(|repository| repository.root().to_owned());
    let folder = root.unwrap_or_else(|| surroundings.folder.clone());
    let path = flag.map_or_else(|| folder.join(FILE_NAME), |flag| surroundings.folder.join(flag));
    let text = text(args.template, &folder);
    write(&path, text.as_bytes(), args.force).map_err(|error| refusal(&path, &error))?;
    let trust = Trust::in_state_folder(&home::state_folder());
    trust.accept(&RepositoryKey::of(&path), text.as_bytes()).map_err(|error| {
        let message = format!("{} is written, but not trusted: {error}", path.display());
        Failed::new(ExitCode::NoStore, message)
    })?;
    if settings.format == Format::Json {
        let answer = json!({"schema": "fuseboard.init/1", "file": path.to_string_lossy(), "trusted": true});
        settings.console.data(&show::json_line(&answer));
    }
    for line in what_next(args.template, &path, flag, &surroundings) {
        settings.console.note(line);
    }
    Ok(ExitCode::Done)
}

// --- The text ---------------------------------------------------------------------------------------------

/// How projects of one kind are checked, known by a file in their folder; the codes mean "not as it should be".
struct Checks {
    file: &'static str,
    lint: &'static str,
    tests: &'static str,
    block_codes: &'static str,
}

/// The first that fits. Without any the template's own commands (`make`) stay.
const CHECKS: [Checks; 4] = [
    Checks {
        file: "Cargo.toml",
        lint: r#"["cargo", "clippy", "--all-targets", "--", "-D", "warnings"]"#,
        tests: r#"["cargo", "test"]"#,
        block_codes: "[101]",
    },
    Checks { file: "package.json", lint: r#"["npm", "run", "lint"]"#, tests: r#"["npm", "test"]"#, block_codes: "[1]" },
    Checks { file: "pyproject.toml", lint: r#"["ruff", "check"]"#, tests: r#"["pytest", "-q"]"#, block_codes: "[1]" },
    Checks {
        file: "go.mod",
        lint: r#"["go", "vet", "./..."]"#,
        tests: r#"["go", "test", "./..."]"#,
        block_codes: "[1]",
    },
];

/// The template; that for CI has the commands of the project in this folder.
fn text(template: Template, folder: &Path) -> String {
    let text = match template {
        Template::Agent => return AGENT.to_owned(),
        Template::Minimal => return MINIMAL.to_owned(),
        Template::Ci => CI,
    };
    let checks = CHECKS.iter().filter(|_| !folder.join("Makefile").exists());
    match checks.into_iter().find(|checks| folder.join(checks.file).exists()) {
        Some(Checks { lint, tests, block_codes, .. }) => text
            .replace(r#"["make", "lint"]"#, lint)
            .replace(r#"["make", "test"]"#, tests)
            .replace("block_codes = [1, 2]", &format!("block_codes = {block_codes}")),
        None => text.to_owned(),
    }
}

// --- The file ---------------------------------------------------------------------------------------------

/// Writes the file whole or not at all. By force it takes the place of what is there; a link is replaced, not
/// followed.
fn write(path: &Path, content: &[u8], force: bool) -> io::Result<()> {
    if force { replace_file(path, content) } else { create_file(path, content) }
}

fn refusal(path: &Path, error: &io::Error) -> Failed {
    let path = path.display();
    Failed::new(
        ExitCode::Usage,
        match error.kind() {
            io::ErrorKind::AlreadyExists => format!("{path} is there already; --force writes over it"),
            _ => format!("{path} cannot be written: {error}"),
        },
    )
}

// --- What next --------------------------------------------------------------------------------------------

fn what_next(template: Template, path: &Path, flag: Option<&Path>, surroundings: &Surroundings) -> Vec<String> {
    let mut lines = vec![format!("wrote {}; it is trusted as it is now", path.display())];
    let counts = candidates(flag, surroundings).into_iter().next().map(|found| found.path);
    if let Some(other) = counts.filter(|counts| !is_same(counts, path)) {
        lines.push(format!("but here {} counts, not the new file", other.display()));
    }
    lines.push("next: read it; after every change: fuseboard validate, then fuseboard trust".to_owned());
    lines.push(
        match template {
            Template::Agent => "then: fuseboard mission -- claude -p \"…\", or whatever starts your agent",
            Template::Minimal => "then: fuseboard exec NAME -- COMMAND",
            Template::Ci => "then: fuseboard after --exit-code 0; on a machine that has not trusted the file: --trust",
        }
        .to_owned(),
    );
    lines
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use fuseboard::{CircuitName, Policy};
    use fuseboard_mission::steps::BuiltInSteps;
    use fuseboard_pipeline::config::{Config, PipelineSection};
    use fuseboard_pipeline::pipeline::{Pipeline, Place};

    use super::*;

    const TEMPLATES: [Template; 3] = [Template::Agent, Template::Minimal, Template::Ci];

    fn parse(text: &str) -> Config {
        let config = Config::parse(Path::new("fuseboard.toml"), text.as_bytes());
        let config = config.unwrap_or_else(|errors| panic!("{errors}\n{text}"));
        let nowhere = Path::new("/nowhere");
        let planned =
            Pipeline::plan(&config, &Place { project: "app", folder: nowhere, config_folder: nowhere }, &BuiltInSteps);
        if let Err(errors) = planned {
            panic!("{errors}\n{text}");
        }
        config
    }

    fn plain(template: Template) -> String {
        text(template, Path::new("/nowhere"))
    }

    /// The setting, or heading, that a comment holds.
    fn commented(line: &str) -> Option<&str> {
        let rest = line.strip_prefix("# ")?;
        let key = rest.split_once(" = ").map(|(key, _)| key);
        let is_key = key.is_some_and(|key| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        let is_heading = rest.starts_with('[') && rest.ends_with(']');
        (is_key || is_heading).then_some(rest)
    }

    fn all_uncommented(template: Template) -> String {
        plain(template).lines().map(|line| commented(line).unwrap_or(line)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_commented_setting_is_a_real_one_alone_and_with_all_others() {
        for template in TEMPLATES {
            parse(&all_uncommented(template));
            let text = plain(template);
            let lines: Vec<&str> = text.lines().collect();
            let mut heading = "";
            let mut tried = 0;
            for (at, line) in lines.iter().enumerate() {
                let Some(setting) = commented(line) else {
                    heading = if line.starts_with('[') { line } else { heading };
                    continue;
                };
                if setting.starts_with('[') {
                    heading = "";
                } else if !heading.is_empty() {
                    let mut one = lines.clone();
                    one[at] = setting;
                    parse(&one.join("\n"));
                    tried += 1;
                }
            }
            assert!(tried >= 2, "{template:?}: {tried} settings");
        }
    }

    #[test]
    fn what_is_commented_out_as_a_default_is_the_default() {
        for template in TEMPLATES {
            let without_examples: Vec<String> = plain(template)
                .lines()
                .map(|line| match commented(line) {
                    Some(setting) if !line.contains("for example") => setting.to_owned(),
                    _ => line.to_owned(),
                })
                .take_while(|line| !line.starts_with("[[step]]") && !line.contains("for example."))
                .collect();
            let config = parse(&without_examples.join("\n"));
            let name = CircuitName::new("any").unwrap();
            assert_eq!(config.circuit(None, &name).policy, Policy::default(), "{template:?}");
            assert_eq!(config.pipeline, PipelineSection::default(), "{template:?}");
            let agent = |config: &Config| config.agent_circuit("app").policy;
            assert_eq!(agent(&config), agent(&Config::default()), "{template:?}");
        }
    }

    #[test]
    fn the_agents_template_starts_with_what_changes_nothing() {
        let config = parse(&plain(Template::Agent));
        let on: Vec<&str> = config.steps.iter().filter(|step| step.enabled).map(|step| step.name.as_str()).collect();
        let recorders = ["usage", "quota", "budget", "session", "activity", "journal", "day", "alert", "bandit"];
        let gates = ["diff-scan", "tests", "verify", "security"];
        assert_eq!(on, [&recorders[..], &gates, &["notify"]].concat());
        let merge = config.steps.iter().find(|step| step.name.as_str() == "merge").unwrap();
        assert!(!merge.enabled);
        let minutes = |name: &str| {
            let step = config.steps.iter().find(|step| step.name.as_str() == name).unwrap();
            config.step_circuit("app", step).timeout.unwrap().as_secs() / 60
        };
        assert_eq!((minutes("tests"), config.pipeline.deadline.as_secs() / 60), (15, 30));
    }

    #[test]
    fn the_template_for_ci_has_the_commands_of_the_project() {
        let folder = tempfile::tempdir().unwrap();
        for Checks { file, lint, tests, block_codes } in &CHECKS {
            fs::write(folder.path().join(file), "").unwrap();
            let text = text(Template::Ci, folder.path());
            parse(&text);
            for part in [lint, tests, block_codes] {
                assert!(text.contains(part), "{file}: {part} is missing");
            }
            assert!(!text.contains("[\"make\", \"lint\"]"), "{file}");
            fs::remove_file(folder.path().join(file)).unwrap();
        }
        fs::write(folder.path().join("go.mod"), "").unwrap();
        fs::write(folder.path().join("Makefile"), "").unwrap();
        assert_eq!(text(Template::Ci, folder.path()), CI, "a Makefile goes before all");
    }
}
