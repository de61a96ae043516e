"""Chunked updates: an update of all parameters in chunks, shared among threads.

An update makes about a dozen passes over vectors as long as theta. Of a large network each pass would read them from
main memory again.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from bptrain.arrays import Array, is_finite
from bptrain.optim.optimizer import Optimizer
from bptrain.team import Team

CHUNK_ENTRIES = 1 << 18
"""The most entries in a chunk: of theta, gradient and two slots together 4 MiB in float32. Smaller chunks would stay
nearer to the processor, but a thread that returns from NumPy while another one holds the interpreter is put to sleep,
which takes longer than a pass over so many entries. Half as many are not worth a second thread."""

FLUSH_STEPS = 128
"""Steps between two calls of `drop_subnormal`. With the usual momentum of 0.9 the moments of a dead unit take 175 steps
from 1e8 times the smallest normal number down to it."""


def update(
    optimizer: Optimizer,
    theta: Array,
    grad: Array,
    slots: Sequence[Array],
    *,
    lr: float,
    step: int,
    decayed: int,
    team: Team,
) -> bool:
    """Do what `Optimizer.update` does, to the same bits, with the work shared among a team.

    Every `FLUSH_STEPS` steps moments that are almost nothing are dropped.

    Returns:
        Whether all parameters are finite afterwards.
    """
    if len(theta) <= CHUNK_ENTRIES // 2 or not optimizer.entrywise:
        return update_chunk(optimizer, theta, grad, slots, lr=lr, step=step, decayed=decayed)
    finite = []

    def update_between(start: int, stop: int) -> None:
        chunk = slice(start, stop)
        within, cut = min(max(decayed, start), stop) - start, [slot[chunk] for slot in slots]
        finite.append(update_chunk(optimizer, theta[chunk], grad[chunk], cut, lr=lr, step=step, decayed=within))

    # The same number for each thread, all of the same length.
    count = -(-len(theta) // (CHUNK_ENTRIES * team.size)) * team.size
    edges = [len(theta) * k // count for k in range(count + 1)]
    team.run([partial(update_between, start, stop) for start, stop in pairwise(edges)])
    return all(finite)


def update_chunk(
    optimizer: Optimizer, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int
) -> bool:
    """Do what `update` does, on the calling thread alone."""
    optimizer.update(theta, grad, slots, lr=lr, step=step, decayed=decayed)
    if step % FLUSH_STEPS == 0:
        # The gradient is not needed any more, and serves as scratch.
        for slot in slots:
            drop_subnormal(slot, grad)
    return is_finite(theta)


def drop_subnormal(slot: Array, scratch: Array) -> None:
    """Set entries that have decayed to almost nothing to zero. Numbers below the smallest normal one slow a step down,
    and a moment that decays from there never reaches zero by itself."""
    np.absolute(slot, out=scratch)
    np.greater_equal(scratch, np.finfo(slot.dtype).tiny * 1e8, out=scratch)
    slot *= scratch
