"""Columns: how a table becomes the numbers that a network reads, fitted once and stored with the network.

All statistics come from the training rows. What is fitted here is applied by name to any later table, so that other
orders of columns, and columns more, do no harm.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import Boolean, Feature, Numeric, feature_from_json
from bptrain.columns.fit import fit_feature
from bptrain.columns.imputers import Drop
from bptrain.columns.options import Kind, Treatment
from bptrain.columns.target_columns import (
    Inputs,
    Several,
    Target,
    Value,
    encode_target,
    target_from_json,
    target_to_json,
)
from bptrain.columns.targets import Classes
from bptrain.errors import InputError
from bptrain.tables.table import Selection, Table
from bptrain.tables.values import missing
from bptrain.text import find_closest


@dataclass(frozen=True)
class Weighting:
    """What rows weigh in the loss: `classes` has a weight for each class, `column` names the one that has a weight for
    each row; the product where there are both."""

    classes: tuple[float, ...] | None = None
    column: str | None = None

    def __bool__(self) -> bool:
        return self.classes is not None or self.column is not None

    def weights(self, rows: Selection, codes: Array | None) -> Array | None:
        """Return the weight of each row `(rows,)` float64; None: all weigh the same.

        Raises:
            InputError: a weight is missing, negative or not finite.
        """
        if not self:
            return None
        weights = np.ones(len(rows))
        if self.column is not None:
            if rows.table.column(self.column).dtype == object:
                what = "it is text, and what a row weighs is a number; name another column with data.sample_weight"
                raise InputError(f"{rows.table.origin}: {self.column}: {what}")
            weights = rows.table.numbers(self.column)[rows.numbers]
            wrong = np.flatnonzero(weights < 0)
            if len(wrong):
                row = int(wrong[0])
                what = f"a weight must not be negative (got {weights[row]:g})"
                raise InputError(f"{rows.where(row)}: {self.column}: {what}; correct it or remove the row")
        if self.classes is not None and codes is not None:
            weights = weights * np.array(self.classes)[codes]
        return weights


@dataclass(frozen=True)
class Columns:
    """The fitted preprocessing: features in the order in which the network reads them, the target, and the
    weighting."""

    features: tuple[Feature, ...]
    target: Target
    weighting: Weighting = Weighting()

    @property
    def classes(self) -> int | None:
        """The number of classes, None where the target is anything else."""
        return len(self.target.labels) if isinstance(self.target, Classes) else None

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """A name for each input of the network, such as `age`, `age missing` or `city=Paris`."""
        return tuple(name for feature in self.features for name in feature.outputs)

    @property
    def singles(self) -> tuple[Classes | Value, ...]:
        """The target columns one by one; none for an autoencoder."""
        if isinstance(self.target, Several):
            return self.target.targets
        if isinstance(self.target, Inputs):
            return ()
        return (self.target,) if isinstance(self.target, Classes) else self.target

    @property
    def targets_of(self) -> tuple[str, ...]:
        """The names of the target columns."""
        return tuple(one.name for one in self.singles)

    @property
    def text(self) -> tuple[str, ...]:
        """The columns that are to be read as text, also where a file has nothing but numbers in them."""
        features = [one.name for one in self.features if not isinstance(one, Numeric)]
        targets = [
            one.name
            for one in self.singles
            if isinstance(one, Boolean) or (isinstance(one, Classes) and isinstance(one.labels[0], str))
        ]
        return (*features, *targets)

    def require_columns(self, table: Table, *, target: bool = True) -> None:
        """Refuse a table that lacks columns, all of them in one message.

        Args:
            table: any.
            target: whether it must have what is predicted, and the weights, too.

        Raises:
            InputError: columns are missing.
        """
        needed = [feature.name for feature in self.features]
        if target:
            needed += [*self.targets_of, *filter(None, [self.weighting.column])]
        absent = [name for name in needed if name not in table.columns]
        if not absent:
            return
        others = [name for name in table.columns if name not in needed]
        near = {name: find_closest(name, others) for name in absent}
        some = ", ".join(
            f"{name!r} (did you mean {near[name]!r}?)" if near[name] else repr(name) for name in absent[:20]
        )
        more = f" and {len(absent) - 20:,} more" if len(absent) > 20 else ""
        there = f"; it has {', '.join(map(repr, list(table.columns)[:20]))}" if not all(near.values()) else ""
        plural = "s" if len(absent) > 1 else ""
        raise InputError(f"{table.origin} has no column{plural} {some}{more}{there}")

    def ignored(self, table: Table) -> list[str]:
        """Return the columns of a table that are of no use here."""
        used = {*(feature.name for feature in self.features), *self.targets_of, self.weighting.column}
        return [name for name in table.columns if name not in used]

    def complete(self, table: Table, *, target: bool = True) -> tuple[Array | None, dict[str, int]]:
        """Return the rows that are not left out for a missing value (None: all), and how many are missing by column."""
        named = [*self.features, *(self.singles if target else ())]
        return find_complete_rows(table, [one.name for one in named if isinstance(one.missing, Drop)])

    def inputs(
        self,
        table: Table,
        rows: Array | None = None,
        *,
        dtype: Any = np.float64,
        unseen: Counter[str] | None = None,
    ) -> Array:
        """Return the features of a table as the network reads them, `(rows, inputs)`.

        Args:
            table: with the columns by name.
            rows: their numbers; None: all.
            dtype: of the result; what is computed is computed in float64.
            unseen: counts the ignored values by column.

        Raises:
            InputError: a column is missing, or has values that cannot be used.
        """
        self.require_columns(table, target=False)
        selection, counted = Selection(table, rows), Counter[str]() if unseen is None else unseen
        out = np.empty((len(selection), len(self.outputs)), dtype)
        start = 0
        for feature in self.features:
            stop = start + len(feature.outputs)
            feature.encode(selection, out[:, start:stop], counted)
            start = stop
        return out

    def targets(self, table: Table, rows: Array | None = None) -> Array:
        """Return the target of a table: class numbers `(rows,)` int64, or scaled numbers `(rows, columns)` float64,
        with class numbers among them where there are several kinds; the inputs for an autoencoder.

        Raises:
            InputError: a column is missing, or has values that training did not know.
        """
        if isinstance(self.target, Inputs):
            return self.inputs(table, rows)
        selection = Selection(table, rows)
        if isinstance(self.target, Classes):
            return self.target.codes(selection)
        return np.stack([encode_target(one, selection) for one in self.singles], axis=1)

    def weights(self, table: Table, rows: Array | None = None, codes: Array | None = None) -> Array | None:
        """Return what each row weighs in the loss, `(rows,)` float64; None: all the same. `codes` are the class
        numbers.

        Raises:
            InputError: the column of weights is missing, or has values that are none.
        """
        return self.weighting.weights(Selection(table, rows), codes)

    def unscale_inputs(self, values: Array) -> Array:
        """Inputs as the network reads them `(rows, inputs)` with numbers in their own units, float64."""
        found, start = values.astype(np.float64), 0
        for feature in self.features:
            if isinstance(feature, Numeric):
                found[:, start] = feature.unscaled(found[:, start])
            start += len(feature.outputs)
        return found

    def to_json(self) -> dict[str, Any]:
        """Return what a checkpoint stores: all that is needed to read another table."""
        return {
            "features": [feature.to_json() for feature in self.features],
            "target": target_to_json(self.target),
            "weighting": asdict(self.weighting),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Columns":
        """Return the inverse of `to_json`.

        Raises:
            LookupError, TypeError, ValueError: it is not what `to_json` writes.
        """
        weighting = stored["weighting"]
        classes = weighting["classes"]
        return cls(
            tuple(feature_from_json(entry) for entry in stored["features"]),
            target_from_json(stored["target"]),
            Weighting(None if classes is None else tuple(classes), weighting["column"]),
        )


def find_complete_rows(table: Table, names: Iterable[str]) -> tuple[Array | None, dict[str, int]]:
    """Return the rows in which none of the named columns is missing (None: all of them), and how many are, by
    column."""
    keep, counts = np.ones(len(table), bool), {}
    for name in names:
        holes = missing(table.column(name))
        if count := int(np.count_nonzero(holes)):
            counts[name] = count
            keep &= ~holes
    return (np.flatnonzero(keep) if counts else None), counts


def fit(
    table: Table,
    rows: Array,
    features: Mapping[str, tuple[Kind, Treatment]],
    target: Classes | Mapping[str, Classes | Treatment] | Inputs,
    weighting: Weighting = Weighting(),
    *,
    several: bool = False,
) -> Columns:
    """Columns with statistics of the given rows.

    Args:
        table: all rows.
        rows: those that train, int64.
        features: the inputs by name, each with its kind and what is made of it.
        target: the classes; or by the name of each column its classes, or what is made of it: a boolean, or numbers.
        weighting: of the rows in the loss.
        several: whether the targets are each by itself.

    Raises:
        InputError: a column is missing, or has values that cannot be learned from.
    """
    selection = Selection(table, rows)
    fitted: Any = target
    if isinstance(target, Mapping):
        fitted = tuple(
            one
            if isinstance(one, Classes)
            else fit_feature(selection, name, "boolean" if one.kind == "boolean" else "numeric", one)
            for name, one in target.items()
        )
    return Columns(
        tuple(fit_feature(selection, name, kind, one) for name, (kind, one) in features.items()),
        Several(fitted) if several else fitted,
        weighting,
    )
