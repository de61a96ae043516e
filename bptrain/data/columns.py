"""Columns: how a table becomes the numbers that a network reads, fitted once and stored with the network.

All statistics come from the training rows. What is fitted here is applied by name to any later table, so that other
orders of columns, and columns more, do no harm.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.data.scalers import Scaler, Statistics
from bptrain.data.table import Table, shown
from bptrain.errors import InputError

Task = Literal["classification", "regression", "multi_label"]

MOST_INTEGER_CLASSES = 20
"""A column of whole numbers with no more distinct values than this, and five rows for each, is taken for classes,
unless the config says otherwise. Two values are classes in any case."""

LARGEST = 1e37
"""The largest scaled value that is let through: a tenth of what float32 holds."""

Label = str | int


@dataclass(frozen=True)
class Column:
    """A numeric column with the statistics of its scaler."""

    name: str
    statistics: Statistics


@dataclass(frozen=True)
class Classes:
    """A target of classes: their labels, sorted; a label's place is its code."""

    name: str
    labels: tuple[Label, ...]

    def codes(self, table: Table) -> Array:
        """The class number of each row, `(rows,)` int64.

        Raises:
            InputError: a label that is not among the classes.
        """
        values = labels_of(table, self.name)
        # Compared as text: a file with nothing but numeric labels has them as numbers.
        place = {str(label): k for k, label in enumerate(self.labels)}
        codes = np.array([place.get(str(value), -1) for value in values], dtype=np.int64)
        unknown = np.flatnonzero(codes < 0)
        if len(unknown):
            row = int(unknown[0])
            known = ", ".join(shown(label) for label in self.labels[:20])
            what = f"a class unseen in training (got {shown(values[row])}, known are {known})"
            raise InputError(f"{table.where(row)}: {self.name}: {what}")
        return codes


@dataclass(frozen=True)
class Columns:
    """The fitted preprocessing: features in the order in which the network reads them, and the target."""

    features: tuple[Column, ...]
    target: Classes | tuple[Column, ...]
    scaler: Scaler
    target_scaler: Scaler

    @property
    def classes(self) -> int | None:
        """The number of classes, None for a numeric target."""
        return len(self.target.labels) if isinstance(self.target, Classes) else None

    def inputs(self, table: Table) -> Array:
        """The features of a table, scaled, `(rows, features)` float64.

        Raises:
            InputError: a column is missing, or has something else than finite numbers.
        """
        return np.stack([scaled(table, column, self.scaler) for column in self.features], axis=1)

    def targets(self, table: Table) -> Array:
        """The target of a table: class numbers `(rows,)` int64, or scaled numbers `(rows, columns)` float64.

        Raises:
            InputError: a column is missing, or has values that training did not know.
        """
        if isinstance(self.target, Classes):
            return self.target.codes(table)
        return np.stack([scaled(table, column, self.target_scaler) for column in self.target], axis=1)

    def unscaled(self, values: Array) -> Array:
        """Numeric targets or predictions `(rows, columns)` in their own units, float64; class outputs unchanged."""
        if isinstance(self.target, Classes):
            return values
        wide = values.astype(np.float64)
        scaled = [self.target_scaler.invert(wide[:, k], column.statistics) for k, column in enumerate(self.target)]
        return np.stack(scaled, axis=1)

    def to_json(self) -> dict[str, Any]:
        """What a checkpoint stores; the scalers are in its config."""
        target = asdict(self.target) if isinstance(self.target, Classes) else [asdict(c) for c in self.target]
        return {"features": [asdict(column) for column in self.features], "target": target}

    @classmethod
    def from_json(cls, stored: dict[str, Any], scaler: Scaler, target_scaler: Scaler) -> "Columns":
        """The inverse of `to_json`."""

        def column(entry: dict[str, Any]) -> Column:
            return Column(entry["name"], tuple(entry["statistics"]))

        target = stored["target"]
        return cls(
            tuple(column(entry) for entry in stored["features"]),
            Classes(target["name"], tuple(target["labels"]))
            if isinstance(target, dict)
            else tuple(column(entry) for entry in target),
            scaler,
            target_scaler,
        )


