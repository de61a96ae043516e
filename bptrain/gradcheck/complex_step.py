"""The complex step: derivatives of the forward pass, exact to rounding, to hold the backward pass against.

For a function that is analytic around x, `Im f(x + i h) / h` is the derivative up to terms in h². With h = 1e-30 these
vanish, nothing cancels, and no kink is crossed: a network of rectifiers is checked exactly too. Reference: Squire and
Trapp, 1998.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bptrain.arrays import Array, Shape, Streams
from bptrain.nn import Frame, Layer, Loss, Network
from bptrain.optim import Regularization
from bptrain.training import Batch, Objective

STEP = 1e-30
SCANNED = 4096
"""Tensors with at most so many entries are checked entry by entry; larger ones along random directions."""
DIRECTIONS = 4


@dataclass(frozen=True)
class Check:
    """The verdict on one gradient: the entry with the largest error for its tolerance, and how many were covered.

    `diagnosis` says what is wrong, or is None.
    """

    name: str
    passed: bool
    max_error: float
    tolerance: float
    entries: int
    diagnosis: str | None = None


class Twin:
    """One training objective twice on the same batch: in float64 with its backward pass, in complex128 forward only.

    Biases, and whatever else takes no weight decay, are moved off their initial values, since a gradient may be right
    by chance at 0 or 1.

    Args:
        layers: without `auto`.
        shape: of an input row.
        loss: of the scores.
        regularization: of the weights.
        inputs: `(n, *shape)`.
        targets: in the encoding of the loss.
        seed: of the parameters and the dropout masks.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        shape: Shape,
        loss: Loss,
        regularization: Regularization,
        inputs: Array,
        targets: Array,
        seed: int,
    ) -> None:
        n = len(inputs)
        # Room for one row more than is used, so that a kernel that ignores the number of rows is caught.
        self.real, self.complex = (
            Objective(
                Network(layers, shape, batch=n + 1, dtype=dtype, rng=Streams(seed), input_gradient=dtype == "float64"),
                loss,
                regularization,
            )
            for dtype in ("float64", "complex128")
        )
        network = self.real.network
        rng = np.random.default_rng(seed)
        network.theta[network.decayed.stop :] += rng.normal(0, 0.1, network.theta.size - network.decayed.stop)
        self.complex.network.theta[...] = network.theta
        self.batches: tuple[Batch, Batch] = (self.real.batch(n), self.complex.batch(n))
        for batch in self.batches:
            batch.input[...] = inputs
            batch.targets[...] = targets
        self.masks = network.rng.state()

    def gradients(self) -> tuple[float, dict[str, Array]]:
        """The training loss and its gradients by the backward pass: of every parameter, and of `inputs`."""
        network, batch = self.real.network, self.batches[0]
        network.rng.restore(self.masks)
        # Whatever backward does not overwrite is to be seen.
        network.grad.fill(np.nan)
        soil(batch.frame)
        with np.errstate(all="ignore"):
            value = self.real.value_and_grad(batch)
        assert batch.frame.dinput is not None
        return float(value), {**network.gradients(), "inputs": batch.frame.dinput}

    def derivative(self, array: Array, direction: Array) -> float:
        """The derivative of the training loss along a direction in one of the arrays of `complex`."""
        array += 1j * STEP * direction
        return self._derivative_and_reset(array)

    def derivative_of_entry(self, array: Array, k: int) -> float:
        """The derivative of the training loss by entry k (counted flat) of one of the arrays of `complex`."""
        array.reshape(-1)[k] += 1j * STEP
        return self._derivative_and_reset(array)

    def _derivative_and_reset(self, array: Array) -> float:
        network = self.complex.network
        network.rng.restore(self.masks)
        with np.errstate(all="ignore"):
            value = self.complex.loss_value(self.batches[1], training=True)[0] + self.complex.penalty()
        array.imag = 0
        return float(complex(value).imag / STEP)

    def arrays(self) -> dict[str, Array]:
        """The complex arrays that can be stepped: every parameter, and `inputs`."""
        return {**self.complex.network.parameters(), "inputs": self.batches[1].input}


def soil(frame: Frame) -> None:
    """Fill all gradients of signals with NaN."""
    for step in frame.steps:
        step.dy.fill(np.nan)
        if step.dx is not None:
            step.dx.fill(np.nan)
        if hasattr(step.s, "inner"):
            soil(step.s.inner)


