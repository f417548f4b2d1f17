//! The agent's own fuse: a pause, the money of the day, and the circuit `PROJECT/agent` may keep it from starting.

use std::path::Path;
use std::time::Duration;

use fuseboard::decision::SkipReason;
use fuseboard::{Call, Circuit, CircuitName, Permit, Refusal, RefusalReason};
use fuseboard_mission::agents::{Agent, AgentKind};
use fuseboard_pipeline::config::OnUnmeasured;
use fuseboard_pipeline::day::Day;
use fuseboard_pipeline::ledger::LedgerError;
use fuseboard_pipeline::pause::Pauses;
use fuseboard_pipeline::process::Command;
use fuseboard_pipeline::program;

use crate::Failed;
use crate::args::MissionArgs;
use crate::exit_code::ExitCode;
use crate::home;
use crate::prepared::{Prepared, now};
use crate::untold;

/// Longest nap while something is waited for: somebody may change it meanwhile.
const LONGEST_NAP: Duration = Duration::from_secs(30);

/// How many of the newest runs are looked through for those of today.
const LOOKED_BACK: usize = 2000;

/// Whether the agent may start.
pub(super) enum Leave {
    /// It may; with a permit, unless Fuseboard is switched off.
    Go(Option<Box<Permit>>),
    /// It may not, and the mission ends so.
    Stay(ExitCode),
}

/// What keeps the agent from starting.
struct Hindrance {
    why: String,
    /// After which time it is worth another look.
    for_now: Option<Duration>,
    /// Whether it is an operator's will, for which nobody waits.
    is_final: bool,
}

/// Waits until the agent may start, or says that it may not.
pub(super) fn leave(prepared: &Prepared<'_>, args: &MissionArgs, command: &Command) -> Result<Leave, Failed> {
    if home::is_off() {
        return Ok(Leave::Go(None));
    }
    let settings = prepared.settings;
    let circuit = circuit(prepared)?;
    let mut told: Option<String> = None;
    let mut warned = false;
    loop {
        let hindrance = pause(prepared, args).or_else(|| money(prepared, &mut warned));
        let hindrance = match hindrance {
            Some(hindrance) => hindrance,
            None => match circuit.permit_for(call(prepared, command)) {
                Ok(permit) => return Ok(Leave::Go(Some(Box::new(permit.keep_alive())))),
                Err(refusal) => refused(&refusal),
            },
        };
        if hindrance.is_final || args.no_wait {
            settings.console.error(format_args!("{}; no agent was started", hindrance.why));
            return Ok(Leave::Stay(ExitCode::Skipped));
        }
        let nap = hindrance.for_now.unwrap_or(LONGEST_NAP).clamp(Duration::from_millis(50), LONGEST_NAP);
        // The time that is left is part of what a circuit says: each kind of hindrance is told once.
        let kind = hindrance.why.split([',', ':']).next().unwrap_or_default().to_owned();
        if told.as_ref() != Some(&kind) {
            settings.console.note(format_args!("waiting: {}", hindrance.why));
            told = Some(kind);
        }
        if let Some(signal) = settings.interrupt().sleep(nap) {
            return Ok(Leave::Stay(ExitCode::signal(signal)));
        }
    }
}

fn circuit(prepared: &Prepared<'_>) -> Result<Circuit, Failed> {
    let project = &prepared.job.project.name;
    let name = CircuitName::new(&format!("{project}/agent")).map_err(|error| Failed::new(ExitCode::Usage, error))?;
    let policy = prepared.config.agent_circuit(project).policy;
    let board = prepared.settings.board_followed_by(&prepared.tracker);
    board.circuit_with(&name, policy).map_err(|error| Failed::new(ExitCode::Bug, error))
}

fn call(prepared: &Prepared<'_>, command: &Command) -> Call {
    let call = Call::default().of(Some(program::fingerprint(command))).in_run(Some(&prepared.run_id)).kept();
    match prepared.config.mission.timeout {
        Some(timeout) => call.limited_to(timeout, prepared.config.agent_circuit(&prepared.job.project.name).kill_after),
        None => call,
    }
}

fn refused(refusal: &Refusal) -> Hindrance {
    let is_final =
        matches!(&refusal.reason, RefusalReason::Skipped(skip) if matches!(skip.reason, SkipReason::SwitchedOff(_)));
    Hindrance { why: refusal.to_string(), for_now: refusal.retry_in, is_final }
}

