"""Features: a column of a table encoded as numbers, fitted on the training rows and then frozen.

Each kind is a frozen dataclass that holds what was fitted on the training rows, as JSON can store it. It is applied by
name to any later table.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.column_errors import (
    build_missing_error,
    build_scale_error,
    build_text_error,
    build_unseen_error,
    format_value,
)
from bptrain.columns.encodings import ENCODINGS, Edges, Encoding, Plain
from bptrain.columns.imputers import IMPUTERS, Drop, Imputer
from bptrain.columns.options import Kind
from bptrain.columns.scalers import SCALERS, Scaler, Standard, Statistics
from bptrain.errors import InputError
from bptrain.registry import Family, name_of
from bptrain.tables.table import Selection
from bptrain.tables.values import MISSING, PAIRS, UNSEEN, encode_labels, find_non_number, fold_case, parse_numbers

COMPONENTS = {"missing": IMPUTERS, "scaler": SCALERS, "encoding": ENCODINGS}
"""The fields of features that hold a component, and its family."""

LARGEST_SCALED = 1e37
"""The largest scaled value that is accepted: a tenth of the largest float32."""


@dataclass(frozen=True)
class Feature:
    """What all kinds share: the name of the column, its imputer, and whether an indicator (an input of 0 and 1) marks
    its missing values. `holes` counts those of the training rows."""

    name: str
    missing: Imputer
    indicator: bool
    holes: int

    kind: ClassVar[Kind]

    @property
    def input_names(self) -> tuple[str, ...]:
        """A name for each network input that the column becomes."""
        return (*self.value_names, *((f"{self.name} missing",) if self.indicator else ()))

    @property
    def value_names(self) -> tuple[str, ...]:
        """The names, leaving out that of the indicator."""
        return (self.name,)

    @property
    def words(self) -> str:
        """The encoding in words: `numeric, standard; missing values (148 in training) become 28.7 (median)`."""
        text, value = self.value_words, getattr(self, "value", None)
        if value is not None and self.holes:
            shown = f"{value:.4g}" if isinstance(value, float) else value
            text += f"; missing values ({self.holes:,} in training) become {shown} ({name_of(self.missing)})"
        elif self.missing.fills:
            text += f"; no missing values in training (otherwise {name_of(self.missing)})"
        elif isinstance(self.missing, Drop):
            text += "; rows with a missing value are dropped"
        return text + (", with an indicator" if self.indicator else "")

    @property
    def value_words(self) -> str:
        """The encoding in words, leaving out missing values."""
        return self.kind

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        """Fill `out`, `(rows, len(input_names))`; count ignored values by column in `unseen`.

        Raises:
            InputError: a value is missing without an imputer, unseen in training, or not a number.
        """
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return the feature as JSON can store it; `feature_from_json` is the inverse."""
        # `asdict` would copy each value of thousands of columns at every checkpoint.
        options = {name: getattr(self, name) for name in self.__dataclass_fields__}
        components = {name: component_to_json(options[name]) for name in COMPONENTS if name in options}
        return {"kind": self.kind, **options, **components}


@dataclass(frozen=True)
class Numeric(Feature):
    """A column of numbers, scaled and encoded as one or more inputs: `value` replaces missing values, and `fixed` all
    values if it is the only number in the training rows, since there is nothing to learn about others."""

    scaler: Scaler = Standard()
    statistics: Statistics = ()
    value: float | None = None
    encoding: Encoding = Plain()
    edges: Edges = ()
    fixed: float | None = None

    kind: ClassVar[Kind] = "numeric"

    @property
    def value_words(self) -> str:
        scaling = name_of(self.scaler)
        text = f"numeric, {'unscaled' if scaling == 'none' else scaling}"
        if self.fixed is not None:
            text += f", {self.fixed:g} in every training row and so without influence"
        if isinstance(self.encoding, Plain):
            return text
        text += f", {name_of(self.encoding)}"
        if not self.edges:
            return text
        edges = [f"{edge:.4g}" for edge in self.unscale(np.array(self.edges)).tolist()]
        some = ", ".join(edges if len(edges) <= 10 else [*edges[:9], "...", edges[-1]])
        return f"{text} in {len(edges) - 1} bin{'s' * (len(edges) > 2)} with the edges {some}"

    @property
    def value_names(self) -> tuple[str, ...]:
        return self.encoding.label(self.name, self.edges)

    def fill(self, rows: Selection) -> tuple[Array, Array]:
        """Return the column in its own units with missing values replaced, and where these were.

        Raises:
            InputError: a value is not a finite number.
        """
        values = read_numbers(rows, self.name)
        holes = np.isnan(values)
        if holes.any():
            if self.value is None:
                raise build_missing_error(rows, self.name, holes, self.kind)
            values[holes] = self.value
        if self.fixed is not None:
            values[:] = self.fixed
        return values, holes

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values, holes = self.fill(rows)
        with np.errstate(all="ignore"):
            scaled = self.scaler.apply(values, self.statistics)
            self.check_size(rows, values, scaled)
            inputs = self.encoding.apply(scaled, self.edges)
        if not self.encoding.keeps_scale:
            self.check_size(rows, values, inputs)
        out[:, : inputs.shape[1]] = inputs
        if self.indicator:
            out[:, -1] = holes

    def check_size(self, rows: Selection, values: Array, result: Array) -> None:
        """Check that numbers are not too large once they are scaled or encoded; the first axis of both is the rows.

        Raises:
            InputError: a result is too large to train with, or the scaler is not defined for a number.
        """
        # NaN fails both comparisons.
        if len(result) and not (result.min() >= -LARGEST_SCALED and result.max() <= LARGEST_SCALED):
            sizes = np.abs(result).reshape(len(result), -1)
            row = int(np.flatnonzero(~(sizes <= LARGEST_SCALED).all(axis=1))[0])
            raise build_scale_error(rows, self.name, self.scaler, values, row)

    def unscale(self, values: Array) -> Array:
        """Return scaled numbers in their own units."""
        return self.scaler.invert(values, self.statistics)

    def decode(self, inputs: Array) -> Array:
        """Return the numbers `(rows,)` in their own units, float64, given their inputs `(rows, len(input_names))`."""
        own = inputs[:, : len(self.value_names)].astype(np.float64)
        return self.unscale(self.encoding.invert(own, self.edges))


