"""Features: a column of a table as the numbers that a network reads, fitted on the training rows and then frozen.

Each kind is a frozen dataclass with what was found on the training rows, which JSON can hold. It is applied by name to
any later table.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.complaints import no_policy, out_of_scale, show_value, text_among_numbers
from bptrain.columns.imputers import IMPUTERS, Drop, Imputer
from bptrain.columns.kinds import PAIRS, fold
from bptrain.columns.options import Kind
from bptrain.columns.scalers import SCALERS, Scaler, Standard, Statistics
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.tables.table import Selection, quote
from bptrain.tables.values import MISSING, UNSEEN, as_numbers, codes, first_no_number

LARGEST = 1e37
"""The largest scaled value that is let through: a tenth of what float32 holds."""


@dataclass(frozen=True)
class Feature:
    """What all kinds share: the name of the column, what becomes of its missing values, and whether a further column of
    0 and 1 says where they were. `holes` counts those of the training rows."""

    name: str
    missing: Imputer
    indicator: bool
    holes: int

    kind: ClassVar[Kind]

    @property
    def outputs(self) -> tuple[str, ...]:
        """A name for each of the network's inputs that it becomes."""
        return (*self.own_outputs, *((f"{self.name} missing",) if self.indicator else ()))

    @property
    def own_outputs(self) -> tuple[str, ...]:
        """The same without the indicator."""
        return (self.name,)

    @property
    def words(self) -> str:
        """What is made of the column: `numeric, standard; missing ones (148 in training) become 28.7 (median)`."""
        text, value = self.own_words, getattr(self, "value", None)
        if value is not None and self.holes:
            called = f"{value:.4g}" if isinstance(value, float) else value
            text += f"; missing ones ({self.holes:,} in training) become {called} ({name_of(self.missing)})"
        elif self.missing.fills:
            text += f"; none missing in training (else {name_of(self.missing)})"
        elif isinstance(self.missing, Drop):
            text += "; rows without it are dropped"
        return text + (", and a column says where" if self.indicator else "")

    @property
    def own_words(self) -> str:
        """The same without what becomes of missing values."""
        return self.kind

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        """Fill `out`, `(rows, len(outputs))`; count in `unseen`, by column, the values that are ignored.

        Raises:
            InputError: a value is missing, unseen in training or no number, and may not be.
        """
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """As JSON can hold it; `feature_from_json` is the inverse."""
        # Of thousands of columns, `asdict` would copy each value anew at every checkpoint.
        options = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {"kind": self.kind, **options, "missing": component_to_json(self.missing)}


@dataclass(frozen=True)
class Numeric(Feature):
    """A column of numbers, scaled; `value` stands for a missing one."""

    scaler: Scaler = Standard()
    statistics: Statistics = ()
    value: float | None = None

    kind: ClassVar[Kind] = "numeric"

    @property
    def own_words(self) -> str:
        scaling = name_of(self.scaler)
        return f"numeric, {'unscaled' if scaling == 'none' else scaling}"

    def numbers(self, rows: Selection) -> tuple[Array, Array]:
        """Return the column in its own units with missing values filled in, and where these were.

        Raises:
            InputError: something is no finite number.
        """
        values = read_numbers(rows, self.name)
        holes = np.isnan(values)
        if holes.any():
            if self.value is None:
                raise no_policy(rows, self.name, holes)
            values[holes] = self.value
        return values, holes

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values, holes = self.numbers(rows)
        out[:, 0] = self.scaled(rows, values)
        if self.indicator:
            out[:, 1] = holes

    def scaled(self, rows: Selection, values: Array) -> Array:
        """Scale the numbers.

        Raises:
            InputError: one is beyond what a network works on, or what the scaler takes.
        """
        with np.errstate(all="ignore"):
            result = self.scaler.apply(values, self.statistics)
        # What is no number is neither above the one nor below the other.
        if len(result) and not (result.min() >= -LARGEST and result.max() <= LARGEST):
            far = int(np.flatnonzero(~(np.abs(result) <= LARGEST))[0])
            raise out_of_scale(rows, self.name, self.scaler, values, far)
        return result

    def unscaled(self, values: Array) -> Array:
        """Scaled numbers in their own units."""
        return self.scaler.invert(values, self.statistics)

    def to_json(self) -> dict[str, Any]:
        return super().to_json() | {"scaler": component_to_json(self.scaler)}


