"""The profile of columns: what is in each, and what speaks against learning from it.

Whatever a command tells of a column comes from here.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.kinds import ColumnKind, OddText, infer, odd_texts
from bptrain.columns.options import Kind
from bptrain.columns.profile.ids import HEAD, is_number_id, is_text_id, numbered_names, range_of
from bptrain.columns.profile.leaks import Answers, Leak, find_leaks
from bptrain.tables.table import Table
from bptrain.tables.values import as_numbers, first_no_number, text_of
from bptrain.tables.values import missing as is_missing

MOST_FREQUENT = 10
"""So many of the most frequent values are named."""

PLACEHOLDERS = (-9999.0, -999.0, -99.0, 999.0, 9999.0, 99999.0)
"""Numbers that are often written for a missing value."""


@dataclass(frozen=True)
class Objection:
    """What speaks against learning from a column: an error, which training refuses, or a warning, with the code under
    which `bptrain help` explains it."""

    severity: Literal["error", "warning"]
    message: str
    code: str = ""


@dataclass(frozen=True)
class Spread:
    """Where the finite numbers of a column lie: mean, standard deviation (divided by n), least and largest value, and
    quartiles, between values by linear interpolation; None where it is beyond what a float holds."""

    mean: float | None
    std: float | None
    min: float | None
    q25: float | None
    median: float | None
    q75: float | None
    max: float | None


@dataclass(frozen=True)
class ColumnProfile:
    """What is in a column. Each fact is found when it is asked for, and once.

    Args:
        name: of the column.
        values: `(rows,)` float64, or objects for text.
        decimal: the sign before the fraction in texts.
        declared: the kind that the config says; None: it is found by the values.
        train: the numbers of the rows that train; None: all of them.
        numbered: whether the column is one of many that differ in a number, such as the pixels of an image.
        alone: whether no other column is learned from.
        leak: how it tells the target, if it does.
    """

    name: str
    values: Array
    decimal: str = "."
    declared: Kind | None = None
    train: Array | None = None
    numbered: bool = False
    alone: bool = False
    leak: Leak | None = None

    @cached_property
    def kind(self) -> ColumnKind:
        """What the column is, by all its values."""
        found = self.declared or infer(self.values, self.decimal).kind
        if (
            found == "numeric"
            and self.values.dtype == object
            and first_no_number(self.values, self.decimal) is not None
        ):
            return "mixed"
        return found

    @cached_property
    def odd(self) -> tuple[OddText, ...]:
        """The texts among its numbers, the most frequent first."""
        return odd_texts(self.values, self.decimal) if self.kind == "mixed" else ()

    @cached_property
    def holes(self) -> Array:
        """Which values are missing, `(rows,)` bool."""
        return is_missing(self.values)

    @cached_property
    def missing(self) -> int:
        """How many values are missing."""
        return int(np.count_nonzero(self.holes))

    @cached_property
    def numbers(self) -> Array | None:
        """The values as float64, NaN where one is missing; None: there is other text."""
        if self.values.dtype != object:
            return self.values
        return as_numbers(self.values, self.decimal) if self.kind == "numeric" else None

    @cached_property
    def counts(self) -> tuple[list[str] | list[float], list[int]]:
        """The different values that are there, sorted, and how many rows each has."""
        if self.numbers is not None:
            found, rows = np.unique(self.numbers[~self.holes], return_counts=True)
            return found.tolist(), rows.tolist()
        counts = Counter(value for value in self.values.tolist() if value is not None)
        texts = sorted(counts)
        return texts, [counts[text] for text in texts]

    @property
    def distinct(self) -> int:
        """How many different values there are."""
        return len(self.counts[0])

    @property
    def most(self) -> tuple[tuple[str, int], ...]:
        """The most frequent values with their rows, of those that come as often the first in order; none of numbers."""
        if self.kind == "numeric":
            return ()
        found, rows = self.counts
        order = sorted(range(len(found)), key=lambda k: -rows[k])[:MOST_FREQUENT]
        return tuple((value if isinstance(value := found[k], str) else text_of(value), rows[k]) for k in order)

    @property
    def spread(self) -> Spread | None:
        """Where the numbers lie; None where there are none."""
        if self.kind != "numeric" or self.numbers is None:
            return None
        return spread_of(self.numbers[np.isfinite(self.numbers)])

    @cached_property
    def is_constant(self) -> bool:
        """Whether it is the same in every row, and missing in none."""
        return is_constant(self.values)

    @cached_property
    def is_constant_in_training(self) -> bool:
        """Whether it is the same in every row that trains, and missing in none."""
        return self.is_constant or (self.train is not None and is_constant(self.values, self.train))

    @cached_property
    def is_id(self) -> bool:
        """Whether it identifies the rows, and says nothing about others."""
        if self.values.dtype == object:
            return is_text_id(self.name, self.values)
        return is_number_id(self.name, self.values, alone=self.alone)

    @cached_property
    def placeholder(self) -> float | None:
        """A number far from all others, in several rows, that is often written where a value is missing."""
        return None if self.numbers is None else find_placeholder(self.numbers)

    @cached_property
    def warnings(self) -> tuple[Objection, ...]:
        """What speaks against it as a feature, though training takes it."""
        return tuple(self._find_warnings())

    def _find_warnings(self) -> Iterator[Objection]:
        if self.is_constant_in_training:
            if not self.numbered and self.kind != "mixed":
                which = "in every row" if self.is_constant else "in every row that trains"
                yield Objection("warning", f"it is the same {which}; there is nothing to learn from it", "BP222")
            return
        if self.is_id:
            yield Objection("warning", "it looks like an ID, which says nothing about new rows", "BP223")
        if self.leak is not None:
            what = f"it tells the target by itself (a leak?): {self.leak.how}"
            yield Objection("warning", what, "BP224")
        if self.placeholder is not None:
            yield Objection("warning", f"{self.placeholder:g} stands in several rows (a missing value?)", "BP226")


@dataclass(frozen=True)
class TableProfile:
    """The profile of a table: its features compared with what is to be predicted.

    Args:
        table: all rows.
        features: the columns that are learned from.
        targets: what is to be predicted.
        train: the numbers of the rows that train; None: all of them.
    """

    table: Table
    features: tuple[str, ...]
    targets: tuple[Answers, ...] = ()
    train: Array | None = None

    @cached_property
    def known(self) -> frozenset[str]:
        """The features, to look names up in."""
        return frozenset(self.features)

    @cached_property
    def leaks(self) -> dict[str, Leak]:
        """The features that tell the target."""
        return find_leaks(self.table, self.features, self.targets)

    @cached_property
    def numbered(self) -> set[str]:
        """The features that differ in a number alone from many others."""
        return numbered_names(self.features)

    @cached_property
    def warnings(self) -> dict[str, tuple[Objection, ...]]:
        """What speaks against each feature, though training takes it; features against which nothing speaks are left
        out."""
        each = ((name, self.column(name).warnings) for name in self.features)
        return {name: found for name, found in each if found}

    def column(self, name: str, kind: Kind | None = None) -> ColumnProfile:
        """Return the profile of a column, of a kind that is known or is found by the values."""
        values = self.table.columns[name]
        if name not in self.known:
            return ColumnProfile(name, values, self.table.decimal, kind)
        alone = len(self.features) == 1
        numbered, leak = name in self.numbered, self.leaks.get(name)
        return ColumnProfile(name, values, self.table.decimal, kind, self.train, numbered, alone, leak)


def spread_of(finite: Array) -> Spread | None:
    """Return where finite numbers `(rows,)` lie; None: there are none."""
    if not len(finite):
        return None
    with np.errstate(all="ignore"):
        numbers = [np.mean(finite), np.std(finite), *np.percentile(finite, (0, 25, 50, 75, 100))]
    return Spread(*(float(number) if np.isfinite(number) else None for number in numbers))


def is_constant(values: Array, rows: Array | None = None) -> bool:
    """Whether some rows of a column, or all, are two or more and have one value, and none is missing."""
    for chosen in (slice(HEAD), slice(None)):
        some = values[chosen] if rows is None else values[rows[chosen]]
        if len(some) < 2 or some[0] is None or (some != some[0]).any():
            return False
    return True


def find_placeholder(numbers: Array) -> float | None:
    """Return a placeholder that is the least or largest number, in more than one row and in no more than half, and far
    from all others."""
    least, largest, _ = range_of(numbers)
    for end in (largest, least):
        if end in PLACEHOLDERS:
            finite = numbers[np.isfinite(numbers)]
            rest = finite[finite != end]
            apart = len(rest) and np.abs(rest - end).min() > max(5 * np.ptp(rest), 10.0)
            if apart and 2 <= len(finite) - len(rest) <= len(rest):
                return end
    return None
