"""What the tests share."""

from pathlib import Path

import pytest

from fuseboard import CircuitBreaker


class Lines(list[str]):
    """The lines that a breaker told."""

    def take(self) -> list[str]:
        taken = self[:]
        self.clear()
        return taken


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return None if request.param == "memory" else f"sqlite:{tmp_path}/state/state.db"


@pytest.fixture
def breaker(store: str | None, lines: Lines) -> CircuitBreaker:
    return CircuitBreaker(log_fn=lines.append, store=store)


def failing() -> object:
    raise OSError("disk full")
