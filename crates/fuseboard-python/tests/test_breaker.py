"""`CircuitBreaker`, in memory and on a file: its interface, and every line that it tells."""

import copy
import gc
import inspect
import logging
import pickle
import time
import weakref
from pathlib import Path
from typing import Any

import pytest
from conftest import Lines, failing

import fuseboard
from fuseboard import CircuitBreaker, CircuitOpen


def guarded(breaker: CircuitBreaker, **options: Any) -> Any:
    return breaker.guard("cost", **options)(failing)


def test_two_failures_in_a_row_open_it_and_each_line_is_told_once(breaker: CircuitBreaker, lines: Lines) -> None:
    cost = guarded(breaker, default=0)
    assert [cost() for _ in range(43)] == [0] * 43
    assert lines == [
        "[circuit_breaker] cost failed: disk full",
        "[circuit_breaker] cost: circuit OPEN after 2 failures (last: disk full)",
        "[circuit_breaker] cost: circuit OPEN, skipped 1 call(s) (last error: disk full)",
        "[circuit_breaker] cost: circuit OPEN, skipped 20 call(s) (last error: disk full)",
        "[circuit_breaker] cost: circuit OPEN, skipped 40 call(s) (last error: disk full)",
    ]


def test_what_is_open_is_not_run(breaker: CircuitBreaker) -> None:
    calls = []

    @breaker.guard("cost")
    def record(row: int) -> None:
        calls.append(row)
        raise OSError("disk full")

    assert [record(row) for row in range(5)] == [None] * 5
    assert calls == [0, 1]


def test_failures_count_only_in_a_row(breaker: CircuitBreaker) -> None:
    @breaker.guard("parse", default=-1)
    def parse(text: str) -> int:
        return int(text)

    assert [parse(text) for text in ["a", "1", "b", "2", "c"]] == [-1, 1, -1, 2, -1]
    assert not breaker.is_open("parse")
    assert breaker.failures == {"parse": 1}


def test_a_threshold_of_one_opens_at_once(lines: Lines) -> None:
    breaker = CircuitBreaker(threshold=1, log_prefix="side", log_fn=lines.append, skip_log_interval=2)
    cost = guarded(breaker)
    for _ in range(4):
        cost()
    assert lines == [
        "[side] cost: circuit OPEN after 1 failures (last: disk full)",
        "[side] cost: circuit OPEN, skipped 1 call(s) (last error: disk full)",
        "[side] cost: circuit OPEN, skipped 2 call(s) (last error: disk full)",
    ]


def test_it_never_heals_by_itself_unless_told_after_how_long(store: str | None, lines: Lines) -> None:
    never = CircuitBreaker(threshold=1, log_fn=lines.append, store=store)
    never.record_failure("never", "down")
    soon = CircuitBreaker(threshold=1, reset_after=0.02, log_fn=lines.append, store=store)
    soon.record_failure("soon", "down")
    assert never.is_open("never") and soon.is_open("soon")
    time.sleep(0.05)  # a cool-down in real time: this face of it takes no clock
    assert never.is_open("never")
    assert not soon.is_open("soon"), "a probe would run"
    assert soon.guard("soon")(lambda: 7)() == 7
    assert "soon" not in soon.open_circuits


def test_outcomes_may_be_told_by_hand(breaker: CircuitBreaker, lines: Lines) -> None:
    breaker.record_failure("chat", OSError("refused"))
    breaker.record_failure("chat", "refused again")
    assert breaker.is_open("chat")
    assert breaker.open_circuits == {"chat": "refused again"}
    assert breaker.failures == {"chat": 2} == breaker._failures
    breaker.record_success("chat")
    assert not breaker.is_open("chat")
    assert (breaker.open_circuits, breaker.failures) == ({}, {})
    assert lines.take() == [
        "[circuit_breaker] chat failed: refused",
        "[circuit_breaker] chat: circuit OPEN after 2 failures (last: refused again)",
    ]


def test_a_reset_closes_one_or_all(breaker: CircuitBreaker) -> None:
    for name in ["a", "b", "c"]:
        for _ in range(2):
            breaker.record_failure(name, "down")
    breaker.reset("a")
    assert sorted(breaker.open_circuits) == ["b", "c"]
    breaker.reset()
    assert breaker.open_circuits == {}


