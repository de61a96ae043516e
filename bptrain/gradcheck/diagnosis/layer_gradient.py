"""LayerGradient: an array that backward gave in one layer, beside the array that it should have given.

Every layer is judged on its own. With its dy held fixed, its dx and g must be the derivatives of `Σ dy · y` by x and by
its parameters, and these need only its own forward pass, in complex numbers. So a layer that received a wrong dy is not
called wrong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.gradcheck.diagnosis.bug import are_close
from bptrain.gradcheck.twin import STEP, UNDERFLOW, Twin
from bptrain.gradcheck.verdict import find_wrong_entry
from bptrain.nn import Layer, Views, Workspace
from bptrain.nn.observer import ObservedLayer, Passage, guard_kernels

MAX_ENTRIES = 2048
"""Arrays of up to this many entries are judged as a whole, larger ones by a sample."""
CENTRAL_STEP = 1e-5
"""The step of the central differences for a forward pass that is not complex-safe."""


@dataclass(frozen=True)
class LayerGradient:
    """One array of a layer's backward pass: what it gave, and the derivative at the entries `at` (counted flat).

    `tensor` is `dx` or the name of a parameter. `precision` is the error of the derivative, relative to the largest.
    `compute_slope` gives the slope of an elementwise layer at other inputs.
    """

    tensor: str
    given: Array
    at: Array
    exact: Array
    passage: Passage
    parameters: dict[str, Array]
    observed: ObservedLayer
    precision: float
    compute_slope: Callable[[Array], Array] = field(repr=False)

    @property
    def values(self) -> Array:
        """What the layer gave, at the entries that are judged."""
        values: Array = self.given.reshape(-1)[self.at]
        return values

    @property
    def label(self) -> str:
        """The array in words: `dx`, or `the gradient of weight`."""
        return "dx" if self.tensor == "dx" else f"the gradient of {self.tensor}"

    @property
    def signals(self) -> tuple[Array, Array, Array]:
        """x, y and dy of the layer."""
        assert self.passage.dy is not None
        return self.passage.x, self.passage.y, self.passage.dy

    def is_right(self, given: Array) -> bool:
        """Return whether another array in place of `given` would be right."""
        values = given.reshape(-1)[self.at]
        scale = max(float(np.abs(values).max(initial=0)), float(np.abs(self.exact).max(initial=0)))
        # A slope that is tiny beside 1 may be a rounding error of 0.
        allowed = self.precision / 100 * scale + 1e-15 * float(np.abs(self.signals[2]).max(initial=0)) + UNDERFLOW
        return bool(np.isfinite(given).all() and (np.abs(values - self.exact) <= allowed).all())

    def matches(self, array: Array) -> bool:
        """Return whether the layer gave this array, up to rounding."""
        return array.size == self.given.size and self.matches_entries(array.reshape(-1)[self.at])

    def matches_entries(self, values: Array) -> bool:
        """Return whether the layer gave these values at the entries that are judged, up to rounding."""
        return are_close(self.values, values, self.precision)


def compute_layer_gradients(
    twin: Twin, passages: dict[str, Passage]
) -> Iterator[tuple[ObservedLayer, list[LayerGradient]]]:
    """Yield the gradients of each layer, in backward order."""
    for real, in_complex in twin.layers:
        if passages[real.name].dy is not None:
            yield real, list(IsolatedLayer(real, in_complex, passages[real.name]).compute_gradients())


@dataclass(frozen=True)
class IsolatedLayer:
    """A layer on its own, with the inputs of one pass: in real numbers, and in complex ones."""

    real: ObservedLayer
    in_complex: ObservedLayer
    passage: Passage

    def compute_gradients(self) -> Iterator[LayerGradient]:
        """Yield the gradient of each parameter, then dx."""
        passage, real = self.passage, self.real
        parameters = {key: value.copy() for key, value in vars(real.step.p).items()}
        judged = dict(passage.g) | ({} if passage.dx is None else {"dx": passage.dx})
        precision = 1e-7 if self.in_complex.complex_safe else 1e-3
        for tensor, given in judged.items():
            at = self.select_entries(tensor, given)
            exact = np.array([self.compute_vjp(tensor, make_unit(given, int(k))) for k in at])
            yield LayerGradient(tensor, given, at, exact, passage, parameters, real, precision, self.compute_slope)

    def select_entries(self, tensor: str, given: Array) -> Array:
        """Return all entries of a small array; of a large one a sample, and one that is wrong along a direction."""
        if given.size <= MAX_ENTRIES:
            return np.arange(given.size)
        sample = np.linspace(0, given.size - 1, MAX_ENTRIES // 8).round().astype(int)
        direction = np.random.default_rng(given.size).normal(size=given.shape)

        def measure_error(masked: Array) -> float:
            return abs(float(np.sum(given * masked)) - self.compute_vjp(tensor, masked))

        if np.isfinite(given).all() and measure_error(direction):
            sample = np.append(sample, find_wrong_entry(direction, measure_error))
        return np.unique(sample)

    def compute_vjp(self, tensor: str, direction: Array) -> float:
        """Return the derivative of `Σ dy · y` along a direction in x or a parameter, by the layer's forward pass."""
        if not self.in_complex.complex_safe:
            ahead, behind = (self.run_forward(self.real, tensor, h * direction) for h in (CENTRAL_STEP, -CENTRAL_STEP))
            return float(np.sum(self.passage.dy * (ahead - behind))) / (2 * CENTRAL_STEP)
        y = self.run_forward(self.in_complex, tensor, 1j * STEP * direction)
        return float(np.sum(self.passage.dy * y.imag)) / STEP

    def run_forward(self, observed: ObservedLayer, tensor: str, change: Array) -> Array:
        """Return y with something added to x or to a parameter."""
        step = observed.step
        step.x[...] = self.passage.x
        self.passage.rewind(step.s)
        array = step.x if tensor == "dx" else getattr(step.p, tensor)
        before = array.copy()
        array += change
        try:
            with guard_kernels(observed.name, "forward"):
                observed.layer.forward(step.p, step.x, step.y, step.s)
            return step.y.copy()
        finally:
            array[...] = before

    def compute_slope(self, x: Array) -> Array:
        """Return the slope of an elementwise layer at other inputs x."""
        change = x - self.passage.x
        if self.in_complex.complex_safe:
            return self.run_forward(self.in_complex, "dx", change + 1j * STEP).imag / STEP
        ahead, behind = (self.run_forward(self.real, "dx", change + h) for h in (CENTRAL_STEP, -CENTRAL_STEP))
        slope: Array = (ahead - behind) / (2 * CENTRAL_STEP)
        return slope


def make_unit(array: Array, k: int) -> Array:
    """Return the direction of entry k (counted flat) of an array."""
    direction = np.zeros(array.shape)
    direction.reshape(-1)[k] = 1
    return direction


def compute_activation_slope(layer: Layer, x: Array) -> Array | None:
    """Return the slope of an activation at x, by the complex step; None if it has parameters."""
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


def differentiate_loss(twin: Twin, scores: Array) -> Array:
    """Return what dscores should be, by the complex step; by central differences if the loss is not complex-safe."""
    exact = np.empty(scores.shape)
    for k in range(scores.size):
        unit = make_unit(scores, k)
        if twin.loss_is_complex_safe:
            exact.reshape(-1)[k] = complex(twin.compute_loss(1, scores + 1j * STEP * unit)).imag / STEP
        else:
            ahead, behind = (twin.compute_loss(0, scores + h * unit) for h in (CENTRAL_STEP, -CENTRAL_STEP))
            exact.reshape(-1)[k] = float(ahead - behind) / (2 * CENTRAL_STEP)
    return exact
