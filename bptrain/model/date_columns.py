"""Dates among the columns of a config: their form, and what to write where a value is no date."""

from collections.abc import Collection

import numpy as np

from bptrain.columns.dates.date_feature import build_date_error, choose_form
from bptrain.columns.dates.forms import Form, find_forms, parse_dates, write_forms
from bptrain.columns.dates.marks import find_marks
from bptrain.columns.imputers import Drop
from bptrain.config import Data
from bptrain.config.document.dump import to_inline_yaml
from bptrain.tables.table import Selection, Table, quote
from bptrain.tables.values import find_missing


def describe_dates(table: Table, name: str) -> str:
    """Return that a column has dates, with one of them, and what to write in a config to learn from them."""
    values, called = table.column(name), to_inline_yaml(name)
    forms, example = find_forms(values), quote(values[int(np.argmin(find_missing(values)))])
    options = write_forms(name, forms) if len(forms) > 1 else f"columns: {{{called}: {{kind: date}}}}"
    return f"dates (such as {example}); write under data: {options}"


def require_dates(data: Data, rows: Selection, name: str) -> Form:
    """Return the form of a column whose values are all dates.

    Raises:
        InputError: one is not, of the whole table; or the form is left open.
    """
    whole = Selection(rows.table)
    form, values = choose_form(whole, name, data.get_treatment(name).format), whole.column(name)
    wrong = parse_dates(values, form).wrong
    if wrong.any():
        raise build_date_error(whole, name, values, wrong, form, advise_on_marks(data, name, find_marks(values, wrong)))
    return form


def advise_on_marks(data: Data, name: str, marks: Collection[str]) -> str:
    """Return how to have the marks of missing dates read as missing; empty if there are none."""
    known: tuple[str, ...] | None = getattr(data.source, "missing", None)
    if not marks or known is None:
        return ""
    which = ", ".join(map(quote, marks)) + (" means" if len(marks) == 1 else " mean")
    advice = f", or, if {which} a missing value, write missing: {to_inline_yaml([*known, *marks])} in the options"
    policy = data.choose_imputer(name, "date")
    if policy.fills or isinstance(policy, Drop):
        return f"{advice} of the source"
    return (
        f"{advice} of the source, and under data: columns: {{{to_inline_yaml(name)}: {{kind: date, missing: median}}}}"
    )
