"""What a guarded call costs in Python, against a hand-written breaker of the same interface and against other packages.

Samples of all variants are taken in turn; each is the mean of many calls. Minima are compared, the call of the bare
function included, since every variant makes it.
"""

import argparse
import asyncio
import functools
import json
import pathlib
import platform
import sys
import time
from collections.abc import Callable

import circuitbreaker
import pybreaker

import fuseboard

CALLS = 20_000


class HandWritten:
    """What people write: a count for each name, and a decorator."""

    def __init__(self, threshold: int = 2) -> None:
        self._threshold = threshold
        self._failures: dict[str, int] = {}
        self._errors: dict[str, str] = {}
        self._skips: dict[str, int] = {}

    def is_open(self, name: str) -> bool:
        return self._failures.get(name, 0) >= self._threshold

    def record_success(self, name: str) -> None:
        self._failures.pop(name, None)

    def record_failure(self, name: str, error: object) -> None:
        self._failures[name] = self._failures.get(name, 0) + 1
        self._errors[name] = str(error)

    def skipped(self, name: str) -> None:
        count = self._skips.get(name, 0) + 1
        self._skips[name] = count
        if count == 1 or count % 20 == 0:
            print_nowhere(f"[circuit_breaker] {name}: circuit OPEN, skipped {count} call(s)")

    def guard(self, name: str, default: object = None) -> Callable:
        def decorate(function: Callable) -> Callable:
            @functools.wraps(function)
            def guarded(*args: object, **kwargs: object) -> object:
                if self.is_open(name):
                    self.skipped(name)
                    return default
                try:
                    value = function(*args, **kwargs)
                except Exception as error:
                    self.record_failure(name, error)
                    return default
                self.record_success(name)
                return value

            return guarded

        return decorate

    def guard_async(self, name: str, default: object = None) -> Callable:
        def decorate(function: Callable) -> Callable:
            @functools.wraps(function)
            async def guarded(*args: object, **kwargs: object) -> object:
                if self.is_open(name):
                    self.skipped(name)
                    return default
                try:
                    value = await function(*args, **kwargs)
                except Exception as error:
                    self.record_failure(name, error)
                    return default
                self.record_success(name)
                return value

            return guarded

        return decorate


def print_nowhere(line: str) -> None:
    pass


def work(number: int) -> int:
    return number


async def later(number: int) -> int:
    return number


def broken(number: int) -> int:
    raise OSError("down")


async def broken_later(number: int) -> int:
    raise OSError("down")


def quietly(call: Callable) -> Callable:
    """For packages that raise instead of giving a default."""

    def called(number: int) -> object:
        try:
            return call(number)
        except Exception:
            return None

    return called


def opened(call: Callable) -> Callable:
    for number in range(10):
        call(number)
    return call


def variants() -> dict[str, dict[str, Callable[[int], None]]]:
    ours = fuseboard.CircuitBreaker(log_fn=print_nowhere)
    hand = HandWritten()
    peer = circuitbreaker.circuit(failure_threshold=5, recovery_timeout=3600)
    other = pybreaker.CircuitBreaker(fail_max=5, reset_timeout=3600)
    peer_open = circuitbreaker.circuit(failure_threshold=2, recovery_timeout=3600, name="open")
    other_open = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=3600)
    return {
        "success": {
            "the function alone": often(work),
            "by hand": often(hand.guard("well")(work)),
            "fuseboard": often(ours.guard("well")(work)),
            "circuitbreaker": often(peer(work)),
            "pybreaker": often(other(work)),
        },
        "refusal": {
            "by hand": often(opened(hand.guard("open")(broken))),
            "fuseboard": often(opened(ours.guard("open")(broken))),
            "circuitbreaker": often(opened(quietly(peer_open(broken)))),
            "pybreaker": often(opened(quietly(other_open(broken)))),
        },
        "coroutine, success": {
            "the coroutine alone": awaited(later),
            "by hand": awaited(hand.guard_async("later")(later)),
            "fuseboard": awaited(ours.guard("later")(later)),
        },
        "coroutine, refusal": {
            "by hand": awaited(opened_later(hand.guard_async("open-later")(broken_later))),
            "fuseboard": awaited(opened_later(ours.guard("open-later")(broken_later))),
        },
    }


def often(call: Callable) -> Callable[[int], None]:
    def calls(times: int) -> None:
        for number in range(times):
            call(number)

    return calls


def awaited(call: Callable) -> Callable[[int], None]:
    async def go(times: int) -> None:
        for number in range(times):
            await call(number)

    return lambda times: asyncio.run(go(times))


def opened_later(call: Callable) -> Callable:
    async def go() -> None:
        for number in range(10):
            await call(number)

    asyncio.run(go())
    return call


def table(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]

    def line(cells: list[str]) -> str:
        aligned = [cells[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:]))]
        return "| " + " | ".join(aligned) + " |\n"

    return "".join(line(row) for row in [head, rule, *rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=40, help="samples of each variant (40)")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("target/bench"), help="where python.json goes")
    options = parser.parse_args()

    groups = variants()
    best = {(group, what): float("inf") for group, each in groups.items() for what in each}
    for _ in range(options.samples):
        for group, each in groups.items():
            for what, calls in each.items():
                start = time.perf_counter_ns()
                calls(CALLS)
                best[group, what] = min(best[group, what], (time.perf_counter_ns() - start) / CALLS)

    text = f"## Python\n\nCPython {platform.python_version()}, {options.samples} samples of the mean of {CALLS} calls\n"
    for group, each in groups.items():
        by_hand = best[group, "by hand"]
        rows = [[what, f"{best[group, what]:.0f}", f"{best[group, what] / by_hand:.2f}"] for what in each]
        text += "\n" + table([group, "minimum ns", "against by hand"], rows)
    targets = []
    for group, each in groups.items():
        for peer, at_most in [("by hand", 1.0), ("circuitbreaker", 0.5), ("pybreaker", 0.25)]:
            if peer in each:
                targets.append((f"{group}, against {peer}", best[group, "fuseboard"] / best[group, peer], at_most))
    rows = [[what, f"{measured:.2f} ×", f"{at_most} ×", f"{measured / at_most:.2f}"] for what, measured, at_most in targets]
    text += "\n" + table(["target", "measured", "at most", "ratio"], rows)
    sys.stdout.write(text)

    options.out.mkdir(parents=True, exist_ok=True)
    told = {
        "schema": "fuseboard.bench-python/1",
        "python": platform.python_version(),
        "rows": [{"group": group, "what": what, "minimum_ns": ns} for (group, what), ns in best.items()],
        "targets": [{"what": what, "measured": measured, "target": at_most} for what, measured, at_most in targets],
    }
    (options.out / "python.json").write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
