"""Chunked updates: an update of all parameters a chunk at a time, shared out among threads.

An update is a dozen passes over vectors as long as theta. Of a large network each would be fetched from memory anew.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import numpy as np

from bptrain.arrays import Array, is_finite
from bptrain.optim.optimizers import Optimizer
from bptrain.team import Team

CHUNK_ENTRIES = 1 << 18
"""Entries at a time at most: of theta, gradient and two slots together 4 MiB in float32. Shorter ones would stay nearer
to the processor, but a thread that comes back from NumPy while another one holds the interpreter is put to sleep, which
takes longer than a pass over so many. Half as many are not worth a second thread."""

FLUSH = 128
"""Steps after which moments that have decayed to almost nothing are dropped. With the usual momentum of 0.9 those of a
dead unit take 175 steps from 1e8 times the smallest normal number down to it."""


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
    """What `Optimizer.update` does, to the same bits, shared out among a team.

    Every `FLUSH` steps moments that are almost nothing are dropped.

    Returns:
        Whether all parameters are finite then.
    """
    if len(theta) <= CHUNK_ENTRIES // 2 or not optimizer.entrywise:
        return update_chunk(optimizer, theta, grad, slots, lr=lr, step=step, decayed=decayed)
    finite = []

    def update_part(start: int, stop: int) -> None:
        part = slice(start, stop)
        within, chunks = min(max(decayed, start), stop) - start, [slot[part] for slot in slots]
        finite.append(update_chunk(optimizer, theta[part], grad[part], chunks, lr=lr, step=step, decayed=within))

    # As many for each thread, and all equally long.
    count = -(-len(theta) // (CHUNK_ENTRIES * team.size)) * team.size
    edges = [len(theta) * k // count for k in range(count + 1)]
    team.run([partial(update_part, start, stop) for start, stop in pairwise(edges)])
    return all(finite)


def update_chunk(
    optimizer: Optimizer, theta: Array, grad: Array, slots: Sequence[Array], *, lr: float, step: int, decayed: int
) -> bool:
    """`update` on the calling thread alone."""
    optimizer.update(theta, grad, slots, lr=lr, step=step, decayed=decayed)
    if step % FLUSH == 0:
        # The gradient is used up, and serves as scratch.
        for slot in slots:
            drop_subnormal(slot, grad)
    return is_finite(theta)


def drop_subnormal(slot: Array, scratch: Array) -> None:
    """Set to zero what has decayed to almost nothing: numbers below the smallest normal one slow a step down, and a
    moment that decays from there never gets to zero by itself."""
    np.absolute(slot, out=scratch)
    np.greater_equal(scratch, np.finfo(slot.dtype).tiny * 1e8, out=scratch)
    slot *= scratch
