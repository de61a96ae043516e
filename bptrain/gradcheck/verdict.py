"""The verdict: every gradient compared with the derivative, and whether they agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bptrain.arrays import Array, Shape
from bptrain.gradcheck.methods import Method, Slope, choose_entries, compute_tolerance
from bptrain.gradcheck.rounding_error import measure_rounding
from bptrain.gradcheck.twin import TERMS, Gradients, Term, Twin

DIRECTIONS = 4
"""The number of random directions along which a large array is compared."""

ROUNDING_FACTOR = 64.0
"""Rounding errors may add up to this many times what `measure_rounding` found."""

MAX_SKIPPED = 0.01
"""The largest share of entries that may be skipped."""

SKIPPED = "skipped at kinks"
"""The name of the check of this share."""

Entries = Literal["auto", "all"] | int


@dataclass(frozen=True)
class Check:
    """The verdict on one gradient.

    Attributes:
        name: of the parameter, or `inputs`; or of a component, where this is one check for several arrays.
        passed: whether the gradient is right.
        max_error: the error of the entry whose error is the largest multiple of its tolerance.
        tolerance: what is allowed for that entry.
        entries: how many were covered.
        diagnosis: what is wrong, if the check failed.
        shape: of the array.
        skipped: entries at a kink, where central differences have no value.
        kind: the kind of mistake, one of `Kind`; or `note` for a remark that compares nothing.
        layer: the first wrong layer in backward order.
        cause: what that layer does wrong.
        method: `complex step` or `central differences`.
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
        """The error in units of the tolerance."""
        return self.max_error / self.tolerance if self.tolerance else self.max_error


@dataclass(frozen=True)
class Mismatch:
    """A place where gradient and derivative disagree: the term of the objective, the entry, and both values there."""

    term: Term
    k: int
    given: float
    exact: float


def make_failed_check(name: str, diagnosis: str, shape: Shape = (), entries: int = 0) -> Check:
    """Return a check that failed before or without any comparison."""
    return Check(name, False, float("inf"), 0.0, entries, diagnosis, shape)


def make_fault_check(name: str, kind: str, sentence: str) -> Check:
    """Return a failed check on a layer or loss that does what it must not."""
    text = f"{name}: {sentence}"
    return replace(make_failed_check(name, text), kind=kind, layer=name, cause=text)


def compare_gradients(twin: Twin, method: Method, entries: Entries = "auto") -> tuple[list[Check], dict[str, Mismatch]]:
    """Compare every gradient of the backward pass with the derivative, at the present parameters of a twin.

    Returns:
        A check for each parameter in the order of the network, and one for the inputs; and the disagreements by name.

    Raises:
        KernelError: a pass stops with an exception.
    """
    value, gradients = twin.compute_gradients()
    checks, mismatches = [], {}
    for name in sorted(gradients["loss"], key=get_sort_key):
        check, mismatch = Comparison(twin, method, name, gradients, abs(value), entries).judge()
        checks.append(check)
        if mismatch is not None:
            mismatches[name] = mismatch
    return checks, mismatches


def get_sort_key(name: str) -> tuple[bool, int]:
    """Return the key that sorts parameters by layer, and the inputs last."""
    return name == "inputs", int(name.split(".")[0]) if name != "inputs" else 0


