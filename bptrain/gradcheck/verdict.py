"""The comparison: every gradient held against the derivative, with a verdict for each array."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.gradcheck.methods import Method, Slope, places, tolerance
from bptrain.gradcheck.rounding_error import rounding
from bptrain.gradcheck.twin import PARTS, Gradients, Part, Twin

DIRECTIONS = 4
ROUNDING = 64.0
"""Rounding errors may add up to so many times what shaking every layer showed."""
MOST_SKIPPED = 0.01
SKIPPED = "skipped at kinks"

Entries = Literal["auto", "all"] | int


@dataclass(frozen=True)
class Check:
    """The verdict on one gradient: the entry with the largest error for its tolerance, and how many were covered.

    `skipped` of the entries lie at a kink, where central differences say nothing. If the check failed, `diagnosis` says
    in words what is wrong, `kind` is the kind of mistake, `layer` the first wrong layer in backward order, and `cause`
    what that layer does wrong. A check of kind `note` says something worth knowing, and compares nothing.
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
    method: str = "complex step"

    @property
    def severity(self) -> float:
        """The error in units of what is allowed."""
        return self.max_error / self.tolerance if self.tolerance else self.max_error


@dataclass(frozen=True)
class Mismatch:
    """A disagreement: in which part of the objective, at which entry, and both values there."""

    part: Part
    k: int
    given: float
    exact: float


def fail(name: str, shape: Shape, size: int, diagnosis: str) -> Check:
    """A check that fails whatever is allowed."""
    return Check(name, False, float("inf"), 0.0, size, diagnosis, shape)


