"""Rounding: how far the last places of all numbers move a gradient, found by moving them.

A gradient that cancels out of much larger numbers is off by more than its own last place, and is no worse for it. How
much that is depends on the network; it is measured where a comparison fails, and only there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.observers import KinkObserver, ShakenLoss, ShakingObserver
from bptrain.gradcheck.twin import Twin

SHAKES = 5


def rounding(twin: Twin, name: str, along: int | Array) -> tuple[float, float]:
    """How far rounding errors in every layer move a gradient, and the complex step at one place.

    Args:
        twin: left as it was.
        name: of the array.
        along: the number of an entry, or a direction.

    Returns:
        The largest change of an entry of the gradient, and that of the derivative of the loss. Both are 0 for a
        backward pass that says something else each time, which is no rounding.
    """
    array = twin.arrays()[name]

    def exact() -> float:
        return (twin.derivative_of_entry if isinstance(along, int) else twin.derivative)(array, along)[0]  # type: ignore[arg-type]

    still, again = (twin.run_pass(twin.real.loss_and_grad)[1][name] for _ in range(2))
    if not np.array_equal(still, again, equal_nan=True):
        return 0.0, 0.0
    here, seen, moved, there = exact(), KinkObserver(), 0.0, 0.0
    with twin.observe(seen):
        twin.values()
    shaker = ShakingObserver(np.random.default_rng(twin.seed), seen.inputs)
    frame = twin.batches[0].frame
    loss = ShakenLoss(twin.real.loss, shaker, frame.scores.copy(), frame.dscores.copy())
    for _ in range(SHAKES):
        with shake_passes(twin, shaker, loss):
            gradient, derivative = twin.run_pass(twin.real.loss_and_grad)[1][name], exact()
        moved = max(moved, float(np.abs(gradient - still).max(initial=0.0)))
        there = max(there, abs(derivative - here))
    return moved, there


@contextmanager
def shake_passes(twin: Twin, shaker: ShakingObserver, loss: ShakenLoss) -> Iterator[None]:
    """Put rounding errors everywhere for a while."""
    theta, also = twin.real.network.theta, twin.complex.network.theta
    kept, inputs = theta.copy(), [batch.input.copy() for batch in twin.batches]
    try:
        twin.real.loss = twin.complex.loss = loss  # type: ignore[assignment]
        # Parameters and inputs too, since a sum that cancels moves by more than its own last place.
        shaker.shake(theta)
        shaker.shake(twin.batches[0].input)
        also[...], twin.batches[1].input[...] = theta, twin.batches[0].input
        with twin.observe(shaker), twin.observe(shaker, 1):
            yield
    finally:
        twin.real.loss = twin.complex.loss = loss.loss
        theta[...] = also[...] = kept
        for batch, rows in zip(twin.batches, inputs, strict=True):
            batch.input[...] = rows


def step_aside(twin: Twin) -> bool:
    """Move away from where rounding decides on which side of a kink the networks stand.

    Returns:
        Whether they did not stand on the same side, so that nothing could be said of them, and now do.
    """
    network, rng = twin.real.network, np.random.default_rng(twin.seed)
    if twin.pattern() == twin.pattern(1):
        return False
    for _ in range(SHAKES):
        network.theta[...] *= 1 + 1e-3 * rng.uniform(-1, 1, network.theta.size)
        twin.settle()
        if twin.pattern() == twin.pattern(1):
            return True
    return False
