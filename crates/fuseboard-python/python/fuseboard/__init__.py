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
    forked as _forked,
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

# A connection to a file must not be used by two processes.
os.register_at_fork(after_in_child=_forked)
