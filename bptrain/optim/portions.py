"""Portions: an update of all parameters, a stretch that fits into the processor's cache at a time.

An update is a dozen passes over vectors as long as theta. Of a large network each would be fetched from memory anew.
"""

from collections.abc import Sequence

from bptrain.arrays import Array
from bptrain.optim.optimizers import Optimizer

PORTION = 1 << 16
"""Entries at a time: of theta, gradient and two slots together 1 MiB in float32. Half and double as many are slower."""


def update(
    optimizer: Optimizer,
    theta: Array,
    grad: Array,
    slots: Sequence[Array],
    *,
    lr: float,
    step: int,
    decayed: int,
) -> None:
    """What `Optimizer.update` does, to the same bits."""
    if len(theta) <= PORTION or not optimizer.entrywise:
        optimizer.update(theta, grad, slots, lr=lr, step=step, decayed=decayed)
        return
    for start in range(0, len(theta), PORTION):
        part = slice(start, start + PORTION)
        stretches = [slot[part] for slot in slots]
        within = min(max(decayed - start, 0), PORTION)
        optimizer.update(theta[part], grad[part], stretches, lr=lr, step=step, decayed=within)
