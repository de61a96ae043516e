"""Leaks: features that determine the target on their own.

All columns are compared on the same few thousand rows, side by side; suspects are then compared on many more. Among
many columns, or for a rare class, a column may match the target by chance: that is not a leak.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil, lgamma, log

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.kinds import FEW_ROWS
from bptrain.columns.profile.split_profile import hash_rows, number_texts
from bptrain.tables.table import Table
from bptrain.tables.values import find_non_number, parse_numbers, sample_rows

MOST_ROWS = 4096
"""At most this many rows, evenly spread, are compared first."""

CONFIRMING_ROWS = 1 << 18
"""At most this many rows are compared for a suspect."""

CHUNK_VALUES = 1 << 20
"""The number of values that are compared at a time."""

CHANCE = 1e-3
"""A leak is a match that any column of the table would show by chance with at most this probability."""

LEAK_CORRELATION = 0.99
"""A correlation with the target of at least this is a leak."""

SUSPECT_CORRELATION = 0.9
"""A correlation on some of the rows of at least this makes a suspect."""

EXACT_CORRELATION = 1 - 1e-9


@dataclass(frozen=True)
class Leak:
    """How a feature determines the target; `is_copy`: it is the target in another form, and not only close to it;
    `by_value`: each of its values occurs with one target value."""

    how: str
    is_copy: bool = False
    by_value: bool = False


@dataclass(frozen=True)
class TargetValues:
    """A target to compare features with: the rows in which it is present `(rows,)`, and its values there, class numbers
    int64 or numbers float64."""

    rows: Array
    values: Array


def read_target(table: Table, name: str, *, classes: bool) -> TargetValues | None:
    """Return the values of a target column, as classes or as numbers; None: it has text that is not a number."""
    rows = sample_rows(table.column(name), CONFIRMING_ROWS)
    present = table.take(name, rows)
    if classes:
        return TargetValues(rows, number_values(present).astype(np.int64))
    if present.dtype == object:
        if find_non_number(present, table.decimal) is not None:
            return None
        present = parse_numbers(present, table.decimal)
    return TargetValues(rows, present)


def number_values(values: Array) -> Array:
    """Return numbers `(rows,)` float64 that are equal where the values are."""
    if values.dtype != object:
        return np.unique(values, return_inverse=True)[1].reshape(-1).astype(np.float64)
    return number_texts(values, {})


def find_leaks(table: Table, features: Sequence[str], targets: Sequence[TargetValues]) -> dict[str, Leak]:
    """Return the features that determine one of the targets, each with how it does.

    A single feature may determine the target. So may all if each of several targets is determined by a feature: the
    task is to copy.
    """
    if len(features) < 2:
        return {}
    each = [dict(find_leaks_into(table, features, target)) for target in targets]
    if len(each) > 1 and all(each):
        return {}
    return {name: leak for found in reversed(each) for name, leak in found.items()}


def find_leaks_into(table: Table, features: Sequence[str], target: TargetValues) -> Iterator[tuple[str, Leak]]:
    """Yield the features that determine one target, each with how it does."""
    count = len(target.rows)
    if count < FEW_ROWS or np.ptp(target.values) == 0:
        return
    step = ceil(count / MOST_ROWS)
    sample = TargetValues(target.rows[::step], target.values[::step])
    width = max(CHUNK_VALUES // len(sample.rows), 1)
    distinct: Array | None = None
    for start in range(0, len(features), width):
        names = features[start : start + width]
        columns = [table.take(name, sample.rows) for name in names]
        found = compare_columns(columns, sample.values, len(features), suspects=step > 1)
        for name, leak in zip(names, found, strict=True):
            if leak is not None and step > 1:
                (leak,) = compare_columns([table.take(name, target.rows)], target.values, len(features))
            if leak is not None and leak.by_value:
                # A repeated row is no further evidence.
                distinct = find_distinct_rows(table, features, target) if distinct is None else distinct
                values = table.take(name, target.rows[distinct])
                (leak,) = compare_columns([values], target.values[distinct], len(features))
            if leak is not None:
                yield name, leak


def find_distinct_rows(table: Table, features: Sequence[str], target: TargetValues) -> Array:
    """Return the places of the target rows that repeat no earlier row in all features and the target."""
    rng = np.random.default_rng(0)
    keys = hash_rows(target.values.astype(np.float64))
    for name in features:
        values = table.take(name, target.rows)
        # An odd factor loses no bits.
        factor = rng.integers(0, 1 << 63, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
        keys += hash_rows(number_values(values) if values.dtype == object else np.nan_to_num(values)) * factor
    return np.sort(np.unique(keys, return_index=True)[1])


def compare_columns(
    columns: Sequence[Array], target: Array, features: int = 1, *, suspects: bool = False
) -> list[Leak | None]:
    """Return how each column determines the target; None where it does not.

    Args:
        columns: `(rows,)` each, float64 or objects.
        target: class numbers int64 or numbers float64, `(rows,)`.
        features: number of all features, any of which may match the target by chance.
        suspects: whether to return every column that may turn out to be a leak on more rows.
    """
    if len(target) < FEW_ROWS:
        return [None] * len(columns)
    comparison = ColumnComparison(columns, target, log(CHANCE / features), suspects)
    return [comparison.find_leak(k) for k in range(len(columns))]


class ColumnComparison:
    """Columns beside a target, each sorted by its values.

    Args:
        columns: `(rows,)` each.
        target: `(rows,)`.
        chance: log of the probability below which a match is not chance.
        suspects: whether every column that may turn out to be a leak on more rows is one.
    """

    def __init__(self, columns: Sequence[Array], target: Array, chance: float, suspects: bool) -> None:
        self.is_number = np.array([values.dtype != object for values in columns])
        self.x = np.stack([number_values(one) if one.dtype == object else one for one in columns], axis=1)
        self.target, self.chance, self.suspects = target, chance, suspects
        self.classes = target.dtype == np.int64
        # For classes, missing is another value; correlations are computed over the rows with a number.
        self.present = np.isfinite(self.x)
        self.with_holes = not self.classes and not self.present.all()
        if self.with_holes:
            self.x = np.where(self.present, self.x, np.nan)
        self.counts = self.present.sum(axis=0) if self.with_holes else np.full(len(columns), len(target))
        self.order = np.argsort(self.x, axis=0, kind="stable")
        in_order, targets = np.take_along_axis(self.x, self.order, axis=0), target[self.order]
        self.same = in_order[1:] == in_order[:-1]
        if not self.with_holes:
            self.same |= np.isnan(in_order[1:]) & np.isnan(in_order[:-1])
        self.changes = targets[1:] != targets[:-1]
        # Each value of the column occurs with one target value.
        self.clean = ~(self.same & self.changes).any(axis=0)
        self.by_value = self._match_by_value()
        if self.classes:
            self.by_range = self._match_by_range()
        else:
            self.linear, self.ranked = self._correlate()

    def _match_by_value(self) -> Array:
        """Return whether each column has one target value for each of its values, and few values."""
        present = np.take_along_axis(self.present, self.order, axis=0) if self.with_holes else True
        first = np.concatenate([np.ones((1, self.x.shape[1]), bool), ~self.same]) & present
        distinct = np.count_nonzero(first, axis=0)
        _, places, sizes = np.unique(self.target, return_inverse=True, return_counts=True)
        log_share = np.log(sizes / len(self.target))[places.reshape(-1)]
        # By chance, every row has the target of the first row with its value.
        by_chance = np.where(present & ~first, log_share[self.order], 0.0).sum(axis=0) > self.chance
        few = distinct <= 0.99 * self.counts if self.suspects else (2 * distinct <= self.counts) & ~by_chance
        return np.asarray(self.clean & (distinct > 1) & few & (self.counts >= FEW_ROWS))

    def _match_by_range(self) -> Array:
        """Return whether each column of numbers has a separate range for each class."""
        sizes = np.unique(self.target, return_counts=True)[1].tolist()
        chance = lgamma(len(sizes) + 1) + sum(lgamma(size + 1) for size in sizes) - lgamma(len(self.target) + 1)
        separate = self.clean & (np.count_nonzero(self.changes, axis=0) == len(sizes) - 1)
        separate &= self.is_number & self.present.all(axis=0)
        return np.asarray(separate & (self.suspects or chance <= self.chance))

    def _correlate(self) -> tuple[Array, Array]:
        """Return the correlations of the columns with the target, of values and of ranks; 0 for text."""
        target = self.target[:, None]
        if self.with_holes:
            target = np.where(self.present, target, np.nan)
            self.by_value &= np.fmax.reduce(target, axis=0) > np.fmin.reduce(target, axis=0)
        usable = self.is_number & (self.counts >= FEW_ROWS)
        target_ranks = compute_ranks(target, np.argsort(target, axis=0, kind="stable"))
        linear = compute_correlations(self.x, target, self.counts)
        ranked = compute_correlations(compute_ranks(self.x, self.order), target_ranks, self.counts)
        return np.where(usable, linear, 0.0), np.where(usable, ranked, 0.0)

    def find_leak(self, k: int) -> Leak | None:
        """Return how a column determines the target; None if it does not."""
        if self.classes:
            if self.by_value[k]:
                return Leak("each of its values occurs in one class only", is_copy=True, by_value=True)
            return Leak("each class has a separate range of its values") if self.by_range[k] else None
        linear, ranked = float(self.linear[k]), float(self.ranked[k])
        if abs(linear) > EXACT_CORRELATION:
            return Leak("it is the target times a constant plus a constant", is_copy=True)
        least = SUSPECT_CORRELATION if self.suspects else LEAK_CORRELATION
        if abs(linear) >= least:
            return Leak(f"its correlation with the target is {linear:.4f}")
        if abs(ranked) >= least:
            return Leak(f"it rises or falls with the target (rank correlation {ranked:.4f})")
        if self.by_value[k]:
            return Leak("each of its values occurs with one target value only", is_copy=True, by_value=True)
        return None


def compute_correlations(x: Array, target: Array, counts: Array) -> Array:
    """Return Pearson's correlation of each column `(rows, columns)` with its target `(rows, columns)` or with one for
    all `(rows, 1)`, over the `counts` rows that are not NaN; 0 where either is constant."""
    with np.errstate(all="ignore"):
        a, b = x - np.nansum(x, axis=0) / counts, target - np.nansum(target, axis=0) / counts
        found = np.nansum(a * b, axis=0) / np.sqrt(np.nansum(a * a, axis=0)) / np.sqrt(np.nansum(b * b, axis=0))
    return np.where(np.isfinite(found), found, 0.0)


def compute_ranks(x: Array, order: Array) -> Array:
    """Return the rank of each value in its column, the mean rank for equal ones; NaN where x is NaN.

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
