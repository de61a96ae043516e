"""Inference: what kind a column is, by its values in the training rows."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.options import Kind
from bptrain.tables.values import distinct, looks_numeric

MOST_CATEGORIES = 100
"""Text with more different values than this is no category, unless the config says so."""

PAIRS = (("false", "true"), ("no", "yes"), ("0", "1"), ("f", "t"), ("n", "y"), ("off", "on"))
"""What a boolean column says, no before yes, in small or capital letters."""


@dataclass(frozen=True)
class Inferred:
    """The kind of a column, or why it has none: `text` has too many different values, `spoilt` has text among numbers,
    `empty` no value at all. `different` counts the values of text."""

    kind: Kind | Literal["text", "spoilt", "empty"]
    different: int


def infer(values: Array) -> Inferred:
    """The kind of a column `(rows,)`.

    Numbers are numeric. Text is boolean if its values are one of `PAIRS`; otherwise, if at least half of it are
    numbers, it is spoilt; categorical if it has at most `MOST_CATEGORIES` different values, and on average two rows or
    more for each.
    """
    if values.dtype != object:
        return Inferred("empty" if np.isnan(values).all() else "numeric", 0)
    found = distinct(values)
    if not found:
        return Inferred("empty", 0)
    if pair_of(list(map(str, found))):
        return Inferred("boolean", len(found))
    if looks_numeric(values):
        return Inferred("spoilt", len(found))
    few = len(found) <= min(MOST_CATEGORIES, max(2, len(values) // 2))
    return Inferred("categorical" if few else "text", len(found))


def pair_of(found: list[str]) -> tuple[str, str] | None:
    """The pair of words, no before yes, that the values of a boolean column are."""
    words = {plain(value) for value in found}
    return next((pair for pair in PAIRS if words <= set(pair)), None)


def plain(word: str) -> str:
    """A word without regard to capitals and to spaces around it."""
    return word.strip().lower()