/// A pause of this agent; of an agent that is not known, any. Pauses that cannot be read are told, and stop nobody.
fn pause(prepared: &Prepared<'_>, args: &MissionArgs) -> Option<Hindrance> {
    let agent = match args.job.agent {
        AgentKind::None => return None,
        AgentKind::Is(agent) => Some(agent),
        AgentKind::Auto => program_name(args).and_then(|name| match name.parse() {
            Ok(AgentKind::Is(agent)) => Some(agent),
            _ => None,
        }),
    };
    let pauses = Pauses::in_state_folder(&home::state_folder());
    let pause = match pauses.active(agent.map(Agent::as_str), now()) {
        Ok(pause) => pause?,
        Err(error) => {
            prepared.settings.complain("it is not known whether the agent is paused", &home::trouble(&error));
            return None;
        }
    };
    let file = pauses.file(&pause.agent);
    let why = format!(
        "{} is paused until {}, {}; to go on earlier, remove {}",
        pause.agent,
        pause.until,
        pause.why,
        file.display()
    );
    Some(Hindrance { why, for_now: Some(pause.until.since(now())), is_final: false })
}

fn program_name(args: &MissionArgs) -> Option<&str> {
    Path::new(args.command.first()?).file_name()?.to_str()
}

/// The money of the day, where it is limited.
fn money(prepared: &Prepared<'_>, warned: &mut bool) -> Option<Hindrance> {
    let most = prepared.config.mission.max_cost_per_day?;
    let stops = prepared.config.mission.on_unmeasured == OnUnmeasured::Stop;
    let (project, now) = (&prepared.job.project.name, now());
    let until_tomorrow = Some(Day::of(now).next().starts_at().since(now));
    let unknown = match spent(prepared) {
        Ok(spent) if spent.usd >= most => {
            let why = format!(
                "the missions of {project} have cost ${:.2} today, and max_cost_per_day is ${most:.2}",
                spent.usd
            );
            untold::spent(prepared.settings, project, &why);
            return Some(Hindrance { why, for_now: until_tomorrow, is_final: false });
        }
        Ok(Spent { unmeasured: 0, .. }) => return None,
        Ok(spent) => format!("what {} of today's missions of {project} cost is not known", spent.unmeasured),
        Err(error) => format!("what today's missions of {project} cost cannot be read: {error}"),
    };
    if stops {
        let why = format!("{unknown}, and on_unmeasured is \"stop\"");
        return Some(Hindrance { why, for_now: until_tomorrow, is_final: false });
    }
    if !std::mem::replace(warned, true) {
        prepared.settings.console.error(format_args!("{unknown}: max_cost_per_day holds for the others alone"));
    }
    None
}

struct Spent {
    usd: f64,
    /// Missions of which not everything is known.
    unmeasured: usize,
}

/// What the project's missions have cost since the local midnight.
fn spent(prepared: &Prepared<'_>) -> Result<Spent, LedgerError> {
    let (project, today) = (prepared.job.project.name.as_str(), Day::of(now()));
    let (midnight, tomorrow) = (today.starts_at(), today.next().starts_at());
    let mut usage = prepared.ledger.usage_since(midnight)?;
    // A clock that was ahead once must not count for ever.
    usage.retain(|row| row.project.as_deref() == Some(project) && row.at < tomorrow);
    let usd = usage.iter().filter_map(|row| row.usage.cost_usd).sum();
    let runs = prepared.ledger.runs(LOOKED_BACK)?;
    let of_today = runs
        .whole
        .iter()
        .filter(|run| run.head.project == project && (midnight..tomorrow).contains(&run.head.started_at));
    let over = of_today.filter(|run| run.may_have_used());
    let is_unmeasured = |run: &str| {
        let mut rows = usage.iter().filter(|row| row.run == run).peekable();
        rows.peek().is_none() || rows.any(|row| row.usage.cost_usd.is_none())
    };
    // Whose a damaged run is, and of which day, is not known either.
    let unmeasured = over.filter(|run| is_unmeasured(&run.head.id)).count() + runs.damaged.len();
    Ok(Spent { usd, unmeasured })
}
