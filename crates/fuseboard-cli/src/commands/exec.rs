//! `exec`: guards one command.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use fuseboard::decision::Counted;
use fuseboard::{Call, CircuitName, Failure, FailureKind, Kept, Outcome, Refusal, RefusalReason, Settled, View};
use fuseboard_pipeline::config::{CircuitSettings, Role, Scope};
use fuseboard_pipeline::exit_codes::ExitCodes;
use fuseboard_pipeline::process::{self, Command, Deadline, Ended, How, Marker, Output};
use fuseboard_pipeline::program;
use serde_json::json;
use uuid::Uuid;

use crate::Failed;
use crate::args::ExecArgs;
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::{Settings, valid_name};
use crate::show;
use crate::untold;

/// How much of standard output `--default` holds back.
const HELD: usize = 64 * 1024 * 1024;
/// How much of standard error is kept for the last error.
const ERROR_TAIL: usize = 4 * 1024;

/// What one call of `exec` came to.
struct Done {
    /// The circuit's outcome; `None` if nothing ran.
    outcome: Option<Outcome>,
    code: ExitCode,
    duration: Option<Duration>,
    held_output: Option<Vec<u8>>,
    last_error: Option<String>,
}

pub(crate) fn exec(settings: &Settings, args: &ExecArgs) -> Result<ExitCode, Failed> {
    let role = if args.gate { Role::Gate } else { Role::Work };
    let short = valid_name(&args.name)?;
    let limits = settings.circuit(&short, args.keys(), role)?;
    let name = match limits.scope {
        Scope::Fleet => {
            return Err(Failed::new(
                ExitCode::Usage,
                "--scope fleet: this version has no fleet store yet; use host or project",
            ));
        }
        Scope::Host => short,
        Scope::Project => {
            let named = Scope::Project.name(&settings.own_project(), &short);
            named.map_err(|error| Failed::new(ExitCode::Usage, error))?
        }
    };
    let exec = Exec { settings, args, limits };
    let (done, view) = if let Some(trouble) = exec.configuration_blocks() {
        (trouble, None)
    } else if home::is_off() {
        let ended = process::run(&exec.command(), settings.interrupt(), Deadline::NEVER);
        (exec.classify(&ended), None)
    } else {
        let done = exec.guard(&name)?;
        let view = args.result.as_ref().and_then(|_| settings.board().view(&name).ok().flatten());
        (done, view)
    };
    if let Some(file) = &args.result {
        let text = result_json(name.as_str(), &done, view.as_ref());
        if let Err(error) = std::fs::write(file, text) {
            settings.console.error(format_args!("cannot write the result to {}: {error}", file.display()));
        }
    }
    Ok(exec.soften(&done))
}

/// One call of `exec`: what was asked, and what holds for it.
struct Exec<'a> {
    settings: &'a Settings,
    args: &'a ExecArgs,
    limits: CircuitSettings,
}

