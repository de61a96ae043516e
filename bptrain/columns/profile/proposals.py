"""Proposals: how a first config encodes each column, or why it leaves the column out."""

from dataclasses import dataclass

import numpy as np

from bptrain.columns.dates.calendar import describe_calendar
from bptrain.columns.dates.forms import STATED, Form, find_forms, join_forms, parse_dates, write_forms
from bptrain.columns.features import LARGEST_SCALED
from bptrain.columns.kinds import KEPT_CATEGORIES
from bptrain.columns.profile.profile import ColumnProfile, TableProfile, format_constant
from bptrain.columns.scalers import Standard
from bptrain.columns.targets import Task, check_varied, find_classes, guess_task, select_present
from bptrain.errors import InputError
from bptrain.tables.table import Selection, Table, quote


@dataclass(frozen=True)
class Proposal:
    """A column: its values in words, and the reason not to learn from it (empty: none).

    `usable`: training accepts it all the same; `options` are the column's options in the config, as YAML; `doubt` is
    what the reader should know about a column that is learned from, and `form` how its dates are written, if it is
    dates.
    """

    name: str
    words: str
    reason: str = ""
    usable: bool = True
    options: str = ""
    doubt: str = ""
    form: Form | None = None


@dataclass(frozen=True)
class Goal:
    """What a first config predicts: a column, its values in words, and the task.

    `rows` have a target, `missing` have none, and `counts` are the rows of each class; empty for numbers. `single`: the
    classes with a single row, which are left out too.
    """

    name: str
    task: Task
    words: str
    rows: int
    missing: int
    counts: dict[str, int]
    single: tuple[str, ...] = ()


