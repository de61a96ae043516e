"""Splits: which rows of a table train, validate and test, and which are dropped before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import find_complete_rows
from bptrain.columns.imputers import Drop
from bptrain.columns.split import Split, split_rows
from bptrain.columns.targets import Classes, find_classes
from bptrain.config import Data
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.roles import Roles
from bptrain.tables.table import Selection, Table, quote
from bptrain.text import suggest_word

DrawSplits = Callable[[Split, Selection, Array | None, np.random.Generator], dict[str, Array]]


@dataclass(frozen=True)
class Splits:
    """The rows of each split, empty ones left out.

    `notes` say how many rows were dropped, and why. `classes` are those of the target where each has a row that trains.
    """

    rows: dict[str, Selection]
    notes: tuple[str, ...]
    classes: Classes | None = None

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each split has."""
        return {name: len(rows) for name, rows in self.rows.items()}


def split_table(
    data: Data, roles: Roles, table: Table, rng: np.random.Generator, draw_splits: DrawSplits = split_rows
) -> Splits:
    """Draw the rows of each split, those of a source of their own among them.

    Args:
        data: with target, task and method resolved.
        roles: of the columns.
        table: all rows, with those of the splits that have a source of their own.
        rng: draws.
        draw_splits: takes the options of the split, the rows, their class numbers and `rng`.

    Raises:
        InputError: a value that decides cannot be used; an `OptionError` where the split does not fit the data.
    """
    names = dropping_columns(data, roles)
    notes: list[str] = []
    rows = drop_rows(table, names, notes)
    classes, codes = None, None
    stratified = data.split.method == "stratified"
    if data.class_targets and (stratified or data.task == "classification"):
        classes = find_classes(rows, data.class_targets[0])
        codes = encode_classes(classes, rows)
        if stratified and any(data.split.shares):
            check_single_rows(rows, classes, codes)
    try:
        drawn = draw_splits(data.split, rows, codes, rng)
    except OptionError as error:
        raise error.under("data.split") from None
    splits = {name: Selection(table, numbers) for name, numbers in drawn.items()}
    for name in data.split.sources:
        other = table.splits[name]
        absent = [one for one in names if one not in other.columns]
        if absent:
            raise InputError(f"{other.origin} has no column {absent[0]!r}; {suggest_word(absent[0], other.columns)}")
        splits[name] = drop_rows(other, names, notes)
    found = {name: rows for name, rows in splits.items() if len(rows)}
    return Splits(found, tuple(notes), classes if stratified else None)


def dropping_columns(data: Data, roles: Roles) -> list[str]:
    """Return the columns whose missing values cost the row."""
    features = [name for name in roles.features if isinstance(data.treatment(name).missing, Drop)]
    return features + [name for name in roles.targets if isinstance(data.target_treatment(name).missing, Drop)]


def drop_rows(table: Table, names: Sequence[str], notes: list[str]) -> Selection:
    """Return the rows of a table in which nothing is missing that must not be; what is dropped is noted.

    Raises:
        InputError: nothing is left.
    """
    rows, counts = find_complete_rows(table, names)
    if rows is None:
        return Selection(table)
    notes.append(describe_dropped(table, rows, counts))
    if not len(rows):
        raise InputError(f"{table.origin}: no row is complete; {notes[-1]}")
    return Selection(table, rows)


def describe_dropped(table: Table, rows: Array, counts: dict[str, int]) -> str:
    """Describe how many rows are dropped: all of the table but those given, for as many missing values by column."""
    where = ", ".join(f"{quote(name)} in {count:,}" for name, count in counts.items())
    return f"{table.origin}: {len(table) - len(rows):,} of {len(table):,} rows dropped for a missing value ({where})"


def encode_classes(classes: Classes, rows: Selection) -> Array:
    """Return the class number of each row `(rows,)`, in the narrowest type that holds them all.

    Raises:
        InputError: a label is missing, or not among the classes.
    """
    codes, start = np.empty(len(rows), np.min_scalar_type(len(classes.labels))), 0
    for _, chunk in rows.chunks():
        codes[start : start + len(chunk)] = classes.encode(chunk)
        start += len(chunk)
    return codes


def check_single_rows(rows: Selection, classes: Classes, codes: Array) -> None:
    """Refuse a class of one row, which cannot be in every split.

    Raises:
        OptionError: there is one.
    """
    counts = np.bincount(codes)
    if counts.min() > 1:
        return
    row = int(np.flatnonzero(counts[codes] == 1)[0])
    label = classes.labels[codes[row]]
    text = quote(label) if isinstance(label, str) else f"{label:g}"
    what = f"the class {text} has a single row ({rows.where(row)}), which cannot be in every part"
    raise OptionError(Mistake("data.split.method", f"{what}; leave the row out, or use method: random", "BP128"))
