"""Scalers: bringing a column into a range that trains well, and back."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bptrain.arrays import Array
from bptrain.registry import Family

Statistics = tuple[float, ...]


class Scaler(Protocol):
    """A reversible change of a column, with statistics that are found on the training rows alone."""

    @abstractmethod
    def fit(self, column: Array) -> Statistics:
        """The statistics of a column `(rows,)` float64."""

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

    def fit(self, column: Array) -> Statistics:
        mean = float(np.mean(column))
        spread = float(np.std(column))
        # A constant column may have a spread of a few rounding errors, which must not be blown up to 1.
        return mean, spread if spread > 1e-12 * abs(mean) else 1.0

    def apply(self, column: Array, statistics: Statistics) -> Array:
        mean, std = statistics
        return (column - mean) / std

    def invert(self, column: Array, statistics: Statistics) -> Array:
        mean, std = statistics
        return column * std + mean


@SCALERS.named("none")
@dataclass(frozen=True)
class Unscaled:
    """The column as it is.

    Forward: `x`. Backward: `x`. Shapes: `(rows,)`.
    """

    def fit(self, column: Array) -> Statistics:
        return ()

    def apply(self, column: Array, statistics: Statistics) -> Array:
        return column

    def invert(self, column: Array, statistics: Statistics) -> Array:
        return column