def propose_goal(table: Table, name: str, *, enough: int) -> Goal:
    """Return the task of a target.

    Args:
        table: all rows.
        name: name of the target.
        enough: if at least this many rows have a target, the others are left out.

    Raises:
        InputError: the target is missing in one of few rows, has a single value, or too many classes.
    """
    task = guess_task(table, name)
    rows = select_present(Selection(table), name)
    absent = len(table) - len(rows)
    if absent and len(rows) < enough:
        rows, absent = Selection(table), 0
    if task == "classification":
        classes = find_classes(rows, name)
        codes = classes.encode(rows)
        sizes = np.bincount(codes).tolist()
        if len(sizes) > max(2, len(rows) // 2):
            what = f"{len(sizes):,} classes in {len(rows):,} rows; a class needs several rows to be learned"
            if find_forms(rows.column(name)):
                what = "dates cannot be predicted; choose another column, or add one with a number of days"
            raise InputError(f"{table.origin}: {name}: {what}")
        counts = {str(label): size for label, size in zip(classes.labels, sizes, strict=True)}
        single = tuple(label for label, size in counts.items() if size == 1) if len(rows) >= enough else ()
        if len(counts) - len(single) < 2:
            what = f"only {len(counts) - len(single)} of its classes has more than one row; add rows of the others"
            raise InputError(f"{table.origin}: {name}: {what}")
        counts = {label: size for label, size in counts.items() if label not in single}
        return Goal(name, task, f"{len(counts)} classes", len(rows) - len(single), absent, counts, single)
    check_varied(rows, name)
    column = ColumnProfile(name, rows.column(name), table.decimal)
    if reason := find_refusal(column, describe_values(column)):
        raise InputError(f"{table.origin}: {name}: {reason}")
    words = f"numbers from {column.values.min():g} to {column.values.max():g}"
    return Goal(name, task, words, len(rows), absent, {})


def propose_columns(profile: TableProfile) -> tuple[Proposal, ...]:
    """Return a proposal for every column of a table, in order."""
    return tuple(propose_column(profile.column(name)) for name in profile.table.columns)


def propose_column(column: ColumnProfile) -> Proposal:
    """Return how a config encodes a column, or why it leaves the column out."""
    words = describe_values(column)
    if reason := find_refusal(column, words):
        return Proposal(column.name, words, reason, usable=False)
    for one in column.warnings:
        if one.code == "BP222":
            return Proposal(column.name, words, f"it is {format_constant(column.values[0])} in every row")
        if one.code != "BP226" and (column.leak is None or column.leak.is_copy or one.code == "BP223"):
            return Proposal(column.name, words, one.message, options=choose_options(column))
    doubts = [one.message for one in column.warnings]
    if column.values.dtype != object and find_forms(column.values, STATED[:1]):
        doubts.append(f"if its numbers are dates, write {write_forms(column.name, STATED[:1])}")
    form = column.forms[0] if column.kind == "date" else None
    return Proposal(column.name, words, options=choose_options(column), doubt="; ".join(doubts), form=form)


def describe_values(column: ColumnProfile) -> str:
    """Return the values of a column in words."""
    if column.kind == "empty" and column.values.dtype == object:
        return "empty"
    if column.kind == "date" and len(column.forms) == 1:
        calendar = describe_calendar(column.values, column.forms[0])
        absent = f", {column.missing:,} of {len(column.values):,} missing" if column.missing else ""
        return f"dates from {calendar.first} to {calendar.last}{absent}" if calendar else "dates"
    kind = "text"
    if column.values.dtype != object:
        finite = column.values[np.isfinite(column.values)]
        kind = "whole numbers" if (finite == np.floor(finite)).all() else "numbers"
    words = f"{kind}, {column.distinct:,} distinct values"
    return words + (f", {column.missing:,} of {len(column.values):,} missing" if column.missing else "")


def find_refusal(column: ColumnProfile, words: str) -> str:
    """Return why training would refuse a column; empty if it would not."""
    if column.kind == "empty":
        return "the whole column is empty"
    if column.kind == "mixed":
        return f"{words}; text among the numbers"
    if column.kind == "date":
        return find_wrong_dates(column)
    if column.kind == "text" and not column.has_common_values:
        forms = find_forms(column.values, STATED)
        dates = f"; if these are dates, add it to the features, with {write_forms(column.name, forms)}"
        return f"{words}; too many for categories" + dates * bool(forms)
    if column.values.dtype != object:
        if np.isinf(column.values).any():
            return "it has infinite values"
        if not can_be_scaled(column.values[~column.holes]):
            return "its numbers are too large to be scaled"
    return ""


def find_wrong_dates(column: ColumnProfile) -> str:
    """Return why training would refuse a column of dates; empty if it would not."""
    if len(column.forms) > 1:
        ways = write_forms(column.name, column.forms)
        return f"its dates can be read as {join_forms(column.forms)}; add it to the features, with {ways}"
    wrong = np.flatnonzero(parse_dates(column.values, column.forms[0]).wrong)
    if not len(wrong):
        return ""
    return f"dates, and {len(wrong):,} values that are none, such as {quote(column.values[wrong[0]])}"


def choose_options(column: ColumnProfile) -> str:
    """Return the options of a column in a config, as YAML; empty if those for all columns do."""
    if column.kind in ("numeric", "boolean"):
        return "{indicator: true}" if column.missing else ""
    if column.kind == "date":
        policy = ", indicator: true" if column.missing else ""
        return f"{{kind: date, format: {column.forms[0].yaml}{policy}}}"
    imputer = ", missing: {constant: missing}" if column.missing else ""
    if column.kind == "text":
        return f"{{kind: categorical, categories: {KEPT_CATEGORIES}{imputer}}}"
    return f"{{kind: categorical, unseen: ignore{imputer}}}"


def can_be_scaled(numbers: np.ndarray) -> bool:
    """Return whether standard scaling gives numbers that a network can work with."""
    scaler = Standard()
    with np.errstate(all="ignore"):
        statistics = scaler.fit(numbers)
        scaled = np.abs(scaler.apply(numbers, statistics)).max()
    return bool(np.isfinite(statistics).all() and scaled <= LARGEST_SCALED)
