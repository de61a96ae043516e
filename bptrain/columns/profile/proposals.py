"""Proposals: what a first config makes of each column, or why it leaves the column out."""

from dataclasses import dataclass

import numpy as np

from bptrain.columns.features import LARGEST
from bptrain.columns.profile.profile import ColumnProfile, TableProfile
from bptrain.columns.profile.split_profile import present
from bptrain.columns.scalers import Standard
from bptrain.columns.targets import Task, check_varied, find_classes, likely_task
from bptrain.errors import InputError
from bptrain.tables.table import Selection, Table, quote


@dataclass(frozen=True)
class Proposal:
    """A column: what is in it, in words, and what speaks against learning from it (empty: nothing).

    `usable` says whether training takes it all the same; `options` are what a config should say of it, as YAML, and
    `doubt` what a person should know of a column that is learned from.
    """

    name: str
    words: str
    objection: str = ""
    usable: bool = True
    options: str = ""
    doubt: str = ""


@dataclass(frozen=True)
class Goal:
    """What a first config predicts: a column, in words too, and the task.

    `rows` have a value of it, `missing` have none, and `counts` are the rows of each class; empty for numbers.
    """

    name: str
    task: Task
    words: str
    rows: int
    missing: int
    counts: dict[str, int]


def propose_goal(table: Table, name: str, *, enough: int) -> Goal:
    """Return what is to be learned of a target, if it can be.

    Args:
        table: all rows.
        name: of the target.
        enough: with as many rows that have a value, those that have none are left out.

    Raises:
        InputError: the target is missing in one of few rows, all the same, or all different labels.
    """
    task = likely_task(table, name)
    rows = present(Selection(table), name)
    missing = len(table) - len(rows)
    if missing and len(rows) < enough:
        rows, missing = Selection(table), 0
    if task == "classification":
        classes = find_classes(rows, name)
        codes = classes.codes(rows)
        sizes = np.bincount(codes).tolist()
        if len(sizes) > max(2, len(rows) // 2):
            what = f"{len(sizes):,} classes in {len(rows):,} rows; a class is learned from several rows each"
            raise InputError(f"{table.origin}: {name}: {what}")
        if 1 in sizes and len(rows) >= enough:
            row = int(np.flatnonzero(codes == sizes.index(1))[0])
            what = f"the class {quote(classes.labels[sizes.index(1)])} has a single row; correct it or remove the row"
            raise InputError(f"{rows.where(row)}: {name}: {what}")
        counts = {str(label): size for label, size in zip(classes.labels, sizes, strict=True)}
        return Goal(name, task, f"{len(sizes)} classes", len(rows), missing, counts)
    check_varied(rows, name)
    column = ColumnProfile(name, rows.column(name), table.decimal)
    if refusal := refusal_of(column, words_of(column)):
        raise InputError(f"{table.origin}: {name}: {refusal}")
    words = f"numbers from {column.values.min():g} to {column.values.max():g}"
    return Goal(name, task, words, len(rows), missing, {})


def propose_columns(profile: TableProfile) -> tuple[Proposal, ...]:
    """Return a proposal for every column of a table, in order."""
    return tuple(propose_column(profile.column(name)) for name in profile.table.columns)


def propose_column(column: ColumnProfile) -> Proposal:
    """Return what a config makes of a column."""
    words = words_of(column)
    if refusal := refusal_of(column, words):
        return Proposal(column.name, words, refusal, usable=False)
    for one in column.warnings:
        if one.code == "BP222":
            value = column.values[0]
            constant = quote(value) if isinstance(value, str) else f"{value:g}"
            return Proposal(column.name, words, f"it is {constant} in every row")
        if one.code != "BP226" and (column.leak is None or column.leak.is_copy or one.code == "BP223"):
            return Proposal(column.name, words, one.message, options=options_of(column))
    doubt = "; ".join(one.message for one in column.warnings)
    return Proposal(column.name, words, options=options_of(column), doubt=doubt)


def words_of(column: ColumnProfile) -> str:
    """Return what is in a column, in words."""
    if column.values.dtype == object:
        words = f"text, {column.distinct:,} different"
        if column.kind == "empty":
            return "empty"
    else:
        finite = column.values[np.isfinite(column.values)]
        whole = bool((finite == np.floor(finite)).all())
        words = f"{'whole ' if whole else ''}numbers, {column.distinct:,} different"
    return words + (f", {column.missing:,} of {len(column.values):,} missing" if column.missing else "")


def refusal_of(column: ColumnProfile, words: str) -> str:
    """Return why training would refuse a column; empty if it would not."""
    if column.kind == "empty":
        return "the whole column is empty"
    if column.kind == "mixed":
        return f"{words}; numbers with text among them"
    if column.kind == "text":
        return f"{words}; too many for categories"
    if column.values.dtype != object:
        if np.isinf(column.values).any():
            return "it has infinite values"
        if not can_be_scaled(column.values[~column.holes]):
            return "its numbers are too large to be scaled"
    return ""


def options_of(column: ColumnProfile) -> str:
    """Return what a config should say of a column, as YAML; empty where it need not be named."""
    if column.kind == "numeric":
        return "{missing: median, indicator: true}" if column.missing else ""
    if column.kind == "boolean":
        return "{kind: boolean, missing: most_frequent}" if column.missing else ""
    filled = ", missing: {constant: missing}" if column.missing else ""
    return f"{{kind: categorical, unseen: ignore{filled}}}"


def can_be_scaled(numbers: np.ndarray) -> bool:
    """Whether standardised numbers are numbers that a network works on."""
    scaler = Standard()
    with np.errstate(all="ignore"):
        statistics = scaler.fit(numbers)
        scaled = np.abs(scaler.apply(numbers, statistics)).max()
    return bool(np.isfinite(statistics).all() and scaled <= LARGEST)
