"""Portions: an update of all parameters a stretch at a time, shared out among threads.

An update is a dozen passes over vectors as long as theta. Of a large network each would be fetched from memory anew.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from bptrain.arrays import Array, is_finite
from bptrain.optim.optimizers import Optimizer
from bptrain.team import Team

PORTION = 1 << 18
"""Entries at a time at most: of theta, gradient and two slots together 4 MiB in float32. Shorter ones would stay nearer
to the processor, but a thread that comes back from NumPy while another one holds the interpreter is put to sleep, which
takes longer than a pass over so many. Half as many are not worth a second thread."""


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

    Returns:
        Whether all parameters are finite then.
    """
    if len(theta) <= PORTION // 2 or not optimizer.entrywise:
        optimizer.update(theta, grad, slots, lr=lr, step=step, decayed=decayed)
        return is_finite(theta)
    finite = []

    def portion(start: int, stop: int) -> None:
        part = slice(start, stop)
        stretches = [slot[part] for slot in slots]
        within = min(max(decayed, start), stop) - start
        optimizer.update(theta[part], grad[part], stretches, lr=lr, step=step, decayed=within)
        finite.append(is_finite(theta[part]))

    # As many for each thread, and all equally long.
    count = -(-len(theta) // (PORTION * team.size)) * team.size
    edges = [len(theta) * k // count for k in range(count + 1)]
    team.run([partial(portion, start, stop) for start, stop in pairwise(edges)])
    return all(finite)
