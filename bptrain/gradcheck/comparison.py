"""The comparison: every gradient held against the derivative, with a verdict for each array."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.gradcheck.methods import Method, places, tolerance
from bptrain.gradcheck.twin import PARTS, BackwardError, Gradients, Part, Twin

DIRECTIONS = 4
ROUNDING = 64.0
"""Rounding errors may add up to so many times what shaking every layer showed."""
MOST_SKIPPED = 0.01

Entries = Literal["auto", "all"] | int


@dataclass(frozen=True)
class Check:
    """The verdict on one gradient: the entry with the largest error for its tolerance, and how many were covered.

    `skipped` of the entries lie at a kink, where central differences say nothing. If the check failed, `diagnosis` says
    in words what is wrong, `kind` is the kind of mistake, `layer` the first wrong layer in backward order, and `cause`
    what that layer does wrong.
    """

    name: str
    passed: bool
    max_error: float
    tolerance: float
    entries: int
    diagnosis: str | None = None
    shape: Shape = ()
    skipped: int = 0
    kind: str | None = None
    layer: str | None = None
    cause: str | None = None

    @property
    def severity(self) -> float:
        """The error in units of what is allowed."""
        return self.max_error / self.tolerance if self.tolerance else self.max_error


@dataclass(frozen=True)
class Wrong:
    """A disagreement: in which part of the objective, at which entry, and both values there."""

    part: Part
    k: int
    given: float
    exact: float


def failed(name: str, shape: Shape, size: int, diagnosis: str) -> Check:
    """A check that fails whatever is allowed."""
    return Check(name, False, float("inf"), 0.0, size, diagnosis, shape)


def compare(twin: Twin, method: Method, entries: Entries = "auto") -> tuple[list[Check], dict[str, Wrong]]:
    """Hold every gradient of the backward pass, as the twin stands, against the derivative.

    Returns:
        A check for each parameter in the order of the network, and one for the inputs; and the disagreements.

    Raises:
        BackwardError: a pass does not run through.
    """
    value, gradients = twin.gradients()
    names = sorted(gradients["loss"], key=order)
    found = [Comparison(twin, method, name, gradients, abs(value), entries).verdict() for name in names]
    return [check for check, _ in found], {
        name: wrong for name, (_, wrong) in zip(names, found, strict=True) if wrong is not None
    }


def order(name: str) -> tuple[bool, int]:
    """Parameters by layer, then the inputs."""
    return name == "inputs", int(name.split(".")[0]) if name != "inputs" else 0


@dataclass
class Comparison:
    """One array under comparison: its gradients in each part of the objective, `(*shape)`, against the derivatives."""

    twin: Twin
    method: Method
    name: str
    gradients: Gradients
    loss: float
    entries: Entries

    def verdict(self) -> tuple[Check, Wrong | None]:
        """The check, and the worst disagreement if it failed."""
        given = self.gradients["both"][self.name]
        if not np.isfinite(self.loss):
            return self.refused(f"the loss is not finite: it is {self.loss}"), None
        for part in PARTS:
            array = self.gradients[part][self.name].reshape(-1)
            if not np.isfinite(array).all():
                worst = int(np.argmin(np.isfinite(array)))
                what = f"not finite at {index(given.shape, worst)}: the backward pass gives {array[worst]:g}"
                return self.refused(what), Wrong(part, worst, float(array[worst]), float("nan"))
        if not given.size:
            return Check(self.name, True, 0.0, 0.0, 0, shape=given.shape), None
        count = {"auto": self.method.scanned(given.size), "all": given.size}.get(str(self.entries), self.entries)
        assert isinstance(count, int)
        return self.by_entries(places(given.size, count)) if count else self.along_directions()

    def refused(self, what: str) -> Check:
        """A check that failed before anything could be compared."""
        given = self.gradients["both"][self.name]
        return failed(self.name, given.shape, given.size, what)

    def by_entries(self, chosen: Sequence[int]) -> tuple[Check, Wrong | None]:
        """The verdict from the derivatives of single entries."""
        shape = self.gradients["both"][self.name].shape
        slopes = {k: self.method.entry(self.name, k) for k in chosen}
        known = [k for k, slope in slopes.items() if slope is not None]
        skipped = len(slopes) - len(known)
        if not known:
            return Check(self.name, True, 0.0, 0.0, len(chosen), shape=shape, skipped=skipped), None
        slack = np.array([slopes[k].slack for k in known])  # type: ignore[union-attr]
        worst = Check(self.name, True, -1.0, 1.0, len(chosen), shape=shape, skipped=skipped)
        wrong: Wrong | None = None
        for part in PARTS:
            exact = np.array([slopes[k].of(part) for k in known])  # type: ignore[union-attr]
            if not np.isfinite(exact).all():
                k = known[int(np.argmin(np.isfinite(exact)))]
                return self.refused(f"the {self.method.name} gives no number at {index(shape, k)}"), None
            gradient = self.gradients[part][self.name].reshape(-1)
            given = gradient[known]
            largest = float(max(np.abs(gradient).max(), np.abs(exact).max()))
            errors = np.abs(given - exact)
            allowed = tolerance(self.method, given, exact, largest, self.loss, slack)
            at = int(np.argmax(errors / allowed))
            if errors[at] > allowed[at]:
                allowed += self.rounding(known[at], part)
                at = int(np.argmax(errors / allowed))
            one = replace(worst, max_error=float(errors[at]), tolerance=float(allowed[at]))
            one = replace(one, passed=bool(errors[at] <= allowed[at]))
            if worst.max_error < 0 or (worst.passed and not one.passed):
                worst = one
                wrong = None if one.passed else Wrong(part, known[at], float(given[at]), float(exact[at]))
            elif one.passed == worst.passed and one.severity > worst.severity and one.passed:
                worst = one
        return worst, wrong

    def rounding(self, along: int | Array, part: Part) -> float:
        """What rounding errors may come to, for arrays whose gradients cancel out of much larger numbers."""
        if part == "penalty" or not self.method.exact:
            return 0.0
        moved, there = self.twin.rounding(self.name, along)
        weight = float(np.abs(along).sum()) if not isinstance(along, int) else 1.0
        allowed = ROUNDING * (moved[self.name] * weight + there)
        # Where rounding decides everything there would be nothing that could fail.
        return allowed if np.isfinite(allowed) else 0.0

    def along_directions(self) -> tuple[Check, Wrong | None]:
        """The verdict on a large tensor: random directions first, and if one disagrees, the search for an entry."""
        gradient = self.gradients["both"][self.name]
        shape, size = gradient.shape, gradient.size
        rng = np.random.default_rng(size)
        worst = Check(self.name, True, -1.0, 1.0, size, shape=shape)
        for _ in range(DIRECTIONS):
            direction = rng.normal(size=shape)
            slope = self.method.along(self.name, direction)
            assert slope is not None
            for part in PARTS:
                given, exact = float(np.sum(self.gradients[part][self.name] * direction)), slope.of(part)
                if not np.isfinite(exact):
                    return self.refused(f"the {self.method.name} gives no number along a direction"), None
                largest = float(np.abs(self.gradients[part][self.name]).max())
                allowed = float(tolerance(self.method, given, exact, largest, self.loss))
                error = abs(given - exact)
                if error > allowed:
                    allowed += self.rounding(direction, part)
                one = Check(self.name, error <= allowed, error, allowed, size, shape=shape)
                if not one.passed:
                    return one, self.located(direction, part)
                worst = max(worst, one, key=lambda check: check.severity)
        return worst, None

    def located(self, direction: Array, part: Part) -> Wrong:
        """An entry that is wrong, found by halving: the half with the larger error along the direction is kept."""
        gradient = self.gradients[part][self.name]
        low, high = 0, gradient.size
        mask = np.zeros(gradient.shape)
        flat = mask.reshape(-1)

        def error(start: int, stop: int) -> float:
            flat[:] = 0
            flat[start:stop] = 1
            slope = self.method.along(self.name, direction * mask)
            assert slope is not None
            return abs(float(np.sum(gradient * direction * mask)) - slope.of(part))

        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if error(low, middle) >= error(middle, high) else (middle, high)
        slope = self.method.entry(self.name, low)
        assert slope is not None
        return Wrong(part, low, float(gradient.reshape(-1)[low]), slope.of(part))


def too_many_skipped(checks: Sequence[Check]) -> list[Check]:
    """A check that fails if more than one entry in a hundred was skipped, since then little is known."""
    skipped, entries = sum(one.skipped for one in checks), sum(one.entries for one in checks)
    if not skipped:
        return []
    share = skipped / entries
    what = f"{skipped} of {entries} entries lie at kinks and were skipped, more than 1%; the complex step sees them all"
    diagnosis = what if share > MOST_SKIPPED else None
    return [Check("skipped at kinks", share <= MOST_SKIPPED, share, MOST_SKIPPED, skipped, diagnosis, skipped=skipped)]


def index(shape: Shape, k: int) -> str:
    """The flat index k as an array of the shape is indexed."""
    return "[" + ", ".join(map(str, np.unravel_index(k, shape))) + "]"


__all__ = ["BackwardError", "Check", "Comparison", "Entries", "Wrong", "compare", "failed", "index", "too_many_skipped"]
