"""LayerGradient: what one backward pass made of each layer, beside what it should have made of it.

Every layer is judged by itself. With the dy that it was given held fast, the derivative of `Σ dy · y` by x and by its
parameters is what its dx and g must be: that needs its own forward pass alone, in complex numbers. So a layer that was
given a wrong dy is not called wrong for it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.gradcheck.twin import NOTHING, STEP, Twin
from bptrain.gradcheck.verdict import halve
from bptrain.nn import Layer, Views, Workspace
from bptrain.nn.observer import ObservedLayer, Passage, PassageObserver, guard_kernels, in_backward_order

MOST_ENTRIES = 2048
"""So many entries of an array are judged one by one; of a larger one, a sample."""
CENTRAL = 1e-5
"""The step of the central differences for a forward pass that is not complex-safe."""


@dataclass(frozen=True)
class LayerGradient:
    """One array of a layer's backward pass: what it gave, and the derivative at the entries `at` (counted flat).

    `tensor` is `dx` or the name of a parameter. `precision` is how exact the derivative is, relative to the largest.
    `curve` gives the slope of the layer at other values.
    """

    tensor: str
    given: Array
    at: Array
    exact: Array
    passage: Passage
    parameters: dict[str, Array]
    observed: ObservedLayer
    precision: float
    curve: Callable[[Array], Array] = field(repr=False)

    @property
    def values(self) -> Array:
        """What the layer gave, at the entries that are judged."""
        values: Array = self.given.reshape(-1)[self.at]
        return values

    def is_wrong(self) -> bool:
        """Whether the layer is wrong about it."""
        return not self.is_right(self.given)

    def is_right(self, given: Array) -> bool:
        """Whether an array in the place of what the layer gave is right."""
        values = given.reshape(-1)[self.at]
        scale = max(float(np.abs(values).max(initial=0)), float(np.abs(self.exact).max(initial=0)))
        # A slope that is nothing beside 1 may be nothing at all.
        dy = self.passage.dy
        assert dy is not None
        bound = self.precision / 100 * scale + 1e-15 * float(np.abs(dy).max(initial=0)) + NOTHING
        return bool(np.isfinite(given).all() and (np.abs(values - self.exact) <= bound).all())

    def is_like(self, other: Array, values: Array | None = None) -> bool:
        """Whether what the layer gave is the same, to rounding, as an array of the values at the judged entries."""
        return same(self.values if values is None else values, other, self.precision)

    def would_be(self, whole: Array | None) -> bool:
        """Whether what the layer gave is a certain array of the same size."""
        if whole is None or whole.size != self.given.size:
            return False
        return self.is_like(whole.reshape(-1)[self.at])


def same(values: Array, other: Array, precision: float = 1e-7) -> bool:
    """Whether two arrays agree, relative to the largest; none does where a number is not finite."""
    scale = float(np.abs(other).max(initial=0.0))
    if not np.isfinite(scale) or not np.isfinite(values).all():
        return False
    return bool((np.abs(values - other) <= precision * scale + NOTHING).all())


def record_pass(twin: Twin) -> tuple[dict[str, Passage], Array, Array]:
    """One recorded pass: what went through each layer, the scores, and their gradient by the loss."""
    observer, batch = PassageObserver(), twin.batches[0]
    twin.prime()
    with twin.observe(observer):
        twin.run_pass(twin.real.loss_and_grad)
    twin.values()
    return observer.passages, batch.frame.scores.copy(), batch.frame.dscores.copy()


def by_layer(twin: Twin, passages: dict[str, Passage]) -> Iterator[tuple[ObservedLayer, list[LayerGradient]]]:
    """The gradients of each layer in backward order."""
    for real, in_complex in zip(in_backward_order(twin.observed[0]), in_backward_order(twin.observed[1]), strict=True):
        if passages[real.name].dy is not None:
            yield real, list(LayerAlone(real, in_complex, passages[real.name]).gradients())


@dataclass(frozen=True)
class LayerAlone:
    """A layer by itself, with what it was given held fast: in real numbers, and in complex ones."""

    real: ObservedLayer
    in_complex: ObservedLayer
    passage: Passage

    def gradients(self) -> Iterator[LayerGradient]:
        """Those of its parameters, then its dx."""
        passage, real = self.passage, self.real
        parameters = {key: value.copy() for key, value in vars(real.step.p).items()}
        judged = dict(passage.g) | ({} if passage.dx is None else {"dx": passage.dx})
        precision = 1e-7 if self.in_complex.complex_safe else 1e-3
        for tensor, given in judged.items():
            at = self.entries(tensor, given)
            exact = np.array([self.vjp(tensor, entry(given, int(k))) for k in at])
            yield LayerGradient(tensor, given, at, exact, passage, parameters, real, precision, self.slope)

    def entries(self, tensor: str, given: Array) -> Array:
        """All entries of a small array; of a large one a sample, and one that is wrong if a direction says so."""
        if given.size <= MOST_ENTRIES:
            return np.arange(given.size)
        sample = np.linspace(0, given.size - 1, MOST_ENTRIES // 8).round().astype(int)
        direction = np.random.default_rng(given.size).normal(size=given.shape)

        def error(part: Array) -> float:
            return abs(float(np.sum(given * part)) - self.vjp(tensor, part))

        if np.isfinite(given).all() and error(direction):
            sample = np.append(sample, halve(direction, error))
        return np.unique(sample)

    def vjp(self, tensor: str, direction: Array) -> float:
        """The derivative of `Σ dy · y` along a direction in x or in a parameter, by the layer's own forward pass."""
        if not self.in_complex.complex_safe:
            ahead, behind = (self.forward(self.real, tensor, sign * CENTRAL * direction) for sign in (1, -1))
            return float(np.sum(self.passage.dy * (ahead - behind))) / (2 * CENTRAL)
        y = self.forward(self.in_complex, tensor, 1j * STEP * direction)
        return float(np.sum(self.passage.dy * y.imag)) / STEP

    def forward(self, observed: ObservedLayer, tensor: str, change: Array) -> Array:
        """What the layer makes of its input with something added to x or to a parameter."""
        step = observed.step
        step.x[...] = self.passage.x
        self.passage.rewind(step.s)
        array = step.x if tensor == "dx" else getattr(step.p, tensor)
        kept = array.copy()
        array += change
        try:
            with guard_kernels(observed.name, "forward"):
                observed.layer.forward(step.p, step.x, step.y, step.s)
            return step.y.copy()
        finally:
            array[...] = kept

    def slope(self, x: Array) -> Array:
        """The slope of an elementwise layer at other values x."""
        change, slope = x - self.passage.x, np.empty(x.shape)
        if self.in_complex.complex_safe:
            np.divide(self.forward(self.in_complex, "dx", change + 1j * STEP).imag, STEP, out=slope)
        else:
            ahead, behind = (self.forward(self.real, "dx", change + sign * CENTRAL) for sign in (1, -1))
            np.divide(ahead - behind, 2 * CENTRAL, out=slope)
        return slope


