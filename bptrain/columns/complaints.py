"""Complaints: what is said of values that cannot be learned from, with their place in the data."""

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.kinds import odd_texts
from bptrain.columns.scalers import Scaler
from bptrain.errors import InputError
from bptrain.registry import name_of
from bptrain.tables.selection import Selection
from bptrain.tables.table import advice_on, is_number, shown
from bptrain.tables.values import text_of

MOST_NAMED = 3
"""So many rows with a missing value are named."""


def text_among_numbers(rows: Selection, name: str, values: Array) -> InputError:
    """What is said of text in a column of numbers."""
    row = min(odd.rows[0] for odd in odd_texts(values, rows.decimal))
    got = f"{rows.where(row)}: {name}: text among the numbers (got {shown(values[row])})"
    if is_number(values[row], "," if rows.decimal == "." else "."):
        return InputError(f"{got}; {advice_on(values[row], rows.decimal)}")
    return InputError(f"{got}; correct it, leave the column out, or write columns: {{{name}: {{kind: categorical}}}}")


def no_policy(rows: Selection, name: str, holes: Array) -> InputError:
    """What is said of missing values for which no policy was chosen; it names the first rows."""
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
    """What is said of a number that cannot be scaled."""
    value = values[row]
    with np.errstate(all="ignore"):
        scaled = scaler.apply(np.array([value]), scaler.fit(np.zeros(1)))
    if not np.isfinite(scaled).all():
        what = f"{name_of(scaler)} is not defined for {value:g}; choose another scaling for this column"
    else:
        what = f"{value:g} is too large to train with; correct it or remove the row"
    return InputError(f"{rows.where(row)}: {name}: {what}")


def called(value: object) -> str:
    """A value of a column for a message."""
    if value is None or value != value:
        return "nothing"
    return shown(text_of(value)) if isinstance(value, float) else shown(value)
