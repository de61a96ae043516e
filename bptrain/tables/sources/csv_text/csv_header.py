"""Whether the first line of a CSV file names the columns or is a row, as its values and those below them tell."""

import re
from collections.abc import Sequence
from typing import Literal

from bptrain.tables.sources.csv_text.csv_format import CsvFormat

HeaderKind = Literal["names", "data", "either"]

MOST_COLUMNS = 500
"""Columns that tell whether the first line names them."""

USUAL_SHARE = 0.9
"""The share of the values of a column that are numbers, or dates, if the others are mistakes."""

ABSENT = re.compile(r"[-?.*~]*|#?n/?a|<na>|nan|null|none|unknown|missing", re.I)
"""What people write where a value is missing, a column of numbers too."""

NUMBER = re.compile(r"[-+(]?\s*[$€£]?\s*[-+]?(\d[\d.,']*|\.\d+)([eE][-+]?\d+)?\s*[%$€£)]?")
"""A number as people write it, with a unit or thousands."""

DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T].*)?|\d{1,2}:\d{2}(:\d{2}.*)?")

YEARS = range(1800, 2201)


def classify_first_line(first: Sequence[str], rows: Sequence[Sequence[str]], form: CsvFormat) -> HeaderKind:
    """Tell whether the first line of a file names the columns or is a row itself; `either` if both fit equally.

    A column speaks for data where the first value is of the kind of the others, a number in their range or a label that
    occurs below; and for names where it is not.

    Args:
        first: the values of the first line, of which the first `MOST_COLUMNS` are looked at.
        rows: those of the lines after it, as many for each.
        form: how the file is written.
    """
    if not rows:
        return "names"
    first = [value.strip() for value in first[:MOST_COLUMNS]]
    columns = [
        [value.strip() for value in column] for column in zip(*(row[:MOST_COLUMNS] for row in rows), strict=False)
    ]
    kinds = [classify_values(column, form) for column in columns]
    votes = [vote(value, column, kind, form) for value, column, kind in zip(first, columns, kinds, strict=False)]
    numbered = [k for k, value in enumerate(first) if is_number_text(value)]
    if is_sequence([first[k] for k in numbered], len(first)):
        rest = [one for k, one in enumerate(votes) if k not in numbered]
        fitting = all(votes[k] > 0 and (not is_year(first[k]) or all(map(is_year, columns[k]))) for k in numbered)
        if not fitting or min(rest, default=0) < 0:
            return "names"
        return "data" if max(rest, default=0) > 0 else "either"
    for_names, for_data = -sum(one for one in votes if one < 0), sum(one for one in votes if one > 0)
    if for_names == for_data:
        return "either" if for_data or len(numbered) == len(first) else "names"
    return "names" if for_names > for_data else "data"


def vote(value: str, column: Sequence[str], kind: str, form: CsvFormat) -> int:
    """Return how much the first value of a column speaks for data, below 0 for names, 0 if it tells nothing."""
    if value in form.missing or ABSENT.fullmatch(value):
        return int(bool(value) and (kind != "text" or value in column))
    if kind == "number":
        return 2 * fits(value, column) if is_number_text(value) else -3
    if kind == "date":
        return 1 if DATE.fullmatch(value) else -3
    present = [one for one in column if one]
    if value in present:
        return 1
    # A label of a column with few others would most likely occur below.
    return -1 if len(present) >= 4 and 2 * len(set(present)) <= len(present) else 0


def classify_values(column: Sequence[str], form: CsvFormat) -> str:
    """Return `number`, `date` or `text`: what most of the values of a column are."""
    present = [value for value in column if value not in form.missing and not ABSENT.fullmatch(value)]
    for kind, is_of_kind in (("number", is_number_text), ("date", DATE.fullmatch)):
        if present and sum(map(bool, map(is_of_kind, present))) >= USUAL_SHARE * len(present):
            return kind
    return "text"


def is_number_text(text: str) -> bool:
    """Tell whether a text is a number, perhaps with a unit or with signs between thousands."""
    return NUMBER.fullmatch(text) is not None and not DATE.fullmatch(text)


def to_float(text: str) -> float | None:
    """Return the number of a text that may have a unit; None: it is not clear which."""
    try:
        return float(re.sub(r"[^-+.\deE]", "", text))
    except ValueError:
        return None


def fits(value: str, column: Sequence[str]) -> bool:
    """Tell whether a number is like those of its column: not far from them, and with a decimal point if all have
    one."""
    texts = [one for one in column if is_number_text(one)]
    if value.isdecimal() and all("." in one for one in texts):
        return False
    number, others = to_float(value), [one for one in map(to_float, texts) if one is not None]
    if number is None or not others:
        return number is None
    low, high = min(others), max(others)
    return 2 * low - high <= number <= 2 * high - low


def is_year(text: str) -> bool:
    """Tell whether a text may be a year."""
    return text.isdecimal() and int(text) in YEARS


def is_sequence(values: Sequence[str], columns: int) -> bool:
    """Tell whether the numbers of the first line are years, or 0, 1, 2, ... in all columns but one, as names may be."""
    if not all(value.isdecimal() for value in values):
        return False
    numbers = [int(value) for value in values]
    if len(numbers) > 1 and all(map(is_year, values)) and numbers == sorted(set(numbers)):
        return True
    start = numbers[0] if numbers else 0
    is_counted = start in (0, 1) and numbers == list(range(start, start + len(numbers)))
    return is_counted and len(numbers) > 2 and len(numbers) >= columns - 1
