//! Built-in gates and actions, made up for these tests: no action runs unless each gate that it names passed.

mod runner_stage;

use std::time::Duration;

use fuseboard::FailureKind;
use fuseboard::record::Position;
use fuseboard_pipeline::report::{Kind, Reason, RunResult, Status, StepRow, VerdictWord};
use fuseboard_pipeline::step::{Answer, StepContext, StepError, Told};
use fuseboard_pipeline::tree::TreeState;
use runner_stage::{Stage, Work};

type Expected = (Status, Option<Reason>, Option<&'static str>);

const FAILED: Status = Status::Failed;
const ERROR: Option<&str> = Some("error");

#[expect(clippy::unnecessary_wraps, reason = "a step's work may fail")]
fn pass(_: &StepContext<'_>) -> Result<Answer, StepError> {
    Ok(Answer::Pass(Told::default()))
}

/// Works until its end comes, as a well-behaved step does.
fn until_cut(context: &StepContext<'_>) -> Result<Answer, StepError> {
    while !context.deadline.has_passed() {
        std::thread::sleep(Duration::from_millis(5));
    }
    Err(StepError::cut("was at file 3"))
}

fn assert_blocked(what: &str, stage: &Stage, expected: Expected, evaluated: bool, why: &str) {
    let report = stage.run();
    let row = |name| report.steps.iter().find(|row| row.name == name).unwrap();
    let (gate, action): (&StepRow, &StepRow) = (row("tests"), row("hooks"));
    assert!(!stage.acted(), "PASSED: {what}: {gate:?}");
    assert_eq!((gate.status, gate.reason, gate.failure.as_deref()), expected, "{what}: {gate:?}");
    assert_eq!((gate.verdict, gate.evaluated), (Some(VerdictWord::Block), Some(evaluated)), "{what}: {gate:?}");
    assert!(gate.why.as_ref().is_some_and(|said| said.contains(why)), "{what}: {gate:?}");
    assert_eq!((action.status, action.reason), (Status::Skipped, Some(Reason::GateBlocked)), "{what}: {action:?}");
    let blocked = &action.blocked_by.as_ref().unwrap()[0];
    assert_eq!((blocked.gate.as_str(), blocked.evaluated), ("tests", evaluated), "{what}: {blocked:?}");
    assert_eq!((report.exit_code, report.result), (77, RunResult::Blocked), "{what}");
}

#[test]
fn a_gate_that_did_not_say_pass_blocks() {
    let cases: [(&str, Work, Expected, bool, &str); 8] = [
        (
            "block",
            |_| Ok(Answer::Block { why: "3 failed".to_owned(), told: Told::default() }),
            (Status::Success, None, None),
            true,
            "3 failed",
        ),
        ("an error", |_| Err(StepError::new("disk full")), (FAILED, None, ERROR), false, "disk full"),
        ("a kind of error", |_| Err(StepError::of(FailureKind::Exit, "no")), (FAILED, None, Some("exit")), false, "no"),
        ("a panic", |_| panic!("out of {}", "bounds"), (FAILED, None, Some("panic")), false, "out of bounds"),
        ("a panic without words", |_| std::panic::panic_any(7), (FAILED, None, Some("panic")), false, "no verdict"),
        (
            "not applicable",
            |_| Ok(Answer::NotApplicable("no tests here".to_owned())),
            (Status::NotApplicable, None, None),
            false,
            "no tests here",
        ),
        (
            "an answer that is no gate's",
            |_| Ok(Answer::Done(Told::default())),
            (FAILED, None, ERROR),
            false,
            "no verdict",
        ),
        (
            "a refusal, which is an action's",
            |_| Ok(Answer::Refused("not today".to_owned())),
            (FAILED, None, ERROR),
            false,
            "no verdict",
        ),
    ];
    for (what, work, expected, evaluated, why) in cases {
        assert_blocked(what, &Stage::new("", work), expected, evaluated, why);
    }
}

#[test]
fn a_gate_whose_end_came_first_blocks() {
    let timeout = Stage::new("timeout = '100ms'", until_cut);
    assert_blocked("timeout", &timeout, (Status::TimedOut, None, Some("timeout")), false, "timed out after 100ms");
    let cut = Stage::new("", until_cut).with_section("[pipeline]\ndeadline = '200ms'");
    assert_blocked("deadline", &cut, (Status::TimedOut, Some(Reason::Deadline), None), false, "deadline");
    let late = Stage::new("after = ['usage']", pass).with_section(
        "[pipeline]\ndeadline = '200ms'\n[[step]]\nname = 'usage'\nkind = 'recorder'\nrun = ['sleep', '20']",
    );
    assert_blocked("no time left", &late, (Status::Skipped, Some(Reason::Deadline), None), false, "deadline");
}

#[test]
fn a_gate_that_was_not_asked_blocks() {
    let skipped = |reason| (Status::Skipped, Some(reason), None);
    let disabled = Stage::new("enabled = false", pass);
    assert_blocked("disabled", &disabled, skipped(Reason::Disabled), false, "disabled");
    let mut left_out = Stage::new("", pass);
    left_out.selection.skip = vec!["tests".to_owned()];
    assert_blocked("--skip", &left_out, skipped(Reason::NotSelected), false, "not selected");
    let mut passed_over = Stage::new("", pass);
    passed_over.selection.only = vec!["hooks".to_owned()];
    assert_blocked("--only", &passed_over, skipped(Reason::NotSelected), false, "not selected");
    let mut failed = Stage::new("", pass);
    failed.job.succeeded = false;
    let report = failed.run();
    let reasons: Vec<_> = report.steps.iter().map(|row| row.reason).collect();
    assert!(!failed.acted() && reasons == [Some(Reason::JobFailed); 2], "{reasons:?}");
    assert_eq!(report.exit_code, 0, "left out because the job failed: no block");
}

#[test]
fn a_gate_that_its_circuit_keeps_back_blocks_and_switched_on_it_has_to_pass() {
    let switched = |work, position| {
        let stage = Stage::new("", work);
        stage.board().operator("me").switch(&Stage::circuit(), position, "because", None).unwrap();
        stage
    };
    let off = switched(pass, Position::Off);
    assert_blocked("off", &off, (Status::Skipped, Some(Reason::SwitchedOff), None), false, "because");
    let on = switched(|_| Err(StepError::new("broken")), Position::On);
    assert_blocked("on", &on, (FAILED, None, ERROR), false, "broken");
    let open = Stage::new("", |_| Err(StepError::new("broken")));
    for _ in 0..2 {
        assert_blocked("failing", &open, (FAILED, None, ERROR), false, "broken");
    }
    assert_blocked("open", &open, (Status::Skipped, Some(Reason::CircuitOpen), None), false, "circuit open");
}

#[test]
fn a_pass_that_cannot_be_bound_to_the_commit_blocks() {
    let problem = |problem: &str| TreeState { commit: Some("abc".into()), problem: Some(problem.into()) };
    let mut dirty = Stage::new("", pass);
    dirty.tree.start = problem("changes that are not committed: x");
    assert_blocked("dirty", &dirty, (FAILED, None, ERROR), false, "not committed: x");
    let mut moved = Stage::new("", pass);
    moved.tree.end = Err("the commit changed".to_owned());
    assert_blocked("moved", &moved, (FAILED, None, ERROR), false, "the commit changed");
    let view = moved.board().view(&Stage::circuit()).unwrap().unwrap();
    assert_eq!((view.totals.ignored, view.failures), (1, 0), "it tells nothing of the gate");
}

#[test]
fn a_pass_in_a_run_that_found_its_store_damaged_blocks() {
    let mut damaged = Stage::new("", pass);
    damaged.damage = Some("set aside");
    assert_blocked("damaged", &damaged, (FAILED, None, ERROR), false, "set aside");
    let lost = Stage::new("", pass).without_a_store();
    assert_blocked("lost", &lost, (FAILED, None, ERROR), false, "cannot be read");
}

#[test]
fn an_action_needs_one_gate_that_was_really_asked() {
    let absent: Work = |_| Ok(Answer::NotApplicable("none".to_owned()));
    let alone = Stage::new("if_absent = 'pass'", absent);
    let report = alone.run();
    let (gate, action) = (&report.steps[0], &report.steps[1]);
    assert_eq!(
        (gate.status, gate.verdict, gate.evaluated),
        (Status::NotApplicable, Some(VerdictWord::Pass), Some(true))
    );
    assert_eq!(gate.why.as_deref(), Some("not applicable, declared to pass"));
    assert!(!alone.acted() && action.reason == Some(Reason::GateBlocked), "{action:?}");
    let other = "[[step]]\nname = 'other'\nkind = 'gate'\nrun = ['true']";
    let both = Stage::new("if_absent = 'pass'", absent).with_section(other).gated_by("'tests', 'other'");
    assert_eq!((both.run().exit_code, both.acted()), (0, true));
}

#[test]
fn a_pass_lets_the_action_run_and_says_on_which_commit() {
    let stage = Stage::new("", pass);
    let report = stage.run();
    let gate = &report.steps[0];
    assert_eq!((gate.kind, gate.status, gate.verdict), (Kind::Gate, Status::Success, Some(VerdictWord::Pass)));
    assert_eq!((gate.commit.as_deref(), gate.evaluated, report.exit_code), (Some("abc"), Some(true), 0));
    assert!(stage.acted());
}

#[test]
fn switched_off_altogether_gates_count_and_no_row_names_a_circuit() {
    for (work, code, acted) in
        [(pass as Work, 0, true), (|_| Ok(Answer::Block { why: "no".to_owned(), told: Told::default() }), 77, false)]
    {
        let stage = Stage::new("", work).without_circuits();
        let report = stage.run();
        assert_eq!((report.exit_code, stage.acted()), (code, acted));
        assert!(report.steps.iter().all(|row| row.circuit.is_none()), "{:?}", report.steps);
    }
}

#[test]
fn an_action_that_refuses_gives_an_answer_and_one_that_must_not_be_cut_needs_its_time() {
    for (required, code) in [(false, 0), (true, 1)] {
        let refused: Work = |_| Ok(Answer::Refused("HEAD moved".to_owned()));
        let mut stage = Stage::new("", pass).action(refused, &format!("required = {required}"));
        let report = stage.run();
        let row = &report.steps[1];
        assert_eq!((row.status, row.reason), (Status::Skipped, Some(Reason::Refused)));
        assert_eq!((row.detail.as_deref(), report.exit_code), (Some("HEAD moved"), code));
        stage.atomic = true;
        let stage = stage.with_section("[pipeline]\ndeadline = '30s'").action(pass, "timeout = '40s'");
        let report = stage.run();
        assert_eq!((report.steps[1].reason, report.exit_code), (Some(Reason::Deadline), 124), "{:?}", report.steps[1]);
    }
}

/// It takes its ten seconds: a step that heeds nothing is given up only long after its end has come.
#[test]
fn a_gate_that_hangs_is_left_behind_and_blocks() {
    let hang: Work = |context| {
        std::thread::sleep(Duration::from_secs(60));
        pass(context)
    };
    let own = Stage::new("timeout = '100ms'", hang).with_section("[circuits.tests]\nkill_after = '10ms'");
    let deadline =
        Stage::new("", hang).with_section("[circuits.tests]\nkill_after = '10ms'\n[pipeline]\ndeadline = '100ms'");
    std::thread::scope(|scope| {
        scope.spawn(|| assert_blocked("own", &own, (Status::TimedOut, None, Some("timeout")), false, "it hangs"));
        scope.spawn(|| {
            let expected = (Status::TimedOut, Some(Reason::Deadline), None);
            assert_blocked("deadline", &deadline, expected, false, "it hangs");
        });
    });
}
