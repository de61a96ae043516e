"""Targets: the columns to predict, as classes with their labels, as numbers, or as labels of yes and no."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array, find_first, iter_chunks
from bptrain.columns.features import Boolean, Numeric, component_from_json, component_to_json, feature_from_json
from bptrain.columns.imputers import IMPUTERS, Imputer, Refuse
from bptrain.columns.kinds import infer_kind
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.tables.table import ReplacedColumns, Selection, Table, is_number, quote
from bptrain.tables.values import (
    PADDED,
    UNSEEN,
    are_numbers,
    encode_labels,
    find_distinct,
    find_missing,
    list_labels,
    parse_numbers,
)

Task = Literal["classification", "regression", "multi_label", "autoencoder", "multi_task"]

MOST_INTEGER_CLASSES = 20
"""A column of whole numbers with at most this many distinct values, and five rows for each, is taken for classes,
unless the config says otherwise; so is any column with only two distinct whole numbers."""

Label = str | int


@dataclass(frozen=True)
class Classes:
    """A target of classes: their labels, sorted; the index of a label is its code.

    Labels are text or whole numbers, as in the training rows. 01 is not 1, but spaces around a text, or capitals in yes
    and no, make no other class. Numbers are compared as numbers, even if a later file has them as text.
    """

    name: str
    labels: tuple[Label, ...]
    missing: Imputer = Refuse()

    def to_json(self) -> dict[str, Any]:
        """Return the classes as JSON can store them; `from_json` is the inverse."""
        missing = component_to_json(self.missing) if any(vars(self.missing).values()) else name_of(self.missing)
        return {"name": self.name, "labels": list(self.labels), "missing": missing}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Classes":
        """Return the classes that `to_json` stored."""
        missing = stored["missing"]
        return cls(
            stored["name"],
            tuple(stored["labels"]),
            IMPUTERS.members[missing]() if isinstance(missing, str) else component_from_json(missing, IMPUTERS),
        )

    def encode(self, rows: Selection) -> Array:
        """Return the class number of each row, `(rows,)` int64.

        Raises:
            InputError: a label is missing, or is not among the classes.
        """
        values = rows.column(self.name)
        found = encode_labels(values, self.labels, rows.decimal)
        check_present(rows, self.name, values)
        unknown = np.flatnonzero(found == UNSEEN)
        if len(unknown):
            row = int(unknown[0])
            some = ", ".join(quote(label) for label in self.labels[:20])
            more = f", one of {len(unknown):,} such rows" if len(unknown) > 1 else ""
            got = quote(values[row]) if values.dtype == object else f"{values[row]:.17g}"
            what = f"a class unseen in training{more} (got {got}, expected one of {some})"
            raise InputError(f"{rows.where(row)}: {self.name}: {what}; train with such rows, or remove them")
        return found


Value = Numeric | Boolean
"""A target of numbers, scaled, or a label of yes and no, which becomes 1 and 0."""


@dataclass(frozen=True)
class Several:
    """Several targets of different kinds, each with a loss of its own."""

    targets: tuple[Classes | Numeric, ...]


@dataclass(frozen=True)
class Inputs:
    """The target of an autoencoder: the encoded inputs themselves."""


Target = Classes | tuple[Value, ...] | Several | Inputs


def encode_target(target: Classes | Value, rows: Selection) -> Array:
    """Return one of several targets `(rows,)` float64: class numbers, scaled numbers, or 0 and 1.

    Raises:
        InputError: a value is missing, or cannot be used.
    """
    if isinstance(target, Classes):
        return target.encode(rows).astype(np.float64)
    check_present(rows, target.name, rows.column(target.name))
    out = np.empty((len(rows), 1))
    target.encode(rows, out, Counter())
    return out[:, 0]


def unscale_targets(targets: Sequence[Value], values: Array) -> Array:
    """Return targets or predictions `(rows, columns)` with numbers in their own units, float64."""
    wide = values.astype(np.float64)
    each = [one.unscale(wide[:, k]) if isinstance(one, Numeric) else wide[:, k] for k, one in enumerate(targets)]
    return np.stack(each, axis=1)


def target_to_json(target: Target) -> Any:
    """Return a target as JSON can store it; `target_from_json` is the inverse."""
    if isinstance(target, Classes):
        return target.to_json()
    if isinstance(target, Inputs):
        return "inputs"
    if isinstance(target, Several):
        return {"several": [one.to_json() for one in target.targets]}
    return [one.to_json() for one in target]


def target_from_json(stored: Any) -> Target:
    """Return the target that `target_to_json` stored.

    Raises:
        LookupError, TypeError, ValueError: `target_to_json` did not store this.
    """
    if stored == "inputs":
        return Inputs()
    if isinstance(stored, list):
        return tuple(map(feature_from_json, stored))
    if "several" in stored:
        each = stored["several"]
        return Several(tuple(Classes.from_json(one) if "labels" in one else feature_from_json(one) for one in each))
    return Classes.from_json(stored)


def select_present(rows: Selection, name: str) -> Selection:
    """Return the rows in which a column is not missing."""
    return Selection(rows.table, rows.numbers[~find_missing(rows.column(name))])


def check_present(rows: Selection, name: str, values: Array) -> None:
    """Check that a target has a value in every row.

    Raises:
        InputError: a value is missing; the message names the first row.
    """
    holes = np.flatnonzero(find_missing(values))
    if len(holes):
        more = f" here and in {len(holes) - 1:,} more row{'s' * (len(holes) > 2)}" if len(holes) > 1 else ""
        advice = f"fill it in, remove the row, or write under data: columns: {{{name}: {{missing: drop}}}}"
        raise InputError(f"{rows.where(int(holes[0]))}: {name}: the target is missing{more}; {advice}")


def find_classes(rows: Selection, name: str, missing: Imputer = Refuse()) -> Classes:  # noqa: B008
    """Return the classes of a column, sorted: text as it is, whole numbers as integers.

    Raises:
        InputError: a label is missing, a number is not whole, or there is only one class.
    """
    values = rows.column(name)
    check_present(rows, name, values)
    labels: list[Label]
    if values.dtype == object:
        labels = [*list_labels(values)]
    else:
        row = find_first(values, lambda some: (some != np.floor(some)) | (np.abs(some) >= 2**53))
        if row is not None:
            what = f"a class must be text or a whole number below 2^53 (got {values[row]:.17g})"
            raise InputError(f"{rows.where(row)}: {name}: {what}; to predict numbers write loss: mse")
        labels = [int(value) for value in find_distinct(values)]
    if len(labels) < 2:
        where = "" if len(rows) == len(rows.table) else f", in the {len(rows):,} training rows"
        what = f"the target has a single class, {quote(labels[0])}{where}; there is nothing to learn"
        raise InputError(f"{rows.table.origin}: {name}: {what}")
    return Classes(name, tuple(labels), missing)


def check_varied(rows: Selection, name: str) -> None:
    """Check that the numbers to predict are not all the same, unless they are written in the config.

    Raises:
        InputError: they are, or one is missing.
    """
    values = rows.column(name)
    check_present(rows, name, values)
    if values.dtype != object and values.min() == values.max() and not rows.table.written:
        where = "every row" if len(rows) == len(rows.table) else f"all {len(rows):,} training rows"
        what = f"the target is {values[0]:g} in {where}; there is nothing to learn"
        raise InputError(f"{rows.table.origin}: {name}: {what}")


def describe_amounts(classes: Classes) -> str:
    """Return what to write if whole numbers that were taken for classes are amounts, such as counts; empty if they are
    text, or only two."""
    labels = classes.labels
    if len(labels) < 3 or not all(isinstance(label, int) for label in labels):
        return ""
    some = ", ".join(map(str, labels[:3]))
    what = f"the numbers of {quote(classes.name)} ({some}, ...) are taken for {len(labels)} classes"
    return f"{what}; if more is more, write under data: task: regression"


def convert_to_numbers(table: Table, name: str) -> Table:
    """Return the table with a text column converted to numbers, if all its values are numbers and none is padded with
    zeros."""
    found, present = np.empty(len(table)), False
    for start, chunk in table.chunks():
        values = chunk.columns[name]
        if values.dtype != object:
            return table
        if are_numbers(values, table.decimal):
            present = True
        elif not find_missing(values).all():
            return table
        found[start : start + len(values)] = parse_numbers(values, table.decimal)
    return replace(table, columns=ReplacedColumns(table.columns, {name: found})) if present else table


def guess_task(table: Table, name: str) -> Task:
    """Return the task of a target by its values: text and few distinct whole numbers are classes; other numbers are
    not, even with some text among them."""
    values = table.column(name)
    if values.dtype == object:
        return "regression" if are_numbers_with_text(values, table.decimal) else "classification"
    return "classification" if are_like_classes(values) else "regression"


def are_like_classes(values: Array) -> bool:
    """Return whether numbers `(rows,)`, NaN where one is missing, are whole, and few of them distinct; see
    `MOST_INTEGER_CLASSES`."""
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
    """Return whether a column of objects `(rows,)` is numbers with some text among them, and not labels.

    Numbers padded with zeros are labels. So are few distinct whole numbers if more than a tenth of the values is text.
    """
    if infer_kind(values, decimal).kind != "mixed":
        return False
    texts = [text for text in values.tolist() if text is not None]
    numbers = [text for text in texts if is_number(text) or is_number(text, ",")]
    odd = len(texts) - len(numbers)
    if odd >= len(numbers) or any(map(PADDED.fullmatch, numbers)):
        return False
    read = np.full(len(values), np.nan)
    read[: len(numbers)] = [float(text.replace(",", ".")) for text in numbers]
    return odd <= len(texts) // 10 or not are_like_classes(read)


def balance_weights(codes: Array, classes: int) -> tuple[float, ...]:
    """Return weights that let every class count the same: `n / (classes · count)`, as scikit-learn's `balanced`.

    codes `(rows,)` int64; every class has a row.
    """
    counts: Sequence[int] = np.bincount(codes, minlength=classes).tolist()
    return tuple(len(codes) / (classes * count) for count in counts)
