"""Values of a column: which are missing, which differ, and the place of each among known ones.

A column of numbers is float64 with NaN where a value is missing, any other one has objects: text, and None where a
value is missing. Work per row is left to NumPy, and to what Python does in C.
"""

import re
from collections.abc import Sequence
from itertools import repeat

import numpy as np

from bptrain.arrays import Array, iter_chunks
from bptrain.tables.table import is_number

UNSEEN = -1
MISSING = -2

PADDED = re.compile(r"\s*[-+]?0[0-9]+\s*")
"""A whole number with zeros before it, which is a code rather than a number."""

LOOKED_AT = 1000
"""So many values, evenly spread, tell whether a column is meant to be numbers."""


def missing(values: Array) -> Array:
    """Which values are missing, `(rows,)` bool."""
    if values.dtype == object:
        return np.asarray(values == np.array(None, object), bool)
    return np.isnan(values)


def distinct(values: Array) -> list[str] | list[float]:
    """The different values that are present, sorted."""
    if values.dtype == object:
        different = set[str]()
        for chunk in iter_chunks(values):
            different.update(chunk.tolist())
        return sorted(different - {None})
    each = [np.unique(chunk[~np.isnan(chunk)]) for chunk in iter_chunks(values)]
    found: list[float] = np.unique(np.concatenate(each or [values])).tolist()
    return found


def text_of(number: float) -> str:
    """A number as a category is called: `3` for 3.0."""
    return str(int(number)) if np.isfinite(number) and number == int(number) else repr(number)


def codes(values: Array, labels: Sequence[str | int], decimal: str = ".") -> Array:
    """The place of each value among the labels, `(rows,)` int64; `UNSEEN` where it is none, `MISSING` where there is
    none.

    Whole numbers are compared as numbers, even where a later file has them as text; text as it is.
    """
    place: dict[str | int, int] = {label: k for k, label in enumerate(labels)}
    whole = bool(labels) and isinstance(labels[0], int)
    if values.dtype == object:
        known: dict[str | None, int] = {None: MISSING}
        if whole:
            for text in set(values.tolist()) - {None}:
                number = float(text.replace(decimal, ".")) if is_number(text, decimal) else 0.5
                known[text] = place.get(int(number), UNSEEN) if number == np.floor(number) else UNSEEN
        else:
            known.update({str(label): k for label, k in place.items()})
        return np.fromiter(map(known.get, values.tolist(), repeat(UNSEEN)), np.int64, len(values))
    found, inverse = np.unique(values, return_inverse=True)
    places = np.full(len(found), UNSEEN, np.int64)
    for k, number in enumerate(found.tolist()):
        if number != number:
            places[k] = MISSING
        elif np.isfinite(number):
            called = (int(number) if number == int(number) else None) if whole else text_of(number)
            places[k] = UNSEEN if called is None else place.get(called, UNSEEN)
    return places[inverse.reshape(-1)]


def are_numbers(values: Array, decimal: str = ".") -> bool:
    """Whether a text column is numbers alone, none of them padded with zeros as a code is."""
    found = set(values.tolist()) - {None}
    return bool(found) and all(is_number(text, decimal) and not PADDED.fullmatch(text) for text in found)


def spread_places(values: Array, most: int) -> Array:
    """Return the places of values that are there, evenly spread, no more than `most`, int64 ascending."""
    count = sum(len(chunk) - int(np.count_nonzero(missing(chunk))) for chunk in iter_chunks(values))
    step = -(-count // most) or 1
    found, start, skipped = [np.empty(0, np.int64)], 0, 0
    for chunk in iter_chunks(values):
        there = np.flatnonzero(~missing(chunk))
        found.append(there[skipped::step] + start)
        start, skipped = start + len(chunk), (skipped - len(there)) % step
    return np.concatenate(found)


def looks_numeric(values: Array) -> bool:
    """Whether at least half of the present values of a text column are numbers, be it with a decimal comma."""
    some = values[spread_places(values, LOOKED_AT)]
    return 2 * sum(is_number(text) or is_number(text, ",") for text in some) >= max(len(some), 1)


def as_numbers(values: Array, decimal: str = ".") -> Array:
    """Text that is all numbers, or missing, as float64; `decimal` stands before the fraction."""
    texts = ("nan" if text is None else text.replace(decimal, ".") for text in values.tolist())
    return np.fromiter(map(float, texts), np.float64, len(values))


def first_no_number(values: Array, decimal: str = ".") -> int | None:
    """The place of the first text that is no number, if there is one."""
    bad = {text for text in distinct(values) if not is_number(str(text), decimal)}
    return next((k for k, text in enumerate(values.tolist()) if text in bad), None) if bad else None
