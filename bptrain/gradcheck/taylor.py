"""The Taylor test: a verdict on gradients by the order of a remainder, which needs no tolerance.

`|f(θ + h d) - f(θ) - h g·d|` falls like h² if g is the gradient of f, and like h if it is not. Reference: Farrell, Ham,
Funke and Rognes, 2013, who verify adjoint models this way.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.rounding_error import SHAKES, make_shaker
from bptrain.gradcheck.twin import STEP, Twin
from bptrain.gradcheck.verdict import get_sort_key
from bptrain.nn.observer import guard_kernels

STEPS = tuple(float(10 ** (k / 2)) for k in range(-24, 1))
"""The steps of the test, in units of an array's own size."""
FITTED = 5
"""The slope is fitted to the smallest remainders above rounding, this many, where higher orders do not matter."""
MIN_FITTED = 3
RIGHT_SLOPE = 1.5
"""The slope between 1 and 2 that separates right from wrong."""
MIN_SLOPE, MAX_RESIDUAL = 0.8, 0.15
"""Remainders that grow more slowly, or lie this many decades off the line, follow no power of the step."""
MAX_WRONG_STEP = 1e-2
"""A wrong gradient shows at smaller steps than this; at larger ones saturated units may wake up."""
VISIBLE_ERROR = 1e-6
"""Without a slope, a gradient is right if a relative error of this size would have shown."""
ROUNDING_FACTOR = 16.0
"""Rounding errors may be this many times what `measure_noise` finds."""

TOGETHER = "all together"

Verdict = Literal["right", "wrong", "undecided"]


class Line:
    """The whole objective, loss and penalty, along a direction; every method leaves the twin as it was.

    Args:
        twin: whose real network is moved.
        directions: for some of `twin.real_arrays`, by name, each in the shape of its array; the other arrays stay.
    """

    def __init__(self, twin: Twin, directions: Mapping[str, Array]) -> None:
        self.twin = twin
        self.directions = directions
        arrays = twin.real_arrays
        # The inputs always, since a layer may write over them.
        self.start = {name: arrays[name].copy() for name in {**directions, "inputs": None}}

    def _move(self, h: float) -> None:
        arrays = self.twin.real_arrays
        for name, start in self.start.items():
            arrays[name][...] = start + h * self.directions[name] if h and name in self.directions else start

    def compute_terms(self, h: float) -> Array:
        """Return loss and penalty at h, `(2,)`.

        Raises:
            KernelError: the forward pass stops with an exception.
        """
        self._move(h)
        try:
            return np.array(self.twin.compute_objective())
        finally:
            self._move(0)

    def compute_value(self, h: float) -> float:
        """Return the objective at h."""
        return float(self.compute_terms(h).sum())

    def find_kink_sides(self, h: float) -> bytes:
        """Return the side of every kink on which the network is at h."""
        self._move(h)
        try:
            return self.twin.find_kink_sides()
        finally:
            self._move(0)

    def predict(self, gradients: Mapping[str, Array], h: float) -> float:
        """Return the change of the objective up to h if the gradients are right; h is rounded as in the arrays."""
        self._move(h)
        try:
            arrays = self.twin.real_arrays
            return float(sum(np.sum(gradients[name] * (arrays[name] - self.start[name])) for name in self.directions))
        finally:
            self._move(0)

    def compute_slope(self, gradients: Mapping[str, Array]) -> float:
        """Return the derivative along the line if the gradients are right."""
        return float(sum(np.sum(gradients[name] * d) for name, d in self.directions.items()))

    def compute_complex_slope(self, h: float = STEP) -> float:
        """Return the derivative along the line by the complex step, `Im f(θ + i h d) / h`."""
        arrays, objective = self.twin.complex_arrays, self.twin.complex
        self.twin.rewind(1)
        try:
            for name, direction in self.directions.items():
                arrays[name] += 1j * h * direction
            with guard_kernels(self.twin.loss_name):
                value: Any = objective.loss_value(self.twin.batches[1], training=True)[0] + objective.penalty()
        finally:
            for name in self.directions:
                arrays[name].imag = 0
        return complex(value).imag / h


