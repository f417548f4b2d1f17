"""A gate whose evaluator is a coroutine function."""

from collections.abc import Awaitable, Callable
from typing import Any

from ._native import Gate, Verdict


async def judge(
    gate: Gate, evaluate: Callable[..., Awaitable[Verdict]], args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> Verdict:
    """What `Gate.judge_async` returns."""
    evaluation = gate.begin()
    if isinstance(evaluation, Verdict):
        return evaluation
    try:
        answer = await evaluate(*args, **(kwargs or {}))
    except Exception as error:
        return evaluation.failed(error)
    except BaseException:
        # Who cancels says nothing about the evaluator.
        evaluation.interrupted()
        raise
    return evaluation.ended(answer)
