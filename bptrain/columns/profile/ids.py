"""IDs: columns that number or name their rows, and columns that a number alone tells apart."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from bptrain.arrays import Array, find_first, iter_chunks
from bptrain.columns.profile.leaks import ENOUGH

HEAD = 1000
"""So many values mostly tell already that a column is not constant, or no ID."""

NUMBERED = 10
"""Columns of one name with as many numbers, such as pixel_0_1, are taken for one measurement: an image, a spectrum."""

ID = re.compile(r"(?:.*[_\s.-])?(?:id|uuid|guid)|id[_\s.-].*|index|row_?(?:id|no|nr|num|number)?|unnamed: ?\d+", re.I)
CAMEL_ID = re.compile(r".*[a-z]I[dD]")
TIME = re.compile(r"year|month|week|day|date|hour|minute|second|time|epoch|age", re.I)


def numbered_names(names: Sequence[str]) -> set[str]:
    """Return the names that differ in nothing but numbers from many others."""
    stems = [re.sub(r"\d+", "#", name) for name in names]
    counts = Counter(stems)
    return {name for name, stem in zip(names, stems, strict=True) if "#" in stem and counts[stem] >= NUMBERED}


def is_named_like_id(name: str) -> bool:
    """Tell whether a column is named like an ID: `id`, `customer_id`, `userId`, `index`, `Unnamed: 0`."""
    return bool(ID.fullmatch(name) or CAMEL_ID.fullmatch(name))


def is_number_id(name: str, values: Array, *, alone: bool = False) -> bool:
    """Tell whether a column of numbers identifies its rows: whole numbers, and named so or counting the rows. A column
    alone may count them: x in y = f(x)."""
    if find_first(values, lambda some: np.isfinite(some) & (some != np.floor(some))) is not None:
        return False
    least, largest, count = range_of(values)
    if not count or largest - least <= 1:
        return False
    return is_named_like_id(name) or (not alone and counts_rows(name, values))


def is_text_id(name: str, values: Array) -> bool:
    """Tell whether a column of text has another value in each row, of many, or named like an ID."""
    head = [value for value in values[:HEAD].tolist() if value is not None]
    if len(set(head)) < len(head):
        return False
    found = [value for value in values.tolist() if value is not None]
    return 1 < len(found) == len(set(found)) and (len(found) >= ENOUGH or is_named_like_id(name))


def counts_rows(name: str, values: Array) -> bool:
    """Tell whether whole numbers count from somewhere to somewhere, each once, and are not named like a time."""
    least, largest, count = range_of(values)
    if count < ENOUGH or TIME.search(name) or largest - least != count - 1:
        return False
    seen = np.zeros(count, bool)
    for chunk in iter_chunks(values):
        seen[(chunk[np.isfinite(chunk)] - least).astype(np.int64)] = True
    return bool(seen.all())


def range_of(values: Array) -> tuple[float, float, int]:
    """Return the least and the largest of the finite numbers `(rows,)`, and how many there are."""
    least, largest, count = np.inf, -np.inf, 0
    for chunk in iter_chunks(values):
        if len(finite := chunk[np.isfinite(chunk)]):
            least, largest = min(least, float(finite.min())), max(largest, float(finite.max()))
            count += len(finite)
    return least, largest, count
