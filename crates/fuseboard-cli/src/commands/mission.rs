//! `mission`: freezes the configuration, runs the agent, judges its result, then does the work after it.

mod fuse;

use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use fuseboard::{Failure, FailureKind, Outcome};
use fuseboard_mission::agents;
use fuseboard_mission::steps::quota;
use fuseboard_pipeline::config::AtStart;
use fuseboard_pipeline::job::{Job, JobFailure};
use fuseboard_pipeline::process::{self, Command, Deadline, Ended, How, Output};

use self::fuse::Leave;
use crate::Failed;
use crate::args::MissionArgs;
use crate::exit_code::ExitCode;
use crate::home;
use crate::prepared::{self, Prepared, now};
use crate::settings::Settings;

/// How much of the agent's standard error is kept for its last words.
const ERROR_TAIL: usize = 4 * 1024;

pub(crate) fn mission(settings: &Settings, args: &MissionArgs) -> Result<ExitCode, Failed> {
    if args.job.detach {
        return prepared::detach(settings, &args.job);
    }
    let prepared = Prepared::new(settings, &args.job)?;
    if args.job.dry_run {
        return Ok(prepared.dry_run(None));
    }
    let folder = prepared.folder()?;
    let (stdout, stderr) = (capture(&folder.join("stdout"))?, capture(&folder.join("stderr"))?);
    let command = command(args, &prepared, stdout, stderr);
    prepared.end_leftovers();
    start_afresh(&prepared);
    let permit = match fuse::leave(&prepared, args, &command)? {
        Leave::Go(permit) => permit,
        Leave::Stay(code) => {
            // Nothing began: nothing is left of it either.
            let _ = fs::remove_dir_all(folder);
            return Ok(code);
        }
    };
    prepared.begin();
    let mut job = Job { started_at: Some(now()), ..prepared.job.clone() };
    let ended = process::run(&command, settings.interrupt(), Deadline::NEVER);
    job.ended_at = Some(now());
    (job.stdout_path, job.stderr_path) = (Some(folder.join("stdout")), Some(folder.join("stderr")));
    let said = judge(&prepared, args, &ended, &mut job);
    if let Some(permit) = permit {
        drop(permit.settle(&agent_outcome(&job, &said)));
    }
    prepared.look_at_the_end(&mut job);
    prepared.finish(job, |job, pipeline| match (&ended.how, job.exit_code.unwrap_or(0)) {
        (How::Interrupted(signal), _) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        (_, code) if code != 0 => u8::try_from(code).unwrap_or(u8::MAX),
        _ if !job.succeeded => args.job.softened(1),
        _ => args.job.softened(pipeline),
    })
}

/// The agent's command: streams through, is captured, and carries the run's id.
fn command(args: &MissionArgs, prepared: &Prepared<'_>, stdout: File, stderr: File) -> Command {
    let mut words = args.command.iter();
    let program = words.next().cloned().unwrap_or_default();
    Command::new(program)
        .args(words)
        .cwd(&prepared.job.project.path)
        .stdout(Output::tee(0).and_file(stdout))
        .stderr(Output::tee(ERROR_TAIL).and_file(stderr))
        .timeout(prepared.config.mission.timeout)
        .foreground(true)
        .end_all(true)
        .marker(prepared::run_marker(&prepared.run_id))
}

/// Judges the agent: by how it ended, and by its own word. Answers with what went wrong, if anything did.
fn judge(prepared: &Prepared<'_>, args: &MissionArgs, ended: &Ended, job: &mut Job) -> String {
    let reading = job.stdout_path.as_deref().map(|path| agents::read(args.job.agent, path)).unwrap_or_default();
    (job.succeeded, job.failure_kind) = agents::judge(&ended.how, &reading);
    job.exit_code = Some(match ended.how {
        How::TimedOut => 124,
        How::Interrupted(signal) => 128 + signal,
        ref how => how.child_code().unwrap_or(1),
    });
    let settings = prepared.settings;
    let said = reading.error.clone().unwrap_or_else(|| ended.in_words(settings.redactor()));
    let said = settings.redact(&said);
    reading.complete(job);
    agents::look_at_errors(job);
    pause(prepared, job);
    if let Some(error) = &ended.capture_error {
        settings.console.error(format_args!("the agent's output is captured in part only: {error}"));
    }
    for survivor in &ended.left_behind {
        settings.console.error(format_args!("{survivor} {}", survivor.remedy()));
    }
    match job.failure_kind {
        Some(JobFailure::Exit | JobFailure::Interrupted) | None => {}
        Some(kind) => settings.console.note(format_args!("the mission failed ({}): {said}", kind.as_str())),
    }
    said
}

/// Leaves an agent alone that ran into its limit.
fn pause(prepared: &Prepared<'_>, job: &Job) {
    if job.failure_kind != Some(JobFailure::Quota) || home::is_off() {
        return;
    }
    let console = prepared.settings.console;
    match quota::pause_after(job, &prepared.run_id, &home::state_folder(), prepared.settings.redactor()) {
        Ok(Some(pause)) => console.note(format_args!("{} is paused until {}", pause.agent, pause.until)),
        Ok(None) => {}
        Err(error) => console.error(format_args!("the agent cannot be paused: {error}")),
    }
}

/// What the mission means for the agent's own circuit.
fn agent_outcome(job: &Job, said: &str) -> Outcome {
    let kind = match job.failure_kind {
        None => return Outcome::Success,
        Some(JobFailure::Quota | JobFailure::Interrupted) => return Outcome::Ignored,
        Some(JobFailure::Exit) => FailureKind::Exit,
        Some(JobFailure::Signal) => FailureKind::Signal,
        Some(JobFailure::Spawn) => FailureKind::Spawn,
        Some(JobFailure::Timeout) => FailureKind::Timeout,
        Some(JobFailure::AgentError | JobFailure::Login) => FailureKind::Error,
    };
    Outcome::Failure(Failure::new(kind, said))
}

/// What the first mission of a loop does to the project's open circuits.
fn start_afresh(prepared: &Prepared<'_>) {
    let at_start = prepared.config.pipeline.at_start;
    if prepared.job.run_number != Some(1) || at_start == AtStart::Keep || home::is_off() {
        return;
    }
    let settings = prepared.settings;
    let operator = settings.board().operator("at_start");
    let project = prepared.job.project.name.as_str();
    let views = match settings.views() {
        Ok(views) => views,
        // Our trouble is no reason not to start the agent.
        Err(failed) => return settings.console.error(failed.message),
    };
    for view in views.iter().filter(|view| view.name.project() == Some(project) && view.since.is_some()) {
        let done = match at_start {
            AtStart::Reset => operator.reset(&view.name),
            AtStart::Probe | AtStart::Keep => operator.probe(&view.name, settings.policy(&view.name)).map(drop),
        };
        if let Err(error) = done {
            settings.console.error(error);
        }
    }
}

fn capture(file: &Path) -> Result<File, Failed> {
    let made = File::options().create_new(true).write(true).mode(0o600).open(file);
    made.map_err(|error| Failed::new(ExitCode::NoStore, format_args!("{}: {error}", file.display())))
}