@dataclass(frozen=True)
class Boolean(Feature):
    """Yes and no as 1 and 0; `pair` holds the words for no and yes in lower case, `value` replaces missing values."""

    pair: tuple[str, str] = PAIRS[0]
    value: str | None = None

    kind: ClassVar[Kind] = "boolean"

    @property
    def value_words(self) -> str:
        return f"boolean, {self.pair[1]} is 1"

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values = rows.column(self.name)
        codes = encode_words(values, self.pair)
        holes = codes == MISSING
        if holes.any():
            if self.value is None:
                raise build_missing_error(rows, self.name, holes, self.kind)
            codes[holes] = self.pair.index(self.value)
        strange = np.flatnonzero(codes == UNSEEN)
        if len(strange):
            row = int(strange[0])
            what = f"expected {self.pair[0]} or {self.pair[1]} (got {format_value(values[row])})"
            advice = f"correct it, or write under data: columns: {{{self.name}: {{kind: categorical, unseen: ignore}}}}"
            raise InputError(f"{rows.where(row)}: {self.name}: {what}; {advice}")
        out[:, 0] = codes
        if self.indicator:
            out[:, 1] = holes


@dataclass(frozen=True)
class Categorical(Feature):
    """One input of 0 and 1 for each of the sorted `categories`: `value` replaces missing values, and `other` all values
    that are no category, which `others` training rows have.

    Without `other`, a value unseen in training is an error, or 0 in all inputs.
    """

    categories: tuple[str, ...] = ()
    ignores_unseen: bool = False
    value: str | None = None
    other: str | None = None
    others: int = 0

    kind: ClassVar[Kind] = "categorical"

    @property
    def value_words(self) -> str:
        some = ", ".join(self.categories[:10]) + (", ..." if len(self.categories) > 10 else "")
        unseen = "are ignored" if self.ignores_unseen else "are an error"
        unseen = unseen if self.other is None else f"become {self.other}"
        rows = f" ({self.others:,} training row{'s' * (self.others != 1)})" if self.others else ""
        return f"categorical, {len(self.categories)} inputs ({some}), other values{rows} {unseen}"

    @property
    def value_names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values = rows.column(self.name)
        codes = encode_labels(values, self.categories)
        holes = codes == MISSING
        if holes.any():
            if not self.missing.fills:
                raise build_missing_error(rows, self.name, holes, self.kind)
            # Without a `value`, no training row had a missing one: it is a category without weights of its own.
            codes[holes] = UNSEEN if self.value is None else self.categories.index(self.value)
        strange = np.flatnonzero(codes == UNSEEN)
        if self.other is not None:
            codes[strange] = self.categories.index(self.other)
        elif len(strange):
            if not self.ignores_unseen:
                raise build_unseen_error(rows, self.name, values, strange, self.categories)
            unseen[self.name] += len(strange)
        out[...] = 0
        known = np.flatnonzero(codes >= 0)
        out[known, codes[known]] = 1
        if self.indicator:
            out[:, -1] = holes


KINDS: dict[str, Any] = {cls.kind: cls for cls in (Numeric, Boolean, Categorical)}


def encode_words(values: Array, pair: tuple[str, str]) -> Array:
    """Return the code of each value, its index in a pair of words, ignoring case; `UNSEEN` and `MISSING` as in
    `encode_labels`."""
    if values.dtype != object:
        return encode_labels(values, pair)
    known: dict[str | None, int] = {None: MISSING}
    for text in set(values.tolist()) - {None}:
        known[text] = pair.index(fold_case(text)) if fold_case(text) in pair else UNSEEN
    return np.fromiter(map(known.__getitem__, values.tolist()), np.int64, len(values))


def read_numbers(rows: Selection, name: str) -> Array:
    """Return a copy of a column as float64, NaN where a value is missing; text is converted if it is a number.

    Raises:
        InputError: there is other text, or an infinite value; the message names the first such row.
    """
    values = rows.column(name)
    if values.dtype == object:
        if find_non_number(values, rows.decimal) is not None:
            raise build_text_error(rows, name, values)
        values = parse_numbers(values, rows.decimal)
    elif rows.rows is None:
        values = values.copy()
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        more = f", one of {len(infinite):,} such rows" if len(infinite) > 1 else ""
        where = rows.where(int(infinite[0]))
        raise InputError(f"{where}: {name}: an infinite value{more}; correct it or remove the row")
    return values


def component_to_json(component: object) -> dict[str, Any]:
    """Return a component by its name and options."""
    return {name_of(component): asdict(component)}  # type: ignore[call-overload]


def component_from_json(stored: Mapping[str, Any], family: Family) -> Any:
    """Return the component that `component_to_json` stored."""
    ((name, options),) = stored.items()
    return family.members[name](**{key: tuple(one) if isinstance(one, list) else one for key, one in options.items()})


def feature_from_json(stored: Mapping[str, Any]) -> Any:
    """Return the feature that `to_json` stored.

    Raises:
        LookupError, TypeError, ValueError: `to_json` did not store this.
    """
    values = dict(stored)
    cls = KINDS[values.pop("kind")]
    for field, family in COMPONENTS.items():
        if field in values:
            values[field] = component_from_json(values[field], family)
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
