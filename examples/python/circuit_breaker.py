"""For programs that have a hand-written module `circuit_breaker`: put this in its place.

Whatever imports `CircuitBreaker` and `get_open_circuits` goes on as it is, and keeps what it learnt in the file that the
program `fuseboard` shows and changes.
"""

import functools

import fuseboard

CircuitBreaker = functools.partial(fuseboard.CircuitBreaker, store=fuseboard.default_store())
get_open_circuits = fuseboard.open_circuits
