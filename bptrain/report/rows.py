"""Rows as people know them: the values of the columns, or the picture whose pixels they are."""

import re
from collections.abc import Iterator

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.features import Boolean, Categorical, Feature, Numeric
from bptrain.report.html import safe_name

ROUNDING = 1e-6
"""The share of a scaled value that single precision may have lost, and a little more."""

SMALLEST = 4
"""Pixels of the side of a picture at least."""


def grid(columns: Columns) -> Array | None:
    """The numbers of the inputs at each place of the picture that a row is, `(height, width)`; None if it is none.

    It is one if all columns are numbers and called like pixels: a word, then line and place in it, such as `pixel_0_7`.
    """
    if not all(isinstance(one, Numeric) and not one.indicator for one in columns.features):
        return None
    found = [re.fullmatch(r"(.*?)_?(\d{1,4})_(\d{1,4})", one.name) for one in columns.features]
    places = [(one[1], int(one[2]), int(one[3])) for one in found if one]
    if len(places) < len(found) or len({word for word, _, _ in places}) != 1:
        return None
    lines, across = [line for _, line, _ in places], [place for _, _, place in places]
    first = min(lines), min(across)
    height, width = max(lines) - first[0] + 1, max(across) - first[1] + 1
    if min(height, width) < SMALLEST or height * width != len(set(zip(lines, across, strict=True))):
        return None
    numbers = np.empty((height, width), np.int64)
    numbers[np.array(lines) - first[0], np.array(across) - first[1]] = np.arange(len(places))
    return numbers


def picture(columns: Columns, places: Array, inputs: Array) -> Array:
    """The pixels of a row in their own units, `(height, width)`."""
    pixels = [one for one in columns.features if isinstance(one, Numeric)]
    wide = inputs.astype(np.float64)
    shown: Array = np.array([one.unscaled(wide[k : k + 1])[0] for k, one in enumerate(pixels)])[places]
    return shown


def values(columns: Columns, inputs: Array, most: int) -> Iterator[str]:
    """What a row has in its first columns, as the table had it."""
    start = 0
    for feature in columns.features[:most]:
        count = len(feature.outputs)
        yield value(feature, inputs[start : start + count].astype(np.float64))
        start += count


def value(feature: Feature, inputs: Array) -> str:
    """What a row has in a column, from the inputs that were made of it."""
    if isinstance(feature, Numeric):
        own, near = (float(feature.unscaled(one)[0]) for one in (inputs[:1], inputs[:1] * (1 + ROUNDING) + ROUNDING))
        # What rounding has left of a zero is no number that the table had.
        return f"{0.0 if abs(own) <= abs(near - own) else own:.4g}"
    if isinstance(feature, Boolean):
        return safe_name(feature.pair[int(inputs[0] > 0.5)], 24)
    if isinstance(feature, Categorical):
        shares = inputs[: len(feature.categories)]
        return safe_name(feature.categories[int(shares.argmax())], 24) if shares.max() > 0.5 else "–"
    return "–"
