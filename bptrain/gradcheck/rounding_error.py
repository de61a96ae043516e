"""Rounding error: how much rounding errors in all numbers change a gradient, measured by adding such errors.

A gradient that is a small difference of large numbers is off by more than its own last digit, and right all the same.
How much that is depends on the network; it is measured only where a comparison fails.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import KinkObserver, Twin, get_kinks
from bptrain.nn import Loss, Views, Workspace
from bptrain.nn.observer import ObservedLayer, Observer

SHAKES = 5
"""How often rounding errors are drawn."""


class ShakingObserver(Observer):
    """Shakes every layer: adds a rounding error to its results, to see how much that changes a gradient.

    Signs, zeros and corners stay as they are, and nothing is moved across a kink: `unshaken` has the inputs of the
    layers with kinks, by name, without rounding errors. The slope of a layer that keeps the shape gets the rounding
    error of numbers of size 1, since it may be the difference of such numbers. This is stochastic arithmetic: Vignes,
    1993.
    """

    def __init__(self, rng: np.random.Generator, unshaken: Mapping[str, Array]) -> None:
        self.rng = rng
        self.unshaken = unshaken

    def draw_noise(self, array: Array) -> Array:
        """Draw rounding errors for numbers of size 1, in the shape of an array."""
        noise: Array = np.finfo(np.float64).eps * self.rng.uniform(-1, 1, array.shape)
        return noise

    def shake(self, array: Array, where: Any = True) -> None:
        """Move entries by up to one unit in the last place."""
        np.multiply(array, 1 + self.draw_noise(array), out=array, where=where)

    def forward(self, observed: ObservedLayer, p: Views, x: Array, y: Array, s: Workspace) -> None:
        """Shake y."""
        kinks = get_kinks(observed.layer)
        if observed.name in self.unshaken:
            unshaken = self.unshaken[observed.name]
            crossed = [np.sign(x.real - kink) != np.sign(unshaken - kink) for kink in kinks]
            np.copyto(x.real, unshaken, where=np.logical_or.reduce(crossed))
        slopes = find_row_sizes(x.imag) if x.dtype.kind == "c" and x.shape == y.shape else None
        observed.layer.forward(p, x, y, s)
        # A y that leaves its corner, such as the 0 or 6 of relu6, would be taken for another x by backward.
        self.shake(y, ~np.isin(y.real, kinks))
        if slopes is not None:
            y.imag += slopes * self.draw_noise(y)

    def backward(
        self, observed: ObservedLayer, p: Views, g: Views, x: Array, y: Array, dy: Array, dx: Array | None, s: Workspace
    ) -> None:
        """Shake dx and g."""
        size = find_row_sizes(dy)
        observed.layer.backward(p, g, x, y, dy, dx, s)
        for array in (dx, *vars(g).values()):
            if isinstance(array, np.ndarray):
                self.shake(array)
        if dx is not None and x.shape == y.shape:
            dx += size * self.draw_noise(dx)


def find_row_sizes(rows: Array) -> Array:
    """Return the largest absolute value of each row, as a column."""
    return np.abs(rows).max(axis=-1, keepdims=True, initial=0.0)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ShakenLoss:
    """A loss that adds to its gradient the rounding error of output minus target, for numbers of size 1.

    Nothing is moved across a kink here either: `scores` and `dscores` are those without rounding errors.
    """

    loss: Loss
    shaker: ShakingObserver
    scores: Array
    dscores: Array

    def value_and_grad(
        self, scores: Array, targets: Array, weights: Array | None, dscores: Array, s: Workspace
    ) -> tuple[Any, float]:
        """Return the value of the loss, and shake dscores."""
        value = self.loss.value_and_grad(scores, targets, weights, dscores, s)
        if getattr(self.loss, "kinked", False):
            np.copyto(scores.real, self.scores, where=np.sign(dscores.real) != np.sign(self.dscores))
            value = self.loss.value_and_grad(scores, targets, weights, dscores, s)
        dscores += self.shaker.draw_noise(dscores) / len(scores)
        return value


def measure_rounding(twin: Twin, name: str, along: int | Array) -> tuple[float, float]:
    """Measure how much rounding errors in every layer change a gradient, and a derivative by the complex step.

    Args:
        twin: left as it was.
        name: of the array.
        along: the number of an entry, or a direction.

    Returns:
        The largest change of an entry of the gradient, and the largest change of the derivative of the loss. Both are 0
        for a backward pass that gives another result each time, which is no rounding error.
    """
    array = twin.complex_arrays[name]

    def differentiate() -> float:
        return (twin.differentiate_entry if isinstance(along, int) else twin.differentiate)(array, along)[0]  # type: ignore[arg-type]

    first, second = (twin.run_pass(twin.real.loss_and_grad)[1][name] for _ in range(2))
    if not np.array_equal(first, second, equal_nan=True):
        return 0.0, 0.0
    exact = differentiate()
    shaker, frame = make_shaker(twin), twin.batches[0].frame
    loss = ShakenLoss(twin.real.loss, shaker, frame.scores.copy(), frame.dscores.copy())
    gradient_change = derivative_change = 0.0
    for _ in range(SHAKES):
        with shake_passes(twin, shaker, loss):
            gradient, derivative = twin.run_pass(twin.real.loss_and_grad)[1][name], differentiate()
        gradient_change = max(gradient_change, float(np.abs(gradient - first).max(initial=0.0)))
        derivative_change = max(derivative_change, abs(derivative - exact))
    return gradient_change, derivative_change


def make_shaker(twin: Twin) -> ShakingObserver:
    """Return an observer that adds rounding errors in the layers of a twin, but moves nothing across a kink."""
    observer = KinkObserver()
    with twin.observe(observer):
        twin.compute_objective()
    return ShakingObserver(np.random.default_rng(twin.seed), observer.inputs)


@contextmanager
def shake_passes(twin: Twin, shaker: ShakingObserver, loss: ShakenLoss) -> Iterator[None]:
    """Put rounding errors into the passes of both networks until the end."""
    theta, theta_in_complex = twin.real.network.theta, twin.complex.network.theta
    start, inputs = theta.copy(), [batch.input.copy() for batch in twin.batches]
    try:
        twin.real.loss = twin.complex.loss = loss  # type: ignore[assignment]
        # Parameters and inputs too, since a sum that cancels moves by more than its own last place.
        shaker.shake(theta)
        shaker.shake(twin.batches[0].input)
        theta_in_complex[...], twin.batches[1].input[...] = theta, twin.batches[0].input
        with twin.observe(shaker), twin.observe(shaker, 1):
            yield
    finally:
        twin.real.loss = twin.complex.loss = loss.loss
        theta[...] = theta_in_complex[...] = start
        for batch, rows in zip(twin.batches, inputs, strict=True):
            batch.input[...] = rows


def leave_kinks(twin: Twin) -> bool:
    """Move the parameters a little where rounding puts the two networks on different sides of a kink.

    Returns:
        Whether they were on different sides, so that no comparison was possible, and now are on the same.
    """
    network, rng = twin.real.network, np.random.default_rng(twin.seed)
    if twin.find_kink_sides() == twin.find_kink_sides(1):
        return False
    for _ in range(SHAKES):
        network.theta[...] *= 1 + 1e-3 * rng.uniform(-1, 1, network.theta.size)
        twin.sync_complex()
        if twin.find_kink_sides() == twin.find_kink_sides(1):
            return True
    return False
