"""A line: the objective along a direction from the point where a twin stands, f(θ + h d)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import STEP, Twin
from bptrain.nn.observer import guard_kernels


class Line:
    """The whole objective, loss and penalty, along a direction; the twin is back in its place after every look.

    Args:
        twin: whose real network is moved.
        directions: for some of `twin.real_arrays()`, by name, each in the shape of its array; the others stay.
    """

    def __init__(self, twin: Twin, directions: Mapping[str, Array]) -> None:
        self.twin = twin
        self.directions = directions
        real = twin.real_arrays()
        # The inputs always, since a layer may write over them.
        self.start = {name: real[name].copy() for name in {**directions, "inputs": None}}

    def _go(self, h: float) -> None:
        real = self.twin.real_arrays()
        for name, start in self.start.items():
            real[name][...] = start + h * self.directions[name] if h and name in self.directions else start

    def parts(self, h: float) -> Array:
        """Loss and penalty at h, `(2,)`.

        Raises:
            BackwardError: the forward pass does not run through.
        """
        self._go(h)
        try:
            return np.array(self.twin.values())
        finally:
            self._go(0)

    def value(self, h: float) -> float:
        """The objective at h."""
        return float(self.parts(h).sum())

    def pattern(self, h: float) -> bytes:
        """On which side of every kink the network stands at h."""
        self._go(h)
        try:
            return self.twin.pattern()
        finally:
            self._go(0)

    def predict(self, gradients: Mapping[str, Array], h: float) -> float:
        """Return how far the objective moves up to h if gradients are right, with the step that rounding makes."""
        self._go(h)
        try:
            real = self.twin.real_arrays()
            return float(sum(np.sum(gradients[name] * (real[name] - self.start[name])) for name in self.directions))
        finally:
            self._go(0)

    def slope(self, gradients: Mapping[str, Array]) -> float:
        """The derivative along the line if the gradients are right."""
        return float(sum(np.sum(gradients[name] * d) for name, d in self.directions.items()))

    def complex_slope(self, h: float = STEP) -> float:
        """The derivative along the line by the complex step, `Im f(θ + i h d) / h`."""
        batch = self.twin.batches[1]
        arrays = self.twin.arrays()
        self.twin.rewind(1)
        try:
            for name, direction in self.directions.items():
                arrays[name] += 1j * h * direction
            with guard_kernels(self.twin.loss_name):
                value: Any = self.twin.complex.loss_value(batch, training=True)[0] + self.twin.complex.penalty()
        finally:
            for name in self.directions:
                arrays[name].imag = 0
        return complex(value).imag / h


def directions(twin: Twin, seed: int) -> dict[str, Array]:
    """A random direction in all arrays of a twin, which moves every number by about 1."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=array.shape) for name, array in twin.real_arrays().items()}


def scale_direction(array: Array, direction: Array) -> Array:
    """Return the direction with the length of the array, so that a step of 0.1 changes it by a tenth of its size."""
    length, size = float(np.linalg.norm(direction)), float(np.linalg.norm(array))
    return direction * ((size or float(np.sqrt(array.size))) / (length or 1.0))
