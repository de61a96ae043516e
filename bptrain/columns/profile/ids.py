"""IDs: columns that number or name their rows, and columns that a number alone tells apart."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from bptrain.arrays import Array
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
    for some in (values[:HEAD], values):
        finite = some[np.isfinite(some)]
        if (finite != np.floor(finite)).any():
            return False
    if not len(finite) or np.ptp(finite) <= 1:
        return False
    return is_named_like_id(name) or (not alone and counts_rows(name, finite))


def is_text_id(name: str, values: Array) -> bool:
    """Tell whether a column of text has another value in each row, of many, or named like an ID."""
    head = [value for value in values[:HEAD].tolist() if value is not None]
    if len(set(head)) < len(head):
        return False
    found = [value for value in values.tolist() if value is not None]
    return 1 < len(found) == len(set(found)) and (len(found) >= ENOUGH or is_named_like_id(name))


def counts_rows(name: str, finite: Array) -> bool:
    """Tell whether whole numbers count from somewhere to somewhere, each once, and are not named like a time."""
    if len(finite) < ENOUGH or TIME.search(name) or np.ptp(finite) != len(finite) - 1:
        return False
    return bool((np.diff(np.sort(finite)) == 1).all())
