"""`CircuitBreaker`: the interface of hand-written breakers, with the circuits of Fuseboard behind it."""

import hashlib
import logging
import re
import sys
import threading
import weakref
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from ._guard import NOTHING, check_defaults, wrap
from ._native import Board, Circuit, Guard, Policy, StoreError, View

P = ParamSpec("P")
T = TypeVar("T")

_VALID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}(/[a-z0-9][a-z0-9._-]{0,63})?")
_LIVE: "weakref.WeakSet[CircuitBreaker]" = weakref.WeakSet()
_LIVE_LOCK = threading.Lock()


class CircuitBreaker:
    """Skips work that keeps failing.

    `threshold` failures in a row open the circuit of a name. After `reset_after` seconds a single call probes whether the
    work is well again; with 0, the default, only `record_success` or `reset` close it. Failures and openings are told to
    `log_fn`, else to `logger`, else to standard error; of the skips the first and every `skip_log_interval`-th.
    `store="sqlite:PATH"` shares the circuits with other processes; if it cannot be used, that is told once, and circuits
    are this process's own meanwhile.

    >>> breaker = CircuitBreaker(log_fn=print)
    >>> @breaker.guard("stats", default=0)
    ... def count(text):
    ...     return int(text)
    >>> [count("one"), count("two"), count("3")]
    [circuit_breaker] stats failed: invalid literal for int() with base 10: 'one'
    [circuit_breaker] stats: circuit OPEN after 2 failures (last: invalid literal for int() with base 10: 'two')
    [circuit_breaker] stats: circuit OPEN, skipped 1 call(s) (last error: invalid literal for int() with base 10: 'two')
    [0, 0, 0]
    """

    def __init__(
        self,
        threshold: int = 2,
        reset_after: float = 0,
        log_prefix: str = "circuit_breaker",
        log_fn: Callable[[str], object] | None = None,
        skip_log_interval: int = 20,
        store: str | None = None,
        logger: logging.Logger | None = None,
    ) -> None:
        if threshold < 1:
            raise ValueError("threshold must be at least 1")
        if not reset_after >= 0:
            raise ValueError("reset_after must not be negative; 0 never heals by itself")
        if skip_log_interval < 1:
            raise ValueError("skip_log_interval must be at least 1")
        cool_down = reset_after if reset_after > 0 else None
        policy = Policy(trip_after=threshold, cool_down=cool_down, cool_down_factor=1.0, jitter=0.0)
        self._prefix = log_prefix
        self._log_fn = log_fn
        self._logger = logger
        self._skip_log_interval = skip_log_interval
        # The board outlives the breaker where functions are guarded, and must not keep it alive.
        this = weakref.ref(self)

        def told(kind: str, circuit: str | None, failures: int | None, error: str | None, text: str) -> None:
            breaker = this()
            if breaker is None:
                return
            if circuit is None:
                breaker._say(text)
            else:
                breaker._told(kind, circuit, failures, error)

        self._board = Board(store, policy=policy, observer=told)
        self._circuits: dict[str, Circuit] = {}
        self._names: dict[str, str] = {}
        self._is_lost = False
        with _LIVE_LOCK:
            _LIVE.add(self)

    # --- Asking and telling ---------------------------------------------------------------------------------

    def is_open(self, name: str) -> bool:
        """Whether a call would be skipped now. Asking changes nothing."""
        try:
            return not self._circuit(name).would_run()
        except StoreError as error:
            self._store_lost(error)
            return False

    def record_success(self, name: str) -> None:
        """Notes a success, which closes the circuit whatever it was."""
        circuit = self._circuit(name)
        try:
            circuit.record_success()
            view = self._board.view(circuit.name)
            if view is not None and view.is_open:
                self._board.reset(circuit.name)
        except StoreError as error:
            self._store_lost(error)

    def record_failure(self, name: str, error: object) -> None:
        """Notes a failure."""
        try:
            self._circuit(name).record_failure(error)
        except StoreError as lost:
            self._store_lost(lost)

    def reset(self, name: str | None = None) -> None:
        """Closes the circuit of this name, or all that this breaker has had to do with.

        Unlike the others this raises `StoreError` if it could not be done.
        """
        for each in list(self._circuits) if name is None else [name]:
            self._board.reset(self._circuit(each).name)

    @property
    def open_circuits(self) -> dict[str, str]:
        """The open circuits that this breaker has had to do with, and their last errors."""
        return {name: view.last_error or "" for name, view in self._views() if view.is_open}

    @property
    def failures(self) -> dict[str, int]:
        """The failures in a row of each circuit that has some."""
        return {name: view.failures for name, view in self._views() if view.failures > 0}

    @property
    def _failures(self) -> dict[str, int]:
        return self.failures

    def guard(
        self,
        name: str,
        default: Any = NOTHING,
        default_factory: Callable[[], Any] | None = None,
        reraise: bool = False,
    ) -> Callable[[Callable[P, T]], Callable[P, T]]:
        """Puts a function, or a coroutine function, behind the circuit of this name.

        A failure, and a call that is skipped, give the default, or what the factory makes for each use, or `None`. With
        `reraise` the failure goes on after it was counted, and a skip raises `CircuitOpen` unless there is a default.
        """
        if not isinstance(name, str):
            raise TypeError(f'a guard needs the name of its circuit; write @breaker.guard("name"), not {name!r}')
        gives, kept = check_defaults(default, default_factory)
        factory = None if default_factory is None else self._contained(name, default_factory)

        def skipped(count: int, error: str | None) -> None:
            self._say(f"{name}: circuit OPEN, skipped {count} call(s) (last error: {error})")

        on_skip = (skipped, self._skip_log_interval)
        circuit = self._circuit(name)
        return wrap(Guard(circuit, kept, factory, gives=gives, reraise=reraise, name=name, on_skip=on_skip))

    # --- Inside ---------------------------------------------------------------------------------------------

    def _circuit(self, name: str) -> Circuit:
        there = self._circuits.get(name)
        if there is None:
            there = self._board.circuit(_stored(name))
            self._names[there.name] = name
            self._circuits[name] = there
        return there

    def _views(self) -> list[tuple[str, View]]:
        try:
            views = [(name, self._board.view(circuit.name)) for name, circuit in list(self._circuits.items())]
        except StoreError as error:
            self._store_lost(error)
            return []
        return [(name, view) for name, view in views if view is not None]

    def _store_lost(self, error: StoreError) -> None:
        """Tells once that the store cannot be used: its trouble never reaches the work."""
        if not self._is_lost:
            self._is_lost = True
            self._say(f"{error}")

    def _told(self, kind: str, circuit: str, failures: int | None, error: str | None) -> None:
        name = self._names.get(circuit, circuit)
        if kind == "failed":
            self._say(f"{name} failed: {error}")
        elif kind in ("opened", "reopened", "probe-lost"):
            self._say(f"{name}: circuit OPEN after {failures} failures (last: {error})")

    def _say(self, text: str) -> None:
        """Tells a line. A log that fails never reaches the work."""
        line = f"[{self._prefix}] {text}"
        try:
            if self._log_fn is not None:
                self._log_fn(line)
            elif self._logger is not None:
                self._logger.warning("%s", line)
            else:
                print(line, file=sys.stderr)
        except Exception:
            pass

    def _contained(self, name: str, factory: Callable[[], Any]) -> Callable[[], Any]:
        def make() -> Any:
            try:
                return factory()
            except Exception as error:
                self._say(f"{name}: default_factory failed: {error}")
                return None

        return make


def open_circuits() -> dict[str, str]:
    """The open circuits of all breakers of this process that are alive, and their last errors."""
    with _LIVE_LOCK:
        breakers = list(_LIVE)
    merged: dict[str, str] = {}
    for breaker in breakers:
        merged.update(breaker.open_circuits)
    return merged


def _stored(name: str) -> str:
    """The name under which a store keeps the circuit: the same, if it is one that the program takes, too."""
    if _VALID.fullmatch(name):
        return name
    plain = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("._-")[:40] or "py"
    return f"{plain}-{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
