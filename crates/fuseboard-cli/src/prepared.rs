//! A pipeline ready to run, frozen before the agent starts: configuration, pinned files, base commit. And what
//! is done with it when the job has ended.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fuseboard::clock::{Clock, SystemClock};
use fuseboard::record::Holder;
use fuseboard_mission::git::{Git, GitTree};
use fuseboard_mission::steps::BuiltInSteps;
use fuseboard_pipeline::config::Config;
use fuseboard_pipeline::job::{Job, JobProject};
use fuseboard_pipeline::ledger::{Ledger, RunHead};
use fuseboard_pipeline::pipeline::{Pipeline, Place};
use fuseboard_pipeline::process::{Deadline, KILL_AFTER, Marker, end_carriers};
use fuseboard_pipeline::project::{Project, ProjectRegistry};
use fuseboard_pipeline::report::{Reason, Report, RunResult, Status};
use fuseboard_pipeline::repository::Repository;
use fuseboard_pipeline::runner::{self, Run, Selection};
use fuseboard_pipeline::stamp::Stamp;
use fuseboard_pipeline::step::{Before, Written};
use fuseboard_pipeline::tracker::Tracker;
use fuseboard_pipeline::tree::Exempt;
use fuseboard_pipeline::{PrivateError, make_private_folder};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::Failed;
use crate::args::{Format, JobArgs};
use crate::exit_code::ExitCode;
use crate::home;
use crate::settings::Settings;
use crate::show;

/// The id of a run that was begun by a caller which went on without it.
pub(crate) const DETACHED_RUN: &str = "FUSEBOARD_DETACHED_RUN";

/// What it means for a run that the ledger cannot be used.
const UNWRITTEN: &str = "the run cannot be written down";

/// How long git may take to tell what is checked out.
const GIT_LIMIT: Duration = Duration::from_secs(30);

/// The part of the deadline that one look at the work tree may take: a git that hangs is to leave time for the steps.
const LOOK_SHARE: u32 = 4;

/// All that a run needs but its job's end.
pub(crate) struct Prepared<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) run_id: String,
    pub(crate) config: Config,
    config_file: Option<PathBuf>,
    config_folder: PathBuf,
    pipeline: Pipeline,
    is_repository: bool,
    before: Before,
    /// The job as far as it is known before it starts.
    pub(crate) job: Job,
    /// Whether the job was given with a verdict on it.
    pub(crate) is_judged: bool,
    pub(crate) ledger: Arc<dyn Ledger>,
    pub(crate) tracker: Tracker,
    args: &'a JobArgs,
}

impl<'a> Prepared<'a> {
    /// Loads, checks and pins everything. A broken or untrusted configuration starts nothing.
    pub(crate) fn new(settings: &'a Settings, args: &'a JobArgs) -> Result<Self, Failed> {
        if settings.is_in_mission() && (args.trust || settings.names_a_configuration()) {
            let message =
                "refused inside a mission: --trust, --config and $FUSEBOARD_CONFIG are an operator's, at a terminal";
            return Err(Failed::new(ExitCode::Blocked, message));
        }
        let loaded = settings.strict_configuration(args.trust)?;
        let (mut job, is_judged) = given_job(args)?;
        let folder = args
            .project_path
            .clone()
            .or_else(|| Some(job.project.path.clone()).filter(|path| !path.as_os_str().is_empty()));
        let folder = folder.unwrap_or_else(|| PathBuf::from("."));
        let folder = folder
            .canonicalize()
            .map_err(|error| Failed::new(ExitCode::Usage, format_args!("{}: {error}", folder.display())))?;
        let name = args.project.clone().or_else(|| Some(job.project.name.clone()).filter(|name| !name.is_empty()));
        let name =
            name.unwrap_or_else(|| Project::of(&folder, &ProjectRegistry::in_state_folder(&home::state_folder())).id);
        let config_file = loaded.file.map(|file| file.path);
        let config_folder = config_file.as_ref().and_then(|file| file.parent()).unwrap_or(&folder).to_owned();
        let place = Place { project: &name, folder: &folder, config_folder: &config_folder };
        let pipeline = Pipeline::plan(&loaded.config, &place, &BuiltInSteps);
        let mut pipeline = pipeline.map_err(|errors| Failed::new(ExitCode::Config, errors))?;
        if config_file.is_none() {
            settings.console.note("there is no fuseboard.toml here, so no step follows; `fuseboard init` writes one");
        }
        let known = pipeline.step_names();
        if let Some(unknown) = args.only.iter().chain(&args.skip).find(|name| !known.contains(&name.as_str())) {
            let message = format!("there is no step {unknown:?}; there are: {}", known.join(", "));
            return Err(Failed::new(ExitCode::Usage, message));
        }
        let run_id = std::env::var(DETACHED_RUN).ok().filter(|id| Uuid::parse_str(id).is_ok());
        let run_id = run_id.unwrap_or_else(|| Uuid::now_v7().to_string());
        if job.id.is_empty() {
            job.id.clone_from(&run_id);
        }
        let base = || git(settings, &run_id, &folder, GIT_LIMIT).base(None).ok().map(|commit| commit.to_string());
        let base = job.project.base.take().or_else(base);
        job.project = JobProject { name, path: folder, branch: job.project.branch, commit: job.project.commit, base };
        let title = args.title.clone().or(job.title);
        job.title = title.map(|title| settings.redact(&title));
        job.mode = args.mode.clone().or(job.mode);
        job.run_number = args.run_number.or(job.run_number);
        let is_repository = Repository::containing(&job.project.path).is_some();
        let git = git(settings, &run_id, &job.project.path, GIT_LIMIT);
        pipeline.distrust(|program| planted(&git, job.project.base.as_deref(), program));
        let before = Before { publishing: git.publishing(), branches: git.branches().ok() };
        let (ledger, tracker) = (settings.ledger(), Tracker::default());
        Ok(Self {
            settings,
            run_id,
            config: loaded.config,
            config_file,
            config_folder,
            pipeline,
            is_repository,
            before,
            job,
            is_judged,
            ledger,
            tracker,
            args,
        })
    }