impl Exec<'_> {
    /// Says each time that the configuration is bad; a gate then gives no verdict, other work runs by the defaults.
    fn configuration_blocks(&self) -> Option<Done> {
        let trouble = self.settings.config_trouble()?;
        self.settings.console.errors(trouble);
        self.args.gate.then(|| {
            self.settings.console.error("a gate gives no verdict without the configuration that it goes by");
            Done { outcome: None, code: ExitCode::Blocked, duration: None, held_output: None, last_error: None }
        })
    }

    /// Admission, work, report.
    fn guard(&self, name: &CircuitName) -> Result<Done, Failed> {
        let (settings, limits) = (self.settings, &self.limits);
        let command = self.command();
        let bug = |error| Failed::new(ExitCode::Bug, error);
        let mut call = Call::default().of(Some(program::fingerprint(&command))).in_run(settings.run_id()).kept();
        if let Some(timeout) = limits.timeout {
            call = call.limited_to(timeout, limits.kill_after);
        }
        let permit = if self.args.gate {
            settings.board().gate_with(name, limits.policy).map_err(bug)?.permit_for(call)
        } else {
            settings.board().circuit_with(name, limits.policy).map_err(bug)?.permit_for(call)
        };
        let permit = match permit {
            Ok(permit) => permit.keep_alive(),
            Err(refusal) => return Ok(self.skipped(&refusal)),
        };
        let prepare = || settings.prepare_report();
        let ended = process::run_while(&command, settings.interrupt(), Deadline::NEVER, prepare);
        let mut done = self.classify(&ended);
        let outcome = done.outcome.as_ref().unwrap_or(&Outcome::Ignored);
        let Settled { record, kept, counted } = permit.settle(outcome);
        if let Kept::Stored = kept {
            settings.store_works();
        }
        if counted == Some(Counted::Counted) && untold::is_news(outcome, &record) {
            untold::opened(settings, name, done.last_error.as_deref());
        }
        if self.args.gate && done.code == ExitCode::Done {
            let lost = match &kept {
                Kept::Lost { error, .. } => Some(error.to_string()),
                Kept::Stored | Kept::Deferred | Kept::InMemory => settings.damage(),
            };
            if let Some(lost) = lost {
                settings.console.error(format_args!("{name}: no verdict: {lost}"));
                done.code = ExitCode::Blocked;
            }
        }
        Ok(done)
    }

    fn command(&self) -> Command {
        let (args, limits) = (self.args, &self.limits);
        let mut words = args.command.iter();
        let program = words.next().cloned().unwrap_or_default();
        let stdout = if args.default.is_some() { Output::hold(HELD) } else { Output::inherit() };
        // On a terminal the command keeps it: colours and progress bars stay. Elsewhere its last words are kept.
        let stderr = if std::io::stderr().is_terminal() { Output::inherit() } else { Output::tee(ERROR_TAIL) };
        Command::new(program)
            .args(words)
            .stdout(stdout)
            .stderr(stderr)
            .timeout(limits.timeout)
            .kill_after(limits.kill_after)
            .foreground(true)
            .marker(Marker::new("FUSEBOARD_EXEC", Uuid::now_v7().to_string()))
    }

    /// What the end of the command means: for the circuit, and as an exit code.
    fn classify(&self, ended: &Ended) -> Done {
        let (settings, limits, gate) = (self.settings, &self.limits, self.args.gate);
        for survivor in &ended.left_behind {
            settings.console.error(format_args!("{survivor} {}", survivor.remedy()));
        }
        let fail = |kind, code| {
            let words = ended.in_words(settings.redactor());
            (Outcome::Failure(Failure::new(kind, &words)), code)
        };
        let (outcome, code) = match &ended.how {
            How::Exited(code) => {
                let passed_on = ExitCode::passed_on(*code);
                let answers: [(&ExitCodes, Outcome, bool); 3] = [
                    (&limits.ignore_codes, Outcome::Ignored, false),
                    (&limits.success_codes, Outcome::Success, !gate || *code == 0),
                    (&limits.block_codes, Outcome::Success, true),
                ];
                let answer =
                    answers.into_iter().take(if gate { 3 } else { 2 }).find(|(codes, ..)| codes.contains(*code));
                match answer {
                    Some((_, outcome, _)) if !gate => (outcome, passed_on),
                    Some((_, outcome, true)) => (outcome, passed_on),
                    Some((_, outcome, false)) => (outcome, ExitCode::Blocked),
                    None => fail(FailureKind::Exit, passed_on),
                }
            }
            How::Signalled(signal) => fail(FailureKind::Signal, ExitCode::signal(*signal)),
            How::TimedOut => fail(FailureKind::Timeout, ExitCode::TimedOut),
            How::Interrupted(signal) => (Outcome::Ignored, ExitCode::signal(*signal)),
            How::Cut => (Outcome::Ignored, ExitCode::TimedOut),
            How::OutputTooLarge | How::Lost => fail(FailureKind::Error, ExitCode::Bug),
            How::NotStarted(why) => {
                let kind = if why.is_permanent() { FailureKind::Spawn } else { FailureKind::Error };
                if home::is_off() {
                    // Nobody else says it.
                    settings.console.error(&ended.how);
                }
                fail(kind, ExitCode::passed_on(why.code()))
            }
        };
        let interrupted = matches!(ended.how, How::Interrupted(_));
        let code =
            if gate && matches!(outcome, Outcome::Failure(_)) && !interrupted { ExitCode::Blocked } else { code };
        let last_error = match &outcome {
            Outcome::Failure(failure) => Some(failure.message.to_string()),
            Outcome::Success | Outcome::Ignored => None,
        };
        let held_output = (outcome == Outcome::Success).then(|| ended.stdout.bytes());
        Done { outcome: Some(outcome), code, duration: Some(ended.duration), held_output, last_error }
    }

    fn skipped(&self, refusal: &Refusal) -> Done {
        let (settings, gate) = (self.settings, self.args.gate);
        if let RefusalReason::StoreLost(_) = refusal.reason {
            settings.console.error(format_args!("{refusal}: no verdict"));
        }
        let code = if gate { ExitCode::Blocked } else { ExitCode::Skipped };
        let last_error = refusal.last_error.as_ref().map(ToString::to_string);
        Done { outcome: None, code, duration: None, held_output: None, last_error }
    }

    /// What the caller asked to see in place of the plain truth; the circuit has been told the truth already.
    fn soften(&self, done: &Done) -> ExitCode {
        let (args, limits) = (self.args, &self.limits);
        let interrupted =
            done.outcome == Some(Outcome::Ignored) && matches!(done.code, ExitCode::Child(code) if code > 128);
        if let Some(default) = &args.default {
            let mut stdout = std::io::stdout().lock();
            let _ = match &done.held_output {
                Some(output) => stdout.write_all(output),
                None => writeln!(stdout, "{default}"),
            };
            let _ = stdout.flush();
        }
        if interrupted || args.gate {
            done.code
        } else if limits.best_effort || (limits.skip_ok && done.outcome.is_none()) {
            ExitCode::Done
        } else {
            done.code
        }
    }
}

/// `fuseboard.exec/1`. The exit code is the one before `--best-effort`, `--skip-ok` or `--default` soften it.
fn result_json(circuit: &str, done: &Done, view: Option<&View>) -> String {
    let (outcome, failure) = match &done.outcome {
        None => ("skipped", None),
        Some(Outcome::Success) => ("success", None),
        Some(Outcome::Failure(failure)) => ("failure", Some(failure.kind.as_str())),
        Some(Outcome::Ignored) => ("ignored", None),
    };
    let object = json!({
        "schema": "fuseboard.exec/1",
        "circuit": circuit,
        "outcome": outcome,
        "failure": failure,
        "exit_code": done.code.number(),
        "duration_ms": done.duration.map(|duration| duration.as_millis()),
        "state": view.map(|view| view.state.as_str()),
        "probe_at": view.and_then(|view| view.probe_at).map(show::rfc3339),
        "last_error": done.last_error,
    });
    show::json_line(&object) + "\n"
}
