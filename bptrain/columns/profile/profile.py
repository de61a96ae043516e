"""The profile of columns: what is in each, and why it may not be worth learning from.

All commands take the facts and warnings about a column from here.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.dates.forms import Form, find_forms
from bptrain.columns.kinds import (
    HEAD_ROWS,
    ColumnKind,
    find_numbered_names,
    find_range,
    infer_kind,
    is_number_id,
    is_text_id,
)
from bptrain.columns.options import Kind
from bptrain.columns.profile.leaks import Leak, TargetValues, find_leaks
from bptrain.tables.table import Table, quote
from bptrain.tables.values import find_missing, find_non_number, name_labels, number_to_text, parse_numbers

MOST_FREQUENT = 10
"""The number of most frequent values that are listed."""

MOST_EXACT = 2.0**53
"""Whole numbers beyond this are not told apart in float64."""

PLACEHOLDERS = (-9999.0, -999.0, -99.0, 999.0, 9999.0, 99999.0)
"""Numbers that are often written for a missing value."""


@dataclass(frozen=True)
class ColumnProblem:
    """A problem of a column: an error, which stops training, or a warning, with the code that `bptrain help` takes."""

    severity: Literal["error", "warning"]
    message: str
    code: str = ""


@dataclass(frozen=True)
class Spread:
    """Statistics of the finite numbers of a column: mean, standard deviation (divided by n), smallest and largest
    value, and quartiles by linear interpolation; None where a float cannot hold the result."""

    mean: float | None
    std: float | None
    min: float | None
    q25: float | None
    median: float | None
    q75: float | None
    max: float | None


@dataclass(frozen=True)
class ColumnProfile:
    """The facts about a column, computed when they are needed.

    Args:
        name: name of the column.
        values: `(rows,)` float64, or objects for text.
        decimal: the decimal sign of numbers in text.
        declared: the kind given in the config; None: it is inferred from the values.
        train: numbers of the training rows; None: all rows.
        numbered: whether many columns differ from it only in a number, such as the pixels of an image.
        single: whether it is the only feature.
        leak: how it determines the target, if it does.
    """

    name: str
    values: Array
    decimal: str = "."
    declared: Kind | None = None
    train: Array | None = None
    numbered: bool = False
    single: bool = False
    leak: Leak | None = None

    @cached_property
    def kind(self) -> ColumnKind:
        """The kind of the column, judged by all its values; dates are dates even where each has many rows."""
        found = self.declared or infer_kind(self.values, self.decimal).kind
        if found == "categorical" and not self.declared and self.forms:
            return "date"
        if (
            found == "numeric"
            and self.values.dtype == object
            and find_non_number(self.values, self.decimal) is not None
        ):
            return "mixed"
        return found

    @cached_property
    def forms(self) -> tuple[Form, ...]:
        """The forms that its values may have if they are dates; none if they are not."""
        return find_forms(self.values) if self.values.dtype == object else ()

    @cached_property
    def holes(self) -> Array:
        """Which values are missing, `(rows,)` bool."""
        return find_missing(self.values)

    @cached_property
    def missing(self) -> int:
        """The number of missing values."""
        return int(np.count_nonzero(self.holes))

    @cached_property
    def numbers(self) -> Array | None:
        """The values as float64, NaN where one is missing; None if some are text that is no number."""
        if self.values.dtype != object:
            return self.values
        return parse_numbers(self.values, self.decimal) if self.kind == "numeric" else None

    @cached_property
    def counts(self) -> tuple[list[str] | list[float], list[int]]:
        """The distinct values that are present, sorted, and the number of rows of each."""
        if self.numbers is not None:
            found, rows = np.unique(self.numbers[~self.holes], return_counts=True)
            return found.tolist(), rows.tolist()
        written = Counter(value for value in self.values.tolist() if value is not None)
        counts, labels = Counter[str](), name_labels(written)
        for text, rows_of_it in written.items():
            counts[labels[text]] += rows_of_it
        texts = sorted(counts)
        return texts, [counts[text] for text in texts]

    @property
    def has_common_values(self) -> bool:
        """Whether enough texts repeat for the most frequent ones to be categories: on average, each is in two rows."""
        return 2 * self.distinct <= len(self.values) - self.missing

    @property
    def distinct(self) -> int:
        """The number of distinct values."""
        return len(self.counts[0])

    @property
    def most(self) -> tuple[tuple[str, int], ...]:
        """The most frequent values with their rows, ties in sorted order; empty for a numeric column."""
        if self.kind == "numeric":
            return ()
        found, rows = self.counts
        order = sorted(range(len(found)), key=lambda k: -rows[k])[:MOST_FREQUENT]
        return tuple((value if isinstance(value := found[k], str) else number_to_text(value), rows[k]) for k in order)

    @property
    def spread(self) -> Spread | None:
        """Statistics of the numbers; None without any."""
        if self.kind != "numeric" or self.numbers is None:
            return None
        return compute_spread(self.numbers[np.isfinite(self.numbers)])

    @cached_property
    def warnings(self) -> tuple[ColumnProblem, ...]:
        """The warnings about it as a feature; training goes on all the same."""
        return tuple(ColumnProblem("warning", message, code) for message, code in self._find_warnings())

    def _find_warnings(self) -> Iterator[tuple[str, str]]:
        """Yield messages and codes; a constant column gets one warning at most."""
        is_constant = has_one_value(self.values)
        if is_constant or (self.train is not None and has_one_value(self.values, self.train)):
            if not self.numbered and self.kind != "mixed":
                where = "every row" if is_constant else "every training row"
                value = format_constant(self.values[0 if self.train is None else self.train[0]])
                yield f"it is {value} in {where}; there is nothing to learn from it", "BP222"
            return
        if self.values.dtype == object:
            is_id = is_text_id(self.name, self.values) and not self.forms
        else:
            is_id = is_number_id(self.name, self.values, single=self.single)
        if is_id:
            yield "it looks like an ID, which says nothing about new rows", "BP223"
        # Dates become cycles and numbers, in which a value for each date cannot be learned by heart.
        if self.leak is not None and not (self.leak.by_value and self.kind == "date"):
            yield f"it determines the target on its own (a leak?): {self.leak.how}", "BP224"
        if self.numbers is not None and (found := find_placeholder(self.numbers)):
            number, count = found
            yield f"{count:,} rows have {number:g}, far from all other values (a missing value?)", "BP226"


@dataclass(frozen=True)
class TableProfile:
    """The profile of a table: its features compared with the targets.

    Args:
        table: all rows.
        features: names of the features.
        targets: the targets.
        train: numbers of the training rows; None: all rows.
    """

    table: Table
    features: tuple[str, ...]
    targets: tuple[TargetValues, ...] = ()
    train: Array | None = None

    @cached_property
    def feature_names(self) -> frozenset[str]:
        """The features as a set, for quick look-ups."""
        return frozenset(self.features)

    @cached_property
    def leaks(self) -> dict[str, Leak]:
        """The features that determine the target."""
        return find_leaks(self.table, self.features, self.targets)

    @cached_property
    def series_names(self) -> set[str]:
        """The features that differ from many others only in a number."""
        return find_numbered_names(self.features)

    @cached_property
    def warnings(self) -> dict[str, tuple[ColumnProblem, ...]]:
        """The warnings about each feature that has some."""
        each = ((name, self.column(name).warnings) for name in self.features)
        return {name: found for name, found in each if found}

    def column(self, name: str, kind: Kind | None = None) -> ColumnProfile:
        """Return the profile of a column; its kind is inferred if it is not given."""
        values = self.table.columns[name]
        if name not in self.feature_names:
            return ColumnProfile(name, values, self.table.decimal, kind)
        numbered, leak = name in self.series_names, self.leaks.get(name)
        return ColumnProfile(
            name, values, self.table.decimal, kind, self.train, numbered, len(self.features) == 1, leak
        )


def compute_spread(finite: Array) -> Spread | None:
    """Return statistics of finite numbers `(rows,)`; None if there are none."""
    if not len(finite):
        return None
    ordered = np.sort(finite)
    with np.errstate(all="ignore"):
        numbers = [float(np.mean(finite)), float(np.std(finite))]
    numbers += [compute_quantile(ordered, k / 4) for k in range(5)]
    return Spread(*(number if isfinite(number) else None for number in numbers))


def compute_quantile(ordered: Array, share: float) -> float:
    """Return a quantile of sorted numbers, bit for bit as `np.quantile` does, which takes ten times as long for a short
    column."""
    place = share * (len(ordered) - 1)
    k = int(place)
    low, high, part = float(ordered[k]), float(ordered[min(k + 1, len(ordered) - 1)]), place - k
    step = high - low
    return low + step * part if part < 0.5 else high - step * (1 - part)


def has_one_value(values: Array, rows: Array | None = None) -> bool:
    """Return whether the given rows of a column, or all, are at least two and have the same value, none missing."""
    # The first rows are enough to rule out most columns.
    for chosen in (slice(HEAD_ROWS), slice(None)):
        some = values[chosen] if rows is None else values[rows[chosen]]
        if len(some) < 2 or some[0] is None or (some != some[0]).any():
            return False
    return True


def find_placeholder(numbers: Array) -> tuple[float, int] | None:
    """Return a placeholder and its number of rows: the smallest or largest number, in at least two rows and at most
    half of them, and far from all other numbers."""
    smallest, largest, _ = find_range(numbers)
    for end in (largest, smallest):
        if end in PLACEHOLDERS:
            finite = numbers[np.isfinite(numbers)]
            rest = finite[finite != end]
            is_far = len(rest) and np.abs(rest - end).min() > max(5 * np.ptp(rest), 10.0)
            if is_far and 2 <= (count := len(finite) - len(rest)) <= len(rest):
                return end, count
    return None


def format_constant(value: str | float) -> str:
    """Return the value of a constant column for a message."""
    if isinstance(value, str):
        return quote(value)
    return f"{value:g}" if abs(value) < MOST_EXACT else f"{value:g}, to the 16 digits that are computed with,"
