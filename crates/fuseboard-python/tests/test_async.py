"""Coroutine functions behind circuits."""

import asyncio
import inspect
from typing import Any

import pytest
from conftest import Lines

from fuseboard import Board, CircuitBreaker, CircuitOpen, Verdict


def test_a_coroutine_is_awaited_behind_its_circuit(breaker: CircuitBreaker, lines: Lines) -> None:
    @breaker.guard("fetch", default="nothing")
    async def fetch(url: str) -> str:
        await asyncio.sleep(0)
        raise OSError(f"cannot reach {url}")

    async def three() -> list[str]:
        return [await fetch("x") for _ in range(3)]

    assert inspect.iscoroutinefunction(fetch)
    assert asyncio.run(three()) == ["nothing"] * 3
    assert lines == [
        "[circuit_breaker] fetch failed: cannot reach x",
        "[circuit_breaker] fetch: circuit OPEN after 2 failures (last: cannot reach x)",
        "[circuit_breaker] fetch: circuit OPEN, skipped 1 call(s) (last error: cannot reach x)",
    ]


def test_values_and_raised_failures_pass_through(breaker: CircuitBreaker) -> None:
    @breaker.guard("half", reraise=True)
    async def half(number: int) -> int:
        if number % 2:
            raise ValueError("odd")
        return number // 2

    async def go() -> None:
        assert await half(8) == 4
        for _ in range(2):
            with pytest.raises(ValueError, match="odd"):
                await half(3)
        with pytest.raises(CircuitOpen):
            await half(8)

    asyncio.run(go())


def test_a_task_that_is_cancelled_counts_for_nothing_and_gives_its_probe_back(lines: Lines) -> None:
    breaker = CircuitBreaker(threshold=1, reset_after=0.01, log_fn=lines.append)

    @breaker.guard("slow", default=None)
    async def slow(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    async def go() -> None:
        breaker.record_failure("slow", "down")
        await asyncio.sleep(0.03)
        probe = asyncio.ensure_future(slow(60))
        await asyncio.sleep(0)
        assert breaker.is_open("slow"), "the probe is out"
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        assert not breaker.is_open("slow"), "the probe was given back"
        assert await slow(0) == "done"
        assert not breaker.open_circuits

    asyncio.run(go())


def test_methods_may_be_coroutines(breaker: CircuitBreaker) -> None:
    class Client:
        @breaker.guard("client")
        async def get(self, path: str, *, times: int = 1) -> str:
            return path * times

    assert asyncio.run(Client().get("a", times=3)) == "aaa"


def test_many_coroutines_at_once_share_one_probe(lines: Lines) -> None:
    breaker = CircuitBreaker(threshold=1, reset_after=0.01, log_fn=lines.append)
    asked = []

    @breaker.guard("busy", default="skipped")
    async def busy(number: int) -> str:
        asked.append(number)
        await asyncio.sleep(0.02)
        return "done"

    async def go() -> list[Any]:
        breaker.record_failure("busy", "down")
        await asyncio.sleep(0.03)
        return await asyncio.gather(*(busy(number) for number in range(8)))

    answers = asyncio.run(go())
    assert (answers.count("done"), answers.count("skipped"), len(asked)) == (1, 7, 1)


def test_a_gate_awaits_its_evaluator() -> None:
    gate = Board().gate("review")

    async def review(branch: str) -> Verdict:
        await asyncio.sleep(0)
        return Verdict.block("3 secrets") if branch == "leaky" else Verdict.allow()

    assert asyncio.run(gate.judge_async(review, "clean")).passed
    blocked = asyncio.run(gate.judge_async(review, branch="leaky"))
    assert (blocked.passed, blocked.evaluated, blocked.why) == (False, True, "3 secrets")


def test_a_gate_passes_nothing_that_was_not_awaited_to_its_end() -> None:
    board = Board()
    gate = board.gate("review")
    ran: list[int] = []

    async def crashes() -> Verdict:
        raise OSError("no scanner")

    async def says_yes() -> Any:
        ran.append(1)
        return True

    async def hangs() -> Verdict:
        await asyncio.sleep(60)
        return Verdict.allow()

    async def cancelled() -> None:
        task = asyncio.ensure_future(gate.judge_async(hangs))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    view = board.view("review")
    assert view is not None and (view.failures, view.totals["ignored"]) == (0, 1)
    for evaluate, why in [(says_yes, "returned bool"), (crashes, "no scanner"), (says_yes, "circuit open")]:
        verdict = asyncio.run(gate.judge_async(evaluate))
        assert not verdict.passed and not verdict.evaluated and why in str(verdict.why), verdict
    assert len(ran) == 1, "an open gate asks nobody"
    plain: Any = Verdict.allow
    assert not asyncio.run(board.gate("plain").judge_async(plain)).passed, "it is no coroutine function"


def test_tasks_that_end_after_their_circuit_opened_or_was_reset_are_told_apart(breaker: CircuitBreaker) -> None:
    @breaker.guard("late", default="skipped")
    async def late(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "done"

    async def go() -> None:
        slow = asyncio.ensure_future(late(0.02))
        await asyncio.sleep(0)
        breaker.record_failure("late", "down")
        breaker.record_failure("late", "down")
        assert await slow == "done"
        assert breaker.is_open("late"), "who began before the circuit opened does not close it"
        assert await late(0) == "skipped"

    asyncio.run(go())
