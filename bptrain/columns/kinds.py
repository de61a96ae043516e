"""What the columns of a table look like: their kinds in words, and why one cannot or should not be learned from."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.features import LARGEST
from bptrain.columns.inference import infer
from bptrain.columns.scalers import Standard
from bptrain.tables.table import Table, shown
from bptrain.tables.values import missing

NUMBERED = 10
"""Columns of one name with as many numbers, such as pixel_0_1, are taken for one measurement: an image, a spectrum."""

ENOUGH = 20
"""With fewer rows than this a column may number them by chance."""

ID = re.compile(r"(?:.*[_\s.-])?(?:id|uuid|guid)|id[_\s.-].*|index|row_?(?:id|no|nr|num|number)?|unnamed: ?\d+", re.I)
CAMEL_ID = re.compile(r".*[a-z]I[dD]")
TIME = re.compile(r"year|month|week|day|date|hour|minute|second|time|epoch|age", re.I)


@dataclass(frozen=True)
class ColumnKind:
    """A column: what is in it, in words, and what speaks against learning from it (empty: nothing).

    `usable` says whether it could be learned from all the same; `options` are what a config should say of it, as YAML.
    """

    name: str
    words: str
    objection: str = ""
    usable: bool = True
    options: str = ""


def kinds(table: Table) -> tuple[ColumnKind, ...]:
    """The kind of every column of a table, in order."""
    numbered = series(list(table.columns))
    return tuple(kind(name, values, name in numbered) for name, values in table.columns.items())


def kind(name: str, values: Array, numbered: bool) -> ColumnKind:
    """The kind of one column; constant ones among many of the same name, such as the corners of an image, are fine."""
    if values.dtype == object:
        return text_kind(name, values)
    finite = values[np.isfinite(values)]
    distinct = len(np.unique(finite))
    whole = bool(np.all(finite == np.floor(finite)))
    words = f"{'whole ' if whole else ''}numbers, {distinct:,} different"
    holes = int(np.isnan(values).sum())
    if len(finite) + holes < len(values):
        return ColumnKind(name, words, "it has infinite values", usable=False)
    if not scales(finite):
        return ColumnKind(name, words, "its numbers are too large to be scaled", usable=False)
    options = "{missing: median, indicator: true}" if holes else ""
    if holes:
        words += f", {holes:,} of {len(values):,} missing"
    if distinct == 1 and not holes:
        return ColumnKind(name, words, "" if numbered else f"it is {values[0]:g} in every row")
    if looks_like_id(name, finite):
        return ColumnKind(name, words, "it looks like an ID, which says nothing about new rows", options=options)
    return ColumnKind(name, words, options=options)


def text_kind(name: str, values: Array) -> ColumnKind:
    """The kind of a column that is not all numbers."""
    found, holes = infer(values), int(missing(values).sum())
    empty = f", {holes:,} of {len(values):,} missing" if holes else ""
    words = f"text, {found.different:,} different{empty}"
    if found.kind == "empty":
        return ColumnKind(name, "empty", "the whole column is empty", usable=False)
    if found.kind == "spoilt":
        return ColumnKind(name, words, f"{words}; numbers with text among them", usable=False)
    if found.kind == "text":
        return ColumnKind(name, words, f"{words}; too many for categories", usable=False)
    if found.different == 1 and not holes:
        return ColumnKind(name, words, f"it is {shown(values[0])} in every row")
    if found.kind == "boolean":
        return ColumnKind(name, words, options="{kind: boolean, missing: most_frequent}" if holes else "")
    filled = ", missing: {constant: missing}" if holes else ""
    return ColumnKind(name, words, options=f"{{kind: categorical, unseen: ignore{filled}}}")


def scales(values: Array) -> bool:
    """Whether standardised numbers are numbers that a network works on."""
    scaler = Standard()
    with np.errstate(all="ignore"):
        statistics = scaler.fit(values)
        scaled = np.abs(scaler.apply(values, statistics)).max()
    return bool(np.isfinite(statistics).all() and scaled <= LARGEST)


def series(names: Sequence[str]) -> set[str]:
    """The names that differ in nothing but numbers from many others."""
    stems = [re.sub(r"\d+", "#", name) for name in names]
    counts = Counter(stems)
    return {name for name, stem in zip(names, stems, strict=True) if "#" in stem and counts[stem] >= NUMBERED}


def looks_like_id(name: str, values: Array) -> bool:
    """Whether a column of finite numbers identifies its rows: whole numbers, and named so or counting the rows."""
    if (values != np.floor(values)).any() or np.ptp(values) <= 1:
        return False
    return named_like_id(name) or numbers_rows(name, values)


def named_like_id(name: str) -> bool:
    """Whether a column is named like an ID: `id`, `customer_id`, `userId`, `index`, `Unnamed: 0`."""
    return bool(ID.fullmatch(name) or CAMEL_ID.fullmatch(name))


def numbers_rows(name: str, values: Array) -> bool:
    """Whether whole numbers count from somewhere to somewhere, each once, and are not named like a time."""
    if len(values) < ENOUGH or TIME.search(name) or np.ptp(values) != len(values) - 1:
        return False
    return bool((np.diff(np.sort(values)) == 1).all())
