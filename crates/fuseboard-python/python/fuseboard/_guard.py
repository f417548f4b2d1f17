"""The decorator: a function, or a coroutine function, behind a circuit."""

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from ._native import Circuit, Guard

P = ParamSpec("P")
T = TypeVar("T")


class _Nothing:
    """Stands for a default that was not given, since `None` is one."""

    def __repr__(self) -> str:
        return "<no default>"


NOTHING: Any = _Nothing()


def guard(
    circuit: Circuit,
    *,
    default: Any = NOTHING,
    default_factory: Callable[[], Any] | None = None,
    reraise: bool | None = None,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Puts a function, or a coroutine function, behind a circuit.

    With a default, or a factory that makes one for each use, failures and skips give that in place of a value. Without one
    they are raised: the function's own exception, or `CircuitOpen`.

    >>> from fuseboard import Board, guard
    >>> @guard(Board().circuit("count"), default=0)
    ... def count(text: str) -> int:
    ...     return int(text)
    >>> count("seventeen")
    0
    """
    if not isinstance(circuit, Circuit):
        raise TypeError(f'a guard needs a circuit; write @guard(board.circuit("name")), not {circuit!r}')
    gives, kept = check_defaults(default, default_factory)
    raises = not gives if reraise is None else reraise
    return wrap(Guard(circuit, kept, default_factory, gives=gives, reraise=raises))


def check_defaults(default: Any, default_factory: Callable[[], Any] | None) -> tuple[bool, Any]:
    """Whether there is something to give in place of a value, and the default, `None` without one."""
    if default is not NOTHING and default_factory is not None:
        raise ValueError("Cannot specify both default and default_factory")
    return default is not NOTHING or default_factory is not None, None if default is NOTHING else default


def wrap(guard: Guard) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """The decorator of this guard."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        name = getattr(function, "__qualname__", repr(function))
        if isinstance(function, (staticmethod, classmethod, property)):
            raise TypeError(f"guard the function inside of {type(function).__name__}: put the guard below that decorator")
        if not callable(function):
            raise TypeError(f"{name} is no function; write @breaker.guard(\"name\") or @guard(circuit)")
        if inspect.iscoroutinefunction(getattr(type(function), "__call__", None)):
            raise TypeError(f"{name} is called as a coroutine; guard a coroutine function that awaits it")
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError(
                f"{name} is a generator function: it has not done its work when it returns, so that "
                "nothing can be said of it; guard the function that goes through it"
            )
        if inspect.iscoroutinefunction(function):
            return cast(Callable[P, T], _coroutine(guard, function))
        call = guard.call

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> T:
            return cast(T, call(function, args, kwargs))

        return guarded

    return decorate


def _coroutine(guard: Guard, function: Callable[P, Any]) -> Callable[P, Any]:
    enter, succeeded = guard.enter, guard.succeeded

    @functools.wraps(function)
    async def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
        leave = enter()
        if leave is None:
            return guard.fallback()
        try:
            value = await function(*args, **kwargs)
        except Exception as error:
            guard.failed(leave, error)
            if guard.reraise:
                raise
            return guard.fallback()
        except BaseException:
            # Who cancels says nothing about the work.
            guard.interrupted(leave)
            raise
        succeeded(leave)
        return value

    return guarded


__all__ = ["NOTHING", "check_defaults", "guard", "wrap"]
