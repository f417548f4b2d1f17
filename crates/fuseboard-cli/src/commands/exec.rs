//! `exec`: guards one command.

use std::io::Write;
use std::time::Duration;

use fuseboard::{
    Call, Circuit, Failure, FailureKind, Gate, Kept, Outcome, Permit, Refusal, RefusalReason, Settled, View,
};
use fuseboard_pipeline::process::{self, Command, Ended, How, Marker, Output};
use fuseboard_pipeline::{exit_codes::ExitCodes, program};
use serde_json::json;
use uuid::Uuid;

use crate::Failed;
use crate::args::ExecArgs;
use crate::exit_code::ExitCode;
use crate::settings::{ExecLimits, Settings};
use crate::show;

/// How much of standard output `--default` holds back.
const HELD: usize = 64 * 1024 * 1024;
/// How much of standard error is kept for the last error.
const ERROR_TAIL: usize = 4 * 1024;

/// A circuit as `exec` uses it: as a guard that never hurts the work, or as a gate that never passes without
/// a verdict.
enum Guarded {
    Circuit(Circuit),
    Gate(Gate),
}

/// What one call of `exec` came to.
struct Done {
    /// The circuit's outcome; `None` if nothing ran.
    outcome: Option<Outcome>,
    code: ExitCode,
    duration: Option<Duration>,
    held_output: Option<Vec<u8>>,
    last_error: Option<String>,
}

pub(crate) fn exec(settings: &Settings, args: ExecArgs) -> Result<ExitCode, Failed> {
    let name = settings.circuit_name(&args.name, args.scope)?;
    let limits = settings.exec_limits(&name, &args)?;
    if let Some(trouble) = settings.config_trouble() {
        settings.console.error(trouble);
        if limits.gate {
            settings.console.error("without a valid configuration this gate gives no verdict");
            return Ok(ExitCode::Blocked);
        }
    }
    let command = command(&args, &limits);
    let mut view = None;
    let done = if settings.is_off() {
        classify(settings, &process::run(command, settings.interrupt(), process::Deadline::never()), &limits)
    } else {
        let board = settings.board();
        let guarded = match board.circuit_with(&name, limits.policy) {
            Ok(circuit) if limits.gate => Guarded::Gate(circuit.into()),
            Ok(circuit) => Guarded::Circuit(circuit),
            Err(error) => return Err(Failed::new(ExitCode::Bug, error)),
        };
        let done = guard(settings, &guarded, command, &limits);
        if args.result.is_some() {
            view = board.view(&name).ok().flatten();
        }
        done
    };
    if let Some(file) = &args.result {
        let text = result_json(name.as_str(), &done, view.as_ref());
        if let Err(error) = std::fs::write(file, text) {
            settings.console.error(format_args!("cannot write the result to {}: {error}", file.display()));
        }
    }
    Ok(soften(&done, &limits))
}

/// Admission, work, report.
fn guard(settings: &Settings, guarded: &Guarded, command: Command, limits: &ExecLimits) -> Done {
    let mut call = Call::default().of(Some(program::fingerprint(&command))).in_run(settings.run_id()).kept();
    if let Some(timeout) = limits.timeout {
        call = call.limited_to(timeout, limits.kill_after);
    }
    let permit = match guarded {
        Guarded::Circuit(circuit) => circuit.permit_for(call),
        Guarded::Gate(gate) => gate.permit_for(call),
    };
    let permit: Permit = match permit {
        Ok(permit) => permit.keep_alive(),
        Err(refusal) => return skipped(settings, &refusal, limits),
    };
    let ended = process::run(command, settings.interrupt(), process::Deadline::never());
    let mut done = classify(settings, &ended, limits);
    let outcome = done.outcome.as_ref().unwrap_or(&Outcome::Ignored);
    let Settled { kept, .. } = permit.settle(outcome);
    if let (Guarded::Gate(gate), Kept::Lost { error, .. }) = (guarded, kept)
        && done.code == ExitCode::Done
    {
        settings.console.error(format_args!("{}: no verdict: the state cannot be written: {error}", gate.name()));
        done.code = ExitCode::Blocked;
    }
    done
}

