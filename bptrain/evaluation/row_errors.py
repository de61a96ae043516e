"""Row errors: the rows of a table that cannot be predicted, and why."""

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from bptrain.arrays import Array
from bptrain.columns.columns import Columns
from bptrain.columns.features import Feature
from bptrain.errors import InputError
from bptrain.model.model import Model
from bptrain.tables.table import Selection, Table

RowErrors = dict[int, str]
"""The reason why a row has no prediction, by its number in the table."""

REASON = re.compile(r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^;])*""")
"""A message up to its advice: a semicolon that is in no quoted text."""

TOO_FAR = "the network's output is not finite, since the row is far from all training rows"
ROW = "table"
"""The origin of a table that does not know the lines of its rows."""

DROPPED = "a missing value, and the config drops such rows"
MOST_REASONS = 3
"""At most this many rows that cannot be predicted are named."""


@dataclass
class Tallies:
    """Counts of ignored values and missing values by column, and of rows without a prediction; `reasons` tell why the
    first were skipped, and where they are."""

    unseen: Counter[str]
    missing: Counter[str]
    dropped: int = 0
    skipped: int = 0
    reasons: list[str] = field(default_factory=list)

    def add_errors(self, table: Table, errors: RowErrors) -> None:
        """Count the rows of a table that are skipped."""
        self.skipped += len(errors)
        for row in sorted(errors)[: MOST_REASONS - len(self.reasons)]:
            self.reasons.append(f"{table.where(row)}: {errors[row]}")


def find_row_errors(columns: Columns, rows: Selection) -> RowErrors:
    """Return the rows that have a value in a feature that cannot be used; the first such feature is named."""
    found: RowErrors = {}
    # To look up the line of a row, a file is read from its beginning, which would take too long for many rows.
    table = Table(rows.table.columns, ROW, decimal=rows.table.decimal)
    for feature in columns.features:
        for number, reason in find_feature_errors(feature, Selection(table, rows.rows)).items():
            found.setdefault(number, reason)
    return found


def find_feature_errors(feature: Feature, rows: Selection) -> RowErrors:
    """Return the rows that a feature cannot encode: halves of the rows are tried until each wrong one is alone, so that
    a feature needs to say no more than that it cannot encode some rows."""
    found: RowErrors = {}
    waiting = [rows.numbers]
    while waiting:
        numbers = waiting.pop()
        some = Selection(rows.table, numbers)
        try:
            feature.encode(some, np.empty((len(numbers), len(feature.input_names))), Counter())
        except InputError as error:
            if len(numbers) == 1:
                found[int(numbers[0])] = shorten_reason(str(error), some.where(0))
            else:
                waiting += np.array_split(numbers, 2)
    return found


def shorten_reason(message: str, place: str) -> str:
    """Return a message about a row without the place and the advice."""
    reason = REASON.match(message.removeprefix(f"{place}: "))
    return reason[0] if reason else message


def add_prediction_advice(error: InputError) -> InputError:
    """Return an error about a row with what can be done at prediction."""
    first = "then train again, or" if "write under data" in str(error) else "or"
    return InputError(f"{error}; {first} predict the other rows with --on-error skip")


def find_usable_rows(model: Model, table: Table, *, skip: bool) -> tuple[Array | None, RowErrors]:
    """Return the rows that can be predicted (None: all), and why others cannot if these are skipped."""
    rows, _ = model.columns.find_complete(table, target=False)
    if not skip or not len(table):
        return rows, {}
    complete = Selection(table, rows)
    errors = find_row_errors(model.columns, complete)
    if not errors:
        return rows, errors
    return complete.numbers[~np.isin(complete.numbers, list(errors))], errors


def list_reasons(rows: Array | None, errors: RowErrors, count: int) -> Array:
    """Return why each of `count` rows has no prediction; None for the rows that have one, which are given."""
    out: Array = np.full(count, None, object)
    if rows is not None:
        out[:] = DROPPED
        out[rows] = None
    for row, reason in errors.items():
        out[row] = reason
    return out
