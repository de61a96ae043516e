"""The times that rows are ordered by when the latest are held out: numbers, or dates of any form."""

import warnings

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.dates.forms import Form, find_forms, join_forms, parse_dates, write_forms
from bptrain.errors import InputError
from bptrain.tables.table import Selection, quote


def read_times(rows: Selection, name: str, values: Array, form: str | None = None) -> Array:
    """Return numbers or dates as numbers that can be sorted, `(rows,)`.

    Args:
        rows: the rows, for messages.
        name: name of the column.
        values: its values in these rows, none missing.
        form: how dates are written; None: as in 2024-01-31, or found from the values.

    Raises:
        InputError: a text is not a date, or the form of the dates is left open.
    """
    if form is None:
        if values.dtype != object:
            return values
        if (found := parse_iso_dates(values.tolist())) is not None:
            return found
    forms = (Form(form),) if form is not None else find_forms(values)
    if len(forms) > 1:
        what = f"all its dates can be read as {join_forms(forms)} (such as {quote(values[0])})"
        advice = f"write under data which it is: {write_forms(name, forms)}"
        raise InputError(f"{rows.where(0)}: {name}: {what}; {advice}")
    expected = forms[0] if forms else Form("YYYY-MM-DD")
    dates = parse_dates(values, expected)
    if dates.wrong.any():
        row = int(np.flatnonzero(dates.wrong)[0])
        example = expected.text if forms else "2024-01-31 or 2024-01-31 23:59"
        what = f"expected a number or a date (got {quote(values[row])}); write dates as {example}"
        raise InputError(f"{rows.where(row)}: {name}: {what}")
    return dates.times.astype(np.int64)


def parse_iso_dates(texts: list[str]) -> Array | None:
    """Return dates such as 2024-01-31T23:59 as int64 microseconds; None if a text is no such date."""
    with warnings.catch_warnings():
        # NumPy warns about times with a time zone, which it converts correctly.
        warnings.simplefilter("ignore")
        try:
            found = np.array([text.strip() for text in texts], dtype="datetime64[us]")
        except ValueError:
            return None
    return None if np.isnat(found).any() else found.astype(np.int64)
