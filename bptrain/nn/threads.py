"""Threads: as many as pay. Small products are slower on two threads than on one, and far slower on a busy machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from bptrain.nn import Network

SMALL_PRODUCT = 16_000_000
"""Multiplications up to which a matrix product runs on one thread."""

TEAM = 2
"""Threads that share out the updates of a network of large products, where BLAS has as many. An update is limited by
memory more than by arithmetic."""


@contextmanager
def threads_for(network: Network, rows: int) -> Iterator[None]:
    """Limit BLAS and the network's team to one thread while its products on so many rows are small; else the team has
    up to `TEAM`."""
    largest = max((entry.slice.stop - entry.slice.start for entry in network.entries), default=0)
    # Asked for in any case: the first answer is kept, and must not be that of a limit.
    most = threads()
    if rows * largest <= SMALL_PRODUCT:
        most = 1
    # Always an explicit number: no limit at all would leave an outer one in force.
    with controller().limit(limits=most, user_api="blas"), network.team.resize(min(most, TEAM)):
        yield


@cache
def threads() -> int:
    """How many threads BLAS has of itself."""
    found = (library["num_threads"] for library in controller().info() if library.get("user_api") == "blas")
    return max(found, default=1)


@cache
def controller() -> Any:
    """The one controller of the process; to make another takes longer than many a training step."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