    /// The run begins: it is written down.
    pub(crate) fn begin(&self) {
        let head = RunHead {
            id: self.run_id.clone(),
            project: self.job.project.name.clone(),
            started_at: now(),
            holder: Holder::this_process(),
        };
        self.written(self.ledger.begin(&head));
    }

    /// Ends what still carries the marker of a run whose process is dead, and tells of that run.
    pub(crate) fn end_leftovers(&self) {
        let unfinished = match self.ledger.unfinished() {
            Ok(unfinished) => unfinished,
            Err(error) => {
                return self.settings.complain("earlier runs cannot be looked at", &error);
            }
        };
        for damaged in &unfinished.damaged {
            self.settings.console.error(damaged);
            // Nobody can tell whether its process lives; told once is enough.
            self.written(self.ledger.interrupted(&damaged.run, now()));
        }
        for run in unfinished.whole.iter().filter(|run| run.holder.proved_dead()) {
            let survivors = end_carriers(&run_marker(&run.id), KILL_AFTER);
            for survivor in survivors {
                self.settings.console.error(format_args!("{survivor} of run {} {}", run.id, survivor.remedy()));
            }
            self.written(self.ledger.interrupted(&run.id, now()));
            let steps = self.ledger.run(&run.id).ok().flatten().map(|stored| stored.steps).unwrap_or_default();
            let names: Vec<&str> =
                steps.iter().filter(|row| row.status == Status::Interrupted).map(|row| row.name.as_str()).collect();
            let doing = if names.is_empty() { String::new() } else { format!(", at: {}", names.join(", ")) };
            self.settings.console.note(format_args!("run {} was killed{doing}; see: fuseboard runs {0}", run.id));
        }
    }

    /// Completes the job with what is checked out now.
    pub(crate) fn look_at_the_end(&self, job: &mut Job) {
        let git = git(self.settings, &self.run_id, &job.project.path, GIT_LIMIT);
        let project = &mut job.project;
        if project.branch.is_none() || project.commit.is_none() {
            let (branch, commit) = git.checked_out().unwrap_or_default();
            project.branch = project.branch.take().or(branch);
            project.commit = project.commit.take().or_else(|| commit.map(|commit| commit.to_string()));
        }
    }

    /// Runs the pipeline for a job that has ended, tells and keeps its report; `code` makes the program's code
    /// of the pipeline's, unless a signal decided it.
    pub(crate) fn finish(self, job: Job, code: impl FnOnce(&Job, u8) -> u8) -> Result<ExitCode, Failed> {
        self.written(self.ledger.job_ended(&self.run_id, &job));
        let (settings, ledger, run_id, args) = (self.settings, self.ledger.clone(), self.run_id.clone(), self.args);
        let mut report = runner::run(self.into_run(job));
        if report.result != RunResult::Interrupted {
            report.exit_code = code(&report.job, report.exit_code);
        }
        let ended = ledger.end(&run_id, &report);
        if let Err(error) = &ended {
            settings.complain(UNWRITTEN, error);
        }
        tell(settings, args, &report, ended.is_ok() && settings.keeps_runs())?;
        Ok(ExitCode::passed_on(i32::from(report.exit_code)))
    }

