"""The module that stands in for a hand-written one."""

import importlib
import sys
from pathlib import Path

import pytest

from fuseboard import CircuitBreaker

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "python"


def test_who_imports_circuit_breaker_goes_on_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FUSEBOARD_STORE", f"sqlite:{tmp_path}/state/state.db")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.delitem(sys.modules, "circuit_breaker", raising=False)
    module = importlib.import_module("circuit_breaker")

    breaker: CircuitBreaker = module.CircuitBreaker(threshold=2, log_prefix="hooks")

    @breaker.guard("_update_stats", default_factory=list)
    def update_stats() -> list[int]:
        raise OSError("share not mounted")

    assert [update_stats() for _ in range(3)] == [[], [], []]
    assert module.get_open_circuits()["_update_stats"] == "share not mounted"
    assert breaker._failures == {"_update_stats": 2}
    assert capsys.readouterr().err.splitlines() == [
        "[hooks] _update_stats failed: share not mounted",
        "[hooks] _update_stats: circuit OPEN after 2 failures (last: share not mounted)",
        "[hooks] _update_stats: circuit OPEN, skipped 1 call(s) (last error: share not mounted)",
    ]
    assert issubclass(module.CircuitBreaker, CircuitBreaker)
    # Another start of the same program knows it, too.
    assert module.CircuitBreaker().is_open("_update_stats")
