"""Marks in a column of dates: the texts among them that mean a missing date."""

import re
from collections import Counter
from collections.abc import Mapping

from bptrain.arrays import Array
from bptrain.columns.dates.forms import find_forms, parse_dates
from bptrain.tables.number_signs import NUMBER_MARKS, RARE, is_mark

ZERO = re.compile(r"[0:. /TZ-]*")
"""A date of zeros, as databases write a missing one."""


def find_marks(values: Array, wrong: Array) -> dict[str, int]:
    """Return the texts that mean a missing date, with their rows; none if another text is no date either.

    Args:
        values: a column `(rows,)`.
        wrong: which of them are no dates, `(rows,)` bool.
    """
    if values.dtype != object:
        return {}
    counts = Counter(values[wrong].tolist())
    known = {text for text in counts if text.strip().lower() in NUMBER_MARKS or ZERO.fullmatch(text)}
    if len(counts) == 1:
        known |= {text for text, count in counts.items() if is_mark(text) and count <= RARE * len(values)}
    return dict(counts) if known == counts.keys() else {}


def find_date_marks(columns: Mapping[str, Array]) -> dict[str, int]:
    """Return the texts that mean a missing date in columns of dates, with their rows."""
    found = Counter[str]()
    for values in columns.values():
        forms = find_forms(values) if values.dtype == object else ()
        if len(forms) == 1 and (wrong := parse_dates(values, forms[0]).wrong).any():
            found.update(find_marks(values, wrong))
    return dict(found)
