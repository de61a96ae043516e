"""Chunks: a table that is read from its source some rows at a time, so that it may be of any length."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.tables.files import check_memory
from bptrain.tables.table import Table

CHUNK_VALUES = 1 << 18
"""Values that a chunk has at most, unless one row has more."""

CHUNK_ROWS = 1 << 14
"""Rows that a chunk has at most."""

Read = Callable[[Sequence[str], int], Iterator[Mapping[str, Array]]]
"""Reads some columns from the first row to the last, about so many rows at a time."""


@dataclass(frozen=True)
class Chunks:
    """A table of `rows` rows and columns `names`, opened for reading; what it holds open goes with the context, or with
    the last row.

    `place` tells the file and the line of a row, `decimal` and `target` are those of a `Table`.
    """

    origin: str
    names: tuple[str, ...]
    rows: int
    read: Read
    place: Callable[[int], str] | None = None
    decimal: str = "."
    target: tuple[str, ...] = ()
    opened: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Chunks":
        return self

    def __exit__(self, *_: Any) -> None:
        self.opened.close()

    def __iter__(self) -> Iterator[Table]:
        """Yield the table a chunk of rows at a time."""
        start = 0
        with self:
            for columns in self.columns(self.names):
                table = self.table(columns, start)
                yield table
                start += len(table)

    def columns(self, names: Sequence[str]) -> Iterator[Mapping[str, Array]]:
        """Yield some columns a chunk of rows at a time."""
        return self.read(names, max(1, min(CHUNK_ROWS, CHUNK_VALUES // max(len(names), 1))))

    def load(self) -> Table:
        """Read the whole table into memory.

        Raises:
            InputError: it does not fit, or cannot be read.
        """
        check_memory(self.origin, self.rows, len(self.names))
        with self:
            found = list(self.read(self.names, self.rows))
        return self.table(found[0] if len(found) == 1 else join_columns([dict(columns) for columns in found]), 0)

    @property
    def header(self) -> Table:
        """A table of the same columns without rows."""
        return Table({name: np.empty(0) for name in self.names}, self.origin, decimal=self.decimal)

    def table(self, columns: Mapping[str, Array], start: int) -> Table:
        """Return some columns of rows from `start` on as a table that knows their places."""
        whole = Table(columns, self.origin, self.target, self.place, self.decimal)
        return whole if start == 0 else whole.shifted(start)


def join_columns(chunks: list[dict[str, Array]]) -> dict[str, Array]:
    """Return the columns of all chunks; one column after the other, so that no more than one is there twice."""
    return {name: np.concatenate([chunk.pop(name) for chunk in chunks]) for name in list(chunks[0])}


def join_tables(tables: list[Table]) -> Table:
    """Return chunks of a table, from the first row to the last, as one; the place of a row is told by the first."""
    return replace(tables[0], columns=join_columns([dict(table.columns) for table in tables]))


def chunks_of_table(table: Table) -> Chunks:
    """Return a table that is in memory as chunks."""

    def read(names: Sequence[str], rows: int) -> Iterator[Mapping[str, Array]]:
        for start in range(0, len(table), rows):
            yield {name: table.column(name)[start : start + rows] for name in names}

    return Chunks(table.origin, tuple(table.columns), len(table), read, table.place, table.decimal, table.target)
