"""Durable circuit breakers for side-work that must never take the job down.

A piece of work gets a named circuit. It fails twice in a row: the circuit opens, that is said once, and the work is
skipped until a single probe shows that it works again. A gate is a circuit around something that judges: without a
verdict of its own it blocks.

>>> from fuseboard import Board
>>> board = Board()
>>> cost = board.circuit("cost")
>>> cost.run(int, "17")
17
"""

import os

from . import _interpreter  # first: it refuses the import where the native half would run in the wrong interpreter
from ._breaker import CircuitBreaker, open_circuits
from ._guard import guard
from ._native import (
    Board,
    Circuit,
    CircuitOpen,
    FakeClock,
    FuseboardError,
    Gate,
    Permit,
    Policy,
    StoreError,
    Verdict,
    View,
    after_fork as _after_fork,
    before_fork as _before_fork,
)
from ._store import default_store

__all__ = [
    "Board",
    "Circuit",
    "CircuitBreaker",
    "CircuitOpen",
    "FakeClock",
    "FuseboardError",
    "Gate",
    "Permit",
    "Policy",
    "StoreError",
    "Verdict",
    "View",
    "default_store",
    "guard",
    "open_circuits",
]

# No file is open across a fork: what keeps two writers apart is each process's own.
os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(False),
    after_in_child=lambda: _after_fork(True),
)