def entry(array: Array, k: int) -> Array:
    """The direction of entry k (counted flat)."""
    direction = np.zeros(array.shape)
    direction.reshape(-1)[k] = 1
    return direction


def slope_of(layer: Layer, x: Array) -> Array | None:
    """The slope of an activation at x, by the complex step; None for one that has parameters."""
    plan = layer.plan(x.shape[1:])
    if plan.parameters:
        return None
    scratch = {
        key: np.zeros(((len(x),) if one.per_row else ()) + one.shape, one.dtype or np.complex128)
        for key, one in plan.scratch.items()
    }
    y = np.zeros(x.shape, np.complex128)
    layer.forward(Views(), x + 1j * STEP, y, Workspace(rng=Streams(0).dropout, training=True, **scratch))
    slope: Array = y.imag / STEP
    return slope


def derivative_of_loss(twin: Twin, scores: Array) -> Array:
    """What the loss must give for dscores, by the complex step; by central differences if it is not complex-safe."""
    exact = np.empty(scores.shape)

    def value(which: int, moved: Array) -> Any:
        batch, objective = twin.batches[which], (twin.real, twin.complex)[which]
        dscores = np.empty_like(batch.frame.dscores)
        with guard_kernels(twin.loss_name):
            return objective.loss.value_and_grad(moved, batch.targets, None, dscores, batch.scratch)[0]

    for k in range(scores.size):
        direction = entry(scores, k)
        if twin.loss_is_complex_safe:
            exact.reshape(-1)[k] = complex(value(1, scores + 1j * STEP * direction)).imag / STEP
        else:
            ahead, behind = (value(0, scores + sign * CENTRAL * direction) for sign in (1, -1))
            exact.reshape(-1)[k] = float(ahead - behind) / (2 * CENTRAL)
    return exact
