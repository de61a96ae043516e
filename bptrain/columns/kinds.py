"""Kinds: what a column is, judged by its values and its name."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bptrain.arrays import Array, find_first, iter_chunks
from bptrain.columns.dates.forms import find_forms
from bptrain.tables.table import is_number
from bptrain.tables.values import find_non_number, find_pair, list_labels, looks_numeric

ColumnKind = Literal["numeric", "boolean", "categorical", "date", "text", "mixed", "empty"]
"""`text` has too many distinct values for categories, `mixed` has text among numbers, `empty` has no values."""

MOST_CATEGORIES = 100
"""Text with more distinct values than this is not categorical, unless the config says so."""

KEPT_CATEGORIES = 50
"""How many categories are proposed to be kept in a column of more than `MOST_CATEGORIES`."""

MOST_MARKS = 5
"""At most this many distinct texts in a column may be marks for a missing number."""

FEW_ROWS = 20
"""With fewer rows than this, a column may look like an ID or match the target by chance."""

HEAD_ROWS = 1000
"""This many first rows usually suffice to see that a column is neither constant nor an ID."""

MANY_NUMBERED = 10
"""At least this many columns whose names differ only in numbers, such as pixel_0_1, are taken for one measurement."""

ID = re.compile(r"(?:.*[_\s.-])?(?:id|uuid|guid)|id[_\s.-].*|index|row_?(?:id|no|nr|num|number)?|unnamed: ?\d+", re.I)
CAMEL_ID = re.compile(r".*[a-z]I[dD]")
TIME = re.compile(r"year|month|week|day|date|hour|minute|second|time|epoch|age", re.I)


@dataclass(frozen=True)
class InferredKind:
    """The kind of a column, and the number of its distinct values if it is text."""

    kind: ColumnKind
    distinct: int


def infer_kind(values: Array, decimal: str = ".") -> InferredKind:
    """Return the kind of a column `(rows,)`.

    Numbers are numeric. Text is boolean if its values are one of `PAIRS`; otherwise, if at least half of it is numbers,
    it is mixed, or numeric if all of it is; categorical if it has at most `MOST_CATEGORIES` distinct values, and on
    average at least two rows for each; otherwise dates if it has a recognized form.

    Args:
        values: float64 or objects.
        decimal: the decimal sign of numbers in text.
    """
    if values.dtype != object:
        return InferredKind("empty" if np.isnan(values).all() else "numeric", 0)
    found = list_labels(values)
    if not found:
        return InferredKind("empty", 0)
    if find_pair(found):
        return InferredKind("boolean", len(found))
    if looks_numeric(values):
        return InferredKind("numeric" if find_non_number(values, decimal) is None else "mixed", len(found))
    few = len(found) <= min(MOST_CATEGORIES, max(2, len(values) // 2))
    return InferredKind("categorical" if few else "date" if find_forms(values) else "text", len(found))


@dataclass(frozen=True)
class OddText:
    """A text that is not a number in a column of numbers, and the rows that contain it, counted from 0."""

    text: str
    rows: tuple[int, ...]

    @property
    def is_mark(self) -> bool:
        """Whether it may mark a missing number: it has no digit."""
        return self.text.isprintable() and not any(map(str.isdigit, self.text))


def find_odd_texts(values: Array, decimal: str = ".") -> tuple[OddText, ...]:
    """Return the texts of a column `(rows,)` that are not numbers, the most frequent first."""
    if values.dtype != object:
        return ()
    texts = values.tolist()
    rows: dict[str, list[int]] = {text: [] for text in set(texts) - {None} if not is_number(text, decimal)}
    if rows:
        for row, text in enumerate(texts):
            if text in rows:
                rows[text].append(row)
    return tuple(OddText(text, tuple(places)) for text, places in sorted(rows.items(), key=lambda one: -len(one[1])))


def find_numbered_names(names: Sequence[str]) -> set[str]:
    """Return the names of which at least `MANY_NUMBERED` differ only in their numbers."""
    stems = [re.sub(r"\d+", "#", name) for name in names]
    counts = Counter(stems)
    return {name for name, stem in zip(names, stems, strict=True) if "#" in stem and counts[stem] >= MANY_NUMBERED}


def is_named_like_id(name: str) -> bool:
    """Return whether a column is named like an ID: `id`, `customer_id`, `userId`, `index`, `Unnamed: 0`."""
    return bool(ID.fullmatch(name) or CAMEL_ID.fullmatch(name))


def is_number_id(name: str, values: Array, *, single: bool = False) -> bool:
    """Return whether whole numbers identify their rows: they are named like an ID, or are consecutive in any order,
    without repeats, and not named like a time.

    A `single` feature may be consecutive: x in y = f(x).
    """
    if find_first(values, lambda some: np.isfinite(some) & (some != np.floor(some))) is not None:
        return False
    smallest, largest, count = find_range(values)
    if not count or largest - smallest <= 1:
        return False
    if is_named_like_id(name):
        return True
    if single or count < FEW_ROWS or TIME.search(name) or largest - smallest != count - 1:
        return False
    seen = np.zeros(count, bool)
    for chunk in iter_chunks(values):
        seen[(chunk[np.isfinite(chunk)] - smallest).astype(np.int64)] = True
    return bool(seen.all())


def is_text_id(name: str, values: Array) -> bool:
    """Return whether no text repeats in a column that has many rows or is named like an ID."""
    head = [value for value in values[:HEAD_ROWS].tolist() if value is not None]
    if len(set(head)) < len(head):
        return False
    present = [value for value in values.tolist() if value is not None]
    return 1 < len(present) == len(set(present)) and (len(present) >= FEW_ROWS or is_named_like_id(name))


def find_range(values: Array) -> tuple[float, float, int]:
    """Return the smallest and the largest of the finite numbers `(rows,)`, and their count."""
    smallest, largest, count = np.inf, -np.inf, 0
    for chunk in iter_chunks(values):
        if len(finite := chunk[np.isfinite(chunk)]):
            smallest, largest = min(smallest, float(finite.min())), max(largest, float(finite.max()))
            count += len(finite)
    return smallest, largest, count
