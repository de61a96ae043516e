"""Splits: which rows train, which validate, which test."""

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Lt

from bptrain.arrays import Array, iter_chunks, number_rows
from bptrain.columns.dates.times import read_times
from bptrain.errors import InputError, Mistake, OptionError
from bptrain.tables.sources import SOURCES, Source
from bptrain.tables.table import Selection, quote
from bptrain.tables.values import find_missing
from bptrain.text import join_and, join_or

Share = Annotated[float, Ge(0), Lt(1)]

BY_COLUMN = ("time", "group", "column")
"""The methods that need a column."""

NAMES = {
    "train": "train", "training": "train",
    "validation": "validation", "valid": "validation", "val": "validation", "dev": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
"""The values of a column that names the split of each row, in lower case, and the split that each means."""

RowsBySplit = dict[str, Array]


@dataclass(frozen=True)
class Split:
    """Which rows are held out: a share of the rows, or a source of their own such as `test: {csv: test.csv}`.

    All other rows train. `random` draws single rows; `stratified` keeps the share of every class in each split, to
    within one row; `auto` is stratified for classes and random for numbers. `time` holds out the latest rows by
    `column` (numbers, or dates such as 2024-01-31 or 31.12.2024), test after validation, and keeps rows of the same
    time together; `group` draws whole groups of rows with the same value in `column`, so that no group is in two
    splits; `column` reads train, validation or test from `column` and uses no shares.
    """

    validation: Annotated[Share | Annotated[Source, SOURCES], "share of the rows for validation, or its source"] = 0.15
    test: Annotated[Share | Annotated[Source, SOURCES], "share of the rows for the final test, or its source"] = 0.15
    method: Annotated[Literal["auto", "random", "stratified", "time", "group", "column"], "how the rows are split"] = (
        "auto"
    )
    column: Annotated[
        str | None, "the column for the methods time, group and column; not a feature unless listed as one"
    ] = None

    def __post_init__(self) -> None:
        validation, test = self.shares
        if validation + test >= 1:
            what = f"validation and test leave no rows to train on (got {validation:g} and {test:g})"
            raise OptionError(Mistake("", f"{what}; make them add up to less than 1"))
        if self.method in BY_COLUMN and self.column is None:
            raise OptionError(Mistake("method", f"{self.method} needs a column; write column: NAME beside it"))
        if self.column is not None and self.method not in BY_COLUMN:
            what = f"is only used by the methods {join_and(BY_COLUMN)} (got method: {self.method})"
            raise OptionError(Mistake("column", f"{what}; write method: {join_or(BY_COLUMN)}, or remove column"))
        if self.method == "column" and self.sources:
            what = f"the column says which rows are held out; remove the source of {' and '.join(self.sources)}"
            raise OptionError(Mistake("method", what))

    @property
    def shares(self) -> tuple[float, float]:
        """The shares of the rows for validation and test; 0 for a split with a source of its own."""
        validation, test = (share if isinstance(share, float | int) else 0.0 for share in (self.validation, self.test))
        return validation, test

    @property
    def sources(self) -> dict[str, Source]:
        """The splits with a source of their own."""
        each = {"validation": self.validation, "test": self.test}
        return {name: one for name, one in each.items() if not isinstance(one, float | int)}

    def draw_rows(self, count: int, codes: Array | None, rng: np.random.Generator) -> RowsBySplit:
        """Return random row numbers of `train`, `validation` and `test`, each ascending; every row is in one of them.

        Args:
            count: number of rows.
            codes: class number of each row `(count,)`; None for numeric targets.
            rng: source of randomness.

        Raises:
            OptionError: stratified without classes, or a split would have no rows.
        """
        if self.method == "stratified" and codes is None:
            raise OptionError(Mistake("method", "stratified needs a target of classes; use random", "BP126"))
        groups = [number_rows(count)]
        if codes is not None and self.method != "random":
            groups = [groups[0][codes == code] for code in np.unique(codes)]
        for group in groups:
            rng.shuffle(group)
        cut = [0] * len(groups)
        found: RowsBySplit = {}
        for name, share in zip(("validation", "test"), self.shares, strict=True):
            # Every class keeps a row to train on.
            room = [len(group) - 1 - start for group, start in zip(groups, cut, strict=True)]
            taken = allot_rows([share * len(group) for group in groups], room)
            found[name] = np.concatenate(
                [group[start : start + k] for group, start, k in zip(groups, cut, taken, strict=True)]
            )
            cut = [start + k for start, k in zip(cut, taken, strict=True)]
            check_not_empty(name, share, found[name], count)
        train = np.concatenate([group[start:] for group, start in zip(groups, cut, strict=True)])
        for rows in (train, *found.values()):
            rows.sort()
        return {"train": train, **found}


def split_rows(
    split: Split, rows: Selection, codes: Array | None, rng: np.random.Generator, form: str | None = None
) -> RowsBySplit:
    """Return the row numbers of `train`, `validation` and `test`, each ascending; every given row is in one of them.

    Args:
        split: method and shares.
        rows: rows to split.
        codes: class number of each row `(rows,)`; None for numeric targets.
        rng: source of randomness.
        form: how the dates of the column are written, for a split by time; None: as in 2024-01-31, or found.

    Raises:
        OptionError: a split would have no rows, or the column cannot be used.
        InputError: a value of the column is missing or not understood; the message names its row.
    """
    name = split.column or ""
    if split.method == "time":
        found = split_by_time(split, read_times(rows, name, read_complete(rows, name), form))
    elif split.method == "group":
        found = split_by_group(split, number_groups(rows, name), rng)
    elif split.method == "column":
        found = split_by_column(rows, name)
    else:
        found = split.draw_rows(len(rows), codes, rng)
    if not len(found["train"]):
        raise OptionError(Mistake("method", f"no row is left to train on (of {len(rows):,}); hold out fewer"))
    return found if rows.rows is None else {name: rows.rows[own] for name, own in found.items()}


def check_not_empty(name: str, share: float, rows: Array, count: int) -> None:
    """Check that a split whose share is not 0 has rows.

    Raises:
        OptionError: it has none.
    """
    if share and not len(rows):
        what = f"no row is left for {name} (got {share:g} of {count} rows)"
        raise OptionError(Mistake(name, f"{what}; use a larger share, or 0", "BP127"))


def allot_rows(ideal: list[float], room: list[int]) -> list[int]:
    """Round the ideal numbers of rows so that their sum is rounded too, none above its room, by largest remainders."""
    taken = [min(int(share), most) for share, most in zip(ideal, room, strict=True)]
    missing = round(sum(ideal)) - sum(taken)
    for k in sorted(range(len(ideal)), key=lambda k: taken[k] - ideal[k]):
        if missing > 0 and taken[k] < room[k]:
            taken[k] += 1
            missing -= 1
    return taken


def read_complete(rows: Selection, name: str) -> Array:
    """Return a column in which no value is missing.

    Raises:
        InputError: a value is missing.
    """
    values = rows.column(name)
    holes = np.flatnonzero(find_missing(values))
    if len(holes):
        more = f", one of {len(holes):,} such rows" if len(holes) > 1 else ""
        what = f"a missing value{more} in the column that decides the split; fill it in or remove the row"
        raise InputError(f"{rows.where(int(holes[0]))}: {name}: {what}")
    return values


def split_by_time(split: Split, values: Array) -> RowsBySplit:
    """Hold out the latest rows for the test and those before them for validation; rows of the same time stay
    together."""
    count, order = len(values), np.argsort(values, kind="stable")
    changes = np.flatnonzero(np.diff(values[order]) > 0) + 1
    validation, test = split.shares
    ends = []
    left = count
    for name, share in (("test", test), ("validation", validation)):
        wanted = left - round(share * count)
        fitting = changes[(changes < left)] if share else changes[:0]
        end = int(fitting[np.argmin(np.abs(fitting - wanted))]) if len(fitting) and wanted < left else left
        check_not_empty(name, share, order[end:left], count)
        ends.append(end)
        left = end
    return {
        "train": np.sort(order[: ends[1]]),
        "validation": np.sort(order[ends[1] : ends[0]]),
        "test": np.sort(order[ends[0] :]),
    }


def number_groups(rows: Selection, name: str) -> Array:
    """Return the group number of each row, numbered in the order of first appearance.

    Raises:
        InputError: a value is missing.
    """
    groups: dict[object, int] = {}
    numbers, start = number_rows(len(rows)), 0
    for chunk in iter_chunks(read_complete(rows, name)):
        values = chunk.tolist()
        numbers[start : start + len(values)] = [groups.setdefault(value, len(groups)) for value in values]
        start += len(values)
    return numbers


def split_by_group(split: Split, numbers: Array, rng: np.random.Generator) -> RowsBySplit:
    """Draw groups at random; each goes to a split that still has room for all of its rows.

    Raises:
        OptionError: a split would have no groups.
    """
    sizes = np.bincount(numbers)
    waiting = rng.permutation(len(sizes)).tolist()
    owner = np.zeros(len(sizes), np.int8)
    for split_number, (name, share) in enumerate(zip(("validation", "test"), split.shares, strict=True), start=1):
        room = round(share * len(numbers))
        taken: list[int] = []
        for group in waiting:
            if sizes[group] <= room:
                taken.append(group)
                room -= int(sizes[group])
        if share and not taken and len(waiting) > 1:
            taken = [min(waiting, key=lambda group: int(sizes[group]))]
        chosen = set(taken)
        waiting = [group for group in waiting if group not in chosen]
        if not waiting:
            waiting = [taken.pop()]
        owner[taken] = split_number
        if share and not taken:
            what = f"no group is left for {name} (the data has {len(sizes):,}, and at least one must be in train)"
            raise OptionError(Mistake(name, f"{what}; use a smaller share or another column", "BP127"))
    return {name: np.flatnonzero(owner[numbers] == k) for k, name in enumerate(("train", "validation", "test"))}


def split_by_column(rows: Selection, name: str) -> RowsBySplit:
    """Put each row into the split that the column names.

    Raises:
        InputError: a value is missing, or names no split.
    """
    values = read_complete(rows, name)
    texts = values.tolist() if values.dtype == object else [f"{value:g}" for value in values]
    meaning = {text: NAMES.get(str(text).strip().lower()) for text in dict.fromkeys(texts)}
    if unknown := [text for text, split in meaning.items() if split is None]:
        row = texts.index(unknown[0])
        what = f"expected train, validation or test (got {quote(unknown[0])})"
        raise InputError(f"{rows.where(row)}: {name}: {what}; correct it, or choose another split method")
    names = np.array([meaning[text] for text in texts])
    return {one: np.flatnonzero(names == one) for one in ("train", "validation", "test")}
