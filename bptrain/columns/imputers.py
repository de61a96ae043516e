"""Imputers: what becomes of a missing value, decided on the training rows alone."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol

import numpy as np

from bptrain.arrays import Array
from bptrain.registry import Family

Value = float | str


class Imputer(Protocol):
    """A way to deal with missing values. `fills` says that something is put in their place, `of_numbers` that it can be
    found for numbers alone."""

    fills: ClassVar[bool]
    of_numbers: ClassVar[bool]

    @abstractmethod
    def fit(self, column: Array) -> Value | None:
        """What stands for a missing value; None: nothing does.

        column `(rows,)` has the values that are present, at least one: float64, or objects (text). It may be put in
        another order, so that a long one need not be copied.
        """


IMPUTERS = Family("imputer", contract=Imputer)


@IMPUTERS.named("error")
@dataclass(frozen=True)
class Refuse:
    """A missing value is an error, which names the column and the first rows.

    Value: none.
    """

    aliases: ClassVar[tuple[str, ...]] = ("fail", "none", "raise")
    fills: ClassVar[bool] = False
    of_numbers: ClassVar[bool] = False

    def fit(self, column: Array) -> None:
        return None


@IMPUTERS.register
@dataclass(frozen=True)
class Drop:
    """Rows with a missing value are left out, before the data is split; how many is said.

    Value: none. pandas's dropna.
    """

    aliases: ClassVar[tuple[str, ...]] = ("dropna",)
    fills: ClassVar[bool] = False
    of_numbers: ClassVar[bool] = False

    def fit(self, column: Array) -> None:
        return None


@IMPUTERS.register
@dataclass(frozen=True)
class Mean:
    """The mean of the column takes the place of a missing number.

    Value: `Σx / n` over the rows that have one. As scikit-learn's SimpleImputer.
    """

    aliases: ClassVar[tuple[str, ...]] = ("average",)
    fills: ClassVar[bool] = True
    of_numbers: ClassVar[bool] = True

    def fit(self, column: Array) -> float:
        return float(np.mean(column))


@IMPUTERS.register
@dataclass(frozen=True)
class Median:
    """The median of the column takes the place of a missing number; far values hardly move it.

    Value: the middle one of the sorted values, or the mean of both middle ones. As scikit-learn's SimpleImputer.
    """

    fills: ClassVar[bool] = True
    of_numbers: ClassVar[bool] = True

    def fit(self, column: Array) -> float:
        return float(np.median(column, overwrite_input=True))


@IMPUTERS.register
@dataclass(frozen=True)
class MostFrequent:
    """The most frequent value of the column takes the place of a missing one; of several the smallest.

    Value: the mode. As scikit-learn's SimpleImputer.
    """

    aliases: ClassVar[tuple[str, ...]] = ("mode",)
    fills: ClassVar[bool] = True
    of_numbers: ClassVar[bool] = False

    def fit(self, column: Array) -> Value:
        return most_frequent(column.tolist())


@IMPUTERS.register
@dataclass(frozen=True)
class Constant:
    """A value of your own takes the place of a missing one; a text may be a category of its own.

    Value: the given one. As scikit-learn's SimpleImputer.
    """

    aliases: ClassVar[tuple[str, ...]] = ("fill", "fillna", "zero")
    value: Annotated[float | str | bool, "what stands for a missing value"]

    fills: ClassVar[bool] = True
    of_numbers: ClassVar[bool] = False

    def fit(self, column: Array) -> Value:
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return self.value


def most_frequent(values: Sequence[Value]) -> Value:
    """Return the value that comes most often, of several the smallest."""
    from collections import Counter

    counts = Counter(values)
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)
