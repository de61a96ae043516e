"""Portions: a table that is read a stretch of rows at a time, so that it may be of any length."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError, OptionError
from bptrain.tables.csv_format import CsvFormat
from bptrain.tables.csv_reader import (
    CsvFile,
    all_looked_at,
    executed,
    numeric_columns,
    placing,
    refuse_lost,
    refused,
    selecting,
)
from bptrain.tables.duck import connected
from bptrain.tables.sources import Csv, Source, as_text, source_for, told
from bptrain.tables.table import Table

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

MOST_VALUES = 1 << 18
"""So many values are there at a time at most, unless one row has more."""

MOST_ROWS = 1 << 14


@dataclass(frozen=True)
class Portions:
    """A table of so many rows of which a stretch at a time is in memory.

    `names` are all its columns; `stretches` gives the rows of some of them from first to last, and `where` the place of
    a row for messages.
    """

    origin: str
    names: tuple[str, ...]
    rows: int
    decimal: str
    stretches: Callable[[Sequence[str]], Iterator[dict[str, Array]]]
    where: Callable[[int], str]

    @property
    def header(self) -> Table:
        """A table of the same columns without rows."""
        return Table({name: np.empty(0) for name in self.names}, self.origin, decimal=self.decimal)

    def table(self, columns: dict[str, Array], start: int) -> Table:
        """Some columns of rows from `start` on as a table that knows their places."""
        return Table(columns, self.origin, place=lambda row: self.where(start + row), decimal=self.decimal)


@contextmanager
def in_portions(path: str | Path, like: Source | None = None, text: Sequence[str] = ()) -> Iterator[Portions]:
    """A file in portions, read as `read_table` reads it: with the same types, and refused for the same reasons.

    CSV files are looked through before the first portion, and no more of them than a portion is ever in memory; other
    formats are read whole.

    Raises:
        InputError: there is no such file, or it cannot be read whole.
        StorageError: it is there and may not be read.
    """
    with ExitStack() as stack:
        try:
            source = as_text(source_for(path, like), text)
            portions = (
                of_text(source.path, source.format, stack) if isinstance(source, Csv) else of_table(source.load())
            )
        except OptionError as error:
            raise told(path, error) from None
        yield portions


def of_text(path: Path, form: CsvFormat, stack: ExitStack) -> Portions:
    """The portions of a CSV file, or of several one after the other."""
    files = all_looked_at(path, form, stack)
    database = stack.enter_context(connected())
    numeric, counts = numeric_columns(database, files)
    for file, count in zip(files, counts, strict=True):
        refuse_lost(file, count)

    def stretches(names: Sequence[str]) -> Iterator[dict[str, Array]]:
        for file, count in zip(files, counts, strict=True):
            read = 0
            for rows in fetched_rows(database, file, names, numeric):
                read += len(rows)
                columns = zip(names, zip(*rows, strict=True), strict=True)
                yield {name: np.array(one, float if name in numeric else object) for name, one in columns}
            if read != count:
                raise InputError(f"{file.path}: it changed while it was read; try again")

    first = files[0]
    return Portions(str(path), tuple(first.names), sum(counts), first.form.decimal, stretches, placing(files, counts))


def fetched_rows(
    database: "DuckDBPyConnection", file: CsvFile, names: Sequence[str], numeric: set[str]
) -> Iterator[list[tuple[object, ...]]]:
    """Some columns of a file row by row, a portion at a time.

    Raises:
        InputError: it is no longer as it was.
    """
    import duckdb

    found = executed(database, file, *selecting(file, names, numeric))
    try:
        while rows := found.fetchmany(stretch(len(names))):
            yield rows
    except duckdb.Error as error:
        raise refused(file, str(error)) from None


def of_table(table: Table) -> Portions:
    """The portions of a table that is in memory."""

    def stretches(names: Sequence[str]) -> Iterator[dict[str, Array]]:
        length = stretch(len(names))
        for start in range(0, len(table), length):
            yield {name: table.column(name)[start : start + length] for name in names}

    return Portions(table.origin, tuple(table.columns), len(table), table.decimal, stretches, table.where)


def stretch(columns: int) -> int:
    """The rows of a portion of so many columns."""
    return max(1, min(MOST_ROWS, MOST_VALUES // max(columns, 1)))
