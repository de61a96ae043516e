"""The ways to know a derivative without a backward pass: the complex step, and central differences."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import NOTHING, Part, Twin

SCANNED = 4096
"""The complex step goes through tensors of at most so many entries one by one, and takes directions in larger ones."""
AFFORDABLE = 4e8
"""So many multiplications may go into a scan of one tensor; what needs more is seen along directions too."""
SAMPLED = 64
"""Central differences try at least so many entries of a tensor, evenly spread."""


@dataclass(frozen=True)
class Slope:
    """The derivatives of loss and penalty at one place; `slack` is how far they may be off by the method itself."""

    loss: float
    penalty: float
    slack: float = 0.0

    def of(self, part: Part) -> float:
        """The derivative of the loss, of the penalty, or of both together."""
        return {"loss": self.loss, "penalty": self.penalty, "both": self.loss + self.penalty}[part]


class Method(Protocol):
    """A way to find derivatives.

    `exact` says that nothing but rounding is in the way. A gradient a and a derivative n agree if
    `|a - n| <= relative · max(|a|, |n|) + absolute · max|g| + slack`.
    """

    name: str
    relative: float
    absolute: float
    exact: bool
    twin: Twin

    def entry(self, name: str, k: int) -> Slope | None:
        """By entry k of an array; None where it cannot be had, at a kink."""

    def along(self, name: str, direction: Array) -> Slope | None:
        """Along a direction in an array."""

    def count_scanned(self, size: int) -> int:
        """Count the entries of a tensor of this size to be tried one by one; if not all, directions are too."""


@dataclass
class ComplexStep:
    """Exact to rounding, blind to kinks; needs a forward pass that is analytic."""

    twin: Twin
    name: str = "complex step"
    relative: float = 1e-9
    absolute: float = 1e-8
    exact: bool = True

    def entry(self, name: str, k: int) -> Slope | None:
        """`Im f(θ + i h e_k) / h`."""
        return Slope(*self.twin.derivative_of_entry(self.twin.arrays()[name], k))

    def along(self, name: str, direction: Array) -> Slope | None:
        """`Im f(θ + i h d) / h`."""
        return Slope(*self.twin.derivative(self.twin.arrays()[name], direction))

    def count_scanned(self, size: int) -> int:
        """All, if they are few and the network is not large."""
        cost = size * max(self.twin.real.network.theta.size, 1) * len(self.twin.batches[0].input)
        return size if size <= SCANNED and cost <= AFFORDABLE else 0


@dataclass
class Central:
    """Central differences of the real forward pass alone: independent of complex numbers, and no better than 1e-6.

    The differences over h and h/2 are extrapolated to 0 (Richardson); how far they lie apart, and the rounding of the
    loss, are the slack. An entry is skipped if either step moves anything across a kink.
    """

    twin: Twin
    name: str = "central differences"
    relative: float = 1e-5
    absolute: float = 1e-6
    exact: bool = False
    step: float = 1e-4

    def entry(self, name: str, k: int) -> Slope | None:
        """Along the axis of entry k."""
        array = self.twin.real_arrays()[name]
        direction = np.zeros_like(array)
        direction.reshape(-1)[k] = 1
        return self.along(name, direction)

    def along(self, name: str, direction: Array) -> Slope | None:
        """`(f(θ + h d) - f(θ - h d)) / 2 h` for two h, extrapolated."""
        array = self.twin.real_arrays()[name]
        start = array.copy()
        h = self.step * max(1.0, float(np.abs(start[direction != 0]).max(initial=0.0)))
        here, middle = self.twin.pattern(), np.array(self.twin.values())
        try:
            slopes, gaps, size = [], [], 0.0
            for length in (h, h / 2):
                ends = []
                for sign in (1, -1):
                    array[...] = start + sign * length * direction
                    if self.twin.pattern() != here:
                        return None
                    ends.append(np.array(self.twin.values()))
                slopes.append((ends[0] - ends[1]) / (2 * length))
                gaps.append(float(np.abs(ends[0] + ends[1] - 2 * middle).sum()) / length)
                size = max(size, float(np.abs(ends).max()))
        finally:
            array[...] = start
        wide, narrow = slopes
        rounding = 100 * np.finfo(np.float64).eps * size / h
        # The slopes to both sides come together as h falls, unless there is a kink that nobody declared.
        if gaps[1] > 0.75 * gaps[0] and gaps[1] > 1e-6 * float(np.abs(narrow).sum()) + 10 * rounding:
            return None
        best = (4 * narrow - wide) / 3
        return Slope(float(best[0]), float(best[1]), 2 * float(np.abs(wide - narrow).max()) + rounding)

    def count_scanned(self, size: int) -> int:
        """All of a small tensor; of a larger one a sample, beside the directions."""
        cost = 10 * size * max(self.twin.real.network.theta.size, 1) * len(self.twin.batches[0].input)
        return size if size <= SAMPLED or (size <= SCANNED and cost <= AFFORDABLE / 40) else SAMPLED


def places(size: int, count: int) -> list[int]:
    """So many entries of a tensor, evenly spread and the first and the last among them."""
    return [int(k) for k in np.unique(np.linspace(0, size - 1, min(count, size)).round())]


def tolerance(method: Any, given: Any, exact: Any, largest: float, value: float, slack: Any = 0.0) -> Any:
    """How far a gradient may be from the derivative: relative to itself, and to the largest of its tensor.

    What underflows with the complex step, beside an objective of this value, counts as nothing.
    """
    size = np.maximum(np.abs(given), np.abs(exact))
    return method.relative * size + method.absolute * largest + slack + NOTHING * max(value, 1.0)
