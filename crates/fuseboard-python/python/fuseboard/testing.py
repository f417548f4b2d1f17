"""What tests of guarded code need: a board of their own, and time that passes when it is told to."""

from dataclasses import dataclass, field

from ._native import Board, FakeClock, Policy


@dataclass
class Stage:
    """A fresh board in memory on a fake clock. Without jitter a cool-down is exact.

    >>> stage = Stage()
    >>> chat = stage.board.circuit("chat")
    >>> for _ in range(2):
    ...     chat.record_failure("connection refused")
    >>> chat.would_run()
    False
    >>> stage.clock.advance(300)
    >>> chat.would_run()
    True
    """

    policy: Policy = field(default_factory=lambda: Policy(jitter=0.0))
    clock: FakeClock = field(default_factory=FakeClock)
    board: Board = field(init=False)

    def __post_init__(self) -> None:
        self.board = Board(policy=self.policy, exact_totals=True, clock=self.clock)