def check(twin: Twin) -> list[Check]:
    """Hold every gradient of the backward pass against the complex step.

    Returns:
        A check for each parameter in the order of the network, and one for the inputs; a single one that failed where
        the backward pass does not run through, as with arrays of the wrong shape.
    """
    try:
        value, gradients = twin.gradients()
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = f"it stops with {type(error).__name__}: {error}"
        return [Check("backward pass", False, float("inf"), 0.0, 0, what)]
    steps = twin.arrays()
    order = sorted(gradients, key=lambda name: (name == "inputs", int(name.split(".")[0]) if name != "inputs" else 0))
    return [tensor(twin, name, gradients[name], steps[name], abs(value)) for name in order]


def tensor(twin: Twin, name: str, given: Array, stepped: Array, loss: float) -> Check:
    """The verdict on the gradient of one array."""
    flat = given.reshape(-1)
    if not np.isfinite(loss):
        return Check(name, False, float("inf"), 0.0, given.size, f"the loss is not finite: it is {loss}")
    if not np.isfinite(flat).all():
        worst = int(np.argmin(np.isfinite(flat)))
        what = f"not finite at {index(given, worst)}: the backward pass gives {flat[worst]:g}"
        return Check(name, False, float("inf"), 0.0, given.size, what)
    if given.size <= SCANNED:
        exact = np.array([twin.derivative_of_entry(stepped, k) for k in range(given.size)])
        if not np.isfinite(exact).all():
            worst = int(np.argmin(np.isfinite(exact)))
            what = (
                f"the complex step gives {exact[worst]} at {index(given, worst)}: the forward pass is not complex-safe"
            )
            return Check(name, False, float("inf"), 0.0, given.size, what)
        return entrywise(name, given, exact, loss)
    return along_directions(twin, name, given, stepped, loss)


def tolerance(given: Any, exact: Any, largest: float, loss: float) -> Any:
    """How far a gradient may be from the exact one: rounding, relative to itself and to the largest of its tensor.

    What is below 1e-200 may underflow with the step of 1e-30, and counts as nothing.
    """
    return 1e-9 * np.maximum(np.abs(given), np.abs(exact)) + 1e-8 * max(largest, 1e-3 * loss) + 1e-200


def entrywise(name: str, given: Array, exact: Array, loss: float) -> Check:
    """The verdict from the exact derivatives of all entries."""
    flat = given.reshape(-1)
    errors = np.abs(flat - exact)
    largest = float(max(np.abs(flat).max(), np.abs(exact).max()))
    allowed = tolerance(flat, exact, largest, loss)
    worst = int(np.argmax(errors / allowed))
    passed = bool((errors <= allowed).all())
    verdict = Check(name, passed, float(errors[worst]), float(allowed[worst]), flat.size)
    return verdict if passed else replace(verdict, diagnosis=disagreement(given, worst, exact[worst]))


def along_directions(twin: Twin, name: str, given: Array, stepped: Array, loss: float) -> Check:
    """The verdict on a large tensor: random directions first, and if one disagrees, the search for a wrong entry."""
    rng = np.random.default_rng(given.size)
    largest = float(np.abs(given).max())
    found: list[Check] = []
    for _ in range(DIRECTIONS):
        direction = rng.normal(size=given.shape)
        exact = twin.derivative(stepped, direction)
        if not np.isfinite(exact):
            what = f"the complex step gives {exact} along a direction: the forward pass is not complex-safe"
            return Check(name, False, float("inf"), 0.0, given.size, what)
        along = float(np.sum(given * direction))
        allowed = float(tolerance(along, exact, largest, loss))
        error = abs(along - exact)
        found.append(Check(name, error <= allowed, error, allowed, given.size))
        if not found[-1].passed:
            k = wrong_entry(twin, given, stepped, direction)
            return replace(found[-1], diagnosis=disagreement(given, k, twin.derivative_of_entry(stepped, k)))
    return max(found, key=lambda one: one.max_error / one.tolerance)


def wrong_entry(twin: Twin, given: Array, stepped: Array, direction: Array) -> int:
    """An entry that is wrong, found by halving: the half with the larger error along the same direction is kept."""
    low, high = 0, given.size
    mask = np.zeros(given.shape)
    flat = mask.reshape(-1)

    def error(start: int, stop: int) -> float:
        flat[:] = 0
        flat[start:stop] = 1
        return abs(float(np.sum(given * direction * mask)) - twin.derivative(stepped, direction * mask))

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if error(low, middle) >= error(middle, high) else (middle, high)
    return low


def disagreement(given: Array, k: int, exact: float) -> str:
    """What is wrong at an entry, in words."""
    return f"at {index(given, k)} the backward pass gives {given.reshape(-1)[k]:.9g} and the complex step {exact:.9g}"


def index(array: Array, k: int) -> str:
    """The flat index k as the array is indexed."""
    return "[" + ", ".join(map(str, np.unravel_index(k, array.shape))) + "]"
