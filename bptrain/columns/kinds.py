"""Kinds: what a column is, by its values."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.tables.table import is_number
from bptrain.tables.values import distinct, first_no_number, looks_numeric

ColumnKind = Literal["numeric", "boolean", "categorical", "text", "mixed", "empty"]
"""`text` has too many different values for categories, `mixed` has text among numbers, `empty` has no value at all."""

MOST_CATEGORIES = 100
"""Text with more different values than this is no category, unless the config says so."""

PAIRS = (("false", "true"), ("no", "yes"), ("0", "1"), ("f", "t"), ("n", "y"), ("off", "on"))
"""What a boolean column says, no before yes, in small or capital letters."""

MOST_MARKS = 5
"""So many different texts may mean that a number is missing."""


@dataclass(frozen=True)
class Inferred:
    """The kind of a column; `different` counts the values of text."""

    kind: ColumnKind
    different: int


def infer(values: Array, decimal: str = ".") -> Inferred:
    """Return the kind of a column `(rows,)`.

    Numbers are numeric. Text is boolean if its values are one of `PAIRS`; otherwise, if at least half of it are
    numbers, it is mixed, or numeric if all of it are; categorical if it has at most `MOST_CATEGORIES` different values,
    and on average two rows or more for each.

    Args:
        values: float64 or objects.
        decimal: the sign before the fraction in texts.
    """
    if values.dtype != object:
        return Inferred("empty" if np.isnan(values).all() else "numeric", 0)
    found = list(map(str, distinct(values)))
    if not found:
        return Inferred("empty", 0)
    if pair_of(found):
        return Inferred("boolean", len(found))
    if looks_numeric(values):
        return Inferred("numeric" if first_no_number(values, decimal) is None else "mixed", len(found))
    few = len(found) <= min(MOST_CATEGORIES, max(2, len(values) // 2))
    return Inferred("categorical" if few else "text", len(found))


@dataclass(frozen=True)
class OddText:
    """A text that is no number in a column of numbers, and the rows in which it stands, counted from 0."""

    text: str
    rows: tuple[int, ...]

    @property
    def is_mark(self) -> bool:
        """Whether it may stand for a missing number: it has no digit."""
        return self.text.isprintable() and not any(map(str.isdigit, self.text))


def odd_texts(values: Array, decimal: str = ".") -> tuple[OddText, ...]:
    """Return the texts of a column `(rows,)` that are no numbers, the most frequent first."""
    if values.dtype != object:
        return ()
    texts = values.tolist()
    places: dict[str, list[int]] = {text: [] for text in set(texts) - {None} if not is_number(text, decimal)}
    if places:
        for row, text in enumerate(texts):
            if text in places:
                places[text].append(row)
    return tuple(OddText(text, tuple(rows)) for text, rows in sorted(places.items(), key=lambda one: -len(one[1])))


def pair_of(found: Iterable[str]) -> tuple[str, str] | None:
    """Return the pair of words, no before yes, that the values of a boolean column are."""
    words = {fold(value) for value in found}
    return next((pair for pair in PAIRS if words <= set(pair)), None)


def fold(word: str) -> str:
    """Return a word without regard to capitals and to spaces around it."""
    return word.strip().lower()
