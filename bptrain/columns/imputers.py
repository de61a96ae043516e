"""Imputers: what happens to a missing value, fitted on the training rows only."""

from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np

from bptrain.arrays import Array
from bptrain.registry import Family
from bptrain.tables.values import encode_labels, find_missing

Value = float | str


class Imputer(Protocol):
    """A way to handle missing values.

    `fills` tells whether it replaces missing values, and `of_numbers` whether it works for numbers only.
    """

    fills: ClassVar[bool]
    of_numbers: ClassVar[bool]

    @abstractmethod
    def fit(self, column: Array) -> Value | None:
        """Return the value that replaces a missing one; None: there is none.

        column `(rows,)` holds the values that are present, at least one: float64, or objects for text. It may be
        reordered to avoid a copy.
        """


class NoFill:
    """The base of imputers that do not replace missing values."""

    fills: ClassVar[bool] = False
    of_numbers: ClassVar[bool] = False

    def fit(self, column: Array) -> None:
        return None


class Fill:
    """The base of imputers that replace missing values; unless they say otherwise, in columns of any kind."""

    fills: ClassVar[bool] = True
    of_numbers: ClassVar[bool] = False


IMPUTERS = Family("imputer", contract=Imputer)


@IMPUTERS.named("error")
@dataclass(frozen=True)
class Refuse(NoFill):
    """A missing value is an error that names the column and the first rows.

    Value: none.
    """

    aliases: ClassVar[tuple[str, ...]] = ("fail", "none", "raise")


@IMPUTERS.register
@dataclass(frozen=True)
class Drop(NoFill):
    """Rows with a missing value, or one of the given values, are dropped before the data is split; a note counts them.

    Value: none. Without values, same as pandas's dropna.
    """

    aliases: ClassVar[tuple[str, ...]] = ("dropna",)
    values: Annotated[tuple[str, ...], "values whose rows are dropped too, such as classes with a single row"] = ()

    def find_rows(self, column: Array) -> Array:
        """Return which rows of a column are dropped, `(rows,)` bool."""
        holes = find_missing(column)
        return holes | (encode_labels(column, self.values) >= 0) if self.values else holes


@IMPUTERS.register
@dataclass(frozen=True)
class Mean(Fill):
    """A missing number is replaced by the mean of the column.

    Value: `Σx / n` over the rows that have one. Same as scikit-learn's SimpleImputer.
    """

    aliases: ClassVar[tuple[str, ...]] = ("average",)
    of_numbers: ClassVar[bool] = True

    def fit(self, column: Array) -> float:
        return float(np.mean(column))


@IMPUTERS.register
@dataclass(frozen=True)
class Median(Fill):
    """A missing number is replaced by the median of the column, which outliers hardly change.

    Value: the middle of the sorted values, or the mean of the middle two. Same as scikit-learn's SimpleImputer.
    """

    of_numbers: ClassVar[bool] = True

    def fit(self, column: Array) -> float:
        return float(np.median(column, overwrite_input=True))


@IMPUTERS.register
@dataclass(frozen=True)
class MostFrequent(Fill):
    """A missing value is replaced by the most frequent value of the column; in a tie, by the smallest.

    Value: the mode. Same as scikit-learn's SimpleImputer.
    """

    aliases: ClassVar[tuple[str, ...]] = ("mode",)

    def fit(self, column: Array) -> Value:
        counts: Counter[Value] = Counter(column.tolist())
        most = max(counts.values())
        return min(value for value, count in counts.items() if count == most)


@IMPUTERS.register
@dataclass(frozen=True)
class Constant(Fill):
    """A missing value is replaced by a given one; in a categorical column it may be a new category.

    Value: the given one. Same as scikit-learn's SimpleImputer.
    """

    aliases: ClassVar[tuple[str, ...]] = ("fill", "fillna", "zero")
    value: Annotated[float | str | bool, "the value that replaces a missing one"]

    def fit(self, column: Array) -> Value:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return self.value
