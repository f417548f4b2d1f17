//! The command line: every command, option, default and example, as `--help` shows them.

#![expect(clippy::doc_markdown, reason = "these comments are help texts, shown as they stand")]

mod act;
mod job;
mod look;
mod set_up;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fuseboard::TripRule;
use fuseboard_pipeline::config::{self, CircuitKeys, Limit, PolicyKeys};
use fuseboard_pipeline::exit_codes::ExitCodes;

use crate::exit_code;

pub(crate) use act::{ResetArgs, SwitchArgs, SwitchTo};
pub(crate) use job::{AfterArgs, JobArgs, MissionArgs};
pub(crate) use look::{BriefArgs, HistoryArgs, PickArgs, RunsArgs, StatusArgs, UsageArgs, UsageBy};
pub(crate) use set_up::{CompletionsArgs, InitArgs, ManArgs, StateArgs, StateTo, Template};

/// Named, durable circuit breakers for side-work: what is broken is skipped until it works again.
#[derive(Debug, Parser)]
#[command(name = "fuseboard", version, about, disable_help_subcommand = true, after_help = exit_code::TABLE, max_term_width = 110)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The same command line, cut down to `exec`: most calls are that, and building the other commands' trees
/// costs more than the rest of a call.
#[derive(Debug, Parser)]
#[command(name = "fuseboard", bin_name = "fuseboard", version, disable_help_subcommand = true, after_help = exit_code::TABLE, max_term_width = 110)]
pub(crate) struct ExecCli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: ExecCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ExecCommand {
    /// Guard one command: exit code and output pass through untouched
    Exec(Box<ExecArgs>),
}

/// What heads the options of every command in its help.
const GLOBAL: &str = "Global options";

#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// Work as if started in this folder
    #[arg(short = 'C', value_name = "DIR", global = true, help_heading = GLOBAL)]
    pub(crate) directory: Option<PathBuf>,
    /// The configuration to use [env: FUSEBOARD_CONFIG]
    #[arg(long, value_name = "FILE", global = true, help_heading = GLOBAL)]
    pub(crate) config: Option<PathBuf>,
    /// Where circuits live, e.g. sqlite:/path/state.db [env: FUSEBOARD_STORE]
    #[arg(long, value_name = "URL", global = true, help_heading = GLOBAL)]
    pub(crate) store: Option<String>,
    /// How data is printed
    #[arg(long, value_enum, default_value_t, global = true, help_heading = GLOBAL)]
    pub(crate) format: Format,
    /// Say nothing that is not an error
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Say more
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) verbose: bool,
    /// Colours: on a terminal, always or never [env: NO_COLOR]
    #[arg(long, value_enum, default_value_t, value_name = "WHEN", global = true, help_heading = GLOBAL)]
    pub(crate) color: Color,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Guard one command: exit code and output pass through untouched
    Exec(Box<ExecArgs>),
    /// May it run? Exit 0: yes (closed, or a probe is due); 75: no
    #[command(after_help = "Example:\n  if fuseboard allowed notify; then ./notify.sh; fi")]
    Allowed(NameArg),
    /// Feed an outcome that was seen elsewhere
    #[command(
        after_help = "Example:\n  ./notify.sh && fuseboard record notify success || fuseboard record notify failure"
    )]
    Record(RecordArgs),
    /// Every circuit: state, since when, failures, next probe, skips, last error, switch
    #[command(
        after_help = "Examples:\n  fuseboard status\n  fuseboard status notify\n  fuseboard status --open-only --fail-if-open"
    )]
    Status(StatusArgs),
    /// Why a circuit is in its state, what happens next, what to type
    Explain(NameArg),
    /// What happened: openings, probes, closings, operators' acts; oldest first
    #[command(after_help = "Examples:\n  fuseboard history notify\n  fuseboard history --outcomes --format json")]
    History(HistoryArgs),
    /// Take the decision from a circuit: off never runs, on always runs, auto gives it back
    #[command(
        after_help = "Examples:\n  fuseboard switch notify off --reason \"chat is being moved\" --for 2h\n  fuseboard switch notify auto"
    )]
    Switch(SwitchArgs),
    /// Make an open circuit due: the next call is a probe. Forgives nothing
    Probe(NameArg),
    /// Close circuits and forgive their failures
    #[command(after_help = "Examples:\n  fuseboard reset notify\n  fuseboard reset --all")]
    Reset(ResetArgs),
    /// Run an agent's command, judge its result, then do the work after it
    #[command(after_help = "\