def test_a_default_is_given_and_a_factory_makes_one_for_each_use(breaker: CircuitBreaker) -> None:
    given = guarded(breaker, default={"rows": 0})
    assert given() is given()
    made = breaker.guard("lists", default_factory=list)(failing)
    first, second = made(), made()
    assert first == second == [] and first is not second
    assert made() == [], "skipped, and made afresh as well"


def test_both_defaults_at_once_are_refused(breaker: CircuitBreaker) -> None:
    with pytest.raises(ValueError, match="^Cannot specify both default and default_factory$"):
        breaker.guard("cost", default=None, default_factory=list)


def test_reraise_raises_the_failure_and_then_the_skip(breaker: CircuitBreaker) -> None:
    cost = guarded(breaker, reraise=True)
    for _ in range(2):
        with pytest.raises(OSError, match="disk full"):
            cost()
    with pytest.raises(CircuitOpen) as skipped:
        cost()
    assert (skipped.value.circuit, skipped.value.last_error, skipped.value.skips) == ("cost", "disk full", 1)
    assert skipped.value.retry_in is None, "it never heals by itself"


def test_reraise_with_a_default_raises_failures_and_gives_the_default_for_skips(breaker: CircuitBreaker) -> None:
    cost = guarded(breaker, reraise=True, default=7)
    for _ in range(2):
        with pytest.raises(OSError):
            cost()
    assert cost() == 7


def test_the_function_keeps_its_name_its_signature_and_its_arguments(breaker: CircuitBreaker) -> None:
    @breaker.guard("area")
    def area(width: int, height: int = 2, *rest: int, unit: str = "m") -> str:
        """How large it is."""
        return f"{width * height}{unit}{rest}"

    assert area(3, 4, 5, unit="km") == "12km(5,)"
    assert (area.__name__, area.__doc__) == ("area", "How large it is.")
    assert list(inspect.signature(area).parameters) == ["width", "height", "rest", "unit"]


def test_methods_are_guarded_too(breaker: CircuitBreaker) -> None:
    class Ledger:
        def __init__(self) -> None:
            self.rows = 0

        @breaker.guard("ledger")
        def add(self, rows: int) -> int:
            self.rows += rows
            return self.rows

        @staticmethod
        @breaker.guard("static")
        def twice(number: int) -> int:
            return 2 * number

    ledger = Ledger()
    ledger.add(2)
    assert ledger.add(rows=3) == 5
    assert Ledger.twice(4) == 8


def test_generators_are_refused_with_the_reason(breaker: CircuitBreaker) -> None:
    def numbers() -> Any:
        yield 1

    async def more() -> Any:
        yield 1

    for function in (numbers, more):
        with pytest.raises(TypeError, match="is a generator function"):
            breaker.guard("numbers")(function)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_interruptions_go_on_and_count_for_nothing(breaker: CircuitBreaker, interruption: type[BaseException]) -> None:
    @breaker.guard("job", default=0)
    def job() -> None:
        raise interruption

    for _ in range(3):
        with pytest.raises(interruption):
            job()
    assert not breaker.is_open("job") and breaker.failures == {}


def test_a_log_that_fails_never_reaches_the_work() -> None:
    def log(line: str) -> None:
        raise RuntimeError("the log is full")

    cost = guarded(CircuitBreaker(log_fn=log), default=0)
    assert [cost() for _ in range(4)] == [0] * 4


def test_a_factory_that_fails_never_reaches_the_caller(breaker: CircuitBreaker, lines: Lines) -> None:
    def factory() -> int:
        raise RuntimeError("no default today")

    cost = guarded(breaker, default_factory=factory)
    assert cost() is None
    assert lines[-1] == "[circuit_breaker] cost: default_factory failed: no default today"


def test_without_a_log_a_logger_is_told_and_else_standard_error(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING):
        CircuitBreaker(logger=logging.getLogger("app")).record_failure("cost", "100% full")
    assert caplog.messages == ["[circuit_breaker] cost failed: 100% full"]
    CircuitBreaker().record_failure("cost", "disk full")
    assert capsys.readouterr().err == "[circuit_breaker] cost failed: disk full\n"


