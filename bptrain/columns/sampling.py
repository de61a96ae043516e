"""Sampling: a small table that stands for a large one where its columns are judged.

It has rows from all over, and with them every different text, the first missing value, and the ends of all numbers.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.tables.selection import Selection
from bptrain.tables.table import Table
from bptrain.tables.values import missing

SPREAD = 20_000
"""So many rows from all over the table, fewer where it is wide."""

MOST_VALUES = 1 << 19

DIFFERENT = 2_000
"""So many different texts of a column are taken; no text with more is a category unless the config says so."""

MOST_DIFFERENT = 10_000
"""So many of a column of which every value must be known."""


@dataclass(frozen=True)
class Places:
    """Tells where the rows of a sample stand: by their numbers in the whole table."""

    table: Table
    rows: Array

    def __call__(self, row: int) -> str:
        return self.table.where(int(self.rows[row]))


def sample(
    table: Table, parts: Iterable[tuple[int, Selection]], names: Collection[str], known: Collection[str]
) -> Table:
    """Some rows of a table.

    Args:
        table: the whole.
        parts: its rows to choose from: one block after the other, with the number of its first row.
        names: the columns that are judged; of others there are the rows that come of it.
        known: those of which every value must be there, numbers too.
    """
    chooser = Chooser(known)
    step = max(len(table) // min(SPREAD, MOST_VALUES // len(table.columns)), 1)
    found: dict[str, list[Array]] = {name: [] for name in table.columns}
    places: list[Array] = []
    for start, rows in parts:
        columns = {name: rows.column(name) for name in table.columns}
        wanted = {int(k) for k in np.flatnonzero((rows.numbers + start) % step == 0)}
        wanted.update(chooser.wanted({name: columns[name] for name in names}))
        chosen = np.array(sorted(wanted), np.int64)
        for name, values in columns.items():
            found[name].append(values[chosen])
        places.append(rows.numbers[chosen] + start)
    numbers = np.concatenate(places)
    whole = {name: np.concatenate([one.astype(object) for one in pieces] if mixed(pieces) else pieces)
             for name, pieces in found.items()}  # fmt: skip
    return Table(whole, table.origin, table.target, Places(table, numbers), table.decimal)


def mixed(pieces: list[Array]) -> bool:
    """Whether some pieces are text."""
    return any(one.dtype == object for one in pieces)


class Chooser:
    """Chooses the rows that show something new, block after block."""

    def __init__(self, known: Collection[str]) -> None:
        self._known = known
        self._seen: dict[str, set[Any]] = {}
        self._ends: dict[str, tuple[float, float]] = {}

    def wanted(self, columns: Mapping[str, Array]) -> set[int]:
        """The rows of a block that do."""
        rows: set[int] = set()
        for name, values in columns.items():
            seen = self._seen.setdefault(name, set())
            holes = missing(values)
            if None not in seen and holes.any():
                seen.add(None)
                rows.add(int(np.argmax(holes)))
            if values.dtype == object or name in self._known:
                most = MOST_DIFFERENT if name in self._known else DIFFERENT
                rows |= first_ones(values, seen, most)
            else:
                rows |= self._new_ends(name, values)
        return rows

    def _new_ends(self, name: str, values: Array) -> set[int]:
        """The rows with a number beyond all before."""
        rows, (least, largest) = set(), self._ends.get(name, (np.inf, -np.inf))
        if not np.isnan(values).all():
            low, high = int(np.nanargmin(values)), int(np.nanargmax(values))
            if values[low] < least:
                rows.add(low)
            if values[high] > largest:
                rows.add(high)
            self._ends[name] = min(least, float(values[low])), max(largest, float(values[high]))
        return rows


def first_ones(values: Array, seen: set[Any], most: int) -> set[int]:
    """The rows with a value that was not seen before, as long as there are not too many."""
    rows: set[int] = set()
    if len(seen) > most:
        return rows
    if values.dtype == object:
        new = set(values.tolist()) - seen - {None}
        if new:
            for k, value in enumerate(values.tolist()):
                if len(seen) > most:
                    break
                if value in new:
                    new.remove(value)
                    seen.add(value)
                    rows.add(k)
        return rows
    for value, k in zip(*(one.tolist() for one in np.unique(values, return_index=True)), strict=True):
        if value == value and value not in seen and len(seen) <= most:
            seen.add(value)
            rows.add(k)
    return rows
