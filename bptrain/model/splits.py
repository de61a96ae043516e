"""Splits: which rows of a table are for training, validation and test, and which are dropped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import find_complete_rows
from bptrain.columns.imputers import Drop
from bptrain.columns.splits.split import Split, split_rows
from bptrain.columns.targets import Classes, find_classes
from bptrain.config import Data
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.model.roles import Roles
from bptrain.tables.table import Selection, Table, quote
from bptrain.text import suggest_word

DrawSplits = Callable[[Split, Selection, Array | None, np.random.Generator, str | None], dict[str, Array]]
"""Draws the numbers of the rows of each split."""


@dataclass(frozen=True)
class Splits:
    """The rows of each split that has any.

    `notes` say how many rows were dropped, and why. `classes` are the classes of a stratified split, which all have
    training rows; otherwise None.
    """

    rows: dict[str, Selection]
    notes: tuple[str, ...]
    classes: Classes | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The number of rows of each split."""
        return {name: len(rows) for name, rows in self.rows.items()}


def split_table(
    data: Data, roles: Roles, table: Table, rng: np.random.Generator, draw_splits: DrawSplits = split_rows
) -> Splits:
    """Draw the rows of each split, or take all rows of its own source.

    Args:
        data: with target, task and method resolved.
        roles: the roles of the columns.
        table: all rows, with the tables of the splits that have a source of their own.
        rng: draws the rows.
        draw_splits: takes the options of the split, the rows, their class numbers, `rng`, and the form of the dates
            that decide the split, if it is given.

    Raises:
        InputError: a value that decides the split cannot be used; an `OptionError` if the split does not fit the data.
    """
    drops = find_drops(data, roles)
    notes: list[str] = []
    rows = drop_rows(table, drops, notes)
    classes, codes = None, None
    stratified = data.split.method == "stratified"
    if data.class_targets and (stratified or data.task == "classification"):
        classes = find_classes(rows, data.class_targets[0])
        codes = encode_classes(classes, rows)
        if stratified and any(data.split.shares):
            check_single_rows(rows, classes, codes)
    try:
        form = data.get_treatment(data.split.column).format if data.split.column else None
        drawn = draw_splits(data.split, rows, codes, rng, form)
    except OptionError as error:
        raise error.prefix_fields("data.split") from None
    splits = {name: Selection(table, numbers) for name, numbers in drawn.items()}
    for name in data.split.sources:
        other = table.splits[name]
        absent = [one for one in drops if one not in other.columns]
        if absent:
            raise InputError(f"{other.origin} has no column {absent[0]!r}; {suggest_word(absent[0], other.columns)}")
        splits[name] = drop_rows(other, drops, notes)
    found = {name: rows for name, rows in splits.items() if len(rows)}
    return Splits(found, tuple(notes), classes if stratified else None)


def find_drops(data: Data, roles: Roles) -> dict[str, Drop]:
    """Return the columns that drop rows, and which."""
    each = {name: data.get_treatment(name).missing for name in roles.features}
    each |= {name: data.get_target_treatment(name).missing for name in roles.targets}
    return {name: one for name, one in each.items() if isinstance(one, Drop)}


def drop_rows(table: Table, drops: Mapping[str, Drop], notes: list[str]) -> Selection:
    """Return the rows of a table that no column drops; add a note about the rows dropped.

    Raises:
        InputError: no row is left.
    """
    rows, counts = find_complete_rows(table, drops)
    if rows is None:
        return Selection(table)
    values = [value for name in counts for value in drops[name].values]
    notes.append(describe_dropped(table, rows, counts, values))
    if not len(rows):
        raise InputError(f"{table.origin}: no row is complete; {notes[-1]}")
    return Selection(table, rows)


def describe_dropped(table: Table, rows: Array, counts: dict[str, int], values: Sequence[str]) -> str:
    """Describe how many rows of a table are dropped, given the rows left, how many each column drops, and the values
    whose rows are dropped beside missing ones."""
    where = ", ".join(f"{quote(name)} in {count:,}" for name, count in counts.items())
    why = "a missing value" + f", or one of {', '.join(map(quote, values[:3]))}{', ...' * (len(values) > 3)}" * bool(
        values
    )
    return f"{table.origin}: {len(table) - len(rows):,} of {len(table):,} rows dropped for {why} ({where})"


def encode_classes(classes: Classes, rows: Selection) -> Array:
    """Return the class number of each row `(rows,)`, in the smallest type that holds all of them.

    Raises:
        InputError: a label is missing, or not among the classes.
    """
    codes, start = np.empty(len(rows), np.min_scalar_type(len(classes.labels))), 0
    for _, chunk in rows.chunks():
        codes[start : start + len(chunk)] = classes.encode(chunk)
        start += len(chunk)
    return codes


def check_single_rows(rows: Selection, classes: Classes, codes: Array) -> None:
    """Check that every class has more than one row, so that it can be in more than one split.

    Raises:
        OptionError: a class has only one.
    """
    counts = np.bincount(codes)
    if counts.min() > 1:
        return
    row = int(np.flatnonzero(counts[codes] == 1)[0])
    label = classes.labels[codes[row]]
    name = quote(label) if isinstance(label, str) else f"{label:g}"
    what = f"the class {name} has a single row ({rows.where(row)}), which cannot be in every split"
    raise OptionError(Mistake("data.split.method", f"{what}; leave the row out, or use method: random", "BP128"))
