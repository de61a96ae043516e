"""Leaks: features that tell the target by themselves.

All columns are compared on the same few thousand rows, side by side; those that are suspect there on many more. With
many columns or a rare class something tells the target by chance: what chance explains is no leak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, lgamma, log

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.duplicates import digests
from bptrain.tables.table import Table
from bptrain.tables.values import as_numbers, first_no_number, spread_places

MOST_ROWS = 4096
"""So many rows, evenly spread, are looked at first."""

CONFIRMING_ROWS = 1 << 18
"""So many rows, or all if there are fewer, are looked at in a column that is suspect."""

CHUNK_VALUES = 1 << 20
"""So many values are compared at a time."""

ENOUGH = 20
"""With fewer rows than this a column may tell the target by chance."""

CHANCE = 1e-3
"""A leak is something that no column of the table would show by chance with a greater probability."""

NEARLY = 0.99
"""A correlation with the target from which on it is nearly told."""

SUSPECT = 0.9
"""A correlation on some of the rows from which on many more are looked at."""

EXACT = 1 - 1e-9


@dataclass(frozen=True)
class Leak:
    """How a feature tells the target; `is_copy` says that it is the target in other words, and not only close to it,
    `by_value` that each of its values goes with one answer."""

    how: str
    is_copy: bool = False
    by_value: bool = False


@dataclass(frozen=True)
class Answers:
    """A target as features are compared with it: rows in which it is there `(rows,)`, and its values there, class
    numbers int64 or numbers float64."""

    rows: Array
    values: Array


def answers_of(table: Table, name: str, *, classes: bool) -> Answers | None:
    """Return a target column as classes or as numbers; None: it has text that is no number."""
    rows = spread_places(table.column(name), CONFIRMING_ROWS)
    present = table.take(name, rows)
    if classes:
        return Answers(rows, number_values(present).astype(np.int64))
    if present.dtype == object:
        if first_no_number(present, table.decimal) is not None:
            return None
        present = as_numbers(present, table.decimal)
    return Answers(rows, present)


def number_values(values: Array) -> Array:
    """Return numbers `(rows,)` float64 that are the same where values are."""
    if values.dtype != object:
        return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.float64)
    places: dict[object, int] = {}
    return np.fromiter((places.setdefault(value, len(places)) for value in values.tolist()), np.float64, len(values))


def find_leaks(table: Table, features: Sequence[str], targets: Sequence[Answers]) -> dict[str, Leak]:
    """Return the features that tell one of the targets, each with how it does.

    A single feature may do so. So may all where every target has a feature that tells it: the task is to copy.
    """
    if len(features) < 2:
        return {}
    each = [dict(leaks_into(table, features, target)) for target in targets]
    if len(each) > 1 and all(each):
        return {}
    return {name: leak for found in reversed(each) for name, leak in found.items()}


def leaks_into(table: Table, features: Sequence[str], target: Answers) -> Iterator[tuple[str, Leak]]:
    """Yield the features that tell one target."""
    count = len(target.rows)
    if count < ENOUGH or np.ptp(target.values) == 0:
        return
    step = ceil(count / MOST_ROWS)
    some = Answers(target.rows[::step], target.values[::step])
    width = max(CHUNK_VALUES // len(some.rows), 1)
    distinct: Array | None = None
    for start in range(0, len(features), width):
        names = features[start : start + width]
        columns = [table.take(name, some.rows) for name in names]
        found = compare(columns, some.values, len(features), suspect=step > 1)
        for name, leak in zip(names, found, strict=True):
            if leak is not None and step > 1:
                (leak,) = compare([table.take(name, target.rows)], target.values, len(features))
            if leak is not None and leak.by_value:
                # Of rows that are there twice the second says nothing new.
                distinct = distinct_rows(table, features, target) if distinct is None else distinct
                (leak,) = compare([table.take(name, target.rows[distinct])], target.values[distinct], len(features))
            if leak is not None:
                yield name, leak


def distinct_rows(table: Table, features: Sequence[str], target: Answers) -> Array:
    """Return the places of the rows of a target that are not like one before them in all features and the target."""
    rng = np.random.default_rng(0)
    keys = digests(target.values.astype(np.float64))
    for name in features:
        values = table.take(name, target.rows)
        # Odd, so that none of its bits is lost.
        factor = rng.integers(0, 1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        keys += digests(number_values(values) if values.dtype == object else np.nan_to_num(values)) * factor
    return np.sort(np.unique(keys, return_index=True)[1])


def compare(columns: Sequence[Array], target: Array, features: int = 1, *, suspect: bool = False) -> list[Leak | None]:
    """Return how each column tells the target, None where it does not.

    Args:
        columns: `(rows,)` each, float64 or objects.
        target: class numbers int64 or numbers float64, `(rows,)`.
        features: how many columns there are in all, one of which may tell the target by chance.
        suspect: whether whatever may be a leak on more rows is one.
    """
    found: list[Leak | None] = [None] * len(columns)
    if len(target) < ENOUGH:
        return found
    # Missing values are one value more for classes; correlations are of the rows in which there is a number.
    incomplete = [
        values.dtype != object and target.dtype != np.int64 and not np.isfinite(values).all() for values in columns
    ]
    for with_holes in (False, True):
        chosen = [k for k, one in enumerate(incomplete) if one == with_holes]
        if chosen:
            compared = Comparison([columns[k] for k in chosen], target, log(CHANCE / features), suspect, with_holes)
            for place, k in enumerate(chosen):
                found[k] = compared.leak(place)
    return found


class Comparison:
    """Columns beside a target, each sorted by its values.

    Args:
        columns: `(rows,)` each.
        target: `(rows,)`.
        chance: the logarithm of the probability below which something is no chance.
        suspect: whether whatever may be a leak on more rows is one.
        with_holes: whether only the rows count in which a column is a finite number.
    """

    def __init__(self, columns: Sequence[Array], target: Array, chance: float, suspect: bool, with_holes: bool) -> None:
        self.is_number = np.array([values.dtype != object for values in columns])
        self.x = np.stack([number_values(one) if one.dtype == object else one for one in columns], axis=1)
        self.target, self.chance, self.suspect, self.with_holes = target, chance, suspect, with_holes
        self.there = np.isfinite(self.x)
        if with_holes:
            self.x = np.where(self.there, self.x, np.nan)
        self.counts = self.there.sum(axis=0) if with_holes else np.full(len(columns), len(target))
        self.classes = target.dtype == np.int64
        self.order = np.argsort(self.x, axis=0, kind="stable")
        in_order, answers = np.take_along_axis(self.x, self.order, axis=0), target[self.order]
        self.same = in_order[1:] == in_order[:-1]
        if not with_holes:
            self.same |= np.isnan(in_order[1:]) & np.isnan(in_order[:-1])
        self.changes = answers[1:] != answers[:-1]
        # Each of the values goes with one answer.
        self.clean = ~(self.same & self.changes).any(axis=0)
        self.by_value = self._tell_by_value()
        if self.classes:
            self.by_range = self._tell_by_range()
        else:
            self.straight, self.ranked = self._correlate()

    def _tell_by_value(self) -> Array:
        """Whether each column has one answer for each of its values, of which there are few."""
        present = np.take_along_axis(self.there, self.order, axis=0) if self.with_holes else True
        first = np.concatenate([np.ones((1, self.x.shape[1]), bool), ~self.same]) & present
        kinds = np.count_nonzero(first, axis=0)
        _, places, sizes = np.unique(self.target, return_inverse=True, return_counts=True)
        likely = np.log(sizes / len(self.target))[places.reshape(-1)]
        # Every row has the answer of the first row with its value.
        by_chance = np.where(present & ~first, likely[self.order], 0.0).sum(axis=0) > self.chance
        few = kinds <= 0.99 * self.counts if self.suspect else (2 * kinds <= self.counts) & ~by_chance
        return np.asarray(self.clean & (kinds > 1) & few & (self.counts >= ENOUGH))

    def _tell_by_range(self) -> Array:
        """Whether each column of numbers has a range of its own for each class."""
        sizes = np.unique(self.target, return_counts=True)[1].tolist()
        chance = lgamma(len(sizes) + 1) + sum(lgamma(size + 1) for size in sizes) - lgamma(len(self.target) + 1)
        in_ranges = self.clean & (np.count_nonzero(self.changes, axis=0) == len(sizes) - 1)
        return np.asarray(in_ranges & self.is_number & self.there.all(axis=0) & (self.suspect or chance <= self.chance))

    def _correlate(self) -> tuple[Array, Array]:
        """Return the correlations of the columns with the target, of values and of ranks; 0 for what is no number."""
        target = self.target[:, None]
        if self.with_holes:
            target = np.where(self.there, target, np.nan)
            self.by_value &= np.fmax.reduce(target, axis=0) > np.fmin.reduce(target, axis=0)
        usable = self.is_number & (self.counts >= ENOUGH)
        target_ranks = ranks(target, np.argsort(target, axis=0, kind="stable"))
        ranked = correlations(ranks(self.x, self.order), target_ranks, self.counts)
        return np.where(usable, correlations(self.x, target, self.counts), 0.0), np.where(usable, ranked, 0.0)

    def leak(self, k: int) -> Leak | None:
        """Return how a column tells the target, None where it does not."""
        if self.classes:
            if self.by_value[k]:
                return Leak("each of its values goes with a single class", is_copy=True, by_value=True)
            return Leak("each class has a range of its own") if self.by_range[k] else None
        straight, ranked = float(self.straight[k]), float(self.ranked[k])
        if abs(straight) > EXACT:
            return Leak("it is the target but for a factor and a shift", is_copy=True)
        nearly = SUSPECT if self.suspect else NEARLY
        if abs(straight) >= nearly:
            return Leak(f"its correlation with the target is {straight:.4f}")
        if abs(ranked) >= nearly:
            return Leak(f"it rises and falls with the target (rank correlation {ranked:.4f})")
        if self.by_value[k]:
            return Leak("each of its values goes with a single number", is_copy=True, by_value=True)
        return None


def correlations(x: Array, target: Array, counts: Array) -> Array:
    """Return Pearson's correlation of each column `(rows, columns)` with its target `(rows, columns)`, or the one of
    all `(rows, 1)`, over the `counts` rows that are not NaN; 0 where one does not change."""
    with np.errstate(all="ignore"):
        a, b = x - np.nansum(x, axis=0) / counts, target - np.nansum(target, axis=0) / counts
        found = np.nansum(a * b, axis=0) / np.sqrt(np.nansum(a * a, axis=0)) / np.sqrt(np.nansum(b * b, axis=0))
    return np.where(np.isfinite(found), found, 0.0)


def ranks(x: Array, order: Array) -> Array:
    """Return the rank of each value in its column, equal ones sharing the mean of theirs; NaN where there is none.

    `order` sorts the columns `(rows, columns)`.
    """
    rows, in_order = len(x), np.take_along_axis(x, order, axis=0)
    same = in_order[1:] == in_order[:-1]
    places, edge = np.arange(rows)[:, None], np.ones((1, x.shape[1]), bool)
    first = np.maximum.accumulate(np.where(np.concatenate([edge, ~same]), places, 0), axis=0)
    last = np.minimum.accumulate(np.where(np.concatenate([~same, edge]), places, rows)[::-1], axis=0)[::-1]
    found = np.empty(x.shape)
    np.put_along_axis(found, order, (first + last) / 2, axis=0)
    return np.where(np.isnan(x), np.nan, found)
