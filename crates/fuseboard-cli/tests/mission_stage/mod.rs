//! A repository on which missions are flown: a world whose working folder is a git repository with one commit, the
//! steps in the user's own configuration, the reports beside it.
#![allow(dead_code, reason = "each file of tests uses its own part of it")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::world::{Ran, World, finish};

pub(crate) struct Stage {
    pub(crate) world: World,
}

/// What a mission came to: how the program ended, and its report.
pub(crate) struct Flown {
    pub(crate) ran: Ran,
    pub(crate) report: Value,
}

/// A gate with these keys, and an action behind it. What stands before `---` is a section of its own.
pub(crate) fn gated(gate: &str) -> String {
    format!(
        "{}\n[[step]]\nname = 'publish'\nkind = 'action'\ngated_by = ['check']\non = 'always'\n\
         run = ['sh', '-c', 'touch ../published']\n",
        match gate.split_once("---") {
            Some((sections, gate)) => format!("{sections}\n[[step]]\nname = 'check'\nkind = 'gate'\n{gate}"),
            None => format!("[[step]]\nname = 'check'\nkind = 'gate'\n{gate}"),
        }
    )
}

impl Stage {
    /// A clean repository; the configuration holds these lines.
    pub(crate) fn new(config: &str) -> Self {
        let stage = Self { world: World::new() };
        fs::write(stage.world.path("tracked"), "one\n").expect("a file");
        stage.git("git init -q -b main; git add -A; git commit -qm first");
        stage.configure(config);
        stage
    }

    /// Makes these lines the user's configuration, which needs no trust.
    pub(crate) fn configure(&self, config: &str) {
        let folder = self.beside("config/fuseboard");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("fuseboard.toml"), config).expect("a configuration");
    }

    /// A path beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.world.path("..").join(name)
    }

    /// A file made by a step or an agent, beside the repository.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.beside(name).exists()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.beside(name)).unwrap_or_default()
    }

    /// Runs a script in the repository, with a git that knows nothing of the machine.
    pub(crate) fn git(&self, script: &str) {
        let ran = finish(self.surrounded(self.world.other("sh", &["-ec", script])));
        assert_eq!(ran.code, 0, "{script}: {}", ran.err());
    }

    /// Lets git, in whatever a command starts, know nothing of the machine.
    pub(crate) fn surrounded(&self, mut command: Command) -> Command {
        // So that a script can call us.
        let ours = self.world.command(&[""; 0]).get_program().to_owned();
        command.env("BIN", ours).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        // Else a commit may leave git's own housekeeping in the background.
        command
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", "maintenance.auto")
            .env("GIT_CONFIG_VALUE_0", "false");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "tester").env(format!("GIT_{who}_EMAIL"), "tester@example.org");
        }
        command
    }

    /// `mission` with these options, flown by a shell script.
    pub(crate) fn command(&self, options: &[&str], agent: &str) -> Command {
        self.words(&[&["mission"], options, &["--", "sh", "-c", agent]].concat())
    }

    /// Any call of ours that writes its report; the options stand behind the command's name.
    pub(crate) fn words(&self, words: &[&str]) -> Command {
        let report = self.beside("report.json");
        drop(fs::remove_file(&report));
        let report = report.to_str().expect("UTF-8").to_owned();
        self.surrounded(self.world.command(&[&words[..1], &["--report", &report], &words[1..]].concat()))
    }

    /// Flies a mission to its end.
    pub(crate) fn fly(&self, options: &[&str], agent: &str) -> Flown {
        self.flown(finish(self.command(options, agent)))
    }

    /// `after` with these options.
    pub(crate) fn after(&self, options: &[&str]) -> Flown {
        self.flown(finish(self.words(&[&["after"], options].concat())))
    }

    /// What a call came to that was made by [`Stage::words`].
    pub(crate) fn flown(&self, ran: Ran) -> Flown {
        let report = fs::read(self.beside("report.json")).unwrap_or_default();
        Flown { report: serde_json::from_slice(&report).unwrap_or(Value::Null), ran }
    }

    /// Any other call of ours.
    pub(crate) fn run(&self, words: &[&str]) -> Ran {
        finish(self.surrounded(self.world.command(words)))
    }
}

impl Flown {
    pub(crate) fn row(&self, step: &str) -> &Value {
        let rows = self.report["steps"].as_array().unwrap_or_else(|| panic!("no report: {}", self.ran.err()));
        rows.iter().find(|row| row["name"] == step).unwrap_or_else(|| panic!("no row of {step}: {}", self.report))
    }

    /// A row's field as a word; empty for null.
    pub(crate) fn word(&self, step: &str, field: &str) -> &str {
        self.row(step)[field].as_str().unwrap_or_default()
    }

    /// Status and reason of a step.
    pub(crate) fn end_of(&self, step: &str) -> (&str, &str) {
        (self.word(step, "status"), self.word(step, "reason"))
    }

    /// The code, twice: as the shell saw it and as the report says it.
    pub(crate) fn code(&self) -> i32 {
        assert_eq!(self.report["exit_code"], self.ran.code, "{} {}", self.report, self.ran.err());
        self.ran.code
    }

    /// All that can be said when a test fails.
    pub(crate) fn told(&self) -> String {
        format!("code {}\n{}\n{:#}", self.ran.code, self.ran.err(), self.report["steps"])
    }
}
