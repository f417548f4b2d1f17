//! One step: admission by its circuit, the work, the verdict's bond, the report. Runs in a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fuseboard::decision::SkipReason;
use fuseboard::{Board, Call, CircuitName, FailureKind, Fingerprint, Kept, Permit, Refusal, RefusalReason};

use crate::attempt::{Attempt, no_verdict};
use crate::pipeline::{PlannedStep, Task};
use crate::process::{Command, Deadline, Interrupt};
use crate::program;
use crate::report::{Kind, Reason, Status, StepRow};
use crate::runner::Underway;
use crate::stamp::Stamp;
use crate::step::{Step, StepContext, StepError};

/// A step's work, as far as it can be made ready before its circuit is asked.
enum Ready<'a> {
    BuiltIn(&'a dyn Step),
    Command(Box<Command>),
    /// There is no place for the job's file.
    Unready(StepError),
}

/// Performs a step that nothing stands in the way of but its circuit and the deadline.
pub(crate) fn perform(run: &Underway, step: &PlannedStep, ended: &[StepRow], deadline: Deadline) -> StepRow {
    let mut row = StepRow::new(step.name(), step.declaration.kind, Status::Skipped);
    row.circuit = run.given.circuits.is_some().then(|| step.circuit.to_string());
    let atomic = matches!(&step.task, Task::BuiltIn(built_in) if built_in.is_atomic());
    let (never, circuits_so_far) = (Interrupt::never(), run.given.tracker.changes());
    let timeout = Deadline::after_any(step.settings.timeout);
    let context = StepContext {
        name: step.name(),
        run: &run.given.id,
        job: &run.given.job,
        deadline: if atomic { timeout } else { timeout.or_earlier(deadline) },
        interrupt: if atomic { &never } else { &run.given.interrupt },
        state_folder: &run.given.state_folder,
        config_folder: &run.given.config_folder,
        ended,
        circuits: &circuits_so_far,
        before: &run.given.before,
        ledger: &*run.given.ledger,
        redactor: &run.given.redactor,
    };
    if deadline.has_passed() || (atomic && !fits(step, deadline)) {
        let reason = run.given.circuits.as_ref().and_then(|board| foreseen_reason(board, step));
        row.reason = Some(reason.unwrap_or(Reason::Deadline));
        no_verdict(&mut row, "the deadline left no time");
        leave_out(step, &context, &mut row);
        return row;
    }
    let work = match &step.task {
        Task::BuiltIn(built_in) => Ready::BuiltIn(&**built_in),
        Task::Command(words) => match context.command(&words[0]) {
            Ok(command) => {
                let command = command.args(&words[1..]).timeout(step.settings.timeout);
                Ready::Command(Box::new(command.kill_after(step.settings.kill_after)))
            }
            Err(error) => Ready::Unready(error),
        },
    };
    let program = match &work {
        Ready::Command(command) => Some(program::fingerprint(command)),
        Ready::BuiltIn(_) | Ready::Unready(_) => None,
    };
    let circuits = run.given.circuits.as_ref();
    let permit = match circuits.map(|board| admit(run, board, step, program.as_ref())).transpose() {
        Ok(permit) => permit,
        Err(why) => {
            denied(run, step, why, &mut row);
            leave_out(step, &context, &mut row);
            return row;
        }
    };
    row.status = Status::Running;
    run.note(&row);
    let started = run.now();
    let attempt = match work {
        Ready::Command(command) => run_command(run, step, &command, deadline),
        Ready::Unready(error) => Attempt::of_built_in(Err(error), row.kind, false, false),
        Ready::BuiltIn(built_in) => {
            let result = catch_unwind(AssertUnwindSafe(|| built_in.run(&context)));
            let result = result
                .unwrap_or_else(|panic| Err(StepError::of(FailureKind::Panic, fuseboard::panic_message(&*panic))));
            Attempt::of_built_in(result, row.kind, timeout.has_passed(), run.given.interrupt.signal().is_some())
        }
    };
    row.duration_ms = Some(u64::try_from(run.now().since(started).as_millis()).unwrap_or(u64::MAX));
    conclude(run, step, attempt, permit, &mut row);
    row
}

