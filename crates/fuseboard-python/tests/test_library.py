"""Boards, circuits, permits, policies, gates, and what tests get."""

import asyncio
import copy
import pickle
from pathlib import Path
from typing import Any

import pytest
from conftest import failing

from fuseboard import Board, Circuit, CircuitBreaker, CircuitOpen, FuseboardError, Policy, StoreError, Verdict, guard
from fuseboard.testing import Stage


def opened(board: Board, name: str = "chat") -> Circuit:
    circuit = board.circuit(name)
    for _ in range(2):
        circuit.record_failure("connection refused")
    return circuit


def test_a_circuit_runs_its_work_and_raises_what_it_raises(store: str | None) -> None:
    circuit = Board(store).circuit("parse")
    assert circuit.run(int, "ff", base=16) == 255
    for _ in range(2):
        with pytest.raises(ValueError):
            circuit.run(int, "x")
    with pytest.raises(CircuitOpen) as skipped:
        circuit.run(int, "1")
    assert skipped.value.circuit == "parse" and skipped.value.retry_in is not None
    assert 250 < skipped.value.retry_in < 350


def test_a_coroutine_that_nobody_awaits_is_refused_with_what_to_write() -> None:
    async def later() -> int:
        return 1

    with pytest.raises(TypeError, match="@guard"):
        Board().circuit("later").run(later)  # type: ignore[unused-coroutine]


def test_a_permit_settles_itself_at_the_end_of_a_block(store: str | None) -> None:
    board = Board(store, exact_totals=True)
    circuit = board.circuit("upload")
    with circuit.permit() as permit:
        assert not permit.is_probe
    with pytest.raises(OSError), circuit.permit():
        raise OSError("disk full")
    with pytest.raises(KeyboardInterrupt), circuit.permit():
        raise KeyboardInterrupt
    with circuit.permit() as permit:
        permit.failure("not quite")
    with pytest.raises(RuntimeError, match="settled already"):
        permit.success()
    with pytest.raises(CircuitOpen), circuit.permit():
        pass
    view = board.view("upload")
    assert view is not None
    assert view.totals == {"success": 1, "failure": 2, "timeout": 0, "skipped": 1, "ignored": 1, "late": 0}


def test_a_view_tells_how_it_is(store: str | None) -> None:
    board = Board(store)
    assert board.view("chat") is None and board.views() == []
    opened(board)
    [view] = board.views()
    assert (view.name, view.state, view.is_open, view.failures, view.trips) == ("chat", "open", True, 2, 1)
    assert view.last_error == "connection refused" and view.probe_at is not None and view.since is not None
    assert 250 < view.probe_at - view.since < 350
    assert repr(view) == 'View(name="chat", state="open", failures=2, skips=0)'


def test_an_operator_overrules_a_circuit(store: str | None) -> None:
    board = Board(store)
    chat = opened(board)
    assert board.probe("chat") and chat.would_run()
    assert not board.probe("nothing-there")
    board.reset("chat")
    board.switch("chat", "off", "being moved", 60, by="ada")
    view = board.view("chat")
    assert not chat.would_run() and view is not None and view.switch == "off"
    with pytest.raises(CircuitOpen, match="switched off for .* by ada: being moved"):
        chat.run(int)
    board.switch("chat", "auto")
    assert chat.would_run()
    with pytest.raises(ValueError, match="no position"):
        board.switch("chat", "sideways")  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_observer_is_told_of_each_transition_and_harms_nobody() -> None:
    told: list[tuple[str, str | None, int | None, str | None]] = []

    def observer(kind: str, circuit: str | None, failures: int | None, error: str | None, text: str) -> None:
        told.append((kind, circuit, failures, error))
        if kind == "opened":
            assert "circuit OPEN after 2 failures" in text
            raise RuntimeError("an observer fails")

    board = Board(observer=observer)
    chat = opened(board)
    with pytest.raises(CircuitOpen):
        chat.run(int)
    board.reset("chat")
    assert told == [
        ("failed", "chat", None, "connection refused"),
        ("opened", "chat", 2, "connection refused"),
        ("reset", "chat", None, None),
    ]


@pytest.mark.parametrize("name", ["", "Chat", "a b", "a/b/c", "x" * 65])
def test_a_bad_name_is_refused(name: str) -> None:
    for ask in (Board().circuit, Board().gate, Board().view, Board().reset):
        with pytest.raises(ValueError, match="is no circuit name"):
            ask(name)