def fit(
    table: Table,
    rows: Array,
    features: Sequence[str],
    target: Classes | Sequence[str],
    scaler: Scaler,
    target_scaler: Scaler,
) -> Columns:
    """Columns with statistics of the given rows.

    Args:
        table: all rows.
        rows: those that train, int64.
        features: names of the inputs.
        target: the classes, or the names of numeric targets.
        scaler: for features.
        target_scaler: for numeric targets.

    Raises:
        InputError: a column is missing, or has something else than finite numbers.
    """

    def fitted(name: str, by: Scaler) -> Column:
        values = table.numbers(name)
        with np.errstate(over="ignore"):
            statistics = by.fit(values[rows])
        if not np.isfinite(statistics).all():
            row = int(np.argmax(np.abs(values)))
            raise InputError(f"{table.where(row)}: {name}: too large to be scaled (got {values[row]:g})")
        return Column(name, statistics)

    return Columns(
        tuple(fitted(name, scaler) for name in features),
        target if isinstance(target, Classes) else tuple(fitted(name, target_scaler) for name in target),
        scaler,
        target_scaler,
    )


def scaled(table: Table, column: Column, scaler: Scaler) -> Array:
    """One column of a table, scaled, `(rows,)` float64.

    Raises:
        InputError: there is no such column, a value is missing, or one is beyond the numbers that a network works on.
    """
    values = table.numbers(column.name)
    result = scaler.apply(values, column.statistics)
    far = np.flatnonzero(np.abs(result) > LARGEST)
    if len(far):
        row = int(far[0])
        raise InputError(f"{table.where(row)}: {column.name}: {values[row]:g} is too large to train with")
    return result


def labels_of(table: Table, name: str) -> list[Label]:
    """A column as class labels: text as it is, whole numbers as integers.

    Raises:
        InputError: a label is missing, or a number is not whole.
    """
    values = table.column(name)
    missing = [value is None for value in values] if values.dtype == object else np.isnan(values)
    if np.any(missing):
        row = int(np.argmax(missing))
        raise InputError(f"{table.where(row)}: {name}: the target is missing; fill it in or remove the row")
    if values.dtype == object:
        return list(values)
    broken = np.flatnonzero((values != np.floor(values)) | (np.abs(values) >= 2**53))
    if len(broken):
        row = int(broken[0])
        what = f"a class must be text or a whole number below 2^53 (got {values[row]:.17g})"
        raise InputError(f"{table.where(row)}: {name}: {what}; for numbers to predict use loss: mse")
    return [int(value) for value in values]


def find_classes(table: Table, name: str) -> Classes:
    """The classes of a column, sorted.

    Raises:
        InputError: a label is missing or no class, or there is only one.
    """
    labels = sorted(set(labels_of(table, name)))
    if len(labels) < 2:
        raise InputError(
            f"{table.origin}: {name}: the target has a single class, {shown(labels[0])}; there is nothing to learn"
        )
    return Classes(name, tuple(labels))


def refuse_constant(table: Table, name: str) -> None:
    """Refuse a column of numbers to predict that are all the same.

    Raises:
        InputError: they are; or one is missing or not finite.
    """
    values = table.numbers(name)
    if values.min() == values.max():
        raise InputError(f"{table.origin}: {name}: it is {values[0]:g} in every row; there is nothing to learn")


def likely_task(table: Table, name: str) -> Task:
    """What a target column looks like: text and few distinct whole numbers are classes, other numbers are not."""
    values = table.column(name)
    if values.dtype == object:
        return "classification"
    whole = bool(np.all(np.isfinite(values)) and np.all(values == np.floor(values)))
    most = min(MOST_INTEGER_CLASSES, max(2, len(values) // 5))
    return "classification" if whole and len(np.unique(values)) <= most else "regression"