def test_an_error_without_text_is_told_by_its_name(breaker: CircuitBreaker, lines: Lines) -> None:
    @breaker.guard("cost")
    def cost() -> None:
        raise TimeoutError

    cost()
    assert lines == ["[circuit_breaker] cost failed: TimeoutError"]


def test_an_error_that_cannot_be_said_is_a_failure_all_the_same(breaker: CircuitBreaker, lines: Lines) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    @breaker.guard("cost", default=0)
    def cost() -> int:
        raise Mute

    assert (cost(), cost(), cost()) == (0, 0, 0)
    assert lines[0] == "[circuit_breaker] cost failed: Mute"


@pytest.mark.parametrize("name", ["_update_stats", "Cost Record", "a/b/c", "ü", "", "x" * 300, "-"])
def test_any_text_is_a_name(breaker: CircuitBreaker, lines: Lines, name: str) -> None:
    for _ in range(2):
        breaker.record_failure(name, "down")
    assert breaker.is_open(name) and breaker.open_circuits == {name: "down"} and breaker.failures == {name: 2}
    assert lines[0] == f"[circuit_breaker] {name} failed: down"


def test_names_that_look_alike_are_different_circuits(breaker: CircuitBreaker) -> None:
    for _ in range(2):
        breaker.record_failure("Cost Record", "down")
    assert not breaker.is_open("cost record") and not breaker.is_open("cost-record")


@pytest.mark.parametrize("wrong", [{"threshold": 0}, {"reset_after": -1}, {"skip_log_interval": 0}, {"store": "x:y"}])
def test_what_cannot_work_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        CircuitBreaker(**wrong)


def test_the_open_circuits_of_all_breakers_are_merged_while_they_live() -> None:
    one, other = CircuitBreaker(threshold=1, log_fn=str), CircuitBreaker(threshold=1, log_fn=str)
    one.record_failure("merged-one", "down")
    other.record_failure("merged-other", "down too")
    merged = fuseboard.open_circuits()
    assert (merged["merged-one"], merged["merged-other"]) == ("down", "down too")
    del other
    gc.collect()
    assert "merged-other" not in fuseboard.open_circuits()


def test_a_breaker_and_its_guarded_functions_that_know_each_other_are_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.breaker = CircuitBreaker(log_fn=self.log)
            self.work = self.breaker.guard("work", default_factory=self.make)(self.run)

        def log(self, line: str) -> None: ...

        def make(self) -> int:
            return 0

        def run(self) -> int:
            return 1

    owner = Owner()
    assert owner.work() == 1
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_a_store_that_cannot_be_used_is_told_once_and_never_reaches_the_work(tmp_path: Path, lines: Lines) -> None:
    (tmp_path / "file").write_text("no folder")
    breaker = CircuitBreaker(store=f"sqlite:{tmp_path}/file/state.db", log_fn=lines.append)
    for _ in range(3):
        breaker.record_failure("cost", "down")
        breaker.record_success("cost")
    assert (breaker.is_open("cost"), breaker.open_circuits, breaker.failures) == (False, {}, {})
    assert len(lines) == 1 and str(tmp_path) in lines[0], lines
    assert isinstance(fuseboard.open_circuits(), dict)


@pytest.mark.parametrize(
    "function", [staticmethod(failing), classmethod(failing), property(failing), 7, "name"]  # type: ignore[arg-type]
)
def test_what_is_no_function_is_refused_with_what_to_write(breaker: CircuitBreaker, function: Any) -> None:
    with pytest.raises(TypeError, match="guard"):
        breaker.guard("cost")(function)


def plain(number: int) -> int:
    return number + 1


guarded_plain = CircuitBreaker().guard("plain")(plain)


def test_a_guarded_function_is_pickled_by_its_name_and_copied_as_functions_are() -> None:
    guarded_plain.__qualname__ = "guarded_plain"
    assert pickle.loads(pickle.dumps(guarded_plain))(1) == 2
    assert copy.deepcopy(guarded_plain)(1) == 2
