"""Metrics: what a person wants to know about predictions.

A metric gathers sums batch by batch and finishes them at the end, so that the result is a mean over all rows and never
a mean of batch means. Outputs and targets are in the units of the data.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Protocol

import numpy as np

from bptrain.arrays import Array
from bptrain.registry import Family

METRICS = Family("metric")


class Metric(Protocol):
    """One figure of merit."""

    def tally(self, outputs: Array, targets: Array) -> Array:
        """The sums of one batch, a float64 vector.

        For classes outputs are probabilities `(n, classes)`, or `(n, 1)` of the second of two, and targets class
        numbers `(n,)`; for numbers both are `(n, columns)`.
        """

    def merge(self, one: Array, other: Array) -> Array:
        """The sums of two batches together."""

    def finish(self, sums: Array) -> float | None:
        """The metric, or None where it is undefined."""


class Additive:
    """The base of metrics whose sums simply add up."""

    def merge(self, one: Array, other: Array) -> Array:
        """The sums of two batches together."""
        total: Array = one + other
        return total


def predicted_codes(outputs: Array) -> Array:
    """The class number that each row of outputs speaks for, `(n,)` int64; a tie goes to the first."""
    if outputs.shape[1] == 1:
        return (outputs[:, 0] > 0.5).astype(np.int64)
    codes: Array = np.argmax(outputs, axis=1)
    return codes


@METRICS.register
@dataclass(frozen=True)
class Accuracy(Additive):
    """The share of rows whose class is predicted right.

    Value: `Σ [argmax(y) = t] / n`; with one output, `[y > 1/2] = t`. Shapes: y `(n, classes)` or `(n, 1)`, t `(n,)`.
    Undefined for no rows. As scikit-learn's accuracy_score.
    """

    def tally(self, outputs: Array, targets: Array) -> Array:
        return np.array([np.count_nonzero(predicted_codes(outputs) == targets), len(targets)], np.float64)

    def finish(self, sums: Array) -> float | None:
        right, count = sums
        return float(right / count) if count else None


def squared_errors(outputs: Array, targets: Array) -> Array:
    """Sum of squared errors and number of entries."""
    wide = outputs.astype(np.float64) - targets
    return np.array([np.sum(wide * wide), wide.size], np.float64)


@METRICS.register
@dataclass(frozen=True)
class Rmse(Additive):
    """The root of the mean squared error, in the units of the target.

    Value: `√(Σ (y - t)² / (n · columns))`. Shapes: `(n, columns)`. Undefined for no rows. As scikit-learn's
    root_mean_squared_error for one column; for several it takes the mean of their roots.
    """

    def tally(self, outputs: Array, targets: Array) -> Array:
        return squared_errors(outputs, targets)

    def finish(self, sums: Array) -> float | None:
        squares, count = sums
        return sqrt(squares / count) if count else None


@METRICS.register
@dataclass(frozen=True)
class Mae(Additive):
    """The mean absolute error, in the units of the target.

    Value: `Σ |y - t| / (n · columns)`. Shapes: `(n, columns)`. Undefined for no rows. As scikit-learn's
    mean_absolute_error.
    """

    def tally(self, outputs: Array, targets: Array) -> Array:
        return np.array([np.sum(np.abs(outputs.astype(np.float64) - targets)), targets.size], np.float64)

    def finish(self, sums: Array) -> float | None:
        total, count = sums
        return float(total / count) if count else None


@METRICS.register
@dataclass(frozen=True)
class R2:
    """The share of the target's variance that is predicted: 1 perfect, 0 no better than the mean.

    Value: `1 - Σ (y - t)² / Σ (t - mean(t))²` for each column, then the mean over columns. Shapes: `(n, columns)`.
    Undefined for fewer than two rows and where a column is constant. As scikit-learn's r2_score, which calls a
    constant column 0 or 1.

    The spread of the targets is merged batch by batch around their running means, so that a large mean costs no digits.
    """

    def tally(self, outputs: Array, targets: Array) -> Array:
        wide = targets.astype(np.float64)
        mean = wide.mean(axis=0)
        spread = np.sum((wide - mean) ** 2, axis=0)
        errors = np.sum((outputs - wide) ** 2, axis=0)
        return np.stack([np.full(len(mean), float(len(wide))), mean, spread, errors])

    def merge(self, one: Array, other: Array) -> Array:
        """The sums of two batches together (Chan, Golub and LeVeque, 1979)."""
        (count, mean, spread, errors), (more, mean2, spread2, errors2) = one, other
        total = count + more
        apart = mean2 - mean
        together = spread + spread2 + apart * apart * (count * more / total)
        return np.stack([total, mean + apart * (more / total), together, errors + errors2])

    def finish(self, sums: Array) -> float | None:
        count, _, spread, errors = sums
        if count[0] < 2 or np.any(spread == 0):
            return None
        return float(np.mean(1 - errors / spread))
