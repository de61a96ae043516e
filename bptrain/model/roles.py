"""Preparing: which columns of a table are what, what is made of them, and which rows train.

Everything is decided here that goes before a network: roles of columns, rows that are left out, the split, the kinds of
the features by the rows that train, what classes weigh.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array, Streams
from bptrain.columns.columns import complete_rows
from bptrain.columns.imputers import Drop
from bptrain.columns.options import FeatureChoice
from bptrain.columns.split_rows import divide
from bptrain.columns.targets import find_classes
from bptrain.config import Data, Experiment
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.spelling import closest, suggestion
from bptrain.tables.selection import Selection
from bptrain.tables.table import Table, shown


def target_names(data: Data, table: Table) -> tuple[str, ...]:
    """The columns to predict; none for an autoencoder.

    Raises:
        OptionError: none is named, or there is none of that name.
    """
    if is_autoencoder(data, table):
        return ()
    names = (data.target,) if isinstance(data.target, str) else tuple(data.target or table.target)
    if not names or data.target == {}:
        some = ", ".join(list(table.columns)[:20])
        raise OptionError(Mistake("data.target", f"is missing; name the column to predict, one of {some}"))
    if absent := [name for name in names if name not in table.columns]:
        raise OptionError(*(absent_target(data, table, name) for name in absent))
    refuse_twice(names, "data.target")
    return names


def is_autoencoder(data: Data, table: Table) -> bool:
    """Whether the inputs themselves are to be predicted, as `target: inputs` says.

    Raises:
        OptionError: there is a column of that name, or another target for an autoencoder.
    """
    if data.task == "autoencoder":
        if data.target not in (None, "inputs"):
            what = "an autoencoder predicts what it reads; write target: inputs, or take task: autoencoder out"
            raise OptionError(Mistake("data.target", what))
        return True
    if data.task != "auto" or data.target != "inputs":
        return False
    if "inputs" in table.columns:
        what = "is the word for the inputs themselves, and there is a column of that name"
        advice = "write [inputs] for the column, or task: autoencoder for the inputs"
        raise OptionError(Mistake("data.target", f"{what}; {advice}"))
    return True


def absent_target(data: Data, table: Table, name: str) -> Mistake:
    """What is said of a target that the table does not have."""
    there = ", ".join(map(repr, list(table.columns)[:20])) + (", ..." if len(table.columns) > 20 else "")
    near = closest(name, table.columns)
    advice = f"did you mean {near!r}? It has {there}" if near else f"choose from {there}"
    field = f"data.target.{name}" if isinstance(data.target, dict) else "data.target"
    return Mistake(field, f"{table.origin} has no column {name!r}; {advice}")


def refuse_unknown(table: Table, named: dict[str, Sequence[str]]) -> None:
    """Refuse columns that are not there, as mistakes in the fields that name them.

    Raises:
        OptionError: with a mistake for each.
    """
    mistakes = []
    for field, names in named.items():
        for name in names:
            try:
                table.refuse_absent(name)
            except InputError as error:
                mistakes.append(Mistake(field, str(error)))
    if mistakes:
        raise OptionError(*mistakes)


def refuse_twice(names: Sequence[str], field: str) -> None:
    """Refuse a column that is named twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise OptionError(Mistake(field, f"names the column {name!r} twice; take one out"))
        seen.add(name)


def roles(data: Data) -> dict[str, str]:
    """The columns with another use than that of a feature, each with the field that says so."""
    named = {"data.split.column": data.split.column, "data.sample_weight": data.sample_weight, "data.id": data.id}
    return {name: field for field, name in named.items() if name is not None}


def feature_names(data: Data, table: Table, targets: tuple[str, ...]) -> tuple[str, ...]:
    """The columns to predict from: those named, or all that are neither targets nor of other use, less those excluded.

    Raises:
        OptionError: a name is unknown, or is a target or a weight; or there are no features.
    """
    refuse_unknown(table, {field: (name,) for name, field in roles(data).items()})
    refuse_unknown(table, {f"data.columns.{name}": (name,) for name in data.columns or ()})
    field, names = listed(data)
    excluded: Collection[str] = ()
    if isinstance(data.features, FeatureChoice) and data.features.exclude is not None:
        field, excluded, names = "data.features.exclude", data.features.exclude, None
        refuse_unknown(table, {field: data.features.exclude})
    if names is None:
        # What the source is there to predict is no input that goes without saying.
        others = {*(targets or table.target), *roles(data), *excluded}
        names = tuple(name for name in table.columns if name not in others)
    refuse_unknown(table, {field: names})
    for name in names:
        if name in targets:
            what = f"the target {name!r} is among the features; take it out"
            raise OptionError(Mistake(field_of(data, name), what, "BP123"))
    refuse_twice(names, field)
    if not names:
        raise OptionError(Mistake("data.features", "there is nothing to predict from; name at least one column"))
    return names