fn command(args: &ExecArgs, limits: &ExecLimits) -> Command {
    let mut words = args.command.iter();
    let program = words.next().cloned().unwrap_or_default();
    let stdout = if args.default.is_some() { Output::hold(HELD) } else { Output::inherit() };
    // On a terminal the command keeps it: colours and progress bars stay. Elsewhere its last words are kept.
    let stderr =
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) { Output::inherit() } else { Output::tee(ERROR_TAIL) };
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
fn classify(settings: &Settings, ended: &Ended, limits: &ExecLimits) -> Done {
    for survivor in &ended.left_behind {
        settings.console.error(format_args!("{survivor} could not be ended"));
    }
    let fail = |kind, code| {
        let words =
            ended.stderr.last_error().map_or_else(|| ended.how.to_string(), |said| format!("{}: {said}", ended.how));
        (Outcome::Failure(Failure::new(kind, &settings.redact(&words))), code)
    };
    let (outcome, code) = match &ended.how {
        How::Exited(code) => {
            let passed_on = ExitCode::Child(u8::try_from(*code).unwrap_or(u8::MAX));
            let answers: [(&ExitCodes, Outcome, bool); 3] = [
                (&limits.ignore_codes, Outcome::Ignored, false),
                (&limits.success_codes, Outcome::Success, !limits.gate || *code == 0),
                (&limits.block_codes, Outcome::Success, true),
            ];
            let answer =
                answers.into_iter().take(if limits.gate { 3 } else { 2 }).find(|(codes, ..)| codes.contains(*code));
            match answer {
                Some((_, outcome, _)) if !limits.gate => (outcome, passed_on),
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
            settings.console.error(&ended.how);
            fail(kind, ExitCode::Child(u8::try_from(why.code()).unwrap_or(126)))
        }
    };
    let interrupted = matches!(ended.how, How::Interrupted(_));
    let code =
        if limits.gate && matches!(outcome, Outcome::Failure(_)) && !interrupted { ExitCode::Blocked } else { code };
    let last_error = match &outcome {
        Outcome::Failure(failure) => Some(failure.message.to_string()),
        Outcome::Success | Outcome::Ignored => None,
    };
    let held_output = (outcome == Outcome::Success).then(|| ended.stdout.bytes());
    Done { outcome: Some(outcome), code, duration: Some(ended.duration), held_output, last_error }
}

fn skipped(settings: &Settings, refusal: &Refusal, limits: &ExecLimits) -> Done {
    if let RefusalReason::StoreLost(_) = refusal.reason {
        settings.console.error(format_args!("{refusal}: no verdict"));
    }
    let code = if limits.gate { ExitCode::Blocked } else { ExitCode::Skipped };
    let last_error = refusal.last_error.as_ref().map(ToString::to_string);
    Done { outcome: None, code, duration: None, held_output: None, last_error }
}

/// What the caller asked to see in place of the plain truth; the circuit has been told the truth already.
fn soften(done: &Done, limits: &ExecLimits) -> ExitCode {
    let interrupted =
        done.outcome == Some(Outcome::Ignored) && matches!(done.code, ExitCode::Child(code) if code > 128);
    if let Some(default) = &limits.default {
        let mut stdout = std::io::stdout().lock();
        let _ = match &done.held_output {
            Some(output) => stdout.write_all(output),
            None => writeln!(stdout, "{default}"),
        };
        let _ = stdout.flush();
    }
    if interrupted || limits.gate {
        done.code
    } else if limits.best_effort || (limits.skip_ok && done.outcome.is_none()) {
        ExitCode::Done
    } else {
        done.code
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
    format!("{object}\n")
}
