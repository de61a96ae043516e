"""Significance: whether the loss of one contender is lower than another's by more than seeds alone would make it.

With the same seed all contenders get the same weights and batches, so their losses are paired, and Student's t-test is
applied to the differences.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, inf, isfinite, pi, sin, sqrt

SIGNIFICANT = 0.05
"""A difference that chance makes with a lower probability than this is called more than noise."""


@dataclass(frozen=True)
class Comparison:
    """The leader compared with another contender.

    `wins` counts the seeds in which the leader ended lower, `difference` is the mean over the seeds with which neither
    diverged, and `p` the probability that chance makes such a difference, corrected for the number of comparisons; None
    for fewer than two such seeds. `diverged` counts the seeds with which only the other diverged: because of these, it
    may rank below the leader although its loss with the other seeds is lower.
    """

    better: str
    worse: str
    wins: int
    seeds: int
    difference: float
    p: float | None
    diverged: int = 0

    @property
    def more_than_noise(self) -> bool:
        """Whether the leader's loss is lower by more than noise."""
        return self.p is not None and self.p < SIGNIFICANT and self.difference > 0


def compare_losses(better: str, one: Sequence[float], worse: str, other: Sequence[float]) -> Comparison:
    """Compare the losses of two contenders, seed by seed; losses that are not finite do not count in the mean."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if isfinite(a) and isfinite(b)]
    wins = sum(a < b for a, b in zip(one, other, strict=True))
    differences = [b - a for a, b in pairs]
    mean = sum(differences) / len(differences) if differences else inf
    diverged = sum(isfinite(a) and not isfinite(b) for a, b in zip(one, other, strict=True))
    return Comparison(better, worse, wins, len(one), mean, compute_p_value(differences), diverged)


def compute_p_value(differences: Sequence[float]) -> float | None:
    """Return the probability that differences of mean 0 look at least as large by chance: a two-sided paired t-test.

    Source: Student, 1908. None for fewer than two differences.
    """
    n = len(differences)
    if n < 2:
        return None
    mean = sum(differences) / n
    variance = sum((one - mean) ** 2 for one in differences) / (n - 1)
    if variance == 0:
        return 1.0 if mean == 0 else 0.0
    return compute_tail(mean / sqrt(variance / n), n - 1)


def compute_tail(t: float, freedom: int) -> float:
    """Return the probability of a Student's t at least as far from 0, for whole degrees of freedom of 1 or more.

    In closed form: Abramowitz and Stegun, 1964, 26.7.3 and 26.7.4.
    """
    angle = atan(abs(t) / sqrt(freedom))
    if freedom % 2:
        total = angle
        if freedom > 1:
            term = cos(angle)
            series = term
            for k in range(3, freedom - 1, 2):
                term *= cos(angle) ** 2 * (k - 1) / k
                series += term
            total += sin(angle) * series
        return max(0.0, 1 - 2 / pi * total)
    term = series = 1.0
    for k in range(2, freedom - 1, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        series += term
    return max(0.0, 1 - sin(angle) * series)


def correct_p_values(values: Sequence[float | None]) -> list[float | None]:
    """Return probabilities corrected for their number, so that many comparisons find no more by chance than one would.

    Source: Holm, 1979.
    """
    order = sorted((value, k) for k, value in enumerate(values) if value is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for place, (value, k) in enumerate(order):
        highest = max(highest, min(1.0, value * (len(order) - place)))
        corrected[k] = highest
    return corrected