def listed(data: Data) -> tuple[str, tuple[str, ...] | None]:
    """The field that lists features, and what it lists, if anything."""
    if isinstance(data.features, FeatureChoice):
        return "data.features.include", data.features.include
    return "data.features", data.features


def field_of(data: Data, name: str) -> str:
    """The field in which a feature is named, or would be."""
    field, names = listed(data)
    return "data.features" if names is None else f"{field}.{names.index(name)}"


@dataclass(frozen=True)
class Division:
    """The rows of each part, and what is to be said of how they came about."""

    parts: dict[str, Selection]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each part has."""
        return {name: len(rows) for name, rows in self.parts.items()}


def divided(experiment: Experiment, table: Table, streams: Streams) -> Division:
    """The rows that train, validate and test, those of a source of their own among them.

    Args:
        experiment: with target and task settled, and the manner of splitting.
        table: all rows, with those of the splits that have a source of their own.
        streams: draw the rows.

    Raises:
        InputError: a value that decides cannot be used; an `OptionError` where the split does not fit the data.
    """
    data = experiment.data
    targets = data.targets
    names = dropping(data, table, targets)
    notes: list[str] = []
    rows = kept(table, names, notes)
    codes = None
    if data.class_targets and (data.task == "classification" or data.split.method == "stratified"):
        target = data.class_targets[0]
        codes = find_classes(rows, target).codes(rows)
        if data.split.method == "stratified":
            refuse_lonely(experiment, rows, target, codes)
    try:
        parts = divide(data.split, rows, codes, streams.split)
    except OptionError as error:
        raise error.under("data.split") from None
    selections = {name: Selection(table, part) for name, part in parts.items()}
    for name in data.split.sources:
        other = table.splits[name]
        absent = [one for one in names if one not in other.columns]
        if absent:
            raise InputError(f"{other.origin} has no column {absent[0]!r}; {suggestion(absent[0], other.columns)}")
        selections[name] = kept(other, names, notes)
    return Division({name: part for name, part in selections.items() if len(part)}, tuple(notes))


def dropping(data: Data, table: Table, targets: tuple[str, ...]) -> list[str]:
    """The columns whose missing values cost the row."""
    features = [name for name in feature_names(data, table, targets) if isinstance(data.treatment(name).missing, Drop)]
    return features + [name for name in targets if isinstance(data.target_treatment(name).missing, Drop)]


def kept(table: Table, names: Sequence[str], notes: list[str]) -> Selection:
    """The rows of a table in which nothing is missing that must not be; what is left out is noted.

    Raises:
        InputError: nothing is left.
    """
    rows, counts = complete_rows(table, names)
    if rows is None:
        return Selection(table, np.arange(len(table)))
    notes.append(dropped(table, rows, counts))
    if not len(rows):
        raise InputError(f"{table.origin}: no row is complete; {notes[-1]}")
    return Selection(table, rows)


def dropped(table: Table, rows: Array, counts: dict[str, int]) -> str:
    """What is said of rows that are left out."""
    where = ", ".join(f"{shown(name)} in {count:,}" for name, count in counts.items())
    return f"{table.origin}: {len(table) - len(rows):,} of {len(table):,} rows dropped for a missing value ({where})"


def refuse_lonely(experiment: Experiment, rows: Selection, target: str, codes: Array) -> None:
    """Refuse a class of one row where the split is stratified.

    Raises:
        OptionError: rows are held out, and there is one.
    """
    counts = np.bincount(codes)
    if not any(experiment.data.split.shares) or counts.min() > 1:
        return
    row = int(np.flatnonzero(counts[codes] == 1)[0])
    label = rows.column(target)[row]
    text = shown(label) if isinstance(label, str) else f"{label:g}"
    what = f"the class {text} has a single row ({rows.where(row)}), which cannot be in every part"
    raise OptionError(Mistake("data.split.method", f"{what}; leave the row out, or use method: random", "BP128"))