def draw_directions(twin: Twin, seed: int) -> dict[str, Array]:
    """Draw a random direction in all arrays of a twin, which moves every number by about 1."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=array.shape) for name, array in twin.real_arrays.items()}


def scale_direction(array: Array, direction: Array) -> Array:
    """Return the direction with the length of the array, so that a step of 0.1 changes it by a tenth of its size."""
    length, size = float(np.linalg.norm(direction)), float(np.linalg.norm(array))
    return direction * ((size or float(np.sqrt(array.size))) / (length or 1.0))


@dataclass(frozen=True)
class Taylor:
    """The verdict on the gradient of one array, or of all together.

    `slope` is the slope of the remainders above rounding, in log-log; None where there are too few, and `remark` says
    why. `remainders` are those at `steps`, which are in units of the array's own size; each is the larger of those at h
    and -h.
    """

    name: str
    verdict: Verdict
    slope: float | None
    remark: str | None
    steps: tuple[float, ...] = ()
    remainders: tuple[float, ...] = ()


@dataclass(frozen=True)
class Noise:
    """How far rounding errors move the objective, and an entry of each gradient."""

    value: float
    gradients: Mapping[str, float]

    def estimate(self, line: Line, h: float) -> float:
        """Return how far rounding errors may move a remainder at h."""
        pull = sum(self.gradients[name] * float(np.abs(d).sum()) for name, d in line.directions.items())
        return ROUNDING_FACTOR * (self.value + h * pull)


def judge_gradients(twin: Twin, gradients: Mapping[str, Array]) -> Iterator[Taylor]:
    """Test the gradients of the whole objective, array by array, and all together.

    Args:
        twin: at the parameters where the gradients were taken; left there.
        gradients: by the names of `twin.real_arrays`.

    Raises:
        KernelError: the forward pass stops with an exception.
    """
    noise, sides = measure_noise(twin), twin.find_kink_sides()
    arrays = twin.real_arrays
    directions = {name: scale_direction(arrays[name], d) for name, d in draw_directions(twin, 0).items()}
    for name in sorted(directions, key=get_sort_key):
        if directions[name].size:
            yield judge_line(name, Line(twin, {name: directions[name]}), gradients, noise, sides)
    yield judge_line(TOGETHER, Line(twin, directions), gradients, noise, sides)


def measure_noise(twin: Twin) -> Noise:
    """Measure how far rounding errors move the objective and the gradients of a twin."""
    shaker = make_shaker(twin)

    def run() -> tuple[Array, dict[str, Array]]:
        _, gradients = twin.run_pass(twin.real.value_and_grad)
        return np.array(twin.compute_objective()), gradients

    (terms, first), (_, second) = run(), run()
    value, changes = float(np.finfo(np.float64).eps * np.abs(terms).sum()), dict.fromkeys(first, 0.0)
    # Rounding does not excuse a backward pass that gives another result each time.
    steady = all(np.array_equal(array, second[name]) for name, array in first.items())
    for _ in range(SHAKES):
        with twin.observe(shaker):
            shaken_terms, shaken = run()
        change = float(np.abs(shaken_terms - terms).sum())
        value = max(value, change if np.isfinite(change) else 0.0)
        for name, array in shaken.items() if steady else ():
            change = float(np.abs(array - first[name]).max(initial=0.0))
            changes[name] = max(changes[name], change if np.isfinite(change) else 0.0)
    return Noise(value, changes)


def judge_line(name: str, line: Line, gradients: Mapping[str, Array], noise: Noise, sides: bytes) -> Taylor:
    """Test the gradients along one line, from a point on these sides of the kinks."""
    if not all(np.isfinite(gradients[key]).all() for key in line.directions):
        return Taylor(name, "wrong", None, "the gradient is not finite")
    start, steps, remainders, floors, crossed = line.compute_terms(0), [], [], [], None
    for h in STEPS:
        if any(line.find_kink_sides(end) != sides for end in (h, -h)):
            crossed = h
            break
        remainder = max(
            abs(float((line.compute_terms(end) - start).sum()) - line.predict(gradients, end)) for end in (h, -h)
        )
        if not np.isfinite(remainder):
            break
        steps.append(h)
        remainders.append(remainder)
        floors.append(noise.estimate(line, h))
        if len(steps) - count_rounding(remainders, floors) == FITTED:
            break
    scale = max(abs(line.compute_slope(gradients)), 1e-3 * float(np.abs(start).sum()))
    verdict, slope, remark = judge_remainders(steps, remainders, floors, scale, crossed)
    return Taylor(name, verdict, slope, remark, tuple(steps), tuple(remainders))


def count_rounding(remainders: Sequence[float], floors: Sequence[float]) -> int:
    """Return the number of remainders up to the last one that is no larger than rounding."""
    return max(
        (k + 1 for k, (one, floor) in enumerate(zip(remainders, floors, strict=True)) if one <= floor), default=0
    )


def judge_remainders(
    steps: Sequence[float], remainders: Sequence[float], floors: Sequence[float], scale: float, crossed: float | None
) -> tuple[Verdict, float | None, str | None]:
    """Return the verdict with the slope, or with the reason why there is none.

    Args:
        steps: in rising order, with their remainders, and how large rounding may make these.
        scale: the size of the derivative along the line.
        crossed: the step that crosses a kink, if one does.
    """
    first = count_rounding(remainders, floors)
    enough = len(steps) - first >= MIN_FITTED
    if enough and (slope := fit_power(steps[first:], remainders[first:])):
        if slope > RIGHT_SLOPE:
            return "right", slope, None
        if steps[first] < MAX_WRONG_STEP:
            return "wrong", slope, None
    if not steps:
        return "undecided", None, "the network is exactly at a kink" if crossed else "no remainder is finite"
    # If saturated units wake up suddenly, only the steps before that count, where all is rounding.
    last = first - 1 if enough else len(steps) - 1
    if last >= 0 and max(remainders[last], floors[last]) <= VISIBLE_ERROR * scale * steps[last]:
        what = "nearly linear" if last >= first else "linear: the remainder is all rounding"
        return "right", None, f"{what} up to a kink" if crossed else what
    if crossed:
        return "undecided", None, f"a kink lies within a step of {crossed:.0e}"
    return "undecided", None, "the remainder follows no power of the step" if enough else "nearly all is rounding error"


def fit_power(steps: Sequence[float], remainders: Sequence[float]) -> float | None:
    """Return the power of the step with which the remainders grow; None if they follow none."""
    x, y = np.log10(steps), np.log10(remainders)
    slope, level = np.polyfit(x, y, 1)
    return float(slope) if slope >= MIN_SLOPE and np.abs(slope * x + level - y).max() <= MAX_RESIDUAL else None
