"""The native half of the package."""

from collections.abc import Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar, final

P = ParamSpec("P")
T = TypeVar("T")

Observer = Callable[[str, str | None, int | None, str | None, str], object]

class FuseboardError(Exception):
    """What Fuseboard itself raises."""

class CircuitOpen(FuseboardError):
    """The work was not run: its circuit is open, or switched off.

    `circuit` is its name; `retry_in` and `open_for` are seconds or None; `last_error` is a text or None; `skips` is how
    many calls were skipped since the circuit opened, this one included.
    """

    circuit: str
    retry_in: float | None
    open_for: float | None
    last_error: str | None
    skips: int

class StoreError(FuseboardError):
    """The store cannot be used."""

@final
class FakeClock:
    """A clock that moves only when told to. Give it to a `Board` in tests."""

    def __new__(cls) -> FakeClock: ...
    def advance(self, seconds: float) -> None:
        """Lets so many seconds pass."""

@final
class Policy:
    """When a circuit opens, how long it stays open and how it closes again. Times are seconds; `cool_down=None` never ends by
    itself. With `rate=(failures, of, within)` a share of failures opens it, in place of `trip_after`.
    """

    def __new__(
        cls,
        *,
        trip_after: int = 2,
        rate: tuple[float, int, float] | None = None,
        slow_after: float | None = None,
        cool_down: float | None = 300.0,
        cool_down_factor: float = 2.0,
        cool_down_max: float | None = None,
        jitter: float = 0.1,
        probes: int = 1,
        lease: float = 600.0,
        observe: bool = False,
    ) -> Policy: ...
    @staticmethod
    def for_requests() -> Policy:
        """For calls that are made often, such as requests to a service."""
    @property
    def trip_after(self) -> int | None:
        """Failures in a row that open the circuit; `None` if a rate does."""
    @property
    def rate(self) -> tuple[float, int, float] | None:
        """`(failures, of, within)`, or `None`."""
    @property
    def slow_after(self) -> float | None:
        """Seconds after which a call is too slow, or `None`."""
    @property
    def cool_down(self) -> float | None:
        """Seconds that the first opening lasts; `None` is never."""
    @property
    def cool_down_factor(self) -> float:
        """By how much each further opening in a row is longer."""
    @property
    def cool_down_max(self) -> float:
        """Seconds that one opening lasts at most."""
    @property
    def jitter(self) -> float:
        """By which share a cool-down is randomly longer or shorter."""
    @property
    def probes(self) -> int:
        """Successful probes that close the circuit."""
    @property
    def lease(self) -> float:
        """Seconds that a probe may stay unanswered."""
    @property
    def observe(self) -> bool:
        """Whether everything runs, and what would be skipped is only counted."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Board:
    """Circuits by their names. `store` is `None` for this process's memory, or `"sqlite:PATH"` for a file that is shared with
    other processes and with the program `fuseboard`.

    `observer(kind, circuit, failures, error, text)` is told of each failure, transition and operator's act.
    """

    def __new__(
        cls,
        store: str | None = None,
        *,
        policy: Policy | None = None,
        exact_totals: bool = False,
        clock: FakeClock | None = None,
        observer: Observer | None = None,
    ) -> Board: ...
    def circuit(
        self,
        name: str,
        policy: Policy | None = None,
        *,
        ignore: type[BaseException] | tuple[type[BaseException], ...] | None = None,
    ) -> Circuit:
        """The circuit of this name, with the board's policy or one of its own. `ignore` are exceptions that say nothing of the
        work: a type or a tuple of types, as in `except`.
        """
    def gate(self, name: str, policy: Policy | None = None) -> Gate:
        """The gate of this name: it passes nothing that it did not judge."""
    def group(self, name: str, policy: Policy) -> None:
        """Gives the circuits `NAME/…` a policy that they inherit, unless they have one of their own."""
    def view(self, name: str) -> View | None:
        """One circuit as it is now, or `None` if the store never saw it. Looking changes nothing."""
    def views(self) -> list[View]:
        """Every circuit that the store has seen, by name."""
    def switch(
        self,
        name: str,
        position: Literal["off", "on", "auto"],
        reason: str = "",
        seconds: float | None = None,
        *,
        by: str = "python",
    ) -> None:
        """Switches a circuit off or on, for `seconds` (at most 30 days, which is also the default)."""
    def probe(self, name: str, *, by: str = "python") -> bool:
        """Makes an open circuit due, so that the next call is a probe; `False` if there was nothing to bring forward."""
    def reset(self, name: str, *, by: str = "python") -> None:
        """Forgets everything: closed. A switch stays as it is."""

@final
class View:
    """A circuit at one moment. Times are seconds since the epoch."""

    name: str
    state: Literal["closed", "open", "half-open"]
    switch: Literal["off", "on"] | None
    failures: int
    skips: int
    trips: int
    since: float | None
    probe_at: float | None
    probe_due: bool
    last_error: str | None
    totals: dict[str, int]
    @property
    def is_open(self) -> bool:
        """Whether calls are skipped, or one probe is out."""

@final
class Circuit:
    """A named circuit, for who calls the work behind it."""

    @property
    def name(self) -> str:
        """The circuit's name."""
    @property
    def policy(self) -> Policy:
        """The policy that this handle decides by."""
    def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls `function(*args, **kwargs)`. An exception counts as a failure and goes on; `CircuitOpen` is raised if the call
        is skipped.
        """
    def permit(self) -> Permit:
        """Leave to run once, to be settled by hand or by a `with` block."""
    def would_run(self) -> bool:
        """Whether a call would run now. Asking changes nothing."""
    def record_success(self) -> None:
        """Feeds a success of work that ran without a permit."""
    def record_failure(self, error: object) -> None:
        """Feeds a failure of work that ran without a permit."""

@final
class Permit:
    """Leave to run once. As a context manager it settles itself: an exception is a failure and goes on. Dropped, it counts as
    ignored.
    """

    def success(self) -> None:
        """The work was done."""
    def failure(self, error: object) -> None:
        """The work failed."""
    def ignored(self) -> None:
        """Nothing can be said of the work."""
    @property
    def is_probe(self) -> bool:
        """Whether the circuit waits for this very call."""
    def __enter__(self) -> Permit: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]: ...

@final
class Verdict:
    """What a gate says. It is neither true nor false: look at `passed`."""

    @staticmethod
    def allow() -> Verdict:
        """What was judged may pass."""
    @staticmethod
    def block(why: str) -> Verdict:
        """It may not, because."""
    @property
    def passed(self) -> bool:
        """Whether it may pass."""
    @property
    def why(self) -> str | None:
        """Why it may not; `None` if it may."""
    @property
    def evaluated(self) -> bool:
        """Whether the evaluator itself said so; otherwise there is no verdict, and that blocks too."""
    def __eq__(self, other: object) -> bool: ...

@final
class Gate:
    """A circuit around something that judges. There is no default: open, failed, interrupted, a lost store and "could not
    tell" all block.
    """

    @property
    def name(self) -> str:
        """The gate's name."""
    def judge(self, evaluate: Callable[P, Verdict], /, *args: P.args, **kwargs: P.kwargs) -> Verdict:
        """Asks `evaluate(*args, **kwargs)`, which returns a `Verdict`. Anything else that it returns or raises blocks. An
        interruption goes on.
        """
    def judge_async(
        self, evaluate: Callable[P, Awaitable[Verdict]], /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, Verdict]:
        """Awaits `evaluate(*args, **kwargs)`, which gives a `Verdict`. Anything else that it gives or raises blocks. A
        cancellation goes on.
        """
    def begin(self) -> Evaluation | Verdict:
        """Leave to evaluate once, or the verdict if it may not run."""

@final
class Evaluation:
    def ended(self, answer: object) -> Verdict:
        """The evaluator returned this."""
    def failed(self, error: object) -> Verdict:
        """It raised this."""
    def interrupted(self) -> Verdict:
        """Somebody else ended it."""

@final
class Guard:
    def __new__(
        cls,
        circuit: Circuit,
        default: Any,
        factory: Callable[[], Any] | None,
        *,
        gives: bool,
        reraise: bool,
        name: str | None = None,
        on_skip: tuple[Callable[[int, str | None], None], int] | None = None,
    ) -> Guard: ...
    @property
    def reraise(self) -> bool: ...
    def call(self, function: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...
    def enter(self) -> Permit | int | None: ...
    def succeeded(self, leave: Permit | int) -> None: ...
    def failed(self, leave: Permit | int, error: object) -> None: ...
    def interrupted(self, leave: Permit | int) -> None: ...
    def fallback(self) -> Any: ...

def before_fork() -> None: ...
def after_fork(in_child: bool) -> None: ...
