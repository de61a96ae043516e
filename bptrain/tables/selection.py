"""A selection: some rows of a table, which know where they stand in it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array, number_rows
from bptrain.tables.table import Table


@dataclass(frozen=True)
class Selection:
    """Rows of a table by their numbers, integers ascending; None: all of them."""

    table: Table
    rows: Array | None = None

    def __len__(self) -> int:
        return len(self.table) if self.rows is None else len(self.rows)

    def column(self, name: str) -> Array:
        """The column of that name, `(rows,)`.

        Raises:
            InputError: there is none; the message says which there are.
        """
        return self.table.column(name) if self.rows is None else self.table.take(name, self.rows)

    def chunks(self, most: int | None = None) -> Iterator[tuple[int, "Selection"]]:
        """Yield the rows from first to last, at most `most` at a time, each with the number of the first row of its own
        table in that of all. Of a table in a file, no more than a chunk is in memory."""
        every = self.numbers
        for start, table in self.table.chunks():
            # Of the same type, or all of them would be converted.
            first, last = np.searchsorted(every, np.array((start, start + len(table)), every.dtype))
            numbers = every[first:last] - start if start else every[first:last]
            step = most or max(len(numbers), 1)
            for first in range(0, len(numbers), step):
                yield start, Selection(table, numbers[first : first + step])

    @property
    def decimal(self) -> str:
        """The sign before the fraction in texts."""
        return self.table.decimal

    def where(self, k: int) -> str:
        """The place of the k-th row for messages."""
        return self.table.where(k if self.rows is None else int(self.rows[k]))

    @property
    def numbers(self) -> Array:
        """The numbers of the rows in the table."""
        return number_rows(len(self.table)) if self.rows is None else self.rows