def compare(twin: Twin, method: Method, entries: Entries = "auto") -> tuple[list[Check], dict[str, Mismatch]]:
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
    """One array under comparison: its gradients in each part of the objective, `(*shape)`, against the derivatives.

    `value` is that of the whole objective.
    """

    twin: Twin
    method: Method
    name: str
    gradients: Gradients
    value: float
    entries: Entries

    def verdict(self) -> tuple[Check, Mismatch | None]:
        """The check, and the worst disagreement if it failed."""
        given = self.gradients["both"][self.name]
        if not np.isfinite(self.value):
            return self.fail(f"the loss is not finite: it is {self.value}"), None
        for part in PARTS:
            array = self.gradients[part][self.name].reshape(-1)
            if not np.isfinite(array).all():
                worst = int(np.argmin(np.isfinite(array)))
                what = f"not finite at {index(given.shape, worst)}: the backward pass gives {array[worst]:g}"
                return self.fail(what), Mismatch(part, worst, float(array[worst]), float("nan"))
        if not given.size:
            return self.check(0.0, 0.0, 0), None
        scanned = self.method.count_scanned(given.size)
        count = {"auto": scanned, "all": given.size}.get(str(self.entries), self.entries)
        assert isinstance(count, int)
        check, wrong = self.by_entries(places(given.size, count)) if count else (self.check(0.0, 1.0, 0), None)
        if check.passed and self.entries == "auto" and count < given.size:
            other, wrong = self.along_directions()
            other = replace(other, skipped=check.skipped)
            check = max(check, other, key=lambda one: (not one.passed, one.severity))
            check = replace(check, entries=given.size)
        return check, wrong

    def check(self, error: float, allowed: float, entries: int, skipped: int = 0) -> Check:
        """A check of this array."""
        shape, method = self.gradients["both"][self.name].shape, self.method.name
        return Check(self.name, error <= allowed, error, allowed, entries, None, shape, skipped, method=method)

    def fail(self, what: str) -> Check:
        """Return a check that failed before anything could be compared."""
        given = self.gradients["both"][self.name]
        return fail(self.name, given.shape, given.size, what)

    def by_entries(self, chosen: Sequence[int]) -> tuple[Check, Mismatch | None]:
        """The verdict from the derivatives of single entries."""
        slopes = {k: self.method.entry(self.name, k) for k in chosen}
        known = {k: slope for k, slope in slopes.items() if slope is not None}
        skipped = len(slopes) - len(known)
        if not known:
            return self.check(0.0, 1.0, len(chosen), skipped), None
        found = [self.part_by_entries(part, known) for part in PARTS]
        for one in found:
            if isinstance(one, str):
                return self.fail(one), None
        error, allowed, wrong = max(
            (one for one in found if not isinstance(one, str)), key=lambda one: (one[2] is not None, one[0] / one[1])
        )
        return self.check(error, allowed, len(chosen), skipped), wrong

    def part_by_entries(self, part: Part, known: dict[int, Slope]) -> tuple[float, float, Mismatch | None] | str:
        """The worst error in a part of the objective with what is allowed there, and the entry if that is too much;
        or why there is none."""
        gradient = self.gradients[part][self.name].reshape(-1)
        at = list(known)
        exact = np.array([slope.of(part) for slope in known.values()])
        if not np.isfinite(exact).all():
            k = at[int(np.argmin(np.isfinite(exact)))]
            shape = self.gradients[part][self.name].shape
            return f"the {self.method.name} gives no number at {index(shape, k)}"
        given, slack = gradient[at], np.array([slope.slack for slope in known.values()])
        largest = float(max(np.abs(gradient).max(), np.abs(exact).max()))
        errors = np.abs(given - exact)
        allowed = tolerance(self.method, given, exact, largest, self.value, slack)
        worst = int(np.argmax(errors / allowed))
        if errors[worst] > allowed[worst]:
            allowed += self.rounding(at[worst], part)
            worst = int(np.argmax(errors / allowed))
        wrong = errors[worst] > allowed[worst]
        mismatch = Mismatch(part, at[worst], float(given[worst]), float(exact[worst])) if wrong else None
        return float(errors[worst]), float(allowed[worst]), mismatch

    def rounding(self, along: int | Array, part: Part) -> float:
        """What rounding errors may come to, for arrays whose gradients cancel out of much larger numbers."""
        if part == "penalty" or not self.method.exact:
            return 0.0
        moved, there = rounding(self.twin, self.name, along)
        weight = 1.0 if isinstance(along, int) else float(np.abs(along).sum())
        allowed = ROUNDING * (moved * weight + there)
        # Where rounding decides everything there would be nothing that could fail.
        return allowed if np.isfinite(allowed) else 0.0

    def along_directions(self) -> tuple[Check, Mismatch | None]:
        """The verdict on a large tensor: random directions first, and if one disagrees, the search for an entry."""
        size = self.gradients["both"][self.name].size
        rng = np.random.default_rng(size)
        worst = self.check(0.0, 1.0, size)
        for _ in range(DIRECTIONS):
            direction = rng.normal(size=self.gradients["both"][self.name].shape)
            slope = self.method.along(self.name, direction)
            for part in PARTS if slope is not None else ():
                assert slope is not None
                gradient, exact = self.gradients[part][self.name], slope.of(part)
                if not np.isfinite(exact):
                    return self.fail(f"the {self.method.name} gives no number along a direction"), None
                given, largest = float(np.sum(gradient * direction)), float(np.abs(gradient).max())
                allowed = float(tolerance(self.method, given, exact, largest, self.value, slope.slack))
                error = abs(given - exact)
                if error > allowed:
                    allowed += self.rounding(direction, part)
                one = self.check(error, allowed, size)
                if not one.passed:
                    return one, self.locate(direction, part)
                worst = max(worst, one, key=lambda check: check.severity)
        return worst, None

    def locate(self, direction: Array, part: Part) -> Mismatch | None:
        """Find an entry that is wrong by halving: the half with the larger error along the direction is kept."""
        gradient = self.gradients[part][self.name]

        def error(masked: Array) -> float:
            slope = self.method.along(self.name, masked)
            return 0.0 if slope is None else abs(float(np.sum(gradient * masked)) - slope.of(part))

        k = halve(direction, error)
        slope = self.method.entry(self.name, k)
        return None if slope is None else Mismatch(part, k, float(gradient.reshape(-1)[k]), slope.of(part))


def halve(direction: Array, error: Callable[[Array], float]) -> int:
    """Return the entry (counted flat) to which a direction owes its error, keeping the half with the larger one, again
    and again."""
    low, high = 0, direction.size
    flat = direction.reshape(-1)

    def part(start: int, stop: int) -> float:
        masked = np.zeros(direction.shape)
        masked.reshape(-1)[start:stop] = flat[start:stop]
        found = error(masked)
        return found if np.isfinite(found) else float("inf")

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if part(low, middle) >= part(middle, high) else (middle, high)
    return low


def too_many_skipped(checks: Sequence[Check]) -> list[Check]:
    """A check that fails if more than one entry in a hundred was skipped, since then little is known."""
    skipped, entries = sum(one.skipped for one in checks), sum(one.entries for one in checks)
    if not skipped:
        return []
    share = skipped / entries
    what = f"{skipped} of {entries} entries lie at kinks and were skipped, more than 1%; the complex step sees them all"
    diagnosis = what if share > MOST_SKIPPED else None
    passed, kind = share <= MOST_SKIPPED, None if share <= MOST_SKIPPED else "skipped"
    return [Check(SKIPPED, passed, share, MOST_SKIPPED, skipped, diagnosis, kind=kind)]


def index(shape: Shape, k: int) -> str:
    """The flat index k as an array of the shape is indexed."""
    return "[" + ", ".join(map(str, np.unravel_index(k, shape))) + "]"
