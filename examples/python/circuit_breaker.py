"""For programs that have a hand-written module `circuit_breaker`: put this in its place.

Whatever imports `CircuitBreaker` and `get_open_circuits` goes on as it is, and keeps what it learnt in the file that the
program `fuseboard` shows and changes. A breaker in memory forgot at each start; this one does not, and so tries what is open
again after five minutes unless it is told otherwise.
"""

from typing import Any

import fuseboard


class CircuitBreaker(fuseboard.CircuitBreaker):
    def __init__(self, threshold: int = 2, reset_after: float = 300, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("store", fuseboard.default_store())
        super().__init__(threshold, reset_after, *args, **kwargs)


get_open_circuits = fuseboard.open_circuits
