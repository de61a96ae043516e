"""Metrics of predicted numbers, in the units of the data."""

from abc import abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.metrics.metric import METRICS, Kind, MeanMetric, Metric, divide


class NumberMetric(Metric):
    """The base of metrics of numbers."""

    kinds: ClassVar[tuple[Kind, ...]] = ("numbers",)
    perfect: ClassVar[float | None] = 0.0
    story: ClassVar[str] = "error"


class MeanErrorMetric(NumberMetric, MeanMetric):
    """The base of means of a function of the errors."""

    @abstractmethod
    def measure(self, errors: Array) -> Array:
        """Return the values to average, given errors `(n, columns)` float64."""

    def tally(self, outputs: Array, targets: Array) -> Array:
        return np.array([np.sum(self.measure(compute_errors(outputs, targets))), targets.size])


def compute_errors(outputs: Array, targets: Array) -> Array:
    """Return the errors in float64, whatever the dtype of the outputs."""
    errors: Array = outputs.astype(np.float64) - targets
    return errors


@METRICS.register
@dataclass(frozen=True)
class R2(NumberMetric):
    """The share of the target's variance that is explained: 1 is perfect, 0 is no better than predicting the mean.

    Value: `1 - Σ (y - t)² / Σ (t - mean(t))²` for each column, then the mean over columns. Shapes: `(n, columns)`.
    Undefined for fewer than two rows and where a column is constant. scikit-learn's r2_score gives 0 or 1 for a
    constant column.

    The variance of the targets is merged batch by batch around running means, so that a large mean costs no digits.
    """

    aliases: ClassVar[tuple[str, ...]] = ("r2_score", "rsquared")
    perfect: ClassVar[float | None] = 1.0
    usual: ClassVar[bool] = True

    def tally(self, outputs: Array, targets: Array) -> Array:
        wide = targets.astype(np.float64)
        mean = wide.sum(axis=0) / max(len(wide), 1)
        spread = np.sum((wide - mean) ** 2, axis=0)
        errors = np.sum(compute_errors(outputs, targets) ** 2, axis=0)
        extremes = wide.min(axis=0, initial=np.inf), wide.max(axis=0, initial=-np.inf)
        return np.stack([np.full(len(mean), float(len(wide))), mean, spread, errors, *extremes])

    def merge(self, one: Array, other: Array) -> Array:
        """Return the sums of two batches together (Chan, Golub and LeVeque, 1979)."""
        (count, mean, spread, errors, low, high), (more, mean2, spread2, errors2, low2, high2) = one, other
        total = count + more
        shift, weight = mean2 - mean, more / np.maximum(total, 1)
        together = spread + spread2 + shift * shift * (count * weight)
        extremes = np.minimum(low, low2), np.maximum(high, high2)
        return np.stack([total, mean + shift * weight, together, errors + errors2, *extremes])

    def finish(self, sums: Array) -> float | None:
        count, _, spread, errors, low, high = sums
        # The spread of a constant column may be a rounding error instead of 0.
        if count[0] < 2 or np.any(low == high):
            return None
        return divide(np.sum(1 - errors / spread), len(spread))


@METRICS.register
@dataclass(frozen=True)
class Rmse(MeanErrorMetric):
    """The root of the mean squared error, in the units of the target.

    Value: `√(Σ (y - t)² / (n · columns))`. Shapes: `(n, columns)`. Undefined for no rows. Same as scikit-learn's
    root_mean_squared_error for one column; of several it gives the mean of their roots.
    """

    aliases: ClassVar[tuple[str, ...]] = ("root_mean_squared_error",)
    usual: ClassVar[bool] = True

    def measure(self, errors: Array) -> Array:
        return np.asarray(errors**2)

    def finish(self, sums: Array) -> float | None:
        mean = super().finish(sums)
        return None if mean is None else sqrt(mean)


@METRICS.register
@dataclass(frozen=True)
class Mae(MeanErrorMetric):
    """The mean absolute error, in the units of the target.

    Value: `Σ |y - t| / (n · columns)`. Shapes: `(n, columns)`. Undefined for no rows. Same as scikit-learn's
    mean_absolute_error.
    """

    aliases: ClassVar[tuple[str, ...]] = ("mean_absolute_error",)
    usual: ClassVar[bool] = True

    def measure(self, errors: Array) -> Array:
        return np.abs(errors)


@METRICS.register
@dataclass(frozen=True)
class Mse(MeanErrorMetric):
    """The mean squared error, in squared units of the target.

    Value: `Σ (y - t)² / (n · columns)`, not halved. Shapes: `(n, columns)`. Undefined for no rows. Same as
    scikit-learn's mean_squared_error.
    """

    aliases: ClassVar[tuple[str, ...]] = ("mean_squared_error",)

    def measure(self, errors: Array) -> Array:
        return np.asarray(errors**2)


@METRICS.register
@dataclass(frozen=True)
class Mape(NumberMetric):
    """The mean absolute error relative to the target: 0.1 is ten per cent.

    Value: `Σ |y - t| / |t| / (n · columns)`. Shapes: `(n, columns)`. Undefined for no rows and where a target is 0.
    scikit-learn's mean_absolute_percentage_error divides by 2⁻⁵² where a target is 0.
    """

    def tally(self, outputs: Array, targets: Array) -> Array:
        sizes = np.abs(targets.astype(np.float64))
        errors = np.abs(compute_errors(outputs, targets))
        shares = np.divide(errors, sizes, out=np.zeros_like(errors), where=sizes > 0)
        return np.array([shares.sum(), sizes.size, np.count_nonzero(sizes == 0)])

    def finish(self, sums: Array) -> float | None:
        total, count, zeros = sums
        return None if zeros else divide(total, count)