@dataclass(frozen=True)
class Boolean(Feature):
    """Yes or no as 1 and 0; `pair` has the words for no and yes in small letters, `value` the one for a missing one."""

    pair: tuple[str, str] = PAIRS[0]
    value: str | None = None

    kind: ClassVar[Kind] = "boolean"

    @property
    def own_words(self) -> str:
        return f"boolean, {self.pair[1]} is 1"

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values = rows.column(self.name)
        places = find_words(values, self.pair)
        holes = places == MISSING
        if holes.any():
            if self.value is None:
                raise no_policy(rows, self.name, holes)
            places[holes] = self.pair.index(self.value)
        strange = np.flatnonzero(places == UNSEEN)
        if len(strange):
            row = int(strange[0])
            what = f"expected {self.pair[0]} or {self.pair[1]} (got {show_value(values[row])})"
            raise InputError(f"{rows.where(row)}: {self.name}: {what}; correct it, or declare the column categorical")
        out[:, 0] = places
        if self.indicator:
            out[:, 1] = holes


@dataclass(frozen=True)
class Categorical(Feature):
    """A value out of several as a column of 0 and 1 for each, in the order of `categories`, which is sorted; `value` is
    the category of a missing one. A value unseen in training is an error, or 0 in all columns."""

    categories: tuple[str, ...] = ()
    ignores_unseen: bool = False
    value: str | None = None

    kind: ClassVar[Kind] = "categorical"

    @property
    def own_words(self) -> str:
        some = ", ".join(self.categories[:10]) + (", ..." if len(self.categories) > 10 else "")
        unseen = "ignored" if self.ignores_unseen else "an error"
        return f"categorical, {len(self.categories)} columns ({some}), others are {unseen}"

    @property
    def own_outputs(self) -> tuple[str, ...]:
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, rows: Selection, out: Array, unseen: Counter[str]) -> None:
        values = rows.column(self.name)
        places = codes(values, self.categories)
        holes = places == MISSING
        if holes.any():
            if not self.missing.fills:
                raise no_policy(rows, self.name, holes)
            # What stands for a missing value is a category that no training row had.
            places[holes] = UNSEEN if self.value is None else self.categories.index(self.value)
        strange = np.flatnonzero(places == UNSEEN)
        if len(strange):
            if not self.ignores_unseen:
                row = int(strange[0])
                some = ", ".join(map(quote, self.categories[:10])) + (", ..." if len(self.categories) > 10 else "")
                more = f", one of {len(strange):,} such rows" if len(strange) > 1 else ""
                what = f"a value unseen in training{more} (got {show_value(values[row])}, known are {some})"
                advice = "correct it, or train with unseen: ignore"
                raise InputError(f"{rows.where(row)}: {self.name}: {what}; {advice}")
            unseen[self.name] += len(strange)
        out[...] = 0
        known = np.flatnonzero(places >= 0)
        out[known, places[known]] = 1
        if self.indicator:
            out[:, -1] = holes


KINDS: dict[str, Any] = {cls.kind: cls for cls in (Numeric, Boolean, Categorical)}


def find_words(values: Array, pair: tuple[str, str]) -> Array:
    """Return the place of each value in a pair of words, without regard to capitals."""
    if values.dtype != object:
        return codes(values, pair)
    known: dict[str | None, int] = {None: MISSING}
    for text in set(values.tolist()) - {None}:
        known[text] = pair.index(fold(text)) if fold(text) in pair else UNSEEN
    return np.fromiter(map(known.__getitem__, values.tolist()), np.int64, len(values))


def read_numbers(rows: Selection, name: str) -> Array:
    """Return a column as fresh float64, NaN where a value is missing; text is read if it is a number.

    Raises:
        InputError: there is other text, or an infinite value; the message names the first such row.
    """
    values = rows.column(name)
    if values.dtype == object:
        if first_no_number(values, rows.decimal) is not None:
            raise text_among_numbers(rows, name, values)
        values = as_numbers(values, rows.decimal)
    elif rows.rows is None:
        values = values.copy()
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        others = f", one of {len(infinite):,} such rows" if len(infinite) > 1 else ""
        where = rows.where(int(infinite[0]))
        raise InputError(f"{where}: {name}: an infinite value{others}; correct it or remove the row")
    return values


def component_to_json(component: object) -> dict[str, Any]:
    """Return a component by its name and options."""
    return {name_of(component): asdict(component)}  # type: ignore[call-overload]


def component_from_json(members: Mapping[str, type], stored: Mapping[str, Any]) -> Any:
    """Return the inverse of `component_to_json`."""
    ((name, options),) = stored.items()
    return members[name](**options)


def feature_from_json(stored: Mapping[str, Any]) -> Any:
    """Read a feature back.

    Raises:
        LookupError, TypeError, ValueError: it is not what `to_json` writes.
    """
    values = dict(stored)
    cls = KINDS[values.pop("kind")]
    values["missing"] = component_from_json(IMPUTERS.members, values["missing"])
    if "scaler" in values:
        values["scaler"] = component_from_json(SCALERS.members, values["scaler"])
    return cls(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