    fn selection(&self) -> Selection {
        Selection { only: self.args.only.clone(), skip: self.args.skip.clone() }
    }

    fn into_run(self, job: Job) -> Run {
        let selection = self.selection();
        let console = self.settings.console;
        let complain = self.settings.complainer();
        let whole = self.pipeline.deadline();
        let git = git(self.settings, &self.run_id, &job.project.path, whole);
        let config_folder = self.config_folder;
        let ours = [
            self.config_file.clone(),
            self.args.job.clone(),
            self.args.report.clone(),
            job.stdout_path.clone(),
            job.stderr_path.clone(),
        ];
        let written = self.pipeline.written_files().into_iter().map(|written| match written {
            Written::File(file) => Exempt::File(config_folder.join(file)),
            Written::InProject(file) => Exempt::File(job.project.path.join(file)),
            Written::DaysIn(folder) => Exempt::DaysIn(config_folder.join(folder)),
        });
        let exempt = ours.into_iter().flatten().map(Exempt::File).chain(written);
        let exempt = exempt.filter_map(|exempt| Some(exempt.at(std::path::absolute(exempt.path()).ok()?)));
        let exempt = exempt.collect();
        Run {
            id: self.run_id,
            circuits: (!home::is_off()).then(|| self.settings.board_for(&self.tracker)),
            damage: self.settings.damage_later(),
            tracker: self.tracker,
            pipeline: self.pipeline,
            job,
            tree: Arc::new(GitTree::new(git, self.is_repository).looking_at_most(whole / LOOK_SHARE)),
            before: self.before,
            ledger: self.ledger,
            interrupt: self.settings.interrupt().clone(),
            state_folder: home::state_folder(),
            config_folder,
            exempt,
            redactor: self.settings.redactor().clone(),
            selection,
            clock: Arc::new(SystemClock),
            told: Box::new(move |row| match row.status {
                Status::Running => {}
                // What the user left out is no news.
                _ if matches!(row.reason, Some(Reason::Disabled | Reason::NotSelected)) => {
                    console.detail(show::step_line(row));
                }
                _ => console.note(show::step_line(row)),
            }),
            complained: Box::new(move |error| complain(&UNWRITTEN, &error)),
        }
    }

    /// What would be done, and what not and why; `succeeded` is the job's fate, if that is known.
    pub(crate) fn dry_run(&self, succeeded: Option<bool>) -> ExitCode {
        self.settings.console.data(&self.pipeline.describe(&self.selection(), succeeded).join("\n"));
        ExitCode::Done
    }

    /// A folder of this run's own for what is captured.
    pub(crate) fn folder(&self) -> Result<PathBuf, Failed> {
        folder_of(self.settings, &self.run_id)
    }

    fn written(&self, result: Result<(), fuseboard_pipeline::ledger::LedgerError>) {
        if let Err(error) = result {
            self.settings.complain(UNWRITTEN, &error);
        }
    }
}

/// Prints the report's last line, and the report itself where that was asked for.
fn tell(settings: &Settings, args: &JobArgs, report: &Report, is_written: bool) -> Result<(), Failed> {
    let json = || {
        let report = serde_json::to_value(report).map_err(|error| Failed::new(ExitCode::Bug, error))?;
        Ok(show::json_line(&report))
    };
    if let Some(file) = &args.report
        && let Err(error) = fuseboard_pipeline::sys::write_through_no_link(file, (json()? + "\n").as_bytes())
    {
        settings.console.error(format_args!("cannot write the report to {}: {error}", file.display()));
    }
    if settings.format == Format::Json {
        settings.console.data(&json()?);
    }
    settings.console.note(show::run_line(report, is_written));
    Ok(())
}

