"""Scalers: bring a column of numbers into a range that trains well, and back into its own units."""

import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from bptrain.arrays import CHUNK_ROWS, Array
from bptrain.registry import Family

Statistics = tuple[float, ...]


class Scaler(Protocol):
    """A reversible change of a column, with statistics computed from the training rows only."""

    @abstractmethod
    def fit(self, column: Array) -> Statistics:
        """Return the statistics of a column `(rows,)` float64, which may be reordered to avoid a copy."""

    @abstractmethod
    def apply(self, column: Array, statistics: Statistics) -> Array:
        """Scale a column."""

    @abstractmethod
    def invert(self, column: Array, statistics: Statistics) -> Array:
        """Return a scaled column in its own units."""


SCALERS = Family("scaler", contract=Scaler)


class LinearScaler(ABC):
    """The base of scalers whose statistics are a centre and a width: `(x - centre) / width`."""

    @abstractmethod
    def fit(self, column: Array) -> Statistics:
        """Return centre and width."""

    def apply(self, column: Array, statistics: Statistics) -> Array:
        """Scale a column."""
        centre, width = statistics
        return (column - centre) / width

    def invert(self, column: Array, statistics: Statistics) -> Array:
        """Return a scaled column in its own units."""
        centre, width = statistics
        return column * width + centre


@SCALERS.register
@dataclass(frozen=True)
class Standard(LinearScaler):
    """Mean 0 and standard deviation 1; a constant column becomes 0.

    Forward: `(x - mean) / std`. Inverse: `x · std + mean`. Shapes: `(rows,)`. The standard deviation divides by n, as
    in scikit-learn's StandardScaler.
    """

    aliases: ClassVar[tuple[str, ...]] = ("standard_scaler", "standardise", "standardize", "z_score", "zscore")

    def fit(self, column: Array) -> Statistics:
        mean = float(np.mean(column))
        std = float(np.sqrt(sum_squares(column, mean) / len(column)))
        # The standard deviation of a constant column may be a rounding error, which must not be scaled up to 1.
        return mean, std if std > 1e-12 * abs(mean) else 1.0


@SCALERS.named("minmax")
@dataclass(frozen=True)
class MinMax(LinearScaler):
    """Minimum 0 and maximum 1 over the training rows; a constant column becomes 0.

    Forward: `(x - min) / (max - min)`. Inverse: `x · (max - min) + min`. Shapes: `(rows,)`. Later values may lie
    outside 0 and 1. Same as scikit-learn's MinMaxScaler.
    """

    def fit(self, column: Array) -> Statistics:
        smallest, largest = float(np.min(column)), float(np.max(column))
        return smallest, (largest - smallest) or 1.0


@SCALERS.register
@dataclass(frozen=True)
class Robust(LinearScaler):
    """Median 0 and interquartile range 1; outliers hardly change either.

    Forward: `(x - median) / (q75 - q25)`. Inverse: `x · (q75 - q25) + median`. Shapes: `(rows,)`. Quartiles are
    interpolated linearly; if both are equal, the column is only shifted. Same as scikit-learn's RobustScaler.
    """

    def fit(self, column: Array) -> Statistics:
        low, median, high = (float(q) for q in np.percentile(column, (25, 50, 75), overwrite_input=True))
        width, farthest = high - low, max(float(column.max()) - median, median - float(column.min()))
        # Quartiles that are almost equal would scale outliers beyond the range of floats.
        return median, width if width * sys.float_info.max > farthest else 1.0


@SCALERS.named("log1p")
@dataclass(frozen=True)
class Log1p:
    """The logarithm of 1 + x, then mean 0 and standard deviation 1: for prices, counts and other skewed numbers.

    Forward: `(ln(1 + x) - mean) / std`. Inverse: `exp(x · std + mean) - 1`. Shapes: `(rows,)`, x above -1. Same as
    scikit-learn's FunctionTransformer(np.log1p) before a StandardScaler.
    """

    def fit(self, column: Array) -> Statistics:
        return Standard().fit(np.log1p(column))

    def apply(self, column: Array, statistics: Statistics) -> Array:
        return Standard().apply(np.log1p(column), statistics)

    def invert(self, column: Array, statistics: Statistics) -> Array:
        return np.expm1(Standard().invert(column, statistics))


@SCALERS.named("none")
@dataclass(frozen=True)
class Unscaled:
    """No scaling.

    Forward: `x`. Inverse: `x`. Shapes: `(rows,)`.
    """

    aliases: ClassVar[tuple[str, ...]] = ("no", "null", "off")

    def fit(self, column: Array) -> Statistics:
        return ()

    def apply(self, column: Array, statistics: Statistics) -> Array:
        return column

    def invert(self, column: Array, statistics: Statistics) -> Array:
        return column


def sum_squares(column: Array, mean: float) -> Any:
    """Return `Σ(x - mean)²`, bit for bit as `np.std` computes it, without a copy of the column.

    The column is cut in halves where NumPy's pairwise summation cuts it.
    """
    if len(column) > CHUNK_ROWS:
        half = len(column) // 2 // 8 * 8
        return sum_squares(column[:half], mean) + sum_squares(column[half:], mean)
    squares = column - mean
    squares *= squares
    return np.sum(squares)
