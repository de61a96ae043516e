"""Proposals: what a first config makes of each column, or why it leaves the column out."""

from dataclasses import dataclass

import numpy as np

from bptrain.columns.features import LARGEST
from bptrain.columns.profile import ColumnProfile, TableProfile
from bptrain.columns.scalers import Standard
from bptrain.tables.table import shown


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
            constant = shown(value) if isinstance(value, str) else f"{value:g}"
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
