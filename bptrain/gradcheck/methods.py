"""Two ways to find a derivative without a backward pass: the complex step, and central differences."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.twin import UNDERFLOW, Term, Twin

MAX_SCANNED = 4096
"""The complex step tries arrays of up to this many entries one by one, and larger ones along directions."""
MAX_PRODUCTS = 4e8
"""The multiplications that a scan of one array may cost; arrays that need more are tried along directions."""
SAMPLE = 64
"""Central differences try at least this many entries of an array, evenly spread."""


@dataclass(frozen=True)
class Slope:
    """The derivatives of loss and penalty at one place; `slack` is the error that the method itself may cause."""

    loss: float
    penalty: float
    slack: float = 0.0

    def get(self, term: Term) -> float:
        """Return the derivative of the loss, of the penalty, or of both together."""
        return {"loss": self.loss, "penalty": self.penalty, "both": self.loss + self.penalty}[term]


@dataclass
class Method(ABC):
    """A way to find derivatives.

    `exact` is true if the method has no error but rounding. A gradient a and a derivative n agree if
    `|a - n| <= relative · max(|a|, |n|) + absolute · max|g| + slack`, with the largest entry max|g| of their array.
    """

    twin: Twin
    name: ClassVar[str]
    relative: ClassVar[float]
    absolute: ClassVar[float]
    exact: ClassVar[bool]

    @abstractmethod
    def differentiate_entry(self, name: str, k: int) -> Slope | None:
        """Return the derivative by entry k (counted flat) of an array; None at a kink, where there is none."""

    @abstractmethod
    def differentiate_along(self, name: str, direction: Array) -> Slope | None:
        """Return the derivative along a direction in an array; None at a kink."""

    @abstractmethod
    def count_entries_to_scan(self, size: int) -> int:
        """Return how many entries of an array of this size to try one by one; if not all, directions are tried too."""

    def estimate_cost(self, size: int) -> int:
        """Return about how many multiplications a scan of an array of this size takes."""
        return size * max(self.twin.real.network.theta.size, 1) * len(self.twin.batches[0].input)


class ComplexStep(Method):
    """The complex step, `Im f(θ + i h d) / h`: exact to rounding, blind to kinks; needs an analytic forward pass."""

    name = "complex step"
    relative = 1e-9
    absolute = 1e-8
    exact = True

    def differentiate_entry(self, name: str, k: int) -> Slope | None:
        """Take the complex step in one entry."""
        return Slope(*self.twin.differentiate_entry(self.twin.complex_arrays[name], k))

    def differentiate_along(self, name: str, direction: Array) -> Slope | None:
        """Take the complex step along a direction."""
        return Slope(*self.twin.differentiate(self.twin.complex_arrays[name], direction))

    def count_entries_to_scan(self, size: int) -> int:
        """Scan all entries if they are few and the network is not large, else none."""
        return size if size <= MAX_SCANNED and self.estimate_cost(size) <= MAX_PRODUCTS else 0


class Central(Method):
    """Central differences of the real forward pass: independent of complex numbers, and exact to about 1e-6 at best.

    The differences over h and h/2 are extrapolated to 0 (Richardson). Their distance, and the rounding of the loss, are
    the slack. An entry is skipped if either step crosses a kink.
    """

    name = "central differences"
    relative = 1e-5
    absolute = 1e-6
    exact = False
    step = 1e-4

    def differentiate_entry(self, name: str, k: int) -> Slope | None:
        """Take the differences along the axis of one entry."""
        direction = np.zeros_like(self.twin.real_arrays[name])
        direction.reshape(-1)[k] = 1
        return self.differentiate_along(name, direction)

    def differentiate_along(self, name: str, direction: Array) -> Slope | None:
        """Return `(f(θ + h d) - f(θ - h d)) / 2 h`, extrapolated from two h."""
        array = self.twin.real_arrays[name]
        start = array.copy()
        h = self.step * max(1.0, float(np.abs(start[direction != 0]).max(initial=0.0)))
        sides, middle = self.twin.find_kink_sides(), np.array(self.twin.compute_objective())
        try:
            slopes, gaps, size = [], [], 0.0
            for length in (h, h / 2):
                ends = []
                for sign in (1, -1):
                    array[...] = start + sign * length * direction
                    if self.twin.find_kink_sides() != sides:
                        return None
                    ends.append(np.array(self.twin.compute_objective()))
                slopes.append((ends[0] - ends[1]) / (2 * length))
                gaps.append(float(np.abs(ends[0] + ends[1] - 2 * middle).sum()) / length)
                size = max(size, float(np.abs(ends).max()))
        finally:
            array[...] = start
        wide, narrow = slopes
        rounding = 100 * np.finfo(np.float64).eps * size / h
        # The slopes to both sides come together as h falls, unless there is a kink that no layer declares.
        if gaps[1] > 0.75 * gaps[0] and gaps[1] > 1e-6 * float(np.abs(narrow).sum()) + 10 * rounding:
            return None
        best = (4 * narrow - wide) / 3
        return Slope(float(best[0]), float(best[1]), 2 * float(np.abs(wide - narrow).max()) + rounding)

    def count_entries_to_scan(self, size: int) -> int:
        """Scan all of a small array, and a sample of a larger one."""
        cheap = size <= MAX_SCANNED and 10 * self.estimate_cost(size) <= MAX_PRODUCTS / 40
        return size if size <= SAMPLE or cheap else SAMPLE


def choose_entries(size: int, count: int) -> list[int]:
    """Return this many entries of an array, evenly spread, the first and the last among them."""
    return [int(k) for k in np.unique(np.linspace(0, size - 1, min(count, size)).round())]


def compute_tolerance(method: Method, given: Any, exact: Any, largest: float, value: float, slack: Any = 0.0) -> Any:
    """Return how far a gradient may be from the derivative, relative to itself and to the largest of its array.

    Derivatives so small that they underflow in the complex step count as zero; `value` is the objective.
    """
    size = np.maximum(np.abs(given), np.abs(exact))
    return method.relative * size + method.absolute * largest + slack + UNDERFLOW * max(value, 1.0)