Examples:
  fuseboard mission --title \"mend the parser\" -- claude -p --output-format json \"mend the parser\"
  fuseboard mission --dry-run -- ./agent.sh")]
    Mission(Box<MissionArgs>),
    /// Do the work after a job that has already ended
    #[command(after_help = "\
Examples:
  fuseboard after --exit-code $? --stdout build.log
  fuseboard after --job job.json --format json")]
    After(Box<AfterArgs>),
    /// Accept the content of the repository's fuseboard.toml
    Trust,
    /// Past runs of the pipeline, or all about one: its steps, and with -v what they printed
    #[command(
        after_help = "Examples:\n  fuseboard runs\n  fuseboard runs 0198c2d1 -v\n  fuseboard runs --limit 100 --format json"
    )]
    Runs(RunsArgs),
    /// Tokens and money, by model, day or project
    #[command(
        after_help = "Examples:\n  fuseboard usage\n  fuseboard usage --by day --days 7\n  fuseboard usage --by project --format json"
    )]
    Usage(UsageArgs),
    /// The morning page: missions, circuits that are out, money, what needs a person. Exit 1 if anything does
    #[command(after_help = "Examples:\n  fuseboard brief\n  fuseboard brief --since 24h --format json")]
    Brief(BriefArgs),
    /// Draw the next project, agent or mode: the better it did so far, the more often. The step `bandit` learns
    ///
    /// Prints its name. For each arm a sample of Beta(alpha, beta) is drawn, and the highest wins. With -v the samples
    /// are shown, too.
    #[command(
        after_help = "Examples:\n  fuseboard pick parser lexer docs\n  fuseboard pick --set agent -v\n  fuseboard mission --mode \"$(fuseboard pick --set mode careful quick)\" -- ./agent.sh"
    )]
    Pick(PickArgs),
    /// Check fuseboard.toml: everything that is wrong with it, at once. Exit 1 if something is
    #[command(after_help = "Examples:\n  fuseboard validate\n  fuseboard validate --config draft.toml --format json")]
    Validate,
    /// Break each gate in every way, and show that what waits for it stays blocked. Exit 1 if anything leaks
    ///
    /// No action and no recorder is run. For the fault "missing tool" each gate's own command is run, with nothing but
    /// shells on its PATH. The configuration must be trusted.
    #[command(after_help = "Examples:\n  fuseboard drill\n  fuseboard drill --format json | jq .leaks")]
    Drill,
    /// Write a commented fuseboard.toml into the repository's root, and trust it
    #[command(after_help = "Examples:\n  fuseboard init\n  fuseboard init ci")]
    Init(InitArgs),
    /// Carry circuits to another machine, such as the next CI runner: of each the newer one stands
    #[command(
        after_help = "Examples:\n  fuseboard state export circuits.json\n  fuseboard state import circuits.json\n  fuseboard state export - | ssh other fuseboard state import -"
    )]
    State(StateArgs),
    /// Print the completions for a shell
    #[command(
        after_help = "Example:\n  fuseboard completions bash > ~/.local/share/bash-completion/completions/fuseboard"
    )]
    Completions(CompletionsArgs),
    /// Write the manual's pages into a folder
    #[command(after_help = "Example:\n  fuseboard man ~/.local/share/man/man1")]
    Man(ManArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fuseboard exec notify -- ./notify.sh \"build 1 ok\"
  fuseboard exec lint --timeout 2m --success-codes 0,1 -- cargo clippy
  n=$(fuseboard exec count --default 0 -- ./count-rows.sh)
  fuseboard exec review --gate --block-codes 1 -- ./review.sh && git push")]
pub(crate) struct ExecArgs {
    /// The circuit
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) limits: Limits,
    /// Printed on standard output in place of what was not made; implies --best-effort
    #[arg(long, value_name = "TEXT", conflicts_with = "gate", allow_hyphen_values = true)]
    pub(crate) default: Option<String>,
    /// Exit 0 whatever becomes of the command
    #[arg(long, conflicts_with = "gate")]
    pub(crate) best_effort: bool,
    /// Exit 0 when skipped; a failure keeps its code
    #[arg(long, conflicts_with = "gate")]
    pub(crate) skip_ok: bool,
    /// Codes that mean the work was done [default: 0]
    #[arg(long, value_name = "CODES")]
    pub(crate) success_codes: Option<ExitCodes>,
    /// Codes that tell nothing
    #[arg(long, value_name = "CODES")]
    pub(crate) ignore_codes: Option<ExitCodes>,
    /// With --gate: codes by which the command says "block" [default: 1]
    #[arg(long, value_name = "CODES")]
    pub(crate) block_codes: Option<ExitCodes>,
    /// The command judges: 0 passes, a block code is passed on, anything else and every skip is 77
    #[arg(long)]
    pub(crate) gate: bool,
    /// Write what happened to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) result: Option<PathBuf>,
    /// Whose circuit it is
    #[arg(long, value_enum)]
    pub(crate) scope: Option<Scope>,
    /// The command and its arguments; no shell
    #[arg(last = true, required = true, value_name = "CMD")]
    pub(crate) command: Vec<OsString>,
}

