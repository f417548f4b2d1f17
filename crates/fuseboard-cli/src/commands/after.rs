//! `after`: the pipeline for a job that has already ended.

use fuseboard_mission::agents;
use fuseboard_pipeline::process::How;

use crate::Failed;
use crate::args::AfterArgs;
use crate::exit_code::ExitCode;
use crate::prepared::{self, Prepared, now};
use crate::settings::Settings;

pub(crate) fn after(settings: &Settings, args: &AfterArgs) -> Result<ExitCode, Failed> {
    if args.job.detach {
        return prepared::detach(settings, &args.job);
    }
    for (option, file) in [("--stdout", &args.stdout), ("--stderr", &args.stderr)] {
        if let Some(file) = file
            && (!file.exists() || file.is_dir())
        {
            let why = if file.is_dir() { "is a folder" } else { "is not there" };
            return Err(Failed::new(ExitCode::Usage, format_args!("{option} {}: it {why}", file.display())));
        }
    }
    let prepared = Prepared::new(settings, &args.job)?;
    if args.job.dry_run {
        return Ok(prepared.dry_run(args.exit_code.map(|code| code == 0)));
    }
    prepared.end_leftovers();
    prepared.begin();
    let mut job = prepared.job.clone();
    prepared.look_at_the_end(&mut job);
    job.started_at = args.started_at.or(job.started_at);
    job.ended_at = job.ended_at.or_else(|| Some(now()));
    job.stdout_path = args.stdout.clone().or(job.stdout_path);
    job.stderr_path = args.stderr.clone().or(job.stderr_path);
    // A verdict given with the job counts, unless the command line says otherwise.
    if !prepared.is_judged || args.exit_code.is_some() || args.stdout.is_some() {
        let code = args.exit_code.map(i32::from).or(job.exit_code).unwrap_or(0);
        let how = if code > 128 { How::Signalled(code - 128) } else { How::Exited(code) };
        let reading = job.stdout_path.as_deref().map(|path| agents::read(args.job.agent, path)).unwrap_or_default();
        (job.succeeded, job.failure_kind) = agents::judge(&how, &reading);
        job.exit_code = Some(code);
        reading.complete(&mut job);
        agents::look_at_errors(&mut job);
    }
    // The job's fate is the job's; the code tells of the pipeline alone.
    prepared.finish(job, |_, code| args.job.softened(code))
}
