"""Values of a column: which are missing, which differ, and the code of each among known labels.

A column of numbers is float64 with NaN for a missing value; a column of text has objects, and None for a missing value.
Work on each row is left to NumPy, or to what Python does in C.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

import numpy as np

from bptrain.arrays import Array, iter_chunks
from bptrain.tables.table import is_number

UNSEEN = -1
"""The code of a value that is no label."""

MISSING = -2
"""The code of a missing value."""

PAIRS = (("false", "true"), ("no", "yes"), ("0", "1"), ("f", "t"), ("n", "y"), ("off", "on"))
"""The values of a boolean column in lower case, no before yes."""

WHOLE = re.compile(r"([-+]?(?:0|[1-9][0-9]*))\.0*")
"""A whole number that is written with a decimal point; its digits are a group."""

PADDED = re.compile(r"\s*[-+]?0[0-9]+\s*")
"""A whole number with zeros before it, which is a code rather than a number."""

SAMPLE_VALUES = 1000
"""At most this many values, evenly spread, tell whether a column is meant to be numbers."""


def find_missing(values: Array) -> Array:
    """Return which values are missing, `(rows,)` bool."""
    if values.dtype == object:
        return np.asarray(values == np.array(None, object), bool)
    return np.isnan(values)


def find_distinct(values: Array) -> list[str] | list[float]:
    """Return the distinct values of a column, sorted, without missing ones."""
    if values.dtype == object:
        different = set[str]()
        for chunk in iter_chunks(values):
            different.update(chunk.tolist())
        return sorted(different - {None})
    each = [np.unique(chunk[~np.isnan(chunk)]) for chunk in iter_chunks(values)]
    found: list[float] = np.unique(np.concatenate(each or [values])).tolist()
    return found


def number_to_text(number: float) -> str:
    """Return the label of a number as a category: `3` for 3.0."""
    return str(int(number)) if np.isfinite(number) and number == int(number) else repr(number)


def find_pair(values: Iterable[str]) -> tuple[str, str] | None:
    """Return the pair of words, no before yes, that all values of a boolean column belong to."""
    words = {fold_case(value) for value in values}
    return next((pair for pair in PAIRS if words <= set(pair)), None)


def fold_case(word: str) -> str:
    """Return a word in lower case and without spaces around it."""
    return word.strip().lower()


def fold_label(text: str) -> str:
    """Return a text without spaces around it, and a whole number without a decimal point."""
    label = text.strip() or text
    whole = WHOLE.fullmatch(label)
    return whole[1] if whole else label


def name_labels(texts: Iterable[str]) -> dict[str, str]:
    """Return the label of each text. Texts share one if they differ only in the spaces around them, or as 3 and 3.0 do,
    or as Yes and yes where all are yes or no."""
    labels = {text: fold_label(text) for text in texts}
    if find_pair(labels.values()):
        spellings = {label.lower(): label for label in sorted(labels.values(), reverse=True)}
        return {text: spellings[label.lower()] for text, label in labels.items()}
    return labels


def list_labels(values: Array) -> list[str]:
    """Return the distinct labels of a text column, sorted."""
    return sorted(set(name_labels(map(str, find_distinct(values))).values()))


def encode_labels(values: Array, labels: Sequence[str | int], decimal: str = ".") -> Array:
    """Return the code of each value, its index among the labels, `(rows,)` int64; `UNSEEN` for a value that is no
    label, `MISSING` for a missing one.

    Labels that are whole numbers are compared as numbers, even with text; other labels as text, and where that gives
    none, as `name_labels` does.
    """
    code: dict[str | int, int] = {label: k for k, label in enumerate(labels)}
    whole = bool(labels) and isinstance(labels[0], int)
    if values.dtype == object:
        known: dict[str | None, int] = {None: MISSING}
        if whole:
            for text in set(values.tolist()) - {None}:
                # 0.5 is never a label.
                number = float(text.replace(decimal, ".")) if is_number(text, decimal) else 0.5
                known[text] = code.get(int(number), UNSEEN) if number == np.floor(number) else UNSEEN
        else:
            known.update({str(label): k for label, k in code.items()})
        codes = np.fromiter(map(known.get, values.tolist(), repeat(UNSEEN)), np.int64, len(values))
        strange = codes == UNSEEN
        if strange.any() and not whole:
            near = {text: match_label(text, code) for text in set(values[strange].tolist())}
            codes[strange] = [near[text] for text in values[strange].tolist()]
        return codes
    found, inverse = np.unique(values, return_inverse=True)
    codes = np.full(len(found), UNSEEN, np.int64)
    for k, number in enumerate(found.tolist()):
        if number != number:
            codes[k] = MISSING
        elif np.isfinite(number):
            label = (int(number) if number == int(number) else None) if whole else number_to_text(number)
            codes[k] = UNSEEN if label is None else code.get(label, UNSEEN)
    return codes[inverse.reshape(-1)]


def match_label(text: str, code: Mapping[str | int, int]) -> int:
    """Return the code of the label that a text without a code of its own means; `UNSEEN` if there is none."""
    label = fold_label(text)
    if label in code:
        return code[label]
    folded = {fold_label(str(known)): k for known, k in code.items()}
    if find_pair([*map(str, code), label]):
        folded = {known.lower(): k for known, k in folded.items()}
        label = label.lower()
    return folded.get(label, UNSEEN)


def are_numbers(values: Array, decimal: str = ".") -> bool:
    """Tell whether a text column has numbers alone, none of them padded with zeros as a code is."""
    found = set(values.tolist()) - {None}
    return bool(found) and all(is_number(text, decimal) and not PADDED.fullmatch(text) for text in found)


def sample_rows(values: Array, most: int) -> Array:
    """Return the indices of at most `most` values that are not missing, evenly spread, int64 ascending."""
    count = sum(len(chunk) - int(np.count_nonzero(find_missing(chunk))) for chunk in iter_chunks(values))
    step = -(-count // most) or 1
    found, start, skipped = [np.empty(0, np.int64)], 0, 0
    for chunk in iter_chunks(values):
        present = np.flatnonzero(~find_missing(chunk))
        found.append(present[skipped::step] + start)
        start, skipped = start + len(chunk), (skipped - len(present)) % step
    return np.concatenate(found)


def looks_numeric(values: Array) -> bool:
    """Tell whether at least half of a sample of a text column is numbers, with a decimal point or comma."""
    some = values[sample_rows(values, SAMPLE_VALUES)]
    return 2 * sum(is_number(text) or is_number(text, ",") for text in some) >= max(len(some), 1)


def parse_numbers(values: Array, decimal: str = ".") -> Array:
    """Convert a text column of numbers with that decimal sign to float64; a missing value becomes NaN."""
    texts = ("nan" if text is None else text.replace(decimal, ".") for text in values.tolist())
    return np.fromiter(map(float, texts), np.float64, len(values))


def find_non_number(values: Array, decimal: str = ".") -> int | None:
    """Return the index of the first text that is no number; None if there is none."""
    bad = {text for text in find_distinct(values) if not is_number(str(text), decimal)}
    return next((k for k, text in enumerate(values.tolist()) if text in bad), None) if bad else None