impl ExecArgs {
    /// What the command line says of the circuit and of how the work is run.
    pub(crate) fn keys(&self) -> CircuitKeys {
        let scope = self.scope.map(|scope| match scope {
            Scope::Host => config::Scope::Host,
            Scope::Project => config::Scope::Project,
            Scope::Fleet => config::Scope::Fleet,
        });
        let policy = PolicyKeys {
            trip: self.limits.trip_after.map(TripRule::TripAfter),
            cool_down: self.limits.cool_down,
            ..PolicyKeys::default()
        };
        CircuitKeys {
            policy,
            scope,
            timeout: self.limits.timeout,
            kill_after: self.limits.kill_after,
            success_codes: self.success_codes.clone(),
            ignore_codes: self.ignore_codes.clone(),
            block_codes: self.block_codes.clone(),
            skip_ok: self.skip_ok.then_some(true),
            best_effort: (self.best_effort || self.default.is_some()).then_some(true),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Limits {
    /// End the command after this time [default: none]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Time between SIGTERM and SIGKILL [default: 5s]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) kill_after: Option<Duration>,
    /// Failures in a row that open the circuit [default: 2]
    #[arg(long, value_name = "N")]
    pub(crate) trip_after: Option<u32>,
    /// How long it stays open the first time, or "never" [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = cool_down)]
    pub(crate) cool_down: Option<Limit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// All projects of this user on this host share it (the default)
    Host,
    /// Each project has its own
    Project,
    /// All hosts share it; needs a fleet store, which this version does not have yet
    Fleet,
}

#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// The circuit
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// The circuit
    pub(crate) name: String,
    /// What the work came to
    #[arg(value_enum)]
    pub(crate) outcome: RecordedOutcome,
    /// The error's text
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordedOutcome {
    Success,
    Failure,
    Ignored,
}

/// A positive duration.
fn duration(text: &str) -> Result<Duration, String> {
    match fuseboard_pipeline::duration::parse(text) {
        Ok(Duration::ZERO) => Err("must be longer than nothing".to_owned()),
        Ok(duration) => Ok(duration),
        Err(error) => Err(format!("{error}; {}", error.advice())),
    }
}

fn cool_down(text: &str) -> Result<Limit, String> {
    if text == "never" { Ok(Limit::Never) } else { duration(text).map(Limit::After) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_lines_are_sound() {
        Cli::command().debug_assert();
        ExecCli::command().debug_assert();
    }

    #[test]
    fn exec_alone_reads_like_exec_among_all_commands() {
        let line = ["fuseboard", "-q", "exec", "notify", "--timeout", "5s", "--", "true", "--gate"];
        let Command::Exec(all) = Cli::parse_from(line).command else { panic!("not exec") };
        let ExecCommand::Exec(alone) = ExecCli::parse_from(line).command;
        assert_eq!(format!("{all:?}"), format!("{alone:?}"));
        assert!(!alone.gate);
    }
}
