"""A table: named columns of numbers or text, some rows of them, and where each row came from."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np

from bptrain.arrays import Array, number_rows
from bptrain.errors import InputError
from bptrain.text import suggest_word

Class = TypeVar("Class", bound=type)

PLACES: dict[str, Any] = {}
"""The classes that tell where a row came from and can be stored with a table, by name."""


def register_place(cls: Class) -> Class:
    """Let a class with `to_json` and `from_json` be stored as the `place` of tables."""
    PLACES[cls.__name__] = cls
    return cls


class Columns(Mapping[str, Array]):
    """Columns of `rows` rows that are computed when asked for: converted, or read from a file.

    `in_memory` is false for columns that are read from a file at each use. `digest` identifies their content, if known.
    """

    in_memory = True
    digest: str | None = None

    def __init__(self, names: Collection[str], rows: int) -> None:
        self._names, self.rows = names, rows

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of a column, as a new array."""
        return self[name][rows]

    def chunks(self) -> Iterator["Columns"]:
        """Yield the columns some rows at a time, few enough to be in memory."""
        yield self


@dataclass(frozen=True)
class Table:
    """Columns by name, in order: float64 for numbers (NaN where missing), objects for text (None where missing).

    `origin` names the source in messages. `target` are the columns that the source itself says are to be predicted.
    `place` tells the file and the line of a row, for sources that have lines, and `decimal` is the decimal sign of
    numbers in text columns. `written` says that the rows are written in the config itself, where a single row is
    allowed. `notes` tell the user how the source was read where that may be a surprise. `splits` are the tables of the
    splits that have a source of their own, by name.
    """

    columns: Mapping[str, Array]
    origin: str
    target: tuple[str, ...] = ()
    place: Callable[[int], str] | None = None
    decimal: str = "."
    written: bool = False
    notes: tuple[str, ...] = ()
    splits: Mapping[str, "Table"] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.columns.rows if isinstance(self.columns, Columns) else len(next(iter(self.columns.values())))

    def column(self, name: str) -> Array:
        """Return the column of that name.

        Raises:
            InputError: there is none; the message says which there are.
        """
        self.require_column(name)
        return self.columns[name]

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of a column, as a new array; no other rows are read into memory.

        rows `(n,)` ascending.

        Raises:
            InputError: as `column`.
        """
        self.require_column(name)
        return self.columns.take(name, rows) if isinstance(self.columns, Columns) else self.columns[name][rows]

    def require_column(self, name: str) -> None:
        """Require a column of that name.

        Raises:
            InputError: there is none; the message says which there are.
        """
        if name not in self.columns:
            raise InputError(f"{self.origin} has no column {name!r}; {suggest_word(name, self.columns)}")

    def get_finite_numbers(self, name: str) -> Array:
        """Return a column of finite numbers without missing values, `(rows,)` float64.

        Raises:
            InputError: it is text, or a number is missing or not finite; the message names the first such line.
        """
        values = self.column(name)
        if values.dtype == object:
            texts = (k for k, value in enumerate(values) if value is not None and not is_number(value, self.decimal))
            row = next(texts, 0)
            if values[row] is None:
                raise InputError(f"{self.where(row)}: {name}: the whole column is empty; leave it out of data.features")
            advice = advise_on(values[row], self.decimal)
            raise InputError(f"{self.where(row)}: {name}: text among the numbers (got {quote(values[row])}); {advice}")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            what = "a missing value or NaN" if np.isnan(values[wrong[0]]) else "an infinite value"
            others = f", one of {len(wrong)} such rows" if len(wrong) > 1 else ""
            raise InputError(f"{self.where(wrong[0])}: {name}: {what}{others}; fill it in or remove the row")
        return values

    def chunks(self) -> Iterator[tuple[int, "Table"]]:
        """Yield chunks of rows that fit into memory, each with the number of its first row; a table in memory is one
        chunk."""
        start = 0
        for columns in self.columns.chunks() if isinstance(self.columns, Columns) else (self.columns,):
            chunk = replace(self.shift(start), columns=columns)
            yield start, chunk
            start += len(chunk)

    @property
    def is_mapped(self) -> bool:
        """Whether columns are read from a file at each use, and not held in memory."""
        return isinstance(self.columns, Columns) and not self.columns.in_memory

    def shift(self, start: int) -> "Table":
        """Return the table for columns that begin at row `start` of this one: its row 0 has the place of that row."""
        return replace(self, place=lambda row: self.where(start + row)) if start else self

    def where(self, row: int) -> str:
        """Return the place of a row (counted from 0) for messages: its file and line, or else the source and its
        number."""
        return f"{self.origin}, row {row + 1}" if self.place is None else self.place(row)


@dataclass(frozen=True)
class Selection:
    """Rows of a table, by their numbers, ascending; None: all rows."""

    table: Table
    rows: Array | None = None

    def __len__(self) -> int:
        return len(self.table) if self.rows is None else len(self.rows)

    def column(self, name: str) -> Array:
        """Return the column of that name, `(rows,)`.

        Raises:
            InputError: there is none; the message says which there are.
        """
        return self.table.column(name) if self.rows is None else self.table.take(name, self.rows)

    def chunks(self, most: int | None = None) -> Iterator[tuple[int, "Selection"]]:
        """Yield the rows in order, at most `most` at a time. Each chunk has a table of its own, and comes with the row
        of the whole table where that one begins. Of a table in a file, only one chunk is in memory at a time."""
        every = self.numbers
        for start, table in self.table.chunks():
            # The bounds have the type of the numbers; with another, NumPy would convert all numbers.
            first, last = np.searchsorted(every, np.array((start, start + len(table)), every.dtype))
            numbers = every[first:last] - start if start else every[first:last]
            step = most or max(len(numbers), 1)
            for first in range(0, len(numbers), step):
                yield start, Selection(table, numbers[first : first + step])

    @property
    def decimal(self) -> str:
        """The decimal sign of numbers in text columns."""
        return self.table.decimal

    def where(self, k: int) -> str:
        """Return the place of the k-th row for messages."""
        return self.table.where(k if self.rows is None else int(self.rows[k]))

    @property
    def numbers(self) -> Array:
        """The numbers of the rows in the table, also where `rows` is None."""
        return number_rows(len(self.table)) if self.rows is None else self.rows


class ReplacedColumns(Columns):
    """The columns of a table, some of them replaced by others of as many rows.

    Args:
        columns: all columns.
        own: replacements, by name.
    """

    def __init__(self, columns: Mapping[str, Array], own: Mapping[str, Array]) -> None:
        super().__init__(columns, len(next(iter(own.values()))))
        self._columns, self._own = columns, own
        if isinstance(columns, Columns):
            self.in_memory, self.digest = columns.in_memory, columns.digest

    def __getitem__(self, name: str) -> Array:
        return self._own[name] if name in self._own else self._columns[name]

    def take(self, name: str, rows: Array) -> Array:
        if name in self._own or not isinstance(self._columns, Columns):
            return self[name][rows]
        return self._columns.take(name, rows)

    def chunks(self) -> Iterator[Columns]:
        if self.in_memory or not isinstance(self._columns, Columns):
            yield self
            return
        start = 0
        for chunk in self._columns.chunks():
            yield ReplacedColumns(chunk, {k: values[start : start + chunk.rows] for k, values in self._own.items()})
            start += chunk.rows


def is_number(text: str, decimal: str = ".") -> bool:
    """Tell whether the text is a plain number in ASCII with that decimal sign."""
    return compile_number(decimal).fullmatch(text) is not None


@cache
def compile_number(decimal: str) -> re.Pattern[str]:
    """Return the pattern of plain numbers with that decimal sign."""
    point = re.escape(decimal)
    return re.compile(rf"\s*[-+]?([0-9]+({point}[0-9]*)?|{point}[0-9]+)([eE][-+]?[0-9]+)?\s*")


def advise_on(text: str, decimal: str = ".") -> str:
    """Return what to do about a text where there should be a number."""
    other = "," if decimal == "." else "."
    if is_number(text, other):
        sign = "comma" if other == "," else "point"
        option = f"decimal: '{other}' in the options of the source (at prediction: --decimal {other})"
        return f"if it is a number with a decimal {sign}, write {option}"
    return "only numbers can be computed with: leave the column out of data.features, or encode it as numbers"


def quote(value: object) -> str:
    """Write a value of the user's data for a message: quoted, control characters escaped, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
