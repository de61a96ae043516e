"""A table in memory: named columns of numbers or text, and where each row came from."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bptrain.arrays import Array
from bptrain.errors import InputError
from bptrain.registry import suggestion


@dataclass(frozen=True)
class Table:
    """Columns by name, in order: float64 for numbers (NaN where missing), objects for text (None where missing).

    `origin` names the source in messages; `path` is the text file that the rows came from, if any. `target` are the
    columns that the source itself says are to be predicted.
    """

    columns: dict[str, Array]
    origin: str
    target: tuple[str, ...] = ()
    path: Path | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def column(self, name: str) -> Array:
        """The column of that name.

        Raises:
            InputError: there is none; the message says which there are.
        """
        if name not in self.columns:
            raise InputError(f"{self.origin} has no column {name!r}; {suggestion(name, self.columns)}")
        return self.columns[name]

    def numbers(self, name: str) -> Array:
        """A column that must be complete and finite numbers, `(rows,)` float64.

        Raises:
            InputError: it is text, or a number is missing or not finite; the message names the first such line.
        """
        values = self.column(name)
        if values.dtype == object:
            row = next(k for k, value in enumerate(values) if value is None or not is_number(value))
            advice = "a feature must be numeric; leave the column out with data.features, or encode it as numbers"
            raise InputError(f"{self.where(row)}: {name}: text among the numbers (got {shown(values[row])}); {advice}")
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            what = "a missing value or NaN" if np.isnan(values[wrong[0]]) else "an infinite value"
            others = f", one of {len(wrong)} such rows" if len(wrong) > 1 else ""
            raise InputError(f"{self.where(wrong[0])}: {name}: {what}{others}; fill it in or remove the row")
        return values

    def where(self, row: int) -> str:
        """The place of a row (counted from 0) for messages: the file with its line, or the source with the row."""
        if self.path is None:
            return f"{self.origin}, row {row + 1}"
        return f"{self.path}:{line_of(self.path, row)}"


def is_number(text: str) -> bool:
    """Whether Python reads the text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def shown(value: object) -> str:
    """A value of the user's data for a message: quoted, control characters escaped, cut to 60 characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def line_of(path: Path, row: int) -> int:
    """The line on which data row `row` (counted from 0) of a CSV file starts; quoted line breaks count as lines."""
    import gzip

    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        single = len(next(reader)) == 1
        seen, start = -1, reader.line_num + 1
        for record in reader:
            # A blank line is a missing value in a file of one column, and nothing in a wider one.
            seen += bool(record) or single
            if seen == row:
                break
            start = reader.line_num + 1
    return start