def test_one_name_has_one_policy() -> None:
    board = Board()
    board.circuit("chat", Policy(trip_after=5))
    assert board.circuit("chat", Policy(trip_after=5)).policy.trip_after == 5
    with pytest.raises(ValueError, match="another policy"):
        board.circuit("chat")


def test_a_store_that_cannot_be_used_never_stops_the_work_but_a_gate(tmp_path: Any) -> None:
    (tmp_path / "file").write_text("no folder")
    board = Board(f"sqlite:{tmp_path}/file/state.db")
    assert board.circuit("chat").run(int, "7") == 7
    verdict = board.gate("review").judge(Verdict.allow)
    assert not verdict.passed and not verdict.evaluated
    with pytest.raises(StoreError):
        board.reset("chat")


def test_the_decorator_gives_a_default_or_raises() -> None:
    board = Board()

    @guard(board.circuit("defaults"), default_factory=dict)
    def given() -> dict[str, int]:
        raise OSError("disk full")

    raising = guard(board.circuit("raises"))(failing)
    assert [given() for _ in range(3)] == [{}, {}, {}]
    for _ in range(2):
        with pytest.raises(OSError):
            raising()
    with pytest.raises(CircuitOpen):
        raising()


def test_a_bug_of_the_library_is_an_exception_like_any_other(fuseboard_stage: Stage) -> None:
    # No clock on a wall shows a time so far away, and the library's own one panics.
    with pytest.raises(FuseboardError, match="a bug in fuseboard, which panicked: .*; please report it"):
        fuseboard_stage.clock.advance(1e19)
    assert fuseboard_stage.board.circuit("chat").run(int, "7") == 7, "nothing is left locked"


# Policies


def test_a_policy_has_the_librarys_defaults() -> None:
    policy = Policy()
    assert (policy.trip_after, policy.cool_down, policy.cool_down_max, policy.jitter) == (2, 300.0, 21600.0, 0.1)
    assert (policy.rate, policy.slow_after, policy.probes, policy.lease, policy.observe) == (None, None, 1, 600.0, False)
    assert Policy.for_requests().rate == (0.5, 20, 10.0)


@pytest.mark.parametrize(
    "wrong", [{"trip_after": 0}, {"cool_down": -1.0}, {"cool_down": float("nan")}, {"jitter": 2.0}, {"probes": 0}]
)
def test_a_policy_that_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, OverflowError)):
        Policy(**wrong)


@pytest.mark.parametrize(
    "policy",
    [
        Policy(),
        Policy(trip_after=7, cool_down=None, observe=True),
        Policy(rate=(0.25, 8, 30.0), slow_after=1.5, cool_down=10.0, cool_down_max=60.0, jitter=0.0, probes=3),
        Policy.for_requests(),
    ],
)
def test_policies_are_pickled_copied_compared_and_hashed(policy: Policy) -> None:
    for again in (pickle.loads(pickle.dumps(policy)), copy.copy(policy), copy.deepcopy(policy)):
        assert again == policy and hash(again) == hash(policy) and repr(again) == repr(policy)
    assert policy != Policy(trip_after=99)
    assert eval(repr(policy).replace("trip_after=None, ", "")) == policy


# Gates


def test_a_gate_passes_only_what_its_evaluator_passed(store: str | None) -> None:
    gate = Board(store).gate("review")
    assert gate.judge(Verdict.allow).passed
    blocked = gate.judge(lambda why: Verdict.block(why), why="3 secrets")
    assert (blocked.passed, blocked.why, blocked.evaluated) == (False, "3 secrets", True)
    for nothing in (lambda: True, lambda: None, lambda: "pass"):
        verdict = gate.judge(nothing)  # type: ignore[arg-type]
        assert not verdict.passed and not verdict.evaluated
    open_ = gate.judge(Verdict.allow)
    assert not open_.passed and not open_.evaluated, "it failed, and is open by now"


def test_an_evaluator_that_fails_blocks_and_one_that_is_interrupted_goes_on() -> None:
    board = Board()
    gate = board.gate("review")
    verdict = gate.judge(failing)  # type: ignore[arg-type]
    assert not verdict.passed and verdict.why == "no verdict: disk full"

    def interrupted() -> Verdict:
        raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            gate.judge(interrupted)
    view = board.view("review")
    assert view is not None and (view.state, view.failures) == ("closed", 1)


