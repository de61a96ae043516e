"""Scalers: bringing a column into a range that trains well, and back."""

import sys
from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from bptrain.arrays import CHUNK_ROWS, Array
from bptrain.registry import Family

Statistics = tuple[float, ...]


class Scaler(Protocol):
    """A reversible change of a column, with statistics that are found on the training rows alone."""

    @abstractmethod
    def fit(self, column: Array) -> Statistics:
        """The statistics of a column `(rows,)` float64, which may be put in another order: a long one need not be
        copied."""

    @abstractmethod
    def apply(self, column: Array, statistics: Statistics) -> Array:
        """The column scaled."""

    @abstractmethod
    def invert(self, column: Array, statistics: Statistics) -> Array:
        """The column in its own units again."""


SCALERS = Family("scaler", contract=Scaler)


@SCALERS.register
@dataclass(frozen=True)
class Standard:
    """Mean 0 and standard deviation 1; a constant column becomes 0.

    Forward: `(x - mean) / std`. Backward: `x · std + mean`. Shapes: `(rows,)`. The standard deviation divides by n, as
    scikit-learn's StandardScaler does.
    """

    aliases: ClassVar[tuple[str, ...]] = ("standard_scaler", "standardise", "standardize", "z_score", "zscore")

    def fit(self, column: Array) -> Statistics:
        mean = float(np.mean(column))
        spread = float(np.sqrt(sum_of_squares(column, mean) / len(column)))
        # A constant column may have a spread of a few rounding errors, which must not be blown up to 1.
        return mean, spread if spread > 1e-12 * abs(mean) else 1.0

    def apply(self, column: Array, statistics: Statistics) -> Array:
        mean, std = statistics
        return (column - mean) / std

    def invert(self, column: Array, statistics: Statistics) -> Array:
        mean, std = statistics
        return column * std + mean


@SCALERS.named("minmax")
@dataclass(frozen=True)
class MinMax:
    """From 0 for the least training value to 1 for the largest; a constant column becomes 0.

    Forward: `(x - min) / (max - min)`. Backward: `x · (max - min) + min`. Shapes: `(rows,)`. Later values may lie
    beyond 0 and 1. As scikit-learn's MinMaxScaler.
    """

    def fit(self, column: Array) -> Statistics:
        least, largest = float(np.min(column)), float(np.max(column))
        return least, (largest - least) or 1.0

    def apply(self, column: Array, statistics: Statistics) -> Array:
        least, width = statistics
        return (column - least) / width

    def invert(self, column: Array, statistics: Statistics) -> Array:
        least, width = statistics
        return column * width + least


@SCALERS.register
@dataclass(frozen=True)
class Robust:
    """Median 0 and a distance of 1 between the quartiles, which far values hardly move.

    Forward: `(x - median) / (q75 - q25)`. Backward: `x · (q75 - q25) + median`. Shapes: `(rows,)`. Quartiles lie
    between values by linear interpolation; where both are the same, the column is only shifted. As scikit-learn's
    RobustScaler.
    """

    def fit(self, column: Array) -> Statistics:
        low, median, high = (float(q) for q in np.percentile(column, (25, 50, 75), overwrite_input=True))
        width, farthest = high - low, max(float(column.max()) - median, median - float(column.min()))
        # Quartiles that are next to the same would scale far values beyond what a float holds.
        return median, width if width * sys.float_info.max > farthest else 1.0

    def apply(self, column: Array, statistics: Statistics) -> Array:
        median, width = statistics
        return (column - median) / width

    def invert(self, column: Array, statistics: Statistics) -> Array:
        median, width = statistics
        return column * width + median


@SCALERS.named("log1p")
@dataclass(frozen=True)
class Log1p:
    """The logarithm of 1 + x, then mean 0 and standard deviation 1: for prices, counts and what else is skewed.

    Forward: `(ln(1 + x) - mean) / std`. Backward: `exp(x · std + mean) - 1`. Shapes: `(rows,)`, x above -1. As
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
    """The column as it is.

    Forward: `x`. Backward: `x`. Shapes: `(rows,)`.
    """

    aliases: ClassVar[tuple[str, ...]] = ("no", "null", "off")

    def fit(self, column: Array) -> Statistics:
        return ()

    def apply(self, column: Array, statistics: Statistics) -> Array:
        return column

    def invert(self, column: Array, statistics: Statistics) -> Array:
        return column


def sum_of_squares(column: Array, mean: float) -> Any:
    """Return `Σ(x - mean)²` as `np.std` adds it up, to the bit, without a copy of the column: in halves, as NumPy's
    pairwise sums are made."""
    if len(column) > CHUNK_ROWS:
        half = len(column) // 2 // 8 * 8
        return sum_of_squares(column[:half], mean) + sum_of_squares(column[half:], mean)
    squares = column - mean
    squares *= squares
    return np.sum(squares)
