"""Errors for values that cannot be learned from: where they are, and what to do."""

from collections.abc import Sequence

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.dates.forms import find_forms
from bptrain.columns.kinds import find_odd_texts
from bptrain.columns.options import Kind
from bptrain.columns.scalers import Scaler
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.tables.number_signs import advise_on_signs
from bptrain.tables.table import Selection, advise_on, is_number, quote
from bptrain.tables.values import find_missing, number_to_text

MOST_NAMED = 3
"""At most this many texts and this many rows are named."""


def build_text_error(rows: Selection, name: str, values: Array, advice: str = "") -> InputError:
    """Return the error for text in a column of numbers; it names the texts and the first rows with each.

    Args:
        rows: rows with the text.
        name: name of the column.
        values: values in the rows, objects.
        advice: what to do; empty: what works with any config.
    """
    odd = find_odd_texts(values, rows.decimal)
    row = min(one.rows[0] for one in odd)
    got = f"{rows.where(row)}: {name}: text among the numbers (got {quote(values[row])})"
    total = sum(len(one.rows) for one in odd)
    if total > 1:
        some = ", ".join(f"{quote(one.text)} in {count_places(rows, one.rows)}" for one in odd[:MOST_NAMED])
        if numbers := np.count_nonzero(~find_missing(values)) - total:
            got += f"; {numbers:,} numbers, and {some}{', ...' if len(odd) > MOST_NAMED else ''}"
    if signs := advise_on_signs(values.tolist(), rows.decimal):
        return InputError(f"{got}; if these are numbers, write {signs} in the options of the source")
    if is_number(values[row], "," if rows.decimal == "." else "."):
        return InputError(f"{got}; {advise_on(values[row], rows.decimal)}")
    categories = f"columns: {{{name}: {{kind: categorical, unseen: ignore}}}}"
    return InputError(f"{got}; {advice or f'correct it or remove the row, or write under data: {categories}'}")


def build_missing_error(rows: Selection, name: str, holes: Array, kind: Kind) -> InputError:
    """Return the error for missing values in a feature without an imputer; it names the first rows."""
    found = np.flatnonzero(holes)
    first = rows.where(int(found[0]))
    if len(found) == len(holes) > 1:
        return InputError(f"{first}: {name}: the whole column is empty; leave it out of data.features")
    more = f", one of {len(found):,} (also in {list_places(rows, found, 1)})" if len(found) > 1 else ""
    imputer = "median" if kind in ("numeric", "date") else "most_frequent"
    advice = f"fill it in, remove the row, or write under data: columns: {{{name}: {{missing: {imputer}}}}}"
    return InputError(
        f"{first}: {name}: a missing value or NaN{more}; {advice} (for other ways: bptrain list imputers)"
    )


def build_unseen_error(
    rows: Selection, name: str, values: Array, strange: Array, categories: Sequence[str]
) -> InputError:
    """Return the error for values of a categorical column that are not among its categories.

    Args:
        rows: the rows.
        name: name of the column.
        values: the values of the column in these rows.
        strange: the places of those that are unseen.
        categories: what is known from the training rows.
    """
    row = int(strange[0])
    some = ", ".join(map(quote, categories[:10])) + (", ..." if len(categories) > 10 else "")
    more = f", one of {len(strange):,} such rows" if len(strange) > 1 else ""
    what = f"a value unseen in training{more} (got {format_value(values[row])}, expected one of {some})"
    options = "{kind: date}" if len(find_forms(np.array(categories, object))) == 1 else "{unseen: ignore}"
    advice = f"correct it, or write under data: columns: {{{name}: {options}}}"
    return InputError(f"{rows.where(row)}: {name}: {what}; {advice}")


def build_scale_error(rows: Selection, name: str, scaler: Scaler, values: Array, row: int) -> InputError:
    """Return the error for a number that cannot be scaled."""
    value = values[row]
    with np.errstate(all="ignore"):
        scaled = scaler.apply(np.array([value]), scaler.fit(np.zeros(1)))
    if not np.isfinite(scaled).all():
        advice = f"correct it, or write under data: columns: {{{name}: {{scaling: standard}}}}"
        return InputError(f"{rows.where(row)}: {name}: {name_of(scaler)} is not defined for {value:g}; {advice}")
    what = f"{value:g} is too large to train with; correct it or remove the row"
    return InputError(f"{rows.where(row)}: {name}: {what}")


def count_places(rows: Selection, found: Sequence[int]) -> str:
    """Return how many rows were found, and the first of them: `12 rows (lines 5, 45, 230, ...)`."""
    if len(found) == 1:
        return list_places(rows, found)
    return f"{len(found):,} rows ({list_places(rows, found)})"


def list_places(rows: Selection, found: Sequence[int] | Array, start: int = 0) -> str:
    """Return the places of the first rows that were found, from `start` on: `lines 5, 45, ...` or `row 7`.

    Rows of several files are named with their files.
    """
    places = [rows.where(int(k)) for k in found[start:MOST_NAMED]]
    more = ", ..." if len(found) > MOST_NAMED else ""
    file = rows.where(int(found[0])).rpartition(":")[0]
    plural = "s" * (len(places) > 1)
    for noun, prefix in (("line", f"{file}:"), ("row", f"{rows.table.origin}, row ")):
        numbers = [place.removeprefix(prefix) for place in places]
        if all(map(str.isdecimal, numbers)):
            return f"{noun}{plural} {', '.join(numbers)}{more}"
    return ", ".join(places) + more


def format_value(value: object) -> str:
    """Return a value of a column for a message."""
    if value is None or value != value:
        return "nothing"
    return quote(number_to_text(value)) if isinstance(value, float) else quote(value)