/// Binds a verdict to the commit, tells the circuit, writes the row.
fn conclude(run: &Underway, step: &PlannedStep, attempt: Attempt, permit: Option<Permit>, row: &mut StepRow) {
    let mut unbound = attempt.is_pass().then(|| run.check_tree().err()).flatten();
    let outcome = attempt.outcome(step, unbound.is_some());
    let kept = permit.map(|permit| permit.settle(&outcome).kept);
    if attempt.is_pass() && unbound.is_none() {
        unbound = match kept {
            Some(Kept::Lost { error, .. }) => Some(format!("the state cannot be written: {error}")),
            Some(Kept::Stored | Kept::Deferred | Kept::InMemory) | None => (run.given.damage)(),
        };
    }
    let passes = attempt.is_pass() && unbound.is_none();
    attempt.write(row, step, unbound);
    if row.kind == Kind::Gate && row.evaluated == Some(true) && (passes || row.status == Status::Success) {
        row.commit.clone_from(&run.tree_state.commit);
    }
    if matches!(row.status, Status::Failed | Status::TimedOut) {
        circuit_state(run, &step.circuit, row);
    }
}

fn run_command(run: &Underway, step: &PlannedStep, command: &Command, deadline: Deadline) -> Attempt {
    let ended = crate::process::run(command, &run.given.interrupt, deadline);
    Attempt::of_command(&ended, step, &run.given.redactor)
}

fn admit(run: &Underway, board: &Board, step: &PlannedStep, program: Option<&Fingerprint>) -> Result<Permit, Denied> {
    let mut call = Call::default().of(Some(step.fingerprint(program))).in_run(Some(&run.given.id)).kept();
    if let Some(timeout) = step.settings.timeout {
        call = call.limited_to(timeout, step.settings.kill_after);
    }
    let unusable = |error: fuseboard::CircuitError| Denied::Error(error.to_string());
    let permit = match step.declaration.kind {
        Kind::Gate => board.gate_with(&step.circuit, step.settings.policy).map_err(unusable)?.permit_for(call),
        Kind::Recorder | Kind::Action => {
            board.circuit_with(&step.circuit, step.settings.policy).map_err(unusable)?.permit_for(call)
        }
    };
    permit.map(Permit::keep_alive).map_err(Denied::Refused)
}

/// Lets a built-in step that does not run keep what must not be lost.
fn leave_out(step: &PlannedStep, context: &StepContext<'_>, row: &mut StepRow) {
    if let Task::BuiltIn(built_in) = &step.task
        && let Ok(Some(said)) = catch_unwind(AssertUnwindSafe(|| built_in.left_out(context)))
    {
        row.detail = Some(match row.detail.take() {
            Some(detail) => format!("{detail}; {said}"),
            None => said,
        });
    }
}

/// Why a step does not start.
enum Denied {
    Refused(Refusal),
    /// Another step has the same circuit with another policy.
    Error(String),
}

fn denied(run: &Underway, step: &PlannedStep, denied: Denied, row: &mut StepRow) {
    let refusal = match denied {
        Denied::Refused(refusal) => refusal,
        Denied::Error(message) => {
            return Attempt::of_built_in(Err(StepError::new(message)), row.kind, false, false).write(row, step, None);
        }
    };
    no_verdict(row, &refusal.to_string());
    match &refusal.reason {
        RefusalReason::StoreLost(error) => {
            (row.status, row.failure) = (Status::Failed, Some(FailureKind::Error.to_string()));
            row.detail = Some(format!("the state cannot be used: {error}"));
        }
        RefusalReason::Skipped(skip) => row.reason = Some(skip_reason(&skip.reason)),
    }
    circuit_state(run, &step.circuit, row);
}

fn skip_reason(reason: &SkipReason) -> Reason {
    match reason {
        SkipReason::SwitchedOff(_) => Reason::SwitchedOff,
        SkipReason::Open { .. } | SkipReason::ProbeOut { .. } => Reason::CircuitOpen,
    }
}

/// What the circuit would say to a step for which there is no time: that comes first as a reason.
fn foreseen_reason(board: &Board, step: &PlannedStep) -> Option<Reason> {
    let view = board.view(&step.circuit).ok().flatten()?;
    let circuit = board.circuit_with(&step.circuit, step.settings.policy).ok()?;
    if circuit.would_run().unwrap_or(true) {
        return None;
    }
    Some(if view.switch.is_some() { Reason::SwitchedOff } else { Reason::CircuitOpen })
}

/// When the step's circuit will be probed, and what broke it.
fn circuit_state(run: &Underway, circuit: &CircuitName, row: &mut StepRow) {
    let Some(board) = &run.given.circuits else { return };
    if let Ok(Some(view)) = board.view(circuit) {
        row.probe_at = view.probe_at.map(Stamp::from);
        row.last_error = view.last_failure.map(|(_, message, _)| message);
    }
}

fn fits(step: &PlannedStep, deadline: Deadline) -> bool {
    deadline.remaining().zip(step.settings.timeout).is_none_or(|(left, needed)| needed <= left)
}
