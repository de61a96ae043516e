"""The time column: the dates in whose order rows are, so that a first config holds out the latest."""

from collections.abc import Sequence

import numpy as np

from bptrain.columns.dates.calendar import is_series
from bptrain.columns.profile.proposals import Goal, Proposal
from bptrain.columns.split import Split, split_rows
from bptrain.columns.targets import select_present
from bptrain.errors import OptionError
from bptrain.tables.table import Selection, Table


def find_time_column(table: Table, used: Sequence[Proposal], goal: Goal, share: float) -> str:
    """Return the column of dates in whose order the rows of a table are, so that the latest are to be held out; empty
    if there is none, or if a class has no row among the earlier ones.

    Args:
        table: all rows.
        used: the features.
        goal: what is predicted.
        share: the share of the rows for validation, which is also the share for the test.
    """
    dated = [one for one in used if one.form and is_series(table.columns[one.name], one.form)]
    if not dated or not share:
        return ""
    name, rows = dated[0].name, select_present(Selection(table), goal.name)
    try:
        found = split_rows(Split(share, share, "time", name), rows, None, np.random.default_rng(0), str(dated[0].form))
    except OptionError:
        return ""
    labels = {split: set(map(str, table.take(goal.name, numbers).tolist())) for split, numbers in found.items()}
    return name if goal.task == "regression" or labels["train"] == set[str]().union(*labels.values()) else ""
