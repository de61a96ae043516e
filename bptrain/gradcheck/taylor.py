"""The Taylor test: a verdict on gradients by the order of a remainder, which needs no tolerance.

`|f(θ + h d) - f(θ) - h g·d|` falls like h² if g is the gradient of f, and like h if it is not. Reference: Farrell, Ham,
Funke and Rognes, 2013, where adjoint models are verified so.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.gradcheck.line import Line, directions, scale_direction
from bptrain.gradcheck.observers import KinkObserver, ShakingObserver
from bptrain.gradcheck.twin import Twin
from bptrain.gradcheck.verdict import order

STEPS = tuple(float(10 ** (k / 2)) for k in range(-24, 1))
"""The steps of the test, in units of an array's own size."""
FITTED = 5
"""So many remainders above rounding have the slope; the smallest, which no kink and no higher order spoils."""
FEWEST = 3
RIGHT = 1.5
"""The slope between 1 and 2 that parts wrong from right."""
LEAST, BENT = 0.8, 0.15
"""Remainders that grow more slowly, or lie so many decades off the line, follow no power of the step."""
LARGE = 1e-2
"""A wrong gradient is seen at steps smaller than this; from here on saturated units may wake up."""
SEEN = 1e-6
"""Where no slope is to be had, a gradient is right if an error of this part of it would have been seen."""
SHAKES = 5
ROUNDING = 16.0
"""Rounding errors may come to so many times what shaking every layer showed, or the last place of the objective."""

TOGETHER = "all together"

Verdict = Literal["right", "wrong", "undecided"]


@dataclass(frozen=True)
class Taylor:
    """The verdict on the gradient of one array, or of all together.

    `slope` is that of the remainders above rounding, in log-log; None where there are too few, and `remark` says why.
    `remainders` are those at `steps`, in units of the array's own size; the larger of both directions along the line.
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

    def along(self, line: Line, h: float) -> float:
        """How far they move a remainder at h."""
        pull = sum(self.gradients[name] * float(np.abs(d).sum()) for name, d in line.directions.items())
        return ROUNDING * (self.value + h * pull)


def taylor(twin: Twin, gradients: Mapping[str, Array]) -> Iterator[Taylor]:
    """Test the gradients of the whole objective, array by array, and all together.

    Args:
        twin: stands where the gradients were taken; left there.
        gradients: by the names of `twin.real_arrays()`.

    Raises:
        BackwardError: the forward pass does not run through.
    """
    noise, here = measure_noise(twin), Line(twin, {}).pattern(0)
    real = twin.real_arrays()
    every = {name: scale_direction(real[name], d) for name, d in directions(twin, 0).items()}
    for name in sorted(every, key=order):
        if every[name].size:
            yield of_line(name, Line(twin, {name: every[name]}), gradients, noise, here)
    yield of_line(TOGETHER, Line(twin, every), gradients, noise, here)


def measure_noise(twin: Twin) -> Noise:
    """Measure what rounding errors do where a twin stands."""
    seen = KinkObserver()
    with twin.observe(seen):
        twin.values()
    shaker = ShakingObserver(np.random.default_rng(twin.seed), seen.inputs)

    def run() -> tuple[Array, dict[str, Array]]:
        _, gradients = twin.run_pass(twin.real.value_and_grad)
        return np.array(twin.values()), gradients

    (parts, still), (_, again) = run(), run()
    value, moved = float(np.finfo(np.float64).eps * np.abs(parts).sum()), dict.fromkeys(still, 0.0)
    # A backward pass that says something else each time is not excused by it.
    steady = all(np.array_equal(array, again[name]) for name, array in still.items())
    for _ in range(SHAKES):
        with twin.observe(shaker):
            shaken, others = run()
        change = float(np.abs(shaken - parts).sum())
        value = max(value, change if np.isfinite(change) else 0.0)
        if steady:
            for name, array in others.items():
                change = float(np.abs(array - still[name]).max(initial=0.0))
                moved[name] = max(moved[name], change if np.isfinite(change) else 0.0)
    return Noise(value, moved)


def of_line(name: str, line: Line, gradients: Mapping[str, Array], noise: Noise, here: bytes) -> Taylor:
    """The test along one line."""
    if not all(np.isfinite(gradients[key]).all() for key in line.directions):
        return Taylor(name, "wrong", None, "the gradient is not finite")
    start, steps, remainders, floors, crossed = line.parts(0), [], [], [], None
    for h in STEPS:
        if any(line.pattern(sign * h) != here for sign in (1, -1)):
            crossed = h
            break
        remainder = max(abs(float((line.parts(end) - start).sum()) - line.predict(gradients, end)) for end in (h, -h))
        if not np.isfinite(remainder):
            break
        steps.append(h)
        remainders.append(remainder)
        floors.append(noise.along(line, h))
        if len(above(remainders, floors)) == FITTED:
            break
    scale = max(abs(line.slope(gradients)), 1e-3 * float(np.abs(start).sum()))
    verdict, slope, remark = judge_remainders(steps, remainders, floors, scale, crossed)
    return Taylor(name, verdict, slope, remark, tuple(steps), tuple(remainders))


def above(remainders: Sequence[float], floors: Sequence[float]) -> list[int]:
    """The places from which on all remainders are above rounding."""
    found: list[int] = []
    for k in reversed(range(len(remainders))):
        if remainders[k] <= floors[k]:
            break
        found.append(k)
    return found[::-1]


def judge_remainders(
    steps: Sequence[float], remainders: Sequence[float], floors: Sequence[float], scale: float, crossed: float | None
) -> tuple[Verdict, float | None, str | None]:
    """Return the verdict with the slope, or with the reason why there is none.

    Args:
        steps: in rising order, with their remainders, and what rounding may make of them.
        scale: of the derivative along the line.
        crossed: the step that moves something across a kink, if one does.
    """
    places = above(remainders, floors)
    if len(places) >= FEWEST and (slope := power([steps[k] for k in places], [remainders[k] for k in places])):
        if slope > RIGHT:
            return "right", slope, None
        if steps[places[0]] < LARGE:
            return "wrong", slope, None
    if not steps:
        return "undecided", None, "the network stands at a kink" if crossed else "no remainder is finite"
    # Saturated units wake up suddenly: then what counts is how far all was rounding.
    still = len(steps) - len(places)
    reached = still - 1 if len(places) >= FEWEST else len(steps) - 1
    if reached >= 0 and max(remainders[reached], floors[reached]) <= SEEN * scale * steps[reached]:
        what = "nearly linear" if reached >= still else "linear: all is rounding"
        return "right", None, f"{what} up to a kink" if crossed else what
    if crossed:
        return "undecided", None, f"a kink lies within {crossed:.0e} of its size"
    return "undecided", None, "too little is above rounding" if len(places) < FEWEST else "no power of the step"


def power(steps: Sequence[float], remainders: Sequence[float]) -> float | None:
    """The power of the step with which the remainders grow; None if they do not grow like a power of it."""
    x, y = np.log10(steps), np.log10(remainders)
    slope, level = np.polyfit(x, y, 1)
    return float(slope) if slope >= LEAST and np.abs(slope * x + level - y).max() <= BENT else None
