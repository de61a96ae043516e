"""Targets: classes with their labels, and what a column to be predicted looks like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, find_first, iter_chunks
from bptrain.columns.imputers import IMPUTERS, Imputer, Refuse
from bptrain.columns.kinds import infer
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.tables.table import ReplacedColumns, Selection, Table, is_number, quote
from bptrain.tables.values import PADDED, UNSEEN, are_numbers, as_numbers, codes, distinct
from bptrain.tables.values import missing as missing_values

Task = Literal["classification", "regression", "multi_label", "autoencoder", "multi_task"]

MOST_INTEGER_CLASSES = 20
"""A column of whole numbers with no more distinct values than this, and five rows for each, is taken for classes,
unless the config says otherwise. Two values are classes in any case."""

Label = str | int


@dataclass(frozen=True)
class Classes:
    """A target of classes: their labels, sorted; a label's place is its code.

    Labels are text or whole numbers, as the column was in the training rows. Text is compared as it is, so that 01 is
    not 1; numbers are compared as numbers, also with a later file that has them as text.
    """

    name: str
    labels: tuple[Label, ...]
    missing: Imputer = Refuse()

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; `from_json` is the inverse."""
        return {"name": self.name, "labels": list(self.labels), "missing": name_of(self.missing)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Classes":
        """Return the inverse of `to_json`."""
        return cls(stored["name"], tuple(stored["labels"]), IMPUTERS.members[stored["missing"]]())

    def codes(self, table: Table | Selection) -> Array:
        """Return the class number of each row, `(rows,)` int64.

        Raises:
            InputError: a label is missing, or not among the classes.
        """
        rows = table if isinstance(table, Selection) else Selection(table)
        values = rows.column(self.name)
        found = codes(values, self.labels, rows.decimal)
        check_present(rows, self.name, values)
        unknown = np.flatnonzero(found == UNSEEN)
        if len(unknown):
            row = int(unknown[0])
            known = ", ".join(quote(label) for label in self.labels[:20])
            more = f", one of {len(unknown):,} such rows" if len(unknown) > 1 else ""
            got = quote(values[row]) if values.dtype == object else f"{values[row]:.17g}"
            what = f"a class unseen in training{more} (got {got}, known are {known})"
            raise InputError(f"{rows.where(row)}: {self.name}: {what}; let it train, or leave such rows out")
        return found


def check_present(rows: Selection, name: str, values: Array) -> None:
    """Refuse a target that is missing somewhere.

    Raises:
        InputError: it is; the message names the first row.
    """
    holes = np.flatnonzero(missing_values(values))
    if len(holes):
        more = f", here and in {len(holes) - 1:,} more rows" if len(holes) > 1 else ""
        what = (
            f"the target is missing{more}; fill it in, remove the row, or write columns: {{{name}: {{missing: drop}}}}"
        )
        raise InputError(f"{rows.where(int(holes[0]))}: {name}: {what}")


def find_labels(rows: Selection, name: str) -> list[Label]:
    """Return the different labels of a column, sorted: text as it is, whole numbers as integers.

    Raises:
        InputError: a label is missing, or a number is not whole.
    """
    values = rows.column(name)
    check_present(rows, name, values)
    if values.dtype == object:
        return [str(label) for label in distinct(values)]
    row = find_first(values, lambda some: (some != np.floor(some)) | (np.abs(some) >= 2**53))
    if row is not None:
        what = f"a class must be text or a whole number below 2^53 (got {values[row]:.17g})"
        raise InputError(f"{rows.where(row)}: {name}: {what}; for numbers to predict use loss: mse")
    return [int(value) for value in distinct(values)]


def find_classes(table: Table | Selection, name: str, missing: Imputer = Refuse()) -> Classes:  # noqa: B008
    """Return the classes of a column, sorted.

    Raises:
        InputError: a label is missing or no class, or there is only one.
    """
    rows = table if isinstance(table, Selection) else Selection(table)
    labels = find_labels(rows, name)
    if len(labels) < 2:
        where = "" if len(rows) == len(rows.table) else f", in the {len(rows):,} rows that train"
        what = f"the target has a single class, {quote(labels[0])}{where}; there is nothing to learn"
        raise InputError(f"{rows.table.origin}: {name}: {what}")
    return Classes(name, tuple(labels), missing)


def check_varied(table: Table | Selection, name: str) -> None:
    """Refuse a column of numbers to predict that are all the same, unless they are written in the config.

    Raises:
        InputError: they are, or one is missing.
    """
    rows = table if isinstance(table, Selection) else Selection(table)
    values = rows.column(name)
    check_present(rows, name, values)
    if values.dtype != object and values.min() == values.max() and not rows.table.written:
        where = "" if len(rows) == len(rows.table) else f" of the {len(rows):,} that train"
        what = f"it is {values[0]:g} in every row{where}; there is nothing to learn"
        raise InputError(f"{rows.table.origin}: {name}: {what}")


def with_numbers(table: Table, name: str) -> Table:
    """Return the table with a column that was read as text as numbers, if it is numbers alone and none is padded with
    zeros."""
    found, present = np.empty(len(table)), False
    for start, chunk in table.chunks():
        values = chunk.columns[name]
        if values.dtype != object:
            return table
        if are_numbers(values, table.decimal):
            present = True
        elif not missing_values(values).all():
            return table
        found[start : start + len(values)] = as_numbers(values, table.decimal)
    return replace(table, columns=ReplacedColumns(table.columns, {name: found})) if present else table


def likely_task(table: Table, name: str) -> Task:
    """Return what a target column looks like: labels and few distinct whole numbers are classes, other numbers are not,
    though there be text among them."""
    values = table.column(name)
    if values.dtype == object:
        return "regression" if are_numbers_with_text(values, table.decimal) else "classification"
    return "classification" if look_like_classes(values) else "regression"


def look_like_classes(values: Array) -> bool:
    """Tell whether numbers `(rows,)`, NaN where one is missing, are whole, and few different ones for so many rows."""
    most, found = min(MOST_INTEGER_CLASSES, max(2, len(values) // 5)), set[float]()
    for chunk in iter_chunks(values):
        numbers = chunk[~np.isnan(chunk)]
        if not (np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all()):
            return False
        found.update(np.unique(numbers).tolist())
        if len(found) > most:
            return False
    return bool(found)


def are_numbers_with_text(values: Array, decimal: str = ".") -> bool:
    """Tell whether a column of objects `(rows,)` is numbers with some text among them, and no labels.

    Numbers padded with zeros are labels. Few different whole numbers are labels too, if the text is more than a tenth.
    """
    if infer(values, decimal).kind != "mixed":
        return False
    texts = [text for text in values.tolist() if text is not None]
    numbers = [text for text in texts if is_number(text) or is_number(text, ",")]
    odd = len(texts) - len(numbers)
    if odd >= len(numbers) or any(map(PADDED.fullmatch, numbers)):
        return False
    read = np.full(len(values), np.nan)
    read[: len(numbers)] = [float(text.replace(",", ".")) for text in numbers]
    return odd <= len(texts) // 10 or not look_like_classes(read)


def balance_weights(codes: Array, classes: int) -> tuple[float, ...]:
    """Weights that let every class count the same: `n / (classes · count)`, as scikit-learn's `balanced`.

    codes `(rows,)` int64; every class has a row.
    """
    counts: Sequence[int] = np.bincount(codes, minlength=classes).tolist()
    return tuple(len(codes) / (classes * count) for count in counts)
