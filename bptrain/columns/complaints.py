"""Complaints: errors for values that cannot be learned from, with their place in the data."""

from collections.abc import Sequence

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.kinds import odd_texts
from bptrain.columns.scalers import Scaler
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.tables.table import Selection, advice_on, is_number, quote
from bptrain.tables.values import missing, text_of

MOST_NAMED = 3
"""So many rows with a missing value are named."""


def text_among_numbers(rows: Selection, name: str, values: Array, advice: str = "") -> InputError:
    """Return the error for text in a column of numbers; it names the texts and the first rows of each.

    Args:
        rows: in which it stands.
        name: of the column.
        values: of the rows, objects.
        advice: what to do; empty: what goes without the config.
    """
    odd = odd_texts(values, rows.decimal)
    row = min(one.rows[0] for one in odd)
    got = f"{rows.where(row)}: {name}: text among the numbers (got {quote(values[row])})"
    total = sum(len(one.rows) for one in odd)
    if total > 1:
        some = ", ".join(f"{quote(one.text)} in {places_of(rows, one.rows)}" for one in odd[:MOST_NAMED])
        if numbers := np.count_nonzero(~missing(values)) - total:
            got += f"; {numbers:,} numbers, and {some}{', ...' if len(odd) > MOST_NAMED else ''}"
    if is_number(values[row], "," if rows.decimal == "." else "."):
        return InputError(f"{got}; {advice_on(values[row], rows.decimal)}")
    categories = f"columns: {{{name}: {{kind: categorical, unseen: ignore}}}}"
    return InputError(f"{got}; {advice or f'correct it, leave the column out, or write {categories}'}")


def places_of(rows: Selection, found: Sequence[int]) -> str:
    """Return how many rows there are and where the first of them stand: `12 rows (5, 45, 230, ...)`."""
    where = [rows.where(k) for k in found[:MOST_NAMED]]
    if all(place.rpartition(":")[2].isdecimal() for place in where):
        where = [place.rpartition(":")[2] for place in where]
    else:
        where = [place.removeprefix(f"{rows.table.origin}, row ") for place in where]
    some = ", ".join(where) + (", ..." if len(found) > MOST_NAMED else "")
    return f"{len(found):,} row{'s' * (len(found) > 1)} ({some})"


def no_policy(rows: Selection, name: str, holes: Array) -> InputError:
    """Return the error for missing values without a policy; it names the first rows."""
    found = np.flatnonzero(holes)
    first = rows.where(int(found[0]))
    if len(found) == len(holes) > 1:
        return InputError(f"{first}: {name}: the whole column is empty; leave it out of data.features")
    more = ""
    if len(found) > 1:
        # `file.csv:7` and then `9, 12`, or `iris, row 7` and then `row 9, row 12`.
        others = [rows.where(int(k)) for k in found[1:MOST_NAMED]]
        start = first[: first.rindex(":") + 1] if first.rpartition(":")[2].isdecimal() else f"{rows.table.origin}, "
        also = ", ".join(other.removeprefix(start) for other in others)
        more = f", one of {len(found):,} (also {also}{', ...' if len(found) > MOST_NAMED else ''})"
    what = f"a missing value or NaN{more}; fill it in, remove the row, or choose what becomes of it"
    return InputError(f"{first}: {name}: {what}: columns: {{{name}: {{missing: median}}}} (bptrain list imputers)")


def out_of_scale(rows: Selection, name: str, scaler: Scaler, values: Array, row: int) -> InputError:
    """Return the error for a number that cannot be scaled."""
    value = values[row]
    with np.errstate(all="ignore"):
        scaled = scaler.apply(np.array([value]), scaler.fit(np.zeros(1)))
    if not np.isfinite(scaled).all():
        what = f"{name_of(scaler)} is not defined for {value:g}; choose another scaling for this column"
    else:
        what = f"{value:g} is too large to train with; correct it or remove the row"
    return InputError(f"{rows.where(row)}: {name}: {what}")


def show_value(value: object) -> str:
    """Return a value of a column for a message."""
    if value is None or value != value:
        return "nothing"
    return quote(text_of(value)) if isinstance(value, float) else quote(value)