def test_a_verdict_is_neither_true_nor_false() -> None:
    for verdict in (Verdict.allow(), Verdict.block("no")):
        with pytest.raises(TypeError, match="look at verdict.passed"):
            bool(verdict)
    assert Verdict.allow() == Verdict.allow() != Verdict.block("no")


# Tests of others


def test_the_fixture_gives_a_fresh_board_and_a_clock(fuseboard_stage: Stage) -> None:
    chat = opened(fuseboard_stage.board)
    fuseboard_stage.clock.advance(299.9)
    assert not chat.would_run()
    fuseboard_stage.clock.advance(0.1)
    assert chat.run(lambda: "works again") == "works again"
    with pytest.raises(ValueError):
        fuseboard_stage.clock.advance(-1)


def test_the_fixture_is_fresh_each_time(fuseboard_stage: Stage) -> None:
    assert fuseboard_stage.board.views() == []


def test_exceptions_that_are_to_be_ignored_say_nothing_of_the_work() -> None:
    board = Board(policy=Policy(trip_after=1), exact_totals=True)
    users = board.circuit("users", ignore=(KeyError, FileNotFoundError))
    for _ in range(3):
        with pytest.raises(KeyError):
            users.run(dict[str, int]().__getitem__, "ada")
        with pytest.raises(FileNotFoundError), users.permit():
            open("/nowhere")
    view = board.view("users")
    assert view is not None and (view.totals["ignored"], view.failures, view.is_open) == (6, 0, False)

    @guard(users)
    async def later() -> None:
        raise KeyError("ada")

    with pytest.raises(KeyError):
        asyncio.run(later())
    assert users.would_run()
    with pytest.raises(ValueError):
        users.run(int, "x")
    assert not users.would_run()


@pytest.mark.parametrize("wrong", [int, "KeyError", (KeyError, "x"), KeyError("x")])
def test_what_is_no_exception_cannot_be_ignored(wrong: Any) -> None:
    with pytest.raises(TypeError, match="an exception type or a tuple of them"):
        Board().circuit("users", ignore=wrong)


def test_the_circuits_of_a_group_inherit_its_policy() -> None:
    board = Board()
    board.group("mail", Policy(trip_after=5))
    assert board.circuit("mail/smtp").policy.trip_after == 5
    assert board.circuit("mail/imap", Policy(trip_after=1)).policy.trip_after == 1
    assert board.circuit("chat").policy.trip_after == 2
    with pytest.raises(ValueError, match="mail"):
        board.group("mail", Policy(trip_after=6))


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"cool_down": -1}, "cool_down must be a time in seconds that is not negative, not -1"),
        ({"lease": float("nan")}, "lease must be a time in seconds"),
        ({"trip_after": -1}, "trip_after must be at least 1"),
        ({"trip_after": 0}, "trip_after must be at least 1"),
        ({"probes": 2**40}, "probes must be at least 1 and at most"),
        ({"rate": (0.5, -2, 10)}, "rate's second number must be at least 1"),
        ({"rate": (0.5, 2, -10)}, "rate's third number must be a time"),
    ],
)
def test_a_policy_says_what_of_it_is_wrong(keywords: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Policy(**keywords)


def test_what_is_no_store_and_no_circuit_is_told_with_what_to_write(tmp_path: Path) -> None:
    wrong: Any = tmp_path / "state.db"
    with pytest.raises(TypeError, match=r'as a text, not as .*state\.db.*; write "sqlite:/path/state\.db"'):
        Board(wrong)
    with pytest.raises(TypeError, match=r"write @guard\(board\.circuit\(\"name\"\)\), not"):
        guard(wrong)
    with pytest.raises(TypeError, match=r"write @breaker\.guard\(\"name\"\), not"):
        CircuitBreaker().guard(wrong)


def test_a_skip_is_raised_under_the_name_that_the_caller_gave() -> None:
    @CircuitBreaker(threshold=1, log_fn=str).guard("_update Stats", reraise=True)
    def update() -> None:
        raise OSError("down")

    with pytest.raises(OSError):
        update()
    with pytest.raises(CircuitOpen, match="^_update Stats: circuit open") as raised:
        update()
    assert raised.value.circuit == "_update Stats"
