"""Columns: how a table becomes the numbers that a network reads, fitted once and stored with the network.

All statistics come from the training rows. What is fitted here is applied by name to any later table: the order of its
columns does not matter, and extra columns are ignored.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Boolean, Feature, Numeric, feature_from_json
from bptrain.columns.fit import fit_feature
from bptrain.columns.imputers import Drop
from bptrain.columns.options import Kind, Treatment
from bptrain.columns.targets import (
    Classes,
    Inputs,
    Several,
    Target,
    Value,
    check_present,
    encode_target,
    target_from_json,
    target_to_json,
)
from bptrain.errors import InputError
from bptrain.tables.table import Selection, Table
from bptrain.text import find_closest


@dataclass(frozen=True)
class Weighting:
    """The weight of each row in the loss: `classes` has a weight for each class, `column` names the column with a
    weight for each row; with both, their product."""

    classes: tuple[float, ...] | None = None
    column: str | None = None

    def __bool__(self) -> bool:
        return self.classes is not None or self.column is not None


@dataclass(frozen=True)
class Columns:
    """The fitted preprocessing: the features in the order in which the network reads them, the target, and the
    weighting of rows."""

    features: tuple[Feature, ...]
    target: Target
    weighting: Weighting = Weighting()

    @property
    def classes(self) -> int | None:
        """The number of classes; None if the target is not classes."""
        return len(self.target.labels) if isinstance(self.target, Classes) else None

    @cached_property
    def input_names(self) -> tuple[str, ...]:
        """A name for each input of the network, such as `age`, `age missing` or `city=Paris`."""
        return tuple(name for feature in self.features for name in feature.input_names)

    @cached_property
    def number_places(self) -> tuple[int, ...]:
        """The places, among the inputs, of the numbers that a first layer embeds: those whose encoding asks for it, or
        if there are none all that are one input each."""
        start, wanted, single = 0, list[int](), list[int]()
        for feature in self.features:
            if isinstance(feature, Numeric) and feature.encoding.keeps_scale:
                (wanted if feature.encoding.first_layer else single).append(start)
            start += len(feature.input_names)
        return tuple(wanted or single)

    @property
    def target_columns(self) -> tuple[Classes | Value, ...]:
        """The target columns, one by one; none for an autoencoder."""
        if isinstance(self.target, Several):
            return self.target.targets
        if isinstance(self.target, Inputs):
            return ()
        return (self.target,) if isinstance(self.target, Classes) else self.target

    @property
    def target_names(self) -> tuple[str, ...]:
        """The names of the target columns."""
        return tuple(one.name for one in self.target_columns)

    @property
    def text_names(self) -> tuple[str, ...]:
        """The columns to read as text, even if all their values in a file are numbers."""
        numbers = {
            one.name for one in self.target_columns if isinstance(one, Classes) and isinstance(one.labels[0], int)
        }
        each = (*self.features, *self.target_columns)
        return tuple(one.name for one in each if not isinstance(one, Numeric) and one.name not in numbers)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, the targets and the sample weights."""
        weights = filter(None, [self.weighting.column])
        return (*(feature.name for feature in self.features), *self.target_names, *weights)

    def require_columns(self, table: Table, *, target: bool = True) -> None:
        """Require that a table has all columns.

        Args:
            table: any table.
            target: whether it must have the target columns and the sample weights too.

        Raises:
            InputError: columns are missing; one message names all of them.
        """
        needed = [feature.name for feature in self.features]
        if target:
            needed += [*self.target_names, *filter(None, [self.weighting.column])]
        absent = [name for name in needed if name not in table.columns]
        if not absent:
            return
        known = frozenset(needed)
        others = [name for name in table.columns if name not in known]
        near = {name: find_closest(name, others) for name in absent[:20]}
        some = ", ".join(f"{name!r} (did you mean {one!r}?)" if one else repr(name) for name, one in near.items())
        more = f" and {len(absent) - 20:,} more" if len(absent) > 20 else ""
        there = f"; it has {', '.join(map(repr, list(table.columns)[:20]))}" if not all(near.values()) else ""
        plural = "s" if len(absent) > 1 else ""
        raise InputError(f"{table.origin} has no column{plural} {some}{more}{there}")

    def find_extra(self, table: Table) -> list[str]:
        """Return the columns of a table that are not used."""
        used = {*(feature.name for feature in self.features), *self.target_names, self.weighting.column}
        return [name for name in table.columns if name not in used]

    @property
    def drop_values(self) -> list[str]:
        """The values whose rows are dropped beside missing ones."""
        each = [*self.features, *self.target_columns]
        return [value for one in each if isinstance(one.missing, Drop) for value in one.missing.values]

    def find_complete(self, table: Table, *, target: bool = True) -> tuple[Array | None, dict[str, int]]:
        """Return the rows that are not dropped for a missing value (None: all), and the number of rows that each column
        drops."""
        named = [*self.features, *(self.target_columns if target else ())]
        return find_complete_rows(table, {one.name: one.missing for one in named if isinstance(one.missing, Drop)})

    def encode_inputs(
        self,
        table: Table,
        rows: Array | None = None,
        *,
        dtype: Any = np.float64,
        unseen: Counter[str] | None = None,
    ) -> Array:
        """Return the features of a table as the network reads them, `(rows, inputs)`.

        Args:
            table: a table with the columns, in any order.
            rows: row numbers; None: all rows.
            dtype: dtype of the result; computations are in float64.
            unseen: counts ignored values by column.

        Raises:
            InputError: a column is missing, or has values that cannot be used.
        """
        self.require_columns(table, target=False)
        selection, counted = Selection(table, rows), Counter[str]() if unseen is None else unseen
        out = np.empty((len(selection), len(self.input_names)), dtype)
        start = 0
        for feature in self.features:
            stop = start + len(feature.input_names)
            feature.encode(selection, out[:, start:stop], counted)
            start = stop
        return out

    def encode_targets(self, table: Table, rows: Array | None = None) -> Array:
        """Return the targets of a table: class numbers `(rows,)` int64, or `(rows, columns)` float64 with scaled
        numbers, labels of 0 and 1, and (if there are several kinds) class numbers; the inputs for an autoencoder.

        Raises:
            InputError: a column is missing, or has values that are unseen in training.
        """
        if isinstance(self.target, Inputs):
            return self.encode_inputs(table, rows)
        selection = Selection(table, rows)
        if isinstance(self.target, Classes):
            return self.target.encode(selection)
        return np.stack([encode_target(one, selection) for one in self.target_columns], axis=1)

    def compute_weights(self, table: Table, rows: Array | None = None, codes: Array | None = None) -> Array | None:
        """Return the weight of each row in the loss, `(rows,)` float64; None: all are equal. `codes` are the class
        numbers.

        Raises:
            InputError: the weight column is missing, or a weight is missing, negative or not finite.
        """
        if not self.weighting:
            return None
        selection, name, classes = Selection(table, rows), self.weighting.column, self.weighting.classes
        weights = np.ones(len(selection))
        if name is not None:
            if table.column(name).dtype == object:
                what = "a weight must be a number, and the column is text; name another column in data.sample_weight"
                raise InputError(f"{table.origin}: {name}: {what}")
            weights = table.get_finite_numbers(name)[selection.numbers]
            wrong = np.flatnonzero(weights < 0)
            if len(wrong):
                what = f"a weight must not be negative (got {weights[wrong[0]]:g}); correct it or remove the row"
                raise InputError(f"{selection.where(int(wrong[0]))}: {name}: {what}")
        if classes is not None and codes is not None:
            weights = weights * np.array(classes)[codes]
        return weights

    def decode_numbers(self, inputs: Array) -> tuple[tuple[str, ...], Array]:
        """Return the names of the numeric features, and their values `(rows, numeric features)` float64 in their own
        units, given encoded inputs `(rows, inputs)`."""
        names, found, start = [], [np.empty((len(inputs), 0))], 0
        for feature in self.features:
            stop = start + len(feature.input_names)
            if isinstance(feature, Numeric):
                names.append(feature.name)
                found.append(feature.decode(inputs[:, start:stop])[:, None])
            start = stop
        return tuple(names), np.concatenate(found, axis=1)

    def to_json(self) -> dict[str, Any]:
        """Return what a checkpoint stores: everything needed to encode another table."""
        return {
            "features": [feature.to_json() for feature in self.features],
            "target": target_to_json(self.target),
            "weighting": asdict(self.weighting),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Columns":
        """Return the columns that `to_json` stored.

        Raises:
            LookupError, TypeError, ValueError: `to_json` did not store this.
        """
        weighting = stored["weighting"]
        classes = weighting["classes"]
        return cls(
            tuple(feature_from_json(entry) for entry in stored["features"]),
            target_from_json(stored["target"]),
            Weighting(None if classes is None else tuple(classes), weighting["column"]),
        )


def find_complete_rows(table: Table, drops: Mapping[str, Drop]) -> tuple[Array | None, dict[str, int]]:
    """Return the rows that no column drops (None: all), and the number of rows that each drops."""
    complete, counts = np.ones(len(table), bool), {}
    for name, drop in drops.items():
        holes = drop.find_rows(table.column(name))
        if count := int(np.count_nonzero(holes)):
            counts[name] = count
            complete &= ~holes
    return (np.flatnonzero(complete) if counts else None), counts


def fit(
    table: Table,
    rows: Array,
    features: Mapping[str, tuple[Kind, Treatment]],
    target: Classes | Mapping[str, Classes | Treatment] | Inputs,
    weighting: Weighting = Weighting(),
    *,
    several: bool = False,
) -> Columns:
    """Return columns with statistics of the given rows.

    Args:
        table: all rows.
        rows: the training rows, int64.
        features: the kind and the encoding of each feature, by name.
        target: the classes; or for each target column its classes, or the encoding of a boolean or of numbers.
        weighting: weights of the rows in the loss.
        several: whether each target has a loss of its own.

    Raises:
        InputError: a column is missing, or has values that cannot be learned from.
    """
    selection = Selection(table, rows)
    fitted: Any = target
    if isinstance(target, Mapping):
        fitted = tuple(
            one if isinstance(one, Classes) else fit_target(selection, name, one) for name, one in target.items()
        )
    return Columns(
        tuple(fit_feature(selection, name, kind, one) for name, (kind, one) in features.items()),
        Several(fitted) if several else fitted,
        weighting,
    )


def fit_target(rows: Selection, name: str, treatment: Treatment) -> Value:
    """Fit a target of numbers, or a label of yes and no.

    Raises:
        InputError: a value is missing, or cannot be used.
    """
    check_present(rows, name, rows.column(name))
    fitted = fit_feature(rows, name, "boolean" if treatment.kind == "boolean" else "numeric", treatment)
    assert isinstance(fitted, Numeric | Boolean)
    return replace(fitted, fixed=None) if isinstance(fitted, Numeric) else fitted