@dataclass
class Comparison:
    """One array under comparison: its gradients in each term of the objective, `(*shape)`, against the derivatives.

    `value` is the whole objective.
    """

    twin: Twin
    method: Method
    name: str
    gradients: Gradients
    value: float
    entries: Entries

    @property
    def total(self) -> Array:
        """The gradient of loss and penalty together."""
        return self.gradients["both"][self.name]

    def judge(self) -> tuple[Check, Mismatch | None]:
        """Return the check, and the worst disagreement if it failed."""
        size = self.total.size
        if not np.isfinite(self.value):
            return self.make_failure(f"the loss is not finite: it is {self.value}"), None
        for term in TERMS:
            array = self.gradients[term][self.name].reshape(-1)
            if not np.isfinite(array).all():
                k = int(np.argmin(np.isfinite(array)))
                what = f"not finite at {format_index(self.total.shape, k)}: backward gives {array[k]:g}"
                return self.make_failure(what), Mismatch(term, k, float(array[k]), float("nan"))
        if not size:
            return self.make_check(0.0, 0.0, 0), None
        scanned = self.method.count_entries_to_scan(size)
        count = {"auto": scanned, "all": size}.get(str(self.entries), self.entries)
        assert isinstance(count, int)
        check, wrong = self.judge_entries(choose_entries(size, count))
        if check.passed and self.entries == "auto" and count < size:
            other, wrong = self.judge_directions()
            other = replace(other, skipped=check.skipped)
            check = max(check, other, key=lambda one: (not one.passed, one.severity))
            check = replace(check, entries=size)
        return check, wrong

    def make_check(self, error: float, allowed: float, entries: int, skipped: int = 0) -> Check:
        """Return a check of this array."""
        shape, method = self.total.shape, self.method.name
        return Check(self.name, error <= allowed, error, allowed, entries, None, shape, skipped, method=method)

    def make_failure(self, diagnosis: str) -> Check:
        """Return a check of this array that failed before anything could be compared."""
        return make_failed_check(self.name, diagnosis, self.total.shape, self.total.size)

    def judge_entries(self, chosen: Sequence[int]) -> tuple[Check, Mismatch | None]:
        """Return the verdict from the derivatives by single entries."""
        slopes = {k: self.method.differentiate_entry(self.name, k) for k in chosen}
        known = {k: slope for k, slope in slopes.items() if slope is not None}
        skipped = len(slopes) - len(known)
        if not known:
            return self.make_check(0.0, 1.0, len(chosen), skipped), None
        for term in TERMS:
            for k, slope in known.items():
                if not np.isfinite(slope.get(term)):
                    place = format_index(self.total.shape, k)
                    return self.make_failure(f"the {self.method.name} gives no number at {place}"), None
        worst = max(
            (self.find_worst(term, known) for term in TERMS), key=lambda one: (one[2] is not None, one[0] / one[1])
        )
        error, allowed, wrong = worst
        return self.make_check(error, allowed, len(chosen), skipped), wrong

    def find_worst(self, term: Term, known: dict[int, Slope]) -> tuple[float, float, Mismatch | None]:
        """Return the worst error in a term of the objective, its tolerance, and the mismatch if it exceeds that."""
        gradient, at = self.gradients[term][self.name].reshape(-1), list(known)
        exact = np.array([slope.get(term) for slope in known.values()])
        given, slack = gradient[at], np.array([slope.slack for slope in known.values()])
        largest = float(max(np.abs(gradient).max(), np.abs(exact).max()))
        errors = np.abs(given - exact)
        allowed = compute_tolerance(self.method, given, exact, largest, self.value, slack)
        worst = int(np.argmax(errors / allowed))
        if errors[worst] > allowed[worst]:
            allowed += self.compute_rounding_allowance(at[worst], term)
            worst = int(np.argmax(errors / allowed))
        wrong = errors[worst] > allowed[worst]
        mismatch = Mismatch(term, at[worst], float(given[worst]), float(exact[worst])) if wrong else None
        return float(errors[worst]), float(allowed[worst]), mismatch

    def compute_rounding_allowance(self, along: int | Array, term: Term) -> float:
        """Return the error that rounding may cause, for a gradient that is a small difference of large numbers."""
        if term == "penalty" or not self.method.exact:
            return 0.0
        gradient, derivative = measure_rounding(self.twin, self.name, along)
        weight = 1.0 if isinstance(along, int) else float(np.abs(along).sum())
        allowed = ROUNDING_FACTOR * (gradient * weight + derivative)
        # An infinite allowance would let everything pass.
        return allowed if np.isfinite(allowed) else 0.0

    def judge_directions(self) -> tuple[Check, Mismatch | None]:
        """Return the verdict on a large array, from random directions, and a wrong entry if one disagrees."""
        shape, size = self.total.shape, self.total.size
        rng = np.random.default_rng(size)
        worst = self.make_check(0.0, 1.0, size)
        for _ in range(DIRECTIONS):
            direction = rng.normal(size=shape)
            slope = self.method.differentiate_along(self.name, direction)
            if slope is None:
                continue
            for term in TERMS:
                gradient, exact = self.gradients[term][self.name], slope.get(term)
                if not np.isfinite(exact):
                    return self.make_failure(f"the {self.method.name} gives no number along a direction"), None
                given, largest = float(np.sum(gradient * direction)), float(np.abs(gradient).max())
                allowed = float(compute_tolerance(self.method, given, exact, largest, self.value, slope.slack))
                error = abs(given - exact)
                if error > allowed:
                    allowed += self.compute_rounding_allowance(direction, term)
                check = self.make_check(error, allowed, size)
                if not check.passed:
                    return check, self.find_mismatch(direction, term)
                worst = max(worst, check, key=lambda one: one.severity)
        return worst, None

    def find_mismatch(self, direction: Array, term: Term) -> Mismatch | None:
        """Find a wrong entry of the array, given a direction along which it is wrong."""
        gradient = self.gradients[term][self.name]

        def measure_error(masked: Array) -> float:
            slope = self.method.differentiate_along(self.name, masked)
            return 0.0 if slope is None else abs(float(np.sum(gradient * masked)) - slope.get(term))

        k = find_wrong_entry(direction, measure_error)
        slope = self.method.differentiate_entry(self.name, k)
        return None if slope is None else Mismatch(term, k, float(gradient.reshape(-1)[k]), slope.get(term))


def find_wrong_entry(direction: Array, measure_error: Callable[[Array], float]) -> int:
    """Return the entry (counted flat) that causes the error along a direction: halve it, keep the half with the larger
    error, and go on until one entry is left."""
    low, high = 0, direction.size
    flat = direction.reshape(-1)

    def measure_range(start: int, stop: int) -> float:
        masked = np.zeros(direction.shape)
        masked.reshape(-1)[start:stop] = flat[start:stop]
        error = measure_error(masked)
        return error if np.isfinite(error) else float("inf")

    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if measure_range(low, middle) >= measure_range(middle, high) else (middle, high)
    return low


def judge_skipped(checks: Sequence[Check]) -> list[Check]:
    """Return a check that fails if more than 1% of the entries were skipped; no check if none were."""
    skipped, entries = sum(one.skipped for one in checks), sum(one.entries for one in checks)
    if not skipped:
        return []
    share = skipped / entries
    if share <= MAX_SKIPPED:
        return [Check(SKIPPED, True, share, MAX_SKIPPED, skipped)]
    what = (
        f"{skipped} of {entries} entries lie at kinks and were skipped, more than 1%; the complex step checks them all"
    )
    return [Check(SKIPPED, False, share, MAX_SKIPPED, skipped, what, kind="skipped")]


def format_index(shape: Shape, k: int) -> str:
    """Return the flat index k as an index into an array of this shape, such as `[1, 2]`."""
    return "[" + ", ".join(map(str, np.unravel_index(k, shape))) + "]"