/// The job as it was given, and whether it says itself that it succeeded or not.
fn given_job(args: &JobArgs) -> Result<(Job, bool), Failed> {
    let Some(file) = &args.job else { return Ok((Job::default(), false)) };
    let refuse =
        |error: &dyn std::fmt::Display| Failed::new(ExitCode::Usage, format_args!("--job {}: {error}", file.display()));
    let text =
        if file == Path::new("-") { std::io::read_to_string(std::io::stdin()) } else { fs::read_to_string(file) };
    let mut job: Map<String, Value> =
        serde_json::from_str(&text.map_err(|error| refuse(&error))?).map_err(|error| refuse(&error))?;
    let is_judged = job.get("succeeded").is_some_and(|said| !said.is_null());
    if !is_judged {
        job.remove("succeeded");
    }
    serde_json::from_value(Value::Object(job)).map(|job| (job, is_judged)).map_err(|error| refuse(&error))
}

/// What is against a program in the job's repository: an agent may have left it there. One that the base commit holds as it
/// is here has been through what guards the base.
fn planted(git: &Git, base: Option<&str>, program: &Path) -> Option<String> {
    let root = git.root().ok()?.canonicalize().ok()?;
    let place = program.parent()?.canonicalize().ok()?.join(program.file_name()?);
    let real = program.canonicalize().unwrap_or_else(|_| place.clone());
    let inside = [&place, &real].into_iter().find_map(|path| path.strip_prefix(&root).ok())?;
    let in_base = || git.file_at(&git.resolve(base?).ok()??, inside).ok()?;
    let is_in_base = in_base().is_some_and(|content| fs::read(program).is_ok_and(|here| here == content));
    let advice = "commit it to the base, or keep such programs out of the repository";
    (!is_in_base).then(|| format!("{} is not in the base commit as it is here; {advice}", inside.display()))
}

/// Git in this folder, for the run itself and none of its steps.
fn git(settings: &Settings, run_id: &str, folder: &Path, limit: Duration) -> Git {
    let git = Git::at(folder, Deadline::after(limit), settings.interrupt());
    git.marked(run_marker(run_id)).with_state_in(&home::state_folder())
}

/// The mark of all that a run starts.
pub(crate) fn run_marker(run_id: &str) -> Marker {
    Marker::new("FUSEBOARD_RUN", run_id)
}

pub(crate) fn now() -> Stamp {
    SystemClock.wall().into()
}

/// A private folder for what a run captures: among our state or, where that cannot be written, beside what else is
/// temporary, for the agent's work does not depend on ours.
fn folder_of(settings: &Settings, run_id: &str) -> Result<PathBuf, Failed> {
    let folder = home::state_folder().join("runs").join(run_id);
    let Err(error) = make_private_folder(&folder) else { return Ok(folder) };
    let spare = std::env::temp_dir().join(format!("fuseboard-{run_id}"));
    let why = home::trouble(&PrivateError::of(&folder, error));
    settings.complain(format_args!("what the run captures goes to {}", spare.display()), &why);
    let made = fs::DirBuilder::new().mode(0o700).create(&spare);
    made.map(|()| spare.clone())
        .map_err(|error| Failed::new(ExitCode::NoStore, format_args!("{}: {error}", spare.display())))
}

/// Starts this call again without `--detach`, in the background and in a group of its own, and prints the
/// run's id.
pub(crate) fn detach(settings: &Settings, args: &JobArgs) -> Result<ExitCode, Failed> {
    let id = Uuid::now_v7().to_string();
    let fail = |error: &dyn std::fmt::Display| {
        Failed::new(ExitCode::Bug, format_args!("cannot go on in the background: {error}"))
    };
    let program = std::env::current_exe().map_err(|error| fail(&error))?;
    let words = std::env::args_os().skip(1);
    // Only our own option, not one of the agent's.
    let mut ours = true;
    let words = words.filter(|word| {
        ours &= word != "--";
        !(ours && word == "--detach")
    });
    let folder = folder_of(settings, &id)?;
    let log = fs::File::create(folder.join("log")).map_err(|error| fail(&error))?;
    let mut command = std::process::Command::new(program);
    // A group and marks of its own: who ends what this call belongs to must not take it for a part of that.
    command.args(words).process_group(0).env("FUSEBOARD_STEP", format!("{id}/detached"));
    command.envs([DETACHED_RUN, "FUSEBOARD_RUN", "FUSEBOARD_EXEC", "FUSEBOARD_GIT"].map(|name| (name, &id)));
    if let Some(folder) = &settings.started_in {
        command.current_dir(folder);
    }
    if args.job.as_deref() != Some(Path::new("-")) {
        command.stdin(std::process::Stdio::null());
    }
    command.stdout(log.try_clone().map_err(|error| fail(&error))?).stderr(log);
    command.spawn().map_err(|error| fail(&error))?;
    settings.console.data(&id);
    Ok(ExitCode::Done)
}
