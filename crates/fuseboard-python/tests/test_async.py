"""Coroutine functions behind circuits."""

import asyncio
import inspect
from typing import Any

import pytest
from conftest import Lines

from fuseboard import CircuitBreaker, CircuitOpen


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
