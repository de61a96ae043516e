"""A table in memory: named columns of numbers or text, and where each row came from."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.text import suggest_word

Class = TypeVar("Class", bound=type)

PLACES: dict[str, Any] = {}
"""The classes that tell the place of a row and can be stored with a table, by name."""


def register_place(cls: Class) -> Class:
    """Let a class with `to_json` and `from_json` be stored with the tables of which it tells the places."""
    PLACES[cls.__name__] = cls
    return cls


@dataclass(frozen=True)
class Table:
    """Columns by name, in order: float64 for numbers (NaN where missing), objects for text (None where missing).

    `origin` names the source in messages. `target` are the columns that the source itself says are to be predicted.
    `place` tells the file and the line of a row, for sources that have lines, and `decimal` is the sign before the
    fraction in texts. `written` says that the rows stand in the config itself, and may be as few as the author likes.
    `splits` are the tables of the splits that have a source of their own, by name.
    """

    columns: Mapping[str, Array]
    origin: str
    target: tuple[str, ...] = ()
    place: Callable[[int], str] | None = None
    decimal: str = "."
    written: bool = False
    splits: Mapping[str, "Table"] = field(default_factory=dict)

    def __len__(self) -> int:
        rows: int | None = getattr(self.columns, "rows", None)
        return len(next(iter(self.columns.values()))) if rows is None else rows

    def column(self, name: str) -> Array:
        """The column of that name.

        Raises:
            InputError: there is none; the message says which there are.
        """
        self.require_column(name)
        return self.columns[name]

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of the column of that name, fresh; of a table in a file no others are in memory.

        rows `(n,)` ascending.

        Raises:
            InputError: as `column`.
        """
        self.require_column(name)
        if not self.is_mapped:
            return self.columns[name][rows]
        found: Array = self.columns.take(name, rows)  # type: ignore[attr-defined]
        return found

    def require_column(self, name: str) -> None:
        """Refuse the name of a column that is not there.

        Raises:
            InputError: it is not; the message says which there are.
        """
        if name not in self.columns:
            raise InputError(f"{self.origin} has no column {name!r}; {suggest_word(name, self.columns)}")

    def numbers(self, name: str) -> Array:
        """A column that must be complete and finite numbers, `(rows,)` float64, as a feature or a target to predict.

        Raises:
            InputError: it is text, or a number is missing or not finite; the message names the first such line.
        """
        values = self.column(name)
        if values.dtype == object:
            texts = (k for k, value in enumerate(values) if value is not None and not is_number(value, self.decimal))
            row = next(texts, 0)
            if values[row] is None:
                raise InputError(f"{self.where(row)}: {name}: the whole column is empty; leave it out of data.features")
            advice = advice_on(values[row], self.decimal)
            raise InputError(f"{self.where(row)}: {name}: text among the numbers (got {quote(values[row])}); {advice}")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            what = "a missing value or NaN" if np.isnan(values[wrong[0]]) else "an infinite value"
            others = f", one of {len(wrong)} such rows" if len(wrong) > 1 else ""
            raise InputError(f"{self.where(wrong[0])}: {name}: {what}{others}; fill it in or remove the row")
        return values

    def chunks(self) -> Iterator[tuple[int, "Table"]]:
        """Yield the table a chunk of rows at a time, each with the number of its first row; one in memory whole."""
        start = 0
        for columns in self.columns.chunks() if self.is_mapped else (self.columns,):  # type: ignore[attr-defined]
            chunk = replace(self.shifted(start), columns=columns)
            yield start, chunk
            start += len(chunk)

    @property
    def is_mapped(self) -> bool:
        """Whether it is read from a file whenever it is looked at, and not held in memory."""
        return getattr(self.columns, "in_memory", True) is False

    def shifted(self, start: int) -> "Table":
        """Return a table whose row 0 stands where the row `start` of this one does."""
        return replace(self, place=Shifted(self, start)) if start else self

    def where(self, row: int) -> str:
        """The place of a row (counted from 0) for messages: the file with its line, or the source with the row."""
        return f"{self.origin}, row {row + 1}" if self.place is None else self.place(row)


@dataclass(frozen=True)
class Shifted:
    """Tells where the rows of a chunk stand: those of the whole table, from a row on."""

    table: Table
    start: int

    def __call__(self, row: int) -> str:
        return self.table.where(self.start + row)


def is_number(text: str, decimal: str = ".") -> bool:
    """Whether the text is a plain number in ASCII, with that sign before the fraction."""
    point = re.escape(decimal)
    pattern = rf"\s*[-+]?([0-9]+({point}[0-9]*)?|{point}[0-9]+)([eE][-+]?[0-9]+)?\s*"
    return re.fullmatch(pattern, text) is not None


def advice_on(text: str, decimal: str = ".") -> str:
    """What to do about a text that stands where a number should."""
    other = "," if decimal == "." else "."
    if is_number(text, other):
        sign = "commas" if other == "," else "points"
        return f"where {sign} stand before the fraction, write decimal: '{other}' in the options of the source"
    return "only numbers can be computed with: leave the column out of data.features, or encode it as numbers"


def quote(value: object) -> str:
    """Write a value of the user's data for a message: quoted, control characters escaped, cut to 60 characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


class Replaced(Mapping[str, Array]):
    """The columns of a table, some of them replaced by others of as many rows.

    What a table in a file says of itself (that it is not in memory, its chunks, its digest) holds for this one too.

    Args:
        columns: of the table.
        own: by name, in the place of columns of that name.
    """

    def __init__(self, columns: Mapping[str, Array], own: Mapping[str, Array]) -> None:
        self._columns, self._own = columns, own
        self.rows = len(next(iter(own.values())))
        self.in_memory: bool = getattr(columns, "in_memory", True)
        self.digest: str | None = getattr(columns, "digest", None)

    def __getitem__(self, name: str) -> Array:
        return self._own[name] if name in self._own else self._columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def take(self, name: str, rows: Array) -> Array:
        """Return some rows of a column of a table in a file."""
        if name in self._own:
            return self._own[name][rows]
        found: Array = self._columns.take(name, rows)  # type: ignore[attr-defined]
        return found

    def chunks(self) -> Iterator["Replaced"]:
        """Yield the columns of a table in a file a chunk of rows at a time."""
        start = 0
        for chunk in self._columns.chunks():  # type: ignore[attr-defined]
            yield Replaced(chunk, {name: values[start : start + chunk.rows] for name, values in self._own.items()})
            start += chunk.rows
